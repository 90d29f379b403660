"""The studio as a whole: undo, help, jump mode, the palette, the keymap, what it remembers, what it
does when something goes wrong."""

import asyncio
import errno
import gc
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from studio import HANGS, TERMINAL, Keys, asked, made, reports, run, said, settled, text, until
from textual.app import App
from textual.widget import Widget

from latty import home
from latty.directions import bin, manage
from latty.errors import ConfigError
from latty_tui import keymap
from latty_tui.app import Studio
from latty_tui.commands import commands
from latty_tui.dialogs.failed import Failed
from latty_tui.drawing.engine import DEATHS
from latty_tui.drawing.pixels import PixelView
from latty_tui.library.opening import open_ref
from latty_tui.panel import name_of, panels


def seeds() -> list[int]:
    """Of the pictures that were drawn, one after another."""
    return [one["scenes"][0]["seed"] for one in asked("draw") if one["channel"] == "picture"]


def change(app: Any, **fields: object) -> None:
    """One step of history."""
    app.change(app.state.with_scene(**fields), " ".join(f"{k} {v}" for k, v in fields.items()))


def test_a_change_is_drawn_and_undone() -> None:
    async def keys(pilot: Keys) -> None:
        change(pilot.app, seed=8)
        await settled(pilot)
        await until(pilot, lambda: "seed 8" in text(pilot).splitlines()[0])
        await pilot.press("u")
        await settled(pilot)
        await until(pilot, lambda: "seed 7" in text(pilot).splitlines()[0])
        await pilot.press("ctrl+r")
        await settled(pilot)
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "nothing to redo" in said(pilot))

    run(keys)
    assert seeds() == [7, 8, 7, 8]


def test_the_header_fits() -> None:
    async def keys(pilot: Keys) -> None:
        line = text(pilot).splitlines()[0]
        assert line.startswith(" latty  demo") and "seed 7" in line and "ψ 0.80" in line
        change(pilot.app, seed=4294967295, truncation=-0.75)
        for size in ((60, 20), (80, 24), (200, 60)):
            await pilot.resize_terminal(*size)
            await settled(pilot)
            line = text(pilot).splitlines()[0]
            assert len(line) <= size[0] and line.startswith(" latty  demo")
            assert "seed 4294967295" in line and "ψ -0.75" in line and " 2 ms" in line
            assert "  cpu  " in line and "B/s" not in line

    run(keys)


@pytest.mark.slow
def test_help_is_made_of_the_bindings() -> None:
    async def keys(pilot: Keys) -> None:
        for panel in panels():
            if not panel.JUMP:
                continue
            pilot.app.main.go(pilot.app.panel(name_of(panel)))
            await pilot.pause()
            await pilot.press("f1")
            await pilot.pause()
            shown = text(pilot)
            assert f"help: {panel.TITLE}" in shown and f"▸ {panel.TITLE}" in shown
            assert " ".join(panel.HELP.split()[:3]) in shown
            code = [c.id for c in commands(pilot.app) if "(" in c.id and c.id in shown]
            assert not code, "names of functions are no words"
            await pilot.press("escape")

    run(keys, size=(140, 60))


def test_help_finds_keys_of_other_panels() -> None:
    async def keys(pilot: Keys) -> None:
        found = list(commands(pilot.app))
        await pilot.press("question_mark")
        await pilot.press(*"full")
        await pilot.pause()
        shown = text(pilot)
        assert "Full screen" in shown and "undo" not in shown
        await pilot.press("escape", "question_mark", *"tab")
        await until(pilot, lambda: "Next panel" in text(pilot) and "Previous panel" in text(pilot))
        await pilot.press("escape", "question_mark", *"keymap")
        await until(pilot, lambda: "names of commands" in text(pilot))
        await pilot.press("escape", "question_mark", *"xyzzy")
        await pilot.pause()
        assert "no key does that" in text(pilot)
        ids = [command.id for command in found if command.id]
        assert len(ids) == len(set(ids)), "an id names two commands"
        assert all(command.id for command in found if command.panel)

    run(keys)


