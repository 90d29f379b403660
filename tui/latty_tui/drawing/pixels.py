"""A picture over cells: the cells belong to Textual, the pixels are painted after them.

Pixels never pass through the compositor: it would count them as characters. The app tells which
cells it wrote (`written`), and pixels that were there are painted again once it is done. A new
picture in the same place is painted over the old one: nothing is erased, nothing flickers, and it
is sent once.
"""

import asyncio
import os
from dataclasses import replace

from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.timer import Timer
from textual.widget import Widget

from latty_tui.drawing.around import above
from latty_tui.drawing.cell_set import CellSet, Span
from latty_tui.drawing.encoding import Encoded, EncodeOptions, cells, covers, dimmed, encode
from latty_tui.drawing.picture import RawPicture
from latty_tui.drawing.pixel_writer import PixelWriter, Spans

SETTLE = 0.04  # seconds after the last touch of the compositor until pixels are painted again
AT_ONCE = 0.001  # the same, where the rest of the picture is there
QUICK = 256  # px: the longer side while a key repeats
WHOLE = 1 << 16  # px: more than any picture has
QUICK_COLOURS, COLOURS = 64, 256
COARSE = 2  # cells that one block is wide, below a dialog
SLOW = 0.1  # seconds that a picture takes on its way, from which on only the newest is sent
FULL_AFTER = 0.25  # seconds of quiet after which a quick picture is sent whole

