"""Keyframes become presets and presets keyframes; the film plays; the strip shows strengths."""

import json
import random
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from studio import Keys, asked, run, settled, text, until

from latty import presets
from latty.errors import BadData
from latty.presets import Output, Preset, Track
from latty.scene import Edit, Layers, Mode, Scene, Walk
from latty_tui.dialogs.render.order import SWEEP, Order
from latty_tui.films.film import moving, preset_of, state_of
from latty_tui.films.keyframes import moved_key, visited, with_key, without_key
from latty_tui.films.table import film_of, film_table
from latty_tui.state import FilmSettings, State

pytestmark = pytest.mark.slow

SMILE, AGE = Edit("demo/smile", 1.0), Edit("demo/age", 2.0)
FACE = State(Scene("demo", 7, 0.8, edits=(SMILE,)))


def filmed(*scenes: Scene, **film: Any) -> State:
    return State(scenes[-1], keys=scenes, film=FilmSettings(**film), name="x")


def written(preset: Preset) -> Preset:
    """The preset after a way through a file's text."""
    return presets.from_dict(tomllib.loads(presets.dumps(preset)), "x.toml")


# From keyframes to a preset and back.


def test_a_film_passes_its_keyframes_exactly() -> None:
    rows = ((7, 0.8, -2.0), (9, 0.5, 3.0), (8, 1.0, 0.1), (7, 0.2, 0.7))
    keys = [
        replace(FACE.scene, seed=seed, truncation=psi, edits=(replace(SMILE, strength=strength),))
        for seed, psi, strength in rows
    ]
    preset = preset_of(filmed(*keys, easing="cubic", frames=31))
    assert preset.scene.seed == Walk((7, 9, 8, 7))
    for i, key in enumerate(keys):
        there = preset.at(i / 3)
        assert there.edits == key.edits and there.truncation == key.truncation
    assert len(preset.times()) == 31 and preset.outputs == (Output("x.gif", 24, loop="bounce"),)


def test_random_films_come_back_from_their_files() -> None:
    dice = random.Random(3)
    for _ in range(60):
        count = dice.randint(2, 7)
        names = [f"demo/{n}" for n in dice.sample(["smile", "age", "yaw", "pitch"], 3)]
        seeds = dice.choice([[5] * count, [dice.randrange(2**32) for _ in range(count)]])
        keys = [
            Scene("demo", seed, round(dice.uniform(-1, 1.5), 3), edits=tuple(
                Edit(name, round(dice.uniform(-5, 5), 6), Layers(1, 4)) for name in names))
            for seed in seeds
        ]  # fmt: skip
        state = filmed(*keys, easing=dice.choice(["linear", "smooth", "sine", "cubic"]),
                       loop=dice.choice(["once", "loop", "bounce"]), fps=12.5,
                       frames=dice.randint(2, 200))  # fmt: skip
        back = state_of(written(preset_of(state)))
        assert back.keys == state.keys
        assert replace(back.film, source=None) == state.film
        assert preset_of(back) == preset_of(state)


@pytest.mark.parametrize("name", presets.shipped())
def test_shipped_presets_play_in_the_studio_what_they_render(name: str) -> None:
    preset = presets.read(name)
    state = state_of(preset)
    made = preset_of(state)
    assert made.times() == preset.times()
    assert [made.at(t) for t in made.times()] == [preset.at(t) for t in preset.times()]
    assert made.outputs == preset.outputs and made.seeds == preset.seeds
    if name != "two-edits":  # holds its last keys by having none; keyframes say them
        assert made == preset
    kept = film_of(json.loads(json.dumps(film_table(state.film))))
    assert kept == state.film