def test_every_panel_says_what_it_is() -> None:
    jumps = [panel.JUMP for panel in panels() if panel.JUMP]
    assert len(jumps) == len(set(jumps))
    for panel in panels():
        assert panel.TITLE and (panel.HELP or not panel.JUMP), panel


@pytest.mark.slow
def test_jump_and_tab_reach_every_panel() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        shown = [panel for panel in panels() if app.panel(name_of(panel)).display]
        reachable = [panel for panel in shown if panel.JUMP]
        for panel in reachable:
            await pilot.press("ctrl+o", panel.JUMP)
            there = app.panel(name_of(panel))
            await until(pilot, lambda there=there: app.main.current is there, panel.TITLE)
            assert app.main.current.region.area, panel
        seen = set()
        for _ in reachable:
            await pilot.press("tab")
            await pilot.pause()
            seen.add(app.main.current.id)
        assert seen == {name_of(panel) for panel in reachable}
        await pilot.press("ctrl+o", "escape")
        assert len(app.screen_stack) == 1

    run(keys, size=(80, 24))  # where most of them are folded away


def write_keymap(words: str) -> None:
    path = home.config_dir() / "keymap.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words)


def test_keys_of_ones_own() -> None:
    write_keymap('undo = "ctrl+z"\n"picture.grid" = "f5"\npicture.full = "f6"\n')

    async def keys(pilot: Keys) -> None:
        change(pilot.app, seed=8)
        await pilot.press("ctrl+z")
        assert pilot.app.state.scene.seed == 7
        await pilot.press("f5")
        assert pilot.app.view.grid == 4
        await pilot.press("f6")
        assert pilot.app.main.has_class("-full")
        await pilot.press("f6")
        await pilot.press("question_mark")
        await pilot.pause()
        line = next(line for line in text(pilot).splitlines() if "Undo" in line)
        assert "^z" in line

    run(keys)


def test_ids_of_earlier_keymaps_are_known() -> None:
    write_keymap("[queue]\n'move(-1000000)' = \"g\"\n'move(1000000)' = \"b\"\n")

    async def keys(pilot: Keys) -> None:
        queue = pilot.app.panel("queue")
        queue.focus()
        queue.list.show(9, 4)
        await pilot.press("b")
        assert queue.list.cursor == 8
        await pilot.press("g")
        assert queue.list.cursor == 0

    run(keys)


@pytest.mark.parametrize(
    "words, said",
    [
        (
            'redo = "x"\nundoo = "x"',
            "keymap.toml:2:1: undoo: no command 'undoo', did you mean 'undo'",
        ),
        ("undo = 3", "the key must be text"),
        ('undo = "nosuchkey"', "no key 'nosuchkey'"),
        ("undo = ", "keymap.toml:1:8: invalid value"),
    ],
)
def test_what_is_wrong_with_a_keymap(words: str, said: str) -> None:
    write_keymap(words)
    with pytest.raises(ConfigError) as error:
        keymap.read(["undo", "redo"])
    assert said in str(error.value) and "keymap.toml" in str(error.value)


ODD_KEYMAPS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "folder": Path.mkdir,
    "circle": lambda path: path.symlink_to(path.name),
    "sparse": lambda path: (path.touch(), os.truncate(path, 2**31)),
    "deep": lambda path: path.write_text("undo = " + "[" * 3000 + "]" * 3000),
    "deep keys": lambda path: path.write_text(".".join("a" * 3000) + " = 1"),
    "a huge number": lambda path: path.write_text("undo = " + "9" * 5000),
    "no text": lambda path: path.write_bytes(bytes(range(256))),
    "many keys": lambda path: path.write_text("".join(f'a{i} = "x"\n' for i in range(20_000))),
    "odd key": lambda path: path.write_text('undo = "ctrl+\\u0000,\\u202e,++"'),
}


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] if name == "many keys" else [])
    for name in ODD_KEYMAPS])  # fmt: skip
