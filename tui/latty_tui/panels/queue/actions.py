"""What the keys of the queue do with the job under its cursor."""

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli.out import clean
from latty.jobs import control
from latty_tui import jobs
from latty_tui.dialogs.choose import Choice, Choose
from latty_tui.jobs import Job
from latty_tui.panels.queue.row import EMPTY, short

if TYPE_CHECKING:
    from latty_tui.panels.queue import QueuePanel

NO_OVERWRITE = 73  # exit code of a job that found a file in its way
PICTURES = (".gif", ".png", ".mp4", ".webm", ".webp", ".jpg", ".jpeg")


class JobActions:
    """A part of the queue's panel."""

    def action_render_this(self: "QueuePanel") -> None:
        self._ask("render")

    def action_discover(self: "QueuePanel") -> None:
        self._ask("discover")

    def _ask(self: "QueuePanel", form: str) -> None:
        """A form of dialogs/. One at a time, however often the key is pressed before it is there;
        imported in a thread, because that takes longer than a key may."""

        async def work() -> None:
            try:
                module = await asyncio.to_thread(import_module, f"latty_tui.dialogs.{form}")
                await module.ask(self.studio)
            finally:
                self.asking = False

        if not self.asking:
            self.asking = True
            self.studio.background(work(), "job")

    def _do(self: "QueuePanel", act: Callable[[], Any]) -> None:
        """Do it in a thread, and look again: the list tells what has come of it."""

        async def work() -> None:
            try:
                await asyncio.to_thread(act)
            finally:
                self.look_soon()

        self.studio.background(work(), "job")

    def _chosen(self: "QueuePanel") -> Job | None:
        """The job under the cursor, or words that there is none."""
        if self.job is None:
            self.studio.say(EMPTY)
        return self.job

    def action_stop(self: "QueuePanel") -> None:

        job = self._chosen()
        if job is not None and not job.alive:
            self.studio.say(f"it is {job.state} already")
        elif job is not None:
            self._do(lambda: control.cancel(job.id))

    def action_again(self: "QueuePanel") -> None:
        """Of what failed or was stopped the rest; of what is done all of it."""
        job = self._chosen()
        if job is None:
            return
        if job.alive:
            self.studio.say(f"it is {job.state}; c cancels it")
        elif job.state != "done" and job.status.code != NO_OVERWRITE:
            self.action_resume()
        else:
            choices = [Choice(True, "yes", "over the files that are there"), Choice(False, "no")]
            self.app.push_screen(
                Choose(f"make it again: {clean(job.title)}?", choices),
                lambda yes: self._repeat(job) if yes else None,
            )

    def _repeat(self: "QueuePanel", job: Job) -> None:
        self._do(lambda: jobs.again(job.status))

    def action_resume(self: "QueuePanel") -> None:

        job = self._chosen()
        if job is None:
            return
        if job.alive or job.state == "done":
            self.studio.say(f"it is {job.state}; there is nothing to go on with")
        else:
            self._do(lambda: control.resume(job.id))

    def action_log(self: "QueuePanel") -> None:
        from latty_tui.dialogs.log import JobLog

        if (job := self._chosen()) is not None:
            self.app.push_screen(JobLog(job))

    def action_copy(self: "QueuePanel") -> None:
        job = self._chosen()
        if job is None:
            return
        paths = "\n".join(job.outputs)
        if paths:
            self.app.copy_to_clipboard(paths)
        self.studio.say(f"copied: {clean(paths)}" if paths else "it has made no file yet")

    def action_remove(self: "QueuePanel") -> None:
        job = self._chosen()
        if job is None:
            return
        if job.alive:
            self.studio.say(f"it is {job.state}; cancel it first: c")
        else:
            self._do(lambda: jobs.remove(job.id))

    def action_prune(self: "QueuePanel") -> None:
        old = [job.id for job in self.jobs if job.state in ("done", "failed", "cancelled")]
        if not old:
            self.studio.say("no job is over")
            return
        choices = [Choice(True, "yes", "what they made stays"), Choice(False, "no")]
        question = f"take {len(old)} jobs that are over off the list?"
        self.app.push_screen(Choose(question, choices), lambda yes: self._prune(old) if yes else 0)

    def _prune(self: "QueuePanel", old: Sequence[str]) -> None:
        def act() -> None:
            for job in old:
                jobs.remove(job)

        self._do(act)

    def action_preset(self: "QueuePanel") -> None:
        """The state as it was when the job was handed in."""
        if (job := self._chosen()) is not None:
            self.studio.background(self._open_preset(job), "job")

    async def _open_preset(self: "QueuePanel", job: Job) -> None:
        from latty_tui.opening import open_ref

        refs = await asyncio.to_thread(jobs.presets_of, job.status)
        if not refs:
            self.studio.say("only a render has a preset")
            return
        await open_ref(self.studio, refs[0])

    # What a job made.

    def action_open(self: "QueuePanel") -> None:
        job = self._chosen()
        if job is None:
            return
        if not job.outputs:
            self.action_log()
        elif len(job.outputs) == 1:
            self.show_output(job.outputs[0])
        else:
            choices = [Choice(path, clean(short(path))) for path in job.outputs]
            self.app.push_screen(
                Choose("which of its files?", choices),
                lambda path: self.show_output(path) if path else None,
            )

    def show_output(self: "QueuePanel", output: str) -> None:
        """A picture or film in the preview, directions in their list, of others the path."""
        path = Path(output)
        if not path.exists():
            self.studio.say(f"{clean(short(output))} is gone (y: make it again)", "warning")
        elif path.suffix == ".safetensors":
            self._show_directions(path)
        elif path.suffix.lower() in PICTURES or (path.is_dir() and any(path.glob("*.png"))):
            self._still_film()
            self.player.start(path, f"{clean(short(output))}   esc: back")
        else:
            self.app.copy_to_clipboard(output)
            self.studio.say(f"{clean(output)} (its path is copied)")

    def _show_directions(self: "QueuePanel", path: Path) -> None:
        """Go to a set in the list of directions."""
        listed = self.studio.panel("directions")
        listed.words = ""
        listed.fill()
        places = (i for i, one in enumerate(listed.rows) if one.shelf and one.shelf.path == path)
        place = next(places, None)
        if place is None:
            self.studio.say(f"{clean(short(str(path)))}: no such set is in the list of directions")
            return
        listed.focus()
        listed.list.go(place)

    def _still_film(self: "QueuePanel") -> None:
        """Keyframes that play would paint over it."""
        for panel in self.studio.all_panels():
            if panel.id == "timeline":  # type: ignore[attr-defined]
                panel.cancel()  # type: ignore[attr-defined]
