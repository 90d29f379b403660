"""Labelled pictures: a folder per class, or a CSV with a column of files and one per attribute, or
a list as CelebA has it: how many, the names, and a file and -1 or 1 for each.

In a CSV, columns of 0 and 1 (or -1 and 1, as CelebA has them) are yes or no; other numbers are
measured. An empty cell, or "nan", is a label that nobody gave.
"""

import csv
import math
import re
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latty import pictures, reading
from latty.attributes.card import MOST_OUTPUTS, NAME_WORDS, Group, is_name
from latty.errors import BadData, Missing, OutputError, UnfitFile
from latty.report import Report, silent
from latty.text import clean

T = TypeVar("T")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".bmp", ".gif", ".tif", ".tiff", ".pgm",
            ".ppm", ".mp4", ".webm", ".mov", ".mkv", ".avi")  # fmt: skip
FILE_COLUMNS = ("file", "filename", "path", "image", "image_id", "picture")
COUNTED = re.compile(rb"\s*\d{1,9}\s*\r?\n")  # the first line of CelebA's list
ALIGNED = "img_align_celeba"  # where its pictures are
FEWEST = 20  # pictures
LARGEST = 128 * 2**20  # bytes of a CSV: forty labels of 200,000 pictures take a fifth of it
MOST_COLUMNS = 1000
MOST_BYTES = 16 * 2**30  # of pictures in memory
LARGEST_NUMBER = 3.4e38  # of float32
UNREAL = ("", "nan", "none", "na")
EMPTY = "leave the cell empty where nobody knows"


@dataclass(frozen=True)
class LabelledPictures:
    """Files and what is known of them.

    groups   softmax over the classes of a folder; sigmoid or none for the columns of a CSV
    targets  (n, A) float32, NaN where nobody said; a class is 1 in its column
    """

    files: tuple[Path, ...]
    groups: tuple[Group, ...]
    targets: NDArray[np.float32]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for group in self.groups for name in group.names)

    @cached_property
    def digest(self) -> str:
        """Changes with every label and every file's size or time."""
        total = sha256(repr(self.groups).encode() + self.targets.tobytes())
        for file in self.files:
            facts: tuple[int, ...] = ()
            with suppress(OSError, ValueError):  # there is none, or no file can have that name
                fact = file.stat()
                facts = fact.st_size, fact.st_mtime_ns
            total.update(repr((file.parent.name, file.name, facts)).encode())
        return total.hexdigest()


def read_labels(data: Path, report: Report = silent) -> LabelledPictures:
    """The labels of a folder or a CSV; no picture is opened. `report` is told (done, 0, "labels").
    Raises Missing, BadData, OutputError."""
    if not data.exists():
        raise Missing(f"there is no {clean(str(data))}", "a folder per class, or a CSV")
    found = _folders(data, report) if data.is_dir() else _table(data, report)
    if len(found.files) < FEWEST:
        what = f"{clean(data.name)} names {len(found.files)} pictures"
        raise BadData(what, f"at least {FEWEST}, better thousands")
    return found


def _folders(data: Path, report: Report) -> LabelledPictures:
    classes = sorted(path for path in data.iterdir() if path.is_dir() and path.name[0] != ".")
    if len(classes) > MOST_OUTPUTS:
        raise BadData(f"{clean(data.name)} holds more than {MOST_OUTPUTS} folders", "name fewer")
    if len(classes) < 2:
        what = f"{clean(data.name)} holds {len(classes)} folders of pictures"
        raise BadData(what, "a folder for each of two or more classes; or name a CSV")
    for folder in classes:
        _check_name(folder.name, data.name)
    files, rows = [], []
    for index, folder in enumerate(classes):
        below = _told(folder.rglob("*"), report)
        inside = sorted(path for path in below if path.suffix.lower() in SUFFIXES)
        if not inside:
            raise BadData(f"there is no picture in {clean(folder.name)}", ", ".join(SUFFIXES))
        files += inside
        rows += [index] * len(inside)
    group = Group(tuple(folder.name for folder in classes), "softmax")
    targets = np.zeros((len(files), len(classes)), np.float32)
    targets[np.arange(len(files)), rows] = 1
    return LabelledPictures(tuple(files), (group,), targets)


