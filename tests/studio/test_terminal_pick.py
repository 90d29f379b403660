"""Pictures to choose from in a terminal: each cell shows what its words say."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from terminal_fake import FakeTerminal
from terminal_screen import Picture
from terminal_studio import FIRST, drawn, right, scene_now, studio

from latty.scene import Scene

pytestmark = pytest.mark.slow


def cell_is(terminal: FakeTerminal, row: Picture, at: int, of: int, scene: Scene) -> bool:
    """Whether a picture of a row, cut out of what the terminal shows, is that scene."""
    pixels, _ = terminal.area(row)
    first, end = (edge * row.columns // of * terminal.cell[0] for edge in (at, at + 1))
    high, wide = pixels.shape[0], end - first - terminal.cell[0]
    side = min(high, wide)
    left = first + (wide - side) // 2
    seen = pixels[high - side : high, left : left + side].astype(float)
    wanted = drawn(scene, side, side).astype(float)
    inner = slice(side // 8, -side // 8)  # a pixel here or there at the edges is no matter
    return float(np.abs(seen - wanted)[inner, inner].mean()) < 12


def test_a_grid_shows_each_seed_above_its_words_and_takes_one(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        terminal.press("g")
        terminal.wait_for(f"seed {FIRST.seed + 3}")
        terminal.calm(1.0)
        rows = rows_of(terminal)
        assert len(rows) == 2
        seeds = [replace(FIRST, seed=FIRST.seed + at) for at in range(4)]
        for at, scene in enumerate(seeds):
            assert cell_is(terminal, rows[at // 2], at % 2, 2, scene), f"cell {at}"
        assert not cell_is(terminal, rows[0], 0, 2, seeds[1])
        lines = terminal.text().split("\n")
        for number, row in enumerate(rows):
            words = lines[row.row + row.rows]
            assert f"seed {FIRST.seed + 2 * number}" in words
            assert f"seed {FIRST.seed + 2 * number + 1}" in words
        with terminal.watched(0.8) as sent:
            terminal.press("right")
        assert not sent[0].pictures, "the cursor is text: no picture is sent again"
        terminal.press("enter")
        terminal.wait(lambda: scene_now(tmp_path).seed == FIRST.seed + 1, "the seed is taken")
        terminal.calm(1.0)


def test_the_gallery_shows_files_in_pixels_and_leaves_the_picture_as_it_was(
    tmp_path: Path,
) -> None:
    (tmp_path / "out").mkdir()
    colours = [(200, 40, 40), (40, 200, 40), (40, 40, 200)]
    for at, colour in enumerate(colours):
        Image.new("RGB", (64, 64), colour).save(tmp_path / "out" / f"p{at}.png")
        os.utime(tmp_path / "out" / f"p{at}.png", (1e9 - at, 1e9 - at))
    (tmp_path / "home" / "config").mkdir(parents=True)
    (tmp_path / "home" / "config" / "config.toml").write_text(f'out_dir = "{tmp_path / "out"}"\n')
    with studio(tmp_path) as terminal:
        terminal.press("b")
        terminal.wait_for("p2.png")
        terminal.calm(1.0)
        row = [one for one in terminal.pictures if one.row <= 4][-1]
        pixels, covered = terminal.area(row)
        assert covered == 1
        for at, colour in enumerate(colours):
            middle = pixels[pixels.shape[0] * 3 // 4, pixels.shape[1] * (2 * at + 1) // 8]
            assert np.abs(middle.astype(int) - colour).max() < 12, f"cell {at}: {middle}"
        with terminal.watched(0.8) as sent:
            terminal.press("escape")
        large = max(sent[0].pictures, key=lambda one: one.columns * one.rows)
        right(terminal, large, FIRST, "the picture is back")


def rows_of(terminal: FakeTerminal) -> list[Picture]:
    """The last picture at each place that has words of seeds below it."""
    last = {one.row: one for one in terminal.pictures if one.column < terminal.columns // 2}
    lines = terminal.text().split("\n")
    return [one for row, one in sorted(last.items()) if "seed " in lines[row + one.rows]]
