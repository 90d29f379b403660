"""What one file may cost, whoever looks at it: things counted by name, and processor time.

Small files can spell huge ones: a table that lies in itself, a list under ten thousand names. So
what is counted is counted once for each file, through one object that everybody who looks at the
file is handed; a second look spends what the first has left.

What no count stands for is held by time, which is of one machine: where another one is slower, so
that a good file might take longer there, it has as much more.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

from latty.errors import BadData

SECONDS = 1.2  # of processor time, for a file of at most
SMALL = 40 * 2**20  # bytes; larger ones have as much more
PROBE = 0.0025  # seconds that `slowness` takes for its work where these were measured, at most
SLOWEST = 20.0  # times


@dataclass(slots=True, kw_only=True)
class Budget:
    """limits   how much there may be of each thing
    seconds  processor time for looking at the file: `looking` is where it is counted
    spent    of each thing so far
    """

    limits: Mapping[str, int]
    seconds: float = SECONDS
    spent: dict[str, int] = field(init=False)
    _used: float = field(default=0.0, init=False)  # seconds, of the looks that are over
    _since: float = field(default=0.0, init=False)  # when this look began, by its thread's clock
    _thread: int = field(default=0, init=False)  # whose it is; 0: nobody is looking

    def __post_init__(self) -> None:
        self.spent = dict.fromkeys(self.limits, 0)

    def allow(self, size: int) -> None:
        """The time that a file of so many bytes may take; of several read as one, the largest."""
        self.seconds = max(self.seconds, SECONDS * size / SMALL)

    def spend(self, what: str, amount: int = 1) -> None:
        """Count things that the file holds, or has others do. Raises what `too_much` makes."""
        self.spent[what] += amount
        if self.spent[what] > self.limits[what]:
            raise self.too_much(f"{self.limits[what]} {what}")

    @contextmanager
    def looking(self) -> Iterator[None]:
        """The processor time of what is inside counts; one look within another counts once."""
        if self._thread:
            yield
            return
        self._thread, self._since = threading.get_ident(), time.thread_time()
        try:
            yield
        finally:
            self._used += time.thread_time() - self._since
            self._thread = 0

    def check_time(self) -> None:
        """Raises what `too_much` makes once the file's time is over."""
        now = self._used
        if self._thread == threading.get_ident():
            now += time.thread_time() - self._since
        if now > self.seconds and now > self.seconds * slowness():
            raise self.too_much("can be looked at in a few seconds")

    def too_much(self, what: str) -> BadData:
        """The error for a file that holds more than `what`."""
        return BadData(f"it holds more than {what}")


@cache
def slowness() -> float:
    """How many times as long as elsewhere this machine takes for the same work, 1 to SLOWEST;
    asked only where time is over, as it takes a few milliseconds itself."""

    def work() -> float:
        begun, found = time.thread_time(), dict[int, list[int]]()
        for number in range(30_000):
            found.setdefault(number & 255, []).append(number)
        return time.thread_time() - begun

    return min(max(1.0, min(work() for _ in range(5)) / PROBE), SLOWEST)
