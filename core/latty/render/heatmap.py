"""A table of numbers from -1 to 1 as a picture: blue below 0, white, red above, names beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite

import numpy as np

from latty.presets import fonts
from latty.presets.formats import Pixels
from latty.render import lettering

PAPER, INK, EMPTY = (255, 255, 255), (24, 24, 27), (225, 225, 228)
LOW, HIGH = (33, 82, 168), (178, 24, 43)  # of -1 and 1
SIDE = 1200  # px that the cells of a table take at most, where they can be 4 px and more
CELLS = (4, 46)  # px of a cell
NAMED, NUMBERED = 9, 34  # px of a cell from which on its names, and its number, can be read
LONGEST = 24  # characters of a name


@dataclass(frozen=True, slots=True)
class HeatMap:
    """One table (J, K) with the names of rows and columns, and a line above it. In the place of a
    name that latty's font cannot draw stands its number, of such letters in the line "…"."""

    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    table: Sequence[Sequence[float]]


def drawn(maps: Sequence[HeatMap]) -> Pixels:
    """The tables one below the other, and what the colours mean, (H, W, 3)."""
    parts = [*map(_drawn, maps), _legend()]
    width = max(part.shape[1] for part in parts)
    sheet = np.full((sum(part.shape[0] for part in parts), width, 3), PAPER, np.uint8)
    top = 0
    for part in parts:
        sheet[top : top + part.shape[0], : part.shape[1]] = part
        top += part.shape[0]
    return sheet


def _drawn(one: HeatMap) -> Pixels:
    cell = max(CELLS[0], min(CELLS[1], SIDE // max(len(one.rows), len(one.columns))))
    size = max(9, min(15, cell - 2))
    rows, columns = _names(one.rows), _names(one.columns)
    left, above = (_room(names, size) if cell >= NAMED else 16 for names in (rows, columns))
    title, above_all = 34, lettering.drawable(one.title)
    height, width = title + above + len(one.rows) * cell, left + len(one.columns) * cell
    sheet = np.full((height + 16, max(width, _width(above_all, 16) + 16) + 16, 3), PAPER, np.uint8)
    _write(sheet, above_all, 16, (title / 2, 16.0), 0.0)
    for j, row in enumerate(one.table):
        y = title + above + j * cell
        for k, value in enumerate(row):
            x = left + k * cell
            sheet[y : y + cell, x : x + cell] = colour = _colour(value)
            if cell >= NUMBERED and isfinite(value):
                dark = sum(colour) < 380
                place = (y + cell / 2, x + cell / 2)
                _write(
                    sheet, f"{round(value, 2) + 0.0:.2f}", 12, place, 0.5, PAPER if dark else INK
                )
        if cell >= NAMED:
            _write(sheet, rows[j], size, (y + cell / 2, left - 6.0), 1.0)
    if cell >= NAMED:
        side = sheet.transpose(1, 0, 2)[:, ::-1]  # names of columns are read from below
        for k, name in enumerate(columns):
            middle = left + (k + 0.5) * cell
            _write(side, name, size, (middle, height + 16 - (title + above - 6.0)), 0.0)
    return sheet


def _legend() -> Pixels:
    """A bar of the colours from -1 to 1."""
    sheet = np.full((40, 16 + 240 + 40, 3), PAPER, np.uint8)
    for x in range(201):
        sheet[8:20, 16 + x] = _colour(x / 100 - 1)
    for value in (-1, 0, 1):
        _write(sheet, f"{value:+d}" if value else "0", 12, (30, 16 + 100 * (value + 1)), 0.5)
    return sheet


def _colour(value: float) -> tuple[int, int, int]:
    if not isfinite(value):
        return EMPTY
    end, share = HIGH if value > 0 else LOW, min(1.0, abs(value))
    red, green, blue = (
        round(paper + (full - paper) * share) for paper, full in zip(PAPER, end, strict=True)
    )
    return red, green, blue


def _names(names: Sequence[str]) -> list[str]:
    """What stands for names: not too long, and of letters that can be drawn."""
    short = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in names]
    return lettering.numbered(short)


def _width(text: str, size: int) -> int:
    return ceil(lettering.width_of(text, fonts.own(), size))


def _room(names: Sequence[str], size: int) -> int:
    return max(_width(name, size) for name in names) + 28


def _write(
    sheet: Pixels,
    text: str,
    size: int,
    place: tuple[float, float],
    align: float,
    colour: tuple[int, int, int] = INK,
) -> None:
    """Letters around a height, from x = place[1] on (align 0), about it (0.5) or up to it (1)."""
    letters, middle = lettering.one_line(text, size)
    mask = letters / 255
    top, left = round(place[0] - middle), round(place[1] - align * mask.shape[1])
    first = max(0, top), max(0, left)
    last = min(sheet.shape[0], top + mask.shape[0]), min(sheet.shape[1], left + mask.shape[1])
    if last[0] <= first[0] or last[1] <= first[1]:
        return
    part = sheet[first[0] : last[0], first[1] : last[1]]
    share = mask[first[0] - top : last[0] - top, first[1] - left : last[1] - left, None]
    part[:] = np.rint(part * (1 - share) + np.array(colour) * share)
