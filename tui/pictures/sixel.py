"""Sixels: the picture in bands of six rows, one pass per colour and band, all in numpy.

All colours are defined before the data: terminals draw speckles when they learn colours late.
"""

import numpy as np
from numpy.typing import NDArray

from core.render import palette

Pixels = NDArray[np.uint8]
Index = NDArray[np.int32]
COLOURS = 256
BAND = 6  # rows in a band
EMPTY = ord("?")  # the sixel without pixels; the others follow it
SHORT = 3  # a run up to this long is written out, a longer one as !COUNT


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """A pixel per pixel."""
    return columns * cell[0], rows * cell[1]


def encode(rgb: Pixels, columns: int, rows: int, *, truecolor: bool = True, number: int = 1) -> str:
    """One picture, exactly as many pixels as `rgb` has, from the cursor on."""
    height, width = rgb.shape[:2]
    colours, index = quantise(rgb)
    defined = "".join(f"#{i};2;{r};{g};{b}" for i, (r, g, b) in enumerate(colours.tolist()))
    return f'\x1bP0;1;0q"1;1;{width};{height}{defined}{_body(index)}\x1b\\'


def quantise(rgb: Pixels) -> tuple[Pixels, Pixels]:
    """A palette (K, 3) in the percent that sixels count in, and an index (H, W) into it.

    Boxes of colours are cut at their mean across their widest side, the worst half of them at
    once: made for a picture per key press, where the writers' palette takes ten times as long.
    """
    counts = palette.histogram([rgb])
    occupied = np.flatnonzero(counts)
    weights = counts[occupied].astype(np.float64)
    levels = np.stack([occupied >> 12, occupied >> 6, occupied], axis=1) & 63
    points = (levels * 4 + 1.5).astype(np.float64)  # the centre of a bin of 4 levels
    leaf, count = np.zeros(len(points), np.intp), 1
    while True:
        mean, error = _moments(points, weights, leaf, count)
        worst = np.argsort(-error.sum(1))[: min(count // 2 + 1, COLOURS - count)]
        worst = worst[error[worst].sum(1) > 0]
        if not len(worst):
            break
        child = np.full(count, -1)
        child[worst] = count + np.arange(len(worst))
        axis = error.argmax(1)[leaf]
        moves = np.take_along_axis(points, axis[:, None], 1)[:, 0] > mean[leaf, axis]
        leaf = np.where(moves & (child[leaf] >= 0), child[leaf], leaf)
        count += len(worst)
    table = np.zeros(len(counts), np.uint8)
    table[occupied] = leaf
    percent = np.rint(mean * (100 / 255)).astype(np.uint8)
    return percent, table[palette.bins(rgb)].reshape(rgb.shape[:2])


def _moments(
    points: NDArray[np.float64], weights: NDArray[np.float64], leaf: NDArray[np.intp], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (count, 3) and squared error (count, 3) of the points of each leaf."""
    total = np.maximum(np.bincount(leaf, weights, count), 1)[:, None]
    terms = [points[:, c] ** power * weights for power in (1, 2) for c in range(3)]
    sums = np.stack([np.bincount(leaf, term, count) for term in terms], axis=1)
    mean = sums[:, :3] / total
    return mean, np.maximum(sums[:, 3:] - sums[:, :3] * mean, 0)


def _body(index: Pixels) -> str:
    """The data of all bands."""
    key, bits = _columns(index)
    width = index.shape[1]
    row, x = key // width, key % width  # row = band * COLOURS + colour
    fresh = np.ones(len(key), bool)  # where a run begins: new pass, gap, or other pixels
    new_row = np.diff(row, prepend=-1) != 0
    fresh[1:] = new_row[1:] | (np.diff(x) != 1) | (np.diff(bits) != 0)
    start = np.flatnonzero(fresh)
    length = np.diff(start, append=len(key))
    first, row, x = new_row[start], row[start], x[start]
    end = x + length
    gap = np.where(first, x, x - np.concatenate([[0], end[:-1]]))
    return _write(first, row, gap, length, bits[start] + EMPTY, width)


def _columns(index: Pixels) -> tuple[Index, Index]:
    """Sorted (band, colour, x) as one number, and the six bits of that column of pixels."""
    height, width = index.shape
    y = np.arange(height, dtype=np.int32)[:, None]
    place = (y // BAND * COLOURS + index) * width + np.arange(width, dtype=np.int32)
    packed = np.sort((place * 8 + y % BAND).ravel())  # int32: sorted eight at a time
    key = packed >> 3
    start = np.flatnonzero(np.diff(key, prepend=-1))
    return key[start], np.bitwise_or.reduceat(1 << (packed & 7), start)


def _text(words: list[str], width: int) -> Pixels:
    """Words as characters (len(words), width), unused ones 0."""
    data = b"".join(word.encode().ljust(width, b"\0") for word in words)
    return np.frombuffer(data, np.uint8).reshape(len(words), width)


def _write(
    first: NDArray[np.bool_], row: Index, gap: Index, length: Index, char: Index, width: int
) -> str:
    """Put every run's characters side by side in a table, then drop the unused ones."""
    band, colour = row // COLOURS, row % COLOURS
    new_band = np.diff(band, prepend=0) != 0
    lead = np.where(new_band, ord("-"), np.where(first, ord("$"), 0))
    lead[0] = 0
    select = _text([f"#{i}" for i in range(COLOURS)], 4)[colour]
    select[~first] = 0
    counts = range(width + 1)
    gaps = _text(["?" * n if n <= SHORT else f"!{n}?" for n in counts], 7)[gap]
    repeat = _text(["" if n <= SHORT else f"!{n}" for n in counts], 6)[length]
    again = np.where(length > SHORT, 1, length)[:, None] > np.arange(SHORT)
    run = np.where(again, char[:, None], 0)
    table = np.concatenate([lead[:, None], select, gaps, repeat, run], axis=1).astype(np.uint8)
    data: bytes = table[table != 0].tobytes()
    return data.decode("ascii")
