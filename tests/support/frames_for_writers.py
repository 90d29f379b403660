"""Films in memory for writers: smooth moving pictures, and how near a decoded one is."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from latty.presets import Output
from latty.presets.formats import formats, writer_of
from latty.report import silent

NAMES = [one.removeprefix(".") for one in formats()]


FILMS = [name[1:] for name, form in formats().items() if form.film and name != "/"]
CODECS = [  # every codec in every container that takes it
    (suffix[1:], codec) for suffix, form in formats().items() for codec in form.codecs
]


COMMENT = '{"latty":"0","preset":{},"words":"<&\\"> \\u00e9 \\\\"}'


@dataclass
class Frames:
    """A film of frames in memory."""

    frames: list[np.ndarray]
    fps: Fraction = Fraction(25)
    loops: bool = True
    passes: int = 0

    @property
    def height(self) -> int:
        return int(self.frames[0].shape[0])

    @property
    def width(self) -> int:
        return int(self.frames[0].shape[1])

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.frames[index]

    def __iter__(self) -> Iterator[np.ndarray]:
        self.passes += 1
        return iter(self.frames)


def output(name: str, **more: Any) -> Output:
    """An output that writer `name` makes."""
    return replace(Output("x/" if name == "/" else f"x.{name}"), **more)


def write(name: str, film: Frames, path: Path, **more: Any) -> Path:
    """`film` written by writer `name`."""
    made = output(name, **more)
    writer_of(made).write(film, path, made, COMMENT, silent)
    return path


def content(path: Path) -> bytes:
    """The bytes of a file, or of all files of a folder."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return b"".join(file.read_bytes() for file in files)


def noise_picture(size: int, seed: int = 0) -> np.ndarray:
    """Smooth colour noise (size, size, 3) uint8 with the spectrum of photographs."""
    random = np.random.RandomState(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(random.randn(3, size, size)) / frequency**1.3
    spectrum[:, 0, 0] = 0
    waves = np.fft.ifft2(spectrum).real
    waves /= waves.std((1, 2), keepdims=True)
    mix = np.array([[0.8, 0.3, 0.1], [0.8, -0.1, 0.2], [0.8, -0.2, -0.3]])
    levels = np.clip(0.5 + 0.22 * np.tensordot(mix, waves, 1), 0, 1) * 255
    return np.rint(levels).astype(np.uint8).transpose(1, 2, 0)


def pan(size: int, count: int, seed: int = 0) -> list[np.ndarray]:
    """A camera circling over such a picture: frames (size, size, 3)."""
    big = Image.fromarray(noise_picture(2 * size, seed))
    frames = []
    for angle in np.arange(count) / count * 2 * np.pi:
        x, y = size + size / 4 * np.cos(angle), size + size / 4 * np.sin(angle)
        half = size * (0.55 + 0.15 * np.sin(angle))
        box = (x - half, y - half, x + half, y + half)
        frames.append(np.asarray(big.resize((size, size), Image.Resampling.BICUBIC, box=box)))
    return frames


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Of two pictures (H, W, 3) uint8, in dB."""
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-9)))
