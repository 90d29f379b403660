"""What to make of the present state: formats, size, length; then it is a job."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from latty.errors import LattyError
from latty_tui.desk import Desk
from latty_tui.dialogs import apart, readers
from latty_tui.dialogs import device as dialogs_device
from latty_tui.dialogs.fields import Values
from latty_tui.dialogs.form import Form
from latty_tui.dialogs.render.faults import found
from latty_tui.dialogs.render.form_fields import fields_of
from latty_tui.dialogs.render.order import Order
from latty_tui.films import film

DOUBTS = 2  # that are told at once
SETTLE = 0.15  # seconds after the last key until the plan is made


async def ask(desk: Desk) -> None:
    """Ask how, and hand the job in. Raises BadData where keyframes do not go together."""
    if not await apart.settled(desk, "render"):
        return
    preset = await asyncio.to_thread(film.preset_of, desk.state)
    devices = await asyncio.to_thread(dialogs_device.devices, desk.config.device)
    own = (desk.known.height, desk.known.width_px) if desk.known else (256, 256)
    order = Order(preset, desk.config.out_dir, own)
    if (
        values := await desk.answer(RenderForm(order, devices, desk.config.device), last=True)
    ) is None:
        return
    job = await asyncio.to_thread(order.submit, values)
    await dialogs_device.tell(desk, job, f"render {values['name']} (w: the queue)")


class RenderForm(Form):
    """The form, with the plan of what would be made below it."""

    HELP: ClassVar[str] = "What a render will be. The line below says what comes of it."

    def __init__(self, order: Order, devices: Sequence[str], device: str) -> None:
        super().__init__("render", fields_of(order, devices, device))
        self.order = order
        self._timer: Any = None
        self._faults: tuple[Values, dict[str, str]] = ({}, {})  # of these values, by field
        self._free_name()

    def _free_name(self) -> None:
        """Not that of a file that is there."""
        values = {name: field.value for name, field in self.fields.items()}

        def taken(name: str) -> bool:
            with suppress(LattyError, ValueError):
                return any(path.exists() for path in self.order.targets({**values, "name": name}))
            return False

        self._own, self._free = values["name"], readers.free_name(values["name"], taken)
        self.fields["name"] = replace(self.fields["name"], value=self._free)

    def check(self, values: Values) -> tuple[str, str] | None:
        if not values["formats"]:
            return "formats", "choose a format: Space"
        if values["overwrite"] == "no":
            there = next((path for path in self.order.targets(values) if path.exists()), None)
            if there is not None:
                return "name", f"{there} is there already: another name, or overwrite it"
        of, faults = self._faults
        if faults and of == values:
            field, fault = next(iter(faults.items()))
            return field if field in values else "name", fault
        return None

    def changed(self, values: Values) -> None:
        # Who writes over a file means the one that is there.
        if values["overwrite"] != "no" and values["name"] == self._free != self._own:
            self.set("name", self._own)
            return
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SETTLE, lambda: self._plan(values))

    def _plan(self, values: Values) -> None:
        self.run_worker(self._tell_plan(values), group="plan", exclusive=True, exit_on_error=False)

    async def _tell_plan(self, values: Values) -> None:
        try:
            faults, doubts = await asyncio.to_thread(lambda: found(self.order.made(values)))
            planned = [] if faults else [await asyncio.to_thread(self.order.plan, values)]
        except (LattyError, OSError) as error:
            self.tell(str(error), wrong=True)
            return
        before, self._faults = self._faults, (values, faults)
        self.tell("\n".join((*faults.values(), *planned, *doubts[:DOUBTS])), wrong=bool(faults))
        if faults and before != self._faults:
            self.again()
