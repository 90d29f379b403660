"""Everything that can go wrong for a user, as one tree; each class knows its exit code.

LattyError                1    a job failed
├── UsageError            2    the command line is wrong
├── BadData               65   weights, a preset or a recipe cannot be used
│   ├── PresetError       65   all problems of one preset file at once
│   └── UnfitFile         65   no regular file, or larger than its reader takes
├── Missing               66   a file, model, direction or writer is not there
├── DeviceError           69   the device is unavailable or out of memory
├── WouldOverwrite        73   a file is in the way
├── OutputError           74   disk full, read-only, I/O
├── Locked                75   somebody else is writing the same output
├── ConfigError           78   latty.toml or LATTY_* is wrong
│   └── SettingsError     78   all problems of one file of settings at once
└── Interrupted           128 + signal number
"""

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

# What of a file may be lost where it is written over.
Loses = Literal["nothing", "placeholders", "all"]
NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "cannot allocate memory",
    "failed to map segment",
    "can't start new thread",
)
NO_FILES = "too many open files"
_ALLOWED = "see who owns it and its folder, or choose another place"
_WRITING = {  # what to do where the system does not write
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "your quota is used up",
    errno.EFBIG: "the file system or a limit allows no file this large",
    errno.EMFILE: "ulimit -n 256 allows more",
    errno.EACCES: _ALLOWED,
    errno.EPERM: _ALLOWED,
    errno.EROFS: "choose another place",
    errno.ENOENT: "is the disk there that the path leads to?",
    errno.ENOTDIR: "a part of the path is no folder",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOLCK: "this file system keeps no locks: choose another place",
    errno.ENOSYS: "this file system keeps no locks: choose another place",
    errno.EOPNOTSUPP: "this file system keeps no locks: choose another place",
}


class LattyError(Exception):
    """One line for people: what and where (`message`), and what to do next (`hint`)."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """One line, whatever the names in it hold."""
        text = f"{self.message} ({self.hint})" if self.hint else self.message
        return text.replace("\n", "\\n")

    def __reduce__(self) -> tuple[Any, ...]:
        """Between processes: a class may be made of other words than it keeps."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[LattyError], args: tuple[Any, ...], state: dict[str, Any]) -> LattyError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


# Codes from the mildest to the gravest: what passes by itself, what a switch or a name mends, what
# must be found or written anew, what the machine lacks, what only we can mend.
GRAVITY = (0, 75, 73, 66, 65, 2, 78, 69, 74, 1)


def worst(codes: Iterable[int]) -> int:
    """The exit code of many things done by one call: the gravest of theirs; 0 where there are
    none."""
    return max(codes, default=0, key=lambda code: (*GRAVITY, code).index(code))


class UsageError(LattyError):
    exit_code = 2


class BadData(LattyError):
    exit_code = 65


class UnfitFile(BadData, OSError):
    """What a name leads to is a pipe, a device, a folder, or larger than its reader takes.

    An OSError too: who passes over a file that cannot be read passes over this one.
    """

    def __init__(self, file: str | os.PathLike[str], why: str, hint: str = "") -> None:
        super().__init__(f"{os.fspath(file)} {why}", hint)
        self.strerror = why


class Unkept(BadData):
    """A file cannot say something else without losing what is in it; `loses` what that is."""

    def __init__(self, message: str, hint: str = "", loses: Loses = "all") -> None:
        super().__init__(message, hint)
        self.loses = loses


class Missing(LattyError):
    exit_code = 66


class DeviceError(LattyError):
    exit_code = 69


class WouldOverwrite(LattyError):
    exit_code = 73


class OutputError(LattyError):
    exit_code = 74


class Locked(LattyError):
    exit_code = 75


class ConfigError(LattyError):
    exit_code = 78


