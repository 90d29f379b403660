"""What opens and closes over a picture, in quick succession and at any moment: in the end the
terminal shows what it would if all were painted anew."""

import random
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from terminal_fake import ITERM, KITTY, PLAIN, SIXEL, FakeTerminal, Kind
from terminal_pictures import psnr
from terminal_studio import large, quick

pytestmark = pytest.mark.slow

SECONDS = 40  # of each run
COARSE = 20  # dB: where a busy machine passes for a slow line, a picture has less detail
OPENS = ("?", "ctrl+p", "ctrl+o", "s", "r", "d", "ctrl+r")  # the last one: a toast
CHANGES = ("n", "v", "f", "g", "o", "z", "down", "right", "u")
SIZES = ((120, 40), (110, 40), (140, 44), (100, 30), (80, 24))
PAUSES = (0.0, 0.0, 0.003, 0.02, 0.05, 0.15)
Seen = tuple[np.ndarray, np.ndarray, list[list[tuple[str, str, str]]]]


def seen(terminal: FakeTerminal) -> Seen:
    """Pixels (H, W, 3), where there are any (H, W), and the cells that they do not cover."""
    with terminal.changed:
        pixels, covered = (one.copy() for one in terminal.display.shown())
        buffer = terminal.display.cells.buffer
        cells = [[buffer[y][x] for x in range(terminal.columns)] for y in range(terminal.rows)]
    width, height = terminal.cell
    full = covered.reshape(terminal.rows, height, terminal.columns, width).all(axis=(1, 3))
    return (
        pixels,
        covered,
        [
            [
                ("", "", "") if full[y, x] else (one.data, one.fg, one.bg)
                for x, one in enumerate(row)
            ]
            for y, row in enumerate(cells)
        ],
    )


def differs(was: Seen, now: Seen) -> str:
    """What is not as it would be if it were painted anew, in words; "" = nothing."""
    if was[1].shape != now[1].shape:
        return "another size"
    found = []
    if (wrong := was[1] != now[1]).any():
        found.append(f"{wrong.sum()} px are {'missing' if now[1][wrong].any() else 'left over'}")
    other = (was[0] != now[0]).any(-1)
    if other.any() and psnr(was[0][other], now[0][other]) < COARSE:
        found.append(f"{other.sum()} px are wrong")
    rows = [y for y, (a, b) in enumerate(zip(was[2], now[2], strict=True)) if a != b]
    if rows:
        found.append(f"cells of rows {rows}")
    return ", ".join(found)


def resized(terminal: FakeTerminal, columns: int, rows: int) -> None:
    """The terminal has lost what cells showed, and says so, also where its size is the same."""
    terminal.resize(columns, rows)
    terminal.kill(signal.SIGWINCH)


def calm(terminal: FakeTerminal) -> None:
    """No dialog, no toast, nothing that is still to come."""
    for _ in range(4):
        terminal.press("escape")
        time.sleep(0.12)
    terminal.quiet(0.3)
    terminal.wait(lambda: "▌" not in terminal.text(), "toasts to go")
    terminal.quiet(1.5)  # a busy machine encodes one that long


def as_painted_anew(terminal: FakeTerminal, what: object) -> None:
    calm(terminal)
    was, text = seen(terminal), terminal.text()
    with terminal.changed:
        terminal.display.placed.clear()  # kitty's too
    resized(terminal, terminal.columns, terminal.rows)
    terminal.quiet(1.5)  # a busy machine encodes one that long
    wrong = differs(was, seen(terminal))
    assert not wrong, f"{wrong}, after {what}\n{text}\n--- anew:\n{terminal.text()}"
    pictures = terminal.kind.pictures == "nothing" or seen(terminal)[1].any()
    assert pictures or terminal.columns < 100, f"no picture after {what}\n{terminal.text()}"