def _told(labels: Iterable[T], report: Report) -> Iterator[T]:
    """The same; what `report` raises ends even those without end."""
    for count, label in enumerate(labels, 1):
        yield label
        if count % 1000 == 0:
            report(count, 0, "labels")


def check_names(names: Sequence[str], where: str) -> None:
    """Raises BadData for what no attribute may be called, and for what stands twice."""
    for name in names:
        _check_name(name, where)
        if names.count(name) > 1:
            raise BadData(f"{clean(where)}: the column '{name}' stands twice", "rename one")


def _check_name(name: str, file: str) -> None:
    if not is_name(name):
        raise BadData(f"{clean(file)}: '{clean(name, 40)}' is no attribute's name", NAME_WORDS)


def _table(path: Path, report: Report) -> LabelledPictures:
    head = b""
    with suppress(OSError), reading.opened(path) as file:  # what is wrong with it is told below
        head = file.read(64)
    if COUNTED.match(head):
        places = (path.parent / ALIGNED, path.parent.parent / "Img" / ALIGNED)  # as it is unpacked
        folder = next((place for place in places if place.is_dir()), path.parent)
        lines_of = partial(celeba, path)
        return read_table(path, lambda lines: _labels(path, lines_of(lines), report, folder), " ")
    return read_table(path, lambda lines: _labels(path, lines, report, path.parent))