def test_panels_of_other_files_are_remembered_with_what_they_say_themselves(
    tmp_path: Path,
) -> None:
    scene = 'schema = 1\nseconds = 2\n[scene]\nmodel = "demo"\n'
    (tmp_path / "other.toml").write_text(scene + "truncation = { from = 0, to = 1 }\n")
    said = "seconds = 1\nloop = 'once'\nseed = 4\ntruncation = { from = 1, to = 0 }\n"
    (tmp_path / "x.toml").write_text(
        f"{scene}[[panels]]\npreset = 'other.toml'\n{said}[[panels]]\nseed = 9\n"
        "[[panels]]\npreset = 'other.toml'\n[[outputs]]\npath = 'x.gif'\n"
    )
    preset = presets.read(tmp_path / "x.toml")
    table = json.loads(json.dumps(film_table(state_of(preset).film)))
    kept = film_of(table)
    assert kept == state_of(preset).film and kept.source == preset
    assert kept.source.panels[0].own == ("seconds", "loop", "seed", "truncation")
    del table["own"]  # as earlier versions wrote it
    assert [one.source for one in film_of(table).source.panels] == [
        one.source for one in preset.panels
    ]
    made = preset_of(replace(state_of(preset), film=kept))
    assert made == preset, "a film of which only panels move is still one"
    presets.save(made, tmp_path / "y.toml")
    assert said.replace("'", '"').splitlines()[2] in (tmp_path / "y.toml").read_text()
    assert presets.read(tmp_path / "y.toml") == made


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "portraits"}, "the model cannot move between keyframes: demo in 1, portraits"),
        ({"label": 3}, "the class cannot move between keyframes: none in 1, 3 in 2"),
        ({"noise": 4}, "the noise"),
        ({"cutoff": 4}, "the cutoff"),
        ({"locks": ("demo/age",)}, "the locks"),
        ({"truncation_after_edits": True}, "truncation comes after"),
        ({"edits": (replace(SMILE, layers=Layers(2, 3)),)}, "the layers of demo/smile"),
        ({"edits": (replace(SMILE, mode="absolute"),)}, "the mode of demo/smile"),
        ({"edits": (replace(SMILE, conditions=("demo/age",)),)}, "the conditions of demo/smile"),
        ({"seed": Walk((1, 2), t=0.5)}, "keyframe 2 stands on a walk"),
    ],
)
def test_what_cannot_move_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadData, match=words):
        preset_of(filmed(FACE.scene, replace(FACE.scene, **change)))


def test_edits_in_two_orders_are_no_film() -> None:
    first = replace(FACE.scene, edits=(SMILE, AGE))
    with pytest.raises(BadData, match=r"the order of demo/.* differs"):
        preset_of(filmed(first, replace(first, edits=(AGE, SMILE))))


def test_an_edit_that_a_keyframe_lacks_starts_at_nothing() -> None:
    state = filmed(replace(FACE.scene, edits=()), replace(FACE.scene, edits=(SMILE, AGE)))
    preset = preset_of(state)
    assert [edit.strength for edit in preset.at(0).edits] == [0, 0]
    assert preset.at(1).edits == (SMILE, AGE)


@pytest.mark.parametrize("mode", ["absolute", "centred", "flip"])
def test_an_edit_that_goes_to_a_place_is_faded_in_and_out(mode: Mode) -> None:
    place, bare = replace(SMILE, mode=mode), replace(FACE.scene, edits=())
    keys = (bare, replace(bare, edits=(place,)), bare, replace(bare, edits=(place,)))
    state = filmed(*keys, easing="in-out-back")  # which goes beyond its ends
    preset = written(preset_of(state))
    assert [preset.at(i / 3).edits for i in range(4)] == [
        (replace(place, amount=amount),) for amount in (0, 1, 0, 1)
    ]
    back = state_of(preset)
    assert preset_of(back) == preset and [key.edits for key in back.keys][1::2] == [(place,)] * 2
    half = replace(keys[1], edits=(replace(place, amount=0.5),))
    assert preset_of(filmed(keys[1], half)).at(1).edits == half.edits
    still = with_key(with_key(State(bare), 0), 1)  # with_key asks whether they make a film
    assert with_key(replace(still, scene=keys[1]), 2).keys[2] == keys[1]


def test_a_still_grows_to_its_places_too() -> None:
    place, way = replace(SMILE, mode="flip", amount=0.8), AGE
    order = Order(Preset(1, "x", replace(FACE.scene, edits=(place, way))), Path(), (64, 64))
    said = {"moves": SWEEP, "name": "x", "formats": "gif", "fps": "25", "loop": "once"}
    made = written(order.made(said))
    assert made.at(0).edits == (replace(place, amount=0.0), replace(way, strength=0.0))
    assert made.at(1).edits == (place, way)


