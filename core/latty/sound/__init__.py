"""Sounds: WAV, FLAC, MP3 and what else FFmpeg reads, and how what is heard moves numbers.

    heard.py      what is followed: a band, its onsets, a pitch class
    decoding.py   a file -> samples, in bounded memory, no further than is asked for
    features.py   samples -> spectra -> envelopes of bands, onsets, pitch classes

`look` reads a sound to its end, since its header may lie, and decodes nothing; `silence`, `curve`
and `envelope` decode, and need numpy.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from latty.errors import BadData
from latty.files import cached
from latty.sound import decoding
from latty.sound.decoding import SoundFacts
from latty.sound.heard import Heard

if TYPE_CHECKING:  # a preset is read without numpy
    import numpy as np
    from numpy.typing import NDArray


@cached(64)
def look(path: Path) -> SoundFacts:
    """Codec, rate, channels and duration of a sound, as its packets say; none is decoded. Raises
    Missing, BadData for what is no sound, UnfitFile for what is no file, OSError."""
    return decoding.facts(path)


def silence(path: Path, heard: Heard, seconds: float, offset: float = 0.0) -> BadData | None:
    """Why `curve` would refuse what is heard during a film; None where it would not. Reads no
    further than to what is heard first. Raises as `look`."""
    found = path.stat()
    return _silence(path, found.st_mtime_ns, found.st_size, heard, seconds, offset)


@lru_cache(maxsize=64)
def _silence(
    path: Path, when: int, size: int, heard: Heard, seconds: float, offset: float
) -> BadData | None:
    from latty.sound import features

    try:
        features.check_heard(path, heard, seconds, offset)
    except BadData as error:
        return error.with_traceback(None)  # it is kept, and what was decoded need not be
    return None


def curve(path: Path, heard: Heard, seconds: float, offset: float = 0.0) -> "Loudness":
    """What is heard during a film of so many seconds that begins `offset` seconds into the sound,
    from 0 to 1: 1 is as loud as the loudest twentieth of that time (the 95th percentile), so that
    one bang does not make all else small.

    Raises as `look`, and BadData where nothing is heard.
    """
    found = path.stat()
    return _curve(path, found.st_mtime_ns, found.st_size, heard, seconds, offset)


@lru_cache(maxsize=32)
def _curve(
    path: Path, when: int, size: int, heard: Heard, seconds: float, offset: float
) -> "Loudness":
    from latty.sound import features

    return Loudness(*features.followed(path, heard, seconds, offset))


@dataclass(frozen=True, slots=True, eq=False)
class Loudness:
    """values (n,) in 0..1, `rate` of them a second, the first at 0."""

    values: "NDArray[np.float64]"
    rate: float

    def at(self, second: float) -> float:
        """The value at a time, linear between two."""
        place = min(max(second * self.rate, 0.0), len(self.values) - 1.0)
        index = min(int(place), len(self.values) - 2)
        low, high = float(self.values[index]), float(self.values[index + 1])
        return low + (high - low) * (place - index)


def envelope(path: Path, count: int) -> "NDArray[np.float64]":
    """(N,) the loudness (RMS) of a sound in N = `count` equal parts, from 0 to 1, 1 the loudest: to
    be drawn. Raises as `look`."""
    from latty.sound import features

    return features.loudness(path, count, look(path).seconds)
