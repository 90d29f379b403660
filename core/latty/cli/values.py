"""Values on the command line that several verbs take: seeds, noise, classes, whole numbers, what is
done although something speaks against it."""

import re
from itertools import pairwise
from typing import Any, TypedDict

from latty.attributes.target import TARGETS, AttributeTarget, parse_target
from latty.errors import BadData, UsageError
from latty.scene import AUTO, SEED_LIMIT, SIZES, TRUNCATIONS, Label, Noise, latents_between

MOST = 4096  # pictures on a sheet
RECIPE = "what is written holds its recipe, which takes no other"


def seeds(text: str) -> list[int]:
    """Seeds of a list such as 0-15,40. Raises UsageError."""
    return [seed for part in seed_ranges(text, MOST) for seed in part]


def seed_ranges(text: str, most: int = SEED_LIMIT, apart: bool = False) -> tuple[range, ...]:
    """The same as ranges; where they are to be `apart`, no seed stands twice. Raises UsageError."""
    found: list[range] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = [first, last] if dash else [first, first]
        if not all(end.isascii() and end.isdecimal() and len(end) <= 10 for end in ends):
            raise UsageError(f"--seeds: '{part}' is no seed or range", "for example 0-15,40")
        low, high = int(ends[0]), int(ends[1])
        if not low <= high < SEED_LIMIT:
            raise UsageError(f"--seeds: '{part}' is no rising range below 2^32", "as in 0-15")
        if sum(map(len, found)) + high - low >= most:
            hint = "make several pools" if apart else "make several sheets"
            raise UsageError(f"--seeds: more than {most} pictures", hint)
        found.append(range(low, high + 1))
    if apart:
        rising = sorted(found, key=lambda one: one.start)
        for one, after in pairwise(rising):
            if after.start < one.stop:
                raise UsageError(f"--seeds: {after.start} stands there twice", "once is enough")
    return tuple(found)


def noise(text: str) -> Noise:
    """const, none or a seed. Raises UsageError."""
    if text == "const":
        return "const"
    if text == "none":
        return "none"
    if text.isascii() and text.isdecimal() and int(text[:11]) < SEED_LIMIT:
        return int(text)
    raise UsageError(f"--noise: '{text}' is no kind of noise", "const, none or a seed")


def within(name: str, value: float, low: float, high: float, hint: str = "") -> None:
    """Raises UsageError where the number that option `name` holds is not from low to high."""
    if not low <= value <= high:
        raise UsageError(f"{name}: {value:g} is not from {low:g} to {high:g}", hint)


def target(text: str) -> AttributeTarget:
    """Where an attribute shall go: 0.95, 95% or p90. Raises UsageError."""
    try:
        return parse_target(text)
    except ValueError as error:
        raise UsageError(f"--to: {error}", TARGETS) from None


def stored_latent(option: str, ref: str) -> tuple[str, float | None]:
    """What one stored latent is called, as in "smiles-3", and the truncation that its file
    remembers. Raises UsageError for several, Missing, BadData."""
    from latty import latents

    if latents_between(ref) is not None:
        raise UsageError(f"{option}: '{ref}' are several", "name one, as in NAME#3")
    found, which = latents.look(ref), latents.split(ref)[2]
    name = re.sub(r"[^\w.+-]+", "-", f"{found.title}-{found.index(which)}")
    return name, found.truncation


def truncation(value: float) -> float:
    """A truncation that a recipe can hold. Raises UsageError."""
    within("--truncation", value, *TRUNCATIONS, RECIPE)
    return value


def size(text: str | int | None) -> int | None:
    """A picture's height that a recipe can hold; None without one. Raises UsageError."""
    return whole("--size", text, *SIZES)


def whole(name: str, text: str | int | None, low: int, high: int) -> int | None:
    """The whole number that option `name` holds, None without one. Raises UsageError."""
    if text is None:
        return None
    if not str(text).isascii() or not str(text).isdecimal() or not low <= int(text) <= high:
        raise UsageError(f"{name}: '{text}' is no whole number from {low} to {high}")
    return int(text)


def model(ref: str) -> str:
    """A model that can be opened, as far as that is seen before torch is imported. Raises what
    `models.look` does."""
    from latty.models import look

    look(ref)
    return ref


def label(text: str | None, model: str, device: str, precision: str = AUTO) -> Label:
    """A class index, a class name, or a mixture such as husky:0.7,lynx:0.3, of a model; None for
    none. Raises UsageError for a class that the model has not, BadData for a model without any,
    and what opening the model does."""
    if text is None:
        return None
    from latty.models import open_model
    from latty.models.classes import label_of

    generator = open_model(model, device, precision)
    try:
        return label_of(text, generator)
    except BadData as error:
        wrong = UsageError if generator.info.num_classes else BadData
        raise wrong(f"--label: {error.message}", error.hint) from None


class Switches(TypedDict):
    """The fields of `latty.render.Options` that the switches set."""

    overwrite: bool
    foreign: bool
    ignore_space: bool


def switches(args: Any) -> Switches:
    """What the command line allows."""
    return {
        "overwrite": args.overwrite or args.force,
        "foreign": args.foreign or args.force,
        "ignore_space": args.ignore_space or args.force,
    }
