"""What the terminal is: answers read and weighed, and real processes on a pty that answers late."""

import json
import os
import select
import shutil
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest

from latty_tui.terminal.advice import advice, facts
from latty_tui.terminal.answers import QUERY, Around, Replies, brand_of, choose, parse, question
from latty_tui.terminal.probe import Terminal

XTERM = (
    b"\x1bP>|XTerm(379)\x1b\\\x1b[6;18;9t\x1b[?2026;0$y\x1bP1$r48:2::1:2:3m\x1b\\\x1b[?63;1;2;4;6c"
)
KITTY = (
    b"\x1bP>|kitty(0.26.5)\x1b\\\x1b[6;18;9t\x1b[?2026;2$y\x1b_Gi=31;OK\x1b\\"
    b"\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?62;c"
)
MLTERM = b"\x1b[6;19;10t\x1b[?2026;0$y\x1bP1$r0;48;5;16m\x1b\\\x1b[?63;1;2;4c"


def test_answers_are_read() -> None:
    xterm, kitty, mlterm = parse(XTERM), parse(KITTY), parse(MLTERM)
    assert (xterm.brand, xterm.truecolor, xterm.cell) == ("XTerm(379)", True, (9, 18))
    assert "4" in xterm.attributes and not xterm.kitty and not xterm.sync
    assert kitty.kitty and kitty.sync and kitty.truecolor
    assert (mlterm.brand, mlterm.truecolor, mlterm.cell) == ("", False, (10, 19))
    assert parse(b"") == Replies(attributes=frozenset({""}))
    assert parse(b"\x1b[6;0;0t").cell is None
    assert parse(b"\x1bP0$r\x1b\\").truecolor is None
    assert not parse(b"\x1b_Gi=31;ENOSYS:no\x1b\\\x1b[?62c").kitty


def test_keys_between_the_answers_are_kept() -> None:
    assert parse(b"n" + XTERM[:20] + XTERM[20:] + b"\x1b[A").typed == b"n\x1b[A"
    assert parse(KITTY).typed == b"" == parse(MLTERM).typed


CELL = (9, 18)
FOUR = frozenset({"1", "4"})
ITERM = {"TERM_PROGRAM": "iTerm.app"}
CODE = {"TERM_PROGRAM": "vscode"}


@pytest.mark.parametrize(
    ("way", "replies", "environ", "tmux"),
    [
        ("sixel", Replies("XTerm(379)", FOUR, cell=CELL), {}, None),
        ("blocks", Replies("XTerm(379)", FOUR), {}, None),  # no cell size: never guess
        ("blocks", Replies("XTerm(379)", frozenset({"1"}), cell=CELL), {}, None),
        ("kitty", Replies("kitty(0.26.5)", kitty=True, cell=CELL), {}, None),
        ("kitty", Replies("ghostty 1.2.0", kitty=True, cell=CELL), {}, None),
        ("kitty", Replies("WezTerm 2024", FOUR, kitty=True, cell=CELL), {}, None),
        ("iterm", Replies("WezTerm 2024", FOUR, cell=CELL), {}, None),
        ("kitty", Replies("Konsole 24.08", FOUR, kitty=True, cell=CELL), {}, None),
        ("sixel", Replies("Konsole 24.08", FOUR, cell=CELL), {}, None),
        ("sixel", Replies("foot(1.16.2)", FOUR, cell=CELL), {}, None),
        ("sixel", Replies("", FOUR, cell=CELL), {"MLTERM": "3.9.3"}, None),
        ("blocks", Replies("", cell=CELL), {"MLTERM": "3.9.3"}, None),
        ("sixel", Replies("", FOUR, cell=CELL), {"WT_SESSION": "{1}"}, None),  # from 1.22 on
        ("blocks", Replies("", cell=CELL), {"WT_SESSION": "{1}"}, None),
        ("iterm", Replies("xterm.js(5.5.0)", FOUR, cell=CELL), CODE, None),
        ("iterm", Replies("", FOUR, cell=CELL), CODE, None),
        ("blocks", Replies("", cell=CELL), CODE, None),  # pictures are off in its settings
        ("kitty", Replies("", kitty=True), {"TERM_PROGRAM": "WarpTerminal"}, None),
        ("iterm", Replies("iTerm2 3.5.0", FOUR, kitty=True, cell=CELL), {}, None),
        ("iterm", Replies(), ITERM, None),
        ("sixel", Replies("tmux next-3.8", FOUR, cell=CELL), {}, Around("RGB,sixel")),
        (
            "blocks",
            Replies("tmux next-3.8", FOUR, cell=CELL),
            {},
            Around("RGB,sync"),
        ),  # it only claims
        ("blocks", Replies("tmux next-3.8", FOUR, cell=CELL), ITERM, Around()),  # it did not answer
        *(
            (way, Replies("tmux 3.3a", cell=CELL), {}, Around("RGB", *around))
            for way, around in [
                ("placeholders", ("on", "kitty(0.35.2)")),
                ("placeholders", ("all", "ghostty 1.2.0")),
                ("placeholders", ("on", "kitty(1.0)")),
                ("blocks", ("on", "kitty(0.26.5)")),
                ("blocks", ("off", "kitty(0.35.2)")),
                ("blocks", ("on", "WezTerm 20240203")),
                ("blocks", ("on", "")),
            ]
        ),
        ("blocks", Replies("tmux 3.3a", FOUR, kitty=True, cell=CELL), {}, None),  # beyond ssh
        ("blocks", Replies("", FOUR, cell=CELL), {"TERM": "tmux-256color"}, None),
        ("blocks", Replies("", FOUR, cell=CELL), {"TERM": "screen-256color"}, None),
        ("blocks", Replies(), ITERM | {"STY": "1.pts", "TERM": "xterm"}, None),
        ("blocks", Replies(), ITERM | {"VIM_TERMINAL": "901"}, None),
        ("kitty", Replies("unheard-of 1", FOUR, kitty=True, cell=CELL), {}, None),
        ("sixel", Replies("contour 0.6", FOUR, cell=CELL), {}, None),
        ("blocks", Replies(), {}, None),
    ],
)
def test_the_best_way_is_chosen(
    way: str, replies: Replies, environ: dict[str, str], tmux: Around | None
) -> None:
    assert choose(replies, environ, tmux) == way


