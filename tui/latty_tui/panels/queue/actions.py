"""What the keys of the queue do with the job under its cursor."""

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from latty.jobs import control
from latty.presets.formats import format_of
from latty_tui import jobs
from latty_tui.dialogs.choose import Choice, Choose, Decide
from latty_tui.jobs import Job
from latty_tui.panel import opens
from latty_tui.panels.directions import DirectionsPanel
from latty_tui.panels.queue.player import Player
from latty_tui.panels.queue.row import EMPTY, chart_words, short
from latty_tui.panels.timeline import TimelinePanel
from latty_tui.widgets.browser import RowsPanel

NO_OVERWRITE = 73  # exit code of a job that found a file in its way


class JobActions(RowsPanel):
    """The part of the panel that does something with jobs."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.jobs: list[Job] = []
        self.asking = False  # whether a form is open or about to be
        self.player: Player
        self._soon = asyncio.Event()
        self._charted = ""  # the job whose training is being looked at

    @property
    def job(self) -> Job | None:
        """The one under the cursor."""
        at = self.list.cursor
        return self.jobs[at] if at < len(self.jobs) else None

    def look_soon(self) -> None:
        """Look now: something was submitted, cancelled, removed."""
        self._soon.set()

    def on_submitted(self, job: str) -> None:
        self.look_soon()

    @opens
    def action_render_this(self) -> None:
        self._ask("render")

    @opens
    def action_discover(self) -> None:
        self._ask("discover")

    def search(self, method: str = "", words: Sequence[str] = ()) -> None:
        """The form of a method; or that of a job of these words, as it was filled."""
        self._ask("discover", method=method, words=words)

    def _ask(self, form: str, **how: Any) -> None:
        """A form of dialogs/. One at a time, however often the key is pressed before it is there;
        imported in a thread, because that takes longer than a key may."""

        async def work() -> None:
            try:
                module = await asyncio.to_thread(import_module, f"latty_tui.dialogs.{form}")
                await module.ask(self.desk, **how)
            finally:
                self.asking = False

        if not self.asking:
            self.asking = True
            self.desk.opening(work(), "job")

    def _do(self, act: Callable[[], Any]) -> None:
        """Do it in a thread, and look again: the list tells what has come of it."""

        async def work() -> None:
            try:
                await asyncio.to_thread(act)
            finally:
                self.look_soon()

        self.desk.background(work(), "job")

    def _do_if_sure(self, question: str, what: str, act: Callable[[], Any]) -> None:
        answers = [Choice(None, "no"), Choice(True, "yes", what)]
        self.desk.ask(Decide(question, answers), lambda _: self._do(act))

    def _chosen(self) -> Job | None:
        """The job under the cursor, or words that there is none."""
        if self.job is None:
            self.desk.say(EMPTY)
        return self.job

    def action_stop(self) -> None:
        job = self._chosen()
        if job is not None and not job.alive:
            self.desk.say(f"it is {job.state} already")
        elif job is not None:
            self._do(lambda: control.cancel(job.id))

    @opens
    def action_again(self) -> None:
        """Of what failed or was stopped the rest; of what is done all of it; of a search that
        failed its form, as it was filled."""
        if (job := self._chosen()) is None:
            return
        verb, words = job.status.spec.words[0], job.status.spec.words
        if job.alive:
            self.desk.say(f"it is {job.state}; c cancels it")
        elif verb == "discover" and job.state == "failed":
            self.search(words=words)
        elif job.state != "done" and job.status.code != NO_OVERWRITE:
            self.action_resume()
        else:
            question, what = f"make it again: {job.title}?", "over the files that are there"
            self._do_if_sure(question, what, lambda: jobs.again(job.status))

    def action_resume(self) -> None:
        if (job := self._chosen()) is None:
            return
        if job.alive or job.state == "done":
            self.desk.say(f"it is {job.state}; there is nothing to go on with")
        else:
            self._do(lambda: control.resume(job.id))

    @opens
    def action_log(self) -> None:
        from latty_tui.panels.queue.log import JobLog

        if (job := self._chosen()) is not None:
            self.desk.ask(JobLog(job))

    def action_copy(self) -> None:
        if (job := self._chosen()) is None:
            return
        if job.outputs:
            self.desk.copy("\n".join(job.outputs))
        else:
            self.desk.say("it has made no file yet")

    def action_remove(self) -> None:
        if (job := self._chosen()) is None:
            return
        if job.alive:
            self.desk.say(f"it is {job.state}; cancel it first: c")
        else:
            self._do(lambda: jobs.remove(job.id))

    @opens
    def action_prune(self) -> None:
        old = [job.id for job in self.jobs if job.state in ("done", "failed", "cancelled")]
        if not old:
            self.desk.say("no job is over")
            return
        question = f"take {len(old)} jobs that are over off the list?"
        self._do_if_sure(question, "what they made stays", lambda: [*map(jobs.remove, old)])

    @opens
    def action_preset(self) -> None:
        """The state as it was when the job was handed in."""
        if (job := self._chosen()) is not None:
            self.desk.opening(self._open_preset(job), "job")

    async def _open_preset(self, job: Job) -> None:
        from latty_tui.library.opening import open_ref

        if not (refs := await asyncio.to_thread(jobs.presets_of, job.status)):
            self.desk.say("only a render has a preset")
            return
        await open_ref(self.desk, refs[0])

    # What a job made.

    @opens
    def action_open(self) -> None:
        if (job := self._chosen()) is None:
            return
        if not job.outputs:
            self._show_work(job)
        elif len(job.outputs) == 1:
            self.show_output(job.outputs[0])
        else:
            choices = [Choice(path, short(path)) for path in job.outputs]
            self.desk.ask(Choose("which of its files?", choices), self.show_output)

    def _show_work(self, job: Job) -> None:
        """Of a job that has made nothing yet."""
        if job.training and job.training.chart:
            self.action_chart()
        else:
            self.action_log()

    def action_chart(self) -> None:
        """The latest chart in the place of the picture, and each new one while it is there."""
        if (job := self._chosen()) is None:
            return
        if job.training is None or job.training.chart is None:
            self.desk.say("it has drawn no chart: methods that train do, now and then")
            return
        self._charted = job.id
        self._play_chart(job.training.chart, job)

    def follow_chart(self) -> None:
        """Show the newer chart of the training that is being looked at, or stop following it."""
        job = next((one for one in self.jobs if one.id == self._charted), None)
        chart, shown = job and job.training and job.training.chart, self.player.seen
        if not job or not chart or not shown or shown.parent != chart.parent:
            self._charted = ""
        elif shown != chart:
            self._play_chart(chart, job)

    def _play_chart(self, chart: Path, job: Job) -> None:
        self.desk.find(TimelinePanel).cancel()  # else it would paint over this
        self.player.start(chart, f"{chart_words(chart, job)}   esc: back")

    def show_output(self, output: str) -> None:
        """A picture or film in the preview, directions in their list, of others the path."""
        path = Path(output)
        if not path.exists():
            self.desk.say(f"{short(output)} is gone (y: make it again)", "warning")
        elif path.suffix == ".safetensors":
            self._show_directions(path)
        elif format_of(path) is not None or (path.is_dir() and any(path.glob("*.png"))):
            self.desk.find(TimelinePanel).cancel()  # else it would paint over this
            self.player.start(path, f"{short(output)}   esc: back")
        else:
            self.desk.copy(output)

    def _show_directions(self, path: Path) -> None:
        """Go to a set in the list of directions."""
        listed = self.desk.find(DirectionsPanel)
        listed.words = ""
        listed.fill()
        places = (i for i, one in enumerate(listed.rows) if one.entry and one.entry.path == path)
        if (place := next(places, None)) is None:
            self.desk.say(f"{short(str(path))}: no such set is in the list of directions")
            return
        listed.focus()
        listed.list.go(place)
