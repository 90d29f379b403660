"""A real xterm on an X server of its own (Xvfb): keys in, screenshots out."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from places import LIMIT
from terminal_fake import SIZE
from terminal_pictures import Pixels, found_at, outliers, psnr
from terminal_tools import path_of

SCREEN = (1400, 1000)
SIXEL = ("-ti", "vt340", "-xrm", "XTerm*decTerminalID: vt340")
SETTINGS = (
    "XTerm*numColorRegisters: 256",
    "XTerm*sixelScrolling: true",
    "XTerm*faceName: DejaVu Sans Mono",
    "XTerm*allowWindowOps: true",
    "XTerm*scrollBar: false",
    "XTerm*cursorBlink: false",
    "XTerm*internalBorder: 2",
)

KITTY = (
    "update_check_interval=0",
    "font_family=DejaVu Sans Mono",
    "font_size=11",
    "cursor_blink_interval=0",
    "remember_window_size=no",
    "initial_window_width=1100",
    "initial_window_height=800",
)


@dataclass(frozen=True)
class Match:
    """How well, and where in the screenshot (px), a picture was found."""

    psnr: float
    outliers: float
    x: int
    y: int


@dataclass
class XTerm:
    """Use `opened`."""

    display: str
    process: subprocess.Popen[bytes]
    name: str = "xterm"

    def tool(self, *words: str) -> str:
        """xdotool's answer."""
        done = subprocess.run(
            [path_of("xdotool"), *words],
            env={**os.environ, "DISPLAY": self.display},
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        return done.stdout.strip()

    def window(self) -> str:
        return self.tool("search", "--onlyvisible", "--class", self.name).split("\n")[-1]

    def press(self, *keys: str) -> None:
        """Keys as xdotool calls them: n, ctrl+p, Escape, Return."""
        self.tool("windowfocus", self.window())
        self.tool("key", "--delay", "30", *keys)

    def type(self, text: str) -> None:
        self.tool("windowfocus", self.window())
        self.tool("type", "--delay", "20", text)

    def shot(self) -> Pixels:
        """The whole screen."""
        from PIL import ImageGrab

        with ImageGrab.grab(xdisplay=self.display) as image:
            return np.asarray(image.convert("RGB"))

    def match(self, wanted: Pixels) -> Match:
        """Where the screen looks most like that picture, and how alike it is there."""
        screen = self.shot()
        x, y = found_at(wanted, screen)
        seen = screen[y : y + wanted.shape[0], x : x + wanted.shape[1]]
        return Match(psnr(seen, wanted), outliers(seen, wanted), x, y)

    def wait(self, predicate: Callable[[], object], what: str = "", timeout: float = LIMIT) -> None:
        end = time.monotonic() + timeout
        while not predicate():
            assert self.process.poll() is None, f"{self.name} ended: {what}"
            assert time.monotonic() < end, f"not within {timeout} s: {what}"
            time.sleep(0.1)

    def settled(self, seconds: float = 0.6, timeout: float = LIMIT) -> None:
        """Until the screen has not changed for that long."""
        last, since = self.shot(), time.monotonic()
        end = since + timeout
        while time.monotonic() - since < seconds:
            assert time.monotonic() < end, f"the screen still changes after {timeout} s"
            time.sleep(0.1)
            now = self.shot()
            if not np.array_equal(now, last):
                last, since = now, time.monotonic()

    def best(self, wanted: Pixels, timeout: float = 20.0, good: float = 36.0) -> Match:
        """The match, once it is good, or what it is when time is over."""
        end = time.monotonic() + timeout
        found = self.match(wanted)
        while found.psnr < good and time.monotonic() < end:
            assert self.process.poll() is None, f"{self.name} ended"
            time.sleep(0.2)
            found = self.match(wanted)
        return found


@contextmanager
def server() -> Iterator[str]:
    """An X server on a display that it found free; yields its name."""
    read, write = os.pipe()
    width, height = SCREEN
    process = subprocess.Popen(
        [
            *(path_of("Xvfb"), "-displayfd", str(write)),
            *("-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"),
            "-noreset",  # else it begins anew, and ends xterm, when the first xdotool has gone
        ],
        pass_fds=(write,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            number = answer.readline().strip()
        assert number, f"Xvfb did not start: exit code {process.wait(5)}"
        yield f":{number}"
    finally:
        _end(process)


@contextmanager
def opened(
    words: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    *,
    sixel: bool = True,
    columns: int = 120,
    rows: int = 40,
    font: int = 10,
) -> Iterator[XTerm]:
    """A program in an xterm in a server of its own; all of it ends with the block."""
    settings = [word for setting in SETTINGS for word in ("-xrm", setting)]
    command = [
        *(path_of("xterm"), "-tn", "xterm-256color", "+lc", *(SIXEL if sixel else ())),
        *(*settings, "-fs", str(font), "-geometry", f"{columns}x{rows}+0+0"),
        *("-e", *words),
    ]
    with _window(command, environ, folder, "xterm") as terminal:
        yield terminal


@contextmanager
def opened_kitty(words: Sequence[str], environ: Mapping[str, str], folder: Path) -> Iterator[XTerm]:
    """A program in a kitty without a GPU."""
    settings = [word for setting in KITTY for word in ("-o", setting)]
    soft = {"LIBGL_ALWAYS_SOFTWARE": "1", "KITTY_CONFIG_DIRECTORY": str(folder)}
    command = [path_of("kitty"), "--config", "NONE", *settings, *words]
    with _window(command, {**environ, **soft}, folder, "kitty") as terminal:
        yield terminal


@contextmanager
def _window(
    command: Sequence[str], environ: Mapping[str, str], folder: Path, name: str
) -> Iterator[XTerm]:
    with server() as display:
        process = subprocess.Popen(
            command,
            env={**{k: v for k, v in environ.items() if k not in SIZE}, "DISPLAY": display},
            cwd=folder,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        terminal = XTerm(display, process, name)
        try:
            terminal.wait(terminal.window, f"the window of {name}")
            yield terminal
        finally:
            _end(process)


def children_of(pid: int) -> list[int]:
    """Processes whose parent is that one."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = status.read_text()
        except OSError:
            continue
        parent = re.match(r"\d+ \(.*\) \S (\d+)", text, re.DOTALL)
        if parent and int(parent[1]) == pid:
            found.append(int(status.parent.name))
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
