"""The studio's state: every key is a pure function of it, and the history keeps them all."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from latty.directions.bin import SetChange
from latty.scene import ALL, Edit, Layers, Scene, Walk
from latty_tui.dialogs import readers as reading
from latty_tui.library import edit_layers
from latty_tui.library.direction_facts import DirectionFacts, guessed, read, strength_words
from latty_tui.library.sliding import Slide
from latty_tui.panels.edits import bars
from latty_tui.panels.latent.field import Change, FieldContext, LatentField
from latty_tui.panels.latent.fields import (
    ClassField,
    MixField,
    NewMixField,
    NoiseField,
    SizeField,
    StartField,
    fields,
)
from latty_tui.panels.latent.seed_fields import (
    AfterField,
    AlongField,
    BlendField,
    CutoffField,
    SeedField,
    TruncationField,
    stepped,
)
from latty_tui.state import History, State, Step

A, B, C = Edit("demo/smile", 1.0), Edit("demo/age", -0.5), Edit("demo/yaw", 2.0)
STATE = State(Scene("demo", 7, 0.8)).added(A, B, C)


def refs(state: State) -> list[str]:
    return [edit.direction for edit in state.scene.edits]


# The stack.


def test_mutes_and_solos_follow_their_edits() -> None:
    state = STATE.toggled("muted", 1).toggled("solo", 2)
    moved = state.moved(2, 0)
    assert refs(moved) == ["demo/yaw", "demo/smile", "demo/age"]
    assert (moved.muted, moved.solo) == ({2}, {0})
    less = moved.removed(1)
    assert refs(less) == ["demo/yaw", "demo/age"] and (less.muted, less.solo) == ({1}, {0})
    assert not less.removed(0).solo


def test_solo_outshines_mute_and_what_is_idle_is_not_drawn() -> None:
    assert STATE.shown.edits == (A, B, C)
    assert STATE.toggled("muted", 0).shown.edits == (B, C)
    assert STATE.toggled("muted", 2).toggled("solo", 2).shown.edits == (C,)
    assert STATE.edited(0, strength=0.0).shown.edits == (B, C)
    place = STATE.edited(0, strength=0.0, mode="absolute").shown
    assert place.edits[0].direction == "demo/smile"  # a place at 0 is a place
    assert STATE.original.edits == ()


def test_nudges_leave_no_dirt_behind() -> None:
    state = STATE
    for _ in range(7):
        state = state.nudged(0, 0.1)
    assert state.scene.edits[0].strength == 1.7
    for _ in range(17):
        state = state.nudged(0, -0.1)
    assert state.scene.edits[0].strength == 0.0


def test_a_lock_turns_on_and_off_and_needs_no_edit() -> None:
    state = STATE.locked("demo/gaze").locked("demo/smile")
    assert state.scene.locks == ("demo/gaze", "demo/smile")
    assert state.locked("demo/gaze").scene.locks == ("demo/smile",)
    assert state.where("demo/gaze") is None and state.where("demo/age") == 1


# The history.


def test_the_first_step_of_a_history_is_not_undone() -> None:
    """Of a long one the first that is kept may be one that changed files."""
    history = History(STATE)
    history.steps = [Step(STATE, "delete c3", (SetChange("mine", "", "a" * 64),))]
    assert history.crossed(-1) == []
    history.push(replace(STATE, name="b"), "b", "", 1.0)
    assert (
        [step.what for step in history.crossed(0)]
        == ["b"]
        == [step.what for step in history.crossed(-1)]
    )


@pytest.mark.parametrize(
    ("tag", "pause", "steps"), [("strength:0", 0.03, 1), ("strength:0", 60.0, 1),
                                ("truncation", 0.4, 1), ("seed", 0.03, 1), ("seed", 0.4, 20)],
)  # fmt: skip
def test_a_run_is_one_step(tag: str, pause: float, steps: int) -> None:
    """On a slider however slow, of anything else in quick succession; until something else."""
    history = History(STATE)
    for i in range(20):
        history.push(STATE.edited(0, strength=i / 10), f"smile {i}", tag, 9 + i * pause)
    assert len(history) == 1 + steps and history.steps[-1].what == "smile 19"
    history.push(STATE.edited(1, strength=9.0), "another", "strength:1", 9 + 20 * pause)
    history.push(STATE.edited(0, strength=9.0), "smile again", tag, 9 + 20 * pause)
    assert len(history) == 3 + steps
    while history.undo():
        pass
    assert history.state == STATE


def test_what_is_no_step_ends_a_run_and_is_on_disk_like_one() -> None:
    history = History(STATE)
    history.push(STATE.edited(0, strength=1.0), "smile 1", "strength:0", 0.0)
    history.push(STATE.edited(0, strength=2.0), "smile 2", "strength:0", 0.1)
    history.undo()
    ahead = history.steps[1]
    history.amend(replace(STATE, name="saved"))
    assert history.state.name == "saved" and len(history) == 2
    assert history.steps[1] == ahead and history.steps[1] is not ahead, "written anew from there"
    history.redo()
    history.amend(history.state)
    history.push(STATE.edited(0, strength=3.0), "smile 3", "strength:0", 0.2)
    assert [step.what for step in history] == ["start", "smile 2", "smile 3"]


def test_a_change_after_undo_forgets_what_lay_ahead_and_joins_nothing() -> None:
    history = History(STATE)
    history.push(STATE.edited(0, strength=2.0), "a", "t", 0.0)
    history.undo()
    assert history.push(STATE.edited(0, strength=3.0), "b", "t", 0.1)
    assert [step.what for step in history] == ["start", "b"]
    assert not history.push(history.state, "the same", "", 0.2)
    assert not history.redo() and not history.go(7) and not history.go(-1)


def test_any_walk_through_the_history_leads_back() -> None:
    chance, history = random.Random(3), History(STATE)
    for moment in range(300):
        strength = chance.randrange(50) / 10
        history.push(STATE.edited(0, strength=strength), str(moment), "", moment)
    there = [step.state for step in history]
    for _ in range(500):
        index = chance.randrange(len(history))
        history.go(index)
        assert history.state == there[index]
    history.go(0)
    assert history.state == STATE and len(history) == len(there)


# Sliders.

SMILE = DirectionFacts("smile", (-2.0, 3.0), Layers(3, 6), space="w")


def test_every_cell_of_a_bar_means_a_value_that_is_drawn_there() -> None:
    for width in (5, 13, 40):
        ends = bars.span(A, SMILE)
        for cell in range(width):
            value = bars.value_of(cell, ends, width, 0.1)
            assert ends[0] <= value <= ends[1]
            assert abs(bars.cell_of(value, ends, width) - cell) <= 1
    assert bars.value_of(bars.cell_of(0.0, (-2.0, 3.0), 13), (-2.0, 3.0), 13, 0.1) == 0.0
    assert bars.value_of(-9, (-2.0, 3.0), 13, 0.1) == -2.0
    assert bars.value_of(99, (-2.0, 3.0), 13, 0.1) == 3.0


def test_a_bar_widens_in_whole_steps_where_a_strength_leaves_it() -> None:
    assert bars.span(replace(A, strength=4.2), SMILE) == (-5.0, 5.0)
    assert bars.span(replace(A, strength=-7.5), SMILE) == (-8.0, 8.0)
    assert bars.span(A, replace(SMILE, usable=(1.0, 3.0))) == (-3.0, 3.0)


@pytest.mark.parametrize("usable", [(-2.0, 3.0), (-1.0, 2.0), (0.0, 1.0), (-3.0, 3.0), (1.0, 2.0)])
@pytest.mark.parametrize("width", [5, 8, 13, 40])
def test_zeros_of_bars_line_up_and_what_is_too_much_has_another_colour(
    usable: tuple[float, float], width: int
) -> None:
    known = replace(SMILE, usable=usable)
    places = set()
    for strength in (usable[0], 0.0, usable[1], usable[1] + 0.1, usable[0] - 4):
        edit = replace(A, strength=strength)
        parts = bars.bar(edit, known, width, True)
        text = "".join(part.text for part in parts)
        assert len(text) == width
        places.add(bars.cell_of(0.0, bars.span(edit, known), width))
        low, high = bars.usable(edit, known)
        assert (parts[1].look == "wrong") == (not low <= strength <= high)
    assert places == {bars.cell_of(0.0, (-1.0, 1.0), width)}


MOVES = {  # seconds between two moves; where each by 0.5 leads, from -1 to what is usable up to 1
    "a held key stops at zero": (0.03, [-0.5, 0.0, 0.0, 0.0]),
    "pressed again and again it goes on": (0.4, [-0.5, 0.0, 0.5, 1.0, 1.5, 2.0]),
}


@pytest.mark.parametrize("name", MOVES)
def test_a_slider_stops_under_a_key_that_is_held(name: str) -> None:
    pause, wanted = MOVES[name]
    slide, strength, found = Slide(), -1.0, []
    for number in range(len(wanted)):
        strength = slide.to("a", strength, strength + 0.5, (-2.0, 1.0, 0.0), 9 + number * pause)
        found.append(strength)
    assert found == wanted


def test_a_held_key_stops_at_the_end_once_and_not_before_a_stop_that_it_left() -> None:
    slide, now = Slide(), 9.0

    def held(strength: float, by: float, times: int) -> float:
        nonlocal now
        now += 1  # pressed again
        for _ in range(times):
            strength = slide.to("a", strength, round(strength + by, 6), (-2.0, 0.0, 3.0), now)
            now += 0.03
        return strength

    assert held(0.0, 0.1, 100) == 3.0
    assert held(3.0, 0.1, 1) == 3.1 and held(3.1, 0.1, 10) == 4.1, "beyond, where it is wanted"
    assert held(4.1, -0.7, 100) == 3.0, "and back: a step that passes it ends there, too"
    assert held(3.0, -0.1, 100) == 0.0 and held(0.0, -0.1, 100) == -2.0
    assert slide.to("b", 2.9, 3.4, (3.0,), now) == 3.4, "another slider is not held"


@pytest.mark.parametrize("width", [22, 23, 24, 34, 44, 80, 120])
def test_rows_are_as_wide_as_their_place(width: int) -> None:
    from rich.cells import cell_len

    strange = replace(SMILE, name="[red]漢字" * 30 + "\x1b[31m\u202e")
    for edit in (A, replace(A, strength=-99.95), Edit("seed:4294967295", 0.7)):
        parts = bars.line(edit, strange, width, True, "M!")
        assert cell_len("".join(part.text for part in parts)) == width


def test_strengths_in_words() -> None:
    said = {
        strength_words(edit)
        for edit in (A, Edit("x/y", 0.25), Edit("x/y", 0.2, unit="own"), Edit("seed:4", 0.7))
    }
    assert said == {"+1.0σ", "+0.25σ", "+0.2", "70%"}
    assert strength_words(Edit("x/y", 0.0)) == "0σ" == strength_words(Edit("x/y", -0.0))


def test_layers_by_keys() -> None:
    def moved(edit: Edit, end: str, by: int) -> str:
        return str(edit_layers.moved(edit, SMILE, end, by, 9))  # type: ignore[arg-type]

    assert moved(A, "start", 1) == "4-5" and moved(A, "stop", 1) == "3-6"
    assert moved(A, "stop", 9) == "3-" and moved(replace(A, layers=ALL), "stop", -1) == "0-7"
    assert moved(replace(A, layers=Layers(8, 9)), "start", 1) == "8-"
    assert moved(replace(A, layers=Layers(0, 1)), "stop", -1) == "0"
    assert moved(replace(A, layers=Layers(2, 3)), "start", 1) == "3"  # it pushes the other end
    assert edit_layers.toggled(A) == ALL and edit_layers.toggled(replace(A, layers=ALL)) is None
    assert "one layer" in edit_layers.refused(SMILE, 1) and not edit_layers.refused(SMILE, 9)
    assert "inside" in edit_layers.words(A, replace(SMILE, space="activation:b8.conv1"))


def test_what_files_say_of_directions() -> None:
    smile = read("demo/smile")
    assert smile.name == "smile" and smile.usable[0] < 0 < smile.usable[1] and smile.space == "w"
    assert read("demo/0").name == "yaw" and guessed("seed:42").name == "seed 42"
    missing = read("demo/smlie")
    assert missing.wrong and missing.name == "smlie"
    assert read("demo-activations/c0").space.startswith("activation:")


# What is typed.


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (reading.strength, "1.5", (1.5, None)),
        (reading.strength, " -2σ @ 4-8", (-2.0, Layers(4, 9))),
        (reading.strength, "70%", (0.7, None)),
        (reading.mixed, "42", Edit("seed:42", 1.0)),
        (reading.mixed, "42 70% @ 0-3", Edit("seed:42", 0.7, Layers(0, 4))),
        (reading.noise, "None", "none"),
        (reading.noise, "17", 17),
        (reading.size, "own", None),
        (reading.size, "256px", 256),
    ],
)
def test_what_is_typed_is_read(reader: Callable[[str], object], text: str, value: object) -> None:
    assert reader(text) == value


@pytest.mark.parametrize(
    ("reader", "text", "said"),
    [
        (reading.strength, "abc", "is a number"),
        (reading.strength, "nan", "from -100 to 100"),
        (reading.strength, "1e300", "from -100 to 100"),
        (reading.strength, "1 @ 8-4", "ends before"),
        (reading.mixed, "", "a seed and a share"),
        (reading.mixed, "4294967296", "from 0 to"),
        (reading.noise, "loud", "'const'"),
        (reading.size, "4", "from 8 to 4096"),
        (reading.seed, "٣", "whole number"),
        (reading.seed, "1" * 5000, "whole number"),
    ],
)
def test_what_cannot_be_is_told(reader: Callable[[str], object], text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        reader(text)


def test_classes_by_number_name_and_mixture() -> None:
    names = ("tench", "Siberian husky", "Alaskan malamute", "great white shark", "shark")

    def label(text: str) -> object:
        return reading.label(text, 5, names)

    assert label("3") == 3 and label("none") is None and label("husky") == 1
    assert label("shark") == 4  # a whole name wins over a part of another
    assert label("husky=0.7, 2=0.3") == ((1, 0.7), (2, 0.3))
    words = reading.label_words(((1, 0.7), (2, 0.3)), names)
    assert words == "70% 1 Siberian husky + 30% 2 Alaskan malamute"
    refused = {"5": "0 to 4", "no": "no class", "tenhc": "'tench'", "1=-2": "no weight",
               "1=0": "above 0", "=0.5": "no class"}  # fmt: skip
    for text, said in refused.items():
        with pytest.raises(ValueError, match=said):
            label(text)
    with pytest.raises(ValueError, match="may mean 2 classes"):
        reading.label("husky", 2, ("Siberian husky", "Eskimo husky"))
    with pytest.raises(ValueError, match="have no names"):
        reading.label("husky", 5, ())


# The lines of the latent.


def at(scene: Scene) -> FieldContext:
    return FieldContext(State(scene))


def nudged(field: LatentField, look: FieldContext, way: int = 1) -> Scene:
    made = field.nudged(look, way)
    assert made is not None and made[1]
    return made[0].scene


def typed(field: LatentField, look: FieldContext, text: str) -> Change:
    question = field.question(look)
    assert question is not None
    return question.made(look.state, question.read(text))


def test_seeds_go_round_and_walks_go_on_together() -> None:
    assert nudged(SeedField(), at(Scene("demo", 2**32 - 1))).seed == 0
    assert nudged(SeedField(), at(Scene("demo", 0)), -1).seed == 2**32 - 1
    walk = Walk((1, 5), "slerp", 0.25)
    assert stepped(State(Scene("demo", walk)), 1)[0].scene.seed == Walk((2, 6), "slerp", 0.25)
    state, what = typed(SeedField(), at(Scene("demo", walk, latent="mine#0")), "3, 4 9")
    assert state.scene.seed == Walk((3, 4, 9), "slerp", 0.25) and what == "seed 3, 4, 9"
    assert state.scene.latent is None
    assert nudged(AlongField(), at(Scene("demo", walk))).seed == Walk((1, 5), "slerp", 0.3)
    assert nudged(BlendField(), at(Scene("demo", walk))).seed == Walk((1, 5), "circular", 0.25)


def test_truncation_and_its_cutoff() -> None:
    assert nudged(TruncationField(), at(Scene("demo", 0, 0.8)), -1).truncation == 0.75
    assert nudged(TruncationField(), at(Scene("demo", 0, 2.0))).truncation == 2.0
    from types import SimpleNamespace

    model = SimpleNamespace(num_layers=9)
    look = FieldContext(State(Scene("demo", cutoff=8)), model)  # type: ignore[arg-type]
    assert nudged(CutoffField(), look).cutoff is None
    assert typed(CutoffField(), look, "4")[0].scene.cutoff == 4
    assert CutoffField().why(at(Scene("flat"))) and not CutoffField().why(look)
    assert nudged(AfterField(), at(Scene("demo"))).truncation_after_edits


def test_noise_size_and_start() -> None:
    assert nudged(NoiseField(), at(Scene("demo"))).noise == 0
    assert nudged(NoiseField(), at(Scene("demo")), -1).noise == "none"
    assert nudged(NoiseField(), at(Scene("demo", noise="none")), -1).noise == "none"
    assert nudged(SizeField(), at(Scene("demo", size=256))).size == 512
    assert nudged(SizeField(), at(Scene("demo", size=64)), -1).size is None
    assert nudged(StartField(), at(Scene("demo", latent="mine#0"))).latent == "mine#1"
    assert StartField().nudged(at(Scene("demo", latent="mine#0")), -1) is None
    assert StartField().nudged(at(Scene("demo")), 1) is None


def test_mixed_seeds_are_edits_with_a_line_each() -> None:
    state, what = typed(NewMixField(), at(Scene("demo", edits=(A,))), "42 70% @ 0-3")
    assert state.scene.edits == (A, Edit("seed:42", 0.7, Layers(0, 4)))
    assert what == "mix 42 70% @ 0-3"
    line = next(one for one in fields(FieldContext(state)) if isinstance(one, MixField))
    assert (line.name, line.words(FieldContext(state))) == ("mix 42", "70% of 0-3")
    assert nudged(line, FieldContext(state)).edits[1].strength == 0.75
    assert typed(line, FieldContext(state), "43")[0].scene.edits == (A, Edit("seed:43", 1.0))


def test_a_model_without_classes_has_none_to_choose() -> None:
    assert "no classes" in ClassField().why(at(Scene("demo")))
    assert ClassField().words(at(Scene("demo"))) == "none"


def test_every_line_goes_back_to_what_is_usual() -> None:
    strange = Scene("demo", 7, 0.3, 4, 2, 9, (), 512, True, "mine#0")
    for field in fields(at(strange)):
        made = field.usual(State(strange))
        if made is not None:
            assert made[0] != State(strange), field.name
            strange = made[0].scene
    assert strange == Scene("demo", 7)


def test_the_nearest_step_of_a_state_is_reached_as_far_as_files_stay() -> None:
    states = [State(Scene("demo", seed)) for seed in range(4)]
    history = History(states[0])
    for number, state in enumerate(states[1:]):
        files = (SetChange("mine", "", "a" * 64),) if number == 1 else ()
        history.push(state, "n", "", number, sets=files)
    history.push(states[0], "again", "", 9.0)
    assert history.nearest(states[0]) == 4 and history.nearest(states[1]) == 1
    assert history.nearest(State(Scene("flat"))) is None
    assert history.reach(3) == 3 and history.reach(4) == 4 and history.reach(0) == 2
    history.go(1)
    assert history.nearest(states[0]) == 0
    assert history.reach(0) == 0 and history.reach(4) == 1
