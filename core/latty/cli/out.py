"""What latty says: results on stdout, words on stderr, nothing that moves a terminal.

Every line of text goes through `printable`: names come from other people's presets and pictures.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

from latty import plugins, process
from latty.cli import signals
from latty.jobs.events import EventWriter
from latty.text import printable

EVENTS = EventWriter()  # read by those who follow a job; silent in any other run


def to_json(value: Mapping[str, Any]) -> str:
    """One line of ASCII: escapes can hide nowhere in it."""
    return json.dumps(value, default=str, allow_nan=False).replace("\x7f", "\\u007f")


def is_terminal(stream: TextIO | None) -> bool:
    """A terminal that can move its cursor, with a person in front of it."""
    quiet = os.environ.get("TERM") == "dumb" or bool(os.environ.get("CI"))
    return stream is not None and stream.isatty() and not quiet


def print_line(text: str, stream: TextIO | None) -> None:
    if stream is not None:  # None: closed by whoever started us
        stream.write(text + "\n")


def moment() -> str:
    """The time as ISO 8601 says it, with the zone: 2031-02-03T04:05:06+01:00."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")[:-2] + ":" + time.strftime("%z")[-2:]


def in_words(kind: str, text: str) -> str:
    """One line of words as an event: a "note", or an "error"."""
    return to_json({"time": moment(), "event": kind, "text": text})


def _say_events_too(loudness: int) -> None:
    """In another process than the one that was called."""
    out = Out(loudness=loudness)
    plugins.tell, plugins.tell_more = out.say, partial(out.say, loudness=1)
    out.say_events()


@dataclass(slots=True)
class Out:
    """The two streams of one run, and how loud it is: -1 quiet, 0, 1 verbose.

    log_time  every line of words begins with the time
    events    every line on stderr is a JSON object; see `say_events`
    asking    whether that is wanted, where nobody has said yet: asked before the first word
    """

    json: bool = False
    loudness: int = 0
    color: bool = True
    log_time: bool = False
    events: bool = False
    asking: Callable[[], bool] | None = None

    def settle(self) -> None:
        """Find out whether words are events, where that is still to be asked."""
        ask, self.asking = self.asking, None
        if ask is not None and ask():
            self.say_events()

    def say_events(self) -> None:
        """From now on words are events, those of signals and of Python's warnings, too, and those
        of other processes that take part."""
        self.events, self.asking = True, None
        signals.shape(lambda text: in_words("note", text) + "\n")
        warnings.showwarning = self._warn
        process.in_child = partial(_say_events_too, self.loudness)

    def _warn(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        self.say(f"{category.__name__}: {message}")

    @property
    def asks(self) -> bool:
        """Whether there is a person to be asked."""
        return (
            not self.json and not self.events and is_terminal(sys.stdin) and is_terminal(sys.stderr)
        )

    def ask(self, words: str) -> str:
        """What a person types, in one line; "" for nothing."""
        sys.stderr.write(printable(words))
        sys.stderr.flush()
        return sys.stdin.readline().strip()

    def agrees(self, words: str) -> bool:
        """Whether a person says yes; nobody to be asked does not."""
        return self.asks and self.ask(f"{words} [y/N] ").lower() in ("y", "yes")

    def result(self, text: str, **value: Any) -> None:
        """A result: `text` for people, or `value` as one JSON line; a job keeps a file's path."""
        if "path" in value:
            EVENTS.write(
                "output", path=str(Path(value["path"]).absolute()), bytes=value.get("bytes")
            )
        if self.json:
            print_line(to_json(value), sys.stdout)
        else:
            for line in text.split("\n"):
                print_line(printable(line), sys.stdout)

    def rows(
        self, rows: Sequence[Sequence[str]], heads: Sequence[str] = (), least: Sequence[int] = ()
    ) -> None:
        """A table for people: with heads on a terminal, else bare, so that it can be piped.

        least    columns that are at least so wide
        """
        shown = [[printable(cell) for cell in row] for row in rows]
        if shown and self._draws(sys.stdout):
            self._table(shown, heads, least, sys.stdout)
            return
        widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
        widths = [max(pair) for pair in zip_longest(widths, least, fillvalue=0)]
        for row in shown:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print_line("  ".join(cells).rstrip(), sys.stdout)

    def figures(
        self, lines: Sequence[str], rows: Sequence[Sequence[str]], heads: Sequence[str]
    ) -> None:
        """Words on stderr: a table on a terminal, elsewhere `lines`, which say the same."""
        if rows and self.loudness >= 0 and self._draws(sys.stderr):
            self._table([[printable(cell) for cell in row] for row in rows], heads, (), sys.stderr)
            return
        for line in lines:
            self.say(line)

    def _draws(self, stream: TextIO | None) -> bool:
        words = self.events and stream is sys.stderr
        return self.color and is_terminal(stream) and not words

    def _table(
        self,
        rows: Sequence[Sequence[str]],
        heads: Sequence[str],
        least: Sequence[int],
        stream: TextIO | None,
    ) -> None:
        from shutil import get_terminal_size

        from latty.cli import terminal

        print_line(terminal.table(heads, rows, get_terminal_size().columns, least), stream)

    def say(self, text: str, loudness: int = 0) -> None:
        """Words on stderr, in a run at least that loud."""
        if self.loudness >= loudness:
            self._words("note", text)

    def error(self, text: str) -> None:
        """What went wrong; said in a quiet run too. The first line carries our name."""
        self._words("error", text)

    def _words(self, kind: str, text: str) -> None:
        self.settle()
        try:
            for line in self._lines(kind, text):
                print_line(line, sys.stderr)
        except BrokenPipeError:
            raise
        except OSError:
            return  # a hung-up terminal: work goes on without words

    def _lines(self, kind: str, text: str) -> Iterator[str]:
        if self.events:
            yield in_words(kind, text)
            return
        for number, part in enumerate(text.split("\n") if kind == "error" else [text]):
            line = f"       {part}" if number else f"latty: {part}"
            line = printable(f"{moment()} {line}" if self.log_time else line)
            red = kind == "error" and self.color and is_terminal(sys.stderr)
            yield f"\x1b[31m{line}\x1b[0m" if red else line


def wants_color(flag: bool) -> bool:
    """NO_COLOR (any value, no-color.org) or --no-color switch colours off."""
    return flag and not os.environ.get("NO_COLOR")


def seconds(number: float) -> str:
    """`42 s`, `3 min 05 s`, `2 h 07 min`."""
    whole = max(0, round(number))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return (
        f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
    )


def counted(what: str, done: int, total: int, left: float | None) -> str:
    """`frames 12/60  20 %  5 s left`; a total of 0 and a time that is None are not known; with
    nothing done what is waited for stands alone."""
    words = f"{what} {done or ''}".rstrip()
    if total:
        words = f"{what} {done}/{total}  {100 * done // total} %"
    return words if left is None else f"{words}  {seconds(left)} left"
