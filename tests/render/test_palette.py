"""Palettes: as good as a slow one, the same every time, safe on odd films."""

import numpy as np
import pytest
from PIL import Image

from latty.render.writers.gif import palette


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
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-9)))


def reduced(frames: list[np.ndarray], colours: int = 255) -> list[np.ndarray]:
    counts = palette.histogram(frames)
    chosen = palette.choose(counts, colours)
    lookup = palette.table(counts, chosen)
    return [chosen[lookup[palette.bins(frame)]].reshape(frame.shape) for frame in frames]


def test_better_than_a_median_cut_of_the_whole_film() -> None:
    frames = pan(96, 6)
    strip = Image.fromarray(np.hstack(frames))
    median_cut = strip.quantize(255, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    theirs = psnr(np.asarray(median_cut.convert("RGB")), np.asarray(strip))
    ours = psnr(np.hstack(reduced(frames)), np.asarray(strip))
    assert ours >= theirs, (ours, theirs)
    assert ours > 31


def test_few_colours_are_kept() -> None:
    frame = np.zeros((8, 8, 3), np.uint8)
    frame[:4], frame[4:, 4:] = (255, 0, 10), (3, 200, 77)
    (back,) = reduced([frame])
    assert np.abs(back.astype(int) - frame).max() <= 2  # half a bin of 6 bits


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_one_colour(value: int) -> None:
    (back,) = reduced([np.full((5, 7, 3), value, np.uint8)])
    assert np.abs(back.astype(int) - value).max() <= 2


def test_rare_colours_survive_a_common_background() -> None:
    frame = np.full((200, 200, 3), 240, np.uint8)
    frame[::50, ::50] = (255, 0, 0)
    (back,) = reduced([frame, np.concatenate([frame[:100], pan(200, 1)[0][:100]])][:1])
    assert np.abs(back[0, 0].astype(int) - (255, 0, 0)).max() <= 2


def test_the_same_every_time() -> None:
    frames = pan(48, 3)
    counts = palette.histogram(frames)
    assert np.array_equal(palette.choose(counts, 255), palette.choose(counts, 255))
    assert palette.choose(counts, 255).shape == (255, 3)


def test_bins_are_six_bits_of_each_channel() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [4, 4, 4]]], np.uint8)
    assert palette.bins(colours).tolist() == [63 << 12, 63 << 6, 63, (1 << 12) + (1 << 6) + 1]