def test_what_it_says_outranks_the_environment() -> None:
    inherited = {"TERM_PROGRAM": "iTerm.app", "KITTY_WINDOW_ID": "3"}
    assert brand_of(Replies("XTerm(379)"), inherited) == ""
    assert brand_of(Replies(), {"KITTY_WINDOW_ID": "3"}) == "kitty"
    assert brand_of(Replies(), {"TERM": "xterm-kitty"}) == "kitty"
    assert brand_of(Replies(), {"TERM": "foot-extra"}) == "foot"
    assert brand_of(Replies(), {"TERM": "xterm-256color"}) == ""


@pytest.mark.parametrize(
    ("words", "found", "environ"),
    [
        ("ssh -C", {"way": "sixel"}, {"SSH_CONNECTION": "1 2 3 4"}),
        ("none better", {"way": "sixel"}, {}),
        ("terminal-features", {"way": "blocks", "tmux": True, "passthrough": "off"}, {}),
        ("allow-passthrough", {"tmux": True, "passthrough": "off", "around": "kitty(0.35.2)"}, {}),
        ("outside of tmux", {"way": "blocks", "tmux": True, "brand": "tmux 3.3a"}, {}),
        ("outside of tmux and screen", {"way": "blocks"}, {"TERM": "screen"}),
        ("xterm -ti vt340", {"way": "blocks", "brand": "XTerm(379)"}, {}),
        ("enableImages", {"way": "blocks", "brand": "xterm.js(5.5.0)"}, {}),
        ("--image sixel", {"way": "blocks", "sixel": True}, {}),
        ("kitty, Ghostty", {"way": "blocks"}, {}),
        ("in a terminal", {"way": "saved"}, {}),
    ],
)
def test_advice_fits(words: str, found: dict[str, object], environ: dict[str, str]) -> None:
    assert words in advice(replace(Terminal("blocks"), **found), environ)


def test_the_doctor_is_told_in_words() -> None:
    found = Terminal("blocks", tmux=True, features="RGB,sync", passthrough="off", rtt=0.4123)
    told = facts(found)
    assert told["pictures"] == "blocks" and told["answered after"] == "412 ms"
    assert (told["tmux knows"], told["tmux passthrough"]) == ("RGB,sync", "off")
    assert all(isinstance(text, str) and text for text in told.values())


CHILD = """
import json, os, select, sys, termios, time
from latty.cli import signals
signals.install()
from latty_tui.terminal import probe
{first}
before = termios.tcgetattr(0)
asked = probe.start()
{between}
began = time.monotonic()
found = probe.finish(asked)
took = time.monotonic() - began
same = termios.tcgetattr(0) == before
raw = termios.tcgetattr(0); raw[3] &= ~termios.ICANON
termios.tcsetattr(0, termios.TCSANOW, raw)
time.sleep(0.1)
left = os.read(0, 999).decode() if select.select([0], [], [], 0)[0] else ""
print(json.dumps(dict(way=found.way, rtt=found.rtt, took=took, same=same, left=left, \
true=found.truecolor, sync=found.sync, cell=found.cell, typed=found.typed.decode())))
"""


class Child:
    """A program on a terminal of ours."""

    def __init__(self, between: str = "", first: str = "", **environ: str) -> None:
        import pty

        env = {k: v for k, v in os.environ.items() if k not in ("CI", "TMUX", "STY", "COLORTERM")}
        env |= {"TERM": "xterm-256color", **environ}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            code = CHILD.format(between=between, first=first)
            os.execve(sys.executable, [sys.executable, "-c", code], env)
        self.seen = b""

    def until(self, sign: bytes) -> None:
        """Read until the sign is there. Fails after ten seconds, or when the child has ended."""
        end = time.monotonic() + 10
        while sign not in self.seen:
            assert select.select([self.fd], [], [], end - time.monotonic())[0], self.seen
            self.seen += os.read(self.fd, 4096)

    def answer(self, data: bytes, rtt: float) -> None:
        self.until(b"\x1b[c")
        time.sleep(rtt)
        os.write(self.fd, data)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self) -> int:
        """The exit code, after everything that it writes has been read."""
        while True:
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            self.seen += data
            if not data:
                break
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def told(self) -> dict[str, object]:
        """What it found; the screen has seen the question and that, and nothing else."""
        assert self.end() == 0, self.seen
        assert self.seen.startswith(QUERY.encode())
        return dict(json.loads(self.seen[len(QUERY) :]))


