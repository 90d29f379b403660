"""Words drawn into pictures: lines that fit, letters, outlines.

A line is two masks, its letters and those with their outline, so that it is drawn with an opacity
on any picture.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from latty.errors import BadData
from latty.presets import fonts, glyphs
from latty.presets.fonts import Typeface
from latty.presets.formats import Pixels
from latty.tables.words import shown

SMALLEST = 4  # px of a line: below it nothing can be read
SPACING = 1.25  # from line to line
SHARP = 4  # strokes are drawn so many times as large


class Ink(NamedTuple):
    """The masks (H, W) of a text, 0..255: its letters, and its letters with their outline."""

    letters: Pixels
    outlined: Pixels


# --- lines ----------------------------------------------------------------------------------------


def lines_of(text: str, face: Typeface, size: int, room: float) -> list[str]:
    """A text in lines no wider than `room` px where its words allow that."""
    found = []
    for line in text.split("\n"):
        now = ""
        for word in line.split(" "):
            longer = f"{now} {word}" if now else word
            if now and width_of(longer, face, size) > room:
                found.append(now)
                now = word
            else:
                now = longer
        found.append(now)
    return found


def fitting(
    text: str, face: Typeface, size: int, room: tuple[float, float]
) -> tuple[list[str], int]:
    """Lines of a text, and the size of at most `size` px at which they fit a height and width.
    Raises BadData where not even the smallest does."""
    while True:
        lines = lines_of(text, face, size, room[1])
        wide = max(width_of(line, face, size) for line in lines)
        high = len(lines) * size * SPACING
        if wide <= room[1] and high <= room[0]:
            return lines, size
        if size <= SMALLEST:
            what = f"'{shown(text.split(chr(10))[0], 40)}' does not fit a frame of this size"
            raise BadData(what, "make the frame larger, or the text shorter")
        size = max(SMALLEST, min(size - 1, int(size * 0.92)))


def width_of(line: str, face: Typeface, size: int) -> float:
    """px that a line takes, without its outline."""
    return sum(one.advance for one in _runs(line, face, size))


def ink(lines: list[str], face: Typeface, size: int, outline: float, align: float) -> Ink:
    """The masks of lines; `outline` px around them, `align` 0 left, 0.5 middle, 1 right."""
    edge = ceil(outline) + 2
    widths = [width_of(line, face, size) for line in lines]
    step = size * SPACING
    side = ceil(max(widths)) + 2 * edge + size // 2, ceil(step * len(lines)) + 2 * edge + size // 2
    masks = Image.new("L", side), Image.new("L", side)
    for i, (line, width) in enumerate(zip(lines, widths, strict=True)):
        x = edge + size / 4 + (max(widths) - width) * align
        y = edge + size + i * step
        for run in _runs(line, face, size):
            run.draw(masks[0], x, y, 0.0)
            if outline:
                run.draw(masks[1], x, y, outline)
            x += run.advance
    letters, outlined = (np.asarray(mask) for mask in masks)
    return Ink(letters, np.maximum(letters, outlined))


def one_line(text: str, size: int) -> tuple[Pixels, float]:
    """The mask (H, W) of a line in latty's own font, nothing at its left and right, and the height
    in it of the middle of a digit: names that are placed by it stand on one line."""
    mask = ink([text], fonts.own(), size, 0, 0.0).letters
    _, across = np.nonzero(mask)
    if not len(across):
        return mask[:, :0], 0.0
    low = ink(["0"], fonts.own(), size, 0, 0.0).letters.nonzero()[0]
    return mask[:, across.min() : across.max() + 1], (low.min() + low.max()) / 2


def numbered(names: Sequence[str]) -> list[str]:
    """Names; "…" for letters that latty's own font cannot draw, the number of a name that would
    say nothing then, or what another says."""
    drawn = [name if name.isascii() else drawable(name) for name in names]
    often = Counter(drawn)

    def says(i: int) -> bool:
        rest = drawn[i].replace("\u2026", "")
        return drawn[i] == names[i] or (often[drawn[i]] == 1 and any(map(str.isalnum, rest)))

    return [one if says(i) else str(i) for i, one in enumerate(drawn)]


def drawable(text: str) -> str:
    """A text; the letters that latty's own font cannot draw are left out, which "…" says."""
    kept = (one if not fonts.own().lacks(one) else "\0" for one in text)
    return re.sub("\0+", "\u2026", "".join(kept))


