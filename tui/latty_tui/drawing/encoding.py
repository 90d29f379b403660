"""From pixels to what a terminal is sent, off the event loop: runs in threads, knows no widget."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from latty_tui import terminal
from latty_tui.drawing.picture import RawPicture

SHADES = " .:-=+*#%@"  # from dark to bright, on a dark ground
DIM = bytes(round(level * 0.55) for level in range(256))  # of each level, what is left of it
Place = tuple[int, int, int, int]  # x, y, width, height in cells


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How to encode.

    place      the cells there are
    largest    px of the longer side on screen; None = all there is
    detail     px of the longer side that are kept; the picture is as large as without it
    dimmed     darker: it is not what is asked for
    """

    way: str
    place: Place
    cell: tuple[int, int]
    truecolor: bool = True
    colours: int = 256
    largest: int | None = None
    detail: int | None = None
    one_to_one: bool = False
    number: int = 1
    dimmed: bool = False


@dataclass(frozen=True, slots=True)
class Encoded:
    """What to write, and where: `column`, `row` from 0, covering `columns` x `rows` cells of
    `place`; `pixels` = its size in px."""

    data: str
    place: Place
    column: int
    row: int
    columns: int
    rows: int
    pixels: tuple[int, int]


def fit(picture: RawPicture, order: EncodeOptions) -> tuple[int, int]:
    """Width and height in px on screen: the largest that keep the shape and fit the cells."""
    columns, rows = order.place[2:]
    room = columns * order.cell[0], rows * order.cell[1]
    scale = min(room[0] / picture.width, room[1] / picture.height)
    if order.one_to_one:
        scale = min(scale, 1.0)
    elif order.largest and not terminal.way(order.way).CELLS:  # blocks: no more pixels than cells
        scale = min(scale, order.largest / max(picture.width, picture.height))
    return max(1, int(picture.width * scale)), max(1, int(picture.height * scale))


def covers(picture: RawPicture, order: EncodeOptions, as_cells: bool = False) -> Place:
    """The cells of its place that the picture is painted over; `as_cells`: in half blocks."""
    order = replace(order, way="blocks") if as_cells else order
    size = fit(picture, order)
    columns, rows = (min(room, ceil(px / of)) for room, px, of in
                     zip(order.place[2:], size, order.cell, strict=True))  # fmt: skip
    x, y, across, down = order.place
    return x + (across - columns) // 2, y + (down - rows) // 2, columns, rows


def encode(picture: RawPicture, order: EncodeOptions) -> Encoded:
    """The picture in the terminal's way, in the middle of its place. Slow: call it in a thread."""
    width, height = fit(picture, order)
    columns = min(order.place[2], ceil(width / order.cell[0]))
    rows = min(order.place[3], ceil(height / order.cell[1]))
    how = terminal.way(order.way)
    canvas = how.canvas(columns, rows, order.cell)
    if how.EXACT:
        canvas = width, height
    pixels = _resampled(array(dimmed(picture) if order.dimmed else picture), canvas, order)
    data = how.encode(
        pixels, columns, rows, truecolor=order.truecolor, number=order.number, colours=order.colours
    )
    column = order.place[0] + (order.place[2] - columns) // 2
    row = order.place[1] + (order.place[3] - rows) // 2
    if how.CELLS:  # rows of text start at the left edge of the screen
        data = data.replace("\r\n", f"\r\x1b[1B\x1b[{column}C" if column else "\r\x1b[1B")
    return Encoded(data, order.place, column, row, columns, rows, (width, height))


def dimmed(picture: RawPicture) -> RawPicture:
    """The picture darker, so that it does not pass for another one."""
    return replace(picture, pixels=picture.pixels.translate(DIM))


def array(picture: RawPicture) -> Any:
    """Its pixels (H, W, 3)."""
    import numpy as np

    flat = np.frombuffer(picture.pixels, np.uint8)
    return flat.reshape(picture.height, picture.width, 3)


def _resampled(pixels: Any, canvas: tuple[int, int] | None, order: EncodeOptions) -> Any:
    """At the size that the way wants; with less detail, each kept pixel is a square of pixels: few
    colours in a row and a band make a sixel short."""
    if canvas is None:  # the terminal scales
        width, height = fit_within(pixels.shape[1], pixels.shape[0], order.detail or order.largest)
        return terminal.fitted(pixels, (width, height))
    times = ceil(max(canvas) / order.detail) if order.detail else 1
    if times == 1 or terminal.way(order.way).CELLS:
        return terminal.fitted(pixels, canvas)
    small = terminal.fitted(pixels, (ceil(canvas[0] / times), ceil(canvas[1] / times)))
    return small.repeat(times, 0).repeat(times, 1)[: canvas[1], : canvas[0]]


def fit_within(width: int, height: int, most: int | None) -> tuple[int, int]:
    """A size of the same shape whose longer side is at most `most` px; never larger."""
    scale = min(1.0, most / max(width, height)) if most else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))


def shrunk(pixels: Any, most: int) -> RawPicture:
    """Pixels (H, W, 3) with the longer side at most `most` px. Slow: call it in a thread."""
    size = fit_within(pixels.shape[1], pixels.shape[0], most)
    return RawPicture(terminal.fitted(pixels, size).tobytes(), *size)


def cells(
    picture: RawPicture,
    columns: int,
    rows: int,
    cell: tuple[int, int],
    wide: int = 1,
    colours: bool = True,
) -> list[list[tuple[str, str, str]]]:
    """The picture in half blocks: rows of (characters, ink, background); "" where there is none.

    Blocks that are `wide` cells wide cost a terminal that much less. Without colours each cell is
    a character as bright as the picture is there.
    """
    if not columns or not rows:
        return []
    width, height = fit(picture, EncodeOptions("blocks", (0, 0, columns, rows), cell))
    across, down = max(1, round(width / cell[0] / wide)), max(1, round(height / cell[1]))
    pixels = terminal.fitted(array(picture), (across, 2 * down)).tolist()
    left, top = max(0, columns - across * wide) // 2, (rows - down) // 2
    blank = [(" " * columns, "", "")]
    lines = [blank] * top
    for i in range(down):
        pairs = zip(pixels[2 * i], pixels[2 * i + 1], strict=True)
        if colours:
            middle = [("▀" * wide, _hex(upper), _hex(lower)) for upper, lower in pairs]
        else:
            middle = [(_shade([*upper, *lower]) * wide, "", "") for upper, lower in pairs]
        sides = (" " * left, "", ""), (" " * (columns - left - across * wide), "", "")
        lines.append([sides[0], *middle, sides[1]])
    return lines + [blank] * (rows - len(lines))


def _shade(levels: list[int]) -> str:
    return SHADES[sum(levels) * len(SHADES) // (256 * len(levels))]


def _hex(rgb: list[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def saved_path(picture: RawPicture) -> str:
    """The path of a file that holds the picture, for terminals that can show none."""
    return terminal.way("saved").encode(array(picture), 0, 0)
