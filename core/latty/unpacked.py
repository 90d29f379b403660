"""What archives of presets hold, as it lies in latty's cache: what a path there is called.

CACHE/archives/SHA-256 OF THE ARCHIVE/FOLDER/FILE. A file that was in a store has its name there as
the name of the file; nothing of it is in the user's own stores.
"""

from dataclasses import dataclass
from pathlib import Path

from latty import home

PRESETS, FILES = "presets", "files"
UNPACKING = "unpacking.lock"  # who unpacks it
NAMED = {  # folder -> suffix: of what a preset names without a path
    "directions": ".safetensors",
    "latents": ".safetensors",
    "models": ".safetensors",
    "scorers": ".toml",
}


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file of an archive: the SHA-256 of the archive, and what the file is called in it."""

    archive: str
    folder: str
    file: str

    @property
    def name(self) -> str:
        """As the preset spells it: of what was in a store its name there, else the file."""
        return self.file.replace(NAMED.get(self.folder, "\0"), "", 1)

    @property
    def is_named(self) -> bool:
        """Whether it was in a store."""
        return self.folder in NAMED


def unpacked(path: str | Path) -> Unpacked | None:
    """What a path in the folder of archives is; None for any other. Raises ConfigError."""
    text, top = str(path), f"{_top()}/"
    parts = text.removeprefix(top).split("/") if text.startswith(top) else ()
    return Unpacked(*parts) if len(parts) == 3 else None


def place(archive: str) -> Path:
    """The folder of an archive, by its SHA-256. Raises ConfigError."""
    return home.archives_dir() / archive


def _top() -> Path:
    return home.archives_dir().absolute()
