"""Steps: one picture after each edit, the first before all of them; a row for each seed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from PIL import Image

from latty import presets, render
from latty.render import grids, shots

STEPS = """\
schema = 1
name = "steps"
frames = 3
[scene]
model = "portraits"
seed = SEED
size = 32
[[scene.edits]]
direction = "portraits/yaw"
mode = "flip"
strength = 2
amount = { keys = [[0, 0], [0.5, 1]] }
[[scene.edits]]
direction = "portraits/age"
strength = { from = 0, to = 2 }
[[scene.edits]]
direction = "portraits-plumerault/x"
strength = 0.1
unit = "own"
amount = 0.8
[[scene.edits]]
direction = "seed:42"
strength = 0.5
layers = "3"
[[outputs]]
path = "steps.png"
layout = "steps"
"""


@pytest.mark.parametrize(("seed", "names"), [("5", [""]), ("[5, 9]", ["seed 5", "seed 9"])])
def test_each_edit_comes_to_those_before_it(seed: str, names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "steps.toml"
    file.write_text(STEPS.replace("SEED", seed))
    assert presets.check(file) == []
    done = latty("render", "steps.toml", "--out-dir", ".", "--batch", "1", home=tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "steps.png") as picture:
        sheet = np.asarray(picture.convert("RGB"))
    preset = presets.read(file)
    last, below = preset.at(1.0), shots.column_names(preset, preset.outputs[0])
    assert below == ["unedited", "yaw flip +2", "age +2", "x +0.1 image widths at 80%",
                     "toward 42 50%, layers 3"]  # fmt: skip
    cells = [
        render.picture(replace(last, seed=one, edits=last.edits[:count]))
        for one in preset.seeds or (5,)
        for count in range(5)
    ]
    assert len({cell.tobytes() for cell in cells}) == len(cells), "every edit changes the picture"
    expected = grids.grid(cells, names, below, len(names), faint=False)
    assert np.array_equal(sheet, expected)


def test_what_steps_cannot_be_is_told(tmp_path: Path) -> None:
    def said(verb: str, text: str) -> str:
        (tmp_path / "x.toml").write_text(text)
        return latty(verb, "x.toml", home=tmp_path).stderr

    text = STEPS.replace("SEED", "5")
    film = text.replace("steps.png", "steps.gif")
    assert "'steps' is one picture: it needs a .png" in said("check", film)
    wide = f"{text}columns = 3\n"
    assert "columns: does nothing: steps have a column for each edit" in said("check", wide)
    bare = text[: text.index("[[scene.edits]]")] + text[text.index("[[outputs]]") :]
    assert "steps needs an edit to vary" in said("render", bare.replace("frames = 3\n", ""))
