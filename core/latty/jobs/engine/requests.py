"""What is asked of the engine and waits: which comes next, and what a newer request replaces."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from latty.wire import FIRST

if TYPE_CHECKING:
    from latty.jobs.engine.drawing import Drawing

PATIENCE = 2.0  # seconds that draws of a channel are left for newer ones, and nothing is seen


class Request:
    """One request, and what has come of it so far."""

    def __init__(self, header: Mapping[str, Any]) -> None:
        self.header = header
        self.op = str(header.get("op"))
        self.channel = str(header.get("channel", FIRST))
        self.drawing: Drawing | None = None
        self.cancelled = False


class Queue:
    """What waits to be done, filled by one thread and emptied by another."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._errands: deque[Request] = deque()
        self._draws: dict[str, Request] = {}
        self._at: Request | None = None
        self._errand_next = False
        self._unseen: dict[str, float] = {}  # since when draws of a channel are left

    def put(self, request: Request) -> Request | None:
        """Returns the draw whose place a newer one takes."""
        with self._changed:
            old = None
            if request.op == "draw":
                old = self._draws.pop(request.channel, None)
                self._draws[request.channel] = request
            else:
                self._errands.append(request)
            self._changed.notify()
            return old

    def take(self, seconds: float | None = None) -> Request | None:
        """The next to be done, when there is one; None where nothing comes for so long. While
        pictures are asked for without end, every other turn is an errand's."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._errands or self._draws, seconds):
                return None
            if self._errands and (self._errand_next or FIRST not in self._draws):
                self._at, self._errand_next = self._errands.popleft(), False
            else:
                channel = FIRST if FIRST in self._draws else next(iter(self._draws))
                self._at, self._errand_next = self._draws.pop(channel), True
            return self._at

    def overtaken(self, request: Request, due: bool) -> bool:
        """Whether a draw that is being done is left for now: nobody wants it any more, or another
        comes before it. `due`: something of it will be seen soon, which a newer one of the same
        channel waits for, as it does for one that is `pressing`: else nothing would be seen while a
        key is held."""
        with self._changed:
            if request.cancelled or (request.channel != FIRST and FIRST in self._draws):
                return True
            return not due and self._is_left(request.channel)

    def pressing(self, request: Request) -> bool:
        """Whether a draw is done to its end although a newer one of its channel waits: all those
        before it were left, and nothing was seen for too long."""
        with self._changed:
            if request.cancelled or (request.channel != FIRST and FIRST in self._draws):
                return False
            return request.channel in self._draws and not self._is_left(request.channel)

    def _is_left(self, channel: str) -> bool:
        """Whether a newer draw waits that takes the place of the one that is being done."""
        if channel not in self._draws:
            return False
        now = time.monotonic()
        return now - self._unseen.setdefault(channel, now) < PATIENCE

    def seen(self, request: Request) -> None:
        """Something of a draw is answered."""
        with self._changed:
            self._unseen.pop(request.channel, None)

    def put_back(self, request: Request) -> bool:
        """A draw that is not finished waits again; False where nobody wants it any more."""
        with self._changed:
            if request.cancelled or request.channel in self._draws:
                return False
            self._draws[request.channel] = request
            return True

    def cancel(self, channel: str) -> Request | None:
        """Returns the draw that waited; one that is being done is not answered with pixels."""
        with self._changed:
            if self._at is not None and self._at.channel == channel:
                self._at.cancelled = True
            self._unseen.pop(channel, None)
            return self._draws.pop(channel, None)
