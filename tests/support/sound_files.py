"""Sounds with known answers: sines, clicks, chords; as files of any codec."""

import wave
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RATE = 44_100


def moments(seconds: float, rate: int = RATE) -> Floats:
    """When each sample is (n,)."""
    return np.arange(round(seconds * rate)) / rate


def sine(hertz: float, seconds: float, amplitude: float = 0.5, rate: int = RATE) -> Floats:
    return np.asarray(amplitude * np.sin(2 * np.pi * hertz * moments(seconds, rate)))


def clicks(places: list[float], seconds: float) -> Floats:
    """5 ms of noise at each place."""
    found = np.zeros(round(seconds * RATE))
    burst = np.random.RandomState(0).uniform(-0.8, 0.8, RATE // 200)
    for place in places:
        start = round(place * RATE)
        found[start : start + len(burst)] = burst[: len(found) - start]
    return found


def melody(seconds: float, rate: int = RATE) -> Floats:
    """Noise below about 2 kHz: unlike itself a moment later, so that a shift is seen."""
    count = round(seconds * rate)
    noise = np.random.RandomState(3).randn(count)
    soft = np.convolve(noise, np.hanning(max(3, rate // 1500)), "same")
    return np.asarray(0.5 * soft / np.abs(soft).max())


def wav(path: Path, samples: Floats, rate: int = RATE, width: int = 2) -> Path:
    """Samples (n,) or (C, n) from -1 to 1 as PCM of 8, 16, 24 or 32 bits."""
    rows = np.atleast_2d(samples)
    top = 2 ** (8 * width - 1) - 1
    whole = (rows.T * top).round().astype("<i4").reshape(-1)
    data = whole.view(np.uint8).reshape(-1, 4)[:, :width]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(rows))
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(((whole + 128).astype(np.uint8) if width == 1 else data).tobytes())
    return path


def coded(path: Path, samples: Floats, encoder: str, rate: int = RATE) -> Path:
    """Samples (n,) by one of FFmpeg's encoders, in the container of the path's suffix."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=rate)
        stream.layout = "mono"
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size)
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), "fltp", "mono")
        frame.sample_rate, frame.pts = rate, 0
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def decoded(path: Path) -> tuple[Floats, int, float]:
    """The sound of a film: samples, channels averaged, how many a second, when it starts."""
    with av.open(str(path)) as container:
        stream, start, found = container.streams.audio[0], None, []
        for frame in container.decode(stream):
            start = frame.time if start is None else start
            rows = frame.to_ndarray()
            planar = rows if frame.format.is_planar else rows.reshape(-1, stream.channels).T
            found.append(planar.astype(float).mean(axis=0))
        scale = 1 / 32768 if np.abs(found[0]).max() > 2 else 1.0
        return np.concatenate(found) * scale, stream.rate, start or 0.0
