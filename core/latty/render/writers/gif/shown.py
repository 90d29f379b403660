"""What a film shows so far, and which of its pixels stay when the next picture comes."""

import numpy as np
from numpy.typing import NDArray

from latty.presets.formats import Pixels
from latty.render.writers.gif.container import Indices
from latty.render.writers.gif.palette import strips

_NEAR = 2  # squared error by which a pixel that stays may be worse
_RUN = 4  # pixels in a row that stay: fewer cost more codes than they save

Mask = NDArray[np.bool_]
Errors = NDArray[np.uint32]


def drawn(indices: Indices, colours: Pixels) -> Pixels:
    """The picture (3, H, W) of entries (H, W) of a palette (K, 3)."""
    tables = np.zeros((3, 256), np.uint8)
    tables[:, : len(colours)] = colours.T
    found, whole = np.empty((3, *indices.shape), np.uint8), indices.tobytes()
    for plane, table in zip(found, tables, strict=True):
        shown = whole.translate(table.tobytes())  # twice as quick as take
        plane[:] = np.frombuffer(shown, np.uint8).reshape(indices.shape)
    return found


def draw_over(
    canvas: Pixels,
    indices: Indices,
    colours: Pixels,
    planes: Pixels,
    before: Pixels,
    missed: Errors | None,
) -> Mask:
    """The pixels (H, W) of what is shown that stay, and the others are drawn into it.

    canvas   what is shown (3, H, W)
    indices  the entries (H, W) of a palette (K, 3) for the next picture
    planes   the next picture (3, H, W), and that `before`
    missed   the squared errors (H, W) of what is shown; a pixel stays where no entry is much
             better. None: where the entry is the same
    """
    stays = np.empty(indices.shape, np.bool_)
    for rows in strips(indices.shape):
        shown, wanted, new = canvas[:, rows], planes[:, rows], drawn(indices[rows], colours)
        still = _same(wanted, before[:, rows])
        if missed is None:
            still |= _same(new, shown)
        else:
            still |= missed[rows] <= _squares(new, wanted) + _NEAR
        stays[rows] = still = _runs(still)
        new ^= shown  # a choice by masks of bits: several times as quick as one by truth values
        new &= still.view(np.uint8) - np.uint8(1)
        shown ^= new
    return stays


def squared_errors(one: Pixels, other: Pixels) -> Errors:
    """Squared errors (H, W), all channels together, between pictures (3, H, W)."""
    found = np.empty(one.shape[1:], np.uint32)
    for rows in strips(found.shape):
        found[rows] = _squares(one[:, rows], other[:, rows])
    return found


def _squares(one: Pixels, other: Pixels) -> Errors:
    gap = np.subtract(one, other, dtype=np.int16)
    gap *= gap
    red, green, blue = gap.view(np.uint16)  # at most 255 * 255
    total: Errors = np.add(red, green, dtype=np.uint32)
    total += blue
    return total


def _same(one: Pixels, other: Pixels) -> Mask:
    """The pixels (H, W) that are equal in two pictures (3, H, W)."""
    whole: Mask = (one == other).all(0)
    return whole


def _runs(mask: Mask) -> Mask:
    """The runs of a mask (H, W) in its rows that are long enough."""
    width = mask.shape[1] - _RUN + 1
    if width < 1:
        return mask
    begins = mask[:, :width].copy()
    for i in range(1, _RUN):
        begins &= mask[:, i : i + width]
    found = np.zeros_like(mask)
    for i in range(_RUN):
        found[:, i : i + width] |= begins
    return found
