"""Signals: during imports, during a render, twice, ignored; and what is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, latty, write_preset
from places import LIMIT

pytestmark = pytest.mark.slow

CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
SLOW_IMPORT = """\
import sys, time
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("importing", file=sys.stderr, flush=True)
            for _ in range(3000):
                time.sleep(0.01)
sys.meta_path.insert(0, Slow())
import latty_tui.__main__
sys.exit(latty_tui.__main__.main(sys.argv[1:]))
"""


def start(command: list[str], home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command,
        cwd=home,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_words(process: "subprocess.Popen[str]", word: str) -> str:
    """Read stderr up to a line with `word`."""
    assert process.stderr is not None
    seen = ""
    while word not in (line := process.stderr.readline()):
        assert line, seen
        seen += line
    return seen


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_during_imports(number: int, code: int, tmp_path: Path) -> None:
    write_preset(tmp_path)
    process = start([sys.executable, "-c", SLOW_IMPORT, "render", "tiny.toml"], tmp_path)
    first_words(process, "importing")
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out, err) == (code, "", "latty: interrupted\n")
    assert not (tmp_path / "renders").exists()


def rendering(home: Path, frames: int = 4000) -> "subprocess.Popen[str]":
    """A render that has begun."""
    write_preset(home, "slow", frames=frames, size=48)
    process = start([*COMMAND, "render", "slow.toml", "--batch", "2", "--progress", "json"], home)
    first_words(process, "frames")
    return process


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_during_a_render_keeps_the_work(number: int, code: int, tmp_path: Path) -> None:
    process = rendering(tmp_path)
    begun = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=LIMIT)
    assert process.returncode == code, err
    assert "same command" in err and "Traceback" not in err and out == ""
    assert time.monotonic() - begun < 30
    assert not (tmp_path / "renders/slow.gif").exists()
    assert (tmp_path / "renders/slow.gif.latty-work").is_dir()


def test_an_interrupted_render_goes_on(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    process = rendering(tmp_path, frames=20)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT)
    assert process.returncode == 130
    done = latty("render", "slow.toml", "--batch", "2", home=tmp_path)
    assert done.returncode == 0, done.stderr
    words = ["render", str(tmp_path / "slow.toml"), "-q", "--batch", "2"]
    assert latty(*words, home=whole).returncode == 0
    made = [place / "renders" / "slow.gif" for place in (tmp_path, whole)]
    assert made[0].read_bytes() == made[1].read_bytes()
    assert not (tmp_path / "renders/slow.gif.latty-work").exists()


def test_the_second_signal_ends_at_once(tmp_path: Path) -> None:
    code = (
        "import time, os, signal, sys\n"
        "from latty.cli import signals\n"
        "signals.install()\n"
        "with signals.cooperative():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    print('still here', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    print('never')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (143, "still here\n")
    assert "once more to stop at once" in done.stderr


def test_nohup_is_obeyed(tmp_path: Path) -> None:
    write_preset(tmp_path, frames=9)
    command = f"trap '' HUP; exec {' '.join(COMMAND)} render tiny.toml --progress json"
    process = start(["sh", "-c", command], tmp_path)
    first_words(process, "frames")
    process.send_signal(signal.SIGHUP)
    _, err = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, err


def test_ctrl_c_in_a_film_leaves_a_clean_terminal(tmp_path: Path) -> None:
    import pty

    from PIL import Image

    frames = [Image.new("RGB", (16, 16), (4 * i, 90, 20)) for i in range(50)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:], duration=400)
    child, master = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [*COMMAND, "film.gif"], environment(tmp_path))
    seen = b""
    while seen.count(b"\x1b[?2026h") < 3:
        data = os.read(master, 65536)
        if b"\x1b[c" in data:
            os.write(master, b"\x1b[?62;c")
        seen += data
    os.write(master, b"\x03")
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        seen += data
        if not data:
            break
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    tail = seen.rpartition(b"\x1b[?2026l")[2]
    assert b"\x1b[?25h" in tail and b"Traceback" not in seen
