"""The queue: every job there is, also those of other terminals and of the days before."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from latty.text import printable
from latty_tui.finding import Thing
from latty_tui.jobs import Job, Watch, ended
from latty_tui.panel import name_of, number_of
from latty_tui.panels.queue.actions import JobActions
from latty_tui.panels.queue.player import Player
from latty_tui.panels.queue.row import EMPTY, row, short, summary
from latty_tui.state import State
from latty_tui.widgets.browser import MOVES, RowList

# Seconds between two looks: while there are more to read, while a job is alive, while none is.
SOON, BUSY, IDLE = 0.1, 0.5, 2.0
# By which keymap files know its Home and End.
OLD_IDS = {"end(0)": "queue.move(-1000000)", "end(1)": "queue.move(1000000)"}


class QueuePanel(JobActions):
    """Jobs, the newest first."""

    PLACE, ORDER, TITLE, JUMP = "bottom", 10, "queue", "q"
    HELP = (
        "Renders and searches run as jobs: they go on when you leave, when the connection drops, "
        "and are here when you come back. Enter shows what a job made; of one that trains, how far "
        "it is: the latest chart of all its directions, and then each new one."
    )
    EVERYWHERE: ClassVar[list[Binding]] = [
        Binding("r", "render_this", "Render", tooltip="Make a GIF, film or picture of this"),
        Binding("d", "discover", "Discover", tooltip="Search for directions of this model"),
        Binding("w", "go", "To the queue", show=False),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open"),
        Binding("c", "stop", "Cancel it"),
        Binding("y", "again", "Try again"),
        Binding("U", "resume", "Go on with it", show=False),
        Binding("l", "log", "Log"),
        Binding("v", "chart", "Chart of its training", show=False),
        Binding("P", "copy", "Copy its path", show=False),
        Binding("G", "preset", "Back to its preset", show=False),
        Binding("x", "remove", "Off the list", show=False),
        Binding("X", "prune", "All that are over off the list", show=False),
        *(replace(one, id=OLD_IDS.get(one.action)) for one in MOVES),
    ]

    WORDS: ClassVar = {
        "render_this": "render video gif movie mp4 webm animation",
        "discover": "discover search new directions",
        "go": "jobs queue",
        "stop": "cancel stop kill",
        "again": "retry again",
        "resume": "resume continue",
    }

    def compose(self) -> ComposeResult:
        yield RowList(self._draw, id="jobs")

    def on_mount(self) -> None:
        self.watch_ = Watch()
        self.player = Player(self.desk)
        self._said = ""
        self._known = False  # whether a first look has been taken
        self.list.show(1, 0)
        self.run_worker(self._look_on(), group="jobs", exit_on_error=False)

    # What the palette asks.

    def why_not(self, action: str) -> str:
        if action in ("render_this", "discover"):
            return "" if self.desk.known is not None else "no model is open"
        return "" if self.jobs or action == "go" else "there is no job"

    def things(self) -> Iterator[Thing]:
        for job in self.jobs:
            go = partial(self._go_to, job.id)
            yield Thing(job.title, "job", go, where=job.state, more=job.error, id=f"job {job.id}")

    def _go_to(self, job: str) -> None:
        """The cursor to a job; of one that is done, what it made."""
        places = (i for i, one in enumerate(self.jobs) if one.id == job)
        if (place := next(places, None)) is not None:
            self.desk.go(name_of(type(self)))
            self.list.go(place)
            if self.jobs[place].outputs:
                self.action_open()

    # Looking.

    async def _look_on(self) -> None:
        """As long as the studio is open. A disk that cannot be read is asked again."""
        while True:
            try:
                self._take(await asyncio.to_thread(self.watch_.poll))
            except OSError as error:
                self._subtitle(f"cannot read the jobs: {error}")
            self._soon.clear()
            pause = BUSY if any(job.alive for job in self.jobs) else IDLE
            pause = SOON if self.watch_.more else pause
            try:
                await asyncio.wait_for(self._soon.wait(), pause)
            except TimeoutError:
                continue

    def _take(self, found: list[Job]) -> None:
        if self._known and not self.has_focus:  # else it is seen in the list
            for job in ended(self.jobs, found):
                self._tell_end(job)
        changed = found != self.jobs
        cursor = self._cursor(found)
        self.jobs, self._known = found, True
        self.follow_chart()
        if changed or any(job.alive for job in found):  # the time that is left runs
            self.list.show(max(1, len(found)), cursor)
            if cursor < self.list.size.height:  # what is new is seen, too
                self.list.scroll_home(animate=False, force=True)
            self._subtitle(summary(found))

    def _subtitle(self, words: str) -> None:
        """On the border, which is drawn anew each time it is told."""
        if words != self._said:
            self._said = words
            self.entitle(below=words)

    def _cursor(self, found: Sequence[Job]) -> int:
        """Where the cursor is among the jobs as they are now: on the same one while somebody works
        here, else on the one at work."""
        if self.has_focus and self.job is not None:
            same = (i for i, job in enumerate(found) if self.job and job.id == self.job.id)
            return next(same, self.list.cursor)
        return next((i for i, job in enumerate(found) if job.state == "running"), 0)

    def _tell_end(self, job: Job) -> None:
        title = printable(job.title)
        if job.state == "done":
            made = ", ".join(printable(short(path)) for path in job.outputs)
            self.desk.say(f"{title} is done: {made}" if made else f"{title} is done")
        elif job.state == "failed":
            self.desk.say(f"{title} failed: {printable(job.error)} (w, then l: its log)", "error")
        elif job.state == "interrupted":
            self.desk.say(f"{title} was interrupted (w, then U: it goes on)", "warning")

    # Drawing.

    def _draw(self, index: int, width: int) -> Text:
        if self.has_focus:
            return self._job_row(index, width)
        head = Text(f"{number_of(type(self))} {self.TITLE}  ", self.list.style("dim"))
        return head.append_text(self._job_row(index, width - head.cell_len))

    def _job_row(self, index: int, width: int) -> Text:
        rows = self.list
        dim = rows.style("dim")
        if index >= len(self.jobs):
            return Text(EMPTY if self._known else "looking for jobs ...", dim)
        looks = {"dim": dim, "good": rows.style("value"), "bad": rows.style("wrong")}
        if rows.size.height > 1 or self.has_focus:
            return row(self.jobs[index], width, looks)
        more = summary(self.jobs[:index] + self.jobs[index + 1 :])
        more = f"  + {more}" if more else ""
        line = row(self.jobs[index], width - len(more), looks)
        return line.append(more, dim)

    def on_resize(self) -> None:
        self.list.refresh()

    def on_focus(self) -> None:
        self.list.refresh()

    def on_blur(self) -> None:
        self.list.refresh()

    def on_row_list_taken(self) -> None:
        self.action_open()

    def on_click(self) -> None:
        self.focus()

    # What the studio tells: another picture ends what is played.

    def on_state(self, state: State) -> None:
        self.player.stop(redraw=False)

    def on_drawn(self, drawn: object) -> None:
        self.player.stop(redraw=False)

    def farewell(self) -> str:
        alive = sum(job.alive for job in self.jobs)
        jobs = "1 job goes on" if alive == 1 else f"{alive} jobs go on"
        return f"latty: {jobs}; see: latty jobs watch" if alive else ""

    def cancel(self) -> bool:
        """Esc: back from a result to the picture."""
        return self.player.stop()

    def action_go(self) -> None:
        self.focus()


PANEL = QueuePanel
