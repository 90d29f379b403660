"""Ways to show a picture: what is written is decoded again and compared with the picture."""

import re
import zlib
from base64 import standard_b64decode
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tui import pictures
from tui.pictures import blocks, iterm, kitty, saved, sixel
from tui.pictures.probe import Replies, Terminal, choose, parse

Pixels = NDArray[np.uint8]
SIZES = [(64, 64), (61, 47), (6, 1), (1, 1), (5, 130)]


def smooth(height: int, width: int, noise: int = 3) -> Pixels:
    """Gradients of related colours with a little grain: a portrait, more or less."""
    y, x = np.mgrid[0:height, 0:width] / max(height, width, 2)
    light = 130 + 90 * np.sin(5 * x + 2 * y)
    wave = [light + 30, light * 0.8 + 40 * y, light * 0.6 + 30 * np.cos(9 * x)]
    grain = np.random.RandomState(0).randint(-noise, noise + 1, (height, width, 3))
    return np.clip(np.stack(wave, axis=-1) + grain, 0, 255).astype(np.uint8)


def psnr(a: Pixels, b: Pixels) -> float:
    error = ((a.astype(float) - b) ** 2).mean()
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def read_sixel(text: str) -> Pixels:
    """A sixel decoder, as plain as can be: checks the grammar on the way."""
    head = re.match(r'\x1bP0;1;0q"1;1;(\d+);(\d+)((?:#\d+;2;\d+;\d+;\d+)+)', text)
    assert head and text.endswith("\x1b\\")
    width, height = int(head[1]), int(head[2])
    colours = {
        int(n): tuple(round(int(v) * 2.55) for v in rgb)
        for n, *rgb in re.findall(r"#(\d+);2;(\d+);(\d+);(\d+)", head[3])
    }
    picture = np.full((height, width, 3), -1)
    x, top, colour = 0, 0, 0
    for select, count, char in re.findall(r"#(\d+)|(?:!(\d+))?([?-~$-])", text[head.end() : -2]):
        if select:
            colour = int(select)
        elif char in "$-":
            x, top = 0, top + 6 * (char == "-")
        else:
            bits, end = ord(char) - 63, x + int(count or 1)
            for i in range(6):
                if bits >> i & 1:
                    assert top + i < height and end <= width
                    picture[top + i, x:end] = colours[colour]
            x = end
    assert (picture >= 0).all(), "pixels left out"
    return picture.astype(np.uint8)


@pytest.mark.parametrize("size", SIZES)
def test_sixels_come_back(size: tuple[int, int]) -> None:
    rgb = smooth(*size)
    back = read_sixel(sixel.encode(rgb, 1, 1))
    pillow = np.asarray(Image.fromarray(rgb).quantize(256, 0).convert("RGB"))
    assert psnr(back, rgb) >= 35 and psnr(back, rgb) > min(psnr(pillow, rgb), 40) - 0.5


def test_sixels_of_few_colours_are_exact_to_a_percent() -> None:
    rgb = np.zeros((20, 300, 3), np.uint8)
    rgb[3:9, 5:290] = (255, 0, 51)
    back = read_sixel(sixel.encode(rgb, 1, 1))
    assert np.abs(back.astype(int) - rgb).max() <= 4  # bins of 4 levels, steps of a percent


def test_long_runs_are_written_short() -> None:
    assert len(sixel.encode(np.zeros((60, 1000, 3), np.uint8), 1, 1)) < 200


def test_sixels_count_columns_past_a_thousand() -> None:
    rgb = np.zeros((6, 2000, 3), np.uint8)
    rgb[:, 1990:] = 255
    assert psnr(read_sixel(sixel.encode(rgb, 1, 1)), rgb) > 35


