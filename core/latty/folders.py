"""A folder held open: what is done by name in it is done there, wherever its path leads by then.

Beside an output lie names that anybody may have put there: a link, a folder of somebody else's.
Nothing here follows a link below the folder, and what we did not make is refused, never emptied.
"""

import errno
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from latty import home, reading
from latty.errors import ConfigError, UnfitFile, WouldOverwrite

MARK = ".latty"  # the file that says that a folder is ours, and which one
LOCK = "lock"  # the file that says who is at work in it
OTHERS = "it belongs to another user"
COPIED = "it seems to be a copy of a folder that latty made, and only the original goes on"
_AWAY = "move it away, or choose another name"
_ANEW = "remove it, and the work begins anew, or choose another name"
_UNABLE = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # to sync a folder
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class Folder:
    """The open handle of a folder: `with Folder(path) as folder`.

    path  leads to it as long as nobody renames it; for messages

    Names have no "/". Every method raises OSError.
    """

    def __init__(self, path: Path, handle: int | None = None) -> None:
        """Links in `path` are followed: whoever names a folder means where it leads."""
        self.path = path
        self.handle = os.open(path, _FOLDER) if handle is None else handle

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the handle back, once."""
        handle, self.handle = self.handle, -1
        if handle >= 0:
            os.close(handle)

    def __truediv__(self, name: str) -> Path:
        """A path to what is called so, for those who open by path: on Linux it leads through the
        handle, so that nobody can have it lead elsewhere."""
        held = Path(f"/proc/self/fd/{self.handle}")
        return (held if sys.platform == "linux" and held.exists() else self.path) / name

    def names(self) -> list[str]:
        """What is in it, sorted."""
        return sorted(os.listdir(self.handle))  # noqa: PTH208  of the handle, not of a path

    def status(self, name: str = "") -> os.stat_result | None:
        """Of what is called so, a link itself, or of the folder; None where there is nothing."""
        try:
            if name:
                return os.stat(name, dir_fd=self.handle, follow_symlinks=False)
            return os.fstat(self.handle)
        except FileNotFoundError:
            return None

    def folder(self, name: str) -> "Folder":
        """The folder of that name, which is no link."""
        handle = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.handle)
        return Folder(self.path / name, handle)

    def read(self, name: str, most: int) -> bytes:
        """All of a small file, which is no link. Raises UnfitFile."""
        return reading.from_handle(
            self._open(name, os.O_RDONLY | os.O_NONBLOCK), self.path / name, most
        )

    def create(self, name: str, mode: int = 0o600) -> BinaryIO:
        """A new file, to write. Raises FileExistsError where anything has that name."""
        return os.fdopen(self._open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode), "w+b")

    def update(self, name: str) -> BinaryIO:
        """A file to read and write, made where there is none. Raises UnfitFile where it is none."""
        handle = self._open(name, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600)
        return os.fdopen(reading.regular(handle, self.path / name), "r+b")

    def append(self, name: str) -> BinaryIO:
        """A file to add to, made where there is none. Raises UnfitFile where it is none."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK
        handle = self._open(name, flags, 0o600)
        return os.fdopen(reading.regular(handle, self.path / name), "ab")

    def _open(self, name: str, flags: int, mode: int = 0) -> int:
        return os.open(name, flags | os.O_CLOEXEC | os.O_NOFOLLOW, mode, dir_fd=self.handle)

    def write(
        self,
        name: str,
        pieces: Iterable[bytes | memoryview],
        mode: int | None = 0o600,
        lasting: bool = True,
    ) -> None:
        """Put a whole file under a name in one step; what was there stays until then, and a
        failure leaves nothing else. What is there is replaced, also a link, not what it leads to.

        mode     its permissions; None = what the umask, or the folder's default ACL, gives
        lasting  it is on the disk on return; False for what a power cut may take without a loss

        Raises OSError, also where the file has its name and the disk does not keep the name.
        """
        draft = f".{_start(name)}.{os.urandom(6).hex()}"
        try:
            with self.create(draft, 0o666 if mode is None else 0o600) as file:
                file.writelines(pieces)
                file.flush()
                if mode is not None:
                    with suppress(OSError):  # not every file system has modes
                        os.fchmod(file.fileno(), mode)
                if lasting:
                    os.fsync(file.fileno())
            self.rename(draft, self, name)
        except BaseException:
            with suppress(OSError):
                self.remove(draft)
            raise
        if lasting:
            self.sync()

    def rename(self, name: str, to: "Folder", new: str) -> None:
        """Move a file or folder; what is called `new` there is replaced as os.replace does."""
        os.replace(name, new, src_dir_fd=self.handle, dst_dir_fd=to.handle)

    def sweep(self, name: str) -> None:
        """Remove what killed writers left beside a file of that name, which nobody writes now; what
        others left may have to stay."""
        left = re.compile(rf"\.{re.escape(name)}\.[0-9a-f]{{12}}")
        for draft in filter(left.fullmatch, self.names()):
            with suppress(PermissionError):
                self.remove(draft)

    def remove(self, name: str) -> None:
        """What is called so, entry by entry, no link followed; nothing where there is nothing."""
        found = self.status(name)
        with suppress(FileNotFoundError):
            if found is not None and stat.S_ISDIR(found.st_mode):
                shutil.rmtree(name, dir_fd=self.handle)
            elif found is not None:
                os.unlink(name, dir_fd=self.handle)

    def set_aside(self, name: str) -> Path:
        """Give what is called so another name, which nothing has: NAME.1, NAME.2 ...; where it is
        then. Whoever writes in its place is told of a disk that does not keep names."""
        names = (f"{name}.{number}" for number in count(1))
        new = next(one for one in names if self.status(one) is None)
        self.rename(name, self, new)
        with suppress(OSError):
            self.sync()
        return self.path / new

    def sync(self) -> None:
        """See to it that names are on the disk too. Raises OSError."""
        sync(self.handle)

    def of_ours(self, name: str, kind: str, make: bool = True) -> "Folder":
        """The folder `name` that we keep things in, made now or by an earlier run.

        kind  what we keep there, in words: "render"; a folder of another kind is not ours
        make  else FileNotFoundError is raised where there is none

        Raises WouldOverwrite for a link, a file, and a folder that we did not make.
        """
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=self.handle)
        try:
            folder = self.folder(name)
        except OSError:
            found = self.status(name)
            if found is None or (stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()):
                raise
            kind = reading.kind_of(found.st_mode)
            fault = OTHERS if kind == "folder" else f"it is a {kind}"
            raise in_the_way(self.path / name, fault) from None
        try:
            if fault := folder._not_ours(kind):
                raise in_the_way(folder.path, fault, _ANEW if fault == COPIED else _AWAY)
        except BaseException:
            folder.close()
            raise
        return folder

    def _below(self, name: str, make: bool) -> "Folder":
        """The folder of that name, made where there is none. Raises WouldOverwrite for a link."""
        if make:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self.handle)
        try:
            return self.folder(name)
        except OSError:
            found = self.status(name)
            if found is None or not stat.S_ISLNK(found.st_mode):
                raise
            raise in_the_way(self.path / name, "it is a link") from None

    def _not_ours(self, kind: str) -> str:
        """Why the folder is not one that we made for `kind`, "" where it is; one of ours without
        more than a lock is marked. Its number (st_ino) is in the mark: no archive can bring one
        that fits."""
        state = os.fstat(self.handle)
        if state.st_uid != os.geteuid() and state.st_uid != self.owner_of_new():
            return OTHERS
        mark = f"latty {kind} {state.st_ino}\n".encode()
        for _ in range(2):  # another process may have marked it between two looks
            try:
                found = self.read(MARK, 4096)
            except FileNotFoundError:
                found = b""
            except OSError as error:  # a link is not followed
                if isinstance(error, UnfitFile) or error.errno == errno.ELOOP:
                    return "its mark is not latty's"
                raise
            if found == mark:
                return ""
            if re.fullmatch(rf"latty {re.escape(kind)} \d+\n".encode(), found):
                return COPIED
            if not found and not any(map(_is_work, self.names())):
                self.write(MARK, [mark])
                return ""
        return "latty did not make it here"

    def owner_of_new(self) -> int:
        """Whose a file is that we make here, -1 where we cannot: mounts may give all files to one
        user."""
        name = f"{MARK}.{os.urandom(6).hex()}"
        try:
            with self.create(name) as file:
                return os.fstat(file.fileno()).st_uid
        except OSError:
            return -1
        finally:
            with suppress(OSError):
                self.remove(name)


