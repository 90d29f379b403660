"""What is heard, as numbers: short-time spectra (STFT), and what is read off them.

Every 10 ms a piece of the sound (about 45 ms, a power of two; 180 ms for pitches) under a Hann
window w is transformed: X = FFT(w x). The channels are averaged first.

    envelope  the root of the mean square in a band, by Parseval's theorem:
              sqrt(2 sum_k |X_k|^2 / (N sum_n w_n^2)), k the bins of the band; a sine of amplitude A
              gives A / sqrt(2)
    onsets    spectral flux, sum_k max(0, Y_i,k - Y_i-1,k) with Y = log(1 + 1000 |X|) (Bello et al.,
              "A tutorial on onset detection in music signals", 2005; Müller, "Fundamentals of Music
              Processing", 2015, 6.1), its peaks as in Böck, Krebs and Schedl, "Evaluating the
              online capabilities of onset detection methods", 2012
    chroma    the energy of spectral peaks, folded into the twelve pitch classes of equal
              temperament, A4 = 440 Hz (Fujishima 1999; Müller 2015, 3.1); their frequencies by a
              parabola through the logarithms of three bins

float64 and numpy's FFT: the same bits on a machine; from one to another its last digits may differ.
"""

from collections.abc import Iterable, Iterator
from math import ceil, exp
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latty.errors import BadData
from latty.sound import decoding
from latty.sound.heard import BANDS, SILENT, Heard
from latty.tables.words import shown

Floats = NDArray[np.float64]

HOPS = 100  # spectra a second
PIECE = 0.04  # seconds of a spectrum, at least
TOGETHER = 256  # spectra at once: memory is constant in the length of the sound
LOUD = 95  # percentile that counts as 1
COMPRESSION = 1000
QUIET_FLUX = 0.02  # of a bin: what the rounding and noise of a steady sound may give
PITCHED = 100.0, 5000.0  # Hz: notes, above which are overtones only
CONCERT_A = 440.0


def followed(path: Path, heard: Heard, seconds: float, offset: float) -> tuple[Floats, float]:
    """(values (n,) in 0..1, how many a second) of what is heard. Raises as `decoding.opened`, and
    BadData where nothing is heard."""
    rate, hop, raw = _raw(path, heard, seconds, offset)
    count = ceil(seconds * rate / hop) + 2
    values = np.zeros(count)
    found = np.concatenate([*raw, np.zeros(0)])[:count]
    values[: len(found)] = found
    if heard.onsets:
        values = _pulses(values, rate / hop, heard.decay)
    if values.max() < SILENT:
        raise _silence(path, heard, seconds, offset)
    return _normal(_smooth(values, heard.smooth * rate / hop)), rate / hop


def check_heard(path: Path, heard: Heard, seconds: float, offset: float) -> None:
    """Raises what `followed` does; reads no further than to what is heard first."""
    *_, raw = _raw(path, heard, seconds, offset)
    least = QUIET_FLUX if heard.onsets else SILENT
    if not any(bool((block >= least).any()) for block in raw):
        raise _silence(path, heard, seconds, offset)


def _raw(
    path: Path, heard: Heard, seconds: float, offset: float
) -> tuple[int, int, Iterator[Floats]]:
    """Samples a second, how many there are from one value to the next, and the values as they are
    in the sound, in blocks (m,). Raises as `decoding.opened`, and BadData for a band that no sound
    of this rate has."""
    with decoding.opened(path) as (_, stream):
        rate = stream.rate
    if not heard.onsets and heard.band[0] >= rate / 2:
        what = f"has {rate} samples a second, which hold nothing above {rate / 2:g} Hz"
        raise BadData(f"{shown(path.name)} {what}", "choose a lower band")
    hop = max(1, round(rate / HOPS))
    samples = film_samples(path, rate, seconds, offset)
    if heard.pitch is not None:
        return rate, hop, chroma(samples, rate, hop, heard.pitch)
    find = _flux if heard.onsets else envelope
    return rate, hop, find(samples, rate, hop, heard.band)