class _Run(NamedTuple):
    """A part of a line that one thing draws: (mask, x, baseline, outline px)."""

    advance: float
    draw: Callable[[Image.Image, float, float, float], None]


@lru_cache(1024)
def _runs(line: str, face: Typeface, size: int) -> tuple[_Run, ...]:
    return tuple(_cut(line, face, size))


def _cut(line: str, face: Typeface, size: int) -> Iterator[_Run]:
    """A line as runs of the font and letters of strokes."""
    now = ""
    for character in line:
        same = glyphs.SAME.get(character, character) if face.data is None else character
        if face.data is not None or fonts.in_font(None, None, same):
            now += same
            continue
        if now:
            yield _of_font(now, face, size)
            now = ""
        yield from _of_strokes(same, face, size)
    if now:
        yield _of_font(now, face, size)


def _lay(mask: Image.Image, part: Image.Image, left: int, top: int) -> None:
    """Put a part into a mask. No run draws more than its own place: a line would be drawn as often
    as it has runs."""
    there = mask.crop((left, top, left + part.width, top + part.height))
    mask.paste(ImageChops.lighter(there, part), (left, top))


def _of_font(text: str, face: Typeface, size: int) -> _Run:
    font = face.at(size)

    def draw(mask: Image.Image, x: float, y: float, outline: float) -> None:
        with fonts.readable(face.name):
            box = font.getbbox(text, anchor="ls", stroke_width=outline)
            left, top = floor(x + box[0]) - 2, floor(y + box[1]) - 2
            part = Image.new("L", (ceil(x + box[2]) + 2 - left, ceil(y + box[3]) + 2 - top))
            pen = ImageDraw.Draw(part)
            pen.text((x - left, y - top), text, 255, font, anchor="ls", stroke_width=outline)
        _lay(mask, part, left, top)

    with fonts.readable(face.name):
        return _Run(font.getlength(text), draw)


def _of_strokes(character: str, face: Typeface, size: int) -> Iterator[_Run]:
    if character in glyphs.LETTERS:
        advance, strokes = glyphs.LETTERS[character]
        yield _stroked(strokes, advance * size / 1000, size)
        return
    found = glyphs.parts(character)
    if found is None:  # refused before anything is drawn
        return
    base, above, below = found
    [run] = _cut(base, face, size)
    middle = run.advance * 500 / size
    top = glyphs.CAP if base.isupper() or base in "bdfhklt" else glyphs.X
    shift = 0 if character in glyphs.CROSSED else middle
    marks = [tuple((x + middle, y + top) for x, y in stroke) for stroke in above]
    marks += [tuple((x + shift, y) for x, y in stroke) for stroke in below]
    over = _stroked(tuple(marks), 0.0, size)

    def draw(mask: Image.Image, x: float, y: float, outline: float) -> None:
        run.draw(mask, x, y, outline)
        over.draw(mask, x, y, outline)

    yield _Run(run.advance, draw)


def _stroked(strokes: tuple[glyphs.Stroke, ...], advance: float, size: int) -> _Run:
    points = [(a * size / 1000, b * size / 1000) for stroke in strokes for a, b in stroke]
    across, down = ([one[i] for one in points] for i in range(2))

    def draw(mask: Image.Image, x: float, y: float, outline: float) -> None:
        thick = (glyphs.STEM * size / 1000 + 2 * outline) * SHARP
        half, edge = thick / 2, ceil(thick / 2 / SHARP) + 1
        left, top = floor(x + min(across)) - edge, floor(y - max(down)) - edge
        width, height = ceil(x + max(across)) + edge - left, ceil(y - min(down)) + edge - top
        large = Image.new("L", (width * SHARP, height * SHARP))
        pen = ImageDraw.Draw(large)
        for stroke in strokes:
            points = [((x + a * size / 1000) * SHARP - left * SHARP,
                       (y - b * size / 1000) * SHARP - top * SHARP)
                      for a, b in stroke]  # fmt: skip
            pen.line(points, 255, max(1, round(thick)), "curve")
            for a, b in points:  # round ends
                pen.ellipse((a - half, b - half, a + half, b + half), 255)
        _lay(mask, large.reduce(SHARP), left, top)

    return _Run(advance, draw)
