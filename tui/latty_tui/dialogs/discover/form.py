"""The form of a search: what is asked first of a method, and the rest behind "more"."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from latty.directions.discovery import default_name, target_of
from latty.directions.importing.model_names import with_own_layer
from latty.directions.parameters import LABEL, Parameter, parameters, parse
from latty.directions.registries import METHODS
from latty.errors import UsageError, did_you_mean
from latty_tui.dialogs import readers
from latty_tui.dialogs.choose import Choice
from latty_tui.dialogs.fields import FormField, Values
from latty_tui.dialogs.form import Form
from latty_tui.library import methods
from latty_tui.library.methods import Facts

OF_SCORER = ("names", "locks", "keep", "conditions")  # parameters that are attributes
PREFIX = "with_"  # of parameters among the form's fields
LATENTS = ("w", "z")  # layers that are none
UNITS = {"memory": "MB", "size": "px"}
MORE = "more"
FIRST = 3  # of the parameters, that are asked of a method which does not say
OF_NOW = ("name", "overwrite", "device", "gpus", MORE)  # what is not remembered


class DiscoverForm(Form):
    """The parameters of one method for one model."""

    HELP: ClassVar[str] = "The parameters of a method, each with what it is if nobody says."

    def __init__(self, method: str, facts: Facts, fields: Sequence[FormField]) -> None:
        super().__init__(f"discover: {method}", fields)
        self.method, self.facts = method, facts
        self.usual = {one.name: _usual(one, method, facts) for one in fields}
        self.last: dict[str, str] = {}  # what was typed and is not as usual

    def learn(self, facts: Facts) -> None:
        """More is known now."""
        self.facts = facts
        if self.is_mounted and not self.again():
            self.changed(self.values)

    def check(self, values: Values) -> tuple[str, str] | None:
        if values.get("overwrite", "no") == "no" and target_of(values["name"]).exists():
            return "name", "there is a set of that name: another name, or overwrite it (more)"
        known = self.facts.attributes.get(values.get(f"{PREFIX}scorer", ""), ())
        for name in OF_SCORER:
            for word in values.get(PREFIX + name, "").split(",") if known else ():
                if word.strip() and word.strip() not in known and "/" not in word:
                    return PREFIX + name, f"no '{word.strip()}': {did_you_mean(word, known)}"
        return None

    def changed(self, values: Values) -> None:
        self.last = {name: text for name, text in self.values.items()
                     if text != self.usual[name] and name not in OF_NOW}  # fmt: skip
        lacks = self._lacks(values)
        known = self.facts.attributes.get(values.get(f"{PREFIX}scorer", ""), ())
        some = ", ".join(known[:12]) + (", ..." if known[12:] else "")
        scored = f"{values[f'{PREFIX}scorer']} scores {some}" if known else ""
        words = [self._time(values), lacks or scored or f"finds {methods.finds(self.method)}"]
        self.tell("\n".join(filter(None, words)), wrong=bool(lacks))

    def _lacks(self, values: Values) -> str:
        """Why the method does not fit, unless the layer that is chosen mends that."""
        why = self.facts.lacks.get(self.method, "")
        return "" if values.get(f"{PREFIX}layer", "") in self.facts.activations else why

    def _time(self, values: Values) -> str:
        """About how long it takes with what is in the form."""
        params = {one.name: parse(one, text) for one in parameters(self.method)
                  if (text := values.get(PREFIX + one.name, ""))}  # fmt: skip
        said = self.facts.seconds(self.method, {**self.facts.usual(self.method), **params})
        return f"{methods.about(said)} here" if said is not None else ""


def fields_of(
    method: str, facts: Facts, kept: Values, device: Sequence[FormField]
) -> list[FormField]:
    """The name of the set, what is asked first, and behind "more" all else; filled as usual, or as
    they are `kept`."""
    own = {one.name: _field(one, facts) for one in parameters(method) if _matters(one, facts)}
    form = METHODS.constant(method, "FORM", tuple(own)[:FIRST])
    asked = [*form, *([LABEL] if _classes(facts) else [])]
    first = [own.pop(name) for name in asked if name in own]
    overwrite = FormField("overwrite", "overwrite", "no", "a set of that name", ("no", "yes"))
    workers = FormField("workers", "processes", "", "empty: one; N: N of them draw",
                        read=readers.or_empty(readers.whole(1, 256)))  # fmt: skip
    rest = [overwrite, *own.values(), workers, *device]
    found = [
        FormField("name", "name of the set", default_name(facts.ref, method),
                  "its directions are listed under it", read=target_of),
        *(_as_usual(one, method, facts) for one in first),
        FormField(MORE, "more", "no", f"{len(rest)} more to say", ("no", "yes")),
        *(replace(_as_usual(one, method, facts), when=_more) for one in rest),
    ]  # fmt: skip
    hidden = {one.name for one in rest}
    opened = any(name in hidden and text for name, text in kept.items())
    said = {**kept, MORE: "yes" if opened else "no"}
    return [replace(one, value=said.get(one.name) or one.value) for one in found]


def _more(values: Values) -> bool:
    return values[MORE] == "yes"


def _matters(one: Parameter, facts: Facts) -> bool:
    return one.name != LABEL or facts.model is None or bool(facts.model.num_classes)


def _classes(facts: Facts) -> bool:
    return facts.model is not None and bool(facts.model.num_classes)


def _usual(field: FormField, method: str, facts: Facts) -> str:
    """What a field says where nobody has typed, as it fits the model."""
    if not field.name.startswith(PREFIX):
        return "" if field.name == "workers" else field.value
    return text_of(facts.usual(method)[field.name.removeprefix(PREFIX)])


def _as_usual(field: FormField, method: str, facts: Facts) -> FormField:
    return replace(field, value=_usual(field, method, facts))


def _field(one: Parameter, facts: Facts) -> FormField:
    """A parameter as a field."""
    unit = UNITS.get(one.name, "")
    label = one.name.replace("_", " ") + (f" ({unit})" if unit else "")
    default = text_of(one.default)
    words = one.help + (f" (usually {default})" if default else "")
    choices = one.choices if one.kinds[:1] == ("str",) else ()
    if one.kinds == ("bool",):
        choices = ("yes", "no")
    return FormField(PREFIX + one.name, label, default, words, choices,
                     read=partial(_read, one, facts), offers=_offers(one, facts),
                     listed=_listed(one, facts))  # fmt: skip


def _offers(one: Parameter, facts: Facts) -> tuple[str, ...]:
    """Completions: scorers, attributes, layers."""
    from latty.attributes.names import scorer_names

    if one.name == "scorer":
        return tuple(scorer_names())
    if one.name in OF_SCORER:
        return tuple(dict.fromkeys(n for names in facts.attributes.values() for n in names))
    return (*facts.activations, *LATENTS) if one.name == "layer" else ()


def _listed(one: Parameter, facts: Facts) -> tuple[Choice, ...]:
    """What may be chosen from a list: layers with their sizes, classes by their names."""
    if one.name == "layer":
        reached = facts.pace.layers if facts.pace else {}
        sizes = {name: " x ".join(map(str, reached[name].size)) for name in reached}
        layers = [Choice(name, name, sizes.get(name, "")) for name in facts.activations]
        return (Choice("", "the latent", "no layer"), *layers)
    if one.name == LABEL and facts.model is not None:
        names = facts.model.classes
        return tuple(Choice(str(i), readers.label_words(i, names))
                     for i in range(facts.model.num_classes))  # fmt: skip
    return ()


def _read(one: Parameter, facts: Facts, text: str) -> Any:
    """Raises LattyError, ValueError with what fits."""
    if not text:
        return one.default
    try:
        value = parse(one, text)
    except UsageError as error:  # it names the option of the command line
        said = error.message.removeprefix(f"--{one.name.replace('_', '-')}: ")
        raise ValueError(f"{said} ({error.hint})" if error.hint else said) from None
    if one.name == "scorer":
        from latty.attributes.names import card_file

        card_file(text)
    elif one.name == "layer":
        _check_layer(text, facts)
    elif one.name == LABEL and facts.model is not None and text != "none":
        readers.label(text, facts.model.num_classes, facts.model.classes)
    return value


def _check_layer(text: str, facts: Facts) -> None:
    """Raises ValueError for what the open model does not have."""
    if facts.model is None:
        return
    names = facts.activations
    own = with_own_layer({"layer": text}, facts.model.family, names)["layer"]
    if own not in (*names, *LATENTS):
        known = did_you_mean(text, names) or "space lists them"
        raise ValueError(f"{facts.model.name} has no layer '{text}': {known}")


def text_of(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(text_of, value))
    return "none" if value is None else f"{value}"
