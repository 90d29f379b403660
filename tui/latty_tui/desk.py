"""What panels and dialogs may know of the app (`Desk`), and what panels hear from it (`Listener`).

The app implements Desk, and nothing imports the app.
"""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from textual.geometry import Region
    from textual.screen import Screen
    from textual.timer import Timer
    from textual.widget import Widget
    from textual.worker import Worker

    from latty.config import Config
    from latty_tui.drawing.engine import Died, Drawn, EngineClient, EngineError, OpenModel, Ready
    from latty_tui.drawing.picture import RawPicture
    from latty_tui.drawing.pixel_writer import PixelWriter
    from latty_tui.drawing.pixels import PixelView
    from latty_tui.state import History, State, ViewSettings

Answer = TypeVar("Answer")
# Where a dialog stands: over the column of the panel that is worked in, from the row of its cursor
# on or from top to bottom; or below the picture.
DialogPlace = Literal["row", "column", "below"]
P = TypeVar("P", bound="Widget")


class Listener:
    """What every panel hears; a panel overrides what concerns it."""

    def on_state(self, state: "State") -> None:
        """The state is another one: by an edit, an undo, a preset."""

    def on_opening(self, ref: str) -> None:
        """A model is being opened: what names it."""

    def on_model(self, model: "OpenModel | None") -> None:
        """Another model is open; None where it could not be opened."""

    def on_drawn(self, drawn: "Drawn") -> None:
        """The engine has drawn a picture."""

    def on_direction(self, ref: str | None) -> None:
        """The cursor of a list is on a direction; None = on nothing that fits the model."""

    def on_engine_ready(self, event: "Ready") -> None:
        """The engine's process can draw."""

    def on_engine_died(self, event: "Died") -> None:
        """The engine's process is gone."""

    def on_submitted(self, job: str) -> None:
        """A job was submitted: its id."""

    def on_imported(self, name: str) -> None:
        """Directions or latents were imported: their name."""

    def on_sets(self, moved: "Sequence[tuple[str, str]]") -> None:
        """Directions move otherwise, or an undo renamed them: (old, new) references."""

    def cancel(self) -> bool:
        """Esc: end what is played, filtered or compared; False where there is nothing."""
        return False

    def farewell(self) -> str:
        """What to print in the shell when the studio closes; "" = nothing."""
        return ""


class PictureArea(Protocol):
    """The place of the large picture, for all that shows something there."""

    @property
    def pixels(self) -> "PixelView": ...

    def wanted(self, columns: int = 1) -> int:
        """Height in px at which to draw one of `columns` pictures in a row."""

    def drawn(self, drawn: "Drawn", quick: bool, cells: Sequence[str] = ()) -> None:
        """It is drawn; of a grid, the words of its cells."""

    def coarse(self, drawn: "Drawn") -> None: ...
    def failed(self, error: "EngineError") -> None: ...
    def as_left(self, picture: "RawPicture") -> None: ...
    def busy(self, busy: bool) -> None: ...
    def caption(self, text: str) -> None: ...
    def words(self, text: str) -> None: ...