def moves(terminal: FakeTerminal, dice: random.Random) -> list[object]:
    """Some keys and new sizes of the window, at once or soon after each other."""
    done: list[object] = []
    for _ in range(dice.randint(2, 9)):
        kind = dice.random()
        if kind < 0.15:
            size = dice.choice(SIZES)
            resized(terminal, *size)
            done.append(size)
        else:
            key = dice.choice(OPENS if kind < 0.5 else CHANGES if kind < 0.7 else ("escape",))
            terminal.press(key)
            done.append(key)
        pause = dice.choice(PAUSES)
        time.sleep(pause)
        done.append(pause)
    return done


@pytest.mark.parametrize("kind", [SIXEL, KITTY, ITERM, PLAIN], ids=lambda kind: kind.pictures)
def test_whatever_covers_a_picture_leaves_no_trace(kind: Kind, tmp_path: Path) -> None:
    dice = random.Random(kind.pictures)
    with quick(tmp_path, kind=kind) as terminal:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            as_painted_anew(terminal, moves(terminal, dice))


@pytest.mark.parametrize("pause", PAUSES[1:])
@pytest.mark.parametrize("key", ["?", "ctrl+p", "r"])
def test_a_dialog_that_is_closed_at_once_leaves_no_trace(
    key: str, pause: float, tmp_path: Path
) -> None:
    with quick(tmp_path, kind=SIXEL) as terminal:
        [picture] = large(terminal.pictures)
        terminal.press(key)
        time.sleep(pause)
        as_painted_anew(terminal, [key, pause])
        assert terminal.area(picture)[1] == 1


@pytest.mark.parametrize("keys", ["f", "ff", "fffz"])
@pytest.mark.parametrize("kind", [SIXEL, KITTY], ids=lambda kind: kind.pictures)
def test_full_screen_leaves_no_trace(kind: Kind, keys: str, tmp_path: Path) -> None:
    with quick(tmp_path, kind=kind) as terminal:
        for key in keys:
            terminal.press(key)
            terminal.quiet(0.3)
        as_painted_anew(terminal, keys)
        assert "╭─ 2 directions" in terminal.text(), "the focus is elsewhere"


def test_a_window_too_small_shows_no_picture(tmp_path: Path) -> None:
    with quick(tmp_path, kind=KITTY) as terminal:
        terminal.resize(50, 12)
        terminal.wait_for("The studio needs")
        terminal.quiet(0.3)
        assert not terminal.display.placed
        terminal.resize(120, 40)
        as_painted_anew(terminal, "a small window")


def test_another_way_takes_away_what_the_last_one_painted(tmp_path: Path) -> None:
    with quick(tmp_path, kind=KITTY) as terminal:
        assert terminal.display.placed
        terminal.press("i")
        terminal.wait_for("pictures as")
        terminal.quiet(1.5)  # a busy machine encodes one that long
        assert "pictures as kitty" not in terminal.text() and not terminal.display.placed


def box(terminal: FakeTerminal, title: str) -> tuple[int, int, int] | None:
    """The row, and from where to where, of the frame with that title."""
    lines = enumerate(terminal.text().split("\n"))
    found = ((y, re.search(f"╭─ {title}.*?(╮|$)", line)) for y, line in lines)
    return next(((y, *match.span()) for y, match in found if match), None)


@pytest.mark.parametrize(
    ("key", "title"), [("?", "help"), ("ctrl+p", "find anything"), ("s", "seed"), ("r", "render")]
)
def test_in_another_window_a_dialog_stands_as_if_opened_there(
    key: str, title: str, tmp_path: Path
) -> None:
    def opened() -> tuple[int, int, int] | None:
        terminal.press(key)
        terminal.wait(lambda: box(terminal, title), title)
        terminal.quiet(0.3)
        return box(terminal, title)

    def closed() -> None:
        terminal.press("escape")
        terminal.wait(lambda: not box(terminal, title), f"{title} to close")

    with quick(tmp_path) as terminal:
        for size in ((100, 30), (140, 44), (80, 24)):
            terminal.resize(*size)
            terminal.quiet(0.4)
            anew = opened()
            closed()
            terminal.resize(120, 40)
            opened()
            terminal.resize(*size)
            terminal.wait(
                lambda anew=anew: box(terminal, title) == anew, f"{title} at {anew} of {size}"
            )
            closed()
