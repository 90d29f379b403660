"""Palettes: as good as a slow one, the same every time, safe on odd films."""

import numpy as np
import pytest
from frames_for_writers import pan, psnr
from PIL import Image

from latty.render.writers.gif import palette


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