def read_blocks(text: str) -> list[list[tuple[str, str]]]:
    """(ink, background) of every cell."""
    rows = []
    for line in text.split("\r\n"):
        ink, paper, cells = "", "", []
        for plane, colour, glyph in re.findall(r"\x1b\[(?:(38|48);([\d;]+)|0)m|(▀)", line):
            if glyph:
                cells.append((ink, paper))
            elif plane == "38":
                ink = colour
            elif plane == "48":
                paper = colour
        assert line.endswith("\x1b[0m")
        rows.append(cells)
    return rows


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (7, 3), (88, 36)])
def test_half_blocks_keep_every_colour(columns: int, rows: int) -> None:
    rgb = smooth(2 * rows, columns)
    rgb[:, : columns // 2] = 7  # long stretches of one colour
    cells = read_blocks(blocks.encode(rgb, columns, rows))
    assert len(cells) == rows
    for row, column in product(range(rows), range(columns)):
        for half, said in enumerate(cells[row][column]):
            assert said == "2;" + ";".join(str(v) for v in rgb[2 * row + half, column])


def xterm_colour(index: int) -> NDArray[np.int64]:
    """The RGB of one of xterm's colours 16..255."""
    if index >= 232:
        return np.full(3, 8 + 10 * (index - 232))
    levels, index = (0, 95, 135, 175, 215, 255), index - 16
    return np.array([levels[index // 36], levels[index // 6 % 6], levels[index % 6]])


def test_half_blocks_in_256_colours_take_the_nearest() -> None:
    rgb = smooth(8, 12)
    known = np.stack([xterm_colour(i) for i in range(16, 256)])
    cells = read_blocks(blocks.encode(rgb, 12, 4, truecolor=False))
    for row, column, half in product(range(4), range(12), range(2)):
        wanted = rgb[2 * row + half, column].astype(int)
        index = int(cells[row][column][half].removeprefix("5;"))
        best = ((known - wanted) ** 2).sum(1).min()
        assert ((xterm_colour(index) - wanted) ** 2).sum() <= best + 30


@pytest.mark.parametrize("size", SIZES)
def test_kitty_pictures_come_back_exactly(size: tuple[int, int]) -> None:
    rgb = smooth(*size, noise=60)
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", kitty.encode(rgb, 9, 4, number=5))
    keys = dict(pair.split("=") for pair in parts[0][0].split(","))
    assert (keys["c"], keys["r"], keys["i"], keys["C"], keys["q"]) == ("9", "4", "5", "1", "2")
    assert all(len(chunk) <= 4096 for _, chunk in parts)
    assert [head[-1] for head, _ in parts] == [*["1"] * (len(parts) - 1), "0"]
    data = zlib.decompress(standard_b64decode("".join(chunk for _, chunk in parts)))
    back = np.frombuffer(data, np.uint8).reshape(int(keys["v"]), int(keys["s"]), 3)
    assert (back == rgb).all()


@pytest.mark.parametrize("size", SIZES)
def test_iterm_pictures_come_back_exactly(size: tuple[int, int]) -> None:
    rgb = smooth(*size)
    text = iterm.encode(rgb, 9, 4)
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);([^:]*):([^\x07]*)\x07", text)
    assert found and found[2] == "width=9;height=4;preserveAspectRatio=0"
    data = standard_b64decode(found[3])
    assert len(data) == int(found[1])
    assert (np.asarray(Image.open(BytesIO(data))) == rgb).all()


def test_saved_pictures_are_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path))
    rgb = smooth(20, 30)
    path = Path(saved.encode(rgb, 1, 1))
    assert path.is_relative_to(tmp_path) and path.suffix == ".png"
    with Image.open(path) as image:
        assert (np.asarray(image) == rgb).all()
    assert [*path.parent.iterdir()] == [path]


def test_every_way_draws_and_stays_in_its_cells() -> None:
    rgb = smooth(64, 48)
    for name in set(pictures.names()) - {"saved"}:
        terminal = Terminal(name, 60, 20, (9, 18))
        data, rows = pictures.render(rgb, terminal)
        assert 1 <= rows <= 17 and data
        text = pictures.draw(rgb, terminal)
        assert text.startswith("\r\n" * rows + f"\x1b[{rows}A")
        assert text.endswith(f"\x1b[{rows}B\r")


@pytest.mark.parametrize("shape", [(64, 64), (10, 1000), (1000, 10), (1, 1)])
def test_the_box_keeps_the_shape_and_the_room(shape: tuple[int, int]) -> None:
    for way, (columns, rows) in product(("sixel", "blocks"), ((80, 24), (200, 60), (10, 4))):
        across, down = pictures.box(shape, Terminal(way, columns, rows, (8, 16)))
        assert 1 <= across < columns and 1 <= down <= max(1, rows - 3)
    assert pictures.box((64, 64), Terminal("blocks", 80, 24, (8, 16))) == (42, 21)


XTERM = b"\x1bP>|XTerm(379)\x1b\\\x1bP1$r48:2::1:2:3m\x1b\\\x1b[?63;1;2;4;6c"
KITTY = b"\x1bP>|kitty(0.26.5)\x1b\\\x1b[6;18;9t\x1b_Gi=31;OK\x1b\\\x1b[?62;c"


def test_answers_are_read() -> None:
    xterm = parse(XTERM)
    assert (xterm.brand, xterm.truecolor, xterm.cell) == ("XTerm(379)", True, None)
    assert "4" in xterm.attributes and not xterm.kitty
    assert parse(KITTY).kitty and parse(KITTY).cell == (9, 18)
    assert parse(b"") == Replies(attributes=frozenset({""}))
    assert parse(b"\x1b[6;0;0t").cell is None


CELL = (9, 18)
FOUR = frozenset({"1", "4"})


@pytest.mark.parametrize(
    ("way", "replies", "environ", "tmux"),
    [
        ("sixel", Replies("XTerm(379)", FOUR, cell=CELL), {}, None),
        ("blocks", Replies("XTerm(379)", FOUR), {}, None),  # no cell size: never guess
        ("blocks", Replies("XTerm(379)", frozenset({"1"}), cell=CELL), {}, None),
        ("kitty", Replies("kitty(0.26.5)", kitty=True, cell=CELL), {}, None),
        ("kitty", Replies("WezTerm 2024", FOUR, kitty=True, cell=CELL), {}, None),
        ("iterm", Replies("iTerm2 3.5.0", FOUR, cell=CELL), {}, None),
        ("iterm", Replies(), {"TERM_PROGRAM": "iTerm.app"}, None),
        ("sixel", Replies("tmux next-3.8", FOUR, cell=CELL), {}, "RGB,sixel"),
        ("blocks", Replies("tmux next-3.8", FOUR, cell=CELL), {}, "RGB,sync"),  # it only claims
        ("blocks", Replies("tmux 3.3a", FOUR, kitty=True, cell=CELL), {}, None),  # beyond ssh
        ("blocks", Replies("", FOUR, cell=CELL), {"TERM": "screen-256color"}, None),
        ("blocks", Replies(), {}, None),
    ],
)
def test_the_best_way_is_chosen(
    way: str, replies: Replies, environ: dict[str, str], tmux: str | None
) -> None:
    assert choose(replies, environ, tmux) == way
