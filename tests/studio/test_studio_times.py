"""Keys at uneven times: opened, shown, moved and saved in the unit in which they were said."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from studio import Keys, run, settled, text, until

from latty import presets
from latty.errors import BadData, LattyError
from latty.presets.moments import TimeLine
from latty.scene import Edit, Walk
from latty.stops import Stop
from latty_tui.films import documents, times
from latty_tui.films.film import preset_of, state_of
from latty_tui.films.keyframes import moved_key, with_key, without_key
from latty_tui.films.moves import eased, marks, retimed, stretched
from latty_tui.memory import tables
from latty_tui.state import State

HEAD = """\
# A film.
schema = 1
seconds = 4
bpm = 120

[scene]
model = "demo" # the one that comes along
seed = 7

[[scene.edits]]
direction = "demo/smile"
"""
TAIL = '\n[[outputs]]\npath = "mine.gif"\n'
FILES = {  # what a number says, the times of its keys, and whether they are keyframes
    "shares": ("{ keys = [[0, -2], [0.3, 2], [1, -2]] } # a smile", [0, 0.3, 1], True),
    "seconds": ('{ keys = [["0s", -2], ["1s", 2], ["4s", 1]] }', ["0s", "1s", "4s"], True),
    "milliseconds": ('{ keys = [[0, -2], ["500ms", 2], [1, 1]] }', [0, "500ms", 1], True),
    "beats": ('{ keys = [["1b", 0], ["3b", 2, "hold"], ["8b", 0]] }', ["1b", "3b", "8b"], True),
    "percent": ('{ keys = [[0, 0], ["12.5%", 2], ["100%", 0]] }', [0, "12.5%", "100%"], True),
    "several units": (
        '{ keys = [\n  [0, -2], # begins\n  ["0.5s", 2, "in-out-sine"], # up\n'
        '  ["3b", 2, "hold"],\n  ["100%", -2],\n] }',
        [0, "0.5s", "3b", "100%"],
        True,
    ),
    "even in seconds": ('{ keys = [["0s", 0], ["2s", 2], ["4s", 0]] }', ["0s", "2s", "4s"], True),
    "two numbers, eased apart": (
        '{ keys = [[0, 0], ["1s", 2], [1, 0]], easing = "smooth" }\n\n[[scene.edits]]\n'
        'direction = "demo/age"\nstrength = { keys = [["1b", 0], ["3s", 1]], easing = "sine" }',
        [0, "1b", "1s", "3s", 1],
        False,
    ),
    "beside a drift": (
        '{ keys = [[0, 0], ["1s", 2], ["3s", 0]] }\n\n[[scene.edits]]\ndirection = "demo/age"\n'
        "strength = { noise = 3, amplitude = 1, period = 2 }",
        [0, "1s", "3s"],
        False,
    ),
    "a walk": ("1", ["0s", "1s", "4s"], True),
    "a walk that is held": ("1", [0.0, "1s", 0.75], False),
}
WALKS = {
    "a walk": '{ walk = [{ seed = 7, at = "0s" }, { seed = 9, at = "1s" }, '
    '{ seed = 3, at = "4s" }] }',
    "a walk that is held": '{ walk = [7, { seed = 9, at = "1s" }, { seed = 3, hold = "1s" }] }',
}


pytestmark = pytest.mark.usefixtures("here")


def words_of(name: str) -> str:
    head = HEAD.replace("seed = 7\n", f"seed = {WALKS[name]}\n") if name in WALKS else HEAD
    return f"{head}strength = {FILES[name][0]}\n{TAIL}"


def opened(name: str) -> tuple[State, Path]:
    path = Path("mine.toml")
    path.write_text(words_of(name))
    return state_of(presets.read(path)), path


@pytest.mark.parametrize("name", FILES)
def test_keys_open_at_their_times_and_are_saved_in_their_units(name: str) -> None:
    _, said, keyed = FILES[name]
    state, path = opened(name)
    assert [one.said for one in marks(state)] == said
    assert bool(state.keys) == keyed
    preset = presets.read(path)
    assert [preset_of(state).at(t) for t in preset.times()] == [
        preset.at(t) for t in preset.times()
    ]
    documents.save(preset_of(state), path)
    assert path.read_text() == words_of(name), "nothing was changed"
    assert tables.state_of(tables.state_table(state)) == state, "the memory keeps it"


@pytest.mark.parametrize("name", FILES)
def test_one_key_is_moved_and_the_others_stay(name: str) -> None:
    state, path = opened(name)
    was = marks(state)
    after = retimed(state, 1, "1.25s")
    documents.save(preset_of(after), path)
    again = state_of(presets.read(path))
    found = {one.said for one in marks(again)}
    assert "1.25s" in found and was[1].said not in found
    if name != "a walk that is held":  # whose last stop has the time that is left
        assert found == {*(one.said for one in was), "1.25s"} - {was[1].said}
    kept = [line for line in words_of(name).splitlines() if "#" in line and "1s" not in line]
    assert all(line.rpartition("#")[2] in path.read_text() for line in kept), "comments stay"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("said", ["9s", "-1s", "nine", "0.3.1s", 1.5, "3q"])
def test_what_is_no_time_of_the_film_is_refused_in_a_line(name: str, said: Any) -> None:
    state, _ = opened(name)
    with pytest.raises(BadData) as refused:
        retimed(state, 1, said)
    assert "\n" not in str(refused.value)


def test_keys_do_not_pass_each_other() -> None:
    for name in FILES:
        state, _ = opened(name)
        if name not in ("two numbers, eased apart", "a walk that is held"):
            with pytest.raises(BadData, match=r"must rise|no time is left"):
                retimed(state, 1, "4s")


@pytest.mark.parametrize("name", FILES)
def test_another_length_leaves_seconds_and_beats_where_they_are(name: str) -> None:
    state, path = opened(name)
    after = stretched(state, seconds=8.0, frames=200)
    seconds = {
        one.said: 8 * one.share
        for one in marks(after)
        if isinstance(one.said, str) or name != "a walk that is held"
    }  # whose last stop has the time that is left
    line = TimeLine(8.0, 120)
    assert all(abs(line.share(said) * 8 - at) < 1e-6 for said, at in seconds.items())
    assert {said for said in seconds if isinstance(said, str)} == {
        said for said in FILES[name][1] if isinstance(said, str)
    }
    documents.save(preset_of(after), path)
    assert presets.read(path).seconds == 8
    if any(str(said).endswith(("s", "b")) for said in FILES[name][1]):
        with pytest.raises(LattyError, match=r"beyond|within|no time is left"):
            stretched(state, seconds=0.2, frames=5)


def test_keyframes_come_and_go_between_the_others() -> None:
    state, _ = opened("several units")
    one = with_key(state, 2)
    assert [mark.said for mark in marks(one)] == [0, "0.5s", "1s", "3b", "100%"]
    end = with_key(state, 4)
    assert [mark.said for mark in marks(end)] == [0, "0.5s", "3b", "68.75%", "100%"]
    assert without_key(state, 1).when == (0, "3b", "100%")
    swapped = moved_key(state, 1, 1)
    assert swapped.when == state.when and swapped.keys[1] == state.keys[2]
    even = replace(state, when=())
    assert retimed(even, 1, 1 / 3).when == (), "even intervals are not spelled out"
    assert retimed(even, 1, "1s").when == (0.0, "1s", 2 / 3, 1.0)


def test_a_key_of_a_whole_preset_goes_on_by_another_easing() -> None:
    state, path = opened("two numbers, eased apart")
    documents.save(preset_of(eased(state, 2, "hold")), path)
    assert '["1s", 2, "hold"]' in path.read_text()


@pytest.mark.parametrize(
    ("said", "by", "then"),
    [(0.5, 1, 0.51), ("50%", -1, "49%"), ("1s", 1, "1.05s"), ("500ms", -1, "450ms"),
     ("3b", 1, "3.25b"), ("3.95s", 3, "4s"), ("0.02s", -1, "0s"), (0.999, 5, 1.0)],
)  # fmt: skip
def test_steps_are_of_the_own_unit_and_end_with_the_film(said: Any, by: int, then: Any) -> None:
    assert times.later(said, by, TimeLine(4.0, 120)) == then


# Stored latents.


def test_stored_latents_are_keyframes_each_with_its_truncation(here: Path) -> None:
    words = HEAD.replace(
        "seed = 7\n",
        'seed = { walk = [{ latent = "me#0", truncation = 0.5 }, { seed = 7, truncation = 0.8 }, '
        '{ latent = "me#1", at = "3s", truncation = 1 }, '
        '{ latent = "me#0", truncation = 0.5 }] }\n',
    )
    path = Path("mine.toml")
    path.write_text(f"{words}strength = 1\n{TAIL}")
    state = state_of(presets.read(path))
    assert [(key.latent, key.truncation) for key in state.keys] == [
        ("me#0", 0.5), (None, 0.8), ("me#1", 1.0), ("me#0", 0.5)]  # fmt: skip
    assert state.keys[1].seed == 7 and state.when[2] == "3s"
    after = retimed(state, 2, "2.5s")
    documents.save(preset_of(after), path)
    walk = presets.read(path).scene.seed
    assert isinstance(walk, Walk) and walk.seeds == ("me#0", 7, "me#1", "me#0")
    assert [stop.truncation for stop in walk.stops] == [0.5, 0.8, 1.0, 0.5]
    assert 'at = "2.5s"' in path.read_text() and "# the one that comes along" in path.read_text()


def test_a_film_is_made_of_a_seed_and_of_stored_latents() -> None:
    state = State(presets.from_dict({"scene": {"model": "demo", "seed": 7}}, "x").scene)
    state = with_key(state.with_scene(truncation=0.5), 0)
    state = with_key(state.with_scene(latent="me#1", truncation=0.9), 1)
    preset = preset_of(with_key(state.with_scene(latent="me#2", edits=(Edit("demo/age"),)), 2))
    assert preset.scene.seed == Walk(
        (7, "me#1", "me#2"), stops=tuple(Stop(truncation=psi) for psi in (0.5, 0.9, 0.9))
    )
    assert preset.scene.latent is None and [key for key, _ in preset.tracks] == ["edits.0.strength"]
    assert [key.latent for key in state_of(preset).keys] == [None, "me#1", "me#2"]


# On the screen.


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (140, 44)])
def test_a_key_is_moved_with_keys_and_typed(size: tuple[int, int], here: Path) -> None:
    Path("mine.toml").write_text(words_of("several units"))

    async def keys(pilot: Keys) -> None:
        app, panel = pilot.app, pilot.app.panel("timeline")
        panel.focus()
        await pilot.press("down")
        await pilot.pause()
        assert "◆ 2 at 0.50 s → in-out-sine" in text(pilot)
        assert text(pilot).count("◆") >= 5 and "┴" in text(pilot), "four keys, beats"
        await pilot.press("greater_than_sign")
        assert app.state.when == (0, "0.55s", "3b", "100%")
        await pilot.press("less_than_sign", "less_than_sign")
        assert app.state.when[1] == "0.45s"
        await pilot.press("at")
        assert "0.45s" in text(pilot)
        await pilot.press(*"3s")
        assert "must rise" in text(pilot)
        await pilot.press("backspace", "backspace", *"2b", "enter")
        assert app.state.when[1] == "2b" and app.history.steps[-1].what == "keyframe 2 at 2b"
        await pilot.press("p", "enter", "down", "enter")
        await until(
            pilot, lambda: '"2b", 2, "in-out-sine"' in Path("mine.toml").read_text(), "saved"
        )
        await settled(pilot)
        assert "# up" in Path("mine.toml").read_text()

    run(keys, size=size, ref="mine.toml")
