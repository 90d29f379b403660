"""Sixel data: a picture in bands of six rows, one pass per colour and band, all in numpy.

Every piece of text is a word of eight bytes, looked up in a table; the unused bytes of words are 0
and are dropped at the end. All colours are defined before the data: terminals draw speckles when
they learn colours late.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Ints = NDArray[np.integer]
Words = NDArray[np.uint64]

BAND = 6  # rows in a band
AT_ONCE = 1 << 17  # pixels: sorted within the cache, and their keys fit into 32 bits
SHORT = 3  # a gap up to this long is written out, a longer one as !COUNT


def write(percent: Pixels, index: Pixels) -> str:
    """The picture of an index (H, W) into a palette (K, 3) in percent."""
    height, width = index.shape
    step = max(1, AT_ONCE // (width * BAND)) * BAND
    parts = [_rows(index[top : top + step], top > 0) for top in range(0, height, step)]
    levels = percent.tolist()
    defined = "".join(f"#{i};2;{r};{g};{b}" for i, (r, g, b) in enumerate(levels))
    data = b"".join(parts).decode("ascii")
    return f'\x1bP0;1;0q"1;1;{width};{height}{defined}{data}\x1b\\'


def _words(texts: Iterable[str]) -> Words:
    """Text of up to eight characters as numbers."""
    return np.frombuffer(b"".join(text.encode().ljust(8, b"\0") for text in texts), np.uint64)


SAME_BAND = _words(f"$#{i}" for i in range(256))
NEXT_BAND = _words(f"-#{i}" for i in range(256))
FIRST = _words(f"#{i}" for i in range(256))
_SIXELS = [chr(ord("?") + bits) for bits in range(64)]
# The place of a sixel in a word, behind the longest gap or count: once, twice, and in a word alone.
ONCE = _words(f"{'':\0<6}{char}" for char in _SIXELS)
TWICE = _words(f"{'':\0<6}{char}{char}" for char in _SIXELS)
TAILS = np.concatenate([ONCE, TWICE, np.zeros(64, np.uint64)])


@cache
def _gaps(width: int) -> Words:
    """The sixels without pixels that go before a run."""
    return _words("?" * n if n <= SHORT else f"!{n}?" for n in range(width + 1))


@cache
def _counts(width: int) -> Words:
    return _words(f"!{n}" for n in range(width + 1))


def _rows(index: Pixels, later: bool) -> bytes:
    """The data of some bands; `later`: others went before."""
    width = index.shape[1]
    key, bits = _columns(index)
    fresh = np.ones(len(key), bool)  # where a run begins
    np.not_equal(key[1:] - key[:-1], 1, out=fresh[1:])
    fresh[1:] |= bits[1:] != bits[:-1]
    start = np.flatnonzero(fresh)
    length = np.diff(start, append=len(key)).astype(np.int32)
    begin, bits = key[start], bits[start]
    row = begin // (width + 1)  # = band * 256 + colour
    first = _changes(row)
    gap = begin.copy()
    gap[1:] -= begin[:-1] + length[:-1]
    row = row[first]
    gap[first] = begin[first] - row * (width + 1)
    words = _gaps(width).take(gap)
    words |= TAILS.take((np.minimum(length, 3) - 1) * 64 + bits)
    long = np.flatnonzero(length > 2)
    counts = _counts(width)[length[long]] | ONCE[bits[long]]
    return _joined(words, first, _selects(row, later), long, counts)


def _columns(index: Pixels) -> tuple[Ints, Ints]:
    """Sorted (band, colour, x) as one number, and the six bits of that column of pixels.

    A row of columns is one longer than the picture is wide: runs end with it.
    """
    height, width = index.shape
    y = np.arange(height, dtype=np.int32)[:, None]
    place = index.astype(np.int32)
    place += y // BAND * 256
    place *= width + 1
    place += np.arange(width, dtype=np.int32)
    place <<= BAND
    place |= 1 << y % BAND
    packed = place.ravel()
    packed.sort()
    key, bits = packed >> BAND, packed & 63
    start = _changes(key)
    # sums up to the end of each column, less those before it: four times as fast as reduceat
    ends = np.cumsum(bits, dtype=np.int32)[np.append(start[1:], len(key)) - 1]
    return key[start], np.diff(ends, prepend=np.int32(0))


def _selects(row: Ints, later: bool) -> Words:
    """What begins the pass of each row: back to the left or down, and a colour."""
    band, colour = row >> 8, row & 255
    down = np.diff(band, prepend=band[0] - later) != 0
    words: Words = np.where(down, NEXT_BAND[colour], SAME_BAND[colour])
    if not later:
        words[0] = FIRST[colour[0]]
    return words


def _joined(words: Words, first: Ints, selects: Words, long: Ints, counts: Words) -> bytes:
    """All words in order: `selects` before those at `first`, `counts` after those at `long`."""
    shift = np.zeros(len(words) + 1, np.int32)
    shift[first] = 1
    shift[long + 1] += 1
    place = np.cumsum(shift[:-1]) + np.arange(len(words))
    table = np.zeros(len(words) + len(first) + len(long), np.uint64)
    table[place] = words
    table[place[first] - 1] = selects
    table[place[long] + 1] = counts
    return table.tobytes().translate(None, b"\0")


def _changes(values: Ints) -> Ints:
    """Where a value differs from the one before it."""
    new = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return np.flatnonzero(new)
