"""Files with a name: those that ship with latty, and the user's own, under one rule of names.

A file may name others beside it, such as a card its weights. Each of those has its content in its
name: what a file names stays with it until the next one takes its place, in one step.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from latty import files, home, locks, reading
from latty.errors import (
    BadData,
    LattyError,
    Missing,
    OutputError,
    UnfitFile,
    UsageError,
    WouldOverwrite,
    did_you_mean,
    unwritten,
)
from latty.folders import Folder, owned

NAME = re.compile(r"[^\W_][\w+-]{0,79}")
BYTES = 200  # of a name: with its suffixes and those of a temporary file it must fit in 255
DIGITS = 12  # of the SHA-256 of a file's content, in its name
RULE = "letters, digits, - _ +, at most 80; a letter or digit first"


def is_name(text: str) -> bool:
    """Whether a new file may be called so: the same rule for models, directions and the rest.

    Without a dot no name looks like a file's; files of earlier versions that have one are found.
    """
    return NAME.fullmatch(text) is not None and len(text.encode()) <= BYTES


def name_from(text: str) -> str:
    """The nearest name to a text: what no name may hold, such as a dot, becomes "-"."""
    return re.sub(r"[^\w+-]+", "-", text).strip("-_+")[:80]


@dataclass(frozen=True)
class Store:
    """The files of one kind, by name.

    kind      what one is, in words: "model"
    folder    where the user's lie; those that ship lie in a folder of the same name
    suffix    of the files
    holds     whether a file that is there is of this kind
    reads     raises BadData for a file that is damaged; what it holds cannot be told then
    whole     whether nothing that it names is missing; half of one leaves its name free
    built_in  names that ship without a file: entries of a registry
    beside    how the names of files that a file names, or that belong to it, may end
    companions  those that a file names; None where all beside it stay with it
    inside    what the file is called in a folder that is one of this kind; "" = no folder is
    """

    kind: str
    folder: Callable[[], Path]
    suffix: str = ".safetensors"
    holds: Callable[[Path], bool] = Path.exists
    reads: Callable[[Path], object] = Path.exists
    whole: Callable[[Path], bool] = Path.exists
    built_in: Callable[[], Collection[str]] = tuple
    beside: tuple[str, ...] = ()
    companions: Callable[[Path], Collection[str]] | None = None
    inside: str = ""

    def shipped(self) -> Path:
        """The folder of those that ship."""
        return home.shipped_dir() / self.folder().name

    def files(self) -> dict[str, Path]:
        """Name -> file; names that ship win. Raises ConfigError for a folder of another user's."""
        found: dict[str, Path] = {}
        for folder in (owned(self.folder()), self.shipped()):
            paths: Iterable[Path] = sorted(folder.glob(f"*{self.suffix}"))
            paths = filter(self._shows, paths)
            found |= {path.name.removesuffix(self.suffix): path for path in paths}
        built_in = self.built_in()
        return {name: path for name, path in found.items() if name not in built_in}

    def names(self) -> list[str]:
        """Every name, sorted, those without a file among them."""
        return sorted({*self.files(), *self.built_in()})

    def __contains__(self, name: str) -> bool:
        """Whether there is one of exactly that name. Raises as `named`."""
        return name in self.built_in() or self.named(name) is not None

    def named(self, name: str) -> Path | None:
        """The file of exactly that name. Raises ConfigError for a folder of another user's,
        OutputError where it cannot be read, BadData where another program writes it."""
        if Path(name).name != name:
            return None
        if self._is(shipped := self.shipped() / f"{name}{self.suffix}"):
            return shipped
        own = owned(self.folder()) / f"{name}{self.suffix}"
        return own if self._is(own) and name not in self.built_in() else None

    def _shows(self, path: Path) -> bool:
        """Whether it is one that can be read."""
        with suppress(OutputError, BadData):
            return self._is(path)
        return False

    def _is(self, path: Path) -> bool:
        try:
            return path.is_file() and self.holds(path)
        except OSError:  # a longer name than the file system takes
            return False

    def find(self, ref: str) -> Path:
        """The file of a name or a path. Raises Missing, with the nearest name, UnfitFile for a pipe
        or a device, and BadData for a damaged file of that name."""
        if (file := self.named(ref)) is not None:
            return file
        path, see = Path(ref), f"see: latty list {self.folder().name}"
        try:
            path = path.expanduser()
            if path.is_file():
                return path
            if self.inside and (path / self.inside).is_file():
                return path / self.inside
            if not path.is_dir() and path.exists():
                reading.check(path)
        except UnfitFile:
            raise
        except (OSError, RuntimeError, ValueError):  # no file can have it; a user nobody knows
            raise Missing(f"there is no file {ref!r}", "check the path") from None
        if path.suffix or len(path.parts) > 1:
            raise Missing(f"there is no file {ref}", f"check the path, or {see}")
        if (fault := self.fault(ref)) is not None:
            raise fault
        raise Missing(f"no {self.kind} '{ref}'", did_you_mean(ref, self.names()) or see)

    def kept(self, file: Path) -> Path | None:
        """The user's own file here that a path leads to, however it is spelled; None of others."""
        return _in_folder(file, self.folder())

    def ships_file(self, file: Path) -> bool:
        """Whether a file ships with latty, likewise."""
        return _in_folder(file, self.shipped()) is not None

    def ships(self, name: str) -> bool:
        """Whether something of that name ships with latty."""
        return (self.shipped() / f"{name}{self.suffix}").exists() or name in self.built_in()

    def check_name(self, name: str) -> None:
        """Raises UsageError for a name that nothing new can have, or that ships with latty."""
        if not is_name(name):
            raise UsageError(f"'{name}' is no name", RULE)
        if self.ships(name):
            what = f"{self.folder().name}: '{name}' is a name that ships with latty"
            raise UsageError(what, "choose another")

    def place(self, name: str) -> Path:
        """Where the user's file of that name lies, there or not. Raises UsageError."""
        self.check_name(name)
        return self.folder() / f"{name}{self.suffix}"

    def free_place(self, name: str, overwrite: bool = False) -> Path:
        """The same, where nothing lies or `overwrite` allows to replace it. Raises UsageError,
        WouldOverwrite."""
        place = self.place(name)
        if place.exists() and self.whole(place) and not overwrite:
            hint = "choose another name, or use --overwrite"
            raise WouldOverwrite(f"{self.folder().name}: there is a '{name}' already", hint)
        return place

    @contextmanager
    def claimed(self, name: str, overwrite: bool = False) -> Iterator[Path]:
        """`free_place`, where nobody else writes until the block ends. Raises the same, Locked,
        OutputError."""
        with locks.writing(self.place(name)):
            yield self.free_place(name, overwrite)

    def write(
        self,
        name: str,
        content: Callable[[Sequence[str]], Iterable[bytes | memoryview]],
        beside: Mapping[str, Sequence[bytes | memoryview]] | None = None,
    ) -> Path:
        """Put a file and those that it names into the store, whole or not at all; the name is
        `claimed`. What the file before it named is removed.

        content    of the file, given the names of those beside it
        beside     their contents, by how their names end: one of `self.beside`

        Raises UsageError, OutputError.
        """
        place, names, new = self.place(name), list[str](), list[Path]()
        before = files.stamp_of(place)
        try:
            for ending, pieces in (beside or {}).items():
                names.append(f"{name}.{_digest(pieces)}{ending}")
                if not (one := place.with_name(names[-1])).exists():
                    new.append(one)
                files.write(one, pieces)  # one that is there may be damaged
            files.write(place, content(names))
        except BaseException:
            for one in new if files.stamp_of(place) == before else ():  # else it names them
                with suppress(OSError):
                    one.unlink()
            raise
        with suppress(OSError):  # the new one is there; latty clean takes what is left of the old
            self._sweep(name, {place.name, *names})
        return place

    def remove(
        self, name: str, around: Callable[[Path], AbstractContextManager[object]] = nullcontext
    ) -> None:
        """The user's file of that name, and then what it names: who looks meanwhile has all of it
        or nothing. What an earlier removal left goes, too. `around(file)` is entered once nobody
        else writes it. Raises Missing, UsageError for one that ships with latty, Locked,
        OutputError.
        """
        file = self.own(name)
        with locks.writing(file), around(file):
            named = self._names(file)
            if not files.remove(file) and not self._rest(name):
                raise Missing(f"no {self.kind} '{name}' there any more")
            try:
                self._sweep(name, (), named)
            except OSError as error:
                what = f"cannot remove all of {self.kind} '{name}'"
                raise unwritten(what, error) from None

    def rename(self, name: str, new: str) -> Path:
        """Give the user's file of that name another one; its place then. Its bytes stay, and so
        what it names is called as before. One that was ended goes on with the same names. Raises
        Missing, UsageError, WouldOverwrite, Locked, OutputError."""
        source, target = self.own(name), self.place(new)
        with locks.writing(target), locks.writing(source):
            if target.exists():
                what = f"there is a {self.kind} '{new}' already"
                raise WouldOverwrite(what, "choose another name")
            named = self._names(source)
            for ending in self.beside:
                one = source.with_name(f"{name}{ending}")
                if one.name not in named and one.exists():
                    files.rename(one, target.with_name(f"{new}{ending}"))
            files.rename(source, target)
        return target

    def own(self, name: str) -> Path:
        """The user's file of that name, a damaged one too, or where it was of which only what it
        named is left. Raises Missing, UsageError for one that ships."""
        if self.ships(name):
            raise UsageError(f"{self.kind} '{name}' ships with latty", "it stays")
        if (file := self.named(name)) is None and (self._rest(name) or self.fault(name)):
            return self.place(name)
        if file is None:
            mine = [one for one in self.files() if not self.ships(one)]
            raise Missing(f"no {self.kind} '{name}'", did_you_mean(name, mine))
        return file

    def fault(self, name: str) -> BadData | None:
        """Why the user's file of that name cannot be read. Raises OutputError."""
        file = self.folder() / f"{name}{self.suffix}"
        try:
            if is_name(name) and file.is_file():
                self.reads(file)
        except BadData as error:
            return error
        return None

    def size(self, name: str) -> int:
        """Bytes of the user's file of that name and of what lies beside it. Raises OSError."""
        file = self.own(name)
        there = [file] if file.exists() else []
        return sum(one.lstat().st_size for one in {*there, *self._rest(name)})

    def orphans(self) -> list[Path]:
        """What writers left in the user's folder, killed or on a failing disk: drafts, locks, and
        what no file names any more. Raises ConfigError, OSError."""
        endings = "|".join(map(re.escape, (self.suffix, *self.beside)))
        digits = rf"\.[0-9a-f]{{{DIGITS}}}"
        draft = rf"\.([^.]+)({digits})?({endings}){digits}"
        lock = rf"\.([^.]+){re.escape(self.suffix)}\.lock"
        left = re.compile(rf"({draft}|{lock}|([^.]+){digits}({endings}))")
        folder = owned(self.folder())
        found = []
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if (match := left.fullmatch(path.name)) and path.is_file() and not path.is_symlink():
                name = match[2] or match[5] or match[6]
                place = folder / f"{name}{self.suffix}"
                if (not match[6] or self._unnamed(path, place)) and not locks.is_writing(place):
                    found.append(path)
        return found

    def remove_orphan(self, path: Path) -> None:
        """One of `orphans`, where it still is one. Raises Locked, OutputError, ConfigError."""
        name = path.name.removeprefix(".").partition(".")[0]
        place = path.with_name(f"{name}{self.suffix}")
        with locks.writing(place):  # which removes its lock as it ends: then it may be another's
            left = path.name.startswith(".") or self._unnamed(path, place)
            if left and path.suffix != ".lock":
                path.unlink(missing_ok=True)

    def _unnamed(self, path: Path, place: Path) -> bool:
        """Whether the file that one beside it belonged to is gone, or another one now."""
        if path.name in self._named():
            return False
        if not place.exists():
            return True
        with suppress(LattyError):  # of a damaged one nobody knows
            return self.companions is not None and path.name not in self.companions(place)
        return False

    def _sweep(self, name: str, kept: Collection[str], more: Collection[str] = ()) -> None:
        """Remove what lies beside the file of that name, and `more`, but what is `kept` and what
        others name. Raises OSError."""
        stale, kept = self._beside(name), {*kept, *self._named(name)}
        with Folder(self.folder()) as folder:
            for one in folder.names():
                if (stale.fullmatch(one) or one in more) and one not in kept:
                    folder.remove(one)

    def _named(self, but: str = "") -> set[str]:
        """What the user's files name beside them, but for the one of a name: what was renamed names
        it as before."""
        if self.companions is None:
            return set()
        folder, rest = owned(self.folder()), f"{but}{self.suffix}"
        paths = (one for one in folder.glob(f"*{self.suffix}") if one.name != rest)
        return {one for path in paths if self._shows(path) for one in self._names(path)}

    def _names(self, file: Path) -> set[str]:
        """What a file names beside it; nothing of one that is gone or damaged."""
        with suppress(LattyError, OSError):
            return {*self.companions(file)} - {""} if self.companions is not None else set()
        return set()

    def _rest(self, name: str) -> list[Path]:
        """What lies beside the user's file of that name. Raises OutputError."""
        folder, stale = owned(self.folder()), self._beside(name)
        try:
            found = [*folder.iterdir()] if is_name(name) and folder.is_dir() else []
        except OSError as error:
            raise OutputError(f"cannot read {folder}: {error.strerror}") from None
        named, others = self._names(folder / f"{name}{self.suffix}"), self._named(name)
        return [one for one in found
                if (stale.fullmatch(one.name) or one.name in named)
                and one.name not in others]  # fmt: skip

    def _beside(self, name: str) -> re.Pattern[str]:
        """The names of what lies beside the file of a name, and of its drafts."""
        endings = "|".join(map(re.escape, self.beside)) or "(?!)"
        hexadecimal = rf"\.[0-9a-f]{{{DIGITS}}}"
        return re.compile(rf"\.?{re.escape(name)}({hexadecimal})?({endings})({hexadecimal})?")


def _in_folder(file: Path, folder: Path) -> Path | None:
    """Where a file, or what it is a link to, is in a folder: a link may be called otherwise. Paths
    may be relative or lead through links."""
    with suppress(OSError, RuntimeError):  # nothing is there; links in a circle
        for one in (file, file.resolve()):
            if one.parent.samefile(folder):
                return folder / one.name
    return None


def _digest(pieces: Iterable[bytes | memoryview]) -> str:
    digest = sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()[:DIGITS]