class Desk(Protocol):
    """The app, as its panels and dialogs see it.

    view        how the picture is looked at
    model       the model that is open; opened = the reference it was opened by
    device      where the engine draws
    writer      what writes pixels to the terminal
    dialogs     modal screens above the panels
    last_focus  the name of the panel that had the focus last
    own_keys    keys of the keymap file, by the id of their command
    taken       what was taken in the palette lately, the latest first
    """

    config: "Config"
    engine: "EngineClient"
    writer: "PixelWriter"
    view: "ViewSettings"
    model: "OpenModel | None"
    opened: str
    device: str
    last_focus: str | None
    own_keys: dict[str, str]
    taken: tuple[str, ...]

    @property
    def state(self) -> "State": ...
    @property
    def history(self) -> "History": ...
    @property
    def known(self) -> "OpenModel | None":
        """The model of the present state, once it is open; until then nothing is known of it."""

    @property
    def coming(self) -> str:
        """The model that is being opened, else that of the present state."""

    @property
    def picture(self) -> PictureArea: ...
    @property
    def dialogs(self) -> "Sequence[Screen[Any]]": ...

    def change(self, state: "State", what: str, tag: str = "", **files: Any) -> None:
        """The next state, made by `what` ("smile +1.5"); changes of the same `tag` are one step of
        undo, as History.push says; `files` is what it did to directions, as Step has it."""

    def amend(self, state: "State") -> None:
        """The present step has another state, which is no step: its preset has another name."""

    def go_to_step(self, index: int) -> None:
        """Undo or redo up to a step of the history."""

    async def open_model(self, ref: str) -> bool:
        """Open a model and draw with it; an error is shown, and False."""

    async def openable(self, ref: str) -> bool:
        """Whether a model can be opened; where not, why is shown, and what is here stays."""

    async def which(self) -> str:
        """What tells this studio from others that are open: "studio 2"; "" where it is alone."""

    def look(self, **changes: Any) -> None:
        """Change fields of `view` and draw again."""

    def draw_soon(self) -> None:
        """Draw the present state again."""

    def drop_drawing(self) -> None:
        """What is being drawn is not wanted: something else takes the place of the picture."""

    def tell(self, hear: Callable[[Listener], object]) -> None:
        """Call a hook of every panel: `tell(lambda panel: panel.on_drawn(drawn))`."""

    def find(self, panel: type[P]) -> P:
        """The panel of that class. Raises NoMatches."""

    def panel(self, name: str) -> "Widget":
        """The panel of panels/NAME. Raises NoMatches."""

    def go(self, name: str) -> None:
        """Bring a panel to light and give it the focus."""

    def room(self, where: DialogPlace) -> "Region":
        """The cells of the screen where a dialog may stand."""

    def say(self, text: str, severity: str = "information") -> None:
        """A toast."""

    def fail(self, error: Exception, title: str = "") -> None:
        """A dialog with what went wrong."""

    def ask(
        self,
        dialog: "Screen[Answer | None]",
        then: Callable[[Answer], object] = lambda _: None,
        left: Callable[[], object] = lambda: None,
    ) -> None:
        """Open a dialog; `then` gets its answer. Esc, an answer that is None, calls `left`."""

    async def answer(self, dialog: "Screen[Answer]", last: bool = False) -> Answer | None:
        """The answer to a dialog, None for Esc. `last`: the work that asks goes on for a while, and
        asks nothing more."""

    def call_off(self, *groups: str) -> bool:
        """End what runs beside everything in these groups; whether there was any."""

    def background(self, work: Coroutine[Any, Any, Any], group: str) -> "Worker[Any]":
        """Run it beside everything; what it raises is shown."""

    def opening(self, work: Coroutine[Any, Any, Any], group: str) -> "Worker[Any]":
        """Run what asks something as soon as it can: what is typed waits until it does."""

    def set_timer(self, delay: float, callback: Callable[[], object]) -> "Timer":
        """Call it in so many seconds."""

    def set_theme(self, name: str) -> None:
        """Look otherwise, from now on."""

    def set_way(self, way: str) -> None:
        """Show pictures in another way from now on."""

    def took(self, id: str) -> None:
        """It was taken in the palette just now."""

    def remember(self) -> None:
        """Keep the state and the looks for the next run."""

    def other_histories(self) -> "list[tuple[Path, str]]":
        """Histories that no studio has open, and what is in them. Raises OSError."""

    async def open_history(self, path: "Path") -> None:
        """Go on with one of them; this one stays as it is. Raises LattyError, OSError."""

    def copy(self, text: str) -> None:
        """To the clipboard, and say so."""

    def suspend(self) -> AbstractContextManager[None]:
        """Leave the terminal to another program; `redraw` afterwards."""

    def redraw(self) -> None:
        """Write every cell and every picture again."""
