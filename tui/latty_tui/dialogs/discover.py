"""Search for directions: a method, its parameters, and then it is a job."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar

from latty.directions.discovery import default_name, target_of
from latty.directions.parameters import Parameter, parameters, parse
from latty.directions.registries import METHODS
from latty.errors import LattyError, did_you_mean
from latty.jobs import control
from latty_tui.desk import Desk
from latty_tui.dialogs import device as dialogs_device
from latty_tui.dialogs.choose import Choice, Choose
from latty_tui.dialogs.fields import FormField, Values
from latty_tui.dialogs.form import Form
from latty_tui.dialogs.readers import or_empty, whole

PATIENCE = 1.0  # seconds to wait for what the engine says before asking without it
OF_SCORER = ("names", "locks", "keep", "conditions")  # parameters that are attributes
PREFIX = "with_"  # of parameters among the form's fields


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model: methods that do not fit it, and why; attributes by scorer; its
    layers with activations."""

    model: str = ""
    lacks: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    activations: tuple[str, ...] = ()


async def ask(desk: Desk) -> None:
    """Ask which method and how, and hand the job in."""
    if (model := desk.known) is None:
        desk.say("no model is open to search in", "warning")
        return
    coming = asyncio.ensure_future(_facts(desk, desk.state.scene.model, model.activations))
    try:
        await asyncio.wait([coming], timeout=PATIENCE)
        facts = coming.result() if coming.done() else Facts(desk.state.scene.model)
        dialog = Choose("find directions with", _choices(facts))
        coming.add_done_callback(lambda told: _greyed(dialog, told))
        if (method := await desk.answer(dialog)) is None:
            return
        facts = coming.result() if coming.done() else facts
    finally:
        coming.cancel()
    devices = await asyncio.to_thread(dialogs_device.devices, desk.config.device)
    found = await asyncio.to_thread(_fields, method, facts)
    found += dialogs_device.fields(devices, desk.config.device)
    if (values := await desk.answer(DiscoverForm(method, facts, found), last=True)) is None:
        return
    words = words_of(method, facts.model, values)
    gpus = int(values.get("gpus", 1))
    job = await asyncio.to_thread(control.submit, words, gpus, dialogs_device.wish(values))
    await dialogs_device.tell(desk, job, f"{method}; its directions will be in {values['name']}")


async def _facts(desk: Desk, ref: str, activations: tuple[str, ...]) -> Facts:
    """Of the engine; without it nothing is greyed."""
    said: Any = {}
    with suppress(LattyError):
        said = await desk.engine.call("methods", model=ref)
    return Facts(ref, said.get("lacks", {}), said.get("attributes", {}), activations)


def _greyed(dialog: Choose, told: "asyncio.Future[Facts]") -> None:
    """The dialog that is open already says which methods do not fit."""
    if not told.cancelled() and told.exception() is None:
        dialog.change(_choices(told.result()))


def _choices(facts: Facts) -> list[Choice]:
    """Those that fit first."""
    known = METHODS.names()
    fit = [Choice(n, n, METHODS.summary(n)) for n in known if n not in facts.lacks]
    rest = [Choice(n, f"- {n}", f"does not fit: {facts.lacks[n]}") for n in known
            if n in facts.lacks]  # fmt: skip
    return fit + rest


def words_of(method: str, model: str, values: Values) -> list[str]:
    """The words of the job: what is as usual is left out."""
    words = ["discover", method, model, "-o", values["name"], *dialogs_device.words(values)]
    if values["overwrite"] == "yes":
        words.insert(1, "--overwrite")
    if values["workers"]:
        words.append(f"--workers={values['workers']}")
    for one in parameters(method):
        text = values.get(PREFIX + one.name, "")
        if text and text != _text(one.default):
            words.append(f"--{one.name.replace('_', '-')}={text}")
    return words


class DiscoverForm(Form):
    """The parameters of one method."""

    HELP: ClassVar[str] = "The parameters of a method, each with what it is if nobody says."

    def __init__(self, method: str, facts: Facts, fields: Sequence[FormField]) -> None:
        super().__init__(f"discover: {method}", fields)
        self.method, self.facts = method, facts

    def check(self, values: Values) -> tuple[str, str] | None:
        if values["overwrite"] == "no" and target_of(values["name"]).exists():
            return "name", "there is a set of that name: another name, or overwrite it"
        known = self.facts.attributes.get(values.get(f"{PREFIX}scorer", ""), ())
        for name in OF_SCORER:
            for word in values.get(PREFIX + name, "").split(",") if known else ():
                if word.strip() and word.strip() not in known and "/" not in word:
                    return PREFIX + name, f"no '{word.strip()}': {did_you_mean(word, known)}"
        return None

    def changed(self, values: Values) -> None:
        known = self.facts.attributes.get(values.get(f"{PREFIX}scorer", ""), ())
        words = self.facts.lacks.get(self.method, "")
        if not words and known:
            some = ", ".join(known[:12]) + (", ..." if known[12:] else "")
            words = f"{values[f'{PREFIX}scorer']} scores {some}"
        self.tell(words or METHODS.summary(self.method), wrong=self.method in
                  self.facts.lacks)  # fmt: skip


def _fields(method: str, facts: Facts) -> list[FormField]:
    """The name of the set, the method's parameters, how to compute."""
    name = default_name(facts.model, method)
    own = [_field(one, facts) for one in parameters(method)]
    return [
        FormField("name", "name of the set", name, "its directions are listed under it",
                  read=target_of),
        *own,
        FormField("overwrite", "overwrite", "no", "a set of that name", ("no", "yes")),
        FormField("workers", "processes", "",
                  "empty: one; N: the pictures are drawn by N processes",
                  read=or_empty(whole(1, 256))),
    ]  # fmt: skip


def _field(one: Parameter, facts: Facts) -> FormField:
    """A parameter as a field."""
    label, default = one.name.replace("_", " "), _text(one.default)
    words = one.help + (f" (usually {default})" if default else "")
    choices = one.choices if one.kinds[:1] == ("str",) else ()
    if one.kinds == ("bool",):
        choices = ("yes", "no")
    return FormField(PREFIX + one.name, label, default, words, choices,
                 read=lambda text: _read(one, text), offers=_offers(one, facts))  # fmt: skip


def _offers(one: Parameter, facts: Facts) -> tuple[str, ...]:
    """Completions: scorers, attributes, layers."""
    from latty.attributes.names import scorer_names

    if one.name == "scorer":
        return tuple(scorer_names())
    if one.name in OF_SCORER:
        return tuple(dict.fromkeys(n for names in facts.attributes.values() for n in names))
    return (*facts.activations, "w", "z") if one.name == "layer" else ()


def _read(one: Parameter, text: str) -> Any:
    """Raises LattyError with what fits."""
    if not text:
        return one.default
    value = parse(one, text)
    if one.name == "scorer":
        from latty.attributes.names import card_file

        card_file(text)
    return value


def _text(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(_text, value))
    return "none" if value is None else f"{value}"
