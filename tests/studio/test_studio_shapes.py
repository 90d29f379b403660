"""The studio shows pictures in their own shape, and those with an opacity on a board."""

import re
from pathlib import Path

import numpy as np
import pytest
from small_families import SHAPES, write_example
from studio import Keys, run, text

from latty import render
from latty.render.grids import on_board
from latty.scene import Scene
from latty_tui.app import Studio

CELL = (8, 16)  # px, of the tests' terminal


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SHAPES if name != "stylegan2 grey"])
def test_a_picture_keeps_its_shape(name: str, tmp_path: Path) -> None:
    file = str(write_example(name, tmp_path / "shaped.safetensors"))

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        assert isinstance(app, Studio) and app.model is not None
        model = app.model
        assert f"{model.height} x {model.width_px} px" in text(pilot)
        runs = [re.search("▀{3,}", line) for line in text(pilot).split("\n")]
        spans = [run.span() for run in runs if run]
        widest = max(stop - start for start, stop in spans)
        rows = sum(stop - start == widest for start, stop in spans)
        seen = rows * CELL[1] / (widest * CELL[0])
        one_cell = max(CELL[1] / (rows * CELL[1]), CELL[0] / (widest * CELL[0]))
        assert seen == pytest.approx(model.height / model.width_px, rel=2 * one_cell)
        drawn = await app.engine.draw([Scene(file, 3)], channel="test")
        assert drawn is not None
        pixels = np.frombuffer(drawn.pixels, np.uint8).reshape(drawn.height, drawn.width, 3)
        assert np.array_equal(pixels, on_board(render.picture(Scene(file, 3), "cpu")))

    run(keys, ref=file, real=True)
