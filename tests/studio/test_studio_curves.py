"""The curves below the track of a film, its beats, and its panels."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from film_files import FILM
from places import ROOT

from latty import presets
from latty.presets.moments import TimeLine
from latty_tui.films.curves import BARS, curves
from latty_tui.films.film import preset_of, state_of
from latty_tui.films.table import film_of, film_table
from latty_tui.panels.timeline.track import beats

MUSIC = """\
schema = 1
seconds = "sound"
[scene]
model = "demo"
truncation = { sound = "song.flac", onsets = true, from = 0.9, to = 0.5 }
[[scene.edits]]
direction = "demo/smile"
strength = { noise = 3, amplitude = 2, period = 2 }
[[outputs]]
path = "film.mp4"
sound = "song.flac"
"""
PANELS = """\
schema = 1
seconds = 2
[scene]
model = "demo"
seed = 3
truncation = { from = 0.2, to = 1 }
[[panels]]
title = "a"
[[panels]]
preset = "other.toml"
[[panels]]
seed = 9
[[outputs]]
path = "film.gif"
"""


@pytest.fixture(autouse=True)
def files(here: Path) -> None:
    shutil.copyfile(ROOT / "presets" / "film-music.flac", here / "song.flac")
    (here / "film.toml").write_text(FILM)
    (here / "music.toml").write_text(MUSIC)
    (here / "panels.toml").write_text(PANELS)
    (here / "other.toml").write_text('schema = 1\n[scene]\nmodel = "demo"\nseed = 5\n')


def test_a_curve_is_what_is_rendered() -> None:
    preset = presets.read("film.toml")
    [row] = curves(preset, 41)
    values = [preset.at(i / 40).edits[0].strength for i in range(41)]
    assert row.bars == "".join(BARS[round(7 * (value + 2) / 4)] for value in values)
    assert row.bars.startswith(BARS[0] * 10 + BARS[7]) and row.label == "smile  -2 … 2"


def test_sounds_and_noise_have_curves_as_they_are_heard() -> None:
    preset = presets.read("music.toml")
    carried, truncation, smile = curves(preset, 60)
    assert carried.label.startswith("♪ song.flac") and len(set(carried.bars)) > 2
    assert truncation.label.startswith("truncation ♪ onsets") and len(set(truncation.bars)) > 2
    assert smile.label.startswith("smile ~") and len(smile.bars) == 60
    assert truncation.value(0.5) == f"{preset.at(0.5).truncation:.3g}"
    Path("song.flac").unlink()
    assert "song.flac" in curves(preset, 61)[0].label, "what is wrong is said"
    assert truncation.value(0.5) == "?" and float(smile.value(0.5)) < 3, "of the film that stands"


def test_beats_stand_apart() -> None:
    assert beats(TimeLine(4.0, 60), 41) == [0, 10, 20, 30, 40]
    close = beats(TimeLine(400.0, 120), 41)
    assert len(close) > 3 and all(after - before >= 2 for before, after in pairwise(close))
    assert beats(TimeLine(4.0, None), 41) == [] == beats(TimeLine(None, 60), 41)


def test_panels_follow_the_scene_and_those_of_files_stay() -> None:
    state = state_of(presets.read("panels.toml"))
    assert preset_of(state) == presets.read("panels.toml")
    preset = preset_of(state.with_scene(seed=4))
    assert [panel.preset.scene.seed for panel in preset.panels] == [4, 5, 9]
    presets.save(preset, "panels.toml")
    assert presets.read("panels.toml") == preset
    assert 'preset = "other.toml"' in Path("panels.toml").read_text()
    assert film_of(json.loads(json.dumps(film_table(state.film)))) == state.film
