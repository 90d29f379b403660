"""One slider as a line of text: where its parts are, what they say, what a cell of it means."""

import math
from dataclasses import dataclass

from latty.scene import MIXING, Edit
from latty_tui.library.direction_facts import DirectionFacts, strength_words
from latty_tui.widgets.lines import LinePart, fitted

WIDE = 34  # cells from which layers are told, too
FLAGS, VALUE, LAYERS = 2, 6, 5
FINE, COARSE = {"sigma": 0.1, "own": 0.02, "share": 0.05}, {"sigma": 1.0, "own": 0.2, "share": 0.25}


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells of the parts of a row."""

    name: int
    bar: int
    layers: int

    @property
    def start(self) -> int:
        """The first cell of the bar."""
        return FLAGS + self.name + 1


def columns(width: int) -> Columns:
    """How a row of `width` cells is divided."""
    layers = LAYERS if width >= WIDE else 0
    rest = width - FLAGS - VALUE - layers - 2 - bool(layers)
    name = max(4, rest * 11 // 20)
    return Columns(name, max(3, rest - name), layers)


def unit_of(edit: Edit) -> str:
    """What a strength counts: sigma, the direction's own unit, or a share of the way to a seed."""
    return "share" if edit.direction.startswith(MIXING) else edit.unit


def usable(edit: Edit, known: DirectionFacts) -> tuple[float, float]:
    """The strengths that can be used, zero among them."""
    low, high = (-1.0, 1.0) if unit_of(edit) == "own" else known.usable
    return min(low, 0.0), max(high, 0.0)


def beyond(edit: Edit, known: DirectionFacts) -> bool:
    """Whether an edit goes further than is usable."""
    low, high = usable(edit, known)
    return not low - 1e-6 <= edit.strength <= high + 1e-6


def span(edit: Edit, known: DirectionFacts) -> tuple[float, float]:
    """The strengths at the ends of a bar: zero is in the middle of each, so that bars can be
    compared; it reaches as far as is usable, and as far as this one is."""
    low, high = usable(edit, known)
    most = max(-low, high)
    if abs(edit.strength) > most:
        most = float(math.ceil(abs(edit.strength)))
    return -most, most


def cell_of(value: float, ends: tuple[float, float], width: int) -> int:
    """The cell of a bar where a value is."""
    share = (value - ends[0]) / (ends[1] - ends[0])
    return max(0, min(width - 1, round(share * (width - 1))))


def value_of(cell: float, ends: tuple[float, float], width: int, fine: float) -> float:
    """The value that a cell of a bar means: in fine steps, zero where zero is drawn."""
    if round(cell) == cell_of(0.0, ends, width):
        return 0.0
    share = max(0.0, min(1.0, cell / max(1, width - 1)))
    value = ends[0] + share * (ends[1] - ends[0])
    return max(ends[0], min(ends[1], round(round(value / fine) * fine, 6)))


def bar(edit: Edit, known: DirectionFacts, width: int, heard: bool) -> list[LinePart]:
    """The bar: a line where it is usable, bold from zero to the knob."""
    ends = span(edit, known)
    zero, knob = cell_of(0.0, ends, width), cell_of(edit.strength, ends, width)
    low, high = (cell_of(value, ends, width) for value in usable(edit, known))
    signs = ["─" if low <= cell <= high else " " for cell in range(width)]
    first, last = sorted((zero, knob))
    signs[first : last + 1] = "━" * (last - first + 1)
    signs[zero] = "┼"
    signs[knob] = "◆" if heard and edit.strength and edit.amount else "◇"
    look = "wrong" if beyond(edit, known) else "value"
    look = look if heard else "off"
    text = "".join(signs)
    parts = [LinePart(text[:first], "dim"), LinePart(text[first : last + 1], look)]
    return [*parts, LinePart(text[last + 1 :], "dim")]


def line(edit: Edit, known: DirectionFacts, width: int, heard: bool, flags: str) -> list[LinePart]:
    """A row of the stack."""
    place = columns(width)
    look = "off" if not heard else "wrong" if known.wrong else ""
    strong = "wrong" if beyond(edit, known) else "strong"
    parts = [
        LinePart(fitted(flags, FLAGS), "strong"),
        LinePart(fitted(known.name, place.name) + " ", look),
        *bar(edit, known, place.bar, heard),
        LinePart(
            f" {right(strength_words(edit), VALUE)}", strong if heard and edit.strength else "dim"
        ),
    ]
    if place.layers:
        words = right(layer_words(edit, known), LAYERS)
        parts.append(LinePart(f" {words}", "dim" if edit.layers is None else ""))
    return parts


def right(text: str, width: int) -> str:
    """Short text at the right of its place."""
    return fitted(text.rjust(width), width)


def layer_words(edit: Edit, known: DirectionFacts) -> str:
    """The layers an edit acts in, as files write them: its own, or the direction's."""
    if known.space.startswith("activation:"):
        return "inner"
    return str(known.layers if edit.layers is None else edit.layers)
