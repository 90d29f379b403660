"""What `latty inspect` finds by name in the stores, and says of latents and their scores."""

from pathlib import Path
from typing import Any

from latty import latents
from latty.cli import importable
from latty.directions.store import SETS
from latty.latents import LATENTS, scores
from latty.models.store import MODELS


def named(ref: str) -> Path | None:
    """The file of a model, a direction set or latents of that name."""
    return MODELS.named(ref) or SETS.named(ref) or LATENTS.named(ref)


def facts(path: Path) -> dict[str, Any]:
    """Of latents and scores that latty wrote; {} of any other file. Raises BadData."""
    if scores.is_own(path):
        return {"format": importable.OURS, "names": [*scores.names_in(path)],
                "try": f"latty import {path} --for POOL"}  # fmt: skip
    if latents.is_own(path):
        return {**importable.facts(path), "scores": [*scores.names_of(path, trusted=True)]}
    return {}
