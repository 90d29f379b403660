"""A picture in a palette of its own, fast enough for a picture per key press.

Pillow's octree proposes the colours, within a millisecond. Where what it makes of a small picture
is good already, that is it. Otherwise every pixel takes the nearest of its colours, which is up to
3 dB better; and where it pays, one round of k-means on a sample of pixels moves the colours first.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

SEEN = 1 << 18  # pixels that the octree looks at, about: thin lines keep their colours
SAMPLE = 1 << 14  # pixels of the k-means, about
SMALL = 1 << 17  # pixels of a picture whose k-means would cost more than it gives
FEW = 64  # colours of which that is true in no picture
GOOD = 12.0  # mean squared error: 37.3 dB


def quantise(rgb: Pixels, colours: int = 256, grid: float = 1.0) -> Image.Image:
    """The picture (H, W, 3) in at most so many colours, whose levels are multiples of `grid`."""
    size = rgb.shape[0] * rgb.shape[1]
    octree = _octree(_thinned(rgb, SEEN), colours)
    table, sample = palette(octree), _thinned(rgb, SAMPLE)
    if size >= SMALL or colours <= FEW:
        table = _moved(table, sample)
    elif _error(table[_thinned(np.asarray(octree), SAMPLE)], sample) <= GOOD:
        return octree
    return _nearest(rgb, np.rint(np.rint(table / grid) * grid).astype(np.uint8))


def palette(image: Image.Image) -> Pixels:
    """The colours (K, 3) of a picture, up to the last that occurs."""
    last = np.flatnonzero(image.histogram())[-1]
    return np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)[: last + 1]


def _thinned(pixels: Pixels, most: int) -> Pixels:
    """Every n-th row and column, so that about `most` pixels are left."""
    step = max(1, round((pixels.shape[0] * pixels.shape[1] / most) ** 0.5))
    return np.ascontiguousarray(pixels[step // 2 :: step, step // 2 :: step])


def _error(a: Pixels, b: Pixels) -> float:
    """Mean squared."""
    return float(np.square(a.astype(np.int16) - b).mean())


def _octree(rgb: Pixels, colours: int) -> Image.Image:
    return Image.fromarray(rgb).quantize(
        colours, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )


def _nearest(rgb: Pixels, table: Pixels) -> Image.Image:
    """The picture in the nearest colours of a palette (K, 3)."""
    holder = Image.new("P", (1, 1))
    holder.putpalette(table.tobytes())
    return Image.fromarray(rgb).quantize(palette=holder, dither=Image.Dither.NONE)


def _moved(table: Pixels, sample: Pixels) -> Pixels:
    """Every colour at the mean of the sample's pixels that are nearest to it."""
    index = np.asarray(_nearest(sample, table)).ravel()
    count = np.bincount(index, minlength=len(table))[:, None]
    pixels = sample.reshape(-1, 3)
    sums = [np.bincount(index, pixels[:, channel], len(table)) for channel in range(3)]
    mean = np.stack(sums, axis=1) / np.maximum(count, 1)
    return np.where(count > 0, np.rint(mean), table).astype(np.uint8)
