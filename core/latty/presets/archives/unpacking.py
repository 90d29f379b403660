"""The members of an archive written into its folder of the cache, by one process at a time."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from latty import files, locks
from latty.errors import BadData, Missing, unwritten
from latty.folders import private
from latty.presets.digests import digest_of
from latty.unpacked import UNPACKING

PATIENCE = 60  # seconds to wait for another process that unpacks the same


def is_whole(root: Path, members: Iterable[tuple[str, str]]) -> bool:
    """Whether each (name, SHA-256) lies there, as it should be."""
    with suppress(BadData, Missing, OSError):
        return all((root / name).is_file() and digest_of(root / name) == said
                   for name, said in members)  # fmt: skip
    return False


def unpack(members: Mapping[str, memoryview], root: Path) -> None:
    """Write each member, by its name, below `root`; what a killed try left goes. Raises Locked
    where another process does so for longer than PATIENCE, OutputError, ConfigError."""
    try:
        private(root)
        with locks.locked(root / UNPACKING, "unpacking it", patience=PATIENCE):
            for name, content in members.items():
                files.sweep(root / name)
                files.write(root / name, [content])
    except OSError as error:
        raise unwritten(f"cannot write {root}", error) from None
