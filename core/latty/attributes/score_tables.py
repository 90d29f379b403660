"""Scores that people bring for stored latents: a CSV, CelebA's list, an array, or HDF5.

A CSV has a header of attributes, and a line for each latent: in their order, or each with its
"file", "seed" or "row", as a pool's manifest has them. An empty cell is a score that nobody knows.
CelebA's list says how many lines follow, then the names, then a file and -1 or 1 for each. An array
is (N,) or (N, A), in the order of the latents; TL-GAN's HDF5 has it under "y".
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latty import latents, reading
from latty.attributes import hdf5
from latty.attributes.labels import (
    COUNTED,
    FILE_COLUMNS,
    LARGEST_NUMBER,
    MOST_COLUMNS,
    celeba,
    check_names,
    read_table,
    score_of,
)
from latty.checkpoints import open_checkpoint
from latty.errors import BadData
from latty.latents import Found, pools
from latty.latents.scores import Scores, is_own, read_from
from latty.store import name_from
from latty.text import clean

KEYS = ("file", "seed", "row")  # columns that say which latent a line is of
OF_MANIFEST = "class"  # beside all of them
NUMPY = (b"\x93NUMPY", b"PK\x03\x04")
WORDS = re.compile(r"[_\-. ]*(scores?|labels?|preds?|predictions?|logits?)$", re.IGNORECASE)
CELL = re.compile(r"\s*[+-]?(\d|\.\d|nan|inf)", re.IGNORECASE)
ORDER = "leave the column out where the lines are in the order of the latents"


def read_scores(file: Path, pool: Found, names: Sequence[str] = ()) -> Scores:
    """The scores in a file, a row for each latent; `names` for what knows none. Raises Missing,
    BadData, OutputError."""
    head = _head(file)
    if head.startswith((*NUMPY, hdf5.MAGIC)):
        return _of_arrays(file, pool, names)
    if names:
        raise BadData(f"{clean(file.name)} names its attributes itself", "leave out --name")
    if is_own(file):
        return read_from(file, pool.path, pool.shape[0])
    if COUNTED.match(head):
        return read_table(file, lambda lines: _celeba(file, lines, pool), " ")
    return read_table(file, lambda lines: _csv(file, lines, pool))


def looks_like_scores(file: Path) -> bool:
    """Whether a file can hardly be anything else: a table with a header, CelebA's list, or an array
    that is called so. Raises Missing where nobody can tell without h5py, BadData, OutputError."""
    head = _head(file)
    if head.startswith(NUMPY[0]):
        return WORDS.search(file.stem) is not None and _is_table(file)
    if head.startswith(hdf5.MAGIC):
        shapes = hdf5.shapes(file)
        called = [file.stem, *shapes]
        return "z" not in shapes and bool(shapes) and (
            "y" in shapes or any(map(WORDS.search, called))
            or all(len(shape) == 1 for shape in shapes.values()))  # fmt: skip
    if COUNTED.match(head):
        return True
    lines = head.decode("utf-8-sig", "replace").splitlines()[:2]
    if len(lines) < 2 or not all(line.replace("\t", "").isprintable() for line in lines):
        return False
    mark = max(",;\t", key=lines[0].count)
    first, second = (line.split(mark) for line in lines)
    numbers = [bool(CELL.match(cell)) for cell in second]
    return len(first) == len(second) and any(numbers) and not any(map(CELL.match, first))


def may_be_scores(file: Path) -> bool:
    """Whether it may hold scores where nothing else is made of it: an .npy of one number a row, or
    arrays in an .npz of which one is called so. Raises OutputError."""
    if not _head(file).startswith(NUMPY):
        return False
    shapes = _shapes(file)
    columns = all(len(shape) == 1 or shape[1:] == (1,) for shape in shapes.values())
    return bool(shapes) and (columns or any(map(WORDS.search, shapes)))


def _is_table(file: Path) -> bool:
    return all(len(shape) in (1, 2) for shape in _shapes(file).values())


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Those of NumPy's arrays; none where it cannot be read: whoever reads it says what is wrong.
    Raises OutputError."""
    try:
        found = open_checkpoint(file)
        views = found.views() if found.kind in ("npy", "npz") else {}
    except BadData:
        return {}
    return {key: tuple(view.shape) for key, view in views.items()}


def _head(file: Path) -> bytes:
    with reading.opened(file) as opened:
        return opened.read(65536)


