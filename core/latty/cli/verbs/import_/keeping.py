"""Directions and latents of other programs put into the store."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli.run import Run
from latty.errors import UsageError

if TYPE_CHECKING:
    from latty.directions.importing.base import Imported

SHOWN = 8  # names of directions said aloud
SAYS = {"--space": "space", "--layers": "layers", "--spec": "spec", "--set": "settings"}


def refuse(args: Any, what: str) -> None:
    """Raises UsageError for an option of import that means nothing for what a file holds."""
    for option, name in SAYS.items():
        if getattr(args, name):
            raise UsageError(f"{option} means nothing for {what}", "leave it out")


def claimed(found: "Imported", name: str, overwrite: bool) -> AbstractContextManager[Path]:
    """Where it is kept. Raises UsageError, WouldOverwrite, Locked."""
    from latty.directions.store import SETS
    from latty.latents import LATENTS

    return (SETS if found.kind == "directions" else LATENTS).claimed(name, overwrite)


def keep(run: Run, name: str, target: Path, found: "Imported", left: Mapping[str, str]) -> None:
    """Write a direction set or latents into the store, whole or not at all."""
    save(target, found)
    for note in found.notes:
        run.out.say(note)
    header = found.header
    made_for = f", for {header.model}" if header.model else ""
    size = "x".join(map(str, found.shape))
    run.out.say(f"{found.kind} of the kind {found.entry}, {size} in {header.space}{made_for}")
    if found.kind == "directions":
        more = ", ..." if len(found.names) > SHOWN else ""
        run.out.say(f"there is: {', '.join(found.names[:SHOWN])}{more}")
        run.out.say(f'in a preset: direction = "{name}/{found.names[0]}"')
    else:
        run.out.say(f'in a preset: latent = "{name}#0"')
    run.out.result(name, name=name, kind=found.kind, path=str(target), importer=found.entry,
                   space=header.space, shape=list(found.shape), names=list(found.names),
                   model=header.model, family=header.family, notes=list(found.notes),
                   **({"left_out": dict(left)} if left else {}))  # fmt: skip


def save(target: Path, found: "Imported") -> None:
    """Read the numbers, check them, write them. Raises BadData, OutputError."""
    from latty import latents
    from latty.directions import file as directions_file
    from latty.directions.importing.base import CODES, Codes

    arrays, header = found.load(), found.header
    if isinstance(header, Codes):
        kept = latents.Latents(header.space, arrays[CODES], header.model, header.family,
                               header.model_digest, header.names, found.notes,
                               header.params)  # fmt: skip
        latents.write(target, kept)
    else:
        directions_file.write(target, header, arrays)
