"""The stack of edits in the studio: its keys, its mouse, what it says."""

from collections import Counter

import pytest
from studio import Keys, asked, run, said, settled, text
from textual.geometry import Offset

from latty.scene import ALL, Edit, Layers
from latty_tui.panels.directions.renaming import followed
from latty_tui.panels.edits import EditsPanel, bars
from latty_tui.state import History, State
from latty_tui.widgets.lines import LinePart

STACK = (Edit("demo/smile", 1.0), Edit("demo/age", -0.5), Edit("demo/yaw", 2.0))


def panel(pilot: Keys) -> EditsPanel:
    found: EditsPanel = pilot.app.panel("edits")  # type: ignore[attr-defined]
    return found


def edits(pilot: Keys) -> tuple[Edit, ...]:
    return pilot.app.state.scene.edits  # type: ignore[attr-defined]


def state(pilot: Keys) -> State:
    return pilot.app.state  # type: ignore[attr-defined,no-any-return]


async def stacked(pilot: Keys, *stack: Edit) -> EditsPanel:
    """The panel with the focus, and these edits in it."""
    studio, found = pilot.app, panel(pilot)
    studio.change(state(pilot).added(*(stack or STACK)), "stack")  # type: ignore[attr-defined]
    found.focus()
    await settled(pilot)
    found.go(0)
    return found


def line(pilot: Keys, word: str) -> str:
    """The part of a line of the panel from a word on."""
    column = panel(pilot).region.x
    lines = [one[column:] for one in text(pilot).splitlines() if word in one[column:]]
    return lines[0] if lines else ""


def test_an_empty_stack_says_what_to_press() -> None:
    async def keys(pilot: Keys) -> None:
        panel(pilot).focus()
        await pilot.pause()
        assert "No edits yet" in text(pilot) and "Enter" in text(pilot)
        await pilot.press("right", "m", "x", "enter", "A", "!", "c", "0", "home", "ctrl+up")
        assert not edits(pilot)

    run(keys)


def test_strengths_by_keys_are_drawn_and_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(History, "PAUSE", 60.0)  # seconds: this machine may be slow

    async def keys(pilot: Keys) -> None:
        await stacked(pilot)
        await pilot.press("l", "right", "L", "h")
        await settled(pilot)
        assert edits(pilot)[0].strength == 2.1 and "+2.1σ" in line(pilot, "smile")
        assert asked("draw")[-1]["scenes"][0]["edits"][0]["strength"] == 2.1
        await pilot.press("j", "shift+left", "left")
        assert edits(pilot)[1].strength == -1.6
        await pilot.press("0", "j", "home")
        assert [edit.strength for edit in edits(pilot)] == [0, 0, 0]
        await pilot.press("u", "u", "u", "u")
        assert edits(pilot) == STACK and "+1.0σ" in line(pilot, "smile")
        await pilot.press("ctrl+r")
        assert edits(pilot)[0].strength == 2.1

    run(keys)


def test_a_value_is_typed_with_its_layers_and_a_wrong_one_is_told() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot)
        await pilot.press("=", *"abc")
        assert "usable" not in text(pilot) and "is a number" in text(pilot)
        await pilot.press("escape", "enter")
        assert "usable" in text(pilot)
        await pilot.press("2", ".", "5", "space", "@", "2", "-", "4", "enter")
        await settled(pilot)
        assert edits(pilot)[0] == Edit("demo/smile", 2.5, Layers(2, 5))
        assert "2-4" in line(pilot, "smile")

    run(keys)


def test_mute_solo_and_lock_are_seen_and_heard() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot)
        await pilot.press("m", "j", "S")
        await settled(pilot)
        assert line(pilot, "smile") and "M" in line(pilot, "smile")[:6]
        assert "S" in line(pilot, "age")[:6]
        drawn = [edit["direction"] for edit in asked("draw")[-1]["scenes"][0]["edits"]]
        assert drawn == ["demo/age"]
        await pilot.press("!", "x")
        assert state(pilot).scene.locks == ("demo/age",) and len(edits(pilot)) == 2
        assert "age  locked" in text(pilot)  # the lock stays, as a row of its own
        await pilot.press("end", "l")
        assert len(edits(pilot)) == 2
        await pilot.press("enter")
        assert edits(pilot)[2] == Edit("demo/age", 0.0)
        await pilot.press("!")
        assert not state(pilot).scene.locks

    run(keys)


