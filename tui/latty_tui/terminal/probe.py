"""Asks the terminal, once and in one round trip, what it is and how it can show pictures.

`start` sends the question, `finish` takes the answer: what is imported between the two hides the
way there and back. Only a person's terminal is asked: never a pipe, never in the background, never
in CI.
"""

import atexit
import os
import select
import shutil
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from latty.cli import signals
from latty.cli.out import is_terminal
from latty.text import printable
from latty_tui.terminal.answers import LAST, Around, Replies, choose, parse, question

PATIENCE = 2.0  # seconds; slow lines need 0.5, and every terminal answers the last question
CELL = (8, 16)  # px; only its shape matters where the terminal scales
TRUE = ("truecolor", "24bit")
TMUX = ["tmux", "display", "-p", "#{client_termfeatures}|#{allow-passthrough}|#{client_termtype}"]
PASSTHROUGH = {"0": "off", "1": "on", "2": "all"}


@dataclass(frozen=True, slots=True)
class Terminal:
    """How to show pictures here: the way, the size in cells, px per cell (width, height).

    sync          whether it shows what is written between ?2026h and ?2026l at once
    rtt           seconds from the question to the answer; 0 = nobody answered
    tmux          whether it is tmux, here or on the other side of ssh
    features      what a tmux here knows about the terminal around it; passthrough: on, off or all;
                  around: that terminal's brand, in small letters
    light         whether its ground is light; None = it did not say
    typed         keys that were pressed meanwhile, as they came
    """

    way: str
    columns: int = 80
    rows: int = 24
    cell: tuple[int, int] = CELL
    truecolor: bool = True
    brand: str = ""
    sync: bool = False
    rtt: float = 0.0
    tmux: bool = False
    features: str = ""
    passthrough: str = ""
    around: str = ""
    sixel: bool = False
    light: bool | None = None
    typed: bytes = b""


class Asked:
    """A question on its way. A thread takes the answer down, so that its time is known."""

    def __init__(self) -> None:
        self.data, self.rtt = b"", 0.0
        self.person = is_terminal(sys.stdout) and sys.stdin is not None and sys.stdin.isatty()
        self._tmux: Any = None
        self._before: list[Any] | None = None
        self._thread: threading.Thread | None = None
        self._enough = threading.Event()

    def send(self) -> None:
        """Make the terminal quiet and write the question."""
        import termios

        inlet = sys.stdin.fileno()
        if os.tcgetpgrp(inlet) != os.getpgrp():
            return  # in the background: reading would stop us
        try:
            self._before, quiet = termios.tcgetattr(inlet), termios.tcgetattr(inlet)
        except termios.error:
            return  # it has just gone
        quiet[3] &= ~(termios.ICANON | termios.ECHO)
        atexit.register(self.restore)
        signals.at_leave(self.restore)
        termios.tcsetattr(inlet, termios.TCSANOW, quiet)
        sys.stdout.flush()
        sent = time.monotonic()
        os.write(sys.stdout.fileno(), question(os.environ).encode())
        self._thread = threading.Thread(target=self._listen, args=(inlet, sent), daemon=True)
        self._thread.start()

    def ask_tmux(self) -> None:
        """It is a program beside the terminal: it is asked at the same time."""
        import subprocess

        from latty.process import end_with_parent

        try:
            quiet = subprocess.DEVNULL
            self._tmux = subprocess.Popen(
                TMUX,
                stdin=quiet,
                stdout=subprocess.PIPE,
                stderr=quiet,
                text=True,
                preexec_fn=partial(end_with_parent, os.getpid()),
            )
        except OSError:
            self._tmux = None

    def _listen(self, inlet: int, sent: float) -> None:
        end = sent + PATIENCE
        while not self._enough.is_set() and (left := end - time.monotonic()) > 0:
            try:
                ready = select.select([inlet], [], [], min(left, 0.05))[0]
                data = os.read(inlet, 4096) if ready else None
            except OSError:
                return
            self.data += data or b""
            if LAST.search(self.data):
                self.rtt = time.monotonic() - sent
            if self.rtt or data == b"":
                return

    def answer(self) -> Replies:
        """Wait for it, and put the terminal right whatever happens."""
        try:
            with signals.cooperative():
                while self._thread is not None and self._thread.is_alive():
                    self._thread.join(0.1)
                    signals.check()
        finally:
            self.restore()
        return parse(self.data)

    def tmux(self) -> Around | None:
        """What tmux knows; None outside of it."""
        if not os.environ.get("TMUX"):
            return None
        if self._tmux is None:
            return Around()
        import subprocess

        try:
            words = self._tmux.communicate(timeout=PATIENCE)[0].strip("\n")
        except (OSError, subprocess.SubprocessError):
            self._tmux.kill()
            return Around()
        features, passthrough, brand = [*printable(words).split("|", 2), "", ""][:3]
        return Around(features, PASSTHROUGH.get(passthrough, passthrough), brand)

    def restore(self) -> None:
        """The terminal as it was. Late answers are thrown away; keys, after an answer, are not."""
        if self._before is None:
            return
        import termios

        self._enough.set()
        when = termios.TCSANOW if self.rtt else termios.TCSAFLUSH
        before, self._before = self._before, None
        with suppress(OSError, ValueError, termios.error):  # the terminal may be gone
            termios.tcsetattr(sys.stdin.fileno(), when, before)
        atexit.unregister(self.restore)
        signals.stay(self.restore)


