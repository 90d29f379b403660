"""What is known of methods for a model: which fit, which to begin with, about how long they take
here. Told by the engine, which has the model open."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from latty.directions import pace
from latty.directions.pace import ModelPace, Reached
from latty.directions.parameters import parameters
from latty.directions.registries import METHODS
from latty.errors import LattyError
from latty_tui.desk import Desk
from latty_tui.drawing.engine import OpenModel

STEPS = ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h"))  # below, seconds of one, its name


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a model `ref`.

    lacks       methods that do not fit it, and why
    fits        values of parameters that fit it where the usual ones do not, by method
    attributes  what each scorer scores
    pace        how long things take with it here, None = not known yet
    model       what it is, None = it is not the one that is open
    """

    ref: str = ""
    lacks: Mapping[str, str] = field(default_factory=dict)
    fits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    pace: ModelPace | None = None
    model: OpenModel | None = None

    @property
    def activations(self) -> tuple[str, ...]:
        """Its layers, as far as they are known."""
        if self.pace is not None and self.pace.layers:
            return tuple(self.pace.layers)
        return self.model.activations if self.model else ()

    def usual(self, method: str) -> dict[str, Any]:
        """The parameters of a method, as they fit this model."""
        said = {one.name: one.default for one in parameters(method)}
        if self.model and "components" in said:  # no more than there are dimensions
            said["components"] = min(said["components"], self.model.width)
        return {**said, **self.fits.get(method, {})}

    def seconds(self, method: str, params: Mapping[str, Any]) -> float | None:
        """About how long a search takes here; None = not known."""
        return pace.seconds(method, params, self.pace) if self.pace else None

    def about(self, method: str) -> str:
        """The same in words, for its usual parameters."""
        return about(self.seconds(method, self.usual(method)))


def in_order() -> list[str]:
    """All methods, those to begin with first."""
    return sorted(METHODS.names(), key=lambda name: (METHODS.constant(name, "ORDER", 85), name))


def recommended(facts: Facts) -> str:
    """The method to begin with: the first that fits and needs nothing but the model; "" = none."""
    found = (one for one in in_order() if one not in facts.lacks)
    return next((one for one in found if not METHODS.constant(one, "NEEDS", "")), "")


def advice(facts: Facts) -> str:
    """What to begin with, why, and how long it takes: a sentence; "" where nothing fits."""
    if not (method := recommended(facts)):
        return ""
    time = facts.about(method)
    return f"{method} finds {finds(method)}" + (f", in {time}" if time else "")


def finds(method: str) -> str:
    """What a method finds, in a few words."""
    return METHODS.constant(method, "FINDS", "") or METHODS.summary(method)


def about(seconds: float | None) -> str:
    """A time that is an estimate, in words; "" for one that is not known."""
    if seconds is None:
        return ""
    for most, unit, name in STEPS:
        if seconds < most:
            return f"about {_round(seconds / unit):.0f} {name}"
    return f"about {_round(seconds / 86400):.0f} days"


def _round(value: float) -> float:
    """No more digits than an estimate has."""
    step = 1 if value < 10 else 5
    return max(1.0, round(value / step) * step)


async def ask(desk: Desk, ref: str) -> Facts:
    """Of the engine; without it nothing is known."""
    said: Any = {}
    with suppress(LattyError):
        said = await desk.engine.call("methods", model=ref)
    told = said.get("pace")
    layers = {name: Reached(tuple(one["size"]), one["seconds"])
              for name, one in (told or {}).get("layers", {}).items()}  # fmt: skip
    known = ModelPace(told["mapping"], told["picture"], layers) if told else None
    model = desk.known if ref == desk.opened else None
    return Facts(ref, said.get("lacks", {}), said.get("fits", {}), said.get("attributes", {}),
                 known, model)  # fmt: skip
