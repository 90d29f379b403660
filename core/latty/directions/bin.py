"""What was changed of the user's direction sets, so that it can be undone: what a set held before a
change, and before that was undone, under its SHA-256.

A change names contents, and is undone only where the set is what it left behind: what another
program wrote meanwhile is never written over. The bin holds MOST bytes; what was put there first
goes first.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from latty import files, home, locks, reading
from latty.directions.store import SETS
from latty.errors import BadData, LattyError, Missing, WouldOverwrite, unwritten
from latty.folders import owned
from latty.store import is_name

MOST = 256 * 2**20  # bytes of all contents
ANY = 2**40  # bytes of a set: torch reads all of it, too
PATIENCE = 2.0  # seconds for somebody else who writes the same set
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SetChange:
    """One set of the store before and after: SHA-256 of its file, "" = there was none. Raises
    ValueError for what no set and no digest can be."""

    name: str
    before: str
    after: str

    def __post_init__(self) -> None:
        digests = all(not one or DIGEST.fullmatch(one) for one in (self.before, self.after))
        if not is_name(self.name) or not digests:
            raise ValueError(f"{self.name!r:.60} is no change of a set")

    @property
    def back(self) -> "SetChange":
        """The change that undoes it."""
        return SetChange(self.name, self.after, self.before)


_noted: ContextVar[list[SetChange] | None] = ContextVar("noted", default=None)


def folder() -> Path:
    """Where the contents are."""
    return home.state_dir() / "bin"


def place(digest: str) -> Path:
    """The file of a content."""
    return folder() / f"{digest}{SETS.suffix}"


@contextmanager
def recorded() -> Iterator[list[SetChange]]:
    """What is done to sets meanwhile is kept, and noted in the list."""
    found = list[SetChange]()
    token = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(token)


@contextmanager
def changing(file: Path) -> Iterator[None]:
    """Where changes are recorded, what the set holds before is kept; whoever changes it has its
    lock. What it holds then is kept when that is undone: once it is changed nothing is written, so
    no full disk can fail what is done. Raises OutputError."""
    noted = _noted.get()
    if noted is None or not is_name(file.stem):
        yield
        return
    before = digest_of(file)
    fresh = bool(before) and not os.access(place(before), os.F_OK)
    keep(file)
    try:
        yield
    except LattyError:  # such as a direction that is not there: what was kept for it goes
        if fresh and digest_of(file) == before:
            with suppress(OSError):
                place(before).unlink()
        raise
    _note(noted, SetChange(file.stem, before, digest_of(file)))


def renamed(source: Path, target: Path) -> None:
    """Note, where changes are recorded, that a set has another name. Raises OutputError."""
    noted = _noted.get()
    if noted is not None and is_name(source.stem):
        digest = digest_of(target)
        noted += [SetChange(target.stem, "", digest), SetChange(source.stem, digest, "")]


def _note(noted: list[SetChange], change: SetChange) -> None:
    """Two changes of a set, one after the other, are one; of what somebody else wrote between them
    only the later counts."""
    for at, one in enumerate(noted):
        if one.name == change.name:
            before = one.before if one.after == change.before else change.before
            noted[at] = SetChange(change.name, before, change.after)
            return
    if change.before != change.after:
        noted.append(change)


def digest_of(file: Path) -> str:
    """SHA-256 of a set's file, "" = there is none. Raises OutputError."""
    content = _content(file)
    return "" if content is None else sha256(content).hexdigest()


def keep(file: Path) -> str:
    """Put what a set holds into the bin, unless it alone would fill it; its SHA-256, "" where there
    is none. Raises OutputError."""
    if (content := _content(file)) is None:
        return ""
    digest = sha256(content).hexdigest()
    target = place(digest)
    try:
        os.utime(target)
    except OSError:
        if len(content) <= MOST:
            files.write(target, [content])
            _shorten(target)
    return digest


def _content(file: Path) -> bytes | None:
    """Raises OutputError."""
    try:
        return reading.content(file, ANY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritten(f"cannot read {file}", error) from None


def kept() -> list[Path]:
    """What is in the bin, the oldest first. Raises ConfigError, OSError."""
    here = owned(folder())
    found = [path for path in here.iterdir() if path.suffix == SETS.suffix] if here.is_dir() else []
    return sorted(found, key=lambda path: path.lstat().st_mtime_ns)


def _shorten(last: Path) -> None:
    with suppress(OSError):  # another studio does the same
        paths = kept()
        room = MOST - sum(path.lstat().st_size for path in paths)
        for path in paths:
            if room < 0 and path != last:
                room += path.lstat().st_size
                path.unlink(missing_ok=True)


def undo(changes: Sequence[SetChange]) -> None:
    """Give sets back what they held before, or nothing of it. Raises WouldOverwrite where one is
    not as the change left it, Missing where what it held is not kept any more, Locked, BadData,
    OutputError."""
    redo([change.back for change in reversed(changes)])


def redo(changes: Sequence[SetChange]) -> None:
    """The same changes once more. Raises as `undo`."""
    with ExitStack() as stack:
        held = dict[str, str]()
        for name in sorted({change.name for change in changes}):
            stack.enter_context(locks.writing(SETS.place(name), PATIENCE))
            held[name] = digest_of(SETS.place(name))
        there = {digest: SETS.place(name) for name, digest in held.items()}
        found = (_wanted(change, held[change.name], there) for change in changes)
        contents = [one for one in found if one is not None]
        for name in held:  # all is read: what goes into the bin may push out what was wanted
            keep(SETS.place(name))
        for file, content in sorted(contents, key=lambda one: one[1] is None):  # removals last
            if content is None:
                files.remove(file)
            else:
                files.write(file, [content])


def _wanted(
    change: SetChange, now: str, there: Mapping[str, Path]
) -> tuple[Path, bytes | None] | None:
    """The file of a set that holds `now`, and what it is to hold; None where it holds that.

    there  sets of the store by what they hold: one may hold what another had
    """
    file = SETS.place(change.name)
    if now == change.after:
        return None
    if now != change.before:
        what = f"the directions '{change.name}' were changed by another program or studio meanwhile"
        raise WouldOverwrite(what, "they stay as they are now")
    if not change.after:
        return file, None
    content = _content(there.get(change.after, place(change.after)))
    if content is None:
        raise Missing(f"what '{change.name}' held is not kept any more", "it stays as it is now")
    if sha256(content).hexdigest() != change.after:
        raise BadData(f"what is kept of '{change.name}' is damaged", "it stays as it is now")
    return file, content
