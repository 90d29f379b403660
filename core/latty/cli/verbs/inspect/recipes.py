"""What `latty inspect` tells of a picture that latty made, and of an archive of presets."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from latty.errors import BadData, LattyError
from latty.presets.archives import origins
from latty.presets.archives.opening import manifest_of
from latty.render import sources
from latty.render.embedded import document


def media(path: Path) -> dict[str, Any]:
    """The recipe that latty embedded, unchecked: `latty render` judges it."""
    try:
        recipe = document(path)
    except BadData as error:
        return {"note": str(error)}
    rest = {key: value for key, value in _table(recipe).items() if key != "preset"}
    facts = {"recipe": rest, "preset": _table(_table(recipe).get("preset"))}
    return {**facts, "differs": _differing(path)}


def packed(path: Path) -> dict[str, Any]:
    """What is in an archive, each member as its manifest says, and which of its models are here;
    nothing is unpacked. Raises BadData, Missing, OutputError."""
    manifest = manifest_of(path)
    models = {one.name: {**one.facts(), "here": one.file or origins.here(one) or "no"}
              for one in manifest.models}  # fmt: skip
    return {
        "holds": "presets",
        "presets": [Path(member).stem for member in manifest.presets],
        "models": models,
        "members": dict(manifest.members),
        "latty": manifest.latty,
    }


def _differing(path: Path) -> list[str]:
    """What a picture was made of that has other content here."""
    with suppress(LattyError):  # `latty render` tells what is wrong
        differs = sources.read(str(path), anyway=True).differs
        return [one.words("the one this was made with") for one in differs]
    return []


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
