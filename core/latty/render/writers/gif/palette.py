"""Palettes of a film and of single pictures: split boxes, then k-means, over colour histograms.

The histogram of a film has 128 levels per channel and is filled frame by frame, so memory does not
depend on the length of the film. Every frame's colours are in it, hence the table from bins to
palette entries needs the occupied bins only. A picture's own palette is chosen from cells of 64
levels, each at the mean of its pixels.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latty.presets.formats import Pixels

BITS, CELL_BITS = 7, 6  # per channel: of the film's histogram, of the cells that a palette is of
BINS, CELLS = 1 << 3 * BITS, 1 << 3 * CELL_BITS
_ROUNDS = 2  # of k-means: a third is worth 0.03 dB
_BLOCK = 1 << 11  # points compared with the palette at once: they stay in the processor's cache
_TOGETHER = 1 << 21  # pixels counted at once: emptying the bins takes as long as a million pixels

Index = NDArray[np.intp]
Floats = NDArray[np.float64]
Points = NDArray[np.float32]


class ColourCells(NamedTuple):
    """The colours of a film or picture: P cells, the mean colour (P, 3) and the pixels (P,) of
    each."""

    occupied: Index
    means: Points
    weights: Floats


def bins(pixels: Pixels, bits: int = BITS) -> Index:
    """The histogram bin of each pixel of a picture (H, W, 3), as (H * W,)."""
    levels = pixels >> (8 - bits)
    index = levels[..., 0].astype(np.intp)
    for channel in (1, 2):
        index <<= bits
        index |= levels[..., channel]
    return index.ravel()


def histogram(frames: Iterable[Pixels]) -> NDArray[np.int64]:
    """How often each bin (128 * 128 * 128,) occurs in all frames (H, W, 3)."""
    counts = np.zeros(BINS, np.int64)
    waiting, size = list[Index](), 0
    for frame in frames:
        waiting.append(bins(frame))
        size += waiting[-1].size
        if size >= _TOGETHER:
            counts += np.bincount(np.concatenate(waiting), minlength=BINS)
            waiting, size = [], 0
    if waiting:
        counts += np.bincount(np.concatenate(waiting), minlength=BINS)
    return counts


def of_film(counts: NDArray[np.int64]) -> ColourCells:
    """The cells (P,) of a histogram (B,) of all bins."""
    occupied = np.flatnonzero(counts > 0)
    colours, weights = centres(occupied), counts[occupied].astype(np.float64)
    levels = colours.astype(np.intp) >> (8 - CELL_BITS)
    cell = (levels[:, 0] << 2 * CELL_BITS) | (levels[:, 1] << CELL_BITS) | levels[:, 2]
    return _gathered(cell, [weights * colours[:, c] for c in range(3)], weights)


def of_picture(pixels: Pixels, cell: Index) -> ColourCells:
    """The cells of a picture (H, W, 3) whose pixels lie in `cell` (see `cell_bins`)."""
    return _gathered(cell, [pixels[..., c].ravel() for c in range(3)], None)


def choose(means: Points, weights: Floats, colours: int) -> Pixels:
    """The palette (at most `colours`, 3) with a small squared error for weighted colours (P, 3)."""
    if len(means) <= colours:
        return np.rint(means).astype(np.uint8)
    palette = _split(means.astype(np.float64), weights, colours)
    for _ in range(_ROUNDS):
        label = nearest(means, palette)
        total = np.bincount(label, weights, len(palette))
        moved = _sums(means, weights, label, len(palette)) / np.maximum(total, 1e-9)[:, None]
        palette = np.where(total[:, None] > 0, moved, palette)
    return np.rint(palette).astype(np.uint8)


def cell_bins(pixels: Pixels) -> Index:
    """The cell of each pixel of a picture (H, W, 3), as (H * W,)."""
    return bins(pixels, CELL_BITS)


def occupied_cells(cell: Index) -> int:
    """How many cells the pixels (N,) lie in."""
    found = np.zeros(CELLS, np.bool_)
    found[cell] = True
    return int(np.count_nonzero(found))


def nearest(points: Points, palette: Pixels | Floats) -> Index:
    """The index (P,) of the palette colour (K, 3) nearest to each point (P, 3)."""
    # |p - c|^2 without its |p|^2, which is the same for every c
    half = (palette.astype(np.float32) ** 2).sum(1) / 2
    sides = -palette.T.astype(np.float32)
    found = np.empty(len(points), np.intp)
    for i in range(0, len(points), _BLOCK):
        distances = points[i : i + _BLOCK] @ sides
        distances += half
        found[i : i + _BLOCK] = distances.argmin(1)
    return found


def centres(index: Index) -> Points:
    """The colours (P, 3) at the centres of bins (P,)."""
    levels = np.stack([index >> 2 * BITS, index >> BITS, index], axis=1) & ((1 << BITS) - 1)
    shift = 8 - BITS
    return (levels << shift).astype(np.float32) + np.float32(((1 << shift) - 1) / 2)


def _gathered(
    cell: Index, channels: Iterable[NDArray[np.generic]], weights: Floats | None
) -> ColourCells:
    """The cells that occur, from the cell of each pixel or bin."""
    total = np.bincount(cell, weights, CELLS)
    kept = np.flatnonzero(total > 0)  # of truth values: twice as quick
    share = total[kept].astype(np.float64)
    sums = [np.bincount(cell, channel, CELLS)[kept] / share for channel in channels]
    return ColourCells(kept, np.stack(sums, axis=1).astype(np.float32), share)


def _split(points: Floats, weights: Floats, colours: int) -> Floats:
    """Means (colours, 3) of boxes: the worse half of them is cut at their means, again and
    again."""
    label, count = np.zeros(len(points), np.intp), 1
    while True:
        total = np.bincount(label, weights, count)[:, None]
        sums = _sums(points, weights, label, count)
        means = sums / total
        if count == colours:
            return means
        errors = _sums(points**2, weights, label, count) - sums * means
        axis = errors.argmax(1)
        error = errors.max(1)
        worst = np.argsort(-error, kind="stable")[: min(colours - count, (count + 1) // 2)]
        worst = worst[error[worst] > 1e-6 * total[worst, 0]]
        if not len(worst):
            return means
        half = np.full(count, -1)
        half[worst] = np.arange(count, count + len(worst))
        cut = np.flatnonzero(half[label] >= 0)
        box = label[cut]
        upper = points[cut, axis[box]] > means[box, axis[box]]
        label[cut[upper]] = half[box[upper]]
        count += len(worst)


def _sums(points: Points | Floats, weights: Floats, label: Index, count: int) -> Floats:
    """Weighted sums (count, 3) of the points (P, 3) of each label (P,)."""
    sums = [np.bincount(label, weights * points[:, c], count) for c in range(3)]
    return np.stack(sums, axis=1)
