"""The strip: what the direction under the cursor does, from -3 to +3 σ, as small pictures."""

import asyncio
from dataclasses import replace
from math import ceil
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Static

from latty.scene import MIXING, Edit, Scene
from latty.text import printable
from latty_tui.drawing.encoding import EncodeOptions, array, fit, shrunk
from latty_tui.drawing.engine import EngineDied, EngineError, OpenModel
from latty_tui.drawing.picture import RawPicture
from latty_tui.drawing.pixels import PixelView
from latty_tui.library.direction_facts import guessed, strength_words
from latty_tui.panel import Panel
from latty_tui.state import State

REST = 0.15  # seconds that the cursor must rest
LULL = 1.5  # seconds after a change of the picture: that comes first, and alone
SPAN = 3.0  # σ
COUNTS = (7, 5, 3)
GAP = 2  # px between two pictures
ROWS, SHORT_ROWS = 8, 4  # at most, of a tall and of a short terminal
LEAST, LEAST_BLOCKS = 7, 10  # cells across that a picture needs
LARGEST = 1024  # px across
KEPT = 32  # strips

StripKey = tuple[tuple[Scene, ...], int, int]  # of how many, the colour between


class StripPanel(Panel, Vertical):
    """A row of pictures and their strengths; a click takes one."""

    PLACE, ORDER, TITLE, JUMP = "centre", 20, "strip", "v"
    HELP = (
        "The present picture with the direction under the cursor at strengths from -3 to +3 σ, "
        "drawn as soon as the cursor rests. Click one, or go along with left and right, to set "
        "that strength. v hides the strip or brings it back."
    )
    can_focus = True
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("v", "turn", "Strip of strengths on or off", show=False),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "Weaker", id="strip.weaker"),
        Binding("right,l", "step(1)", "Stronger", id="strip.stronger"),
    ]

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.ref: str | None = None
        self._of = ""  # the model that `ref` is for
        self.shown: StripKey | None = None
        self._kept: dict[StripKey, RawPicture] = {}
        self._timer: Timer | None = None
        self._said: tuple[Text, Text] | None = None
        self._shape = 1.0  # width of one picture by its height

    def compose(self) -> ComposeResult:
        view = PixelView(self.desk.writer, "strip-pixels")
        view.largest = LARGEST
        yield view
        yield Static("", id="strip-words", markup=False)

    @property
    def view(self) -> PixelView:
        return self.query_one(PixelView)

    def on_mount(self) -> None:
        self._label()

    # What the app tells.

    def on_direction(self, ref: str | None) -> None:
        """The direction under the cursor of the list that is worked in; None = none that fits."""
        if ref is not None and ref != self.ref:
            self.ref = ref
            self._soon()

    def on_opening(self, ref: str) -> None:
        if ref != self._of:  # directions of another model fit no more
            self._of, self.ref = ref, None

    def on_state(self, state: State) -> None:
        wanted = self.desk.view.strip
        if wanted is not None and not self.has_class("-on" if wanted else "-off"):
            self._turn(wanted)  # as it was left
        self._label()
        self._soon(LULL)

    def on_model(self, model: OpenModel | None) -> None:
        self._kept.clear()
        self._clear()
        self._soon()

    def on_sets(self, moved: object) -> None:
        self._kept.clear()
        self._soon()

    def on_engine_ready(self, event: object) -> None:
        self._soon()

    def on_resize(self) -> None:
        self._measure()
        self._label()
        self._soon()

    def on_show(self) -> None:
        self._soon()

    # Drawing.

    @property
    def seen(self) -> bool:
        return bool(self.display) and self.content_size.width > 0

    def _soon(self, rest: float = REST) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(rest, self._start)

    def _start(self) -> None:
        self._timer = None
        if self.seen and self.ref is not None and self.desk.known is not None:
            self.desk.background(self._draw(self.ref), "strip")

    async def _draw(self, ref: str) -> None:
        key = self._key(ref)
        picture = self._kept.get(key)
        if picture is None:
            picture = await self._asked(key, ref)
        if picture is None or ref != self.ref or key != self._key(ref):
            return
        self.shown = key
        self._shape = (picture.width - GAP * (key[1] - 1)) / key[1] / picture.height
        self._measure()
        self._label()
        if self.view.picture is not picture:
            self.view.show(picture)
        self.call_after_refresh(self._label)  # where the pictures are once they have their rows

    async def _asked(self, key: StripKey, ref: str) -> RawPicture | None:
        scenes, count, ground = key
        try:
            drawn = await self.desk.engine.draw(
                scenes, "strip", columns=count, size=self._height(), gap=GAP, ground=ground
            )
        except EngineDied:
            return None
        except EngineError as error:
            self._clear(printable(error.message))
            return None
        if drawn is None:
            return None
        if why := dict(drawn.broken).get(ref):
            self._clear(printable(why))
            return None
        picture: RawPicture = drawn
        if drawn.width > LARGEST:
            picture = await asyncio.to_thread(shrunk, array(drawn), LARGEST)
        if len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = picture
        return picture

    def _key(self, ref: str) -> StripKey:
        return self._scenes(ref), self._count(), self.view.ground

    def _scenes(self, ref: str) -> tuple[Scene, ...]:
        """The present picture at each strength, whether the direction is heard or not."""
        state, at = self.desk.state.along(ref)
        solo = state.solo | {at} if state.solo else state.solo
        state = replace(state, muted=state.muted - {at}, solo=solo)
        return tuple(state.edited(at, strength=number).shown for number in self._strengths())

    def _strengths(self) -> list[float]:
        """Of a seed, shares of the way to it."""
        count = self._count()
        low, high = (0.0, 1.0) if (self.ref or "").startswith(MIXING) else (-SPAN, SPAN)
        return [round(low + (high - low) * i / (count - 1), 4) for i in range(count)]

    def _clear(self, words: str = "") -> None:
        self.shown = None
        if self.view.picture is not None:
            self.view.show(None)
        self._label(words)

    # Sizes, in cells and px.

    def _count(self) -> int:
        """How many pictures there is room for."""
        # Whatever covers the view for a while: what is behind a dialog comes back as it was.
        blocks = self.desk.writer.way in ("blocks", "saved", "off") or self.app.is_headless
        least = LEAST_BLOCKS if blocks else LEAST
        return next((n for n in COUNTS if self.content_size.width >= n * least), COUNTS[-1])

    def _height(self) -> int:
        """px of one picture, as the place allows."""
        across = self.content_size.width * self.desk.writer.terminal.cell[0] / self._count()
        most = SHORT_ROWS if self.screen.has_class("-short") else ROWS
        down = most * self.desk.writer.terminal.cell[1]
        return max(16, int(min(down, (across - GAP) / self._shape)))

    def _measure(self) -> None:
        """As many rows as the pictures are high."""
        if self.content_size.width:
            rows = ceil(self._height() / self.desk.writer.terminal.cell[1])
            if self.view.styles.height is None or self.view.styles.height.value != rows:
                self.view.styles.height = rows

    def _span(self) -> tuple[float, float]:
        """The left edge and the width in cells of what is shown."""
        place, cell, picture = (
            self.view.content_size,
            self.desk.writer.terminal.cell,
            self.view.picture,
        )
        if picture is None or not place.area:
            return 0.0, float(place.width)
        way = "blocks" if self.view.as_cells else self.desk.writer.way
        order = EncodeOptions(way, (0, 0, place.width, place.height), cell, largest=LARGEST)
        width = fit(picture, order)[0] / cell[0]
        return (place.width - ceil(width)) // 2, width

    # Words and clicks.

    def _label(self, words: str = "") -> None:
        """The direction on the border, strengths below their pictures, the present one bold."""
        title = Text(f"strip: {guessed(self.ref).name}" if self.ref else "strip")
        text = self._below(words)
        before, self._said = self._said, (title, text)
        if before is None or before[0] != title:  # the border is drawn with all that is in it
            self.entitle(title.plain)
        if before is None or before[1] != text:
            self.query_one("#strip-words", Static).update(text, layout=False)

    def _below(self, words: str) -> Text:
        if words or self.ref is None or self.shown is None:
            return Text(words or ("" if self.ref else "no direction under the cursor"), "dim")
        text, (left, width) = Text(no_wrap=True), self._span()
        numbers, now = self._strengths(), self._present()
        for i, number in enumerate(numbers):
            label = strength_words(Edit(self.ref, number))
            middle = left + width * (i + 0.5) / len(numbers)
            text.append(" " * max(0, round(middle - len(label) / 2) - text.cell_len))
            near = now is not None and abs(now - number) < (numbers[1] - numbers[0]) / 2
            text.append(label, "bold reverse" if near else "dim")
        return text

    def _present(self) -> float | None:
        """The strength in the stack, 0 where the direction is not in it."""
        state = self.desk.state
        at = state.where(self.ref or "")
        return 0.0 if at is None else state.scene.edits[at].strength

    def on_click(self, event: events.Click) -> None:
        left, width = self._span()
        at = event.screen_x - self.view.content_region.x - left
        if self.shown is not None and 0 <= at < width:
            self._set(self._strengths()[int(at / width * len(self._strengths()))])

    def action_step(self, by: int) -> None:
        """The next strength of the strip."""
        if self.ref is None:
            return
        now, numbers = self._present() or 0.0, self._strengths()
        beyond = [n for n in numbers if (n - now) * by > 1e-6]
        if beyond:
            self._set(min(beyond, key=lambda n: abs(n - now)))

    def _set(self, strength: float) -> None:
        if self.ref is not None:
            state, at = self.desk.state.along(self.ref)
            state = state.edited(at, strength=strength)
            words = f"{guessed(self.ref).name} {strength_words(state.scene.edits[at])}"
            self.desk.change(state, words, f"strength:{at}")

    def action_turn(self) -> None:
        """Show it or hide it; until then it is there where the terminal is tall."""
        self.desk.view = replace(self.desk.view, strip=not self.seen)
        self.desk.remember()
        self._turn(not self.seen)

    def _turn(self, on: bool) -> None:
        self.set_class(on, "-on")
        self.set_class(not on, "-off")
        if on:
            self.call_after_refresh(self._soon)


PANEL = StripPanel