def test_a_keymap_of_any_content_is_told_and_the_studio_starts(name: str) -> None:
    path = home.config_dir() / "keymap.toml"
    path.parent.mkdir(parents=True)
    ODD_KEYMAPS[name](path)

    async def keys(pilot: Keys) -> None:
        assert isinstance(pilot.app.screen, Failed)
        await until(pilot, lambda: "the keymap cannot be used" in " ".join(text(pilot).split()))
        assert "keymap.toml" in pilot.app.screen.text
        await pilot.press("escape", "n")
        assert pilot.app.state.scene.seed == 8
        await pilot.press("q")
        assert pilot.app._exit

    run(keys)


def test_a_wrong_keymap_is_said_once_and_not_used() -> None:
    write_keymap('undoo = "ctrl+x"')

    async def keys(pilot: Keys) -> None:
        assert isinstance(pilot.app.screen, Failed)
        assert "did you mean 'undo'?" in pilot.app.screen.text
        await pilot.press("enter")
        change(pilot.app, seed=8)
        await pilot.press("u")
        assert pilot.app.state.scene.seed == 7

    run(keys)


def test_an_error_of_the_system_is_in_plain_words() -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.fail(OSError(errno.EROFS, os.strerror(errno.EROFS), "/full/data"))
        await pilot.pause()
        assert "/full/data: Read-only file system" in text(pilot)
        assert "Errno" not in text(pilot) and "details" not in text(pilot)

    run(keys)


def test_a_model_that_cannot_be_opened_says_why() -> None:
    async def keys(pilot: Keys) -> None:
        shown = text(pilot)
        assert "cannot open broken" in shown and "there is no model 'broken'" in shown
        assert "see: latty list" in shown and "Traceback" not in shown
        await pilot.press("d")
        assert "Traceback" in text(pilot)
        copied: list[str] = []
        pilot.app.copy_to_clipboard = copied.append
        await pilot.press("c")
        assert "there is no model 'broken'" in copied[0] and "Traceback" in copied[0]
        await pilot.press("escape")
        await settled(pilot)
        assert "opening" not in text(pilot) and pilot.app.model.name == "demo", "as it was left"
        path = home.state_dir() / "wrong.toml"
        path.write_text("[scenes]")
        await open_ref(pilot.app, str(path))  # its own problems, and not the model's once more
        await until(pilot, lambda: len(pilot.app.screen_stack) > 1, "the problems")
        await settled(pilot)
        assert not any(isinstance(screen, Failed) for screen in pilot.app.screen_stack)
        await pilot.press("escape", "u")
        await settled(pilot)
        assert pilot.app.model.name == "demo"

    run(keys, ref="broken")


def test_esc_leads_back_to_the_picture_that_is_shown() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        await pilot.press("n")
        await settled(pilot)
        state, shown = app.state, app.picture.pixels.picture
        change(app, seed=600)  # takes ten minutes
        await until(pilot, lambda: asked("draw")[-1]["scenes"][0]["seed"] == 600, "it is drawn")
        await pilot.press("escape")
        await pilot.pause()
        assert app.state is state and app.picture.pixels.picture is shown
        assert "ctrl+r goes on" in said(pilot) and len(app.history) == 3
        assert seeds()[-1] == 600, "nothing is drawn for it"

    run(keys)


async def _drawn_for_long(pilot: Keys) -> None:
    await until(pilot, lambda: asked("draw")[-1]["scenes"][0]["seed"] == 600, "it is drawn")


