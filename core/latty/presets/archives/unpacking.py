"""The members of an archive written into its folder of the cache, by one process at a time."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from latty import files, locks
from latty.errors import BadData, Missing, UnfitFile, unwritten
from latty.folders import in_the_way, private
from latty.presets.digests import digest_of
from latty.unpacked import UNPACKING

PATIENCE = 60  # seconds to wait for another process that unpacks the same


def is_whole(root: Path, members: Iterable[tuple[str, str]]) -> bool:
    """Whether each (name, SHA-256) lies there, as it should be."""
    with suppress(BadData, Missing, OSError):
        return all((root / name).is_file() and digest_of(root / name) == said
                   for name, said in members)  # fmt: skip
    return False


def unpack(
    contents: Mapping[str, memoryview], members: Iterable[tuple[str, str]], root: Path
) -> None:
    """Write each member, by its name, below `root`; what a killed try left goes, and what another
    process wrote meanwhile stays. Raises Locked where another does so for longer than PATIENCE,
    WouldOverwrite where the name of the lock is another file's, OutputError, ConfigError."""
    lock = root / UNPACKING
    try:
        private(root)
        with locks.locked(lock, "unpacking it", patience=PATIENCE):
            if is_whole(root, members):
                return
            for name, content in contents.items():
                files.sweep(root / name)
                files.write(root / name, [content])
    except UnfitFile as error:
        raise in_the_way(lock, f"it {error.strerror}", error.hint or "remove it") from None
    except OSError as error:
        raise unwritten(f"cannot write {root}", error) from None
