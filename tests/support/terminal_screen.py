"""What a terminal shows: the text, and the pixels that pictures left and text wiped away.

Reads the bytes a program writes. Text goes to pyte; what pyte would print as junk (DCS, APC, OSC,
private CSI) is taken out first. A sixel lives in its cells and dies when text is written there; a
kitty picture lies over the cells until it is deleted.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyte
from numpy.typing import NDArray
from terminal_pictures import Kitty, Pixels, read_iterm, read_sixel, scaled

from latty_tui.pictures.placeholders import PLACEHOLDER, marks

MARKS = marks()
STRING_END = {ord("]"): re.compile(rb"\x07|\x1b\\")}
OTHER_END = re.compile(rb"\x1b\\")
CSI = re.compile(rb"\x1b\[([0-?]*)([ -/]*)([@-~])")
ESCAPE = re.compile(rb"\x1b[ -/]*[0-~]")


def tokens(data: bytes) -> Iterator[tuple[str, bytes]]:
    """("text" | "csi" | "string" | "escape", bytes); last ("rest", what is not complete yet)."""
    place = 0
    while place < len(data):
        if data[place] != 0x1B:
            end = data.find(b"\x1b", place)
            end = len(data) if end < 0 else end
            yield "text", data[place:end]
        else:
            kind, end = _sequence(data, place)
            if not end:
                break
            yield kind, data[place:end]
        place = end
    yield "rest", data[place:]


def _sequence(data: bytes, place: int) -> tuple[str, int]:
    """The kind and the end of the sequence that begins at `place`; end 0: not all there."""
    second = data[place + 1 : place + 2]
    if second and second in b"]P_^X":
        found = STRING_END.get(second[0], OTHER_END).search(data, place + 2)
        return "string", found.end() if found else 0
    if second == b"[":
        found = CSI.match(data, place)
        return "csi", found.end() if found else 0
    found = ESCAPE.match(data, place)
    return "escape", found.end() if found else 0


@dataclass(frozen=True)
class Picture:
    """One picture that was sent: when, where (cells, from 0), how large in cells, its bytes."""

    time: float
    way: str
    column: int
    row: int
    columns: int
    rows: int
    data: bytes
    pixels: Pixels
    late: int = 0  # colours defined after the data began
    colours: int = 0
    number: int = 0


class Cells(pyte.Screen):
    """pyte's screen, which tells what was written over."""

    def __init__(self, columns: int, rows: int, wiped: Callable[[int, int, int], None]) -> None:
        self.wiped = wiped
        super().__init__(columns, rows)

    def draw(self, data: str) -> None:
        row, column = self.cursor.y, self.cursor.x
        super().draw(data)
        if self.cursor.y == row and self.cursor.x >= column:
            self.wiped(row, column, max(self.cursor.x, column + 1))
        else:
            for line in range(row, self.cursor.y + 1):
                self.wiped(line, 0, self.columns)

    def erase_in_line(self, how: int = 0, private: bool = False) -> None:
        start = self.cursor.x if how == 0 else 0
        self.wiped(self.cursor.y, start, self.cursor.x + 1 if how == 1 else self.columns)
        super().erase_in_line(how, private)

    def erase_characters(self, count: int | None = None) -> None:
        self.wiped(self.cursor.y, self.cursor.x, self.cursor.x + (count or 1))
        super().erase_characters(count)

    def erase_in_display(self, how: int = 0, *args: object, **more: object) -> None:
        first = self.cursor.y if how == 0 else 0
        for line in range(first, self.cursor.y if how == 1 else self.lines):
            self.wiped(line, 0, self.columns)
        super().erase_in_display(how, *args, **more)

    def index(self) -> None:
        if self.cursor.y == self.lines - 1:
            for line in range(self.lines):  # scrolled: pictures would move; here they are gone
                self.wiped(line, 0, self.columns)
        super().index()