def on_a_page() -> bool:
    """Whether textual-serve shows what we draw on its page: pipes stand in for the terminal."""
    return bool(os.environ.get("TEXTUAL_DRIVER"))


def start() -> Asked:
    """Ask the terminal, if there is one. `finish` has to follow."""
    asked = Asked()
    if asked.person:
        try:
            asked.send()
        except (ImportError, OSError):  # no termios: Windows
            return asked
        if os.environ.get("TMUX"):
            asked.ask_tmux()
    return asked


def finish(asked: Asked, pictures: str = "auto") -> Terminal:
    """The terminal, once it has answered or its time is up. Raises Interrupted.

    `pictures` other than auto is obeyed wherever there is a terminal at all.
    """
    replies, tmux = asked.answer(), asked.tmux()
    if not asked.person:
        return Terminal("blocks" if on_a_page() else "saved")
    replies = replace(replies, cell=window_cell() or replies.cell)
    features = None if tmux is None else tmux.features
    way = choose(replies, os.environ, tmux) if pictures == "auto" else pictures
    if way == "blocks" and pictures == "auto" and os.environ.get("NO_COLOR"):
        way = "saved"  # half blocks are nothing but colours
    size = shutil.get_terminal_size()
    return Terminal(
        way=way,
        columns=size.columns,
        rows=size.lines,
        cell=replies.cell or CELL,
        truecolor=_truecolor(replies, features),
        brand=printable(replies.brand),
        sync=replies.sync,
        rtt=asked.rtt,
        tmux=tmux is not None or replies.brand.startswith("tmux"),
        features=features or "",
        passthrough=tmux.passthrough if tmux else "",
        around=tmux.brand.lower() if tmux else "",
        sixel="4" in replies.attributes,
        light=replies.light,
        typed=replies.typed,
    )


@cache
def probe(pictures: str = "auto") -> Terminal:
    """This terminal, asked when it is needed first."""
    return finish(start(), pictures)


def _truecolor(replies: Replies, features: str | None) -> bool:
    """What the terminal says itself; COLORTERM, which ssh drops, only where it is silent."""
    if features:
        return "RGB" in features.split(",")
    if replies.truecolor is not None:
        return replies.truecolor
    return os.environ.get("COLORTERM") in TRUE


def window_cell() -> tuple[int, int] | None:
    """Cell size from the kernel's idea of the window; ssh passes it on."""
    try:
        import fcntl
        import struct
        import termios

        assert sys.__stdout__ is not None
        size = fcntl.ioctl(sys.__stdout__.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
    except (AssertionError, ImportError, OSError, ValueError):  # no terminal, no stdout
        return None
    rows, columns, width, height = struct.unpack("HHHH", size)
    if not (rows and columns and width // columns and height // rows):
        return None
    return width // columns, height // rows
