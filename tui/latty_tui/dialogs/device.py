"""Where a job computes: the fields of forms that ask for it, and the words they become."""

import asyncio
from collections.abc import Sequence

from latty.cli.detach import logout_kills
from latty_tui.desk import Desk
from latty_tui.dialogs.fields import FormField, Values
from latty_tui.dialogs.readers import whole


def devices(usual: str) -> tuple[str, ...]:
    """What may be chosen, the usual one among it. Blocking: the driver is asked for GPUs."""
    from latty.jobs import slots

    names = slots.names()
    gpus = () if names == (slots.CPU,) else tuple(f"cuda:{i}" for i in range(len(names)))
    return tuple(dict.fromkeys(("auto", "cpu", *gpus, usual)))


def fields(known: Sequence[str], usual: str) -> list[FormField]:
    """The device; how many GPUs, where there are any."""
    gpus = sum(name.startswith("cuda:") for name in known)
    chosen = FormField("device", "device", usual, "auto: a GPU where one is free", tuple(known))
    if not gpus:
        return [chosen]
    count = FormField("gpus", "GPUs", "1", "that it has at once; 0: it waits for none",
                  read=whole(0, gpus))  # fmt: skip
    return [chosen, count]


def words(values: Values) -> list[str]:
    """For the verb."""
    return [] if values["device"] == "auto" else [f"--device={values['device']}"]


def wish(values: Values) -> str:
    """For the desk: the slot that it waits for, "" = any."""
    device = values["device"]
    return device if device == "cpu" or device.startswith("cuda:") else ""


async def tell(desk: Desk, job: str, what: str) -> None:
    """A job is handed in: to the panels, and to who sits here, with what ends it at logout."""
    desk.tell(lambda panel: panel.on_submitted(job))
    desk.say(f"job {job[-4:]}: {what}")
    if warning := await asyncio.to_thread(logout_kills):
        desk.say(warning, "warning")
