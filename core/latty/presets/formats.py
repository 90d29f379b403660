"""The output formats: what a writer is, and the registry of them.

A writer is a module in render/writers/ with a table of the formats that it writes, and two
functions. The table is a literal: it is read from the source, without an import.

    FORMATS = {".gif": {"what": "GIF picture", "film": True, "magic": rb"GIF8[79]a",
                        "reads": {"fps", "loop", "dither"}, "bytes_per_pixel": 0.3}}
    write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None
    recall(file: BinaryIO) -> bytes | None

`write` writes all frames of `film` to `path`, a temporary name that the caller renames when the
whole file is there, with the recipe `comment` (ASCII, see latty.render.provenance; "" for none)
inside. It may iterate the film more than once, holds no more than a few frames, and gives the same
bytes every time: no time stamps, no random numbers, thread counts that no machine changes.
`report(done, total, what)` is called once per frame and cancels by raising. OSError goes through.
`recall` gives that comment back; what it raises, and how much it may read, says Writer.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from latty import reading
from latty.plugins import Registry
from latty.presets.values import Output
from latty.report import Report

if TYPE_CHECKING:  # `latty check` reads what formats there are, and must not wait for numpy
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
else:
    Pixels = Any

LIMIT = 1 << 20  # bytes of a recipe
HEAD = 256  # bytes that tell a format
FOLDER = "/"  # the suffix of a folder of numbered frames
STREAM = "-"  # the path of a film that goes to stdout


class Frames(Protocol):
    """The frames of one output in play order: iterable again and again, any one of them in any
    thread. Each is (H, W, 3) uint8, and (H, W, 4) in formats that keep an opacity where the model
    draws one."""

    @property
    def height(self) -> int: ...

    @property
    def width(self) -> int: ...

    @property
    def fps(self) -> Fraction:
        """Frames per second."""

    @property
    def loops(self) -> bool:
        """Whether playing starts again at the end."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pixels: ...

    def __iter__(self) -> Iterator[Pixels]: ...


