"""Long work in notebooks and scripts: a progress bar, and an orderly end on Ctrl-C."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from latty import plugins
from latty.errors import Interrupted
from latty.report import Report, silent

if TYPE_CHECKING:
    from rich.progress import Progress

    from latty.directions.viewing import Viewing


@contextmanager
def working(title: str) -> Iterator[Report]:
    """The Report of a piece of work, as a bar in a notebook or on a terminal and silent elsewhere.

    The first Ctrl-C stops the work at its next report, so that what is finished is kept; a second
    one raises at once. Raises KeyboardInterrupt for work that stopped without a result.
    """
    asked = threading.Event()

    def ask(signum: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    with _bar(title) as draw, _handling(ask):

        def report(done: int, total: int, what: str) -> None:
            if asked.is_set():
                raise Interrupted(signal.SIGINT)
            draw(done, total, what)

        try:
            yield report
        except Interrupted as stopped:
            words = f"{title} was stopped; the same call goes on from there"
            raise KeyboardInterrupt(words) from stopped


@contextmanager
def _handling(handler: "signal._HANDLER") -> Iterator[None]:
    """SIGINT handled by `handler`; only the main thread of Python may set that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _bar(title: str) -> Iterator[Report]:
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal and not console.is_jupyter:
        yield silent
        return
    from rich import progress as bars

    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn())
    left = bars.TimeRemainingColumn()
    with bars.Progress(*columns, left, console=console, transient=True) as shown:
        yield _Stages(shown, title)


class _Stages:
    """A Report that shows each stage of the work as a bar of its own."""

    def __init__(self, shown: "Progress", title: str) -> None:
        self._shown, self._title = shown, title
        self._what, self._task = "", shown.add_task(title, total=None)

    def __call__(self, done: int, total: int, what: str) -> None:
        if what != self._what:
            self._shown.reset(self._task)
            self._what = what
        words = f"{self._title}: {what}"
        self._shown.update(self._task, description=words, completed=done, total=total or None)


def viewing() -> "Viewing":
    """How a search shows its work: in a folder of its own, which is told."""
    from latty.directions.viewing import Viewing
    from latty.render.charts import png

    return Viewing(png, plugins.tell)
