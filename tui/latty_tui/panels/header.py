"""The top line: the scene as a path, and at its right end the machine: where it runs, how fast."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.text import Text
from textual.widget import Widget

from latty.scene import FP32, Walk
from latty.text import printable
from latty_tui.drawing.engine import Drawn, OpenModel
from latty_tui.finding import Thing
from latty_tui.panel import Panel
from latty_tui.state import State

BESIDE = 2.0  # seconds between two looks for other studios
LOOK = 1.0  # seconds between two looks at what is measured
RECENT = 1.0  # seconds between two pictures within which they are a sequence, and have a rate
FEW = 4  # pictures that are a sequence
GAP = "  "
STEP = "▸"
NAME = 28  # characters of a model's name


@dataclass(frozen=True, slots=True)
class HeaderPart:
    """Some words; where there is no room, those with the largest `rank` go first."""

    rank: int
    words: str
    style: str = ""
    right: bool = False


def fitted(parts: list[HeaderPart], width: int) -> Text:
    """The parts that fit into so many cells, the right ones at the right edge."""
    kept = sorted(parts, key=lambda part: part.rank)
    while kept and _cells(kept) > width:
        kept.pop()
    kept = [part for part in parts if part in kept]
    left = Text(GAP).join(Text(p.words, p.style) for p in kept if not p.right)
    right = Text(GAP).join(Text(p.words, p.style) for p in kept if p.right)
    return Text.assemble(left, " " * (width - left.cell_len - right.cell_len), right)


def _cells(parts: list[HeaderPart]) -> int:
    words = sum(Text(part.words).cell_len for part in parts)
    return words + len(GAP) * max(0, len(parts) - 1)


class HeaderPanel(Panel, Widget):
    """One row, told anew when something in it changes."""

    PLACE, ORDER, TITLE = "top", 10, "header"
    can_focus = False

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._drawn: Drawn | None = None
        self._moments: deque[float] = deque(maxlen=9)  # of the last pictures of a sequence
        self._opening = ""
        self._which = ""  # of several studios
        self._said = Text()

    def on_mount(self) -> None:
        self.set_interval(LOOK, self._look)
        self.set_interval(BESIDE, self._ask_which)
        self._ask_which()

    def things(self) -> Iterator[Thing]:
        from latty_tui.panels.timeline.editor import edit_settings

        more = "device, precision, folders ...: they hold from the next start on"
        words = "settings config preferences options device gpu"
        go = partial(edit_settings, self.desk)
        yield Thing("Settings in your editor", "studio", go, more=more, words=words)

    # What it hears of.

    def on_state(self, state: State) -> None:
        self._look()

    def on_model(self, model: OpenModel | None) -> None:
        self._opening = ""
        self._look()

    def on_opening(self, ref: str) -> None:
        self._opening = ref
        self._look()

    def on_drawn(self, drawn: Drawn) -> None:
        now = time.monotonic()
        if self._moments and now - self._moments[-1] > RECENT:
            self._moments.clear()
        self._moments.append(now)
        self._drawn = drawn  # told with the next change or look: a key writes the screen once

    def on_engine_died(self, event: object) -> None:
        self._drawn = None
        self._look()

    def on_resize(self) -> None:
        self._look()

    def _ask_which(self) -> None:
        self.desk.background(self._hear_which(), "which")

    async def _hear_which(self) -> None:
        """Another studio may have been opened, or closed."""
        self._which = await self.desk.which()

    def _look(self) -> None:
        said = fitted(list(self._parts()), max(0, self.size.width - 1))
        if said != self._said or said.spans != self._said.spans:
            self._said = said
            self.refresh()

    def render(self) -> Text:
        return self._said

    def _rate(self) -> float | None:
        """Pictures per second, while they come in a row."""
        moments = self._moments
        if len(moments) < FEW or time.monotonic() - moments[-1] > RECENT:
            return None
        return (len(moments) - 1) / max(1e-3, moments[-1] - moments[0])

    # What it says.

    def _parts(self) -> Iterator[HeaderPart]:
        yield HeaderPart(6, " latty", "bold")
        if self._which:
            yield HeaderPart(3, self._which)
        yield from self._scene()
        yield from self._machine()

    def _scene(self) -> Iterator[HeaderPart]:
        """`demo ▸ seed 7 ▸ ψ 0.80`, as one part each so that the last goes first."""
        model, scene = self.desk.model, self.desk.state.scene
        name = Path(scene.model).stem if "/" in scene.model else scene.model
        yield HeaderPart(1, printable(name)[:NAME], "bold")
        if self._opening:
            yield HeaderPart(3, "opening ...")
        elif model is None:
            yield HeaderPart(3, "not open")
        seed = "walk" if isinstance(scene.seed, Walk) else str(scene.seed)
        start = (
            f"seed {seed}" if scene.latent is None else f"latent {printable(scene.latent)[:NAME]}"
        )
        yield HeaderPart(2, f"{STEP} {start}")
        yield HeaderPart(4, f"{STEP} ψ {scene.truncation:.2f}")

    def _machine(self) -> Iterator[HeaderPart]:
        drawn = self._drawn
        if device := drawn.device if drawn else self.desk.device:
            numbers = f" {drawn.precision}" if drawn and drawn.precision != FP32 else ""
            yield HeaderPart(5, printable(device) + numbers, right=True)
        if drawn and drawn.memory and drawn.device != "cpu":
            used, whole = (amount / 2**30 for amount in drawn.memory)
            yield HeaderPart(9, f"{used:.1f} of {whole:.0f} GiB", right=True)
        if drawn:
            yield HeaderPart(7, f"{drawn.ms:.0f} ms", right=True)
        if (rate := self._rate()) is not None:
            yield HeaderPart(8, f"{rate:.0f} a second", right=True)


PANEL = HeaderPanel