# --- tables ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Sheet:
    """Lines taken in one by one, each put where the row of its latent is.

    keyed  whether lines say which latent they are of
    lines  the number of the line that filled each row (N,); 0 = none yet
    """

    file: str
    pool: Found
    names: Sequence[str]
    keyed: bool
    array: NDArray[np.float32] = field(init=False)
    lines: NDArray[np.int64] = field(init=False)
    taken: int = 0
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = self.pool.shape[0]
        self.array = np.full((count, len(self.names)), np.nan, np.float32)
        self.lines = np.zeros(count, np.int64)

    def put(self, line: int, keys: Mapping[str, str], values: Sequence[float]) -> None:
        """Raises BadData for a line of no latent, or of one that has a line already."""
        where, count = f"{self.file}:{line}", self.pool.shape[0]
        if self.keyed:
            row = self._row(where, keys)
        elif self.taken < count:
            row = self.taken
        else:
            raise BadData(f"{where}: more lines than the {count} latents of {self.pool.title}")
        if self.lines[row]:
            what = f"row {row} has a line already, {self.lines[row]}"
            raise BadData(f"{where}: {what}", "one line for each latent")
        self.array[row], self.lines[row] = values, line
        self.taken += 1

    def done(self) -> Scores:
        """Raises BadData where latents have no line."""
        count = self.pool.shape[0]
        if self.taken < count:
            first = int(np.flatnonzero(self.lines == 0)[0])
            what = f"{self.file}: {self.taken} lines for the {count} latents of {self.pool.title}"
            more = f"; the first without one is row {first}" if self.keyed else ""
            raise BadData(what + more, "a line for each latent, with empty cells where need be")
        return _checked(self.file, self.names, self.array)

    def _row(self, where: str, keys: Mapping[str, str]) -> int:
        """The row that all keys of a line name. Raises BadData."""
        found: dict[str, int] = {}
        for key, cell in keys.items():
            known = self.rows.get(key) or self._known(where, key)
            word = PurePath(cell.replace("\\", "/")).stem if key == "file" else cell
            if word not in known:
                span = f"{next(iter(known))} to {[*known][-1]}"
                what = f"no latent of {self.pool.title} has the {key} '{clean(cell, 60)}'"
                raise BadData(f"{where}: {what}", f"it holds {span}")
            found[key] = known[word]
        rows = set(found.values())
        if len(rows) > 1:
            told = ", ".join(f"{key} {clean(keys[key], 60)} is row {row}"
                             for key, row in found.items())  # fmt: skip
            raise BadData(f"{where}: {told}", "they must be of one latent")
        return rows.pop()

    def _known(self, where: str, key: str) -> Mapping[str, int]:
        """What a key may say -> the row that it means. Raises BadData where nobody knows."""
        pool = self.pool
        if key == "row":
            words = [str(i) for i in range(pool.shape[0])]
        elif pool.arrays and (key == "seed" or pools.TEMPLATE.fullmatch(pool.files)):
            seeds = latents.seeds(pool).tolist()
            words = [PurePath(pools.file_of(pool.files, seed)).stem if key == "file" else str(seed)
                     for seed in seeds]  # fmt: skip
        elif key == "file" and pool.names:
            words = [PurePath(name).stem for name in pool.names]
        else:
            what = f"{where}: {pool.title} does not know the {key} of its latents"
            raise BadData(what, ORDER)
        self.rows = {**self.rows, key: {word: i for i, word in enumerate(words)}}
        return self.rows[key]


def _csv(path: Path, lines: Iterator[tuple[int, list[str]]], pool: Found) -> Scores:
    head = [cell.strip() for cell in next(lines, (1, []))[1]]
    where = f"{path.name}:1"
    if len(head) > MOST_COLUMNS:
        raise BadData(f"{clean(where)}: more than {MOST_COLUMNS} columns", "name fewer")
    keys = {"file" if name.lower() in FILE_COLUMNS else name.lower(): i
            for i, name in enumerate(head)
            if name.lower() in (*KEYS, *FILE_COLUMNS)}  # fmt: skip
    places = [*keys.values()]
    if len(keys) == len(KEYS) and OF_MANIFEST in head:
        places.append(head.index(OF_MANIFEST))
    columns = [i for i in range(len(head)) if i not in places]
    names = [head[i] for i in columns]
    if not names or any(CELL.match(name) for name in names):
        raise BadData(f"{clean(where)}: it names no attributes", "such as file,smile,age")
    check_names(names, where)
    sheet = _Sheet(clean(path.name), pool, names, bool(keys))
    for line, row in lines:
        place = f"{sheet.file}:{line}"
        if len(row) != len(head):
            raise BadData(f"{place}: {len(row)} cells", f"the first line has {len(head)}")
        values = [score_of(place, row[i], head[i], ("",)) for i in columns]
        sheet.put(line, {key: row[i].strip() for key, i in keys.items()}, values)
    return sheet.done()


