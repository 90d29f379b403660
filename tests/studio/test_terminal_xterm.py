"""The studio in a real xterm: what is on the screen is the picture, after everything that may wipe
it away. Where xterm draws no sixels the same check fails: that shows that it can."""

import time
from pathlib import Path

import pytest
from cli_process import COMMAND, environment
from PIL import Image
from terminal_pictures import Pixels
from terminal_studio import FIRST, drawn, large, studio
from terminal_tools import needs
from terminal_xterm import XTerm, opened

from latty.scene import Scene

pytestmark = [pytest.mark.slow, pytest.mark.xterm]
LIKE = 36.0  # dB
BORDER = 2 + 1  # px: xterm's own, and that of its window


def lies_at(folder: Path, **more: object) -> tuple[int, int, int, int]:
    """x, y, width and height in px of the picture in a window of that many cells."""
    with studio(folder, **more) as terminal:
        picture = large(terminal.pictures)[-1]
        width, height = terminal.cell
        shape = picture.pixels.shape
        return picture.column * width, picture.row * height, shape[1], shape[0]


def cell_of(terminal: XTerm) -> tuple[int, int]:
    """px of a cell of 120 x 40."""
    numbers = terminal.tool("getwindowgeometry", "--shell", terminal.window())
    size = dict(line.split("=") for line in numbers.splitlines() if "=" in line)
    return (int(size["WIDTH"]) - 4) // 120, (int(size["HEIGHT"]) - 4) // 40


def there(terminal: XTerm, wanted: Pixels, place: tuple[int, int], what: str, folder: Path) -> None:
    """The picture is on the screen, in its place."""
    found = terminal.best(wanted, 25, LIKE)
    if found.psnr < LIKE:
        Image.fromarray(terminal.shot()).save(folder / "screen.png")
    size = f"{wanted.shape[1]} x {wanted.shape[0]} px at {place}"
    assert found.psnr >= LIKE, f"{what}: {found}, wanted {size}"
    assert found.outliers < 1, f"{what}: {found}"
    assert (found.x, found.y) == place, f"{what}: {found}, not at {place}"


def test_the_picture_stays_on_the_screen(tmp_path: Path) -> None:
    needs("xterm", "Xvfb", "xdotool")
    environ = environment(tmp_path, TEXTUAL_ANIMATIONS="none", COLORTERM="truecolor")
    with opened(COMMAND, environ, tmp_path) as terminal:
        cell = cell_of(terminal)
        (tmp_path / "fake").mkdir()
        x, y, width, height = lies_at(tmp_path / "fake", cell=cell)
        place = x + BORDER, y + BORDER
        there(terminal, drawn(FIRST, width, height), place, "start", tmp_path)

        following = drawn(Scene(FIRST.model, FIRST.seed + 1, FIRST.truncation), width, height)
        terminal.press("n")
        there(terminal, following, place, "next picture", tmp_path)

        for name, key in (("help", "question"), ("palette", "ctrl+p")):
            terminal.press(key)
            terminal.wait(lambda: terminal.match(following).psnr < 30, f"{name} to open")
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                assert terminal.match(following).psnr < 30, f"{name}: pixels are painted over it"
            terminal.press("Escape")
            there(terminal, following, place, name, tmp_path)

        terminal.press("ctrl+r")  # nothing to redo: a toast
        terminal.settled()
        there(terminal, following, place, "toast", tmp_path)
        terminal.settled(6)  # it has gone
        there(terminal, following, place, "toast gone", tmp_path)


def test_without_sixels_the_check_fails(tmp_path: Path) -> None:
    needs("xterm", "Xvfb", "xdotool")
    environ = environment(tmp_path, TEXTUAL_ANIMATIONS="none", COLORTERM="truecolor")
    with opened(COMMAND, environ, tmp_path, sixel=False) as terminal:
        cell = cell_of(terminal)
        (tmp_path / "fake").mkdir()
        _, _, width, height = lies_at(tmp_path / "fake", cell=cell)
        terminal.settled(2)
        found = terminal.match(drawn(FIRST, width, height))
        assert found.psnr < LIKE - 4, found
