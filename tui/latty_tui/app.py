"""The studio: one Textual app around a State. It imports no torch: pictures come from the engine.

A key becomes a new State (`change`), every panel hears of it (`state_changed`), the preview asks
the engine process for the picture. Panels live in panels/, modal screens in dialogs/.
"""

import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import Screen

from latty.scene import Scene
from latty_tui import commands, memory, themes
from latty_tui.drawing.engine import Died, Engine, Model, Ready
from latty_tui.drawing.painter import Painter
from latty_tui.drawing.pixels import PixelView
from latty_tui.drawing.preview import Preview
from latty_tui.main_screen import Main
from latty_tui.manners import Manners
from latty_tui.messages import WORDS
from latty_tui.panel import Panel, name_of, panels
from latty_tui.state import History, State

if TYPE_CHECKING:
    from latty.config import Config
    from latty_tui.panels.picture import PicturePanel
    from latty_tui.terminal.probe import Terminal

FOLDER = Path(__file__).parent


def style_sheets() -> list[str]:
    """The app's looks, and those of each panel."""
    files = [FOLDER / "app.tcss", *sorted((FOLDER / "panels").rglob("*.tcss"))]
    return [str(path) for path in files]


class Studio(Manners):
    """The app. `ref` names what is opened first: a model, a preset, a picture; None = where we
    left off."""

    CSS_PATH: ClassVar = style_sheets()
    TITLE = "latty"
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar = {commands.Everything}
    HORIZONTAL_BREAKPOINTS: ClassVar = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS: ClassVar = [(0, "-low"), (16, "-short"), (32, "-tall")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "undo", "Undo", id="undo"),
        Binding("ctrl+r", "redo", "Redo", id="redo", show=False),
        Binding("question_mark,f1", "help", "Help", id="help", key_display="?"),
        Binding("ctrl+o", "jump", "Jump to a panel", id="jump", show=False),
        Binding("escape", "cancel", "Cancel what runs", id="cancel", show=False),
        Binding("q", "quit", "Quit; jobs go on", id="quit", show=False),
        Binding("ctrl+q", "quit", "Quit; jobs go on", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "To the shell; fg returns", id="suspend", show=False),
        Binding("f5", "restart_engine", "Start the engine again", id="engine", show=False),
        *commands.everywhere(),
    ]

    def __init__(
        self, ref: str | None, config: "Config", terminal: "Terminal", way: str | None = None
    ) -> None:
        super().__init__()
        self.ref, self.config, self.terminal = ref, config, terminal
        self.way = way or terminal.way
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DEFAULT
        self.memory = memory.Memory()
        self.history = self.memory.history() or History(State(Scene("demo", 7, 0.8)))
        self.model: Model | None = None
        self.own_keys: dict[str, str] = {}  # of the keymap file, by id
        self.opened = "-"  # what `model` was opened by; "" = nothing, the engine died
        self.device = ""
        self.painter = Painter(self, terminal, self.way)
        self.engine = Engine(config.device, self._engine_event)
        self.preview = Preview(self)
        self.views: list[PixelView] = []  # where pixels are: they come and go by themselves

    @property
    def state(self) -> State:
        """The present state; `change` makes the next one."""
        return self.history.state

    @property
    def picture(self) -> "PicturePanel":
        """The panel of the large picture."""
        found: PicturePanel = self.panel("picture")
        return found

    def panel(self, name: str) -> Any:
        """The panel of panels/NAME.py. Raises NoMatches."""
        return self.main.query_one(f"#{name}")

    @property
    def main(self) -> Main:
        """The screen with the panels, whatever dialog is above it."""
        found: Main = self.screen_stack[0]  # type: ignore[assignment]
        return found

    def all_panels(self) -> Iterable[Panel]:
        """Every panel's widget."""
        return (self.panel(name_of(panel)) for panel in panels())

    # Life.

    def get_default_screen(self) -> Screen[Any]:
        return Main()

    async def on_mount(self) -> None:
        memory.restore_looks(self)
        commands.apply_keymap(self)
        self.watch_for_the_end()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first paint: the process that imports torch, then what is to be opened."""
        self.memory.complete(self.history)
        self.tell_state()
        memory.restore_focus(self)
        self.background(self._open_first(), "open")
        if self.memory.trouble:
            self.say(self.memory.trouble, "warning")

    async def _open_first(self) -> None:
        await self.engine.start()
        if self.ref is None:
            await self.open_model(self.state.scene.model)
        else:
            from latty_tui import opening

            await opening.open_ref(self, self.ref)

    @property
    def changed(self) -> bool:
        """Whether there is something to lose."""
        return len(self.history) > 1

    def last_words(self) -> str:
        """What goes on without us."""
        alive = sum(job.alive for job in self.panel("queue").jobs)
        jobs = "1 job goes on" if alive == 1 else f"{alive} jobs go on"
        return f"latty: {jobs}; see: latty jobs watch" if alive else ""

    async def on_unmount(self) -> None:
        self.memory.save(self)
        await self.engine.stop()
        self.memory.close()

    # The state.

    def change(self, state: State, what: str, tag: str = "") -> None:
        """The next state, made by `what` ("smile +1.5"); changes of the same `tag` in quick
        succession are one step of undo. Another model is opened where it names one."""
        if self.history.push(state, what, tag, time.monotonic()):
            self._changed()

    def _changed(self) -> None:
        self.preview.view = replace(self.preview.view, moment=None)
        self.tell_state()
        self.memory.later(self)
        if self.opened != self.state.scene.model:
            self.background(self.open_model(self.state.scene.model), "open")
        else:
            self.preview.later()

    def tell_state(self) -> None:
        """Every panel hears of the present state."""
        for panel in self.all_panels():
            self.tell_panel(panel, "state_changed", self.state)

    def action_undo(self) -> None:
        self._travel(self.history.undo, "nothing to undo")

    def action_redo(self) -> None:
        self._travel(self.history.redo, "nothing to redo")

    def _travel(self, go: Callable[[], bool], otherwise: str) -> None:
        if go():
            self._changed()
        else:
            self.say(otherwise)

    def go_to_step(self, index: int) -> None:
        """Undo or redo up to a step of the history."""
        if self.history.go(index):
            self._changed()

    async def open_model(self, ref: str) -> bool:
        """Open a model and draw with it; an error is shown, and False."""
        from latty_tui.opening import open_model

        return await open_model(self, ref)

    # The engine.

    def _engine_event(self, event: Ready | Died) -> None:
        if isinstance(event, Ready):
            self.device = event.device
            self.tell("ready", event)
            if not self.opened and event.error is None:  # another one has died
                self.background(self.open_model(self.state.scene.model), "open")
            if event.error is not None:
                self.fail(event.error, "the engine cannot draw")
            return
        self.model, self.opened = None, ""
        self.say(str(event), "warning")
        self.tell("died", event)

    def tell(self, what: str, value: object) -> None:
        """Panels that have `on_studio_WHAT(value)` hear of it; `what` is a word of messages.py."""
        assert what in WORDS, what
        for panel in self.all_panels():
            self.tell_panel(panel, f"on_studio_{what}", value)

    # Words.

    def background(self, work: Coroutine[Any, Any, Any], group: str) -> None:
        """Run it beside everything; what it raises is shown, never lost."""
        self.run_worker(self.guarded(work, group), group=group, exit_on_error=False)

    # Pixels.

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """What the compositor writes; pixels that it wrote over are painted again."""
        super()._display(screen, renderable)
        if self._running and renderable is not None and len(self.screen_stack) == 1:
            for view in self.views:
                view.written(getattr(renderable, "spans", None))

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        self.painter.arrived()

    def on_paste(self, event: events.Paste) -> None:
        """A file that is dropped on the terminal arrives as its path."""
        from latty_tui.library import dropping

        self.background(dropping.dropped(self, event.text), "drop")

    def on_resize(self) -> None:
        from latty_tui.opening import measure_cells

        measure_cells(self)

    def set_theme(self, name: str) -> None:
        """Look otherwise, from now on."""
        self.theme = name
        self.memory.later(self)

    def set_way(self, way: str) -> None:
        """Show pictures in another way from now on."""
        self.way = self.painter.way = way
        for view in self.views:
            view.again()

    # What commands do that belong to no panel.

    async def action_panel(self, name: str, action: str) -> None:
        """An action of a panel, from anywhere."""
        await self.run_action(action, default_namespace=self.panel(name))

    def action_help(self) -> None:
        from latty_tui.dialogs.help import Help

        self.push_screen(Help(self.focused))

    def action_jump(self) -> None:
        from latty_tui.dialogs.jump import Jump

        self.push_screen(Jump(), lambda name: name and self.main.go(self.panel(name)))

    def action_restart_engine(self) -> None:
        from latty_tui.opening import restart_engine

        self.background(restart_engine(self), "open")

    def action_cancel(self) -> None:
        """Esc: what is being drawn or looked at ends."""
        for panel in self.all_panels():
            cancel = getattr(panel, "cancel", None)
            if cancel is not None and cancel():
                return
        self.engine.cancel("picture")
