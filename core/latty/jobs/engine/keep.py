"""What the studio asks the engine to do to directions: keep the present edits as one."""

from dataclasses import replace
from typing import Any

from latty.errors import BadData
from latty.jobs.engine.cache import ModelCache
from latty.scene import from_table


def keep_offset(cache: ModelCache, scene: dict[str, Any], name: str) -> str:
    """Keep what the edits of a scene add to its codes as a direction; SET/NAME.

    Raises BadData where nothing is added: no edits, or edits of activations alone.
    """
    import torch

    from latty import edits
    from latty.directions.manage import keep_offset as keep

    shown = from_table(scene)
    if not shown.edits:
        raise BadData("there is no edit to keep", "move a direction first")
    generator = cache.generator(shown.model)
    with torch.no_grad():
        with_edits, without = edits.codes([shown, replace(shown, edits=())], generator)
    words = ", ".join(
        f"{edit.direction} {edit.strength:+g}"
        + (f" at {edit.amount:g}" if edit.amount != 1 else "")
        for edit in shown.edits
    )
    return keep(name, with_edits - without, generator.info, words)