def test_esc_after_undo_leaves_what_is_to_be_done_again() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.history.push(app.state.with_scene(seed=600), "seed 600", "", 0.0)
        change(app, seed=9)
        await settled(pilot)
        shown = app.state
        await pilot.press("u")
        await _drawn_for_long(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.state is shown and len(app.history) == 3 and app.history.index == 2

    run(keys)


def test_esc_takes_back_no_change_of_files() -> None:
    mine = home.directions_dir() / "mine.safetensors"
    mine.parent.mkdir(parents=True)
    shutil.copy(home.shipped_dir() / "directions" / "demo.safetensors", mine)
    with bin.recorded() as changes:
        manage.rename(str(mine), "smile", "grin")
    renamed = mine.read_bytes()

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        state = app.state.with_scene(seed=600)
        app.change(state, "rename to grin", sets=tuple(changes))
        await _drawn_for_long(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert app.state is state and mine.read_bytes() == renamed
        await pilot.press("u")
        await until(pilot, lambda: mine.read_bytes() != renamed, "undo does take it back")

    run(keys)


def test_the_same_toast_is_shown_once() -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.NOTIFICATION_TIMEOUT = HANGS  # it stays
        await pilot.press("u", "u", "u")
        await until(pilot, lambda: "nothing to undo" in text(pilot), "the toast")
        await pilot.press("u")
        await pilot.pause()
        assert text(pilot).count("nothing to undo") == 1
        pilot.app.say("first line\nsecond")
        await until(pilot, lambda: "first line" in text(pilot), "the other toast")
        assert "second" in text(pilot) and "linesecond" not in text(pilot)

    run(keys)


def test_words_of_strangers_are_no_markup() -> None:
    evil = "[red]x[/nonsense] [@click=app.quit]\x1b[2J\x07 \u202e"

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.fail(ValueError(evil), evil)
        await pilot.pause()
        assert "[red]x[/nonsense]" in text(app) and "\x1b" not in text(app)
        await pilot.press("escape")
        app.NOTIFICATION_TIMEOUT = HANGS
        app.say(evil)
        await until(pilot, lambda: "[red]x[/nonsense]" in text(app), "the toast")
        change(app, model=f"/nowhere/{evil}")
        await until(pilot, lambda: isinstance(app.screen, Failed))
        assert "\x1b" not in text(app)

    run(keys)


def test_a_panel_that_fails_does_not_take_the_rest_down() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app

        def broken(state: object) -> None:
            raise KeyError("planted")

        app.panel("picture").on_state = broken
        change(app, seed=8)
        await settled(pilot)
        assert isinstance(app.screen, Failed) and "planted" in text(pilot)
        await pilot.press("escape")
        change(app, seed=9)  # the same once more: no second dialog
        await settled(pilot)
        assert len(app.screen_stack) == 1 and "seed 9" in text(pilot)
        assert len(reports()) == 1 and "planted" in reports()[0].read_text()

        async def wrong() -> None:
            raise ZeroDivisionError("in the background")

        app.background(wrong(), "test")
        await until(pilot, lambda: isinstance(app.screen, Failed))
        await pilot.press("escape")
        app.action_grid = lambda: 1 / 0
        await app.run_action("grid")
        assert isinstance(app.screen, Failed)

    run(keys, failing=True)
    assert len(reports()) == 3 and seeds()[-1] == 9


def test_the_engine_dies_and_comes_back() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        os.kill(app.engine.pid, signal.SIGKILL)
        await until(pilot, lambda: "by signal 9" in said(pilot))
        await until(pilot, lambda: app.model is not None)
        change(app, seed=8)
        await settled(pilot)
        assert seeds()[-1] == 8

    run(keys)


def test_an_engine_that_died_too_often_starts_again_when_told() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        for _ in range(DEATHS):
            await until(pilot, lambda: app.engine.pid and app.model)
            died = app.engine.pid
            os.kill(died, signal.SIGKILL)
            await until(pilot, lambda died=died: app.engine.pid != died)
        await until(pilot, lambda: "F5 starts it again" in text(pilot).replace("│", ""))
        change(app, seed=8)
        await pilot.pause(0.2)
        assert app.engine.pid is None and "opening" not in text(pilot)
        await pilot.press("f5")
        await settled(pilot)
        assert app.model is not None and seeds()[-1] == 8

    run(keys)


@pytest.mark.parametrize(
    "size",
    [(59, 24), *(pytest.param(one, marks=pytest.mark.slow) for one in ((80, 15), (20, 5), (4, 2)))],
)
def test_a_window_that_is_too_small_says_so(size: tuple[int, int]) -> None:
    async def keys(pilot: Keys) -> None:
        if size[0] > 30:
            assert "The studio needs 60 columns" in text(pilot)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: "▀" in text(pilot))
        await pilot.resize_terminal(*size)
        await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "▀" in text(pilot))
        await until(pilot, lambda: pilot.app.main.current is not None, "the focus is back")

    run(keys, size=size)