class Interrupted(LattyError):
    """Work stopped by a signal after it had put everything finished on disk."""

    def __init__(self, signum: int, hint: str = "") -> None:
        super().__init__("interrupted", hint)
        self.exit_code = 128 + signum


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a file: 1-based line and column (0 = the whole file), key, words, suggestion.

    file  where it is not in the file that was asked for, but in one that this one extends
    via   the files that extend that one, the nearest first
    code  the exit code where all faults of a file have it
    """

    line: int
    column: int
    key: str
    what: str
    hint: str = ""
    file: str = ""
    code: int = 65
    via: str = ""

    @property
    def place(self) -> tuple[Any, ...]:
        """Sorts the faults of a file as they stand there, those of others behind them."""
        return self.file, self.line, self.column, self.key

    def format(self, file: str) -> str:
        """`file:line:col: key: what, hint`, as editors and terminals make clickable."""
        file = self.file or file
        place = f"{file}:{self.line}:{self.column}" if self.line else file
        text = f"{place}: {self.key}: {self.what}" if self.key else f"{place}: {self.what}"
        text = f"{text}, {self.hint}" if self.hint else text
        return f"{text} (extended by {self.via})" if self.via else text


class _Problems(LattyError):
    """Every problem of one file, in file order."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda p: p.place))
        lines = (p.format(file).replace("\n", "\\n") for p in self.problems)
        super().__init__("\n".join(lines))

    def __str__(self) -> str:
        """A line each, whatever the names in them hold."""
        return self.message


class PresetError(_Problems, BadData):
    """Every problem of one preset, or of another file of data. 66 where all of them are that
    something is not there."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        super().__init__(file, problems)
        codes = {problem.code for problem in self.problems}
        self.exit_code = codes.pop() if len(codes) == 1 else BadData.exit_code


class SettingsError(_Problems, ConfigError):
    """Every problem of one file of settings."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean 'frames'?` when a known word is near, the short list of words otherwise.

    >>> did_you_mean("framse", ["frames", "name"])
    "did you mean 'frames'?"
    """
    words = sorted(known)
    if near := get_close_matches(word, words, n=1, cutoff=0.6):
        return f"did you mean '{near[0]}'?"
    return f"there is: {', '.join(words[:12])}{', ...' if len(words) > 12 else ''}" if words else ""


def whole_list(word: str, known: Sequence[str]) -> str:
    """`did you mean 'b8'? there is: b4, b8, b16`: the nearest where one is near, and all of them in
    their order."""
    near = f"did you mean '{found[0]}'? " if (found := get_close_matches(word, known, 1)) else ""
    return f"{near}there is: {', '.join(known)}"


def unwritten(what: str, error: OSError, then: str = "") -> OutputError:
    """The error that says what could not be written, "cannot write a.gif", why, and what to do, and
    what to do then."""
    reason = error.strerror or str(error) or "no such name is possible"
    hint = _WRITING.get(error.errno or 0, "look at the disk")
    return OutputError(f"{what}: {reason}", f"{hint}; {then}" if then else hint)


def explain(error: Exception) -> LattyError | None:
    """The error in the words of latty.errors; None for one that nobody foresaw."""
    if isinstance(error, LattyError):
        return error
    if isinstance(error, MemoryError) or _starved(error):
        return DeviceError("out of memory", "try a smaller size or --batch 1")
    if NO_FILES in str(error).lower():
        return OutputError("too many files are open at once", "ulimit -n 256 allows more")
    if isinstance(error, RuntimeError) and "home directory" in str(error):  # pathlib's "~nosuch"
        return Missing("there is no user of the name after ~", "check the path")
    name = _name_of(error)
    if isinstance(error, FileNotFoundError) and error.errno is None:  # as of safetensors
        return Missing(str(error), "check the path")
    if isinstance(error, FileNotFoundError) and error.filename is None:  # as of getcwd
        return Missing("this folder is gone", "cd into one that is there")
    if isinstance(error, FileNotFoundError):
        return Missing(f"there is no {name}", "check the path")
    if isinstance(error, OSError) and error.errno == errno.EBADF and error.filename is None:
        return OutputError("output: stdout is closed", "send it somewhere, as > /dev/null does")
    if isinstance(error, OSError) and error.errno is not None:
        long = error.errno == errno.ENAMETOOLONG
        return OutputError(f"{name}: {error.strerror}", _WRITING[error.errno] if long else "")
    return None


def _starved(error: Exception) -> bool:
    """Whether torch, the system, or who loads a library found no memory: they have words for it,
    and no class."""
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | ImportError) and any(w in text for w in NO_MEMORY)


def _name_of(error: Exception) -> str:
    """The file an OSError is about; of a name that would hide the reason both ends."""
    name = getattr(error, "filename", None)
    text = os.fspath(name) if isinstance(name, str | os.PathLike) else "output"
    return text if len(text) <= 200 else f"{text[:90]} ... {text[-90:]}"
