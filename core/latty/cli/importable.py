"""Whether a file or folder is directions or latents of another program: for import and inspect.

Neither torch nor numpy is imported.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.errors import BadData

OURS = "latty"  # the importer of our own files


if TYPE_CHECKING:
    from latty.directions.importing.base import Imported
    from latty.directions.importing.source import ImportSource


def find(path: Path, wanted: str = "", space: str = "") -> "Imported | None":
    """What an importer makes of it; None for generators, and for what no importer knows.

    Raises Missing, UsageError, OutputError, BadData.
    """
    from latty.directions.importing import recognise
    from latty.directions.importing.source import read_source

    recognise.check(wanted, space)
    source = replace(read_source(path), wanted=wanted, space=space)
    return None if not wanted and _is_generator(source) else recognise.judge(source)


def _is_generator(source: "ImportSource") -> bool:
    from latty.models.recognition import recognise

    if source.meta.get("kind") == "generator":
        return True
    return source.checkpoint is not None and recognise(source.checkpoint) is not None


def facts(path: Path) -> dict[str, Any]:
    """For `latty inspect`: what an importer would make of it, {} where none knows it."""
    try:
        found = find(path)
    except BadData as error:
        return {"note": str(error)}
    if found is None:
        return {}
    header = found.header
    told = {} if found.entry == OURS else {"try": f"latty import {path}"}
    return {
        "holds": found.kind,
        "format": found.entry,
        "space": header.space,
        "shape": "x".join(map(str, found.shape)),
        "model": header.model,
        "names": list(found.names),
        "notes": list(found.notes),
        **told,
    }