def test_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def keys(pilot: Keys) -> None:
        for strip in pilot.app.screen._compositor.render_strips():
            for segment in strip:
                style = segment.style
                if style is not None and "▀" not in segment.text:
                    assert style.color is None or style.color.is_default, segment
                    assert style.bgcolor is None or style.bgcolor.is_default, segment

    run(keys)


def test_what_is_private_to_textual_is_there() -> None:
    """The places where we reach into Textual: a new version that moves them must not pass."""

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        assert app._driver is not None and callable(app._driver.write)
        assert "_display" in vars(App) and "_scroll_update" in vars(Widget)
        assert callable(app._handle_exception) and isinstance(app._exit_renderables, list)
        assert callable(app._close_messages_no_wait) and hasattr(app, "_return_code")

    run(keys)


def test_toasts_are_beside_the_picture() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.NOTIFICATION_TIMEOUT = HANGS
        app.say("something " * 3)
        await until(pilot, lambda: app.screen.query("Toast"))
        toast = app.screen.query("Toast").first().region
        assert toast.right <= app.panel("picture").region.x + 1 or app.size.width < 100

    run(keys, size=(140, 44))


def test_nothing_stays_behind() -> None:
    """Tasks and processes end with the app."""

    async def whole() -> Studio:
        app = made(terminal=TERMINAL)
        async with app.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            pid = app.engine.pid
        assert pid and not Path(f"/proc/{pid}").exists()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others
        return app

    asyncio.run(whole())


def test_the_keys_of_the_panel_are_below_and_can_be_clicked() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.main.go(app.panel("edits"))
        await pilot.pause()
        line = text(pilot).splitlines()[-1]
        assert "m Mute" in line and line.rstrip().endswith("? Help  ^p Palette")
        app.main.go(app.panel("queue"))
        await pilot.pause()
        line = text(pilot).splitlines()[-1]
        assert "c Cancel it" in line and "m Mute" not in line
        change(app, seed=8)
        await pilot.pause()
        await pilot.click("KeyLine", offset=(line.index("u Undo"), 0))
        await until(pilot, lambda: app.state.scene.seed == 7)
        await pilot.click("KeyLine", offset=(line.index("^p Palette") + 4, 0))
        await until(pilot, lambda: len(app.screen_stack) == 2)

    run(keys)


def test_a_click_gives_a_panel_the_focus() -> None:
    async def keys(pilot: Keys) -> None:
        for name in ("picture", "latent", "directions", "edits"):
            await pilot.click(f"#{name}", offset=(3, 2))
            await pilot.pause()
            assert pilot.app.main.current.id == name

    run(keys)


@pytest.mark.slow
def test_work_that_had_not_begun_when_it_ends_leaves_no_word() -> None:
    """Python warns of it, on the terminal that was given back."""

    async def look() -> None:
        raise AssertionError("it never begins")

    async def keys(pilot: Keys) -> None:
        pixels = pilot.app.picture.query_one(PixelView)
        assert not pixels._busy
        pixels._start()
        pilot.app.background(look(), "look")
        pilot.app.workers.cancel_all()

    run(keys)
    gc.collect()


def test_ctrl_c_says_how_to_leave() -> None:
    async def keys(pilot: Keys) -> None:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "q leaves" in said(pilot))

    run(keys)
