"""Asks the terminal, once and in one round trip, what it is and how it can show pictures.

Only a person's terminal is asked: never a pipe, never in the background, never in CI.
"""

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from core.verbs import _signals as signals
from core.verbs._out import is_terminal

PATIENCE = 2.0  # seconds; slow lines need 0.5, and every terminal answers the last question
# Its name; cell size; synchronised output; kitty pictures; truecolor (a colour set, then read
# back); last, because everything answers it, its device attributes.
QUERY = (
    "\x1b[>q\x1b[16t"
    "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
    "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m"
    "\x1b[c"
)
LAST = re.compile(rb"\x1b\[\?([\d;]*)c")
CELL = (8, 16)  # px; only its shape matters where the terminal scales
TRUE = ("truecolor", "24bit")


@dataclass(frozen=True, slots=True)
class Replies:
    """What came back. `cell` None: it did not say."""

    brand: str = ""
    attributes: frozenset[str] = frozenset()
    kitty: bool = False
    truecolor: bool = False
    cell: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Terminal:
    """How to show pictures here: the way, the size in cells, px per cell (width, height)."""

    way: str
    columns: int = 80
    rows: int = 24
    cell: tuple[int, int] = CELL
    truecolor: bool = True
    brand: str = ""


def parse(data: bytes) -> Replies:
    """The answers to QUERY, in whatever order they came."""
    brand = re.search(rb"\x1bP>\|([^\x1b]*)\x1b\\", data)
    cell = re.search(rb"\x1b\[6;(\d+);(\d+)t", data)
    colour = re.search(rb"\x1bP1\$r([^\x1b]*)m", data)
    last = LAST.search(data)
    size = (int(cell[2]), int(cell[1])) if cell else None
    return Replies(
        brand=brand[1].decode("ascii", "replace") if brand else "",
        attributes=frozenset((last[1].decode() if last else "").split(";")),
        kitty=b"\x1b_Gi=31;OK" in data,
        truecolor=bool(colour and re.search(rb"48[:;]2[:;]", colour[1])),
        cell=size if size and all(0 < n < 200 for n in size) else None,
    )


def choose(replies: Replies, environ: Mapping[str, str], tmux: str | None) -> str:
    """The best way for a terminal. `tmux`: its client's features, None outside of tmux."""
    brand = replies.brand.lower()
    if tmux is not None:  # it claims sixels in its attributes even where it draws placeholders
        return "sixel" if "sixel" in tmux.split(",") and replies.cell else "blocks"
    if brand.startswith("tmux") or environ.get("TERM", "").startswith("screen"):
        return "blocks"  # a multiplexer on the other side of ssh
    if "iterm2" in brand or environ.get("TERM_PROGRAM") == "iTerm.app":
        return "iterm"
    if replies.kitty:
        return "kitty"
    if "4" in replies.attributes and replies.cell:  # a wrong cell size would scroll the screen
        return "sixel"
    return "blocks"


def ask(query: str = QUERY, patience: float = PATIENCE) -> bytes:
    """Everything the terminal answers until its device attributes, read without echo."""
    import termios

    inlet, outlet = sys.stdin.fileno(), sys.stdout.fileno()
    if os.tcgetpgrp(inlet) != os.getpgrp():
        return b""  # in the background: reading would stop us
    before = termios.tcgetattr(inlet)
    quiet = termios.tcgetattr(inlet)
    quiet[3] &= ~(termios.ICANON | termios.ECHO)
    data, end = b"", time.monotonic() + patience
    with signals.cooperative():
        try:
            termios.tcsetattr(inlet, termios.TCSADRAIN, quiet)
            sys.stdout.flush()
            os.write(outlet, query.encode())
            while not LAST.search(data) and (left := end - time.monotonic()) > 0:
                signals.check()
                if select.select([inlet], [], [], min(left, 0.1))[0]:
                    data += os.read(inlet, 4096) or b"\x1b[?c"
        finally:
            termios.tcsetattr(inlet, termios.TCSAFLUSH, before)  # late answers are not typed text
    return data


def _window_cell() -> tuple[int, int] | None:
    """Cell size from the kernel's idea of the window; ssh passes it on."""
    import fcntl
    import struct
    import termios

    try:
        size = fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, b"\0" * 8)
    except OSError:
        return None
    rows, columns, width, height = struct.unpack("HHHH", size)
    if not (rows and columns and width // columns and height // rows):
        return None
    return width // columns, height // rows


def _tmux() -> str | None:
    if not os.environ.get("TMUX"):
        return None
    command = ["tmux", "display", "-p", "#{client_termfeatures}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


@cache
def probe(pictures: str = "auto") -> Terminal:
    """This terminal. `pictures` other than auto is obeyed wherever there is a terminal at all."""
    if not (is_terminal(sys.stdout) and sys.stdin is not None and sys.stdin.isatty()):
        return Terminal("saved")
    try:
        replies, tmux = parse(ask()), _tmux()
        cell = _window_cell() or replies.cell
    except (ImportError, OSError):  # no termios: Windows
        replies, tmux, cell = Replies(), None, None
    return _decided(replace(replies, cell=cell), tmux, pictures)


def _decided(replies: Replies, tmux: str | None, pictures: str) -> Terminal:
    size = shutil.get_terminal_size()
    way = choose(replies, os.environ, tmux) if pictures == "auto" else pictures
    if way == "blocks" and pictures == "auto" and os.environ.get("NO_COLOR"):
        way = "saved"  # half blocks are nothing but colours
    true = replies.truecolor or os.environ.get("COLORTERM") in TRUE or "RGB" in (tmux or "")
    return Terminal(way, size.columns, size.lines, replies.cell or CELL, true, replies.brand)


def facts(pictures: str) -> dict[str, str]:
    """For the doctor."""
    found = probe(pictures)
    return {
        "pictures": found.way,
        "brand": found.brand or "-",
        "cell": f"{found.cell[0]} x {found.cell[1]} px",
        "truecolor": "yes" if found.truecolor else "no",
    }
