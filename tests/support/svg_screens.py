"""Screens as SVG files, and whether two of them show the same: the characters exactly, the colours
within what another processor's arithmetic may change."""

import re
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from places import ROOT
from textual.app import App

WIDTH, HEIGHT = 12.2, 24.4  # of a cell, as Rich draws it
CLOSE = 12  # of 255: a pixel of a network differs by 1 or 2 on another machine
SVG = "{http://www.w3.org/2000/svg}"


class Cell(NamedTuple):
    """A character, its colour, the colour behind it, and bold or italic."""

    text: str = " "
    ink: str = ""
    ground: str = ""
    style: str = ""


Screen = dict[tuple[int, int], Cell]  # row, column


def taken(app: App[object]) -> str:
    """What the app shows, under names that do not change from run to run."""
    svg = re.sub(r"terminal-\d+-", "latty-", app.export_screenshot(title="latty"))
    clips = re.sub(r"<clipPath id=.*?</clipPath>\s*", "", svg, flags=re.DOTALL)
    return re.sub(r' clip-path="[^"]*"', "", clips)  # a third of the bytes


def cells(svg: str) -> Screen:
    """What is where on an SVG."""
    looks = dict(re.findall(r"\.latty-(r\d+) \{([^}]*)\}", svg))
    tree = ElementTree.fromstring(svg)  # our own file
    found: Screen = {}
    for rect in tree.iter(f"{SVG}rect"):
        if rect.get("shape-rendering"):
            across = round(float(rect.get("width", 0)) / WIDTH)
            for row, column in _places(rect, across):
                found[row, column] = Cell(ground=rect.get("fill", ""))
    for text in tree.iter(f"{SVG}text"):
        name = text.get("class", "").removeprefix("latty-")
        if name in looks and text.text:
            style = looks[name]
            fill = re.search(r"fill: (#\w+)", style)
            other = re.sub(r"fill: #\w+;?", "", style).strip()
            for place, one in zip(_places(text, len(text.text)), text.text, strict=True):
                before = found.get(place, Cell())
                ink = fill[1] if fill and one.strip() else ""
                found[place] = Cell(one.replace("\xa0", " "), ink, before.ground, other)
    return found


def _places(element: ElementTree.Element, across: int) -> list[tuple[int, int]]:
    row = round((float(element.get("y", 0)) - 1.5) / HEIGHT - (0 if "rect" in element.tag else 0.7))
    column = round(float(element.get("x", 0)) / WIDTH)
    return [(row, column + i) for i in range(across)]


def difference(old: str, new: str) -> str:
    """In words and lines what is different; "" = they show the same."""
    one, other = cells(old), cells(new)
    wrong = [place for place in sorted({*one, *other}) if not _alike(one, other, place)]
    if not wrong:
        return ""
    lines = [f"{len(wrong)} cells differ, the first at row {wrong[0][0]}, column {wrong[0][1]}: "
             f"{one.get(wrong[0])} is now {other.get(wrong[0])}"]  # fmt: skip
    for row in sorted({row for row, _ in wrong})[:12]:
        lines += [f"row {row}", f"  was {_line(one, row)}", f"  is  {_line(other, row)}"]
    return "\n".join(lines)


def _alike(one: Screen, other: Screen, place: tuple[int, int]) -> bool:
    a, b = one.get(place, Cell()), other.get(place, Cell())
    same = (a.text, a.style) == (b.text, b.style)
    return same and _close(a.ink, b.ink) and _close(a.ground, b.ground)


def _close(one: str, other: str) -> bool:
    if one == other:
        return True
    if len(one) != 7 or len(other) != 7:
        return False
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return all(abs(a - b) <= CLOSE for a, b in pairs)


def _line(screen: Screen, row: int) -> str:
    last = max((column for r, column in screen if r == row), default=0)
    return "".join(screen.get((row, i), Cell()).text for i in range(last + 1)).rstrip()


def path_of(name: str) -> Path:
    """The file of a screen."""
    return ROOT / "tests/snapshots" / f"{name}.svg"
