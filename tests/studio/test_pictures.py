"""Ways to show a picture: what is written is decoded again and compared with the picture."""

import os
import re
import subprocess
import sys
import unicodedata
from base64 import standard_b64decode
from io import BytesIO
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from latty import home
from latty.render import picture
from latty.scene import Scene
from latty_tui import terminal as latty_tui_terminal
from latty_tui.pictures import blocks, iterm, kitty, placeholders, saved, sixel
from latty_tui.pictures.sixel import bands
from latty_tui.terminal import quantise as terminal_quantise
from latty_tui.terminal.probe import Terminal

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
    assert psnr(read_sixel(sixel.encode(rgb, 1, 1)), rgb) >= 36.5


@pytest.fixture(scope="module")
def portrait() -> Image.Image:
    return Image.fromarray(picture(Scene("demo", 7, 0.8), "cpu"))


@pytest.mark.parametrize("size", [(64, 64), (256, 256), (360, 340), (512, 512), (1030, 700)])
def test_portraits_are_good(size: tuple[int, int], portrait: Image.Image) -> None:
    rgb = np.asarray(portrait.resize(size, Image.Resampling.LANCZOS))
    back = read_sixel(sixel.encode(rgb, 1, 1))
    assert psnr(back, rgb) >= 37
    assert np.abs(back.astype(int) - rgb).max() <= 70, "an outlier that the eye would see"
    assert psnr(np.asarray(read_kitty(kitty.encode(rgb, 1, 1))[1].convert("RGB")), rgb) >= 37
    few = read_sixel(sixel.encode(rgb, 1, 1, colours=64))
    assert len(np.unique(few.reshape(-1, 3), axis=0)) <= 64
    assert 33 <= psnr(few, rgb) < psnr(back, rgb)


@pytest.mark.parametrize("size", [*SIZES, (13, 7), (600, 1100)])
def test_sixels_are_the_palette_to_one_level(size: tuple[int, int]) -> None:
    """Noise in any colours: every pixel has to be where it belongs."""
    index = np.random.RandomState(1).randint(0, 256, size).astype(np.uint8)
    percent = np.random.RandomState(2).randint(0, 101, (256, 3)).astype(np.uint8)
    wanted = np.rint(percent * 2.55)[index]
    back = read_sixel(bands.write(percent, index))
    assert np.abs(back - wanted).max() <= 1


@pytest.mark.parametrize("colours", [256, 64, 2])
def test_palettes_have_no_more_colours_than_asked_for(colours: int) -> None:
    for rgb in (smooth(90, 90), smooth(90, 90, noise=60), np.zeros((9, 9, 3), np.uint8)):
        image = terminal_quantise.quantise(rgb, colours)
        assert len(terminal_quantise.palette(image)) <= colours
        assert np.asarray(image).max() < len(terminal_quantise.palette(image))


def test_thin_lines_keep_their_colours() -> None:
    rgb = smooth(512, 512)
    rgb[301] = (255, 0, 0)
    for name, read in (("sixel", read_sixel), ("kitty", lambda t: read_kitty(t)[1].convert("RGB"))):
        back = np.asarray(read(latty_tui_terminal.way(name).encode(rgb, 1, 1)))
        assert np.abs(back[301].astype(int) - rgb[301]).max() <= 40


def test_sixels_of_few_colours_are_exact_to_a_percent() -> None:
    rgb = np.zeros((20, 300, 3), np.uint8)
    rgb[3:9, 5:290] = (255, 0, 51)
    back = read_sixel(sixel.encode(rgb, 1, 1))
    assert np.abs(back.astype(int) - rgb).max() <= 2  # steps of a percent


@pytest.mark.slow
def test_pictures_larger_than_any_screen_are_right() -> None:
    """Their keys would not fit into 32 bits, were they sorted at once."""
    rgb = np.zeros((1800, 4000, 3), np.uint8)
    rgb[1000:, 3000:] = (255, 255, 255)
    rgb[1700:1720] = (255, 0, 0)
    text = sixel.encode(rgb, 1, 1)
    assert len(text) < 20_000
    assert np.abs(read_sixel(text).astype(int) - rgb).max() <= 2


