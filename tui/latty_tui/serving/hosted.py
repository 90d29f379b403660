"""The studio on a pseudo terminal of ours, in a session of its own."""

import asyncio
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Sequence
from contextlib import suppress

from latty.process import command, environment

CHUNK = 1 << 16  # bytes that are read at once
TYPED = 1 << 22  # bytes that wait to be read by the studio: more is no typing
GRACE = 10.0  # seconds to leave in; it needs three at most
# What tells of the terminal that `latty serve` runs in, of which the studio sees nothing.
ELSEWHERE = ("TMUX", "TMUX_PANE", "STY", "ZELLIJ", "VIM_TERMINAL", "NVIM", "INSIDE_EMACS",
             "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "KITTY_WINDOW_ID", "GHOSTTY_RESOURCES_DIR",
             "WEZTERM_PANE", "KONSOLE_VERSION", "MLTERM", "WT_SESSION", "COLUMNS", "LINES", "CI",
             "SSH_CONNECTION", "SSH_TTY", "TEXTUAL_DRIVER")  # fmt: skip
HERE = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
Size = tuple[int, int, int, int]  # columns, rows, and both in px


class TooMuch(Exception):
    """More is typed than the studio reads."""


class Hosted:
    """One run of `latty WORDS`."""

    def __init__(self, process: asyncio.subprocess.Process, terminal: int) -> None:
        self._process, self._terminal = process, terminal
        self._typed = bytearray()
        self.over = asyncio.create_task(process.wait())  # its result is the exit code

    @classmethod
    async def start(cls, words: Sequence[str], size: Size) -> "Hosted":
        """Raises OSError."""
        terminal, inside = os.openpty()
        try:
            _resize(terminal, size)
            os.set_blocking(terminal, False)
            environ = {k: v for k, v in os.environ.items() if k not in ELSEWHERE}
            process = await asyncio.create_subprocess_exec(
                *command("latty_tui", *words),
                stdin=inside,
                stdout=inside,
                stderr=inside,
                env=environment({**environ, **HERE}),
                start_new_session=True,
                preexec_fn=_begin,
            )
        except BaseException:
            os.close(terminal)
            raise
        finally:
            os.close(inside)
        return cls(process, terminal)

    async def read(self) -> bytes:
        """What it has written; b"" once it has ended."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                return os.read(self._terminal, CHUNK)
            except BlockingIOError:
                if self.over.done():
                    return b""
            except OSError:  # nobody is at the other end
                return b""
            ready = asyncio.Event()
            loop.add_reader(self._terminal, ready.set)
            waiting = asyncio.create_task(ready.wait())
            try:
                await asyncio.wait((waiting, self.over), return_when=asyncio.FIRST_COMPLETED)
            finally:
                waiting.cancel()
                loop.remove_reader(self._terminal)

    def write(self, data: bytes) -> None:
        """Type it. Raises TooMuch."""
        if len(self._typed) + len(data) > TYPED:
            raise TooMuch
        self._typed += data
        self._flush()

    def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_writer(self._terminal)
        try:
            del self._typed[: os.write(self._terminal, self._typed)]
        except BlockingIOError:
            pass
        except OSError:  # it has ended
            self._typed.clear()
        if self._typed:
            loop.add_writer(self._terminal, self._flush)

    def resize(self, size: Size) -> None:
        """Another window: it draws all of it, even where the size is the same."""
        with suppress(OSError):
            _resize(self._terminal, size)
        self._send(signal.SIGWINCH)

    async def end(self) -> None:
        """Hang up, as a terminal that is closed does, and wait."""
        self._send(signal.SIGHUP)
        if not (await asyncio.wait((self.over,), timeout=GRACE))[0]:
            self._send(signal.SIGKILL)
            await asyncio.wait((self.over,))

    def close(self) -> None:
        """Let go of the terminal: what is left in its session is hung up, too."""
        asyncio.get_running_loop().remove_writer(self._terminal)
        os.close(self._terminal)

    def _send(self, number: signal.Signals) -> None:
        if not self.over.done():
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


def _begin() -> None:
    """In the new process: the terminal is its own, and signals that ours ignores reach it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def _resize(terminal: int, size: Size) -> None:
    columns, rows, width, height = size
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, width, height))