def test_what_cannot_be_held_is_refused_before_it_is_drawn() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot, STACK[0], Edit("demo-activations/c0", 1.0), Edit("seed:4", 0.5))
        await pilot.press("!", "j", "j", "!")
        assert not state(pilot).scene.locks
        assert "smile is held in w, and c0 moves elsewhere" in said(pilot)
        assert "seed 4 cannot be locked" in said(pilot)
        await pilot.press("c")
        await pilot.pause()
        assert "demo/smile" in text(pilot) and "demo-activations/c0" not in text(pilot)
        await pilot.press("escape", "up", "[", "U")
        assert "acts inside" in said(pilot) and edits(pilot)[1].layers is None

    run(keys)


def test_layers_follow_the_brackets() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot)
        own = panel(pilot).book["demo/smile"].layers
        await pilot.press("[")
        assert edits(pilot)[0].layers == Layers(own.start - 1, own.stop)
        await pilot.press("}", "A")
        assert edits(pilot)[0].layers == ALL and "all" in line(pilot, "smile")
        await pilot.press("A")
        assert edits(pilot)[0].layers is None

    run(keys)


def test_a_model_of_one_layer_says_so() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot, Edit("seed:4", 0.5))
        await pilot.press("[", "A")
        assert "this model has one layer" in said(pilot) and edits(pilot)[0].layers is None

    run(keys, ref="flat")


def test_modes_and_units_say_what_cannot_be() -> None:
    async def keys(pilot: Keys) -> None:
        own = Edit("portraits-plumerault/0", 1.0)
        await stacked(pilot, STACK[0], Edit("seed:4", 0.5), own)
        await pilot.press("M", "M")
        assert edits(pilot)[0].mode == "centred" and "centred" in text(pilot)
        await pilot.press("U")
        assert "smile has no unit but σ" in said(pilot)
        await pilot.press("j", "M")
        assert edits(pilot)[1].mode == "relative" and "only moves from where" in said(pilot)
        await pilot.press("j", "U")
        assert (edits(pilot)[2].unit, edits(pilot)[2].strength) == ("own", 0.0)
        await pilot.press("l", "l", "M")
        assert edits(pilot)[2].strength == 0.04 and edits(pilot)[2].mode == "relative"
        await pilot.press("U")
        assert edits(pilot)[2].unit == "sigma"

    run(keys)


def test_an_amount_is_typed_kept_and_drawn() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot, Edit("demo/smile", 1.0, mode="flip"))
        await pilot.press("%")
        await pilot.pause()
        assert "how much of smile" in text(pilot)
        await pilot.press(*["backspace"] * 3, *"40%", "enter")
        await settled(pilot)
        assert edits(pilot)[0].amount == 0.4 and "amount 0.4" in text(pilot)
        assert asked("draw")[-1]["scenes"][0]["edits"][0]["amount"] == 0.4
        await pilot.press("%", *["backspace"] * 3, *"3", "enter")
        await pilot.pause()
        assert "an amount is a number from -1 to 2" in text(pilot)
        await pilot.press("backspace", *"0", "enter")
        await settled(pilot)
        assert not state(pilot).shown.edits and "◇" in line(pilot, "smile")
        await pilot.press("u")
        assert edits(pilot)[0].amount == 0.4

    run(keys)


def test_what_an_edit_goes_within_is_typed_and_follows_a_new_name() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot, Edit("seed:4", 0.5))
        await pilot.press("w", *"demo/yaw-what", "enter")
        await pilot.pause()
        assert "no directions 'yaw-what' in demo" in text(pilot)
        await pilot.press(*["backspace"] * 4, *"roll", "enter")
        await settled(pilot)
        assert edits(pilot)[0].within == "demo/yaw-roll" and "within yaw-roll" in text(pilot)
        assert asked("draw")[-1]["scenes"][0]["edits"][0]["within"] == "demo/yaw-roll"
        renamed = followed(state(pilot), "demo/roll", "demo/tilt")
        assert renamed.scene.edits[0].within == "demo/yaw-tilt"
        await pilot.press("w", *["backspace"] * 13, "enter")
        await settled(pilot)
        assert edits(pilot)[0].within is None

    run(keys)


