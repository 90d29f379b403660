"""The JSON schema of a preset file: editors complete keys and show their help from it."""

from typing import Any, cast

from pydantic_core import CoreSchema

from latty.presets.shape import PRESET


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a preset file, for editors."""
    from pydantic.json_schema import GenerateJsonSchema

    made = _trimmed(GenerateJsonSchema().generate(cast(CoreSchema, PRESET)))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "latty preset",
        "description": "One scene, what moves in it, and the files to write.",
        **made,
    }


def _trimmed(node: Any) -> Any:
    """Without made-up titles."""
    if isinstance(node, list):
        return [_trimmed(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _trimmed(part) for name, part in value.items()}
        if key in ("properties", "$defs")
        else _trimmed(value)
        for key, value in node.items()
        if key != "title"
    }
