"""How the studio ends: by signals, with its terminal, by errors; and that it leaves no trace."""

import re
import signal
import termios
import time
from pathlib import Path

import pytest
from places import LIMIT
from terminal_fake import SIXEL, FakeTerminal
from terminal_studio import gone, kept
from terminal_studio import quick as studio

from latty_tui.threads import GRACE

pytestmark = pytest.mark.slow


def engine_of(terminal: FakeTerminal) -> int:
    """Its process."""
    pid = terminal.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    [found] = [one for one in children if b"engine.py" in Path(f"/proc/{one}/cmdline").read_bytes()]
    return int(found)


def seed_kept(folder: Path) -> object:
    """Of the state that the next studio will open with."""
    found = kept(folder)
    return found.steps[found.index].state.scene.seed


def reported(folder: Path) -> list[Path]:
    return list((folder / "home" / "state" / "reports").glob("*"))


def put_right(terminal: FakeTerminal) -> None:
    """The terminal is as it was before."""
    assert termios.tcgetattr(terminal.slave) == terminal.modes_before
    data = terminal.since(0).data
    for on, off in ((b"?1049h", b"?1049l"), (b"?25l", b"?25h"), (b"?1003h", b"?1003l"),
                    (b"?2004h", b"?2004l")):  # fmt: skip
        assert data.rfind(off) > data.rfind(on), f"{on!r} is still on"


@pytest.mark.parametrize("name, code", [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)])
def test_signals_leave_in_good_order(name: str, code: int, tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        engine = engine_of(terminal)
        terminal.press("n")
        terminal.wait_for("seed 8")
        terminal.kill(getattr(signal, name))
        assert terminal.ended() == code
        put_right(terminal)
    assert seed_kept(tmp_path) == 8 and gone(engine) and not reported(tmp_path)


def test_a_terminal_that_goes_takes_the_studio_along(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        engine = engine_of(terminal)
        terminal.press("n")
        terminal.wait_for("seed 8")
        terminal.close()
        assert terminal.process.wait(LIMIT) == 129
    assert seed_kept(tmp_path) == 8 and gone(engine) and not reported(tmp_path)


def test_a_studio_that_is_stuck_ends_all_the_same(tmp_path: Path) -> None:
    with studio(tmp_path, "stuck") as terminal:
        terminal.press("n")
        terminal.wait_for("seed 8")
        terminal.press("n", "u")
        time.sleep(0.5)
        terminal.kill(signal.SIGTERM)
        assert terminal.ended() == 143
        put_right(terminal)
    assert seed_kept(tmp_path) == 9


def test_q_leaves_at_once(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        terminal.press("n", "q")
        assert terminal.ended() == 0
        put_right(terminal)
        said = terminal.since(0).data.rpartition(b"\x1b[?1049l")[2]
        assert not re.sub(rb"\x1b\[[^a-z]*[a-z]", b"", said).strip()
    assert seed_kept(tmp_path) == 8


def test_ctrl_q_leaves_while_a_disk_does_not_answer(tmp_path: Path) -> None:
    """q itself is a letter of what would open."""
    with studio(tmp_path, "hung") as terminal:
        terminal.press("n")
        terminal.wait_for("seed 8")
        terminal.press("ctrl+l")
        terminal.quiet(0.5)
        began = time.monotonic()
        terminal.press("ctrl+q")
        assert terminal.ended() == 0 and time.monotonic() - began < 2 * GRACE + 1
        put_right(terminal)
    assert seed_kept(tmp_path) == 8


def test_an_error_that_nobody_foresaw_is_one_line(tmp_path: Path) -> None:
    with studio(tmp_path, "crash") as terminal:
        terminal.press("n")
        assert terminal.ended() == 1
        put_right(terminal)
        said = terminal.since(0).data.rpartition(b"\x1b[?1049l")[2].decode()
    [report] = reported(tmp_path)
    assert "latty: unexpected KeyError: 'planted [red]'" in said and report.name in said
    assert "Traceback" not in said and "Traceback" in report.read_text()
    assert seed_kept(tmp_path) == 8


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_ctrl_z_gives_the_terminal_back_and_fg_the_picture(tmp_path: Path) -> None:
    with studio(tmp_path, kind=SIXEL) as terminal:
        terminal.press("ctrl+z")
        pid = terminal.process.pid
        terminal.wait(lambda: state_of(pid) == "T", "the studio to sleep")
        put_right(terminal)
        before = time.monotonic()
        terminal.kill(signal.SIGCONT)
        terminal.wait(lambda: terminal.since(before).pictures, "the picture again")
        terminal.press("n")
        terminal.wait_for("seed 8")
        terminal.press("q")
        assert terminal.ended() == 0
