"""The picture: what the state shows, as large as fits."""

import time
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from latty.text import printable
from latty_tui.drawing.engine import Drawn, EngineError
from latty_tui.drawing.pixels import PixelView
from latty_tui.panel import Panel
from latty_tui.state import GRIDS
from latty_tui.terminal import PICTURES

SLOW = 0.3  # seconds of drawing before it is said
AGAIN = 0.2  # seconds until it is said how far it is
BUSY = ("drawing ...", "coarse, drawing ...")
BAR = 12  # cells


class PicturePanel(Panel, Vertical):
    """One large picture, and words in its place where there is none."""

    PLACE, ORDER, TITLE, JUMP = "centre", 10, "picture", "p"
    HELP = (
        "What the present state looks like. While a key repeats the picture is coarse; it is sent "
        "whole as soon as you pause. Of a large network a coarse picture comes first and is made "
        "sharp when the whole one is there: until then the line below says so."
    )
    can_focus = True
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("o", "original", "Original", tooltip="Look at the picture before all edits"),
        Binding("O", "both", "Original and edited side by side", show=False),
        Binding("g", "grid", "Grid of 1, 4 or 9 seeds", show=False),
        Binding("f", "full", "Full screen", show=False),
        Binding("z", "zoom", "A pixel as a pixel", show=False),
        Binding("i", "way", "Next way to show pictures", show=False),
    ]
    WORDS: ClassVar = {
        "original": "before without",
        "both": "compare side",
        "grid": "seeds many several",
        "full": "fullscreen maximise maximize",
        "zoom": "zoom enlarge pixels 1:1 100%",
        "way": "sixel kitty graphics blocks",
    }
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._words: str | None = None
        self._caption = ""
        self._slow: Timer | None = None
        self._begun = 0.0  # when what is being drawn was begun,
        self._expected = 0.0  # and the seconds that the last picture of the model took
        self._is_coarse = False  # what is shown, while the whole one is drawn

    def compose(self) -> ComposeResult:
        yield PixelView(self.desk.writer, "pixels")
        yield Static("", id="picture-words", markup=False)
        yield Static("", id="picture-caption", markup=False)

    @property
    def pixels(self) -> PixelView:
        return self.query_one(PixelView)

    def on_mount(self) -> None:
        self.words("starting the engine ...")

    # What the preview tells.

    def wanted(self, columns: int = 1) -> int:
        """Height in px that one picture of `columns` in a row is worth drawing at, for models that
        draw at any size."""
        cell, place = self.desk.writer.terminal.cell, self.pixels.content_size
        if not self.pixels.display:  # words take its place: it has none of its own
            place = self.query_one("#picture-words").size
        room = min(place.width * cell[0], place.height * cell[1]) // max(1, columns)
        return max(64, min(512, room // 32 * 32))

    def drawn(self, drawn: Drawn, quick: bool) -> None:
        """Here it is."""
        self._is_coarse = False
        self._begun, self._expected = time.monotonic(), drawn.ms / 1000
        self.words("")
        self.pixels.show(drawn, quick)
        self.set_class(self.desk.writer.way == "saved", "-saved")
        if self.desk.writer.way == "saved" and not quick:
            self.desk.background(self._save(), "save")

    def coarse(self, drawn: Drawn) -> None:
        """Something to look at while the engine goes on with the whole one."""
        self._is_coarse = True
        self.words("")
        self.pixels.show(drawn, quick=True)
        if self._caption.startswith(BUSY[False]):
            self._tell()

    def failed(self, error: EngineError) -> None:
        """It cannot be drawn: say why, in its place."""
        self._is_coarse = False
        self.words(str(error))

    def busy(self, busy: bool) -> None:
        """The engine is at it; said only where it takes long enough to be read. While a key is held
        one drawing follows the other, and it is said once."""
        if not busy:
            if self._slow is not None:
                self._slow.stop()
            self._slow = None
            self.caption(self._subtitle())
        elif self._slow is None:
            self._begun = time.monotonic()
            self._slow = self.set_timer(SLOW, self._drags_on)

    def _drags_on(self) -> None:
        """Say how far it is, from now on; the old picture does not pass for the new one."""
        self._slow = self.set_interval(AGAIN, self._tell)
        self._tell()

    def _tell(self) -> None:
        gone = time.monotonic() - self._begun
        if gone < SLOW:  # while a key is held, one picture follows the other
            return
        if not self._is_coarse and self.desk.writer.seconds < SLOW:  # else the line has no time
            self.pixels.dim()
        said = f"{BUSY[self._is_coarse]} {gone:.1f} s"
        if self._expected > SLOW:
            full = round(BAR * min(1.0, gone / self._expected))
            said += f" of about {self._expected:.1f} {'━' * full}{'╌' * (BAR - full)}"
        self.caption(said)

    def caption(self, text: str) -> None:
        """A line below the picture. Not on the border: that would be drawn with all it surrounds,
        and the picture would have to be sent again."""
        if text != self._caption:
            self._caption = text
            self.query_one("#picture-caption", Static).update(printable(text), layout=False)

    def words(self, text: str) -> None:
        """Words instead of the picture; "" = the picture."""
        if text == self._words:
            return
        self._words = text
        if text:  # it is said there
            self.caption(self._subtitle())
        said = self.query_one("#picture-words", Static)
        said.update("\n".join(printable(line) for line in text.split("\n")))
        said.display = bool(text)
        self.pixels.display = not text

    def on_opening(self, ref: str) -> None:
        """The picture that is there stays, dimmed."""
        self._is_coarse, self._expected = False, 0.0
        if self.pixels.picture is None or self._words:
            self.words(f"opening {ref} ...")
        else:
            self.pixels.dim()
            self.caption(f"opening {ref} ...")

    def on_engine_died(self, event: object) -> None:
        self.words(str(event))

    async def _save(self) -> None:
        """Where nothing can be shown: a file, and its path."""
        import asyncio

        from latty_tui.drawing.encoding import saved_path

        if (picture := self.pixels.picture) is not None:
            path = await asyncio.to_thread(saved_path, picture)
            self.caption(path)

    def _subtitle(self) -> str:
        view = self.desk.view
        parts = [] if view.compare == "edited" else [view.compare]
        return ", ".join(parts + ([f"{view.grid} seeds"] if view.grid > 1 else []))

    # What keys do.

    def action_original(self) -> None:
        self._compare("original")

    def action_both(self) -> None:
        self._compare("both")

    def _compare(self, how: str) -> None:
        self.desk.look(compare="edited" if self.desk.view.compare == how else how)

    def action_grid(self) -> None:
        at = GRIDS.index(self.desk.view.grid)
        self.desk.look(grid=GRIDS[(at + 1) % len(GRIDS)], compare="edited")

    def action_full(self) -> None:
        self.screen.toggle_class("-full")

    def action_zoom(self) -> None:
        self.pixels.one_to_one = not self.pixels.one_to_one
        self.pixels.again()

    def action_way(self) -> None:
        usable = (name for name, _ in PICTURES.loaded())
        ways = sorted(usable, key=lambda name: PICTURES.constant(name, "ORDER", 50))
        at = ways.index(self.desk.writer.way) if self.desk.writer.way in ways else -1
        self.desk.set_way(ways[(at + 1) % len(ways)])
        self.desk.say(f"pictures as {self.desk.writer.way}")

    def cancel(self) -> bool:
        """Esc: back from full screen, from a comparison."""
        if self.screen.has_class("-full"):
            self.screen.remove_class("-full")
            return True
        if self.desk.view.compare != "edited":
            self.desk.look(compare="edited")
            return True
        return False


PANEL = PicturePanel
