"""What a job printed, and prints while one looks."""

import asyncio
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import RichLog, Static

from latty.errors import LattyError
from latty.files import tail
from latty.jobs import run
from latty.text import printable
from latty_tui.desk import Desk, DialogPlace
from latty_tui.dialogs.base import Dialog, plain
from latty_tui.jobs import MARKS, Job

PAUSE = 0.3  # seconds between two looks
KEPT = 5000  # lines


class JobLog(Dialog[None]):
    """The log of one job; it follows until the job is over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy all of it"),
        Binding("p", "copy_path", "Copy the path of the log"),
        Binding("end", "bottom", "Follow"),
        Binding("q,enter", "leave", "Close", show=False),
    ]
    HELP = "What a job printed. At its end the log follows; going up stops that, End goes on."
    STANDS: ClassVar[DialogPlace] = "below"

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.text: list[str] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = plain(f"{self.job.title}  ({self.job.id})")
            box.border_subtitle = "c copy   p copy its path   end follow   esc close"
            yield Static("", id="how", markup=False, classes="hint")
            yield RichLog(id="lines", max_lines=KEPT, wrap=True, min_width=1)

    def on_mount(self) -> None:
        self.query_one(RichLog).focus()
        self.run_worker(self._follow(), group="log", exit_on_error=False)

    async def _follow(self) -> None:
        offset, lines = 0, self.query_one(RichLog)
        while True:
            try:
                status = await asyncio.to_thread(run.status, self.job.id)
                found, offset = await asyncio.to_thread(_log_from, self.job.id, offset)
            except (LattyError, OSError) as error:  # it was taken off the list
                self._how(str(error))
                return
            self.text = [*self.text, *found][-KEPT:]
            if found:
                lines.write("\n".join(found))
            said = f"{MARKS[status.state]} {status.state}"
            self._how(f"{said}: {status.error}" if status.error else said)
            if status.over:
                if not self.text:
                    lines.write("(it printed nothing)")
                return
            await asyncio.sleep(PAUSE)

    def _how(self, words: str) -> None:
        self.query_one("#how", Static).update(plain(words))

    def action_bottom(self) -> None:
        self.query_one(RichLog).scroll_end(animate=False)

    def action_copy(self) -> None:
        cast(Desk, self.app).copy("\n".join(self.text))

    def action_copy_path(self) -> None:
        cast(Desk, self.app).copy(str(run.folder_of(self.job.id) / run.LOG))


def _log_from(job: str, offset: int, most: int = 1 << 18) -> tuple[list[str], int]:
    """Whole lines of a job's log from byte `offset` on, and the offset to go on from; of much the
    last `most` bytes. Raises OSError."""
    data, start = tail(run.folder_of(job) / run.LOG, most, offset)
    whole = data[: data.rfind(b"\n") + 1]
    lines = whole.decode("utf-8", "replace").splitlines()
    return [printable(line) for line in lines], start + len(whole)