def _celeba(path: Path, lines: Iterator[tuple[int, list[str]]], pool: Found) -> Scores:
    """list_attr_celeba.txt: how many, the names, and a file and numbers in each line."""
    file, rows = clean(path.name), celeba(path, lines)
    line, (_, *names) = next(rows)
    check_names(names, f"{path.name}:{line}")
    sheet = _Sheet(file, pool, names, True)
    for line, (key, *cells) in rows:
        values = [score_of(f"{file}:{line}", *pair, ()) for pair in zip(cells, names, strict=True)]
        sheet.put(line, {"file": key}, values)
    return sheet.done()


def _of_arrays(file: Path, pool: Found, names: Sequence[str]) -> Scores:
    known = _arrays(file)
    several = len(known) > 1
    columns = [_columns(file, array, pool) for array in known.values()]
    if several and any(one.shape[1] > 1 for one in columns):
        there = ", ".join([*known][:6])
        raise BadData(f"{clean(file.name)} holds {clean(there, 80)}: which are the scores?")
    array = np.concatenate(columns, 1)
    if not names:
        names = [*known] if several else [_name(file, array)]
    if len(names) != array.shape[1]:
        what = f"{clean(file.name)} holds {array.shape[1]} scores of each latent"
        raise BadData(what, f"--name takes as many names with commas between, not {len(names)}")
    check_names(names, file.name)
    return _checked(clean(file.name), names, array)


def _arrays(file: Path) -> dict[str, NDArray[Any]]:
    if _head(file).startswith(hdf5.MAGIC):
        return {"y": hdf5.array(file, "y")}
    return {key: view.numpy() for key, view in open_checkpoint(file).views().items()}


def _columns(file: Path, array: NDArray[Any], pool: Found) -> NDArray[np.float32]:
    """(N, A) of an array that has a row for each latent. Raises BadData."""
    name, count = clean(file.name), pool.shape[0]
    if array.dtype.kind not in "biuf" or array.ndim not in (1, 2) or array.size == 0:
        shape = "x".join(map(str, array.shape))
        what = f"{name} holds {array.dtype} of the shape {shape or 'of one number'}"
        raise BadData(what, "scores are numbers, (N,) or (N, A)")
    if len(array) != count:
        raise BadData(f"{name}: {len(array)} scores for the {count} latents of {pool.title}")
    if array.ndim == 2 and array.shape[1] > MOST_COLUMNS:
        raise BadData(f"{name}: more than {MOST_COLUMNS} columns", "take fewer")
    table = array.reshape(count, -1).astype(np.float64)
    wrong = ~(np.abs(table) <= LARGEST_NUMBER)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        what = f"{name}: row {row}, column {column} is {table[row, column]:g}"
        more = f", and {wrong.sum() - 1} more are no finite numbers" if wrong.sum() > 1 else ""
        hint = "write -1, say, where nobody knows; discover interfacegan --invalid -1 leaves it out"
        raise BadData(what + more, hint)
    return table.astype(np.float32)


def _name(file: Path, array: NDArray[Any]) -> str:
    """What the one attribute in a file is called: as the file, less such words as "scores". Raises
    BadData for several."""
    if array.shape[1] > 1:
        what = f"{clean(file.name)} holds {array.shape[1]} attributes and no names"
        raise BadData(what, "say them: --name smile,age,...")
    return name_from(WORDS.sub("", file.stem)) or "score"


def _checked(file: str, names: Collection[str], array: NDArray[np.float32]) -> Scores:
    """Raises BadData for an attribute that nobody knows of any latent."""
    import torch

    for name, column in zip(names, array.T, strict=True):
        if np.isnan(column).all():
            raise BadData(f"{file}: there is no score in column {name}", "leave it out")
    return Scores(tuple(names), torch.from_numpy(array))
