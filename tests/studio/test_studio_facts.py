"""Facts before actions: what needs the model waits for it; questions keep what there is; the focus
stays where it was put."""

from functools import partial
from pathlib import Path

from studio import Keys, asked, run, said, settled, text, until

from latty_tui.dialogs.choose import Choice, Decide, letters
from latty_tui.library.opening import show_model
from latty_tui.widgets.footer import KeyLine


def test_no_direction_is_moved_or_shown_as_fitting_before_its_model_is_open(
    tmp_path: Path,
) -> None:
    path = tmp_path / "slow.onnx"
    path.touch()

    async def keys(pilot: Keys) -> None:
        app, found = pilot.app, pilot.app.panel("directions")
        await until(pilot, lambda: found.rows, "directions are listed")
        show_model(app, str(path))
        await until(pilot, lambda: app.engine.opening == str(path), "it is being opened")
        before = app.state
        assert all(row.misfit for row in found.rows if row.entry and row.entry.header.model)
        app.go("directions")
        for at, _ in enumerate(found.rows):
            found.list.go(at)
            await pilot.press("right", "enter", "exclamation_mark", "A", "W")
        assert app.state == before and len(app.screen_stack) == 1
        assert "slow is being opened: then its directions can be used" in said(app)
        assert app.panel("strip").ref is None
        await pilot.press("space")
        assert not app.panel("timeline").projector.playing
        await pilot.press("escape")
        await until(pilot, lambda: app.opened == "demo", "the one before is open")
        await settled(pilot)
        found.list.go([row.key for row in found.rows].index("demo/smile"))
        await pilot.press("right")
        assert [edit.direction for edit in app.state.scene.edits] == ["demo/smile"]

    run(keys)


def test_the_picture_of_another_model_is_asked_for_in_the_size_of_its_place() -> None:
    """While a model is opened words are in the place of the picture."""

    async def keys(pilot: Keys) -> None:
        first = asked("draw")[0]["size"]
        assert first == pilot.app.picture.wanted() > 64
        show_model(pilot.app, "portraits")
        await settled(pilot)
        drawn = [one for one in asked("draw") if one["scenes"][0]["model"] == "portraits"]
        assert {one["size"] for one in drawn[:1]} == {first}

    run(keys)


def test_letters_answer_a_question() -> None:
    two = [Choice(None, "keep it"), Choice(True, "delete it")]
    three = [Choice(1, "set it"), Choice(2, "see it"), Choice(None, "leave")]
    assert letters(two) == ["n", "y"]
    assert letters(three) == ["s", "e", "l"]

    async def keys(pilot: Keys) -> None:
        answers: list[object] = []
        for key, answer in (("enter", "left"), ("n", "left"), ("escape", "left"), ("y", True)):
            pilot.app.ask(Decide("gone?", two, ["a note"]), answers.append,
                          lambda: answers.append("left"))  # fmt: skip
            await pilot.pause()
            assert "a note" in text(pilot) and "type to filter" not in text(pilot)
            await pilot.press("x", key)
            assert answers.pop() == answer and not answers

    run(keys)


def test_the_footer_tells_the_keys_of_a_filter() -> None:
    async def keys(pilot: Keys) -> None:
        footer = pilot.app.main.query_one(KeyLine)
        await pilot.press("slash")
        await pilot.pause()
        line = footer.render().plain
        assert all(word in line for word in ("⏎ To the list", "↑↓ Move", "esc All again"))
        assert "/ Filter" not in line and "u Undo" not in line and "f1 Help" in line
        at = pilot.app.panel("directions").list.cursor
        await pilot.press("down")
        assert pilot.app.panel("directions").list.cursor == at + 1
        await pilot.press("up", "escape")
        assert "u Undo" in footer.render().plain

    run(keys)


def test_the_focus_stays_in_its_panel_when_the_window_is_another_one() -> None:
    async def keys(pilot: Keys) -> None:
        main = pilot.app.main

        def back(panel: object) -> bool:
            return main.current is panel

        for panel in main._reachable():
            main.go(panel)
            await pilot.pause()
            for size in ((85, 25), (50, 12)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                await pilot.resize_terminal(120, 40)
                await until(pilot, partial(back, panel), f"{panel.id} after {size}")

    run(keys)