def test_long_runs_are_written_short() -> None:
    assert len(sixel.encode(np.zeros((60, 1000, 3), np.uint8), 1, 1)) < 200


def test_sixels_count_columns_past_a_thousand() -> None:
    rgb = np.zeros((6, 2000, 3), np.uint8)
    rgb[:, 1990:] = 255
    assert psnr(read_sixel(sixel.encode(rgb, 1, 1)), rgb) > 35


def read_blocks(text: str) -> list[list[tuple[str, str]]]:
    """(ink, background) of every cell, as 2;R;G;B or 5;N."""
    rows = []
    for line in text.split("\r\n"):
        ink, paper, cells = "", "", []
        for words, glyph in re.findall(r"\x1b\[([\d;]*)m|(▀)", line):
            if glyph:
                cells.append((ink, paper))
            for plane, colour in re.findall(r"(38|48);(2;\d+;\d+;\d+|5;\d+)(?=;|$)", words):
                ink, paper = (colour, paper) if plane == "38" else (ink, colour)
        assert line.endswith("\x1b[0m") and not re.sub(r"\x1b\[[\d;]+m|▀", "", line)
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


def test_what_does_not_change_is_not_sent_again() -> None:
    flat = np.full((2, 50, 3), 9, np.uint8)
    assert blocks.encode(flat, 50, 1).count("\x1b[") == 2  # both colours in one, and the end
    flat[0, 25:] = 200
    text = blocks.encode(flat, 50, 1)
    assert text.count("\x1b[") == 3 and text.count("48;2;9;9;9") == 1
    assert text.count("\x1b[38;2;200;200;200m▀") == 1


def read_kitty(text: str) -> tuple[dict[str, str], Image.Image]:
    """Keys and picture; checks the chunks on the way."""
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert all(len(chunk) <= 4096 for _, chunk in parts)
    assert [head[-1] for head, _ in parts] == [*["1"] * (len(parts) - 1), "0"]
    assert sum(len(head) + len(chunk) + 6 - 1 + 1 for head, chunk in parts) == len(text)
    data = standard_b64decode("".join(chunk for _, chunk in parts))
    return dict(pair.split("=") for pair in parts[0][0].split(",")), Image.open(BytesIO(data))


@pytest.mark.parametrize("size", [*SIZES, (300, 500)])
def test_kitty_pictures_come_back(size: tuple[int, int]) -> None:
    rgb = smooth(*size)
    keys, image = read_kitty(kitty.encode(rgb, 9, 4, number=5))
    assert (keys["i"], keys["C"], keys["q"]) == ("5", "1", "2") and not {"c", "r"} & {*keys}
    assert (keys["a"], keys["f"], image.format, image.mode) == ("T", "100", "PNG", "P")
    assert psnr(np.asarray(image.convert("RGB")), rgb) >= 36.5
    few = read_kitty(kitty.encode(rgb, 9, 4, colours=16))[1]
    assert len(few.convert("RGB").getcolors(1000)) <= 16


@pytest.mark.parametrize("size", SIZES)
def test_iterm_pictures_come_back(size: tuple[int, int]) -> None:
    rgb = smooth(*size)
    text = iterm.encode(rgb, 9, 4)
    found = re.fullmatch(r"\x1b\]1337;File=inline=1;size=(\d+);([^:]*):([^\x07]*)\x07", text)
    assert found and found[2] == "width=9;height=4;preserveAspectRatio=0"
    data = standard_b64decode(found[3])
    assert len(data) == int(found[1])
    image = Image.open(BytesIO(data))
    assert image.format == "JPEG" and psnr(np.asarray(image), rgb) >= 35