def _silence(path: Path, heard: Heard, seconds: float, offset: float) -> BadData:
    what = "in that pitch, " if heard.pitch is not None else ""
    if heard.pitch is None and heard.band != BANDS["all"]:
        what = f"from {heard.band[0]:g} to {heard.band[1]:g} Hz, "
    what = f"is silent {what}between {offset:g} and {offset + seconds:g} s"
    return BadData(f"{shown(path.name)} {what}: nothing can follow it",
                   "choose another band, another offset or another sound")  # fmt: skip


def loudness(path: Path, count: int, seconds: float) -> Floats:
    """The RMS of `count` equal parts, (count,), 1 the loudest. Raises as `decoding.opened`."""
    with decoding.opened(path) as (_, stream):
        rate = stream.rate
    total = max(count, round(seconds * rate))
    sums, sizes, place = np.zeros(count), np.zeros(count), 0
    for block in decoding.blocks(path, 0.0, seconds):
        part = np.minimum((place + np.arange(block.shape[1])) * count // total, count - 1)
        mean = block.mean(axis=0, dtype=np.float64)
        sums += np.bincount(part, mean * mean, count)
        sizes += np.bincount(part, minlength=count)
        place += block.shape[1]
    found = np.sqrt(sums / np.maximum(sizes, 1))
    return np.asarray(found / max(found.max(), SILENT))


# --- samples and spectra --------------------------------------------------------------------------


def film_samples(path: Path, rate: int, seconds: float, offset: float) -> Iterator[Floats]:
    """What a film hears as blocks (n,), channels averaged; silence before its beginning, and
    nothing behind its end. Raises as `decoding.opened`."""
    if offset < 0:
        yield from _zeros(round(min(-offset, seconds) * rate))
    for block in decoding.blocks(path, offset, offset + seconds):
        yield block.mean(axis=0, dtype=np.float64)


def _zeros(count: int) -> Iterator[Floats]:
    for start in range(0, count, 2**16):
        yield np.zeros(min(2**16, count - start))


def _size(rate: int, times: int = 1) -> int:
    """Samples of a piece: a power of two."""
    return int(2 ** ceil(np.log2(PIECE * rate))) * times


def _spectra(samples: Iterable[Floats], size: int, hop: int) -> Iterator[NDArray[np.complex128]]:
    """Blocks (m, size // 2 + 1) of spectra, the one of index i about sample i * hop."""
    window = np.hanning(size + 1)[:-1]
    kept, step = np.zeros(size // 2), hop * TOGETHER
    for more in (*(), *_ended(samples, size // 2)):
        kept = np.concatenate([kept, more])
        while len(kept) >= size + step:
            pieces = np.lib.stride_tricks.sliding_window_view(kept, size)[:step:hop]
            yield np.fft.rfft(pieces * window, axis=1)
            kept = kept[step:]
    if len(kept) >= size:
        pieces = np.lib.stride_tricks.sliding_window_view(kept, size)[::hop]
        yield np.fft.rfft(pieces * window, axis=1)


def _ended(samples: Iterable[Floats], silence: int) -> Iterator[Floats]:
    yield from samples
    yield np.zeros(silence)


def _bins(size: int, rate: int, band: tuple[float, float]) -> slice:
    """The bins of a band: at least one."""
    low = min(max(1, round(band[0] * size / rate)), size // 2)
    return slice(low, max(low + 1, min(round(band[1] * size / rate), size // 2) + 1))


# --- what is read off them ------------------------------------------------------------------------


def envelope(
    samples: Iterable[Floats], rate: int, hop: int, band: tuple[float, float]
) -> Iterator[Floats]:
    """The root of the mean square in a band (Hz, Hz), once each `hop` samples, in blocks (m,)."""
    size = _size(rate)
    bins, scale = _bins(size, rate, band), 2 / (size * size * 0.375)  # mean of w^2 is 3/8
    for spectra in _spectra(samples, size, hop):
        yield np.sqrt(scale * (np.abs(spectra[:, bins]) ** 2).sum(axis=1))


def _flux(
    samples: Iterable[Floats], rate: int, hop: int, band: tuple[float, float]
) -> Iterator[Floats]:
    """Mean over the bins."""
    size = _size(rate) // 2
    bins = _bins(size, rate, band)
    before = np.zeros((1, bins.stop - bins.start))
    for spectra in _spectra(samples, size, hop):
        now = np.log1p(COMPRESSION * np.abs(spectra[:, bins]) * 4 / size)
        rise = np.maximum(np.diff(np.concatenate([before, now]), axis=0), 0)
        before = now[-1:]
        yield rise.mean(axis=1)


def _pulses(flux: Floats, rate: float, decay: float) -> Floats:
    """Each peak of the flux as a pulse as high as it that falls to 1/e within `decay` seconds."""
    near, around = round(0.03 * rate), round(0.1 * rate)
    padded = np.pad(flux, around)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * around + 1)
    closer = windows[:, around - near : around + near + 1]
    threshold = np.maximum(windows.mean(axis=1) + 0.1 * flux.max(), QUIET_FLUX)
    found = np.flatnonzero((flux >= closer.max(axis=1)) & (flux > threshold))
    peaks = [int(index) for index in found]
    values, last = np.zeros_like(flux), -near - 1
    high = float(np.percentile(flux[peaks], LOUD)) if peaks else 1.0
    for index in peaks:
        if index - last > near:
            last = index
            length = min(len(values) - index, ceil(7 * decay * rate) + 1)
            pulse = min(float(flux[index]) / high, 1.0) * np.exp(
                -np.arange(length) / (decay * rate)
            )
            np.maximum(values[index : index + length], pulse, out=values[index : index + length])
    return values


def chroma(samples: Iterable[Floats], rate: int, hop: int, pitch: int) -> Iterator[Floats]:
    """The root of the energy in one pitch class (0 = C), scaled and in blocks as the envelope."""
    size = _size(rate, 4)
    bins = _bins(size, rate, PITCHED)
    scale = 2 / (size * size * 0.375)
    for spectra in _spectra(samples, size, hop):
        energy = np.abs(spectra[:, bins.start - 1 : bins.stop + 1]) ** 2 + 1e-30
        left, middle, right = energy[:, :-2], energy[:, 1:-1], energy[:, 2:]
        peak = (middle > left) & (middle >= right)
        a, b, c = np.log(left), np.log(middle), np.log(right)
        shift = np.where(peak, 0.5 * (a - c) / np.where(peak, a - 2 * b + c, -1), 0)
        count = middle.shape[1]
        frequency = (np.arange(bins.start, bins.start + count) + shift) * rate / size
        note = np.round(12 * np.log2(frequency / CONCERT_A)).astype(int)
        mine = peak & ((note + 9) % 12 == pitch)
        yield np.sqrt(scale * ((left + middle + right) * mine).sum(axis=1))


def _smooth(values: Floats, width: float) -> Floats:
    """Averaged under a Gaussian of two standard deviations `width`, ends as they are."""
    if width < 0.1:
        return values
    reach = min(ceil(2 * width), len(values) - 1)
    weights = np.array([exp(-2 * (i / width) ** 2) for i in range(-reach, reach + 1)])
    padded = np.pad(values, reach, mode="edge")
    return np.convolve(padded, weights / weights.sum(), "valid")


def _normal(values: Floats) -> Floats:
    """From 0 to 1: the loudest twentieth is 1. Of what is silent most of the time the loudest
    twentieth of the rest."""
    heard = values[values > values.max() / 100]
    return np.asarray(np.clip(values / np.percentile(heard, LOUD), 0, 1))