def celeba(path: Path, lines: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    """The lines of a CSV with a column "file" that a list such as CelebA's list_attr_celeba.txt
    would be: how many, the names, and a file and numbers in each line. Raises BadData."""
    file, (_, first), (line, names) = clean(path.name), next(lines), next(lines, (2, []))
    names, count, many = _cells(names), int("".join(first)), 0
    if not names:
        raise BadData(f"{file}:{line}: it names no attributes", "as CelebA's list does")
    yield line, ["file", *names]
    for line, row in lines:
        cells = _cells(row) or [""]
        if len(cells) != len(names) + 1:
            raise BadData(f"{file}:{line}: {len(cells) - 1} numbers", f"line 2 names {len(names)}")
        yield line, cells
        many += 1
    if many != count:
        raise BadData(f"{file}:1: it says {count}, and {many} lines follow", "correct the count")


def _cells(row: Sequence[str]) -> list[str]:
    """Without the empty ones that several spaces make."""
    return [cell for cell in row if cell.strip()]


def read_table(
    path: Path, use: Callable[[Iterator[tuple[int, list[str]]]], T], mark: str = ""
) -> T:
    """What `use` makes of the lines of a CSV, each with its number. `mark` is what stands between
    the cells; of commas, semicolons and tabs, which, the first line tells. Raises BadData,
    OutputError, and what `use` raises."""
    try:
        file = BytesIO(reading.content(path, LARGEST))
        with TextIOWrapper(file, "utf-8-sig", newline="") as text:
            mark = mark or max(",;\t", key=text.readline().count)
            text.seek(0)
            lines = csv.reader(text, delimiter=mark)
            return use((lines.line_num, row) for row in lines if row)
    except csv.Error as error:
        raise BadData(f"{clean(path.name)} is no CSV: {error}", "a CSV with a header") from None
    except UnicodeDecodeError:
        raise BadData(f"{clean(path.name)} is no text in UTF-8") from None
    except UnfitFile:
        raise
    except OSError as error:
        raise OutputError(f"cannot read {clean(path.name)}: {error.strerror}") from None


def _labels(
    path: Path, lines: Iterator[tuple[int, list[str]]], report: Report, folder: Path
) -> LabelledPictures:
    """Of the lines of a CSV, each with its number and taken by itself: they may be many."""
    head, at = _head(path, next(lines, (1, []))[1])
    columns = [i for i in range(len(head)) if i != at]
    files, numbers = list[Path](), array("f")
    for number, row in _told(lines, report):
        numbers.extend(_row(path, number, row, head, columns))
        files.append(folder / row[at].strip())
    targets = np.frombuffer(numbers, np.float32).reshape(-1, len(columns))
    groups = tuple(_column(path, head[i], targets[:, k]) for k, i in enumerate(columns))
    return LabelledPictures(tuple(files), groups, targets)


def _head(path: Path, row: Sequence[str]) -> tuple[list[str], int]:
    """The names of the columns, and which one holds the files."""
    where = f"{clean(path.name)}:1"
    if len(row) > MOST_COLUMNS:
        raise BadData(f"{where}: more than {MOST_COLUMNS} columns", "name fewer")
    head = [cell.strip() for cell in row]
    at = next((i for i, name in enumerate(head) if name.lower() in FILE_COLUMNS), None)
    if at is None or len(head) < 2:
        hint = "file,smile,age on the first line, for example"
        raise BadData(f"{where}: no column is called 'file'", hint)
    check_names(head[:at] + head[at + 1 :], f"{path.name}:1")
    return head, at


def _row(
    path: Path, number: int, row: Sequence[str], head: Sequence[str], columns: Sequence[int]
) -> list[float]:
    """The numbers of one line; every fault names the line."""
    where = f"{clean(path.name)}:{number}"
    if len(row) != len(head):
        raise BadData(f"{where}: {len(row)} cells", f"the first line has {len(head)}")
    return [score_of(where, row[i], head[i]) for i in columns]


def score_of(where: str, cell: str, column: str, none: Collection[str] = UNREAL) -> float:
    """What a cell says; NaN for the words that say that nobody knows. Raises BadData."""
    cell = cell.strip()
    if cell.lower() in none:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        what = f"{where}: '{clean(cell, 40)}' in column {column} is no number"
        raise BadData(what, EMPTY) from None
    if not abs(value) <= LARGEST_NUMBER:
        is_what = "is no number" if math.isnan(value) else "is infinite"
        raise BadData(f"{where}: column {column} {is_what}", EMPTY)
    return value


def _column(path: Path, name: str, values: NDArray[np.float32]) -> Group:
    """What kind of label a column holds; -1 becomes 0 in place where it means no."""
    known = set(np.unique(values[~np.isnan(values)]).tolist())
    if len(known) < 2:
        raise BadData(f"{clean(path.name)}: column {name} is the same everywhere", "leave it out")
    if known <= {0.0, 1.0} or known == {-1.0, 1.0}:
        values[values == -1] = 0
        return Group((name,), "sigmoid")
    return Group((name,), "none")


# --- pictures -------------------------------------------------------------------------------------


def read_pictures(
    files: Sequence[Path], size: int, channels: int, report: Report
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures (n, C, size, size) and the places in `files` of those that could be read.

    The middle square of each, averaged or interpolated to size. Raises BadData, OSError where the
    disk cannot be read.
    """
    if len(files) * channels * size * size > MOST_BYTES:
        what = f"{len(files)} pictures of {size} px do not fit {MOST_BYTES >> 30} GiB of memory"
        raise BadData(what, "take a smaller --size, or fewer pictures")
    found = np.empty((len(files), channels, size, size), np.uint8)
    kept: list[int] = []
    for place, file in enumerate(files):
        if (picture := _picture(file, size, channels)) is not None:
            found[len(kept)] = picture
            kept.append(place)
        if place % 50 == 49 or place == len(files) - 1:
            report(place + 1, len(files), "pictures")
    return found[: len(kept)], np.array(kept, np.int64)


def _picture(file: Path, size: int, channels: int) -> NDArray[np.uint8] | None:
    """One picture (C, size, size); None for what is none, or is damaged."""
    import warnings

    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = _opened(file, size).convert("RGB" if channels == 3 else "L")
        square = ImageOps.fit(whole, (size, size), Image.Resampling.BILINEAR)
    except Exception as error:  # readers raise anything on damaged bytes
        reading.raise_of_disk(error, file)
        return None
    array = np.asarray(square, np.uint8)
    return array.transpose(2, 0, 1) if channels == 3 else array[None]


def _opened(file: Path, size: int) -> Image.Image:
    """A picture, upright; of a film its first frame."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with pictures.opened(file, near=2 * size) as opened:
            return ImageOps.exif_transpose(opened)
    except UnidentifiedImageError:
        frame, _ = next(pictures.film(file))
        return Image.fromarray(frame.to_ndarray(format="rgb24"))