def test_keyframes_hold_what_is_heard_and_going_there_loses_no_slider() -> None:
    state = replace(FACE.added(AGE, Edit("demo/yaw", 0.0)), muted=frozenset({1}))
    state = with_key(state, 0)
    assert [edit.direction for edit in state.keys[0].edits] == ["demo/smile", "demo/yaw"]
    there = visited(state.edited(0, strength=5.0).added(Edit("demo/gaze", 2.0)), 0)
    assert [(e.direction, e.strength) for e in there.scene.edits] == [
        ("demo/smile", 1.0), ("demo/yaw", 0.0), ("demo/age", 2.0), ("demo/gaze", 0.0)]  # fmt: skip
    assert there.muted == {2} and there.shown.edits == (SMILE,)


def test_keyframes_are_set_moved_and_deleted() -> None:
    a, b, c = (FACE.with_scene(seed=seed) for seed in (1, 2, 3))
    state = replace(c, keys=(a.scene, b.scene))
    assert [key.seed for key in with_key(state, 1).keys] == [1, 3, 2]
    assert [key.seed for key in with_key(state, 1, instead=True).keys] == [1, 3]
    assert [key.seed for key in moved_key(state, 0, 1).keys] == [2, 1]
    assert moved_key(state, 1, 1).keys == state.keys
    assert [key.seed for key in without_key(state, 0).keys] == [2]


# A preset whose moves keyframes cannot say.

ODD = Preset(
    1, "odd", Scene("demo", Walk((1, 2, 3), "circular"), 0.8, edits=(SMILE, AGE)), 20,
    (("edits.0.strength", Track(((0, 1.0), (0.3, 2.0)), "sine")), ("edits.1.strength",
     Track(((0, 2.0), (1, 5.0))))), outputs=(Output("odd.mp4", 30, crf=20),),
)  # fmt: skip


def test_a_whole_preset_moves_until_a_hand_is_laid_on_it() -> None:
    state = state_of(ODD)
    assert not state.keys and preset_of(state) == ODD
    assert moving(state) == ["the seed", "demo/smile", "demo/age"]
    by_hand = state.edited(0, strength=0.5)
    assert preset_of(by_hand).tracks == ODD.tracks[1:]
    assert moving(state.with_scene(seed=4)) == ["demo/smile", "demo/age"]
    assert moving(state.moved(0, 1)) == moving(state)
    assert dict(preset_of(state.moved(0, 1)).tracks)["edits.1.strength"] == ODD.tracks[0][1]
    assert moving(state.with_scene(model="portraits")) == ["the seed"]
    assert not moving(replace(state, muted=frozenset({0, 1})).with_scene(seed=1))


def test_outputs_are_kept_and_follow_the_name_and_the_pace() -> None:
    state = replace(state_of(ODD), name="new")
    assert preset_of(state).outputs == (Output("new.mp4", 30, crf=20),)
    faster = replace(state, film=replace(state.film, fps=12, loop="once"))
    assert preset_of(faster).outputs == (Output("new.mp4", 12, loop="once", crf=20),)
    still = replace(state, muted=frozenset({0, 1})).with_scene(seed=4)
    assert preset_of(still).outputs == (Output("new.png"),)
    assert preset_of(State(FACE.scene, name="a/b")).outputs == (Output("a-b.png"),)


def test_a_still_that_was_saved_becomes_a_film() -> None:
    state = state_of(preset_of(State(Scene("demo", 1, 0.8), name="face")))
    assert preset_of(state).outputs == (Output("face.png"),)
    state = replace(state, keys=filmed(state.scene, replace(state.scene, seed=2)).keys)
    film = state.film
    assert preset_of(state).outputs == (Output("face.gif", fps=film.fps, loop=film.loop),)


# In the studio.


def film_panel(pilot: Keys) -> Any:
    return pilot.app.panel("timeline")


def draws(channel: str) -> list[dict[str, Any]]:
    return [one for one in asked("draw") if one["channel"] == channel]


async def two_keys(pilot: Keys, **film: Any) -> None:
    """A film from seed 7 to seed 9 and a smile."""
    app = pilot.app
    app.change(replace(app.state, film=FilmSettings(**film)), "film")
    await pilot.press("K")
    app.change(app.state.with_scene(seed=9, edits=(SMILE,)), "seed 9")
    await pilot.press("K")
    await settled(pilot)


