"""How the film looks: a line with its keys and beats, curves of what moves below it, and words."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text

from latty.errors import LattyError
from latty.presets import Preset
from latty.presets.moments import TimeLine
from latty.text import printable
from latty_tui.desk import Desk
from latty_tui.films import film
from latty_tui.films.curves import CurveRow, curves
from latty_tui.films.moves import TrackKey, marks
from latty_tui.films.times import line_of, unit_of
from latty_tui.films.times import words as time_words
from latty_tui.state import State
from latty_tui.widgets.lines import fitted

LINE = 12  # cells of the line at least, where words are beside it
LABEL = 18  # cells for the words beside a curve, at most a third of the width
APART = 3  # cells from one beat to the next, at least


@dataclass(frozen=True, slots=True)
class Place:
    """Where the film is that is played or looked at: a frame, how many there are, when it is as a
    share of the film, and whether it stands there."""

    frame: int
    frames: int
    moment: float
    stands: bool

    def is_at(self, share: float) -> bool:
        """Whether the frame is the one of a moment."""
        return abs(share - self.moment) < 0.5 / self.frames


@dataclass(frozen=True, slots=True)
class Room:
    """The panel's rows and columns. `beside`: words stand beside the line, as there is no row for
    them."""

    width: int
    height: int
    beside: bool

    def cells(self, state: State, curves: int) -> int:
        """Cells of the line, and of as many curves."""
        if self.beside:
            return max(LINE, self.width - words(state, None).cell_len - 2)
        return max(LINE, self.width - self.label - 1) if curves else self.width

    @property
    def label(self) -> int:
        """Cells of the words beside a curve."""
        return min(LABEL, self.width // 3)

    @property
    def curves(self) -> int:
        """Rows for curves."""
        return max(0, self.height - (1 if self.beside else 2))


def text(state: State, room: Room, chosen: int | None, place: Place | None,
         below: Sequence[CurveRow] = ()) -> Text:  # fmt: skip
    """The rows. `chosen` = the key under the cursor."""
    drawn, hidden = below[: room.curves], below[room.curves :]
    also = others(hidden, place) if drawn else ""
    cells, said = room.cells(state, len(drawn)), words(state, place, chosen, also)
    first = line(state, cells, chosen, place) or advice(state)
    rows = [first]
    if room.beside:
        rows = [Text("  ").join([first, said])] if said else [first]
    for one in drawn:
        rows.append(curve(one, cells, room.width - cells - 1, place))
    if not room.beside:
        rows.append(said)
    found = Text("\n").join(rows)
    found.no_wrap, found.overflow = True, "ellipsis"
    return found


def curve(row: CurveRow, cells: int, label: int, place: Place | None) -> Text:
    """A row of bars and its label; where the film is played or looked at, the value there."""
    said = row.value(None if place is None else place.moment)
    name = fitted(row.name, min(len(row.name), max(4, label - len(said) - 1)))  # numbers are whole
    apart = "  " if len(name) + len(said) + 2 <= label else " "
    found = Text.assemble(
        row.bars.ljust(cells), (f" {fitted(f'{name}{apart}{said}', label)}", "dim")
    )
    if place is not None:
        at = round(place.moment * (cells - 1))
        found.stylize("bold reverse", at, at + 1)
    return found


def others(hidden: Sequence[CurveRow], place: Place | None) -> str:
    """What moves and has no row: its name, or its value where the film is."""
    if place is None:
        return f"also {', '.join(row.name for row in hidden)}" if hidden else ""
    return "  ".join(f"{row.name} {row.value(place.moment)}" for row in hidden)


def places(found: Sequence[TrackKey], width: int) -> list[int]:
    """Where the keys are on a line."""
    return [round(one.share * (width - 1)) for one in found]


def line(state: State, width: int, chosen: int | None, place: Place | None) -> Text | None:
    """Diamonds where the keys are, beats, and how far the film is; None where nothing moves."""
    found = _marks(state)
    if width < 2 or not (found or place or film.moving(state)):
        return None
    cells = ["─" if len(found) != 1 or place else " "] * width
    where = places(found, width)
    for one, (start, stop) in zip(found, pairwise(where), strict=False):
        for at in range(start, stop) if one.easing else ():
            cells[at] = "═" if one.easing == "hold" else "┄"
    for at in beats(line_of(state.film), width):
        cells[at] = "┴"
    for at in where:
        cells[at] = "◆"
    if place is not None:
        cells[round(place.moment * (width - 1))] = "●"
    shown = Text("".join(cells))
    if chosen is not None and where:
        at = where[min(chosen, len(where) - 1)]
        shown.stylize("bold reverse", at, at + 1)
    return shown


def _marks(state: State) -> tuple[TrackKey, ...]:
    try:
        return marks(state)
    except LattyError:  # times that do not rise: saying why is for those who change them
        return ()


def beats(time: TimeLine, width: int) -> list[int]:
    """Cells at which a beat is; only each second, fourth, ... where they would touch."""
    if time.bpm is None or not time.seconds:
        return []
    step = 1
    while time.share(f"{step}b") * (width - 1) < APART:
        step *= 2
    counts = range(0, int(time.seconds * time.bpm / 60) + 1, step)
    return [round(min(1.0, time.share(f"{count}b")) * (width - 1)) for count in counts]


def advice(state: State) -> Text:
    """What to say where there are no keyframes."""
    return Text("no film yet: K keeps a keyframe", "dim")


def words(state: State, place: Place | None, chosen: int | None = None, also: str = "") -> Text:
    """How long it is and how it moves; of the chosen key, when it is and how it goes on; where it
    is that is played or looked at, and what else is so there: `also`."""
    keys, how = len(state.keys), state.film
    moving, said = film.moving(state), Text()
    if composed := film.composed(state, place is not None):
        said.append(f"{composed}  ")
    if keys < 2 and not moving:
        return said.append("1 keyframe: K keeps another" if keys else "", "dim")
    if place is not None:
        sign = "●" if place.stands else "▶"
        said.append(f"{sign} {how.lasts * place.moment:.2f} s ", "bold")
        said.append(f"frame {place.frame + 1} of {place.frames}  ")
    if chosen is not None and (found := _marks(state)) and (place is None or place.stands):
        at = min(chosen, len(found) - 1)
        if place is None or place.is_at(found[at].share):
            said.append(f"{of_key(state, found, at)}  ")
    if also:
        said.append(f"{also}  ")
    if film.jumps(state):
        said.append("jumps: L  ", "bold")
    parts = [f"{how.frames} frames, {how.lasts:.1f} s", f"{how.fps:g} fps",
             *([how.easing] if keys else []), how.loop]  # fmt: skip
    parts += [f"moves as in the file: {', '.join(map(printable, moving))}"] if moving else []
    said.append("  ".join(parts), "dim")
    return said


def of_key(state: State, found: Sequence[TrackKey], at: int) -> str:
    """`◆ 2 at 3b, 1.50 s → hold`; the last one goes nowhere."""
    one, seconds = found[at], f"{state.film.lasts * found[at].share:.2f} s"
    said = f"{time_words(one.said)}, " if unit_of(one.said) in ("b", "%", "ms") else ""
    place = f"◆ {at + 1} at {said}{seconds}"
    return place if at == len(found) - 1 or not one.easing else f"{place} → {one.easing}"


class CurveRows:
    """The rows of what moves now, sounds decoded in a thread; `changed` is called when they are
    other ones."""

    def __init__(self, desk: Desk, changed: Callable[[], object]) -> None:
        self.desk, self._changed = desk, changed
        self.rows: list[CurveRow] = []
        self._of: object = None  # what they are of

    def follow(self, shown: Preset | None, cells: int) -> None:
        """Those of a film, in so many cells; None = of none."""
        now = None if shown is None else (
            shown.scene.seed, shown.tracks, shown.sounds, shown.seconds, cells)  # fmt: skip
        if now == self._of:
            return
        self._of = now
        if shown is not None and shown.sounds:
            self.desk.background(self._listen(shown, cells, now), "curves")
        else:
            self._set([] if shown is None else curves(shown, cells))

    async def _listen(self, shown: Preset, cells: int, now: object) -> None:
        found = await asyncio.to_thread(curves, shown, cells)
        if self._of == now:
            self._set(found)

    def _set(self, rows: list[CurveRow]) -> None:
        self.rows = rows
        self._changed()
