"""What is saved is what is on the screen: every key of a scene, in pictures, films, odd files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_in_process import latty
from studio import Keys, dialog, run, said, settled, text, until

from latty import presets
from latty.errors import BadData
from latty.jobs import control
from latty.presets import Preset, Track
from latty.presets.contents import Changed
from latty.presets.pinning import pins_of
from latty.presets.pins import Pins
from latty.scene import Edit, Layers, Scene, Walk
from latty.tables.rules import keys_of
from latty_tui.dialogs.choose import Decide
from latty_tui.dialogs.form import Form
from latty_tui.films import documents
from latty_tui.films.film import preset_of, state_of
from latty_tui.films.keyframes import apart, eased_key, followed, with_key
from latty_tui.memory import tables
from latty_tui.state import State, idle

STILL = """\
schema = 1
name = "still"

[scene]
model = "demo" # the one that comes along
seed = 3
truncation = 0.8

[[scene.edits]]
direction = "demo/smile"
strength = 2

[[outputs]]
path = "still.png"
"""
STRENGTHS = STILL.replace("strength = 2", "strength = { from = -2, to = 3 }").replace(
    "still.png", "still.gif"
)
FILES = {
    "a still": STILL,
    "strengths": STRENGTHS,
    "own easings": STRENGTHS.replace(
        "{ from = -2, to = 3 }", '{ keys = [[0, -2, "hold"], [0.5, 1, "in-cubic"], [1, 3]] }'
    ).replace('name = "still"', 'name = "still"\nseconds = 4\nbpm = 120'),
    "seeds": STRENGTHS.replace("seed = 3", "seed = { walk = [3, 5, 3] }").replace(
        "{ from = -2, to = 3 }", "{ keys = [[0, -2], [0.5, 1], [1, 3]] }"
    ),
    "seeds that are held": STRENGTHS.replace(
        "seed = 3", 'seed = { walk = [{ seed = 3, easing = "hold" }, 5, 3] }'
    ).replace("{ from = -2, to = 3 }", '{ keys = [[0, -2, "hold"], [0.5, 1], [1, 3]] }'),
    "what no keyframes say": STRENGTHS.replace(
        "{ from = -2, to = 3 }", "{ noise = 3, amplitude = 1, period = 0.02 }"
    ).replace("seed = 3", 'seed = { walk = [3, 5], blend = "circular" }'),
    "a circle": STRENGTHS.replace("seed = 3", 'seed = { walk = [3, 5, 6], blend = "circular" }'),
    "texts and pins": STRENGTHS
    + '\n[[text]]\nvalue = "seed {seed}"\nstart = "50%"\n\n[pins]\nmodel = "0123456789"\n',
    "variables": STRENGTHS.replace("[scene]", '[vars]\nfirst = "demo/smile"\n\n[scene]').replace(
        'direction = "demo/smile"', 'direction = "{first}"'
    ),
    "an extension": 'schema = 1\nextends = "base.toml"\nname = "mine"\n',
}
CHANGES: dict[str, Any] = {
    "model": "portraits",
    "seed": 11847,
    "truncation": 0.35,
    "cutoff": 4,
    "label": ((3, 0.5), (5, 0.5)),
    "noise": 5,
    "edits": (Edit("demo/age", 1.5), Edit("seed:42", 0.25, Layers(0, 4))),
    "size": 128,
    "truncation_after_edits": True,
    "latent": "me#0",
    "locks": ("demo/age",),
    "precision": "bf16",
}
EDITS: dict[str, Any] = {
    "direction": "demo/age",
    "strength": 0.625,
    "layers": Layers(2, 5),
    "mode": "centred",
    "unit": "own",
    "conditions": ("demo/age",),
    "within": "demo/*",
    "amount": 0.5,
}


@pytest.fixture(autouse=True)
def base(here: Path) -> None:
    (here / "base.toml").write_text(STRENGTHS)


def opened(words: str) -> tuple[State, Path]:
    path = Path("mine.toml")
    path.write_text(words)
    return state_of(presets.read(path)), path


def seen(scene: Scene, at: float) -> Scene:
    """As the screen says it: without idle edits, at a seed or stored latent where a walk stands on
    one."""
    scene = replace(scene, edits=tuple(edit for edit in scene.edits if not idle(edit)))
    walk = scene.seed
    if isinstance(walk, Walk) and walk.blend != "circular":
        place = at * (len(walk.seeds) - 1)
        passed = walk.seeds[round(place)]
        if abs(place - round(place)) < 1e-9:
            own = {"seed": passed} if isinstance(passed, int) else {"latent": passed}
            scene = replace(scene, **own)
    return scene if scene.latent is None else replace(scene, seed=0)


def passes(preset: Preset, state: State) -> bool:
    """Whether the film goes through what is on the screen, at a keyframe."""
    last = max(1, len(state.keys) - 1)
    shown = seen(state.shown, 0.0)
    return any(seen(preset.at(i / last), i / last) == shown for i in range(last + 1))


def saved_as_seen(state: State, path: Path) -> None:
    """Save it over the file, as the studio does: what is in no keyframe becomes one."""
    at, words = apart(state)
    if words:
        state = with_key(state, at, instead=True)
    preset = preset_of(state)
    documents.save(preset, path)
    again = presets.read(path)
    assert again == preset
    assert passes(again, state), state.shown
    kept = replace(state, keys=followed(state))
    assert preset_of(kept) == preset, "what was saved is what the studio holds"


def test_there_is_another_value_for_every_key() -> None:
    assert CHANGES.keys() == keys_of(Scene).keys()
    assert EDITS.keys() == keys_of(Edit).keys()


@pytest.mark.parametrize("key", CHANGES)
@pytest.mark.parametrize("file", FILES)
def test_every_key_of_a_scene_is_saved_as_it_is_seen(file: str, key: str) -> None:
    state, path = opened(FILES[file])
    saved_as_seen(state.with_scene(**{key: CHANGES[key]}), path)


@pytest.mark.parametrize("key", EDITS)
@pytest.mark.parametrize("file", FILES)
def test_every_key_of_an_edit_is_saved_as_it_is_seen(file: str, key: str) -> None:
    state, path = opened(FILES[file])
    saved_as_seen(state.edited(0, **{key: EDITS[key]}), path)


@pytest.mark.parametrize("file", FILES)
def test_mutes_orders_and_removals_are_saved_as_they_are_seen(file: str) -> None:
    state, path = opened(FILES[file])
    two = state.added(Edit("demo/age", 1.0))
    for after in (two, two.moved(0, 1), two.toggled("muted", 1), two.toggled("solo", 0)):
        saved_as_seen(after, path)
    if not state.keys:  # else an edit that moves has been taken from the screen
        saved_as_seen(two.removed(0), path)


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_opened_and_saved_says_what_it_said(file: str) -> None:
    state, path = opened(FILES[file])
    before = presets.read(path)
    documents.save(preset_of(state), path)
    after = presets.read(path)
    assert [after.at(t) for t in after.times()] == [before.at(t) for t in before.times()]
    assert (after.texts, after.pins, after.seconds, after.bpm, after.outputs) == (
        before.texts, before.pins, before.seconds, before.bpm, before.outputs)  # fmt: skip
    if file in ("variables", "an extension", "a still"):
        assert path.read_text() == FILES[file]


@pytest.mark.parametrize("file", FILES)
def test_the_memory_keeps_all_of_it(file: str) -> None:
    state, _ = opened(FILES[file])
    again = tables.state_of(json.loads(json.dumps(tables.state_table(state))))
    assert replace(again, film=replace(again.film, source=None)) == replace(
        state, film=replace(state.film, source=None)
    )
    assert preset_of(again) == preset_of(state)


# Keyframes.


def of_three() -> State:
    keys = tuple(
        Scene("demo", 7, 0.8, edits=(Edit("demo/smile", strength),)) for strength in (0.5, 2, -1)
    )
    return State(keys[-1], keys=keys, name="x")


def test_what_is_in_no_keyframe_is_named() -> None:
    state = of_three()
    assert apart(state) == (2, [])
    assert apart(state.with_scene(seed=11847, noise=3, size=64)) == (2, []), "the film has it, too"
    assert apart(state.edited(0, strength=1.5))[1] == ["demo/smile +1.5"]
    assert apart(state.removed(0))[1] == ["no demo/smile"]
    walk = with_key(state.with_scene(seed=9), 3)
    assert apart(walk.with_scene(seed=5))[1] == ["seed 5"]
    assert apart(walk.with_scene(seed=Walk((1, 2))))[1] == ["seed on a walk"]


def test_a_keyframe_more_takes_what_cannot_move_from_the_screen() -> None:
    state = with_key(of_three().with_scene(size=64, seed=9), 3)
    assert [key.size for key in state.keys] == [64] * 4
    assert [key.seed for key in state.keys] == [7, 7, 7, 9], "seeds move"


def test_keyframes_go_on_each_in_its_way() -> None:
    state = eased_key(eased_key(of_three(), 0, "hold"), 1, "in-cubic")
    film = preset_of(state)
    strengths = [film.at(t).edits[0].strength for t in (0, 0.49, 0.5, 0.75, 1)]
    assert strengths == [0.5, 0.5, 2, 2 - 3 / 8, -1]
    back = state_of(film)
    assert back.keys == state.keys and back.eases == ("hold", "in-cubic", "")
    assert preset_of(back) == film
    keys = (replace(key, seed=seed) for key, seed in zip(state.keys, (1, 2, 3), strict=True))
    walked = replace(state, keys=tuple(keys))
    film = preset_of(walked)
    assert isinstance(film.scene.seed, Walk)
    assert [stop.easing for stop in film.scene.seed.stops] == ["hold", "in-cubic", "linear"]
    assert state_of(film).eases == walked.eases and preset_of(state_of(film)) == film


def test_no_easing_of_a_key_is_kept_that_is_none() -> None:
    table = tables.state_table(eased_key(of_three(), 0, "hold"))
    assert tables.state_of(table).eases == ("hold", "", "")
    for wrong in (["bouncy", "", ""], ["hold"], [3, "", ""]):
        with pytest.raises((ValueError, BadData)):
            tables.state_of({**table, "eases": wrong})


# In the studio.


async def at_rest(pilot: Keys) -> None:
    await pilot.pause()

    def done() -> bool:
        busy = (one for one in pilot.app.workers if one.group in ("presets", "save"))
        return all(one.is_finished for one in busy)

    await until(pilot, done, "presets are done")
    await settled(pilot)


@pytest.mark.slow
def test_another_seed_of_a_film_is_saved(here: Path) -> None:
    """R, p, Enter: the file has the seed of the picture."""
    (here / "cm.toml").write_text(STRENGTHS)

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        assert len(app.state.keys) == 2
        await pilot.press("R")
        await settled(pilot)
        assert (seed := app.state.scene.seed) != 3
        await pilot.press("p", "enter")
        await at_rest(pilot)
        assert (here / "cm.toml").read_text() == STRENGTHS.replace("seed = 3", f"seed = {seed}")
        assert [key.seed for key in app.state.keys] == [seed, seed]

    run(keys, ref="cm.toml")


@pytest.mark.slow
def test_what_no_keyframe_has_is_asked_about(here: Path) -> None:
    (here / "cm.toml").write_text(STRENGTHS)

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.change(app.state.edited(0, strength=2.5), "smile")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, Decide), "a question")
        await pilot.pause()
        assert "in no keyframe: demo/smile +2.5" in dialog(pilot)
        assert "set keyframe 1 to it" in dialog(pilot)
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.state.keys) == 3, "a keyframe more")
        await until(pilot, lambda: "save the preset as" in dialog(pilot), "the name")
        await pilot.press("enter")
        await at_rest(pilot)
        track = dict(presets.read(here / "cm.toml").tracks)["edits.0.strength"]
        assert [value for _, value in track.keys] == [-2, 2.5, 3]
        app.change(app.state.edited(0, strength=0.1), "smile")
        await pilot.press("r")
        await until(pilot, lambda: "render the film without it" in dialog(pilot), "a render asks")
        await pilot.press("escape")
        await settled(pilot)

    run(keys, ref="cm.toml")


@pytest.mark.slow
def test_a_picture_of_other_content_is_opened_where_somebody_says_so(here: Path) -> None:
    """The latents that it was made of are others now: it says so, and goes on with these."""
    ones = np.random.RandomState(0).randn(2, 1, 64).astype("f4")
    np.save("z.npy", ones[0])
    Path("me.toml").write_text(STILL.replace("seed = 3", 'latent = "z.npy#0"'))
    done = latty("render", "me.toml", "-o", "one.png", home=here)
    assert done.returncode == 0, done.stderr
    np.save("z.npy", ones[1])

    async def keys(pilot: Keys) -> None:
        app, before = pilot.app, pilot.app.state
        files = app.panel("timeline").presets
        for answer in ("escape", "enter"):  # no is the first one
            await files.open("one.png")
            await until(pilot, lambda: isinstance(app.screen, Decide), "a question")
            await pilot.pause()
            assert "one.png was made with something else: go on?" in dialog(pilot)
            assert "the latents 'z.npy'" in dialog(pilot)
            await pilot.press(answer)
            await at_rest(pilot)
            assert app.state == before
        await files.open("one.png")
        await until(pilot, lambda: isinstance(app.screen, Decide), "a question")
        await pilot.pause()
        await pilot.press("down", "enter")
        await at_rest(pilot)
        assert app.state.scene.latent == "z.npy#0"
        assert "z.npy" in said(pilot), "and it is said again"

    run(keys)


def test_what_is_pinned_otherwise_is_not_pinned_where_it_is_opened_all_the_same() -> None:
    words = STILL + '\n[pins]\nmodel = "0123456789"\n\n[pins.directions]\ndemo = "{}"\n'
    pin = dict(pins_of([preset_of(opened(STILL)[0])], Path()).directions)["demo"]
    Path("pinned.toml").write_text(words.format(pin))
    with pytest.raises(Changed):
        documents.read("pinned.toml")
    found = documents.read("pinned.toml", anyway=True)
    assert found.preset.pins == Pins(directions=(("demo", pin),))
    assert "the model 'demo' is not the one" in found.warnings[0]
    documents.save(preset_of(state_of(found.preset)), Path("pinned.toml"))
    assert not documents.read("pinned.toml").warnings, "what is saved is what is here"


def test_a_pin_goes_with_its_own_model_alone() -> None:
    pin = pins_of([preset_of(opened(STILL)[0])], Path()).model
    panels = '\n[[panels]]\nseed = 1\n[[panels]]\nmodel = "portraits"\n'
    words = f'{STILL}{panels}[pins]\nmodel = "{pin}"\n[pins.models]\nportraits = "0123456789"\n'
    Path("pinned.toml").write_text(words)
    found = documents.read("pinned.toml", anyway=True)
    assert found.preset.pins == Pins(pin), "that of the panel's model is another one"
    documents.save(found.preset, Path("pinned.toml"))
    assert documents.read("pinned.toml").preset.pins == Pins(pin)


# The track, and the form.


@pytest.mark.slow
def test_keys_of_the_track(here: Path) -> None:
    (here / "cm.toml").write_text(STRENGTHS)

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.panel("timeline").focus()
        await pilot.press("c", "c")
        assert app.state.eases == ("smooth", "")
        await pilot.pause()
        assert "◆ 1 at 0.00 s → smooth" in text(pilot) and "┄" in text(pilot)
        await pilot.press("C", *"out-elastic")
        assert "▇" in text(pilot), "the curve is shown"
        await pilot.press("enter")
        assert app.state.eases == ("out-elastic", "")
        await pilot.press("C", *"another", "enter", *"steps(3)", "enter")
        assert app.state.eases == ("steps(3)", "")
        await pilot.press("down", "c")
        assert "the last keyframe goes nowhere" in said(pilot)
        assert "jumps: L" in text(pilot), "the film loops and does not close"
        await pilot.press("L", "L")
        assert app.state.film.loop == "seamless"
        await pilot.pause()
        assert "jumps: L" not in text(pilot)
        await pilot.press("S", *"3", "enter")
        assert app.state.film.seconds == 3 and "75 frames, 3.0 s" in text(pilot)
        await pilot.press("P", *"10", "enter")
        assert "30 frames, 3.0 s  10 fps" in text(pilot)
        assert "◆ 2 at 3.00 s" in text(pilot)
        await pilot.press("p", "enter")
        await at_rest(pilot)
        found = presets.read(here / "cm.toml")
        assert (found.seconds, found.outputs[0].fps, found.outputs[0].loop) == (3, 10, "seamless")
        assert dict(found.tracks)["edits.0.strength"] == Track(
            ((0, -2), (1, 3)), each=("steps(3)", "")
        )

    run(keys, ref="cm.toml")


@pytest.mark.slow
def test_the_form_says_time_frame_codec_and_size(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "cm.toml").write_text(STRENGTHS)
    handed: list[Preset] = []
    monkeypatch.setattr(
        control, "submit", lambda words, *_: handed.append(presets.read(words[1])) or "1k-abcd"
    )

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Form), "a form")
        sheet = app.screen
        for name, value in {"seconds": "2.5", "fps": "20", "width": "90", "height": "160",
                            "fit": "blur", "formats": "gif,mp4", "codec": "h265",
                            "max_bytes": "2MB", "loop": "seamless"}.items():  # fmt: skip
            sheet.set(name, value)
        await until(pilot, lambda: "50 frames in 2.5 s" in dialog(pilot), "the plan")
        assert not sheet.query_one("#row-frames").display
        await pilot.press("enter")
        await until(pilot, lambda: handed, "a job")
        await at_rest(pilot)

    run(keys, ref="cm.toml")
    (made,) = handed
    gif, mp4 = made.outputs
    assert made.seconds == 2.5
    assert {(o.fps, o.width, o.height, o.fit, o.loop, o.max_bytes) for o in made.outputs} == {
        (20, 90, 160, "blur", "seamless", "2MB")
    }
    assert (gif.codec, mp4.codec) == (None, "h265")


@pytest.mark.slow
def test_what_check_refuses_is_told_at_its_field_before_a_job_is_made(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "cm.toml").write_text(STRENGTHS)
    handed: list[Any] = []
    monkeypatch.setattr(control, "submit", lambda *words: handed.append(words))

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.change(app.state.with_scene(label=3), "class 3")  # which this model does not know
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Form), "a form")
        await until(pilot, lambda: "demo knows no classes" in dialog(pilot), "why")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, Form) and not handed
        await pilot.press("escape")
        app.change(app.state.with_scene(label=None), "no class")
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, Form), "a form")
        sheet = app.screen
        await until(pilot, lambda: "does not close: it jumps" in dialog(pilot), "a doubt is told")
        sheet.set("width", "9000")
        await pilot.press("enter")
        assert sheet.query_one("#row-width").has_class("wrong") and not handed
        await pilot.press("escape")
        await settled(pilot)

    run(keys, ref="cm.toml")


@pytest.mark.slow
def test_a_picture_between_two_seeds_is_not_exported_as_another() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.change(app.state.with_scene(seed=Walk((1, 2), t=0.3)), "along")
        with pytest.raises(BadData, match="stands on a walk"):
            await app.panel("timeline").presets.export()
        await settled(pilot)

    run(keys)