class Display:
    """Text and pixels of a terminal of `columns` x `rows` cells of `cell` (width, height) px."""

    def __init__(self, columns: int, rows: int, cell: tuple[int, int]) -> None:
        self.cell = cell
        self.kitty = Kitty()
        self.placed: dict[int, Picture] = {}  # kitty's, by number
        self.virtual: dict[int, Pixels] = {}  # kitty's without a place, by number
        self.modes: set[int] = set()
        self._start(columns, rows)

    def _start(self, columns: int, rows: int) -> None:
        width, height = columns * self.cell[0], rows * self.cell[1]
        self.canvas = np.zeros((height, width, 3), np.uint8)
        self.covered: NDArray[np.bool_] = np.zeros((height, width), np.bool_)
        self.cells = Cells(columns, rows, self._wiped)
        self.stream = pyte.ByteStream(self.cells)

    def resize(self, columns: int, rows: int, cell: tuple[int, int]) -> None:
        """A new window: pictures in cells are lost, as terminals lose them; kitty's stay."""
        self.cell = cell
        self._start(columns, rows)

    def _wiped(self, row: int, start: int, end: int) -> None:
        width, height = self.cell
        area = np.s_[row * height : (row + 1) * height, start * width : end * width]
        self.canvas[area], self.covered[area] = 0, False

    def take(self, kind: str, data: bytes, now: float) -> Picture | None:
        """One token; the picture that it completed, if it did."""
        if kind == "string":
            return self._string(data, now)
        if kind != "csi":
            self.stream.feed(data)
            return None
        found = CSI.match(data)
        assert found
        if found[1][:1] in b"<=>?" and found[1]:
            self._private(found[1], found[3])
        elif found[2] == b"" and b":" not in found[1]:
            self.stream.feed(data)
        return None

    def _private(self, parameters: bytes, final: bytes) -> None:
        if parameters[:1] != b"?" or final not in b"hl":
            return
        changed = {int(number) for number in parameters[1:].split(b";") if number}
        self.modes = self.modes | changed if final == b"h" else self.modes - changed
        if 1049 in changed:
            self.placed.clear()
            self.resize(self.cells.columns, self.cells.lines, self.cell)
        if 7 in changed:
            self.stream.feed(b"\x1b[?7" + final)

    def _string(self, data: bytes, now: float) -> Picture | None:
        if re.match(rb"\x1bP[\d;]*q", data):
            return self._sixel(data, now)
        if data.startswith(b"\x1b_G"):
            return self._kitty(data, now)
        if data.startswith(b"\x1b]1337;File="):
            keys, pixels = read_iterm(data)
            cells = int(keys["width"]), int(keys["height"])
            picture = self._picture("iterm", data, now, pixels, *cells)
            self._paint(picture)
            return picture
        return None

    def _picture(
        self, way: str, data: bytes, now: float, pixels: Pixels, columns: int, rows: int
    ) -> Picture:
        x, y = self.cells.cursor.x, self.cells.cursor.y
        return Picture(now, way, x, y, columns, rows, data, pixels)

    def _sixel(self, data: bytes, now: float) -> Picture:
        sixel = read_sixel(data)
        height, width = sixel.pixels.shape[:2]
        x, y = self.cells.cursor.x, self.cells.cursor.y
        columns, rows = -(-width // self.cell[0]), -(-height // self.cell[1])
        left, top = x * self.cell[0], y * self.cell[1]
        area = np.s_[top : top + height, left : left + width]
        room = self.canvas[area].shape
        mask = sixel.painted[: room[0], : room[1]]
        self.canvas[area][mask] = sixel.pixels[: room[0], : room[1]][mask]
        self.covered[area] |= mask
        return Picture(
            now, "sixel", x, y, columns, rows, data, sixel.pixels, sixel.late, sixel.colours
        )

    def _kitty(self, data: bytes, now: float) -> Picture | None:
        keys, pixels = self.kitty.take(data)
        number = int(keys.get("i", 0))
        if keys.get("a") == "d":
            gone = [number] if keys.get("d", "a") in "iI" else list(self.placed)
            for each in gone:
                self.placed.pop(each, None)
        if pixels is None:
            return None
        if keys.get("U") == "1":  # cells of text say where it is
            self.virtual[number] = scaled(
                pixels, int(keys["c"]) * self.cell[0], int(keys["r"]) * self.cell[1]
            )  # but for its shape, which kitty keeps
            return None
        columns, rows = (
            -(-px // one) for px, one in zip(pixels.shape[1::-1], self.cell, strict=True)
        )
        picture = self._picture("kitty", data, now, pixels, columns, rows)
        self.placed[number] = picture
        return picture

    def _paint(self, picture: Picture) -> None:
        width, height = self.cell
        pixels = picture.pixels
        if picture.way == "iterm":  # which fills its cells
            pixels = scaled(pixels, picture.columns * width, picture.rows * height)
        top, left = picture.row * height, picture.column * width
        area = np.s_[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        down, across = self.covered[area].shape  # of one for a larger window, what is seen
        self.canvas[area], self.covered[area] = pixels[:down, :across], True

    def shown(self) -> tuple[Pixels, NDArray[np.bool_]]:
        """The pixels of pictures on the screen now, and where there are any."""
        if not self.placed:
            return self.canvas, self.covered
        kept, covered = self.canvas, self.covered
        self.canvas, self.covered = kept.copy(), covered.copy()
        for picture in self.placed.values():
            self._paint(picture)
        result = self.canvas, self.covered
        self.canvas, self.covered = kept, covered
        return result

    def placeholders(self) -> dict[int, tuple[int, int, Pixels]]:
        """By number what kitty's placeholders show of a picture (black where one is missing), and
        at which column and row it begins."""
        width, height = self.cell
        found: dict[int, tuple[int, int, Pixels]] = {}
        for y, x in product(range(self.cells.lines), range(self.cells.columns)):
            char = self.cells.buffer[y][x]
            if char.data[0] != PLACEHOLDER or len(char.data) < 3:  # or not all there yet
                continue
            down, across = (MARKS.index(mark) for mark in char.data[1:])
            number = int(char.fg, 16)
            whole = self.virtual[number]
            *_, shown = found.setdefault(number, (x - across, y - down, np.zeros_like(whole)))
            area = np.s_[down * height : (down + 1) * height, across * width : (across + 1) * width]
            shown[area] = whole[area]
        return found

    def blocks(self, column: int, row: int, columns: int, rows: int) -> Pixels:
        """Half blocks read back as pixels (2 * rows, columns, 3); other cells are black."""
        pixels = np.zeros((2 * rows, columns, 3), np.uint8)
        for y in range(rows):
            line = self.cells.buffer[row + y]
            for x in range(columns):
                char = line[column + x]
                if char.data in "▀▄ ":
                    upper, lower = (char.fg, char.bg) if char.data == "▀" else (char.bg, char.fg)
                    lower = upper if char.data == " " else lower
                    pixels[2 * y, x], pixels[2 * y + 1, x] = _rgb(upper), _rgb(lower)
        return pixels


def _rgb(colour: str) -> tuple[int, int, int]:
    """pyte's name of a colour; black for those with a name of their own."""
    if not re.fullmatch("[0-9a-f]{6}", colour):
        return (0, 0, 0)
    return int(colour[:2], 16), int(colour[2:4], 16), int(colour[4:], 16)
