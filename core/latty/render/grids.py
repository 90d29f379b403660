"""Many pictures in one: tiles of a film, contact sheets, grids and strips with captions.

Pictures with an opacity are (H, W, 4), straight as PNG has it: the colours are not multiplied by it
(Porter & Duff 1984). A file or a screen that has none needs a ground under them.
"""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from latty.presets import fonts
from latty.presets.colours import Colour
from latty.presets.formats import Pixels
from latty.render import lettering
from latty.render.lettering import numbered
from latty.render.sizes import table_of, width_at

PAPER, INK, FAINT = "#ffffff", "#2e2e36", "#85858f"
LIGHT_INK, LIGHT_FAINT = "#f4f4f6", "#9a9aa4"  # on dark paper
GROUND: Colour = (255, 255, 255, 255)  # under pictures in files without an opacity
LONGEST_NAME = 40  # characters beside a row
LIGHT, DARK, SQUARES = 204, 153, 16  # of the board under what is only looked at; top to bottom


class Style(NamedTuple):
    """Measures of a page in px, and its paper; None: PAPER."""

    text: int
    gap: int
    margin: int
    paper: Colour | None = None

    @property
    def inks(self) -> tuple[str, str]:
        """Of words and of those that matter less, such that they are seen on the paper."""
        red, green, blue, opacity = self.paper or GROUND
        dark = opacity > 127 and 299 * red + 587 * green + 114 * blue < 127_500  # Rec. 601 luma
        return (LIGHT_INK, LIGHT_FAINT) if dark else (INK, FAINT)


