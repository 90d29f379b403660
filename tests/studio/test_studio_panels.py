"""Films of panels are played side by side, and what is not on the screen is said; keys of a preset
that is kept whole are deleted and set."""

from pathlib import Path
from typing import Any

import pytest
from places import ROOT
from studio import Keys, asked, run, text, until

from latty import presets
from latty.errors import BadData
from latty_tui.drawing.projector import playback_of
from latty_tui.films import film, moves
from latty_tui.films.film import preset_of, state_of
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


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "panels.toml").write_text(ONLY_PANELS)
    (tmp_path / "whole.toml").write_text(WHOLE)
    return tmp_path


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
    assert len(playback.times) == 8 and playback.columns == 2, "those of the open model"
    for frame, t in enumerate(playback.times):
        assert playback.scenes(frame) == [one.preset.at(t) for one in preset.panels[:2]]
    assert len({playback.scenes(i)[0].truncation for i in range(8)}) == 8


def test_a_seamless_film_of_panels_goes_back() -> None:
    playback = playback_of(preset_of(opened("panels.toml")), 4, "seamless")
    found = [playback.scenes(i)[0].truncation for i in range(8)]
    assert found[1] == pytest.approx(found[7]) and max(found) == pytest.approx(1)


def test_what_is_not_seen_is_said() -> None:
    state = opened("panels.toml")
    assert film.composed(state, True) == "2 of 3 panels: r renders all"
    assert film.composed(state, False) == "scene below 3 panels: r renders all"
    assert film.composed(opened("whole.toml"), False) == ""


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
        drawn = lambda: [one for one in asked("draw") if len(one["scenes"]) == 2]  # noqa: E731
        await until(pilot, lambda: len(drawn()) > 2, "the panels are played")
        await until(pilot, lambda: "2 of 3 panels" in text(pilot), "and told")
        await pilot.press("escape")

    run(keys, size=size, ref="panels.toml")


def test_the_shipped_comparison_tells_of_its_other_model() -> None:
    state = state_of(presets.read(ROOT / "presets" / "film-compare.toml"))
    assert film.composed(state, True) == "1 of 2 panels: r renders all"
