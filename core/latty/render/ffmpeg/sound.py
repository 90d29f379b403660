"""The sound of a film, encoded beside its pictures: from its first sample on, as long as they.

It is padded with silence, or cut, to the film's length; more than two channels are mixed into two
as ITU-R BS.775 says, scaled so that nothing can clip.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import OutputContainer
from numpy.typing import NDArray

from latty.presets import Output
from latty.sound import decoding

Floats = NDArray[np.float32]

AHEAD = 0.5  # seconds that the sound is encoded before the picture of the same moment
OPUS, AAC, FLAC = "libopus", "aac", "flac"
AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
USUAL_RATE = 48000
BIT_RATES = {OPUS: 80_000, AAC: 96_000, FLAC: 0}  # a channel
FORMATS = {OPUS: "flt", AAC: "fltp", FLAC: "s16"}
PACKET = 1024  # samples of the shortest packets
HALF = sqrt(0.5)
# Front left and right, centre, low frequencies, back and side pairs, in the order of WAV files.
STEREO = ((1, 0), (0, 1), (HALF, HALF), (0, 0), (HALF, 0), (0, HALF), (HALF, 0), (0, HALF))


def encoder_of(container: str, codec: str | None) -> str:
    """What encodes the sound of a film: Opus in WebM, FLAC beside lossless pictures, else AAC."""
    if container == "webm":
        return OPUS
    return FLAC if codec == "ffv1" else AAC


class Sound:
    """The sound of an output as one more stream of a container.

    Raises Missing, BadData, OSError where the sound cannot be read.
    """

    def __init__(self, opened: OutputContainer, name: str, output: Output, seconds: Fraction):
        path = Path(output.sound or "").expanduser()
        with decoding.opened(path) as (_, source):
            rate, channels = source.rate, min(source.channels, 2)
        kept = rate if name == FLAC or (name == AAC and rate in AAC_RATES) else USUAL_RATE
        self._opened, self._rate = opened, rate
        self._stream = cast("av.AudioStream", opened.add_stream(name, rate=kept))
        self._stream.layout = layout = "mono" if channels == 1 else "stereo"
        self._stream.format = FORMATS[name]
        self._stream.codec_context.options = {"flags": "+bitexact"}
        if BIT_RATES[name]:
            self._stream.bit_rate = BIT_RATES[name] * channels
        self._layout, self._place = layout, 0
        self._resampler = av.AudioResampler(FORMATS[name], layout, kept, self._stream.frame_size)
        self._left = round(seconds * rate)
        self._blocks = _whole(path, rate, channels, output.offset, float(seconds))

    def until(self, seconds: float) -> None:
        """Encode what is heard up to a moment, and a little more. Raises OSError, BadData."""
        while self._left and self._place < (seconds + AHEAD) * self._rate:
            block = next(self._blocks)[:, : self._left]
            self._left -= block.shape[1]
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), "fltp", self._layout)
            frame.sample_rate, frame.pts = self._rate, self._place
            frame.time_base = Fraction(1, self._rate)
            self._place += block.shape[1]
            self._put(frame)

    def finish(self) -> None:
        """Encode the rest. Raises OSError, BadData."""
        self.until(float("inf"))
        self._put(None)
        self._opened.mux(self._stream.encode(None))

    def _put(self, frame: av.AudioFrame | None) -> None:
        for part in self._resampler.resample(frame):
            self._opened.mux(self._stream.encode(part))


def _whole(path: Path, rate: int, channels: int, offset: float, seconds: float) -> Iterator[Floats]:
    """Blocks (channels, n) from the film's beginning on, without an end."""
    quiet = np.zeros((channels, PACKET * 16), np.float32)
    early = round(max(0.0, -offset) * rate)
    while early > 0:
        yield quiet[:, :early]
        early -= quiet.shape[1]
    for block in decoding.blocks(path, offset, offset + seconds + 1):
        yield block if block.shape[0] == channels else _mixed(block)
    while True:
        yield quiet


def _mixed(block: Floats) -> Floats:
    """Two channels (2, n) of more."""
    rows = [STEREO[i] if i < len(STEREO) else (HALF, HALF) for i in range(block.shape[0])]
    weights = np.array(rows, np.float32).T
    return np.asarray(weights / weights.sum(axis=1).max() @ block, np.float32)
