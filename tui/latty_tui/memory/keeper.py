"""Writes the history in a thread of its own, at once: nothing that is typed waits for the disk.

A full or broken disk costs the memory, not the work: it is told once, tried again, and all is
written when there is room.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread

from latty.errors import LattyError
from latty_tui.memory import shelf
from latty_tui.memory.journal import line, whole
from latty_tui.memory.shelf import Taken
from latty_tui.memory.tables import Table, step_table
from latty_tui.state import Step

AGAIN = 2.0  # seconds until what could not be written is tried again
NOT_KEPT = "the history cannot be kept: {}"
KEPT = "the history is kept again"
ASIDE = "what could not be read of the history, or another program wrote, is now {}"


@dataclass(frozen=True, slots=True)
class StepChange:
    """What is to be written: so many of the last steps are forgotten, more come, the present one is
    `back` before the last; how things look, None = as before."""

    drop: int
    steps: tuple[Step, ...]
    back: int
    looks: Table | None


class Keeper:
    """`tell` hears, in the thread, of trouble and of its end."""

    def __init__(self, taken: Taken | None, tell: Callable[[str], object]) -> None:
        self.taken, self.tell = taken, tell
        self.trouble = ""  # why nothing is kept, in words
        found = taken.recorded if taken is not None else None
        self._steps = list(found.steps) if found else []
        self._back = len(self._steps) - 1 - found.index if found and self._steps else 0
        self._looks: Table = found.looks if found else {}
        since = taken.since if taken is not None else time.time()
        self._opened: Table = {"opened": since, "earlier": found.earlier if found else 0}
        self._begun = False  # whether that line is written
        self._queue: SimpleQueue[StepChange | Event | None] = SimpleQueue()
        self._thread: Thread | None = None

    def put(self, change: StepChange) -> None:
        """Write it, soon."""
        if self._thread is None:
            self._thread = Thread(target=self._work, name="history", daemon=True)
            self._thread.start()
        self._queue.put(change)

    def flush(self, patience: float) -> None:
        """Wait until all is written, or for so many seconds; also in a handler of a signal."""
        if self._thread is not None:
            done = Event()
            self._queue.put(done)
            done.wait(patience)

    def close(self, patience: float) -> None:
        """Write what is left, and give the history back."""
        self.flush(patience)
        self._queue.put(None)
        if self.taken is not None:
            self.taken.close()

    def _work(self) -> None:
        going = True
        while going:
            lines, done = list[bytes](), list[Event]()
            with suppress(Empty):  # all that was said meanwhile goes to the disk at once
                item = self._queue.get(timeout=AGAIN if self.trouble else None)
                while going := item is not None:
                    if isinstance(item, Event):
                        done.append(item)
                    else:
                        lines += self._lines(item)
                    item = self._queue.get_nowait()
            if lines or self.trouble:
                self._write(lines)
            for one in done:
                one.set()

    def _lines(self, change: StepChange) -> list[bytes]:
        """A change as lines, and as part of the whole."""
        if change.drop:
            del self._steps[-change.drop :]
        self._steps += change.steps
        tables: list[Table] = [{"drop": change.drop}] if change.drop else []
        tables += map(step_table, change.steps)
        if change.back != (0 if change.steps else self._back):
            tables.append({"back": change.back})
        if change.looks is not None:
            self._looks = change.looks
            tables.append({"looks": change.looks})
        self._back = change.back
        if not self._begun:
            self._begun = True
            tables.insert(0, self._opened)
        return list(map(line, tables))

    def _write(self, lines: list[bytes]) -> None:
        before = self.trouble
        try:
            if self.taken is None:
                self.taken = shelf.begun()
            journal = self.taken.journal
            journal.keep(lines, self._whole, len(self._steps))
            self.trouble = ""
            aside, journal.aside = journal.aside, None
            words = ASIDE.format(aside) if aside else KEPT if before else ""
        except (OSError, LattyError) as error:
            self.trouble = NOT_KEPT.format(getattr(error, "strerror", None) or error)
            words = "" if before else self.trouble
        if words:
            self.tell(words)

    def _whole(self) -> list[bytes]:
        return whole(self._steps, len(self._steps) - 1 - self._back, self._looks, self._opened)
