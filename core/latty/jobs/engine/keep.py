"""What the studio asks the engine to do to directions: change them so that it can be undone, keep
the present edits as one."""

from dataclasses import astuple, replace
from typing import Any

from latty.errors import BadData, UsageError
from latty.jobs.engine.cache import ModelCache
from latty.scene import from_table

CHANGES = ("rename", "flip", "delete", "rename_set", "delete_set")  # of directions.manage


def change_directions(
    work: str, path: str, copy: str = "", **args: Any
) -> tuple[str, list[tuple[str, str, str]]]:
    """Do one of CHANGES to a set, first copied for its direction `copy`, where it ships. The file
    of the set, and the changes as bin.SetChange has them. Raises as directions.manage."""
    from latty.directions import bin, manage

    if work not in CHANGES:
        raise UsageError(f"'{work}' is no change of directions")
    with bin.recorded() as changes:
        path = manage.copied(path, copy) if copy else path
        getattr(manage, work)(path, **args)
    return path, list(map(astuple, changes))


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
