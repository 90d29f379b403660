"""Outputs that are written in threads while their pictures are still drawn.

Drawing stays in the thread that was there, where signals arrive; torch and FFmpeg let other threads
run meanwhile. A writer takes each picture from the journal as soon as it is there, so drawing waits
for nobody and memory does not grow.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, Self

from latty import process
from latty.render.journal import Stopped
from latty.render.options import Allowed
from latty.report import Report

AT_ONCE = 4  # writers: each holds a few frames
TICK = 0.05  # seconds between two looks at what writers say
Said = tuple[int, int, str]
Tell = Callable[[Allowed], None]


@dataclass(slots=True)
class _Task:
    """A writer at work: what it reports, and what it has to tell, until somebody listens."""

    stopped: Event
    future: Future[Any] = field(init=False)
    said: SimpleQueue[Said] = field(default_factory=SimpleQueue)
    told: list[Allowed] = field(default_factory=list)

    def report(self, done: int, total: int, what: str) -> None:
        """Raises Stopped."""
        if self.stopped.is_set():
            raise Stopped
        self.said.put((done, total, what))

    def pass_on(self, report: Report) -> None:
        """Everything that it reported meanwhile. Raises what the report does."""
        while True:
            try:
                said = self.said.get_nowait()
            except Empty:
                return
            report(*said)


class Encoders:
    """`with Encoders(report, tell, stop) as encoders`: what does not end well calls off the others.

    report, tell  hear of one writer after the other, in the order in which they were started
    """

    def __init__(self, report: Report, tell: Tell, stop: Callable[[], None]) -> None:
        """`stop` wakes threads that wait for a picture: it does not come any more."""
        self._report, self._tell, self._stop = report, tell, stop
        self._stopped, self._tasks = Event(), list[_Task]()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="writer")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()  # of no meaning where all have ended
        self._stop()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def start(self, write: Callable[[Report, Tell], Any]) -> "Future[Any]":
        """The future of what `write` gives back, made in a thread."""
        task = _Task(self._stopped)
        self._tasks.append(task)
        task.future = self._pool.submit(write, task.report, task.told.append)
        return task.future

    def drawing(self, done: int, total: int, what: str) -> None:
        """The Report of who draws meanwhile. Raises what writers raised, and what the report
        does."""
        self._report(done, total, what)
        for task in self._tasks:
            if task.future.done():
                task.future.result()

    def finish(self) -> None:
        """Wait for all writers. Raises what they raised, the first one first, what the report
        does, and Interrupted."""
        for task in self._tasks:
            while wait((task.future,), TICK).not_done:
                process.check()  # of a writer that says nothing
                task.pass_on(self._report)
            task.pass_on(self._report)
            task.future.result()
            for allowed in task.told:
                self._tell(allowed)
