"""Palettes: as good as a slow one, the same every time, safe on odd films."""

import numpy as np
import pytest
from frames_for_writers import pan, psnr
from PIL import Image

from latty.render.writers.gif import palette
from latty.render.writers.gif.entries import PaletteTable
from latty.render.writers.gif.own import OwnPalettes


def reduced(frames: list[np.ndarray], colours: int = 255, dither: bool = False) -> list[np.ndarray]:
    counts = palette.histogram(frames)
    chosen = chosen_of(counts, colours)
    entries = PaletteTable.of_film(counts, chosen, dither)
    return [chosen[entries(palette.planes_of(frame))] for frame in frames]


def chosen_of(counts: np.ndarray, colours: int = 255) -> np.ndarray:
    cells = palette.of_film(counts)
    return palette.choose(cells.means, cells.weights, colours)


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
    assert np.abs(back.astype(int) - frame).max() <= 1  # half a bin of 7 bits


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_one_colour(value: int) -> None:
    (back,) = reduced([np.full((5, 7, 3), value, np.uint8)])
    assert np.abs(back.astype(int) - value).max() <= 1


def test_rare_colours_survive_a_common_background() -> None:
    frame = np.full((200, 200, 3), 240, np.uint8)
    frame[::50, ::50] = (255, 0, 0)
    (back,) = reduced([frame, np.concatenate([frame[:100], pan(200, 1)[0][:100]])][:1])
    assert np.abs(back[0, 0].astype(int) - (255, 0, 0)).max() <= 1


def test_the_same_every_time() -> None:
    frames = pan(48, 3)
    counts = palette.histogram(frames)
    assert np.array_equal(chosen_of(counts), chosen_of(counts))
    assert chosen_of(counts).shape == (255, 3)


def test_bins_are_seven_bits_of_each_channel() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [4, 4, 4]]], np.uint8)
    found = palette.bins(palette.planes_of(colours))
    assert found.tolist() == [127 << 14, 127 << 7, 127, (2 << 14) + (2 << 7) + 2]


def test_a_palette_of_its_own_is_nearer_to_a_picture() -> None:
    frame = pan(96, 1)[0] // 6  # few colours, as of a smooth picture
    counts = palette.histogram([frame, *pan(96, 6)])
    mine, theirs = own_colours(frame, counts), reduced([frame, *pan(96, 6)])[0]
    assert psnr(mine, frame) > psnr(theirs, frame) + 6


def own_colours(frame: np.ndarray, counts: np.ndarray) -> np.ndarray:
    cells, size = palette.of_film(counts), frame.shape[:2]
    own = OwnPalettes(cells, chosen_of(counts), 255, size)(palette.planes_of(frame), None)
    assert own is not None
    return own.colours[own.indices]


def test_nearest_is_nearest() -> None:
    random = np.random.RandomState(0)
    points = (random.rand(1000, 3) * 255).astype(np.float32)  # some blocks, and a part of one
    for colours in (1, 2, 17, 255):
        chosen = random.randint(0, 256, (colours, 3)).astype(np.uint8)
        gaps = ((points[:, None].astype(float) - chosen[None]) ** 2).sum(2)
        found = gaps[np.arange(len(points)), palette.nearest(points, chosen)]
        assert np.abs(found - gaps.min(1)).max() < 0.1


@pytest.mark.parametrize(
    "size", [(1, 1), (8, 70_000), (1500, 7), (300, 300)], ids=["dot", "wide", "high", "square"]
)
def test_strips_are_the_whole_picture(size: tuple[int, int]) -> None:
    rows = [np.arange(size[0])[one] for one in palette.strips(size)]
    assert np.array_equal(np.concatenate(rows), np.arange(size[0]))
    assert all(one[0] % 8 == 0 for one in rows)


def test_a_large_picture_shows_colours_that_are_rare() -> None:
    """The means of its cells come from a sample of its pixels, the cells from all of them."""
    light, dark = np.mgrid[:640, :640] / 4
    frame = np.stack([light, dark, 0 * light + 90], axis=2).astype(np.uint8)
    rare = [(3, 5), (100, 301), (401, 7), (639, 639)]
    for where in rare:
        frame[where] = 0, 250, 250
    back = own_colours(frame, palette.histogram([frame]))
    assert max(np.abs(back[where].astype(int) - frame[where]).max() for where in rare) <= 4
    assert psnr(back, frame) > 35


def test_a_dither_of_many_colours_costs_less_than_a_decibel() -> None:
    """Where the palette is coarse, the noise of a mixture is all that one would see of it."""
    frames = pan(96, 6)
    plain, dithered = (reduced(frames, 64, dither) for dither in (False, True))
    lost = [psnr(a, c) - psnr(b, c) for a, b, c in zip(plain, dithered, frames, strict=True)]
    assert 0 < max(lost) < 1
