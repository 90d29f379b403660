"""One palette for a whole film: split boxes, then k-means, over a colour histogram.

The histogram has 64 levels per channel and is filled frame by frame, so memory does not depend on
the length of the film. Every frame's colours are in it, hence the table from bins to palette
entries needs the occupied bins only: exact to 6 bits at the price of a small table.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from latty.presets.formats import Pixels

BITS = 6  # per channel
_SHIFT = 8 - BITS
_BINS = 1 << 3 * BITS
_ROUNDS = 12  # of k-means; the error has settled to 0.05 dB after about ten
_BLOCK = 1 << 14  # bins compared with the palette at once: 16 MiB of distances


def bins(pixels: Pixels) -> NDArray[np.intp]:
    """The histogram bin of each pixel of a picture (H, W, 3), as (H * W,)."""
    levels = pixels >> _SHIFT
    index = levels[..., 0].astype(np.intp)
    for channel in (1, 2):
        index <<= BITS
        index |= levels[..., channel]
    return index.ravel()


def histogram(frames: Iterable[Pixels]) -> NDArray[np.int64]:
    """How often each bin (64 * 64 * 64,) occurs in all frames (H, W, 3)."""
    counts = np.zeros(_BINS, np.int64)
    for frame in frames:
        counts += np.bincount(bins(frame), minlength=_BINS)
    return counts


def choose(counts: NDArray[np.int64], colours: int) -> Pixels:
    """The palette (at most `colours`, 3) with a small squared error for a histogram."""
    occupied = np.flatnonzero(counts)
    points, weights = _coarse(_colours(occupied), counts[occupied].astype(np.float64))
    if len(points) <= colours:
        return np.rint(points).astype(np.uint8)
    palette = _split(points, weights, colours)
    for _ in range(_ROUNDS):
        palette = _means(points, weights, _nearest(points, palette), palette)
    return np.rint(palette).astype(np.uint8)


def table(counts: NDArray[np.int64], palette: Pixels) -> Pixels:
    """The index in a palette (K, 3) of every bin of a histogram (64 * 64 * 64,); 0 where empty."""
    lookup = np.zeros(_BINS, np.uint8)
    occupied = np.flatnonzero(counts)
    lookup[occupied] = _nearest(_colours(occupied), palette.astype(np.float64))
    return lookup


def _colours(index: NDArray[np.intp]) -> NDArray[np.float64]:
    """The colours (P, 3) at the centres of bins (P,)."""
    levels = np.stack([index >> 2 * BITS, index >> BITS, index], axis=1) & ((1 << BITS) - 1)
    centre = ((1 << _SHIFT) - 1) / 2
    return (levels << _SHIFT).astype(np.float64) + centre


def _coarse(
    points: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points merged on a grid of 32 levels at their weighted means: five times fewer."""
    level = points.astype(np.intp) >> 3
    cell = (level[:, 0] << 10) | (level[:, 1] << 5) | level[:, 2]
    total = np.bincount(cell, weights, 1 << 15).astype(np.float64)
    kept = np.flatnonzero(total)
    sums = [np.bincount(cell, weights * points[:, c], 1 << 15)[kept] for c in range(3)]
    return np.stack(sums, axis=1) / total[kept, None], total[kept]


def _split(
    points: NDArray[np.float64], weights: NDArray[np.float64], colours: int
) -> NDArray[np.float64]:
    """Means (colours, 3) of boxes: the box with the largest error is cut at its mean, again."""
    boxes = [np.arange(len(points))]
    spreads = [_spread(points, weights, boxes[0])]
    while len(boxes) < colours:
        worst = max(range(len(boxes)), key=lambda i: spreads[i][0])
        error, axis, mean = spreads[worst]
        if error <= 0:
            break
        box = boxes[worst]
        low = points[box, axis] <= mean[axis]
        for place, half in ((worst, box[low]), (len(boxes), box[~low])):
            boxes[place : place + 1] = [half]
            spreads[place : place + 1] = [_spread(points, weights, half)]
    return np.stack([mean for _, _, mean in spreads])


def _spread(
    points: NDArray[np.float64], weights: NDArray[np.float64], box: NDArray[np.intp]
) -> tuple[float, int, NDArray[np.float64]]:
    """Squared error of a box along its longest axis, that axis, and the mean colour (3,)."""
    inside, share = points[box], weights[box]
    mean = share @ inside / share.sum()
    errors = share @ (inside - mean) ** 2
    axis = int(errors.argmax())
    return (float(errors[axis]) if len(box) > 1 else 0.0), axis, mean


def _nearest(points: NDArray[np.float64], palette: NDArray[np.float64]) -> NDArray[np.intp]:
    """The index (P,) of the palette colour (K, 3) nearest to each point (P, 3)."""
    # |p - c|^2 without its |p|^2, which is the same for every c
    half = (palette**2).sum(1).astype(np.float32) / 2
    centres = palette.T.astype(np.float32)
    parts = [
        (half - points[i : i + _BLOCK].astype(np.float32) @ centres).argmin(1)
        for i in range(0, len(points), _BLOCK)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.intp)


def _means(
    points: NDArray[np.float64],
    weights: NDArray[np.float64],
    index: NDArray[np.intp],
    palette: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The palette moved to the weighted mean of what each colour stands for."""
    total = np.bincount(index, weights, len(palette))
    sums = [np.bincount(index, weights * points[:, c], len(palette)) for c in range(3)]
    moved = np.stack(sums, axis=1) / np.maximum(total, 1)[:, None]
    return np.where(total[:, None] > 0, moved, palette)
