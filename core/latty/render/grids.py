"""Many pictures in one: tiles of a film, contact sheets, grids and strips with captions.

Pictures with an opacity are (H, W, 4), straight as PNG has it: the colours are not multiplied by it
(Porter & Duff 1984). A file or a screen that has none needs a ground under them.
"""

from collections.abc import Sequence
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from latty.presets.formats import Pixels
from latty.render.shots import width_at

PAPER, INK, FAINT = "#ffffff", "#2e2e36", "#85858f"
GROUND = PAPER  # under pictures in files without an opacity
LIGHT, DARK, SQUARES = 204, 153, 16  # of the board under what is only looked at; top to bottom


class Style(NamedTuple):
    """Measures in px that follow from the height of a picture."""

    text: int
    gap: int
    margin: int


def style(height: int) -> Style:
    """Small pictures keep readable words, large ones do not drown in margins."""
    text = min(max(round(height / 11), 10), 30)
    return Style(text, max(2, text // 3), round(1.2 * text))


def fit(pixels: Pixels, height: int | None) -> Pixels:
    """A picture (H, W, 3 or 4) resampled to `height` px, its shape kept; None: as it is."""
    if height is None or pixels.shape[0] == height:
        return pixels
    width = width_at(height, (pixels.shape[0], pixels.shape[1]))
    grows = height > pixels.shape[0]  # Lanczos rings when it enlarges
    method = Image.Resampling.BICUBIC if grows else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(pixels).resize((width, height), method))


def has_opacity(pixels: Pixels) -> bool:
    """Whether pictures (..., C) are of four channels."""
    return bool(pixels.shape[-1] == 4)


def opaque(pixels: Pixels) -> Pixels:
    """A picture (H, W, 4) on GROUND, (H, W, 3); one of three channels as it is."""
    if not has_opacity(pixels):
        return pixels
    ground = np.frombuffer(bytes.fromhex(GROUND[1:]), np.uint8)
    return _over(pixels, np.broadcast_to(ground, (*pixels.shape[:2], 3)))


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


def tile(pictures: Sequence[Pixels]) -> Pixels:
    """Pictures of one size (H, W, 3) side by side, near square, without gaps; blanks are black, or
    nothing at all among pictures with an opacity (H, W, 4)."""
    if len(pictures) == 1:
        return pictures[0]
    height, width, channels = pictures[0].shape
    columns = min(len(pictures), ceil(sqrt(len(pictures) * height / width)))
    rows = ceil(len(pictures) / columns)
    whole = np.zeros((rows * height, columns * width, channels), np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // columns * height, i % columns * width
        whole[top : top + height, left : left + width] = picture
    return whole


def sheet(pictures: Sequence[Pixels], captions: Sequence[str], columns: int) -> Pixels:
    """A contact sheet: pictures row by row, each over its caption; no captions, no room for any."""
    columns = min(columns, len(pictures))
    table = ceil(len(pictures) / columns), columns
    page = _Page(pictures[0].shape, table, "each" if captions else "")
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        page.paste(picture, row, column)
        if captions:
            page.below(captions[i], row, column)
    return page.pixels()


def grid(
    pictures: Sequence[Pixels], names: Sequence[str], strengths: Sequence[str], rows: int
) -> Pixels:
    """A table of pictures, row by row, with names on the left and strengths below.

    Empty `names` or `strengths` leave the words and their room out.
    """
    columns = len(pictures) // rows
    page = _Page(pictures[0].shape, (rows, columns), "foot" if strengths else "", names)
    for i, picture in enumerate(pictures):
        page.paste(picture, *divmod(i, columns))
    for row, name in enumerate(names):
        page.beside(name, row)
    for column, strength in enumerate(strengths):
        unmoved = strength == "0"
        page.below(strength, rows - 1, column, INK if unmoved else FAINT)
    return page.pixels()


class _Page:
    """Paper with a table of cells, each (height, width, channels); knows where everything goes.
    Pictures with an opacity keep it, on paper that has none.

    line   px below each row kept for captions
    foot   px below the last row only
    names  words on the left that the margin must hold
    """

    def __init__(
        self,
        cell: tuple[int, ...],
        table: tuple[int, int],
        captions: str = "",
        names: Sequence[str] = (),
    ) -> None:
        self.height, self.width, channels = cell
        self.rows, self.columns = table
        self.style = style(self.height)
        self.font = ImageFont.load_default(self.style.text)
        line = round(self.style.text * 1.6)
        self.line = line if captions == "each" else 0
        foot = line if captions == "foot" else 0
        widest = max((self.font.getlength(name) for name in names), default=0)
        self.left = self.style.margin + (ceil(widest) + self.style.text if widest else 0)
        across = self.columns * (self.width + self.style.gap) - self.style.gap
        down = self.rows * (self.height + self.line + self.style.gap) - self.style.gap
        size = self.left + across + self.style.margin, down + foot + 2 * self.style.margin
        self.paper = Image.new("RGBA" if channels == 4 else "RGB", size, PAPER)
        self.pen = ImageDraw.Draw(self.paper)

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Left and top px of a cell."""
        return (
            self.left + column * (self.width + self.style.gap),
            self.style.margin + row * (self.height + self.line + self.style.gap),
        )

    def paste(self, picture: Pixels, row: int, column: int) -> None:
        self.paper.paste(Image.fromarray(picture), self.corner(row, column))

    def below(self, words: str, row: int, column: int, ink: str = INK) -> None:
        """A caption in the middle under a cell."""
        left, top = self.corner(row, column)
        place = left + self.width / 2, top + self.height + self.style.text * 1.05
        self.pen.text(place, self._short(words), ink, self.font, anchor="mm")

    def beside(self, words: str, row: int) -> None:
        """A name at the left of a row, flush with the pictures."""
        left, top = self.corner(row, 0)
        place = left - self.style.text, top + self.height / 2
        self.pen.text(place, words, INK, self.font, anchor="rm")

    def _short(self, words: str) -> str:
        """Words that fit under one cell."""
        room = self.width + self.style.gap
        while len(words) > 2 and self.font.getlength(words) > room:
            words = words[:-2] + "\u2026"
        return words

    def pixels(self) -> Pixels:
        return np.asarray(self.paper)
