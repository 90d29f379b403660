"""Plots of a ranking as SVG, written here: curves with their spread, violins, a heat map."""

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from statistics import fmean, pstdev

from latty.rank.baseline import BestOfRandom
from latty.rank.table import RankRow
from latty.rank.walk_curves import Curves
from latty.text import clean

WIDTH, HEIGHT = 300, 200  # px of a plot of one direction
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 22, 30  # px around its axes
CELL, ROW = 54, 18  # px of a cell of the heat map
LONGEST, WORDS = 28, 40  # letters of a name; of the words above and below a plot
MOST = 5  # digits behind the point
DARK = 0.6  # of the largest; on such a cell figures are white
INK, FAINT, LINE = "#222", "#888", "#2a6fb0"
FONT = 'font-family="system-ui, sans-serif" font-size="11"'


def _text(x: float, y: float, words: str, anchor: str = "start", colour: str = INK,
          limit: int = LONGEST) -> str:  # fmt: skip
    said = escape(clean(words, limit))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{said}</text>'


def _svg(width: float, height: float, parts: Iterator[str]) -> str:
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {FONT}>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{inside}\n</svg>\n'
    )


class PlotAxes:
    """Where numbers lie in a plot of one direction; `side` px are left free at both ends."""

    def __init__(self, across: Sequence[float], values: Sequence[float], side: float = 0) -> None:
        self.first, self.last, self.side = across[0], across[-1], side
        low, high = min(values), max(values)
        room = (high - low) * 0.05 or abs(high) * 0.1 or 1.0
        self.low, self.high = low - room, high + room

    def x(self, strength: float) -> float:
        share = (strength - self.first) / (self.last - self.first)
        return LEFT + self.side + share * (WIDTH - LEFT - RIGHT - 2 * self.side)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def path(self, across: Sequence[float], values: Sequence[float]) -> str:
        points = (f"{self.x(a):.1f},{self.y(v):.1f}" for a, v in zip(across, values, strict=True))
        return " ".join(points)

    def word(self, value: float) -> str:
        """A number of the values' axis, as exact as its range asks for."""
        digits = max(2 - math.floor(math.log10(self.high - self.low)), 0)
        if abs(value) >= 1e6 or (digits > MOST and abs(value) < 0.01):
            return f"{value:.1e}"
        digits = min(digits, MOST)
        return f"{round(value, digits) + 0.0:.{digits}f}"

    def frame(self, title: str, below: str) -> Iterator[str]:
        """The axes with the numbers at their ends, a line at 0, a title."""
        left, right, top, bottom = LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM
        yield f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="{FAINT}"/>'
        if self.low < 0 < self.high:
            at = self.y(0)
            yield f'<path d="M{left} {at:.1f}H{right}" stroke="#ddd"/>'
        if self.first < 0 < self.last:
            at = self.x(0)
            yield f'<path d="M{at:.1f} {top}V{bottom}" stroke="#ddd"/>'
            yield _text(at, bottom + 13, "0", "middle", FAINT)
        yield _text(left, 14, title, limit=WORDS)
        for end in (self.first, self.last):
            yield _text(self.x(end), bottom + 13, f"{end:+.4g}", "middle", FAINT)
        yield _text((left + right) / 2, HEIGHT - 5, below, "middle", FAINT, WORDS)
        for value in (self.low, self.high):
            yield _text(left - 4, self.y(value) + 4, self.word(value), "end", FAINT)


def of_direction(found: Curves, k: int, a: int) -> str:
    """What a direction does to an attribute: violins of the starts where its amounts are in a unit
    of its own, else a thin curve for each start, their mean and a band of their spread. Starts of
    which something cannot be said are left out."""
    strengths = found.strengths[k]
    table = [row for row in found.scores[k, :, :, a].tolist() if all(map(math.isfinite, row))]
    unit = found.units[k] if k < len(found.units) else ""
    title = f"{found.directions[k]}: {found.attributes[a]}"
    values, draw, side = [value for row in table for value in row], _curves, 0.0
    if unit:
        draw, side = _violins, _half(strengths)
        for column in zip(*table, strict=True):
            values += [min(column) - _kernel(column), max(column) + _kernel(column)]
    axes = PlotAxes(strengths, values or [0.0], side)
    below = f"strength, sigma ({unit})" if unit else "strength, sigma"
    drawn = draw(axes, strengths, table) if table else ()
    return _svg(WIDTH, HEIGHT, iter([*axes.frame(title, below), *drawn]))


