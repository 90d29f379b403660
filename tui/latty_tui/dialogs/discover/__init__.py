"""Search for directions: a method, its parameters, and then it is a job."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

from latty.cli.verbs.discover.parameters import PREFIX as PARAMETER
from latty.directions.parameters import parameters
from latty.directions.registries import METHODS
from latty.jobs import control
from latty_tui.desk import Desk, DialogPlace
from latty_tui.dialogs import device as dialogs_device
from latty_tui.dialogs.choose import Choice, Choose
from latty_tui.dialogs.discover import remembered
from latty_tui.dialogs.discover.form import PREFIX, DiscoverForm, fields_of, text_of
from latty_tui.dialogs.fields import Values
from latty_tui.library import methods
from latty_tui.library.methods import Facts

PATIENCE = 1.0  # seconds to wait for what the engine says before asking without it


class Methods(Choose):
    """The list of methods, which needs all the width there is."""

    STANDS: ClassVar[DialogPlace] = "below"


async def ask(desk: Desk, words: Sequence[str] = (), method: str = "") -> None:
    """Ask which method and how, and hand the job in; `method` where that is known. `words` are
    those of a job that is to be tried again: its form, as it was filled."""
    said: dict[str, str] = {}
    ref = desk.state.scene.model
    if words:
        method, ref, said = said_in(words)
    elif desk.known is None:
        desk.say("no model is open to search in", "warning")
        return
    coming = asyncio.ensure_future(methods.ask(desk, ref))
    try:
        await asyncio.wait([coming], timeout=PATIENCE)
        if not method and not (method := await _chosen(desk, coming, ref)):
            return
        await _ask_how(desk, method, coming, ref, said)
    finally:
        coming.cancel()


def _known(desk: Desk, coming: "asyncio.Future[Facts]", ref: str) -> Facts:
    """What is known by now."""
    return coming.result() if coming.done() else Facts(ref, model=desk.known)


async def _chosen(desk: Desk, coming: "asyncio.Future[Facts]", ref: str) -> str:
    """The method that is chosen, "" for Esc."""
    dialog = Methods("find directions with", choices(_known(desk, coming, ref)))
    coming.add_done_callback(lambda told: _told(told, lambda now: dialog.change(choices(now))))
    return await desk.answer(dialog) or ""


async def _ask_how(
    desk: Desk, method: str, coming: "asyncio.Future[Facts]", ref: str, said: Values
) -> None:
    """The form, as it was filled last for this model; handed in, it is a job."""
    facts = _known(desk, coming, ref)
    devices = await asyncio.to_thread(dialogs_device.devices, desk.config.device)
    key = facts.model.digest if facts.model and facts.model.digest else ref
    kept = said or await asyncio.to_thread(remembered.read, key, method)
    here = dialogs_device.fields(devices, desk.config.device)
    found = await asyncio.to_thread(fields_of, method, facts, kept, here)
    form = DiscoverForm(method, facts, found)
    coming.add_done_callback(lambda told: _told(told, form.learn))
    values = await desk.answer(form, last=True)
    await asyncio.to_thread(remembered.write, key, method, form.last)
    if values is None:
        return
    whole = {**{one.name: one.value for one in found}, **values}
    words = words_of(method, ref, whole)
    gpus = int(whole.get("gpus", 1))
    job = await asyncio.to_thread(control.submit, words, gpus, dialogs_device.wish(whole))
    await dialogs_device.tell(desk, job, f"{method}; its directions will be in {whole['name']}")


def _told(told: "asyncio.Future[Facts]", hear: Any) -> None:
    """Who is open already hears what the engine says."""
    if not told.cancelled() and told.exception() is None:
        hear(told.result())


def choices(facts: Facts) -> list[Choice]:
    """Those that fit first, the one to begin with at the top: about how long each takes, what it
    finds and what it needs."""
    first = methods.recommended(facts) if facts.pace else ""
    known = sorted(methods.in_order(), key=lambda name: (name in facts.lacks, name != first))
    return [_choice(name, facts, name == first) for name in known]


def _choice(name: str, facts: Facts, first: bool) -> Choice:
    if name in facts.lacks:
        return Choice(name, f"- {name}", f"does not fit: {facts.lacks[name]}")
    needs = METHODS.constant(name, "NEEDS", "")
    words = methods.finds(name) + (f"; needs {needs}" if needs else "")
    time = facts.about(name)
    head = f"{name:<13}{time:<13}" if facts.pace else f"{name:<13}"
    return Choice(
        name, head.rstrip() if not time else head, f"best first: {words}" * first or words
    )


def words_of(method: str, model: str, values: Values) -> list[str]:
    """The words of the job: what is as usual is left out."""
    words = ["discover", method, model, "-o", values["name"], *dialogs_device.words(values)]
    if values["overwrite"] == "yes":
        words.insert(1, "--overwrite")
    if values["workers"]:
        words.append(f"--workers={values['workers']}")
    for one in parameters(method):
        text = values.get(PREFIX + one.name, "")
        if text and text != text_of(one.default):
            words.append(f"--{one.name.replace('_', '-')}={text}")
    return words


def said_in(words: Sequence[str]) -> tuple[str, str, dict[str, str]]:
    """The method, the model and the fields' texts of a job's words. Raises LattyError for words
    that are no search."""
    from latty.cli.parser import parse

    args = vars(parse(list(words)))
    method = args["method"]
    given = {name: args[name] for name in ("workers", "device")}
    given |= {"name": args["output"], "overwrite": "yes" if args["overwrite"] else None}
    given |= {PREFIX + one.name: args.get(PARAMETER + one.name) for one in parameters(method)}
    said = {name: str(text) for name, text in given.items() if text is not None}
    return method, args["model"], {"more": "yes", **said}
