"""Writes pixels to the terminal, through the app's own driver so that nothing is mixed.

After each picture the terminal is asked where its cursor is. Its answer says that the picture has
arrived: nothing newer is sent before, so a slow line never fills with stale pictures, and the time
it took is the speed of the link.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App

from latty_tui.drawing.around import AroundPictures
from latty_tui.drawing.cell_set import Span
from latty_tui.drawing.encoding import Encoded
from latty_tui.terminal import PICTURES
from latty_tui.terminal.probe import Terminal, window_cell

Spans = Sequence[Span]

PATIENCE = 5.0  # seconds to wait for the answer before going on without
DOUBT = 0.5  # the same, plus some round trips, while no answer has ever come
ASK = "\x1b[6n"
DETAILS = ((6e5, None), (2e5, 448), (6e4, 320))  # bytes/s of the link -> px of a whole picture
LEAST = 256  # px of one on a link that is slower still
TELLING, HEARD = 10_000, 0.3  # bytes, s: what is smaller and quicker says little of the link
RECENT = 5  # pictures that tell the speed
LARGEST, TMUX = 720, 640  # px on screen; tmux drops a picture of more than 1 MB
FULL = 1200  # px on a full screen
SIXEL = (
    1000  # px of a side that xterm, as it comes, shows of a sixel picture: a larger one is left out
)


class Painted(Protocol):
    """A widget whose cells have pixels over them."""

    def written(self, spans: Spans) -> None: ...
    def kept(self) -> Spans: ...
    def lost(self) -> None: ...
    def again(self) -> None: ...


class PixelWriter:
    """The one place that writes pixels; `app._driver` is private to Textual and used only here."""

    def __init__(self, app: App[Any], terminal: Terminal, way: str) -> None:
        self.app, self.terminal, self.way = app, terminal, way
        self.views: list[Painted] = []  # they come and go by themselves
        self.sent = 0  # pictures
        self.bytes = 0  # of the last picture
        self._speeds = deque[float]((), RECENT)  # bytes per second that the last ones came at
        self.seconds = 0.0  # that the last picture took to arrive
        self._asked: float | None = None
        self._arrived = asyncio.Event()
        self._arrived.set()
        self._answers, self._known = True, terminal.rtt > 0  # it has answered before

    @property
    def speed(self) -> float | None:
        """Bytes per second of the link: the best of late, as a busy machine only makes it seem
        slower. None = not known yet."""
        return max(self._speeds, default=None)

    @property
    def survives(self) -> bool:
        """Whether pictures stay where cells are written over them."""
        return self.way in PICTURES.names() and PICTURES.load(self.way).SURVIVES

    def largest(self, full: bool = False) -> int:
        """px of the longer side on screen; no matter of the link: a picture whose size jumps
        about cannot be compared with the one before."""
        return self.shown(TMUX if self.terminal.tmux else FULL if full else LARGEST)

    def shown(self, largest: int) -> int:
        """px of the longer side, at most as many as the terminal shows of one picture."""
        return min(largest, SIXEL) if self.way == "sixel" else largest

    @property
    def detail(self) -> int | None:
        """px of the longer side that the link carries well; None = all."""
        if self.speed is None:
            return None
        return next((px for speed, px in DETAILS if self.speed >= speed), LEAST)

    def around(self, update: Any) -> Any:
        """What Textual is about to write, without the cells whose pixels stand."""
        if not isinstance(update, ChopsUpdate | LayoutUpdate):
            return update
        return AroundPictures(update, [span for view in self.views for span in view.kept()])

    def written(self, spans: Spans) -> None:
        """Textual has written cells."""
        for view in self.views:
            view.written(spans)

    def again(self) -> None:
        """Encode and paint everything anew."""
        for view in self.views:
            view.again()

    def measure(self) -> None:
        """The size of a cell again: a resize may have been another font, and have taken pictures
        away."""
        for view in self.views:
            view.lost()
        self.terminal = replace(self.terminal, cell=window_cell() or self.terminal.cell)

    def write(self, data: str) -> None:
        """Write to the terminal, after everything that Textual has written."""
        driver = self.app._driver
        if driver is not None and not self.app.is_headless:
            driver.write(data)
            driver.flush()

    def paint(self, encoded: Encoded) -> None:
        """Draw at its place and put the cursor back; ?2026: shown at once where that is known."""
        at = f"\x1b[{encoded.row + 1};{encoded.column + 1}H"
        ask = ASK if self._answers else ""
        self.sent, self.bytes = self.sent + 1, len(encoded.data)
        self._arrived.clear()
        self._asked = time.monotonic()
        self.write(f"\x1b[?2026h\x1b7{at}{encoded.data}\x1b8\x1b[?2026l{ask}")
        if not ask:
            self._arrived.set()

    async def ready(self) -> None:
        """Wait until the last picture has arrived. A terminal that never says is asked no more."""
        patience = PATIENCE if self._known else DOUBT + 3 * self.terminal.rtt
        try:
            await asyncio.wait_for(self._arrived.wait(), patience)
        except TimeoutError:
            self._answers = self._known
            self._arrived.set()

    def arrived(self) -> None:
        """The terminal has answered."""
        if self._asked is None:
            return
        self.seconds = time.monotonic() - self._asked
        self._asked, self._known = None, True
        self._arrived.set()
        way = max(1e-4, self.seconds - self.terminal.rtt)
        if self.bytes < TELLING and way < HEARD:
            return
        self._speeds.append(self.bytes / way)

    def hide(self, number: int) -> None:
        """Take a picture away where it would outlive its cells."""
        if self.survives and (data := PICTURES.load(self.way).hide(number)):
            self.write(data)
