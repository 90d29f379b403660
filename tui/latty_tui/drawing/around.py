"""What Textual writes, without the cells whose pixels stand: a dialog beside a picture leaves it as
it is, and one above it takes only its own cells. Private to Textual: what a compositor hands out.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from latty_tui.drawing.cell_set import Span

Piece = tuple[int, int, int, int, Strip]  # y, from x, to x, the strip's own x, the strip


class AroundPictures(CompositorUpdate):
    """An update of the screen but for the cells of `kept`."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, kept: Iterable[Span]) -> None:
        pieces = _of_chops(update) if isinstance(update, ChopsUpdate) else _of_layout(update)
        holes = dict[int, list[tuple[int, int]]]()
        for y, first, last in kept:
            holes.setdefault(y, []).append((first, last))
        self._pieces = [
            (y, start, end, x, strip)
            for y, first, last, x, strip in pieces
            for start, end in without((first, last), holes.get(y, ()))
        ]

    @property
    def spans(self) -> list[Span]:
        """What is written."""
        return [(y, first, last) for y, first, last, _, _ in self._pieces]

    def render_segments(self, console: Console) -> str:
        """What the terminal is sent."""
        return "".join(
            Control.move_to(first, y).segment.text + strip.crop(first - x, last - x).render(console)
            for y, first, last, x, strip in self._pieces
        )


def _of_chops(update: ChopsUpdate) -> Iterator[Piece]:
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x < last and end > first:
                yield y, max(x, first), min(end, last), x, strip


def _of_layout(update: LayoutUpdate) -> Iterator[Piece]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield y, x, x + strip.cell_length, x, strip
            x += strip.cell_length


def without(span: tuple[int, int], holes: Collection[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What is left of the cells from x to x."""
    first, last = span
    for start, end in sorted(holes):
        if end > first and start < last:
            if start > first:
                yield first, start
            first = max(first, end)
    if first < last:
        yield first, last


def above(screens: Sequence[Screen[Any]], view: Widget) -> list[Region]:
    """Where there is something over a widget: toasts, and dialogs above its screen, also those that
    have another dialog above them."""
    found, place = list[Region](), view.content_region
    below = {*screens, *view.ancestors}
    for screen in screens[screens.index(view.screen) :] if view.screen in screens else screens:
        for widget, (region, clip) in screen._compositor.visible_widgets.items():  # nearest first
            if widget is view:
                break
            seen = region.intersection(clip).intersection(place)
            if seen.area and widget not in below:
                found.append(seen)
    return found