@pytest.mark.parametrize("rtt", [0.0, 0.4])
def test_slow_lines_are_waited_for_and_nothing_leaks(rtt: float) -> None:
    child = Child()
    child.answer(b"n" + KITTY, rtt)
    told = child.told()
    assert told["way"] == "kitty" and told["true"] and told["sync"] and told["same"]
    assert rtt <= float(str(told["rtt"])) < rtt + 0.4
    assert (told["typed"], told["left"]) == ("n", "")


def test_imports_hide_the_way_there_and_back() -> None:
    child = Child("time.sleep(0.6)")
    child.answer(XTERM, 0.2)
    os.write(child.fd, b"kk")  # pressed after the answer: for the program, not for us
    told = child.told()
    assert told["way"] == "sixel" and float(str(told["took"])) < 0.15
    assert 0.2 <= float(str(told["rtt"])) < 0.5, "the time of the answer, not of looking at it"
    assert str(told["typed"]) + str(told["left"]) == "kk"


def test_a_silent_terminal_costs_its_patience_and_a_late_answer_is_dropped() -> None:
    child = Child("time.sleep(0.6)", first="probe.PATIENCE = 0.3")
    child.answer(b"\x1b[6;18;9t", 0)
    time.sleep(0.4)  # its patience is at an end, but it has not looked yet
    os.write(child.fd, b"\x1b[?62;c")
    told = child.told()
    assert (told["way"], told["rtt"], told["true"]) == ("blocks", 0, False)
    assert told["same"] and told["left"] == ""


@pytest.mark.parametrize(
    ("between", "code"),
    [
        ("os.kill(os.getpid(), 2); time.sleep(9)", 130),
        ("os.kill(os.getpid(), 15); time.sleep(9)", 143),
        ("sys.exit(3)", 3),
        ("raise RuntimeError('x')", 1),
    ],
)
def test_a_sudden_end_leaves_the_terminal_as_it_was(between: str, code: int) -> None:
    child = Child(f"time.sleep(0.3); {between}")
    child.until(b"\x1b[c")
    assert not child.echoes()
    watch = os.dup(child.fd)
    child.until(b"interrupted" if code > 128 else b"\x1b[c")
    end = time.monotonic() + 5
    while not termios.tcgetattr(watch)[3] & termios.ECHO and time.monotonic() < end:
        time.sleep(0.02)
    assert termios.tcgetattr(watch)[3] & termios.ECHO
    os.close(watch)
    assert child.end() == code


@pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux here")
def test_a_real_tmux_is_asked_about_the_terminal_around_it(tmp_path: Path) -> None:
    socket, out = tmp_path / "socket", tmp_path / "out"
    words = "import os; from latty_tui.terminal.probe import probe; t = probe(); "
    words += f"open({str(out)!r} + '.part', 'w').write(repr([t.way, t.tmux, t.passthrough, t.rtt]))"
    words += f"; os.rename({str(out)!r} + '.part', {str(out)!r})"
    (tmp_path / "ask.py").write_text(words)
    env = {k: v for k, v in os.environ.items() if k not in ("CI", "TMUX", "STY")}
    env |= {"TERM": "xterm-256color"}
    tmux = ["tmux", "-S", str(socket), "-f", os.devnull]
    command = f"{sys.executable} {tmp_path / 'ask.py'} 2>{tmp_path / 'errors'}"
    subprocess.run([*tmux, "new", "-d", "-x", "80", "-y", "24", command], env=env, check=True)
    try:
        end = time.monotonic() + 10
        while not out.exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert out.exists(), (tmp_path / "errors").read_text()
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, capture_output=True, check=False)
    way, inside, passthrough, rtt = json.loads(
        out.read_text().replace("'", '"').replace("True", "true")
    )
    assert (way, inside, passthrough) == ("blocks", True, "off") and 0 < rtt < 2


@pytest.mark.parametrize(
    ("answer", "light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", True),
        (b"\x1b]11;rgb:fd/f6/e3\x07", True),
        (b"\x1b]11;rgba:0000/0000/0000/ffff\x07", False),
        (b"\x1b]11;rgb:1515/1717/1a1a\x1b\\", False),
        (b"", None),
    ],
)
def test_the_ground_is_light_or_dark(answer: bytes, light: bool | None) -> None:
    found = parse(answer + b"\x1b[?62;4c" + b"x")
    assert found.light is light and found.typed == b"x"
    assert b"\x1b]11;?" in question({}).encode()