def test_conditions_are_chosen_among_the_stack() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot, *STACK, Edit("seed:4", 0.5))
        await pilot.press("c")
        await pilot.pause()
        assert "smile without" in text(pilot) and "demo/yaw" in text(pilot)
        await pilot.press("y", "a", "enter")
        await settled(pilot)
        assert edits(pilot)[0].conditions == ("demo/yaw",)
        assert "without yaw" in text(pilot) and "¬" in line(pilot, "smile")
        assert asked("draw")[-1]["scenes"][0]["edits"][0]["conditions"] == ["demo/yaw"]
        await pilot.press("c", "y", "a", "enter")
        assert edits(pilot)[0].conditions == ()

    run(keys)


def test_the_order_of_the_stack_and_removal() -> None:
    async def keys(pilot: Keys) -> None:
        found = await stacked(pilot)
        await pilot.press("m", "ctrl+down")
        assert [edit.direction for edit in edits(pilot)][:2] == ["demo/age", "demo/smile"]
        assert found.cursor == 1 and state(pilot).muted == {1}
        await pilot.press("ctrl+up", "ctrl+up", "x", "delete")
        assert [edit.direction for edit in edits(pilot)] == ["demo/yaw"]
        assert found.cursor == 0 and not state(pilot).muted

    run(keys)


def test_the_mouse_sets_drags_and_nudges() -> None:
    async def keys(pilot: Keys) -> None:
        found = await stacked(pilot)
        place = bars.columns(found.room)
        first = found.content_region.offset + Offset(1 + place.start, 0)
        ends = bars.span(edits(pilot)[1], found.book["demo/age"])
        await pilot.mouse_down(offset=first + Offset(place.bar - 1, 1))
        assert edits(pilot)[1].strength == ends[1] and found.cursor == 1
        await pilot.hover(offset=first + Offset(-7, 2))  # dragged: another row, left of the bar
        assert edits(pilot)[1].strength == ends[0] and edits(pilot)[2] == STACK[2]
        await pilot.mouse_up(offset=first)
        await pilot.hover(offset=first + Offset(3, 0))
        assert edits(pilot)[0] == STACK[0]
        await pilot._post_mouse_events([_wheel()], offset=first + Offset(2, 0))
        assert edits(pilot)[0].strength == 1.1
        await pilot.click(offset=first + Offset(-4, 2))  # on a name: the cursor alone
        assert found.cursor == 2 and edits(pilot)[2] == STACK[2]

    run(keys)


def _wheel() -> type:
    from textual import events

    return events.MouseScrollUp


def test_directions_that_are_not_there_are_told_and_strange_names_break_nothing() -> None:
    async def keys(pilot: Keys) -> None:
        await stacked(pilot, Edit("demo/smlie", 1.0), Edit("x/[bold]\x1b[31mred[i]", 1.0))
        assert "no direction 'smlie'" in text(pilot)
        await pilot.press("j", "=")
        assert "[bold][31mred" in text(pilot)

    run(keys)


def test_five_hundred_sliders_scroll_smoothly(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keys(pilot: Keys) -> None:
        stack = tuple(Edit(f"seed:{i}", i / 512) for i in range(512))
        found = await stacked(pilot, *stack)
        await pilot.press("end")
        assert found.cursor == 511 and "seed 511" in text(pilot)
        await pilot.press("home")  # all to zero, with the cursor where it is
        assert found.cursor == 511 and not any(edit.strength for edit in edits(pilot))
        draw, drawn = found.line, Counter[int]()

        def counted(index: int, width: int) -> list[LinePart]:
            drawn[index] += 1
            return draw(index, width)

        monkeypatch.setattr(found, "line", counted)
        for i in range(60):
            found.action_step(-1 if i % 20 else -49)
            await pilot.pause()
        assert 60 <= drawn.total() <= 60 * found.size.height, "only what is seen is drawn"

    run(keys)


def test_the_strip_hears_of_the_row_below_the_cursor() -> None:
    async def keys(pilot: Keys) -> None:
        heard: list[object] = []
        pilot.app.panel("strip").on_direction = heard.append  # type: ignore[attr-defined]
        await stacked(pilot)
        await pilot.press("j", "j")
        assert heard[-2:] == ["demo/age", "demo/yaw"]
        assert panel(pilot).choose("demo/smile") and not panel(pilot).choose("demo/gaze")
        assert panel(pilot).cursor == 0

    run(keys)
