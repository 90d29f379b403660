"""Every preset that ships renders, through the front door, to what it promises.

tests/golden holds one small picture per preset. After an intended change of looks write them anew:
    python -m tests.test_presets_render
"""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence
from places import GOLDEN

from latty import presets
from latty.presets import Output, Preset
from latty.render import Options, picture, write
from latty.render.provenance import recall
from latty.render.shots import play_order

SHIPPED = {name: file for name, file in presets.shipped().items() if "/" not in name}
MOVIES = (".mp4", ".webm")


def golden_picture(preset: Preset) -> np.ndarray:
    """A small picture (64, 64, 3) of a moment when something has moved."""
    scene = preset.at(0.4)
    return picture(replace(scene, size=64), "cpu")


def frames_of(path: Path) -> list[np.ndarray]:
    if path.is_dir():
        return [np.asarray(Image.open(p).convert("RGB")) for p in sorted(path.glob("*.png"))]
    if path.suffix in MOVIES:
        with av.open(str(path)) as file:
            return [f.to_ndarray(format="rgb24") for f in file.decode(video=0)]
    with Image.open(path) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def still(output: Output) -> bool:
    return output.path.endswith(".png")


FILMS = "film-"  # test_shipped_films.py renders these


LONG = ("hello", "method-", "video", "walk-circular")  # of these each is drawn in the slow run


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name.startswith(LONG) else ())
     for name in SHIPPED if not name.startswith(FILMS)],
)  # fmt: skip
def test_renders_every_output(name: str, tmp_path: Path) -> None:
    preset = presets.read(SHIPPED[name])
    paths = write(preset, Options(out_dir=tmp_path, device="cpu"))
    assert len(paths) == len(preset.outputs)
    for path, output in zip(paths, preset.outputs, strict=True):
        frames = frames_of(path)
        played = 1 if still(output) else len(play_order(preset.count(output), output.loop))
        assert sum(1 for _ in frames) in (played, *([1] if preset.frames == 1 else []))
        assert all(frame.std() > 10 for frame in frames), "a blank frame"
        if len(frames) > 1:
            spread = np.stack([f.astype(float) for f in frames]).std(0)
            assert spread.max() > 5, "nothing moves"
        again, _ = recall(path)
        assert again.scene == preset.scene
    assert not list(tmp_path.glob("*.latty-work"))


@pytest.mark.parametrize("name", SHIPPED)
def test_looks_as_it_did(name: str) -> None:
    expected = np.asarray(Image.open(GOLDEN / f"{name}.png").convert("RGB")).astype(float)
    found = golden_picture(presets.read(SHIPPED[name])).astype(float)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 1.0 and np.abs(found - expected).max() < 48


if __name__ == "__main__":
    for each, file in SHIPPED.items():
        Image.fromarray(golden_picture(presets.read(file))).save(
            GOLDEN / f"{each}.png", optimize=True
        )
