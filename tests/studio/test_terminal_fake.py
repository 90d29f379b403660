"""The terminals of the tests are terminals: what they say of a program can be relied on."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from places import LIMIT
from terminal_fake import KITTY, PLAIN, SIXEL, FakeTerminal, Kind, running
from terminal_pictures import found_at, outliers, psnr, read_sixel
from terminal_tools import needs

from latty_tui import terminal as latty_tui_terminal

PAINT = """
import os, signal, sys, termios, tty
before = termios.tcgetattr(0)
tty.setraw(0)
data = open(sys.argv[1], "rb").read()
os.write(1, b"\\x1b[?1049h\\x1b[2J\\x1b[Hready\\x1b7\\x1b[5;11H" + data + b"\\x1b8")
while (key := os.read(0, 1)) not in (b"", b"q"):
    if key == b"w":
        os.write(1, b"\\x1b[6;12Hwiped")
    elif key == b"s":
        os.write(1, b"\\x1b[1;1Hsize %d %d  " % os.get_terminal_size())
    elif key == b"?":
        os.write(1, b"\\x1b[c")
        answer = b""
        while not answer.endswith(b"c"):
            answer += os.read(0, 1)
        os.write(1, b"\\x1b[2;1Hanswer %d" % len(answer))
if not key:
    signal.pause()  # the terminal is gone: the signal that says so is on its way
termios.tcsetattr(0, termios.TCSANOW, before)
"""


def portrait(size: int = 60) -> np.ndarray:
    """Smooth, of many colours, and nowhere the same."""
    y, x = np.mgrid[0:size, 0:size] / size
    planes = [120 + 90 * np.sin(3 * x + y), 90 + 60 * np.cos(4 * y), 140 + 70 * np.sin(2 * x - y)]
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


@contextmanager
def painted(tmp_path: Path, kind: Kind = SIXEL, **more: object) -> Iterator[FakeTerminal]:
    """A terminal in which a small program has painted the portrait."""
    way = latty_tui_terminal.way(kind.pictures)
    (tmp_path / "data").write_bytes(way.encode(portrait(), 8, 4).encode())
    (tmp_path / "paint.py").write_text(PAINT)
    words = [sys.executable, str(tmp_path / "paint.py"), str(tmp_path / "data")]
    with running(words, {**os.environ, "TERM": "xterm"}, kind=kind, **more) as terminal:
        terminal.wait_for("ready")
        terminal.wait(lambda: terminal.pictures, "a picture")
        yield terminal


def test_a_sixel_is_seen_where_it_is_and_dies_under_text(tmp_path: Path) -> None:
    with painted(tmp_path, cell=(8, 17)) as terminal:
        [picture] = terminal.pictures
        assert (picture.column, picture.row, picture.columns, picture.rows) == (10, 4, 8, 4)
        seen, covered = terminal.area(picture)
        assert covered == 1 and psnr(seen, portrait()) >= 35
        terminal.press("w")
        terminal.wait_for("wiped")
        _, covered = terminal.area(picture)
        assert covered == pytest.approx(1 - 5 * 8 * 17 / 60**2)
        terminal.press("q")
        assert terminal.ended() == 0
        assert 1049 in terminal.display.modes  # it forgot to leave the other screen


def test_a_kitty_picture_lies_over_text(tmp_path: Path) -> None:
    with painted(tmp_path, KITTY) as terminal:
        terminal.press("w")
        terminal.wait_for("wiped")
        seen, covered = terminal.area(terminal.pictures[0])
        assert covered == 1 and seen.shape == (60, 60, 3)


def test_answers_come_as_late_as_the_line_is_long(tmp_path: Path) -> None:
    with painted(tmp_path, rtt=0.3) as terminal:
        began = time.monotonic()
        terminal.press("?")
        terminal.wait_for(r"answer \d+")
        assert 0.3 <= time.monotonic() - began < 2
        assert [question for _, question in terminal.questions] == [b"\x1b[c"]


def test_a_slow_line_is_slow(tmp_path: Path) -> None:
    with painted(tmp_path, speed=5_000) as terminal:
        sent = sum(len(data) for _, data in terminal.wrote[1:])
        took = terminal.wrote[-1][0] - terminal.wrote[0][0]
        assert sent > 1000 and took >= 0.9 * sent / 5_000


def test_keys_windows_and_ends_are_real(tmp_path: Path) -> None:
    with painted(tmp_path) as terminal:
        with terminal.watched(0.2) as seen:
            terminal.hold("s", 5, rate=50)
        assert seen[0].data.count(b"size 120 40") == 5 and not seen[0].pictures
        terminal.resize(90, 30)
        terminal.press("s")
        terminal.wait_for("size 90 30")
        terminal.kill()
        assert terminal.ended() == -signal.SIGKILL


def test_closing_the_window_hangs_up(tmp_path: Path) -> None:
    with painted(tmp_path) as terminal:
        terminal.close()
        assert terminal.process.wait(LIMIT) == -signal.SIGHUP


def test_a_wait_that_is_not_met_fails(tmp_path: Path) -> None:
    with (
        running(["sh", "-c", "echo hello; read x"], dict(os.environ), kind=PLAIN) as terminal,
        pytest.raises(AssertionError, match=r"(?s)not within.*hello"),
    ):
        terminal.wait_for("goodbye", 0.3)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("#0;2;0;0;0#0!9~", "width"),
        ("#0;2;0;0;0#0~-~-~", "height|bands"),
        ("".join(f"#{i};2;0;0;0" for i in range(300)) + "#0~", "300 colours"),
    ],
)
def test_sixels_that_break_the_rules_are_refused(body: str, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        read_sixel(f'\x1bP0;1;0q"1;1;8;6{body}\x1b\\'.encode())


def test_colours_that_come_late_are_counted() -> None:
    sixel = read_sixel(b'\x1bP0;1;0q"1;1;3;6#1;2;100;0;0#1~#2;2;0;100;0#2~~\x1b\\')
    assert (sixel.colours, sixel.late) == (2, 1)
    assert sixel.pixels[0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 255, 0]]
    assert sixel.painted.all()


def test_a_picture_is_found_in_a_screenshot() -> None:
    screen = np.random.RandomState(0).randint(0, 255, (300, 400, 3)).astype(np.uint8)
    screen[111:171, 33:93] = portrait()
    assert found_at(portrait(), screen) == (33, 111)
    speckled = portrait()
    speckled[5, :6, 0] ^= 128
    assert outliers(speckled, portrait()) > 10 > outliers(portrait(), portrait()) == 0


def test_a_program_that_is_missing_is_skipped_but_never_in_ci(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("terminal_tools.PLACES", "/nowhere")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=r"needs sshd, ssh .*openssh-server openssh-cl"):
        needs("sshd", "ssh")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match=r"needs xterm .*apt-get install xterm\)"):
        needs("xterm")
