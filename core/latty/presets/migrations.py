"""Older layouts of preset files, one step per schema number, each a pure function."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from latty.errors import BadData
from latty.presets.values import SCHEMA

Step = Callable[[dict[str, Any]], dict[str, Any]]

STEPS: dict[int, Step] = {}  # n -> from schema n to schema n + 1; there is only schema 1 yet


def migrate(
    data: Mapping[str, Any], steps: Mapping[int, Step] = STEPS, newest: int = SCHEMA
) -> dict[str, Any]:
    """The data in the newest layout; no `schema` means 1. Raises BadData for a newer one."""
    schema = data.get("schema", 1)
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        return dict(data)  # no schema number: the validator says so, with its place
    if schema > newest:
        raise BadData(
            f"schema {schema} is newer than this latty, which reads up to schema {newest}",
            "update latty",
        )
    current = deepcopy(dict(data))
    for number in range(schema, newest):
        current = {**steps[number](current), "schema": number + 1}
    return current
