"""Films of panels are played side by side, and what is not on the screen is said; keys of a preset
that is kept whole are deleted and set."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio import Keys, asked, run, said, text, until

from latty import presets
from latty.errors import BadData
from latty.render.captions import faces
from latty.render.developing import develop
from latty.scene import Edit, Scene
from latty_tui.drawing.composing import composed
from latty_tui.drawing.picture import RawPicture
from latty_tui.drawing.projector import playback_of
from latty_tui.films import film, moves
from latty_tui.films.film import preset_of, state_of
from latty_tui.panels.timeline.problems import Problems
from latty_tui.state import State

ONLY_PANELS = """\
schema = 1
seconds = 2
[scene]
model = "demo"
seed = 3
[[panels]]
title = "a"
truncation = { from = 0.2, to = 1 }
[[panels]]
seed = 9
[[panels]]
model = "portraits"
[[outputs]]
path = "film.gif"
fps = 4
"""
WHOLE = """\
schema = 1
seconds = 4
[scene]
model = "demo"
seed = { walk = [1, { seed = 2, at = "1s" }, 3] }
truncation = { keys = [[0, 0.2, "hold"], ["1s", 0.5], [1, 1]], easing = "sine" }
[[scene.edits]]
direction = "demo/smile"
strength = { keys = [[0, -1], ["2s", 1], [1, 2]] }
[[scene.edits]]
direction = "demo/age"
strength = { noise = 3, amplitude = 1, period = 2 }
[[outputs]]
path = "film.gif"
fps = 10
"""


STILL = """\
schema = 1
[scene]
model = "demo"
[[text]]
value = "seed {seed}"
[[outputs]]
path = "still.png"
"""


NAMED = 'columns = 2\nrow_names = ["a", "b"]\ncolumn_names = ["{seed}", "other"]\n'
COMPOSED = {
    "panels": ONLY_PANELS.replace('title = "a"', 'title = "{truncation:.2f}"')
    + 'gap = 4\nmargin = 3\nbackground = "#202028"\n[[text]]\nvalue = "{frame}"\n',
    "words": STILL.replace("schema = 1", "schema = 1\nframes = 5").replace(".png", ".gif"),
    "framed": STILL.replace("schema = 1", "schema = 1\nframes = 5").replace(".png", ".gif")
    + 'width = 54\nheight = 96\nfit = "blur"\n',
    "table": ONLY_PANELS + NAMED,
    "sheet": ONLY_PANELS.replace("film.gif", "sheet.png").replace("fps = 4\n", NAMED),
}
SIDE = 96  # px of a picture


class Reel:
    """A view of a part of a preset, whose pictures are noise."""

    def __init__(self, part: presets.Preset, number: int) -> None:
        self.preset, self.height, self.number, self.first = part, SIDE, number, 0
        self.reel = self

    def __getitem__(self, frame: int) -> Any:
        dice = np.random.RandomState(self.number * 100 + frame)
        return dice.randint(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(autouse=True)
def files(here: Path) -> None:
    (here / "panels.toml").write_text(ONLY_PANELS)
    (here / "whole.toml").write_text(WHOLE)


def opened(name: str) -> State:
    return state_of(presets.read(name))


def saved(state: State) -> presets.Preset:
    presets.save(preset_of(state), "saved.toml")
    return presets.read("saved.toml")


def test_a_film_in_which_only_panels_move_is_one() -> None:
    state = opened("panels.toml")
    preset = preset_of(state)
    assert preset == presets.read("panels.toml") and film.moves(preset)
    assert state.film.seconds == 2 and film.moving(state) == ["the panels"]
    playback = playback_of(preset, state.film.fps, state.film.loop)
    assert len(playback.times) == 8 and playback.columns == 3, "those of other models, too"
    for frame, t in enumerate(playback.times):
        assert playback.scenes(frame) == [one.preset.at(t) for one in preset.panels]
    assert len({playback.scenes(i)[0].truncation for i in range(8)}) == 8


def test_a_seamless_film_of_panels_goes_back() -> None:
    playback = playback_of(preset_of(opened("panels.toml")), 4, "seamless")
    found = [playback.scenes(i)[0].truncation for i in range(8)]
    assert found[1] == pytest.approx(found[7]) and max(found) == pytest.approx(1)


def test_what_is_not_seen_is_said() -> None:
    state = opened("panels.toml")
    assert film.composed(state, True) == "", "all of it plays"
    assert film.composed(state, False) == "scene below 3 panels: space shows all"
    assert film.composed(opened("whole.toml"), False) == ""
    Path("still.toml").write_text(STILL)
    assert film.composed(opened("still.toml"), False) == "without its texts: r renders all"


@pytest.mark.parametrize(
    ("share", "tracks", "walk"),
    [
        (0.25, {"truncation": 2, "edits.0.strength": 3}, (1, 3)),
        (0.5, {"truncation": 3, "edits.0.strength": 2}, (1, 2, 3)),
    ],
)
def test_a_key_of_a_whole_preset_is_deleted(share: float, tracks: Any, walk: Any) -> None:
    state = opened("whole.toml")
    assert not state.keys
    at = [mark.share for mark in moves.marks(state)].index(share)
    after = saved(moves.without(state, at))
    found = dict(after.tracks)
    assert {key: len(found[key].keys) for key in tracks} == tracks  # type: ignore[attr-defined]
    assert after.scene.seed.seeds == walk  # type: ignore[union-attr]
    before = presets.read("whole.toml")
    kept = [key for key in found if key not in tracks or len(found[key].keys) == 3]  # type: ignore[attr-defined]
    assert all(found[key] == dict(before.tracks)[key] for key in kept)


def test_two_keys_are_the_fewest() -> None:
    state = moves.without(opened("whole.toml"), 1)
    with pytest.raises(BadData, match="no more than 2"):
        moves.without(state, 0)


@pytest.mark.parametrize("at", [0, 1, 3])
def test_a_key_of_a_whole_preset_says_another_value(at: int) -> None:
    state = opened("whole.toml")
    name, _ = moves.numbers(state, at)[0]
    after = saved(moves.valued(state, at, name, 0.75))
    share = moves.marks(state)[at].share
    before = presets.read("whole.toml")
    changed, old = dict(after.tracks)[name], dict(before.tracks)[name]
    assert [v for t, v in changed.keys if t == share] == [0.75]  # type: ignore[union-attr]
    assert [p for p in changed.keys if p[0] != share] == [p for p in old.keys if p[0] != share]  # type: ignore[union-attr]
    rest = [pair for pair in after.tracks if pair[0] != name]
    assert rest == [pair for pair in before.tracks if pair[0] != name]
    assert after.scene.seed == before.scene.seed
    with pytest.raises(BadData):
        moves.valued(state, at, name, 1e9)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (140, 44)])
def test_panels_are_played_and_told(size: tuple[int, int]) -> None:
    async def keys(pilot: Keys) -> None:
        assert "scene below 3 panels" in text(pilot)
        pilot.app.panel("timeline").focus()
        await pilot.press("space")
        parts = lambda: {one["channel"]: one["scenes"][0]["model"] for one in asked("draw")}  # noqa: E731
        await until(pilot, lambda: "film 2" in parts(), "the panels are played")
        assert parts()["film 0"] == "demo" and parts()["film 2"] == "portraits"
        await until(pilot, lambda: "▶" in text(pilot), "it plays")
        assert "scene below" not in text(pilot), "all of it is seen"
        await pilot.press("escape")

    run(keys, size=size, ref="panels.toml")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (Scene("broken"), "not seen"),
        (Scene("portraits", edits=(Edit("missing/x", 1.0),)), "drawn without x"),
    ],
)
def test_panels_that_cannot_be_drawn_are_told_once(lost: Scene, words: str) -> None:
    """And not with every frame."""

    async def keys(pilot: Keys) -> None:
        app, preset = pilot.app, presets.read("panels.toml")
        panels = [replace(one, preset=replace(one.preset, scene=lost)) for one in preset.panels[1:]]
        film = replace(preset, panels=(preset.panels[0], *panels))
        projector = app.panel("timeline").projector
        projector.start(playback_of(film, 4, "loop"))
        await until(pilot, lambda: len(projector._kept) == 8, "a whole round")
        told = [one for one in said(pilot).splitlines() if words in one]
        assert [text.partition(":")[0] for text in told] == [
            f"panel 2 is {words}", f"panel 3 is {words}",
        ]  # fmt: skip
        await pilot.press("escape")

    run(keys, ref="panels.toml")


def test_a_played_frame_is_put_together_as_it_is_rendered() -> None:
    """Of the same pictures: those that the renderer draws, at their own size."""
    for name in COMPOSED:
        Path(f"{name}.toml").write_text(COMPOSED[name])
        preset = presets.read(f"{name}.toml")
        playback = playback_of(preset, 4, "loop")
        drawn = [Reel(part, number) for number, part in enumerate(preset.parts)]
        made = develop(preset, preset.outputs[0], drawn, faces(preset))
        for frame in (0,) if name == "sheet" else (0, 3):
            raw = [RawPicture(one.reel[frame].tobytes(), SIDE, SIDE) for one in drawn]
            seen = composed(preset, playback.output, frame, raw, SIDE)
            wanted = made.frame(frame)
            assert (seen.height, seen.width) == wanted.shape[:2], name
            assert seen.pixels == wanted.tobytes(), f"{name}, frame {frame}"


def test_a_panel_of_a_model_that_is_not_here_is_a_problem_of_its_line(here: Path) -> None:
    """And the model that was open stays, with its picture."""
    (here / "lost.toml").write_text(ONLY_PANELS.replace('"portraits"', '"gone"'))

    async def keys(pilot: Keys) -> None:
        await until(pilot, lambda: isinstance(pilot.app.screen, Problems), "the problems")
        assert "12:1  panels.2.model: no model 'gone'" in text(pilot)
        await pilot.press("escape")
        assert pilot.app.model is not None and "scene below" not in text(pilot)

    run(keys, ref="lost.toml")


def test_a_panel_of_a_model_that_is_not_here_is_grey_and_the_others_play() -> None:
    preset = presets.read("panels.toml")
    raw = [RawPicture(bytes(SIDE * SIDE * 3), SIDE, SIDE), None, None]
    seen = composed(preset, playback_of(preset, 4, "loop").output, 0, raw, SIDE)
    row = seen.pixels[: seen.width * 3]
    assert seen.width == 3 * SIDE and set(row[SIDE * 3 :]) == {96}
