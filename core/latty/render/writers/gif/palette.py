"""Palettes of a film and of single pictures: split boxes, then k-means, over colour histograms.

The histogram of a film has 128 levels per channel and is filled frame by frame, so memory does not
depend on the length of the film. Every frame's colours are in it, hence the table from bins to
palette entries needs the occupied bins only. A picture's own palette is chosen from cells of 64
levels, each at the mean of its pixels.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latty.presets.formats import Pixels

BITS, CELL_BITS = 7, 6  # per channel: of the film's histogram, of the cells that a palette is of
BINS, CELLS = 1 << 3 * BITS, 1 << 3 * CELL_BITS
_ROUNDS = 2  # of k-means: a third is worth 0.03 dB
_BLOCK = 1 << 8  # points compared with the palette at once: they stay in the processor's cache
_STRIP = 1 << 16  # and so do pixels: a picture of 1024 px in one piece takes twice as long

Index = NDArray[np.intp]
Floats = NDArray[np.float64]
Points = NDArray[np.float32]


class ColourCells(NamedTuple):
    """The colours of a film or picture: P cells, the mean colour (P, 3) and the pixels (P,) of
    each."""

    occupied: Index
    means: Points
    weights: Floats


def planes_of(pixels: Pixels) -> Pixels:
    """The channels (3, H, W) of a picture (H, W, 3), each in one piece: arithmetic with them is
    several times as quick."""
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def strips(size: tuple[int, ...]) -> Iterator[slice]:
    """The rows of a picture (H, W), some at a time: multiples of 8, the period of a dither."""
    height, width = size
    rows = max(1, _STRIP // 8 // width) * 8
    return (slice(first, first + rows) for first in range(0, height, rows))


def bins(planes: Pixels, bits: int = BITS) -> Index:
    """The histogram bin of each pixel of a picture (3, H, W), as (H * W,)."""
    red, green, blue = planes >> (8 - bits)
    upper = np.left_shift(red, bits, dtype=np.uint16)
    upper |= green
    index: Index = np.left_shift(upper, bits, dtype=np.intp).ravel()
    index |= blue.ravel()
    return index


def histogram(frames: Iterable[Pixels]) -> NDArray[np.int64]:
    """How often each bin (128 * 128 * 128,) occurs in all frames (H, W, 3)."""
    counts = np.zeros(BINS, np.int64)
    for frame in frames:
        for rows in strips(frame.shape[:2]):
            np.add.at(counts, bins(planes_of(frame[rows])), 1)
    return counts


def of_film(counts: NDArray[np.int64]) -> ColourCells:
    """The cells (P,) of a histogram (B,) of all bins."""
    occupied = np.flatnonzero(counts > 0)  # of truth values: twice as quick
    colours, weights = centres(occupied), counts[occupied].astype(np.float64)
    cell = np.zeros_like(occupied)
    for channel in (2, 1, 0):
        level = (occupied >> channel * BITS) & ((1 << BITS) - 1)
        cell = (cell << CELL_BITS) | (level >> (BITS - CELL_BITS))
    total = np.bincount(cell, weights, CELLS)
    kept = np.flatnonzero(total > 0)
    share = total[kept].astype(np.float64)
    sums = [np.bincount(cell, weights * one, CELLS)[kept] / share for one in colours.T]
    return ColourCells(kept, np.stack(sums, axis=1).astype(np.float32), share)


def choose(means: Points, weights: Floats, colours: int) -> Pixels:
    """The palette (at most `colours`, 3) with a small squared error for weighted colours (P, 3)."""
    if len(means) <= colours:
        return np.rint(means).astype(np.uint8)
    points = means.astype(np.float64)
    weighted = points * weights[:, None]
    moments = np.hstack([weights[:, None], weighted, weighted * points])
    palette = _split(points, moments, colours)
    for _ in range(_ROUNDS):
        sums = _sums(moments[:, :4], nearest(means, palette), len(palette))
        total = sums[:, :1]
        palette = np.where(total > 0, sums[:, 1:] / np.maximum(total, 1e-9), palette)
    return np.rint(palette).astype(np.uint8)


def nearest(points: Points, palette: Pixels | Floats) -> Index:
    """The index (P,) of the palette colour (K, 3) nearest to each point (P, 3)."""
    # |p - c|^2 / 2 without its |p|^2, which is the same for every c: (p, 1) times (-c, |c|^2 / 2)
    colours = palette.astype(np.float32)
    sides = np.vstack([-colours.T, (colours**2).sum(1) / 2])
    whole = np.ones((len(points), 4), np.float32)
    whole[:, :3] = points
    distances = np.empty((_BLOCK, len(colours)), np.float32)
    found = np.empty(len(points), np.intp)
    for i in range(0, len(points), _BLOCK):
        part = whole[i : i + _BLOCK]
        np.matmul(part, sides, out=distances[: len(part)])
        distances[: len(part)].argmin(1, out=found[i : i + _BLOCK])
    return found


def centres(index: Index, bits: int = BITS) -> Points:
    """The colours (P, 3) at the centres of bins (P,)."""
    found, shift = np.empty((len(index), 3), np.float32), 8 - bits
    for channel in range(3):
        found[:, channel] = (index >> (2 - channel) * bits) & ((1 << bits) - 1)
    return found * (1 << shift) + np.float32(((1 << shift) - 1) / 2)


def _split(points: Floats, moments: Floats, colours: int) -> Floats:
    """Means (colours, 3) of boxes of points (P, 3): the worse half of them is cut at their means,
    again and again. `moments` (P, 7) are the weight of each, and its first and second moments."""
    label, count = np.zeros(len(points), np.intp), 1
    first = np.arange(0, points.size, 3)  # of each point in all numbers
    boxes = np.zeros((colours, 7))
    boxes[0] = moments.sum(0)
    while True:
        total, sums, squares = boxes[:count, :1], boxes[:count, 1:4], boxes[:count, 4:]
        means = sums / total
        if count == colours:
            return means
        errors = squares - sums * means
        axis = errors.argmax(1)
        longest = axis + first[:count]
        error = errors.take(longest)
        worst = np.argsort(-error, kind="stable")[: min(colours - count, (count + 1) // 2)]
        worst = worst[error[worst] > 1e-6 * total[worst, 0]]
        if not len(worst):
            return means
        half, middle = np.zeros(count, np.intp), np.full(count, np.inf)
        half[worst] = np.arange(len(worst))
        middle[worst] = means.take(longest[worst])
        upper = np.flatnonzero(points.take(first + axis[label]) > middle[label])
        into = half[label[upper]]
        label[upper] = count + into
        cut = _sums(moments.take(upper, axis=0), into, len(worst))
        boxes[count : count + len(worst)] = cut
        boxes[worst] -= cut
        count += len(worst)


def _sums(rows: Floats, label: Index, count: int) -> Floats:
    """Sums (count, C) of the rows (P, C) of each label (P,)."""
    columns = rows.shape[1]
    place = label[:, None] * columns + np.arange(columns)
    total = np.bincount(place.ravel(), rows.ravel(), count * columns).astype(np.float64)
    return total.reshape(count, columns)