def sync(handle: int) -> None:
    """Until this returns a power cut may lose what was written to an open file, or names that were
    given in an open folder. Not every file system can sync a folder. Raises OSError."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNABLE or not stat.S_ISDIR(os.fstat(handle).st_mode):
            raise


def _is_work(name: str) -> bool:
    """Whether a file is more than a lock or a mark, be it one that a full disk cut short."""
    return name != LOCK and not name.startswith((MARK, f".{MARK}"))


def _start(name: str) -> str:
    """As much of a name as leaves room for a few words more in one of 255 bytes."""
    return os.fsencode(name)[:200].decode("utf-8", "ignore")


def in_the_way(path: Path, fault: str, hint: str = _AWAY) -> WouldOverwrite:
    """The error that says what has a name that we need."""
    return WouldOverwrite(f"{path} is in the way: {fault}", hint)


def private(folder: Path) -> Path:
    """A folder of latty's own (home.py), made with those above it, open to its owner alone.

    Raises ConfigError where it belongs to somebody else, OSError.
    """
    root = home.root_of(folder)
    assert root is not None, "only what home.py names is private"
    for above in reversed(root.parents):
        if not above.exists():
            above.mkdir(0o700, exist_ok=True)
    parts = [folder, *folder.parents]
    for part in reversed(parts[: parts.index(root) + 1]):
        _private(part)
    return folder


def held_private(folder: Path) -> Folder:
    """The same folder, held open: others may have put one of theirs in its place after the look.
    Raises the same."""
    found = Folder(private(folder))
    try:
        _trusted(found / "")
    except BaseException:
        found.close()
        raise
    return found


def _private(part: Path) -> None:
    with suppress(FileExistsError):
        part.mkdir(0o700)
        return
    mode = _trusted(part)
    if stat.S_ISDIR(mode) and mode & 0o077:
        with suppress(OSError):  # not every file system has modes
            part.chmod(0o700)


def _trusted(part: Path) -> int:
    """The st_mode of a folder that is ours, or root's, who may do anything anyway, as is all in it
    that others might have put there. Where a link of ours leads to a file is our own choice. Raises
    ConfigError, OSError."""
    link, us = part.lstat(), os.geteuid()
    linked = stat.S_ISLNK(link.st_mode)
    state = part.stat() if linked and part.exists() else link
    ours = {us, 0}
    if state.st_uid not in ours and (not linked or link.st_uid in ours):
        keeps = linked and not us  # root keeps things for others
        ours.add(state.st_uid if keeps else _owner_of_new(part))
    if not {link.st_uid, state.st_uid} <= ours:
        hint = "set LATTY_HOME to a folder of your own"
        raise ConfigError(
            f"{part} belongs to another user", hint if us else f"run as its owner, or {hint}"
        )
    if stat.S_ISDIR(state.st_mode) and state.st_mode & 0o022:
        for entry in part.iterdir():
            with suppress(FileNotFoundError):  # it was there a moment ago
                if entry.lstat().st_uid not in ours:
                    raise ConfigError(f"{entry} belongs to another user", "remove it")
    return state.st_mode


def _owner_of_new(part: Path) -> int:
    with suppress(OSError), Folder(part) as folder:
        return folder.owner_of_new()
    return -1


def owned(folder: Path) -> Path:
    """A folder of latty's own, there or not, where nothing in it or on the way to it is another
    user's. Raises ConfigError."""
    root = home.root_of(folder)
    assert root is not None, "only what home.py names is private"
    parts = [folder, *folder.parents]
    with suppress(OSError):  # who opens it is told
        for part in reversed(parts[: parts.index(root) + 1]):
            _trusted(part)
    return folder