def test_placeholders_number_their_cells_as_kitty_does() -> None:
    marks = placeholders.marks()
    assert len(set(marks)) == len(marks) == 297 and [*marks] == sorted(marks)
    assert [ord(mark) for mark in marks[:6]] == [0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D]
    assert {unicodedata.combining(mark) for mark in marks} == {230}
    assert not any(unicodedata.decomposition(mark) for mark in marks)
    text = placeholders.encode(smooth(40, 60), 400, 2, number=300)
    first, second = text[text.rindex("\x1b\\") + 2 :].split("\r\n")
    assert first.startswith("\x1b[38;2;0;1;44m") and first.count(placeholders.PLACEHOLDER) == 297
    assert second.split(placeholders.PLACEHOLDER)[2] == marks[1] + marks[1]


def test_only_kitty_keeps_pictures_over_which_is_written() -> None:
    kept = {
        name
        for name in latty_tui_terminal.PICTURES.names()
        if latty_tui_terminal.way(name).SURVIVES
    }
    assert kept == {"kitty"}
    assert {
        name for name in latty_tui_terminal.PICTURES.names() if latty_tui_terminal.way(name).hide(7)
    } == kept
    assert re.fullmatch(r"\x1b_Ga=d,d=I,i=7,q=2\x1b\\", kitty.hide(7))


def test_nothing_heavy_is_imported_before_the_first_picture() -> None:
    code = """
import sys
from latty_tui.terminal import PICTURES, way
from latty_tui.terminal.probe import finish, probe, start
assert probe("auto").way == "saved" == finish(start()).way
for name in PICTURES.names():
    way(name).hide(1), way(name).SURVIVES, way(name).canvas(3, 2, (8, 16))
print([name for name in ("numpy", "PIL", "torch", "textual", "subprocess") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


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
    for name in set(latty_tui_terminal.PICTURES.names()) - {"saved"}:
        terminal = Terminal(name, 60, 20, (9, 18))
        data, rows = latty_tui_terminal.render(rgb, terminal)
        assert 1 <= rows <= 17 and data
        text = latty_tui_terminal.draw(rgb, terminal)
        assert text.startswith("\r\n" * rows + f"\x1b[{rows}A")
        assert text.endswith(f"\x1b[{rows}B\r")


@pytest.mark.parametrize("shape", [(64, 64), (10, 1000), (1000, 10), (1, 1)])
def test_the_box_keeps_the_shape_and_the_room(shape: tuple[int, int]) -> None:
    for way, (columns, rows) in product(("sixel", "blocks"), ((80, 24), (200, 60), (10, 4))):
        across, down = latty_tui_terminal.box(shape, Terminal(way, columns, rows, (8, 16)))
        assert 1 <= across < columns and 1 <= down <= max(1, rows - 3)
    assert latty_tui_terminal.box((64, 64), Terminal("blocks", 80, 24, (8, 16))) == (42, 21)


def test_without_colours_brightness_becomes_characters() -> None:
    from latty_tui.drawing.encoding import SHADES, cells
    from latty_tui.drawing.picture import RawPicture

    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 3, 2).repeat(64, 0)
    lines = cells(RawPicture(ramp.tobytes(), 64, 64), 40, 20, (8, 16), colours=False)
    text = "".join(part[0] for part in lines[10])
    assert len(text) == 40 and text[0] == SHADES[0] and text[-1] == SHADES[-1]
    assert [SHADES.index(c) for c in text] == sorted(SHADES.index(c) for c in text)
    assert all(part[1] == "" for line in lines for part in line)


def test_saved_pictures_do_not_pile_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from latty_tui.pictures import saved

    monkeypatch.setattr(saved, "KEPT", 3)
    elsewhere = tmp_path / "photos"  # the folder may be a link
    elsewhere.mkdir()
    home.cache_dir().mkdir(parents=True)
    (home.cache_dir() / "pictures").symlink_to(elsewhere)
    (elsewhere / "holiday.png").write_text("mine")
    os.utime(elsewhere / "holiday.png", (1e9, 1e9))
    paths = [Path(saved.encode(np.full((4, 4, 3), i, np.uint8), 0, 0)) for i in range(5)]
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    assert (elsewhere / "holiday.png").read_text() == "mine"
