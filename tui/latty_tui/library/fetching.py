"""How a checkpoint of the zoo comes here: as a job, or by hand where only a browser can."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli.out import clean
from latty.jobs import control
from latty_tui.dialogs.choose import Choice, Choose

if TYPE_CHECKING:
    from latty_tui.app import Studio
    from latty_tui.library.models import Known


def offer(studio: "Studio", model: "Known") -> None:
    """Ask whether to fetch it, with its size and licence; nothing is fetched unasked."""
    command = f"latty fetch {model.name}"
    choices = [
        Choice(
            "copy",
            f"copy the command: {command}",
            clean(model.what) if model.by_hand else "to run it elsewhere",
        ),
        Choice(None, "not now"),
    ]
    if not model.by_hand:
        choices.insert(0, Choice("job", "fetch it now, as a job", clean(model.what)))

    def chosen(answer: str | None) -> None:
        if answer == "copy":
            studio.copy_to_clipboard(command)
            studio.say(f"copied: {command}")
        elif answer == "job":
            studio.background(_submit(studio, model.name), "fetch")

    how = "only a browser can fetch" if model.by_hand else "fetch"
    studio.push_screen(Choose(f"{how} {model.name}?", choices), chosen)


async def _submit(studio: "Studio", name: str) -> None:
    job = await asyncio.to_thread(control.submit, ("fetch", name), 0, "", Path.home())
    studio.say(f"job {job} fetches {name}; it is in the list when it is here")
    studio.tell("submitted", job)