def style(
    height: int, gap: int | None = None, margin: int | None = None, paper: Colour | None = None
) -> Style:
    """Of pictures `height` px high: small ones keep readable words, large ones do not drown in
    margins. What is given stays."""
    text = min(max(round(height / 11), 10), 30)
    usual = Style(text, max(2, text // 3), round(1.2 * text), paper)
    return usual._replace(
        gap=usual.gap if gap is None else gap, margin=usual.margin if margin is None else margin
    )


def fit(pixels: Pixels, height: int | None, nearest: bool = False) -> Pixels:
    """A picture (H, W, 3 or 4) resampled to `height` px, its shape kept; None: as it is."""
    if height is None or pixels.shape[0] == height:
        return pixels
    width = width_at(height, (pixels.shape[0], pixels.shape[1]))
    return resized(pixels, (height, width), resampling(height > pixels.shape[0], nearest))


def resampling(grows: bool, nearest: bool) -> Image.Resampling:
    """How a picture changes its size: Lanczos rings when it enlarges."""
    if nearest:
        return Image.Resampling.NEAREST
    return Image.Resampling.BICUBIC if grows else Image.Resampling.LANCZOS


def resized(
    pixels: Pixels,
    side: tuple[int, int],
    method: Image.Resampling,
    box: tuple[float, float, float, float] | None = None,
) -> Pixels:
    """A picture (H, W, 3 or 4), or what of it lies in a box (left, top, right, bottom), at a
    height and width."""
    return np.asarray(Image.fromarray(pixels).resize(side[::-1], method, box))


def has_opacity(pixels: Pixels) -> bool:
    """Whether pictures (..., C) are of four channels."""
    return bool(pixels.shape[-1] == 4)


def opaque(pixels: Pixels, ground: Colour = GROUND) -> Pixels:
    """A picture (H, W, 4) on a ground, (H, W, 3); one of three channels as it is."""
    if not has_opacity(pixels):
        return pixels
    colour = np.array(ground[:3], np.uint8)
    return _over(pixels, np.broadcast_to(colour, (*pixels.shape[:2], 3)))


def with_opacity(pixels: Pixels) -> Pixels:
    """A picture (H, W, 3) as one (H, W, 4) of which all is seen."""
    return pixels if has_opacity(pixels) else np.dstack([pixels, np.full_like(pixels[..., 0], 255)])


def on_board(pixels: Pixels) -> Pixels:
    """A picture (H, W, 4) on a board of grey squares, (H, W, 3); one of three as it is."""
    if not has_opacity(pixels):
        return pixels
    height, width = pixels.shape[:2]
    side = max(1, height // SQUARES)
    odd_row, odd_column = (np.arange(length) // side % 2 == 1 for length in (height, width))
    board = np.where(odd_row[:, None] ^ odd_column, np.uint8(DARK), np.uint8(LIGHT))
    return _over(pixels, np.broadcast_to(board[..., None], (height, width, 3)))


def _over(pixels: Pixels, ground: Pixels) -> Pixels:
    """(H, W, 4) over (H, W, 3), to the nearest level, halves up."""
    opacity = pixels[..., 3:].astype(np.uint16)  # 255 * 255 + 127 fits
    mixed = pixels[..., :3] * opacity + ground * (255 - opacity)
    laid: Pixels = ((mixed + 127) // 255).astype(np.uint8)
    return laid


def laid(layer: Pixels, ground: Pixels) -> Pixels:
    """A layer (H, W, 4) over a ground (H, W, 3 or 4) of its size."""
    return over(layer, ground) if has_opacity(ground) else _over(layer, ground)


def over(pixels: Pixels, ground: Pixels) -> Pixels:
    """A picture over a ground of the same shape (H, W, C); of four channels as Porter & Duff's
    "over" of straight colours."""
    if not has_opacity(pixels):
        return pixels
    laid = Image.alpha_composite(Image.fromarray(ground), Image.fromarray(pixels))
    return np.asarray(laid)


def tile(
    pictures: Sequence[Pixels],
    columns: int | None = None,
    gap: int = 0,
    margin: int = 0,
    ground: tuple[int, ...] | None = None,
) -> Pixels:
    """Pictures (H, W, C) side by side, each in the middle of its cell; near a square where no
    number of columns is said. `ground`, of C channels, is what is between them; None: black, or
    nothing at all among pictures with an opacity."""
    if len(pictures) == 1 and not margin:
        return pictures[0]
    rows, columns = table_of(len(pictures), (pictures[0].shape[0], pictures[0].shape[1]), columns)
    places = [divmod(i, columns) for i in range(len(pictures))]
    heights, widths = [0] * rows, [0] * columns
    for picture, (row, column) in zip(pictures, places, strict=True):
        heights[row] = max(heights[row], picture.shape[0])
        widths[column] = max(widths[column], picture.shape[1])
    side = [sum(cells) + gap * (len(cells) - 1) + 2 * margin for cells in (heights, widths)]
    whole = np.zeros((*side, pictures[0].shape[2]), np.uint8)
    whole[:] = ground or 0
    for picture, (row, column) in zip(pictures, places, strict=True):
        height, width = picture.shape[:2]
        top = margin + sum(heights[:row]) + row * gap + (heights[row] - height) // 2
        left = margin + sum(widths[:column]) + column * gap + (widths[column] - width) // 2
        whole[top : top + height, left : left + width] = picture
    return whole


def sheet(
    pictures: Sequence[Pixels], captions: Sequence[str], columns: int, look: Style | None = None
) -> Pixels:
    """A contact sheet: pictures row by row, each over its caption; no captions, no room for any.
    `look`: None = what suits the pictures."""
    columns = min(columns, len(pictures))
    table = ceil(len(pictures) / columns), columns
    page = _Page(pictures[0].shape, table, look, "each" if captions else "")
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        page.paste(picture, row, column)
        if captions:
            page.below(captions[i], row, column)
    return page.pixels()


def grid(
    pictures: Sequence[Pixels],
    names: Sequence[str],
    strengths: Sequence[str],
    rows: int,
    look: Style | None = None,
    faint: bool = True,
) -> Pixels:
    """A table of pictures, row by row, with names on the left and strengths below, of which 0
    stands out where the others are `faint`.

    Empty `names` or `strengths` leave the words and their room out. `look`: as of a sheet.
    """
    table, names, strengths = (rows, len(pictures) // rows), numbered(names), numbered(strengths)
    page = _Page(pictures[0].shape, table, look, "foot" if strengths else "", names)
    for i, picture in enumerate(pictures):
        page.paste(picture, *divmod(i, table[1]))
    for row, name in enumerate(names):
        page.beside(name, row)
    for column, strength in enumerate(strengths):
        page.below(strength, rows - 1, column, faint and strength != "0")
    return page.pixels()


class TableCaptions(NamedTuple):
    """Words beside the rows of a table, above its columns, and below each cell; "" = none there."""

    rows: Sequence[str] = ()
    columns: Sequence[str] = ()
    cells: Sequence[str] = ()


class Table:
    """A page of so many cells, row by row, with its captions: filled with other pictures as often
    as they are asked for.

    cell   height, width and channels of the largest
    shape  how many cells, and how many columns
    """

    def __init__(
        self, cell: tuple[int, int, int], shape: tuple[int, int], words: TableCaptions, look: Style
    ) -> None:
        self.count, columns = shape
        table = ceil(self.count / columns), columns
        captions = "each" if any(words.cells) else ""
        names = [_within(name) for name in numbered(words.rows)]
        self._page = page = _Page(cell, table, look, captions, names, any(words.columns))
        for column, name in enumerate(numbered(words.columns)):
            page.above(name, column)
        for row, name in enumerate(names):
            page.beside(name, row)
        for i, name in enumerate(numbered(words.cells)):
            page.below(name, *divmod(i, columns))

    def filled(self, pictures: Iterable[Pixels]) -> Pixels:
        """The page (H, W, C) with pictures, each in the middle of its cell."""
        page, whole = self._page, np.array(self._page.paper)
        for i, picture in enumerate(pictures):
            if whole.shape[2] == 4:
                picture = with_opacity(picture)
            height, width = picture.shape[:2]
            left, top = page.corner(*divmod(i, page.columns))
            top, left = top + (page.height - height) // 2, left + (page.width - width) // 2
            whole[top : top + height, left : left + width] = picture
        return whole


def _within(name: str) -> str:
    """A name that leaves room for pictures: its middle goes where it is too long."""
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[: half - 1]}\u2026{name[-half:]}"


class _Page:
    """Paper with a table of cells, each (height, width, channels); knows where everything goes.
    Pictures with an opacity keep it, on paper that has none.

    line   px below each row kept for captions
    foot   px below the last row only
    names  words on the left that the margin must hold
    head   px above the first row only
    """

    def __init__(
        self,
        cell: tuple[int, ...],
        table: tuple[int, int],
        look: Style | None = None,
        captions: str = "",
        names: Sequence[str] = (),
        head: bool = False,
    ) -> None:
        self.height, self.width, channels = cell
        self.rows, self.columns = table
        self.style = look or style(self.height)
        self.font = ImageFont.load_default(self.style.text)
        line = round(self.style.text * 1.6)
        self.line = line if captions == "each" else 0
        foot = line if captions == "foot" else 0
        self.top = self.style.margin + (line if head else 0)
        widest = max(map(self._length, names), default=0.0)
        self.left = self.style.margin + (ceil(widest) + self.style.text if widest else 0)
        across = self.columns * (self.width + self.style.gap) - self.style.gap
        down = self.rows * (self.height + self.line + self.style.gap) - self.style.gap
        size = self.left + across + self.style.margin, self.top + down + foot + self.style.margin
        paper = self.style.paper or GROUND
        mode = ("RGBA", paper) if channels == 4 else ("RGB", paper[:3])
        self.paper = Image.new(mode[0], size, mode[1])
        self.pen = ImageDraw.Draw(self.paper)

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Left and top px of a cell."""
        return (
            self.left + column * (self.width + self.style.gap),
            self.top + row * (self.height + self.line + self.style.gap),
        )

    def paste(self, picture: Pixels, row: int, column: int) -> None:
        self.paper.paste(Image.fromarray(picture), self.corner(row, column))

    def below(self, words: str, row: int, column: int, faint: bool = False) -> None:
        """A caption in the middle under a cell."""
        left, top = self.corner(row, column)
        place = left + self.width / 2, top + self.height + self.style.text * 1.05
        self._write(place, self._short(words), self.style.inks[faint], "mm")

    def above(self, words: str, column: int) -> None:
        """A name in the middle above a column."""
        left, top = self.corner(0, column)
        place = left + self.width / 2, top - self.style.text * 0.8
        self._write(place, self._short(words), self.style.inks[0], "mm")

    def beside(self, words: str, row: int) -> None:
        """A name at the left of a row, flush with the pictures."""
        left, top = self.corner(row, 0)
        place = left - self.style.text, top + self.height / 2
        self._write(place, words, self.style.inks[0], "rm")

    def _short(self, words: str) -> str:
        """Words that fit under one cell: the last, often a number, stays whole where it can."""
        room = self.width + self.style.gap
        start, _, end = words.rpartition(" ")
        while len(start) > 2 and self._length(words) > room:
            start = start[:-1]
            words = f"{start}\u2026 {end}"
        while len(words) > 2 and self._length(words) > room:
            words = words[:-2] + "\u2026"
        return words

    def _length(self, words: str) -> float:
        """px that words take."""
        if _is_plain(words):
            return self.font.getlength(words)
        return float(lettering.one_line(words, self.style.text)[0].shape[1])

    def _write(self, place: tuple[float, float], words: str, ink: str, anchor: str) -> None:
        """Words around a height, about a place ("mm") or up to it ("rm")."""
        if _is_plain(words):
            self.pen.text(place, words, ink, self.font, anchor=anchor)
            return
        mask, middle = lettering.one_line(words, self.style.text)
        share = 0.5 if anchor == "mm" else 1.0
        corner = round(place[0] - share * mask.shape[1]), round(place[1] - middle)
        self.paper.paste(ink, corner, Image.fromarray(mask))

    def pixels(self) -> Pixels:
        return np.asarray(self.paper)


def _is_plain(words: str) -> bool:
    """Whether Pillow's font has all letters of them; others are drawn of strokes."""
    return words.isascii() or all(fonts.in_font(None, None, one) for one in words)