def made(folder: Path) -> Path:
    """A folder, made where there is none; of latty's own ones a private one. Raises OSError,
    ConfigError."""
    if home.root_of(folder) is not None:
        return private(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def discard(folder: Path) -> None:
    """Remove a folder of latty's own that is not needed any more, entry by entry, no link followed;
    what cannot be removed is left."""
    with suppress(OSError), Folder(folder.parent) as parent:
        parent.remove(folder.name)


@contextmanager
def parent_of(target: Path, root: Path | None = None, make: bool = True) -> Iterator[Folder]:
    """The folder that a file is to be in.

    root  the folder above it that its user named, None for that very one. Links on the way to it
          are followed; those below it only as far as they lead back into it when this begins: what
          is put there afterwards is refused
    make  it, where there is none; else FileNotFoundError is raised

    Raises WouldOverwrite for a link below `root`, OSError, ConfigError.
    """
    root = root or target.parent
    real, top = os.path.realpath(target.parent), os.path.realpath(root)
    if os.path.commonpath([real, top]) != top:
        raise in_the_way(target.parent, f"a link in it leads out of {root}")
    with ExitStack() as passed:
        folder = passed.enter_context(Folder(made(root) if make else root))
        for part in Path(real).relative_to(top).parts:
            folder = passed.enter_context(folder._below(part, make))
        folder.path = target.parent
        yield folder
