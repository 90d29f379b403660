"""What people type: numbers, seeds, classes, noise, a seed to mix in; ValueError says what is
wrong. Each is a function of the text, or returns one.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import TypeVar

from latty.directions.store import several
from latty.errors import BadData, LattyError
from latty.models.classes import label_among
from latty.scene import MIXING, SEED_LIMIT, Edit, Label, Layers, Noise, Walk

T = TypeVar("T")
LARGEST = 100.0  # of a strength, as in presets


Read = Callable[[str], T]


def number(low: float, high: float, what: str = "it") -> Read[float]:
    """A number, or a share in percent, within its limits. What it returns raises ValueError."""

    def read(text: str) -> float:
        words = text.strip().replace("σ", "")
        scale = 0.01 if words.endswith("%") else 1.0
        with suppress(ValueError):
            value = round(float(words.removesuffix("%")) * scale, 6)
            if low <= value <= high:  # not a number is neither
                return value
        raise ValueError(f"{what} is a number from {low:g} to {high:g}")

    return read


def whole(low: int, high: int, what: str = "it") -> Read[int]:
    """A whole number within its limits. What it returns raises ValueError."""

    def read(text: str) -> int:
        words = text.strip()
        if words.isascii() and words.isdecimal() and len(words) <= 20 and low <= int(words) <= high:
            return int(words)
        raise ValueError(f"{what} is a whole number from {low} to {high}")

    return read


def or_empty(read: Read[T]) -> Read[T | None]:
    """The same, or nothing."""
    return lambda text: read(text) if text else None


def free_name(name: str, taken: Callable[[str], bool]) -> str:
    """The name, or the first like it that is not taken: smile-2."""
    return next(one for i in count(1) if not taken(one := f"{name}-{i}" if i > 1 else name))


seed = whole(0, SEED_LIMIT - 1, "a seed")
frames = whole(2, 100_000)
fps = number(1, 120)
seconds = number(0.1, 10_000)
height = whole(8, 4096, "the height in px")  # as in preset files
share = number(-LARGEST, LARGEST, "a share")
amount = number(-1, 2, "an amount")  # as in preset files


def seeds(text: str, now: int | Walk) -> int | Walk:
    """ "7", or several for a walk: "1, 5, 9". Raises ValueError."""
    found = tuple(seed(word) for word in text.replace(",", " ").split())
    if not found:
        raise ValueError("type a seed, or several for a walk: 1, 5, 9")
    if len(found) == 1:
        return found[0]
    return Walk(found, now.blend, now.t) if isinstance(now, Walk) else Walk(found)


def seed_words(value: int | Walk) -> str:
    """A seed as it is typed."""
    return ", ".join(map(str, value.seeds)) if isinstance(value, Walk) else str(value)


def strength(text: str) -> tuple[float, Layers | None]:
    """ "1.5", "70%", or with layers: "1.5 @ 4-8"."""
    first, at, layers = text.partition("@")
    return number(-LARGEST, LARGEST, "a strength")(first), Layers.parse(layers) if at else None


def directions(text: str) -> str:
    """One direction or several of a set: "SET/c0-c19"; "" for none. Raises ValueError."""
    try:
        if text.strip():
            several(text.strip())
    except LattyError as error:
        raise ValueError(
            f"{error.message}: {error.hint}" if error.hint else error.message
        ) from None
    return text.strip()


def mixed(text: str) -> Edit:
    """ "42", "42 70%", "42 0.7 @ 0-3": a seed, the share of the way to it, its layers. Raises
    ValueError."""
    first, at, layers = text.partition("@")
    words = first.split()
    if not 1 <= len(words) <= 2:
        raise ValueError("type a seed and a share: 42 70%, or 42 70% @ 0-3")
    way = share(words[1]) if len(words) == 2 else 1.0
    return Edit(f"{MIXING}{seed(words[0])}", way, Layers.parse(layers) if at else None)


def mix_words(edit: Edit) -> str:
    """A mixed seed as it is typed."""
    layers = f" @ {edit.layers}" if edit.layers is not None else ""
    return f"{edit.direction.removeprefix(MIXING)} {edit.strength * 100:g}%{layers}"


def noise(text: str) -> Noise:
    """ "const", "none" or a seed. Raises ValueError."""
    word = text.strip().lower()
    if word in ("const", "none"):
        return word  # type: ignore[return-value]
    try:
        return seed(word)
    except ValueError:
        raise ValueError("noise is 'const' (what is stored), 'none', or a seed") from None


def size(text: str) -> int | None:
    """Height in px, or "own"."""
    if text.strip().lower() in ("own", ""):
        return None
    return height(text.lower().removesuffix("px"))


def cutoff(layers: int) -> Read[int | None]:
    """ "all", or the first layer that is not truncated."""
    read = whole(0, layers, "the cutoff")
    return lambda text: None if text.strip().lower() == "all" else read(text)


def label(text: str, classes: int, names: Sequence[str]) -> Label:
    """A class by number or name, several with weights ("3=0.7, husky=0.3"), or "none". Raises
    ValueError."""
    if text.strip().lower() in ("", "none"):
        return None
    try:
        found = label_among(text, names, classes, "this model")
    except BadData as error:
        raise ValueError(str(error)) from None
    if isinstance(found, tuple) and sum(weight for _, weight in found) <= 0:
        raise ValueError("at least one weight must be above 0")
    return found


def label_words(value: Label, names: Sequence[str], typed: bool = False) -> str:
    """A class as people read it, or as it is typed."""

    def called(index: int) -> str:
        return f"{index} {names[index]}" if index < len(names) and not typed else str(index)

    if isinstance(value, tuple):
        if typed:
            return ", ".join(f"{index}={weight:g}" for index, weight in value)
        total = sum(weight for _, weight in value) or 1.0
        return " + ".join(f"{weight / total:.0%} {called(index)}" for index, weight in value)
    return called(value) if isinstance(value, int) else value or "none"
