"""The scorers that the directions of a set climb: those that lie with its file come before the
user's own of that name.

A set in an archive has them in the archive's folder `scorers`; one that was copied out of it,
SET.safetensors, in the folder SET-scorers beside it.
"""

from pathlib import Path, PurePath

from latty.unpacked import place, unpacked

CARD = ".toml"


def folder(path: Path) -> Path:
    """Where the scorers lie that a set's file has with it. Raises ConfigError."""
    packed = unpacked(path)
    return place(packed.archive) / "scorers" if packed else path.with_name(f"{path.stem}-scorers")


def opener(path: Path, name: str) -> str:
    """What opens a scorer, by a set's file and the name that this says: the path of a card, or that
    name. Raises ConfigError."""
    card = folder(path) / f"{PurePath(name).name.removesuffix(CARD)}{CARD}"
    return str(card) if card.is_file() else name


def spelled(name: str) -> str:
    """How others call a scorer that a set says: no folder of its author's machine is shown."""
    return PurePath(name).name if name.startswith(("/", "~")) else name
