"""A picture over cells: the cells belong to Textual, the pixels are painted after them.

Pixels never pass through the compositor: it would count them as characters. The app tells which
cells it wrote (`written`), and pixels that were there are painted again once it is done. A new
picture in the same place is painted over the old one: nothing is erased, nothing flickers, and it
is sent once.
"""

import asyncio
import os

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

from latty_tui.drawing.around import Span, above, without
from latty_tui.drawing.encoding import Encoded, EncodeOptions, cells, covers, dimmed, encode
from latty_tui.drawing.picture import RawPicture
from latty_tui.drawing.pixel_writer import PixelWriter, Spans

SETTLE = 0.04  # seconds after the last touch of the compositor until pixels are painted again
AT_ONCE = 0.001  # the same, where the rest of the picture is there
QUICK = 256  # px: the longer side while a key repeats
QUICK_COLOURS, COLOURS = 64, 256
COARSE = 2  # cells that one block is wide, below a dialog
FULL_AFTER = 0.25  # seconds of quiet after which a quick picture is sent whole


class PixelView(Widget):
    """Shows one picture, as large as fits, in the middle.

    `largest` limits the longer side in px (None: as the link allows); `one_to_one` shows a pixel as
    a pixel.
    """

    DEFAULT_CSS = "PixelView { width: 1fr; height: 1fr; }"
    largest: int | None = None
    one_to_one = False

    def __init__(self, writer: PixelWriter, id: str) -> None:
        super().__init__(id=id)
        self.writer = writer
        self.picture: RawPicture | None = None
        self._quick = False
        self._encoded: Encoded | None = None
        self._busy = self._again = self._covered = False
        self._stands = False  # whether the terminal shows all that was painted last,
        self._pierced = list[Region]()  # but for these cells, which something wrote over
        self._over = list[Region]()  # what is above the view now
        self._mosaic = False  # in cells, because something above it would be painted over
        self._ground: Style | None = None  # around what was painted
        self._dimmed = False
        self._strips: tuple[object, list[Strip]] | None = None
        self._timer: Timer | None = None
        self._full: Timer | None = None

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of what is painted; None where nothing is."""
        return None if self._encoded is None or self.as_cells else self._encoded.pixels

    @property
    def as_cells(self) -> bool:
        """Whether Textual draws the picture itself, in half blocks: where pixels would cover what
        is above it, and where there is no terminal to paint on."""
        return self._mosaic or self.app.is_headless or self.writer.way in ("saved", "off")

    @property
    def ground(self) -> int:
        """The colour around the picture, 0xRRGGBB: that of the page."""
        red, green, blue = self.background_colors[1].rgb
        return red << 16 | green << 8 | blue

    @property
    def painted(self) -> Region:
        """The cells of the screen that the picture covers; none where there is no picture."""
        place = self._place()
        if self.picture is None or not place.area:
            return Region()
        x, y, columns, rows = covers(self.picture, self._order(place), self.as_cells)
        return Region(x, y, columns, rows)

    def show(self, picture: RawPicture | None, quick: bool = False, dimmed: bool = False) -> None:
        """Show a picture instead of the last one. `quick`: small and of few colours, because
        another one follows; it is sent whole when none does. `dimmed`: it is not what is asked
        for."""
        self.picture, self._quick, self._dimmed = picture, quick, dimmed
        if self._full is not None:
            self._full.stop()
        self._full = self.set_timer(FULL_AFTER, self._whole) if quick and picture else None
        self._mosaic = bool(self._over)
        if picture is None:
            self._forget()
        elif self.as_cells:
            self._strips = self._encoded = None  # what was encoded is another picture
            self._wipe()
        else:
            self._start()

    def lost(self) -> None:
        """The terminal may not show any more what was painted."""
        self._stands = False

    def dim(self) -> None:
        """What is shown is not what is asked for any more: so that it does not pass for it."""
        if self.picture is not None and not self._dimmed:
            self.show(self.picture, dimmed=True)

    def cover(self, covered: bool) -> None:
        """A dialog opens, or has closed: cells of a picture are dear to draw below it."""
        if covered != self._covered:
            self._covered, self._strips = covered, None
            if self.picture is not None and self.as_cells:
                self.refresh()

    def again(self) -> None:
        """Everything anew: another way to show pictures, another size of cells."""
        self._encoded = self._strips = None
        self._stands = False
        self.writer.hide(self._number)
        self.refresh()
        if self.picture is not None and not self.as_cells:
            self._start()

    # What Textual calls.

    def render_line(self, y: int) -> Strip:
        if self.picture is not None and self.as_cells:
            strips = self._drawn_cells()
            if y < len(strips):
                return strips[y]
        return Strip.blank(self.size.width, self.visual_style.rich_style)

    def on_resize(self) -> None:
        self._strips = None
        self._stands = False
        if self.picture is not None and not self.as_cells:
            self._start()

    def on_mount(self) -> None:
        self.writer.views.append(self)

    def on_unmount(self) -> None:
        self.writer.views.remove(self)
        self.writer.hide(self._number)

    def kept(self) -> list[Span]:
        """The cells that the app must not write, because their pixels stand. What is above the
        view is written: its cells are lost to the picture until nothing is above it."""
        place = self._place()
        over = above(self.app.screen_stack, self) if place.area else []
        if over != self._over:
            self._over = over
            if not over:
                self._uncovered()
            elif self.writer.survives:
                self._in_cells()
        self._pierced += [one for one in over if one not in self._pierced]
        there = self._encoded is not None and self._encoded.place == tuple(place)
        if not self._stands or not there or self._ground != self.visual_style:
            self._stands = False  # what is written now takes it away
            return []
        return [
            (y, first, last)
            for y in place.line_range
            for first, last in without(
                place.column_span, [one.column_span for one in self._pierced if y in one.line_range]
            )
        ]

    def _in_cells(self) -> None:
        """Pixels would cover what is above the view now."""
        if not self._mosaic and self.picture is not None:
            self.writer.hide(self._number)
            self._mosaic = True
            self._wipe()

    def _uncovered(self) -> None:
        """Nothing is above it any more."""
        if self.picture is None:
            self._pierced = []
        elif self._mosaic:
            self._mosaic = False
            self._wipe()
            if self._encoded is None:  # it came meanwhile
                self._start()
            else:
                self._timer = self.set_timer(SETTLE, self._repaint)

    def _wipe(self) -> None:
        """Have the view's own cells written."""
        self._stands = False
        self.refresh()

    def written(self, spans: Spans | None) -> None:
        """The app has written cells, (y, from x, to x) or all of them: pixels that were there are
        painted again, soon."""
        place = self._place()
        if self.as_cells or self._encoded is None or place.area == 0:
            return
        there = self._encoded
        painted = Region(there.column, there.row, there.columns, there.rows)
        if there.place != tuple(place):
            painted = place
        hit = spans is None or any(
            painted.y <= y < painted.bottom and first < painted.right and last > painted.x
            for y, first, last in spans
        )
        if not hit and not self._over:
            self._pierced = []  # beside the picture
        if not hit or (self.writer.survives and self._encoded.place == tuple(place)):
            return
        if self._stands and self._over:
            return  # what is above took its own cells only
        soon = AT_ONCE if self._stands else SETTLE  # a dialog has gone: what it took is empty
        self._stands = False
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(soon, self._repaint)

    # Pixels.

    @property
    def _number(self) -> int:
        """The same for all pictures of this view: where the terminal keeps pictures, the new one
        replaces the old one."""
        return 1 + sum(map(ord, self.id or "view")) % 900

    def _place(self) -> Region:
        return self.content_region if self.is_attached and self.display else Region()

    def _whole(self) -> None:
        if self.picture is not None and self._quick:
            self._quick = False
            self._start()

    def _start(self) -> None:
        """Encode and paint, in the background; asked again meanwhile it does so once more."""
        self._again = True
        if not self._busy:
            self._busy = True
            self.run_worker(self._work(), exclusive=False, exit_on_error=False, group="pixels")

    async def _work(self) -> None:
        try:
            while self._again:
                self._again = False
                place, picture = self._place(), self.picture
                if picture is None or place.area == 0 or self.as_cells:
                    continue
                encoded = await asyncio.to_thread(encode, picture, self._order(place))
                await self.writer.ready()
                if place != self._place():  # it has moved meanwhile
                    self._again = True
                elif not self._again and not self.as_cells:
                    self._paint(encoded)
        finally:
            self._busy = False

    def _order(self, place: Region) -> EncodeOptions:
        writer, quick = self.writer, self._quick
        limit = self.largest or writer.largest(self.screen.has_class("-full"))
        return EncodeOptions(
            way=writer.way,
            place=(place.x, place.y, place.width, place.height),
            cell=writer.terminal.cell,
            truecolor=writer.terminal.truecolor,
            colours=QUICK_COLOURS if quick else COLOURS,
            largest=limit,
            detail=QUICK if quick else writer.detail,
            one_to_one=self.one_to_one,
            number=self._number,
            dimmed=self._dimmed,
        )

    def _paint(self, encoded: Encoded) -> None:
        before, self._encoded = self._encoded, encoded
        if self._timer is not None:
            self._timer.stop()
        survives = self.writer.survives  # then the new one takes the old one's place
        if before is not None and not before.inside(encoded) and not survives:
            self._wipe()  # the old one shows at the sides: its cells are written again
            return
        self._repaint()

    def _repaint(self) -> None:
        encoded, place = self._encoded, self._place()
        if encoded is None or self.as_cells or place.area == 0:
            return
        if self._over:  # it came late, or the one that stood is lost: no empty box
            self._in_cells()
            return
        if encoded.place != tuple(place):
            self._start()
            return
        self._stands, self._pierced, self._ground = True, [], self.visual_style
        self.writer.paint(encoded)

    def _forget(self) -> None:
        self._encoded = self._strips = None
        self.writer.hide(self._number)
        self._wipe()

    # Cells.

    def _drawn_cells(self) -> list[Strip]:
        key = (self.picture, self.size, self._covered, self._dimmed)
        if self._strips is None or self._strips[0] != key:
            assert self.picture is not None
            wide = COARSE if self._covered else 1
            cell, size = self.writer.terminal.cell, self.size
            colours = not os.environ.get("NO_COLOR")
            picture = dimmed(self.picture) if self._dimmed else self.picture
            lines = cells(picture, size.width, size.height, cell, wide, colours)
            self._strips = key, [self._strip(line) for line in lines]
        return self._strips[1]

    def _strip(self, line: list[tuple[str, str, str]]) -> Strip:
        """One row of cells: (character, ink, background), "" = the view's own colour."""
        base = self.visual_style.rich_style
        parts = [
            Segment(text, RichStyle(color=ink, bgcolor=ground) if ink else base)
            for text, ink, ground in line
        ]
        return Strip(parts, self.size.width)
