"""The studio: one Textual app around a State. It imports no torch: pictures come from the engine.

A key becomes a new State (`change`), every panel hears of it (`on_state`), the preview asks the
engine process for the picture. Panels live in panels/, modal screens in dialogs/; what they know of
the app is desk.Desk.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from latty.config import Config
from latty_tui import commands
from latty_tui.desk import DialogPlace, Listener, PictureArea
from latty_tui.drawing.engine import Died, EngineClient, OpenModel, Ready
from latty_tui.drawing.pixel_writer import PixelWriter
from latty_tui.drawing.preview import PreviewLoop
from latty_tui.library import opening
from latty_tui.main_screen import Main
from latty_tui.panel import style_sheets, tell_left_out
from latty_tui.state import History, State
from latty_tui.terminal.probe import Terminal
from latty_tui.undoing import UndoingApp

P = TypeVar("P", bound=Widget)
TAKEN = 20  # of what was taken in the palette, how many are remembered
APP_LOOKS = Path(__file__).parent / "app.tcss"


class Studio(UndoingApp):
    """The app. `ref` names what is opened first: a model, a preset, a picture; None = where we
    left off."""

    CSS_PATH: ClassVar = [APP_LOOKS, *style_sheets()]
    TITLE = "latty"
    ENABLE_COMMAND_PALETTE = True
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (100, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (16, "-short"), (32, "-tall")]  # noqa: RUF012
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
    WORDS: ClassVar = {
        "undo": "undo back revert",
        "redo": "redo again forward",
        "help": "help keys shortcuts manual",
        "cancel": "stop abort",
        "quit": "quit exit leave close",
        "suspend_process": "shell",
        "restart_engine": "restart",
    }

    def __init__(
        self, ref: str | None, config: Config, terminal: Terminal, way: str | None = None
    ) -> None:
        super().__init__()
        self.ref, self.config = ref, config
        self.history: History = self.memory.history()
        self.view = self.memory.view()
        self.model: OpenModel | None = None
        self.opened = "-"  # what `model` was opened by; "" = nothing, the engine died
        self.device = ""
        self.own_keys: dict[str, str] = {}  # of the keymap file, by id
        self.last_focus: str | None = self.memory.look("focus")
        self.chosen_theme = self.memory.chosen_theme()  # "": the terminal's ground says which
        self.taken = tuple(self.memory.look("taken").split("\n"))
        self.writer = PixelWriter(self, terminal, way or terminal.way)
        self.engine = EngineClient(config.device, self._engine_event, precision=config.precision)
        self.preview = PreviewLoop(self)
        if terminal.rtt:  # else it may be the half of a late answer
            self.ahead.take_early(terminal.typed)
        self._typist: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """The present state; `change` makes the next one."""
        return self.history.state

    @property
    def known(self) -> OpenModel | None:
        return self.model if self.opened == self.coming == self.state.scene.model else None

    @property
    def coming(self) -> str:
        return self.engine.opening or self.state.scene.model

    # Panels and dialogs.

    @property
    def main(self) -> Main:
        """The screen with the panels, whatever dialog is above it."""
        return cast(Main, self.screen_stack[0])

    @property
    def dialogs(self) -> list[Screen[Any]]:
        """Modal screens above the panels."""
        return self.screen_stack[1:]

    @property
    def picture(self) -> PictureArea:
        """The panel of the large picture."""
        return cast(PictureArea, self.panel("picture"))

    def panel(self, name: str) -> Any:
        """The panel of panels/NAME. Raises NoMatches."""
        return self.main.query_one(f"#{name}")

    def find(self, panel: type[P]) -> P:
        """The panel of that class. Raises NoMatches."""
        return self.main.query_one(panel)

    def go(self, name: str) -> None:
        """Bring a panel to light and give it the focus."""
        self.main.go(self.panel(name))

    def room(self, where: DialogPlace) -> Region:
        return self.main.room(where)

    def listeners(self) -> Iterable[Listener]:
        return self.main.panels()

    # Life.

    def get_default_screen(self) -> Screen[Any]:
        return Main()

    async def on_mount(self) -> None:
        self.use_theme(self.chosen_theme, self.writer.terminal.light)
        self.own_keys = commands.read_keymap(self)
        self.set_keymap(self.own_keys)
        self.watch_for_the_end()
        self.app_resume_signal.subscribe(self, lambda _: self.writer.again())
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """After the first paint: the process that imports torch, then what is to be opened."""
        self._tell_state()
        self.main.restore_focus(self.memory.look("focus"))
        if self.ref is None:
            self.background(self.preview.as_left(), "last")
        self.background(self._open_first(), "open")
        tell_left_out(self)
        self.memory.listen(partial(self.call_later, self.warn))
        self._typist = asyncio.create_task(self.ahead.run())

    async def _open_first(self) -> None:
        await self.engine.start()
        if self.ref is None:
            await self.open_model(self.state.scene.model)
        else:
            await opening.open_ref(self, self.ref)

    @property
    def changed(self) -> bool:
        """Whether there is something to lose."""
        return len(self.history) > 1

    async def on_unmount(self) -> None:
        if self._typist is not None:
            self._typist.cancel()
        self.memory.save(self.history, self._looks())
        await self.preview.last.flush()
        await self.engine.stop()
        self.memory.close()

    def remember(self) -> None:
        """Keep the state and the looks for the next run."""
        self.memory.note(self.history, self._looks())

    def _looks(self) -> dict[str, Any]:
        view = self.view
        return {
            "chosen theme": self.chosen_theme,
            "grid": view.grid,
            "strip": view.strip,
            "focus": self.last_focus,
            "taken": "\n".join(self.taken),
        }

    # The state.

    def change(self, state: State, what: str, tag: str = "", **files: Any) -> None:
        """The next state, made by `what` ("smile +1.5"); changes of the same `tag` are one step of
        undo, as History.push says; `files` is what it did to directions, as Step has it. Another
        model is opened where it names one."""
        if self.history.push(state, what, tag, time.monotonic(), **files):
            self._changed()

    def amend(self, state: State) -> None:
        """The present step has another state, which is no step: its preset has another name."""
        self.history.amend(state)
        self._tell_state()
        self.remember()

    def _changed(self) -> None:
        self.view = replace(self.view, moment=None)
        self._tell_state()
        self.remember()
        if self.opened != self.state.scene.model:
            self.background(self.open_model(self.state.scene.model), "open")
        else:
            self.draw_soon()

    def _tell_state(self) -> None:
        self.tell(lambda panel: panel.on_state(self.state))

    async def which(self) -> str:
        """What tells this studio from others that are open: "studio 2"; "" where it is alone."""
        return await asyncio.to_thread(self.memory.which)

    def other_histories(self) -> list[tuple[Path, str]]:
        return self.memory.others()

    async def open_history(self, path: Path) -> None:
        """Go on with another history. Raises LattyError, OSError."""
        self.memory.left(self.history, self._looks())
        taken = await asyncio.to_thread(self.memory.other, path)
        self.memory.left(self.history, self._looks())  # what was done meanwhile
        self.history = self.memory.go_on(taken)
        self._changed()

    # The engine.

    async def open_model(self, ref: str) -> bool:
        """Open a model and draw with it; an error is shown, and False."""
        return await opening.open_model(self, ref)

    async def openable(self, ref: str) -> bool:
        """Whether a model can be opened; where not, why is shown, and what is here stays."""
        return await opening.openable(self, ref)

    def _engine_event(self, event: Ready | Died) -> None:
        if isinstance(event, Died):
            self.model, self.opened = None, ""
            self.say(str(event), "warning")
            self.tell(lambda panel: panel.on_engine_died(event))
            return
        self.device = event.device
        self.tell(lambda panel: panel.on_engine_ready(event))
        if event.error is not None:
            self.fail(event.error, "the engine cannot draw")
        elif not self.opened:  # another one has died
            self.background(self.open_model(self.state.scene.model), "open")

    def look(self, **changes: Any) -> None:
        """Change fields of `view` and draw again."""
        self.view = replace(self.view, **changes)
        self.draw_soon()

    def draw_soon(self) -> None:
        """Draw the present state again."""
        self.preview.later()

    def drop_drawing(self) -> None:
        """What is being drawn is not wanted: something else takes the place of the picture."""
        self.preview.forget()

    # Pixels.

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """What the compositor writes, around pictures that stand; pixels that it wrote over are
        painted again."""
        shown = self._running and screen is self.screen and not self._batch_count
        if shown:
            renderable = self.writer.around(renderable)
        super()._display(screen, renderable)
        if shown and renderable is not None:
            self.writer.written(renderable.spans)

    def on_cursor_position(self, event: events.CursorPosition) -> None:
        self.writer.arrived()

    def on_paste(self, event: events.Paste) -> None:
        """A file that is dropped on the terminal arrives as its path."""
        self.opening(opening.dropped(self, event.text), "drop")

    def on_resize(self, event: events.Resize) -> None:
        self.writer.measure()
        if event.size == self.size:  # the terminal has lost what it showed, and asks for it
            self.redraw()

    def redraw(self) -> None:
        """Write every cell and every picture again."""
        self.refresh(layout=True)
        self.writer.again()

    def took(self, id: str) -> None:
        """It was taken in the palette just now."""
        self.taken = (id, *(one for one in self.taken if one != id))[:TAKEN]
        self.remember()

    def set_theme(self, name: str) -> None:
        """Look otherwise, from now on."""
        self.theme = self.chosen_theme = name
        self.remember()
        self._tell_state()
        self.draw_soon()  # what is between pictures has the colour of the page

    def set_way(self, way: str) -> None:
        """Show pictures in another way from now on."""
        self.writer.again()  # at first: it takes away what the way of now has painted
        self.writer.way = way

    # What commands do that belong to no panel.

    def why_not(self, action: str) -> str:
        """Why a key would do nothing now, in a few words; "" = it would."""
        at = self.history.index
        empty = {"undo": not at, "redo": at == len(self.history) - 1}.get(action)
        return f"nothing to {action}" if empty else ""

    def action_command_palette(self) -> None:
        commands.open_palette(self)

    async def action_panel(self, name: str, action: str) -> None:
        """An action of a panel, from anywhere."""
        await self.run_action(action, default_namespace=self.panel(name))

    def action_restart_engine(self) -> None:
        self.background(opening.restart_engine(self), "open")

    def action_cancel(self) -> None:
        """Esc: what is being drawn or looked at ends."""
        if not any(panel.cancel() for panel in self.listeners()) and not opening.call_off(self):
            self.preview.back()