Detail = tuple[bool, int]
Wanted = tuple[RawPicture | None, EncodeOptions]


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
        self._quick = self._dimmed = False
        self._encoded: tuple[Wanted, Detail, Encoded] | None = None
        self._busy = self._again = self._covered = False
        self._painted: Encoded | None = None  # what was written last,
        self._stands = CellSet()  # where the terminal still shows it,
        self._foreign = CellSet()  # and where it shows blocks, or what is above the view
        self._held: Region | None = None  # the place that these two are about
        self._over = list[Region]()  # what is above the view now
        self._mosaic = False  # in cells, because something above it would be painted over
        self._ground: Style | None = None  # around what was painted
        self._strips: tuple[object, list[Strip]] | None = None
        self._timer: Timer | None = None
        self._full: Timer | None = None

    @property
    def size_px(self) -> tuple[int, int] | None:
        """Width and height of what is painted; None where nothing is."""
        return None if self._encoded is None or self.as_cells else self._encoded[2].pixels

    @property
    def as_cells(self) -> bool:
        """Whether Textual draws the picture itself, in half blocks: where pixels would cover what
        is above it, and where there is no terminal to paint on."""
        return self._mosaic or not self._paints

    @property
    def _paints(self) -> bool:
        """Whether there is a terminal to paint on."""
        return not self.app.is_headless and self.writer.way not in ("saved", "off")

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
        if picture is None:
            self._forget()
        elif self.as_cells:
            self.refresh()
        else:
            self._mend()

    @property
    def is_dimmed(self) -> bool:
        """Whether what is shown is not what is asked for."""
        return self._dimmed

    def lost(self) -> None:
        """The terminal may not show any more what was painted."""
        self._stands = CellSet()
        self._later()

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
            self._later()

    def again(self) -> None:
        """Everything anew: another way to show pictures, another size of cells."""
        self._encoded = self._strips = None
        self._mosaic = False
        self._wipe()
        self._later()

    # What Textual calls.

    def render_line(self, y: int) -> Strip:
        if self.picture is not None and self.as_cells:
            strips = self._drawn_cells()
            if y < len(strips):
                return strips[y]
        return Strip.blank(self.size.width, self.visual_style.rich_style)

    def on_resize(self) -> None:
        self._strips = None
        self._later()

    def on_mount(self) -> None:
        self.writer.views.append(self)

    def on_unmount(self) -> None:
        self.writer.views.remove(self)
        self.writer.hide(self._number)

    def kept(self) -> list[Span]:
        """The cells that the app must not write, because their pixels stand. What is above the
        view is written: its cells are lost to the picture until nothing is above it."""
        place = self._look()
        if self._ground != self.visual_style:
            self._stands = CellSet()  # what is written now takes it away
        if self.writer.survives and self._painted and (self._over or not place.area):
            self._in_cells()  # it would outlive its cells
        if not self._settled and self._timer is None:
            self._later()
        return list((self._stands - CellSet.of(*self._over)).spans())

    def written(self, spans: Spans) -> None:
        """The app has written cells, (y, from x, to x): pixels that were there are painted again,
        soon."""
        place = self._place()
        wrote = CellSet(spans) & CellSet.of(place)
        if not wrote:
            return
        if not self.writer.survives:
            self._stands -= wrote
        strange = wrote if self.as_cells else wrote & CellSet.of(*self._over)
        self._foreign = (self._foreign - wrote) | strange
        if not self._settled:
            self._later(AT_ONCE if self._stands else SETTLE)  # at once: a dialog has gone

    # What the terminal shows.

    def _look(self) -> Region:
        """See what is above the view now; its place."""
        place = self._place()
        self._over = above(self.app.screen_stack, self) if place.area else []
        if place != self._held:  # there is something else where it was
            self._held, self._stands, self._foreign = place, CellSet(), CellSet()
        return place

    @property
    def _wanted(self) -> Wanted:
        """What is to be painted, however fine."""
        return self.picture, replace(self._order(self._place()), detail=None, colours=0)

    @property
    def _right(self) -> bool:
        """Whether all cells of the picture that are seen show it, if maybe a quick one."""
        there = self._encoded
        if there is None or there[2] is not self._painted or there[0] != self._wanted:
            return False
        return not _cells(there[2]) - self._stands - CellSet.of(*self._over)

    @property
    def _settled(self) -> bool:
        """Whether the terminal shows what it should."""
        if self.picture is None or not self._paints or not self._place().area:
            return True
        if self._over:
            return self._mosaic or (self._right and not self.writer.survives)
        return self._right and self._fine and not (self._mosaic or self._foreign)

    @property
    def _detail(self) -> Detail:
        """px of the longer side that are kept now, after whether it is no quick one."""
        return (False, QUICK) if self._quick else (True, self.writer.detail or WHOLE)

    @property
    def _fine(self) -> bool:
        """Whether what is encoded last is what is wanted, and has all the detail that it may."""
        there = self._encoded
        return there is not None and there[0] == self._wanted and there[1] >= self._detail

    def _later(self, seconds: float = SETTLE) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(seconds, self._mend)

    def _mend(self) -> None:
        """Do what is next to be done until the terminal shows what it should. It is told of all
        that may change that, and looks for itself how things are."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if not self.is_attached:
            return
        self._look()
        if self._settled:
            return
        there = self._encoded
        if self._over:  # it came late, or the one that stood is lost: no empty box
            self._in_cells()
        elif there is None or not self._fine:
            self._start()
        else:
            self._put(there[2])

    def _put(self, encoded: Encoded) -> None:
        """Paint what is encoded, once nothing else is left in its place."""
        if not self.writer.survives:  # else the new one takes the old one's place
            beyond = self._stands - _cells(encoded)
            if beyond:
                self._foreign |= beyond
                self._stands = CellSet()
        if self._mosaic or self._foreign:
            self._mosaic = False
            self.refresh()  # the view's own cells are written, and tell
        if not self._foreign:
            self._painted, self._stands = encoded, _cells(encoded)
            self._ground = self.visual_style
            self.writer.paint(encoded)

    def _in_cells(self) -> None:
        """Pixels would cover what is above the view now."""
        if not self._mosaic:
            self._mosaic = True
            self._wipe()

    def _wipe(self) -> None:
        """Have the view's own cells written."""
        self.writer.hide(self._number)
        self._foreign |= self._stands
        self._stands = CellSet()
        self.refresh()

    # Pixels.

    @property
    def _number(self) -> int:
        """The same for all pictures of this view: where the terminal keeps pictures, the new one
        replaces the old one."""
        return 1 + sum(map(ord, self.id or "view")) % 900

    def _place(self) -> Region:
        return self.content_region if self.is_attached and self.display else Region()

    def _whole(self) -> None:
        self._quick = False
        self._later(AT_ONCE)

    def _start(self) -> None:
        """Encode and paint, in the background; asked again meanwhile it does so once more."""
        self._again = True
        if not self._busy:
            self._busy = True
            self.run_worker(self._work(), exclusive=False, exit_on_error=False, group="pixels")

    async def _work(self) -> None:
        """One picture after the other, each the newest when the line had room for it. A line that
        is slow is given another one where there is a newer one by then, but not twice in a row."""
        dropped = False  # of a film there would be nothing, were none painted that is late
        try:
            await self.writer.ready()
            while self._again:
                self._again = False
                place, picture, detail = self._place(), self.picture, self._detail
                if picture is None or place.area == 0 or not self._paints:
                    continue
                wanted, order = self._wanted, self._order(place)
                if not self._fine:
                    encoded = await asyncio.to_thread(encode, picture, order)
                    now = self._wanted
                    if now[0] is None:
                        continue
                    stale = now != wanted and self.writer.seconds > SLOW and not dropped
                    if stale or now[1] != wanted[1]:  # which has moved meanwhile
                        self._again = dropped = True
                        continue
                    dropped = False
                    self._encoded = wanted, detail, encoded
                    if now != wanted and not self._over and not self._mosaic:
                        self._put(encoded)
                self._mend()
                await self.writer.ready()  # which may tell that the link is quicker
                self._again = self._again or not (self._over or self._fine)
        finally:
            self._busy = False

    def _order(self, place: Region) -> EncodeOptions:
        writer, quick = self.writer, self._quick
        full = self.screen.has_class("-full")
        limit = writer.shown(self.largest) if self.largest else writer.largest(full)
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

    def _forget(self) -> None:
        self._encoded = self._painted = self._strips = None
        self._mosaic = False
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


def _cells(encoded: Encoded) -> CellSet:
    """Those that it is painted over."""
    return CellSet.of(Region(encoded.column, encoded.row, encoded.columns, encoded.rows))