def test_a_film_plays_is_kept_and_ends_with_a_key() -> None:
    async def keys(pilot: Keys) -> None:
        await two_keys(pilot, frames=6, fps=60)
        before, panel = len(draws("picture")), film_panel(pilot)
        panel.focus()
        assert "6 frames, 0.1 s  60 fps  smooth  bounce" in text(pilot)
        await pilot.press("space")
        await until(pilot, lambda: "▶" in text(pilot), "the panel says that it plays")
        await until(pilot, lambda: panel.projector.shown > 30, "it goes round and round")
        drawn = draws("picture")[before:]
        assert len(drawn) == 6, "each frame is drawn once"
        assert [round(one["scenes"][0]["seed"]["t"], 6) for one in drawn] == [
            round(preset_of(pilot.app.state).at(i / 5).seed.t, 6) for i in range(6)]  # fmt: skip
        await pilot.press("escape")
        await settled(pilot)
        assert "▶" not in text(pilot) and not panel.projector.playing
        assert draws("picture")[-1]["scenes"][0]["seed"] == 9, "the present state is back"
        await pilot.press("space")
        await until(pilot, lambda: panel.projector.shown > 36, "it plays again")
        assert len(draws("picture")) == before + 7, "from what was kept"
        pilot.app.action_undo()
        assert not panel.projector.playing, "any change ends it"
        await settled(pilot)

    run(keys)


def test_a_film_that_ends_ends_and_another_view_ends_it_too() -> None:
    async def keys(pilot: Keys) -> None:
        await two_keys(pilot, frames=4, fps=60, loop="once")
        panel = film_panel(pilot)
        panel.focus()
        await pilot.press("space")
        await until(pilot, lambda: panel.projector.shown == 4, "four frames")
        await until(pilot, lambda: not panel.projector.playing, "and the end")
        pilot.app.change(replace(pilot.app.state, film=FilmSettings(6, 60)), "film")
        await pilot.press("space")
        await until(pilot, lambda: panel.projector.shown > 12, "it plays")
        await pilot.press("g")
        await until(pilot, lambda: not panel.projector.playing, "a grid is looked at")
        await settled(pilot)
        assert len(draws("picture")[-1]["scenes"]) == 4

    run(keys)


def test_keys_of_the_film() -> None:
    async def keys(pilot: Keys) -> None:
        app, panel = pilot.app, film_panel(pilot)
        panel.focus()
        await pilot.press("space")
        assert "nothing moves yet" in text(pilot)
        await two_keys(pilot)
        await pilot.press("up", "up", "enter")
        assert app.state.scene.seed == 7 and app.history.steps[-1].what == "go to keyframe 1"
        await pilot.press("ctrl+right")
        assert [key.seed for key in app.state.keys] == [9, 7] and panel.chosen == 1
        app.change(app.state.with_scene(seed=5), "seed 5")
        await pilot.press("equals_sign")
        assert [key.seed for key in app.state.keys] == [9, 5]
        await pilot.press("E", "L", "P", *"12", "enter")
        await pilot.press("F", *"1", "enter")
        assert "a whole number from 2" in text(pilot)
        await pilot.press("backspace", *"90", "enter")
        film = app.state.film
        assert (film.easing, film.loop, film.fps, film.frames) == ("sine", "seamless", 12, 90)
        await pilot.press("x")
        assert [key.seed for key in app.state.keys] == [9]

    run(keys)


def test_a_keyframe_that_cannot_be_is_refused_with_the_reason() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        await pilot.press("K")
        app.change(app.state.with_scene(noise=3), "noise 3")
        await pilot.press("K")
        assert "the noise cannot move between keyframes: const in 1, 3 in 2" in text(pilot)
        assert len(app.state.keys) == 1

    run(keys)


def test_diamonds_answer_the_mouse() -> None:
    async def keys(pilot: Keys) -> None:
        await two_keys(pilot)
        panel = film_panel(pilot)
        assert panel.chosen == 1
        await pilot.click("#timeline", offset=(2, 1))
        assert panel.chosen == 0
        await pilot.click("#timeline", offset=(2, 1), times=2)
        assert pilot.app.state.scene.seed == 7

    run(keys, size=(140, 44))


# The strip.


def strengths(one: dict[str, Any], ref: str) -> list[float]:
    found = [[e["strength"] for e in scene.get("edits", []) if e["direction"] == ref]
             for scene in one["scenes"]]  # fmt: skip
    return [edits[0] if edits else 0 for edits in found]


def under(pilot: Keys, ref: str) -> None:
    """The cursor of a list is on a direction."""
    pilot.app.tell(lambda panel: panel.on_direction(ref))


