"""How a checkpoint of the zoo comes here: as a job, or by hand where only a browser can."""

import asyncio
from pathlib import Path

from latty.jobs import control
from latty_tui.desk import Desk
from latty_tui.dialogs.choose import Choice, Decide
from latty_tui.library.models import ModelEntry


def offer(desk: Desk, model: ModelEntry) -> None:
    """Ask whether to fetch it, with its size and licence; nothing is fetched unasked."""
    command = f"latty fetch {model.name}"
    choices = [
        Choice(
            "copy",
            f"copy the command: {command}",
            model.what if model.by_hand else "to run it elsewhere",
        ),
        Choice(None, "not now"),
    ]
    if not model.by_hand:
        choices.insert(0, Choice("job", "fetch it now, as a job", model.what))

    def chosen(answer: str) -> None:
        if answer == "copy":
            desk.copy(command)
        else:
            desk.background(_submit(desk, model.name), "fetch")

    how = "only a browser can fetch" if model.by_hand else "fetch"
    desk.ask(Decide(f"{how} {model.name}?", choices), chosen)


async def _submit(desk: Desk, name: str) -> None:
    job = await asyncio.to_thread(control.submit, ("fetch", name), 0, "", Path.home())
    desk.say(f"job {job} fetches {name}; it is in the list when it is here")
    desk.tell(lambda panel: panel.on_submitted(job))
