"""The studio in a real kitty: pictures in their own size and shape, and gone where a dialog is."""

from pathlib import Path

import pytest
from cli_process import COMMAND, environment
from PIL import Image
from terminal_studio import FIRST, drawn
from terminal_tools import missing
from terminal_xterm import Match, XTerm, opened_kitty

from latty.scene import Scene

pytestmark = [pytest.mark.slow, pytest.mark.xterm]
LIKE = 35.0  # dB: 256 colours; scaled by the terminal, it was 27
SIDES = range(380, 560)  # px that the picture may be high


def found(terminal: XTerm, scene: Scene) -> tuple[int, Match]:
    """The side of the picture on the screen, in px, and how well it fits."""
    rough = max(SIDES[::20], key=lambda side: terminal.match(drawn(scene, side, side)).psnr)
    near = {
        side: terminal.match(drawn(scene, side, side)) for side in range(rough - 15, rough + 16, 3)
    }
    best = max(near, key=lambda side: near[side].psnr)
    near |= {side: terminal.match(drawn(scene, side, side)) for side in range(best - 2, best + 3)}
    return max(near.items(), key=lambda item: item[1].psnr)


def test_a_real_kitty_shows_the_picture(tmp_path: Path) -> None:
    lacking = missing("kitty", "Xvfb", "xdotool")
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}")
    environ = environment(tmp_path, TEXTUAL_ANIMATIONS="none", LC_ALL="C.UTF-8")
    with opened_kitty([*COMMAND, "demo", "--device", "cpu"], environ, tmp_path) as terminal:
        terminal.wait(lambda: terminal.match(drawn(FIRST, 440, 440)).psnr > 16, "a picture")
        terminal.settled(2)
        side, match = found(terminal, FIRST)
        if match.psnr < LIKE:
            Image.fromarray(terminal.shot()).save(tmp_path / "screen.png")
        assert match.psnr >= LIKE and match.outliers < 1, f"{side} px: {match}, see {tmp_path}"

        following = drawn(Scene(FIRST.model, FIRST.seed + 1, FIRST.truncation), side, side)
        terminal.press("n")
        assert terminal.best(following, 60, LIKE).psnr >= LIKE
        terminal.press("question")
        terminal.wait(lambda: terminal.match(following).psnr < 30, "help over it")
        terminal.press("Escape")
        assert terminal.best(following, 60, LIKE).psnr >= LIKE