async def at(pilot: Keys, ref: str, count: int) -> None:
    under(pilot, ref)
    await until(pilot, lambda: len(draws("strip")) == count, f"strip {count}")
    await settled(pilot)


def the_strip(pilot: Keys) -> Any:
    return pilot.app.panel("strip")


def away(pilot: Keys) -> None:
    """The cursor of no list says what the strip is of."""
    pilot.app.panel("timeline").focus()


def test_the_strip_shows_what_the_direction_does() -> None:
    async def keys(pilot: Keys) -> None:
        away(pilot)
        await pilot.pause(0.3)
        await settled(pilot)
        seen = len(draws("strip"))
        for name in ("a", "b", "c", "smile"):
            under(pilot, f"demo/{name}")
        await at(pilot, "demo/smile", seen + 1)
        assert strengths(draws("strip")[-1], "demo/smile") == [-3, -1.5, 0, 1.5, 3]
        assert "strip: smile" in text(pilot) and "-1.5σ" in text(pilot)
        await at(pilot, "demo/age", seen + 2)
        await at(pilot, "demo/smile", seen + 2)  # kept
        await until(pilot, lambda: "strip: smile" in text(pilot), "from the kept ones")
        view = the_strip(pilot).view
        left, width = the_strip(pilot)._span()
        x = view.content_region.x + int(left + width * 0.9)
        await pilot.click(offset=(x, view.content_region.y + 1))
        assert pilot.app.state.scene.edits == (Edit("demo/smile", 3.0),)
        await pilot.pause(0.3)
        await settled(pilot)
        assert len(draws("strip")) == seen + 2, "its own slider does not change the strip"
        the_strip(pilot).focus()
        await pilot.press("left")
        assert pilot.app.state.scene.edits == (Edit("demo/smile", 1.5),)
        pilot.app.change(pilot.app.state.toggled("muted", 0).with_scene(seed=8), "mute")
        await until(pilot, lambda: len(draws("strip")) == seen + 3, "another seed")
        assert strengths(draws("strip")[-1], "demo/smile") == [-3, -1.5, 0, 1.5, 3]

    run(keys, size=(140, 44))


def test_the_strip_can_be_put_away_and_is_where_it_is_short() -> None:
    async def keys(pilot: Keys) -> None:
        away(pilot)
        await pilot.pause(0.3)
        seen = len(draws("strip"))
        assert not the_strip(pilot).display or not the_strip(pilot).seen
        under(pilot, "demo/smile")
        await pilot.pause(0.4)
        assert len(draws("strip")) == seen
        await pilot.press("v")
        await until(pilot, lambda: len(draws("strip")) == seen + 1, "v brings it")
        await settled(pilot)
        assert "+3.0σ" in text(pilot)
        await pilot.press("v")
        await pilot.pause()
        assert "+3.0σ" not in text(pilot)

    run(keys, size=(80, 24))


def test_a_strip_that_was_put_away_stays_away_the_next_time() -> None:
    async def away_with_it(pilot: Keys) -> None:
        assert the_strip(pilot).seen
        await pilot.press("v")
        await pilot.pause()

    async def again(pilot: Keys) -> None:
        await until(pilot, lambda: not the_strip(pilot).seen, "it stays away")
        await pilot.press("v")
        await until(pilot, lambda: the_strip(pilot).seen, "v brings it")

    run(away_with_it, size=(140, 44))
    run(again, size=(140, 44))


def test_a_direction_that_cannot_be_drawn_says_so_in_the_strip() -> None:
    async def keys(pilot: Keys) -> None:
        away(pilot)
        under(pilot, "missing/x")
        await until(pilot, lambda: "there is no direction missing/x" in text(pilot), "words")

    run(keys, size=(140, 44))


def test_played_pictures_are_those_of_a_render() -> None:
    async def keys(pilot: Keys) -> None:
        from latty.render import picture

        app, panel = pilot.app, film_panel(pilot)
        app.change(replace(app.state, film=FilmSettings(3, 30)), "film")
        await two_keys(pilot, frames=3, fps=30)
        panel.focus()
        await pilot.press("space")
        await until(pilot, lambda: len(panel.projector._kept) == 3, "all frames")
        preset = preset_of(app.state)
        for i, t in enumerate(preset.times()):
            assert panel.projector._kept[i].pixels == picture(preset.at(t), "cpu").tobytes()

    run(keys, real=True)