def _curves(
    axes: PlotAxes, strengths: Sequence[float], table: Sequence[Sequence[float]]
) -> Iterator[str]:
    columns = [*zip(*table, strict=True)]
    mean, spread = [*map(fmean, columns)], [*map(pstdev, columns)]
    high = [m + s for m, s in zip(mean, spread, strict=True)]
    low = [m - s for m, s in zip(mean, spread, strict=True)]
    band = axes.path([*strengths, *reversed(strengths)], [*high, *reversed(low)])
    yield '<clipPath id="c">' + (
        f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/></clipPath>'
    )
    yield f'<polygon points="{band}" fill="{LINE}" fill-opacity=".15" clip-path="url(#c)"/>'
    for row in table:
        points = axes.path(strengths, row)
        yield f'<polyline points="{points}" fill="none" stroke="{LINE}" stroke-opacity=".35"/>'
    points = axes.path(strengths, mean)
    yield f'<polyline points="{points}" fill="none" stroke="{LINE}" stroke-width="2.5"/>'


def _half(strengths: Sequence[float]) -> float:
    """px, half the width of a violin."""
    return (WIDTH - LEFT - RIGHT) / len(strengths) / 2.2


def _kernel(values: Sequence[float]) -> float:
    """The width of the kernels of a density (Silverman 1986); 0 where there is none to see."""
    spread = pstdev(values)
    return 0.0 if len(values) < 5 or spread < 1e-9 else 1.06 * spread * len(values) ** -0.2


def _violins(
    axes: PlotAxes, strengths: Sequence[float], table: Sequence[Sequence[float]]
) -> Iterator[str]:
    """A violin at each strength: a density (Gaussian kernels) on both sides; a
    dot at each start where there are fewer than five."""
    columns = [*zip(*table, strict=True)]
    half = _half(strengths)
    for strength, values in zip(strengths, columns, strict=True):
        at, width = axes.x(strength), _kernel(values)
        if not width:
            yield from (
                f'<circle cx="{at:.1f}" cy="{axes.y(v):.1f}" r="2" fill="{LINE}"/>' for v in values
            )
            continue
        low, high = min(values) - width, max(values) + width
        places = [low + (high - low) * i / 24 for i in range(25)]
        dense = [sum(math.exp(-(((p - v) / width) ** 2) / 2) for v in values) for p in places]
        sides = [half * one / max(dense) for one in dense]
        points = [(at + s, axes.y(p)) for s, p in zip(sides, places, strict=True)]
        points += [(2 * at - x, y) for x, y in reversed(points)]
        shape = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polygon points="{shape}" fill="{LINE}" fill-opacity=".3" stroke="{LINE}"/>'
    middle = axes.path(strengths, [*map(fmean, columns)])
    yield f'<polyline points="{middle}" fill="none" stroke="{INK}" stroke-width="1.5"/>'


def _cell(x: float, y: float, words: str, share: float, colour: str) -> str:
    """A cell of the heat map, so dark as its share of the largest; "red", "blue" or "grey"."""
    fade = round(255 * (1 - share * 0.85))
    red, blue = (255 if colour == one else fade for one in ("red", "blue"))
    side = f'width="{CELL - 1}" height="{ROW - 1}"'
    drawn = f'<rect x="{x:.1f}" y="{y}" {side} fill="rgb({red},{fade},{blue})"/>'
    return drawn + _text(x + CELL / 2, y + 13, words, "middle", INK if share < DARK else "#fff")


def heat_map(
    rows: Sequence[RankRow],
    attributes: Sequence[str],
    key: str,
    random: Mapping[str, Mapping[str, BestOfRandom]],
) -> str:
    """A cell for each direction and attribute: red raises it, blue lowers it; below, grey, what the
    best of as many `random` directions is expected to have."""
    directions = [*dict.fromkeys(row.direction for row in rows)]
    place = {name: i for i, name in enumerate(directions)}
    column = {name: i for i, name in enumerate(attributes)}
    luck = f"best of {len(directions)} random ones" if random else ""
    left, top = 10 + 6.5 * max(min(len(name), LONGEST) for name in (*directions, luck)), 92
    last = top + len(place) * ROW + 4
    sizes = [row.size(key) for row in rows] + [one[key].expected for one in random.values()]
    largest = max(sizes, default=0.0) or 1.0

    def parts() -> Iterator[str]:
        for name, i in column.items():
            x = left + (i + 0.5) * CELL
            yield f'<g transform="rotate(-45 {x:.1f} {top - 8})">{_text(x, top - 8, name)}</g>'
            if random:
                size = random[name][key].expected
                yield _cell(left + i * CELL, last, f"{size:.2f}", size / largest, "grey")
        for name, i in place.items():
            yield _text(left - 6, top + i * ROW + 13, name, "end")
        yield _text(left - 6, last + 13, luck, "end", FAINT)
        for row in rows:
            size = row.size(key)
            colour, signed = ("blue", -size) if row.figures.corr < 0 else ("red", size)
            x, y = left + column[row.attribute] * CELL, top + place[row.direction] * ROW
            yield _cell(x, y, f"{signed:+.2f}", size / largest, colour)

    width = left + len(column) * CELL + 70
    return _svg(width, last + (ROW + 10 if random else 6), parts())
