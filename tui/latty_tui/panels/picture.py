"""The picture: what the state shows, as large as fits."""

import asyncio
import time
from collections.abc import Sequence
from math import isqrt
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from latty.text import printable
from latty_tui.drawing import grid
from latty_tui.drawing.engine import Drawn, EngineError
from latty_tui.drawing.picture import RawPicture
from latty_tui.drawing.pixels import PixelView
from latty_tui.panel import Panel, opens
from latty_tui.state import GRIDS
from latty_tui.terminal import PICTURES
from latty_tui.widgets.sheet import PictureCell, PictureSheet, cut

SLOW = 0.3  # seconds of drawing before it is said
AGAIN = 0.2  # seconds until it is said how far it is
BUSY = ("drawing ...", "coarse, drawing ...")
BAR = 12  # cells


class LargeView(PixelView):
    """One large picture: where it is shown, no grid is."""

    def show(self, picture: RawPicture | None, quick: bool = False, dimmed: bool = False) -> None:
        cast(PicturePanel, self.parent).see(grid=False)
        super().show(picture, quick, dimmed)


class PicturePanel(Panel, Vertical):
    """One large picture or a grid of some, and words in their place where there are none."""

    PLACE, ORDER, TITLE, JUMP = "centre", 10, "picture", "p"
    HELP = (
        "What the present state looks like. While a key repeats the picture is coarse; it is sent "
        "whole as soon as you pause. Of a large network a coarse picture comes first and is made "
        "sharp when the whole one is there: until then the line below says so. g shows a grid of "
        "seeds instead: arrows or the mouse go from one to the next, beyond its ends to other "
        "seeds, and Enter takes the one below which the cursor is."
    )
    can_focus = True
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("o", "original", "Original", tooltip="Look at the picture before all edits"),
        Binding("O", "both", "Original and edited side by side", show=False),
        Binding("g", "grid", "Grid of 1, 4 or 9 seeds to pick from", show=False),
        Binding("b", "gallery", "Gallery of what was rendered", show=False),
        Binding("f", "full", "Full screen", show=False),
        Binding("z", "zoom", "A pixel as a pixel", show=False),
        Binding("i", "way", "Next way to show pictures", show=False),
    ]
    WORDS: ClassVar = {
        "original": "before without",
        "both": "compare side",
        "grid": "seeds many several pick choose contact sheet",
        "take": "pick choose",
        "gallery": "browse thumbnails results renders outputs pictures films open",
        "full": "fullscreen maximise maximize",
        "zoom": "zoom enlarge pixels 1:1 100%",
        "way": "sixel kitty graphics blocks",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "Take this one"),
        *(
            Binding(keys, f"pick({across}, {down})", what, id=f"picture.{where}", show=False)
            for keys, across, down, where, what in (
                ("left,h", -1, 0, "left", "The one at the left"),
                ("right,l", 1, 0, "right", "The one at the right"),
                ("up,k", 0, -1, "up", "The one above"),
                ("down,j", 0, 1, "down", "The one below"))
        ),
        Binding("pagedown", "page(1)", "The next page of the grid", id="picture.after", show=False),
        Binding("pageup", "page(-1)", "The page before", id="picture.before", show=False),
    ]  # fmt: skip

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._in_grid = False
        self._offered: Sequence[grid.GridOption] = ()  # what the cells of the grid stand for
        self._came: str | None = None  # the panel from which the grid was asked for
        self._words: str | None = None
        self._caption = ""
        self._file = ""  # of the picture, where none can be shown
        self._slow: Timer | None = None
        self._begun = 0.0  # when what is being drawn was begun,
        self._expected = 0.0  # and the seconds that the last picture of the model took
        self._is_coarse = False  # what is shown, while the whole one is drawn

    def compose(self) -> ComposeResult:
        yield LargeView(self.desk.writer, "pixels")
        yield PictureSheet(self.desk.writer, "grid", isqrt(max(GRIDS)))
        yield Static("", id="picture-words", markup=False)
        yield Static("", id="picture-caption", markup=False)

    @property
    def pixels(self) -> PixelView:
        return self.query_one(LargeView)

    @property
    def sheet(self) -> PictureSheet:
        return self.query_one(PictureSheet)

    def on_mount(self) -> None:
        self.sheet.display = False
        self.words("starting the engine ...")

    # What the preview tells.

    def wanted(self, columns: int = 1) -> int:
        """Height in px that one picture of `columns` in a row is worth drawing at, for models that
        draw at any size."""
        cell = self.desk.writer.terminal.cell
        one = (self.pixels, self.sheet, self.query_one("#picture-words"))
        place = next(widget.content_size for widget in one if widget.display)  # of what is there
        room = min(place.width * cell[0], place.height * cell[1]) // max(1, columns)
        return max(64, min(512, room // 32 * 32))

    def drawn(self, drawn: Drawn, quick: bool, cells: Sequence[str] = ()) -> None:
        """Here it is; of a grid, the words of its cells."""
        self._is_coarse, self._file = False, ""
        self._begun, self._expected = time.monotonic(), drawn.ms / 1000
        self.words("")
        if cells:
            self.desk.background(self._spread(drawn, quick, cells), "pixels")
        else:
            self.pixels.show(drawn, quick)
        self.set_class(self.desk.writer.way == "saved", "-saved")
        if self.desk.writer.way == "saved":  # of a quick one, too: it may be the last
            self.desk.background(self._save(drawn), "save")

    async def _spread(self, drawn: Drawn, quick: bool, words: Sequence[str]) -> None:
        """One picture that holds those of a grid, as cells."""
        columns = isqrt(len(words))
        pictures = await asyncio.to_thread(cut, drawn, columns, len(words))
        if len(self._options()) != len(words):
            return  # it was left meanwhile
        self.pixels.picture = drawn
        self.see(grid=True)
        self._label([*map(PictureCell, words, pictures)], quick)

    def _label(self, cells: Sequence[PictureCell], quick: bool = False) -> None:
        """Each cell says what Enter takes there now; what is not drawn yet has no picture."""
        known = {one.words: one for one in cells}
        self._offered = self._options()
        words = [one.words for one in self._offered]
        self.sheet.columns = isqrt(len(words))
        cursor = None if len(words) == len(self.sheet.cells) else 0
        self.sheet.show([known.get(one, PictureCell(one)) for one in words], cursor, quick)

    def see(self, grid: bool) -> None:
        """The grid, or the one picture."""
        if grid != self._in_grid:
            self._in_grid = grid
            self.words(self._words or "", again=True)
            self.refresh_bindings()

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

    def as_left(self, picture: RawPicture) -> None:
        """What was seen last of the present state, until it can be drawn."""
        if self.pixels.picture is None:
            waits = self._words or ""
            self.words("")
            self.pixels.show(picture, dimmed=True)
            self.caption(waits)

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
            self._dim()
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

    def words(self, text: str, again: bool = False) -> None:
        """Words instead of the picture; "" = the picture."""
        if text == self._words and not again:
            return
        self._words = text
        if text:  # it is said there
            self.caption(self._subtitle())
        said = self.query_one("#picture-words", Static)
        said.update("\n".join(printable(line) for line in text.split("\n")))
        said.display = bool(text)
        self.pixels.display = not text and not self._in_grid
        self.sheet.display = not text and self._in_grid

    def on_opening(self, ref: str) -> None:
        """The picture that is there stays, dimmed."""
        self._is_coarse, self._expected = False, 0.0
        if self.pixels.picture is None or self._words:
            self.words(f"opening {ref} ...")
        else:
            self._dim()
            self.caption(f"opening {ref} ...")

    def _dim(self) -> None:
        """What is shown is not what is asked for any more."""
        (self.sheet if self._in_grid else self.pixels).dim()

    def on_state(self, state: object) -> None:
        """Other seeds are named at once, however long they take to draw."""
        words, named = ([one.words for one in some] for some in (self._options(), self.sheet.cells))
        if self._in_grid and len(words) == len(named) and words != named:
            self._label(self.sheet.cells)

    def on_engine_died(self, event: object) -> None:
        self.words(str(event))

    async def _save(self, picture: RawPicture) -> None:
        """Where nothing can be shown: a file, and its path."""
        from latty_tui.drawing.encoding import saved_path

        self._file = str(await asyncio.to_thread(saved_path, picture))
        self.caption(self._subtitle())

    def _subtitle(self) -> str:
        if self._file:
            return self._file
        view = self.desk.view
        parts: list[str] = [] if view.compare == "edited" else [view.compare]
        if self._options():
            parts.append(f"{view.grid} seeds: ↑ ↓ ← → choose, enter takes")
        return ", ".join(parts)

    # What keys do.

    def action_original(self) -> None:
        self._compare("original")

    def action_both(self) -> None:
        self._compare("both")

    def _compare(self, how: str) -> None:
        self.desk.look(compare="edited" if self.desk.view.compare == how else how)

    def action_grid(self) -> None:
        """Arrows choose from it at once; afterwards the focus is where it was."""
        if why := self.why_not("grid"):
            self.desk.say(why)
            return
        at = GRIDS.index(self.desk.view.grid)
        self._turn(GRIDS[(at + 1) % len(GRIDS)])

    def _turn(self, count: int) -> None:
        """A grid of so many, or the one picture."""
        desk, begins = self.desk, self.desk.view.grid == 1
        if not self._in_grid:  # else the cursor goes when the others are there
            self.sheet.cursor = 0
        desk.view = grid.turned(desk.view, count)
        desk.draw_soon()
        desk.remember()
        if begins:
            self._came = desk.last_focus
            self.focus()
        elif count == 1 and self.has_focus and not self.screen.has_class("-full"):
            desk.go(self._came or "directions")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is one picture there is nothing to choose."""
        return action not in ("pick", "take", "page") or bool(self._options())

    def why_not(self, action: str) -> str:
        """The same in words."""
        name = action.partition("(")[0]
        if name == "grid":
            known = isinstance(self.desk.state.scene.seed, int) or self.desk.view.grid > 1
            return "" if known else "a walk has several seeds: there is no next one"
        return "" if self.check_action(name, ()) else "g shows a grid to pick from"

    def _options(self) -> list[grid.GridOption]:
        return grid.options(self.desk.state, self.desk.view)

    def action_pick(self, across: int, down: int) -> None:
        """The next cell; beyond the ends of the grid are other seeds."""
        view, columns = self.desk.view, grid.columns(self.desk.view)
        to = self.sheet.cursor + across + down * columns
        if 0 <= to < view.grid:
            self.sheet.go(to)
        else:
            self._further((across or down) * columns, across)

    def action_page(self, way: int) -> None:
        self._further(way * self.desk.view.grid)

    def _further(self, by: int, across: int = 0) -> None:
        """A grid of other seeds; the cursor is on the next one."""
        self.desk.look(further=self.desk.view.further + by)
        self.on_state(self.desk.state)
        if across:
            self.sheet.go(self.sheet.cursor + across - by)

    def action_take(self) -> None:
        """The one of the cursor, alone and large."""
        found = self._offered if self._in_grid else self._options()
        if found:
            taken = found[min(self.sheet.cursor, len(found) - 1)]
            self._turn(1)
            self.desk.change(taken.state, taken.words)

    def on_picture_sheet_taken(self) -> None:
        self.action_take()

    def on_picture_sheet_moved(self) -> None:
        """By the wheel, too, wherever the focus is; not where one was taken meanwhile."""
        if self._options():
            self.focus()

    @opens
    def action_gallery(self) -> None:
        from latty_tui.dialogs.gallery import Gallery

        files: Any = self.desk.panel("timeline")

        def load(ref: str) -> None:
            self.desk.opening(files.presets.open(ref), "presets")

        self.desk.ask(Gallery(self.desk.writer, self.desk.config.out_dir), load)

    def action_full(self) -> None:
        self.screen.toggle_class("-full")

    def action_zoom(self) -> None:
        self.pixels.one_to_one = not self.pixels.one_to_one
        self.pixels.again()

    def action_way(self) -> None:
        usable = (name for name, _ in PICTURES.loaded())
        ways = sorted(usable, key=lambda name: PICTURES.constant(name, "ORDER", 50))
        at = ways.index(self.desk.writer.way) if self.desk.writer.way in ways else -1
        self._file = ""
        self.desk.set_way(ways[(at + 1) % len(ways)])
        if self._in_grid:
            self.sheet.show(self.sheet.cells)  # its rows may have to be narrower
        self.desk.say(f"pictures as {self.desk.writer.way}")

    def cancel(self) -> bool:
        """Esc: back from full screen, from a comparison."""
        if self.screen.has_class("-full"):
            self.screen.remove_class("-full")
            return True
        if self.desk.view.compare != "edited":
            self.desk.look(compare="edited")
            return True
        if self.desk.view.grid > 1 and self.has_focus and not self.desk.engine.opening:
            self._turn(1)
            return True
        return False


PANEL = PicturePanel