class Writer(Protocol):
    """A module in render/writers/."""

    def write(self, film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
        """All frames of `film`, each (H, W, 3), as the file `path`, the recipe inside."""

    def recall(self, file: BinaryIO) -> bytes | None:
        """The recipe in a file of this format, None where there is none.

        Anybody may have made the file: only the bytes of the recipe are unpacked, and no more than
        LIMIT and one of them; no picture is decoded. `file` lets so much be read and no more (see
        latty.pictures.BoundedFile). Raises OSError, ValueError, struct.error, zlib.error for a
        damaged file, BadData where it takes too much reading.
        """


WRITERS = Registry[Writer]("latty.render.writers", needs=("FORMATS", "write", "recall"))


# Bytes of a pixel: a number, or by a key of the output that changes them: ("crf", points) with a
# logarithm that is straight between (value, bytes), or ("profile", {word: bytes}).
Measure = float | tuple[str, tuple[tuple[float, float], ...] | Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Format:
    """One format that a writer writes.

    suffix   what chooses it: ".gif"; "/" fills a folder
    what     its name in words: "GIF picture"
    about    a line for `latty list formats`; without one the first of the writer's docstring
    alpha    it keeps an opacity: pictures with one come as (H, W, 4); else they are laid on white
    film     it plays; False = one picture, however long the film is
    fastest  frames per second beyond which its players slow down: frames are left out; 0 = none
    reads    the keys of an output that mean something to it, beside path, size and captions
    magic    a regular expression that its first bytes match, b"" = not recognised by content
    bytes_per_pixel  of a film as models draw them, see Measure: for the estimate before a render
    offered  the studio's form has it; False = it must be asked for by its suffix
    codecs   of a container of films: those that it takes, the usual one first
    encoders (encoder, container, pixel format) of FFmpeg that `latty doctor` tries
    """

    suffix: str
    writer: str
    what: str
    about: str = ""
    alpha: bool = False
    film: bool = False
    fastest: int = 0
    reads: frozenset[str] = frozenset()
    magic: bytes = b""
    bytes_per_pixel: Measure = 1.0
    offered: bool = True
    codecs: tuple[str, ...] = ()
    encoders: tuple[tuple[str, str, str], ...] = ()


# No writer's: render/streams.py writes it, in the format that `latty render` is asked for.
_STREAM = Format(
    STREAM, "", "stream on stdout", film=True, reads=frozenset({"fps", "loop", "depth"})
)


@cache
def formats() -> dict[str, Format]:
    """Every format by its suffix, in order of suffix. A suffix of ours is nobody else's: a writer
    that claims it, or whose table cannot be read, is named and left out."""
    found: dict[str, Format] = {}
    for name in sorted(WRITERS.names(), key=lambda name: (WRITERS.owner(name), name)):
        try:
            mine = _written_by(name)
        except (TypeError, ValueError, AttributeError) as error:
            WRITERS.refused(name, f"FORMATS: {error}")
            continue
        if claimed := sorted(mine.keys() & found):
            owner = WRITERS.owner(found[claimed[0]].writer) or "latty"
            WRITERS.refused(name, f"{claimed[0]} is written by {owner} already")
        else:
            found |= mine
    return dict(sorted(found.items()))


@cache
def _written_by(writer: str) -> dict[str, Format]:
    if not (table := WRITERS.constant(writer, "FORMATS")):
        raise ValueError("must be a literal table of suffixes")
    shared = {"about": WRITERS.summary(writer)}
    return {
        suffix: Format(
            suffix, writer, **shared | facts | {"reads": frozenset(facts.get("reads", ()))}
        )
        for suffix, facts in table.items()
    }


def suffix_of(path: str | Path) -> str:
    """What chooses the writer of an output's path: its suffix in lower case, "/", or "-"."""
    text = str(path)
    if text == STREAM:
        return STREAM
    return FOLDER if text.endswith("/") else PurePosixPath(text).suffix.lower()


def format_of(path: str | Path) -> Format | None:
    """The format in which an output's path is written, None where nobody writes it."""
    if (suffix := suffix_of(path)) == STREAM:
        return _STREAM
    name = suffix[1:]  # most writers have the name of their suffix: no look at other distributions
    mine = _written_by(name) if name in WRITERS and not WRITERS.owner(name) else {}
    return mine.get(suffix) or formats().get(suffix)


def suffixes() -> list[str]:
    """The suffixes of the files that can be written; a name ending in "/" fills a folder."""
    return [suffix for suffix in formats() if suffix != FOLDER]


def is_film(path: str | Path) -> bool:
    """Whether an output's path is a film: it plays, as a folder of numbered frames does."""
    found = format_of(path)
    return found is not None and found.film


def recognised(head: bytes) -> Format | None:
    """The format of a file by its first bytes: the longest match, for one may begin as another."""
    hits = ((re.match(one.magic, head, re.DOTALL), one) for one in formats().values() if one.magic)
    found = [(hit.end(), one) for hit, one in hits if hit is not None]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def media_of(path: Path) -> Format | None:
    """The format of a picture or film by its content, None for any other file. Raises OutputError
    where the disk fails."""
    try:
        with reading.opened(path) as file:
            return recognised(file.read(HEAD))
    except (OSError, ValueError) as error:
        reading.raise_of_disk(error, path)
        return None


def writer_of(output: Output) -> Writer:
    """The writer that an output's suffix chooses. Raises Missing."""
    found = format_of(output.path)
    return WRITERS.load(found.writer if found else suffix_of(output.path)[1:])


def starts(count: int, fps: Fraction, ticks: int) -> list[int]:
    """When each of `count` frames starts, and when the last one ends, in 1/`ticks` seconds.

    Rounding is spread over the film, so that a long one does not run fast or slow.

    >>> starts(4, Fraction(30), 100)
    [0, 3, 7, 10, 13]
    """
    return [int(i * ticks / fps + Fraction(1, 2)) for i in range(count + 1)]
