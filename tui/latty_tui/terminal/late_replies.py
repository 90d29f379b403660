"""Answers of the terminal that come after we have stopped waiting for them.

Textual would take them for typed keys: they are dropped before it sees them. It has no public place
for that, so its reader is replaced, and only where the terminal has not answered in time.
"""

from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.message import Message

from latty_tui.terminal.answers import OURS, SYNC

LATE = [answer for answer in OURS if answer is not SYNC]  # that one Textual asks for itself


class Reader(XTermParser):
    """Textual's, deaf to the answers."""

    def feed(self, data: str) -> Iterable[Message]:
        left = data.encode("utf-8", "surrogateescape")
        for answer in LATE:
            left = answer.sub(b"", left)
        # Nothing at all would mean the end of the input.
        return super().feed(left.decode("utf-8", "surrogateescape")) if left or not data else ()


def ignore() -> None:
    """From now on."""
    linux_driver.XTermParser = Reader  # type: ignore[attr-defined]
