"""A terminal on a pty: runs a real program in it, answers its questions as a given kind of
terminal does and as late as a slow line does, and remembers everything that it was sent."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from places import LIMIT
from terminal_pictures import Pixels
from terminal_screen import Display, Picture, tokens

KEYS = {
    "enter": b"\r",
    "escape": b"\x1b",
    "tab": b"\t",
    "shift+tab": b"\x1b[Z",
    "space": b" ",
    "backspace": b"\x7f",
    "up": b"\x1b[A",
    "down": b"\x1b[B",
    "right": b"\x1b[C",
    "left": b"\x1b[D",
    "home": b"\x1b[H",
    "end": b"\x1b[F",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "delete": b"\x1b[3~",
    "f1": b"\x1bOP",
    "f12": b"\x1b[24~",
}
# The program's terminal is its controlling one: the first that a session's leader opens.
START = 'tty=$1; shift; exec "$@" <>"$tty" >&0 2>&1'


SIZE = ("COLUMNS", "LINES")  # of the terminal that the tests run in: programs believe them


@dataclass(frozen=True)
class Kind:
    """What the terminal is: how it answers. `cell` in px, None: it does not say."""

    pictures: str = "sixel"  # or kitty, iterm, nothing
    truecolour: bool = True
    sync: bool = False
    name: str = "XTerm(379)"
    cell: tuple[int, int] | None = (8, 17)
    silent: bool = False  # answers nothing at all

    def answers(self, question: bytes) -> bytes:
        """To one escape sequence; empty where it has none."""
        if self.silent:
            return b""
        if question.startswith(b"\x1b_G"):
            return self._kitty(question)
        if re.fullmatch(rb"\x1b\[\?(\d+)\$p", question):
            return self._mode(int(question[3:-2]))
        table = {
            b"\x1b[>q": f"\x1bP>|{self.name}\x1b\\" if self.name else "",
            b"\x1b[>0q": f"\x1bP>|{self.name}\x1b\\" if self.name else "",
            b"\x1b[16t": f"\x1b[6;{self.cell[1]};{self.cell[0]}t" if self.cell else "",
            b"\x1bP$qm\x1b\\": "\x1bP1$r{}m\x1b\\".format(
                "48:2::1:2:3" if self.truecolour else "48;5;16"
            ),
            b"\x1b[c": f"\x1b[?{'63;1;2;4;6' if self.pictures == 'sixel' else '62;22'}c",
            b"\x1b[0c": f"\x1b[?{'63;1;2;4;6' if self.pictures == 'sixel' else '62;22'}c",
        }
        return table.get(question, "").encode()

    def _kitty(self, question: bytes) -> bytes:
        number = re.search(rb"[G,]i=(\d+)", question)
        asked = number and re.search(rb"[G,]a=q", question)
        if not asked or self.pictures != "kitty":
            return b""
        return b"\x1b_Gi=" + number[1] + b";OK\x1b\\"

    def _mode(self, mode: int) -> bytes:
        known = 2 if mode == 2026 and self.sync else 0
        return f"\x1b[?{mode};{known}$y".encode()


SIXEL = Kind()
KITTY = Kind("kitty", sync=True, name="kitty(0.26.5)")
ITERM = Kind("iterm", sync=True, name="iTerm2 3.5.0")
PLAIN = Kind("nothing")
POOR = Kind("nothing", truecolour=False, name="", cell=None)


@dataclass(frozen=True)
class Sent:
    """What a program wrote in some time."""

    data: bytes
    pictures: list[Picture]

    @property
    def bytes(self) -> int:
        return len(self.data)


@dataclass
class FakeTerminal:
    """Use `running`. Everything that is read from other threads is under `changed`."""

    words: Sequence[str]
    environ: Mapping[str, str]
    kind: Kind = SIXEL
    columns: int = 120
    rows: int = 40
    cell: tuple[int, int] = (8, 17)
    rtt: float = 0.0  # seconds from a question to the program's reading the answer
    speed: float | None = None  # bytes per second that the line carries, None = all at once
    folder: Path | None = None
    pictures: list[Picture] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.display = Display(self.columns, self.rows, self.cell)
        self.changed = threading.Condition()
        self.wrote: list[tuple[float, bytes]] = []
        self.questions: list[tuple[float, bytes]] = []
        self.broken: BaseException | None = None  # what the reader could not read
        self.plain = b""  # what was written outside of any sequence
        self._answers: list[tuple[float, bytes]] = []
        self._rest = b""
        self._closed = False

    def start(self) -> None:
        self.master, slave = os.openpty()
        self._window()
        name = os.ttyname(slave)
        before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            ["sh", "-c", START, "sh", name, *self.words],
            env={k: v for k, v in self.environ.items() if k not in SIZE},
            cwd=self.folder,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )
        self.slave, self.modes_before = slave, before  # open: what is unread is not lost
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _window(self) -> None:
        width, height = self.columns * self.cell[0], self.rows * self.cell[1]
        size = struct.pack("HHHH", self.rows, self.columns, width, height)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    # -- the terminal's side

    def _read(self) -> None:
        try:
            while not self._closed:
                soon = min([due for due, _ in self._answers], default=time.monotonic() + 0.2)
                left = max(0.0, min(0.2, soon - time.monotonic()))
                if select.select([self.master], [], [], left)[0]:
                    self._took(os.read(self.master, 65536))
                self._reply()
        except OSError:
            pass  # closed
        except BaseException as error:
            self.broken = error
            with self.changed:
                self.changed.notify_all()

    def _took(self, data: bytes) -> None:
        if self.speed:
            time.sleep(len(data) / self.speed)
        now = time.monotonic()
        with self.changed:
            self.wrote.append((now, data))
            self._rest += data
            for kind, token in tokens(self._rest):
                if kind == "rest":
                    self._rest = token
                    break
                self._token(kind, token, now)
            self.changed.notify_all()

    def _token(self, kind: str, token: bytes, now: float) -> None:
        picture = self.display.take(kind, token, now)
        if picture:
            self.pictures.append(picture)
        if kind == "text":
            self.plain += token
        answer = self.kind.answers(token) if kind in ("csi", "string") else b""
        if token == b"\x1b[6n" and not self.kind.silent:
            cursor = self.display.cells.cursor
            answer = f"\x1b[{cursor.y + 1};{cursor.x + 1}R".encode()
        if answer:
            self.questions.append((now, token))
            self._answers.append((now + self.rtt, answer))

    def _reply(self) -> None:
        now = time.monotonic()
        due = [answer for when, answer in self._answers if when <= now]
        self._answers = [pair for pair in self._answers if pair[0] > now]
        if due:
            os.write(self.master, b"".join(due))

    # -- the person's side

    def type(self, text: str) -> None:
        """Characters, all at once."""
        os.write(self.master, text.encode())

    def press(self, *keys: str) -> None:
        """Keys by name ("n", "ctrl+p", "down"), all at once."""
        os.write(self.master, b"".join(_key(key) for key in keys))

    def hold(self, key: str, times: int, rate: float = 30.0) -> float:
        """A held key: repeated `rate` times a second; when the last one was sent."""
        first = time.monotonic()
        for number in range(times):
            time.sleep(max(0.0, first + number / rate - time.monotonic()))
            self.press(key)
        return time.monotonic()

    def resize(self, columns: int, rows: int, cell: tuple[int, int] | None = None) -> None:
        """A new window, or a new size of its font; the program gets SIGWINCH."""
        with self.changed:
            self.columns, self.rows, self.cell = columns, rows, cell or self.cell
            self.display.resize(columns, rows, self.cell)
        self._window()

    def kill(self, number: int = signal.SIGKILL) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def close(self) -> None:
        """The window is closed: the program gets SIGHUP. What still runs is killed."""
        self._closed = True
        self._reader.join(timeout=5)
        for descriptor in (self.master, self.slave):
            with suppress(OSError):
                os.close(descriptor)
        self.master = self.slave = -1

    # -- looking

    def wait(self, predicate: Callable[[], object], what: str = "", timeout: float = LIMIT) -> None:
        """Until it is true, looked at whenever something was written; AssertionError when late."""
        end = time.monotonic() + timeout
        with self.changed:
            while not predicate():
                assert self.broken is None, f"cannot be read: {self.broken!r}"
                assert time.monotonic() < end, f"not within {timeout} s: {what}\n{self.text()}"
                self.changed.wait(0.05)

    def wait_for(self, text: str, timeout: float = LIMIT) -> None:
        """Until the screen says that (a regular expression)."""
        self.wait(lambda: re.search(text, self.text()), f"to read {text!r}", timeout)

    def quiet(self, seconds: float = 0.5, timeout: float = LIMIT) -> None:
        """Until nothing has been written for that long."""
        self._calm(lambda: self.wrote[-1][0] if self.wrote else 0.0, seconds, timeout)

    def calm(self, seconds: float = 0.5, timeout: float = LIMIT) -> None:
        """Until no picture has come for that long, whatever blinks."""
        self._calm(lambda: self.pictures[-1].time if self.pictures else 0.0, seconds, timeout)

    def _calm(self, last: Callable[[], float], seconds: float, timeout: float) -> None:
        began = time.monotonic()

        def over() -> bool:
            return time.monotonic() - max(last(), began) >= seconds and not self._answers

        self.wait(over, "the program to be quiet", timeout)

    def ended(self, timeout: float = LIMIT) -> int:
        """Wait for the program's end; its exit code, negative for signals."""
        code = self.process.wait(timeout)
        with suppress(AssertionError):
            self.quiet(0.1, 2)
        return code

    def text(self) -> str:
        """The screen as lines."""
        return "\n".join(line.rstrip() for line in self.display.cells.display)

    def since(self, moment: float) -> Sent:
        """What came after that time.monotonic()."""
        with self.changed:
            data = b"".join(piece for when, piece in self.wrote if when > moment)
            return Sent(data, [p for p in self.pictures if p.time > moment])

    @contextmanager
    def watched(self, quiet: float = 0.5, timeout: float = LIMIT) -> Iterator[list[Sent]]:
        """What an event makes the program write, until no picture has come for so long; filled in
        at the end."""
        result: list[Sent] = []
        self.calm(quiet, timeout)
        began = time.monotonic()
        yield result
        self.calm(quiet, timeout)
        result.append(self.since(began))

    def area(self, picture: Picture) -> tuple[Pixels, float]:
        """What the screen shows where that picture was painted, and the part still covered."""
        top, left = picture.row * self.cell[1], picture.column * self.cell[0]
        height, width = picture.pixels.shape[:2]
        if picture.way == "iterm":
            height, width = picture.rows * self.cell[1], picture.columns * self.cell[0]
        place = (slice(top, top + height), slice(left, left + width))
        with self.changed:
            pixels, covered = self.display.shown()
            return pixels[place].copy(), float(covered[place].mean())


def _key(name: str) -> bytes:
    if name in KEYS:
        return KEYS[name]
    if name.startswith("ctrl+"):
        return bytes([ord(name[-1]) & 0x1F])
    assert len(name) == 1, f"no such key: {name}"
    return name.encode()


@contextmanager
def running(
    words: Sequence[str], environ: Mapping[str, str], **more: object
) -> Iterator[FakeTerminal]:
    """A program in a terminal; ended with the block, however that ends."""
    terminal = FakeTerminal(words, environ, **more)  # type: ignore[arg-type]
    terminal.start()
    try:
        yield terminal
    finally:
        terminal.kill(signal.SIGTERM)
        try:
            terminal.process.wait(5)
        except subprocess.TimeoutExpired:
            terminal.kill()
            terminal.process.wait(5)
        terminal.close()
