"""What people type for a latent: seeds, classes, noise, a seed to mix in; ValueError says what is
wrong."""

import difflib
import math
from collections.abc import Sequence

from latty.scene import SEED_LIMIT, Edit, Label, Layers, Noise, Walk
from latty_tui.library.direction_facts import MIXING

LARGEST = 100.0  # of a strength, as in presets
SIZES = (8, 4096)  # px that its fields take; presets take more


def number(text: str, low: float, high: float, what: str) -> float:
    """A number, or a share in percent, within its limits. Raises ValueError."""
    words = text.strip().replace("σ", "")
    scale = 0.01 if words.endswith("%") else 1.0
    try:
        value = round(float(words.removesuffix("%")) * scale, 6)
    except ValueError:
        raise ValueError(f"{what} is a number, such as 0.7") from None
    if not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"{what} goes from {low:g} to {high:g}")
    return value


def whole(text: str, low: int, high: int, what: str) -> int:
    """A whole number within its limits. Raises ValueError."""
    words = text.strip()
    if not words.isascii() or not words.isdecimal() or len(words) > 20:
        raise ValueError(f"{what} is a whole number")
    if not low <= int(words) <= high:
        raise ValueError(f"{what} goes from {low} to {high}")
    return int(words)


def seed(text: str) -> int:
    """One seed."""
    return whole(text, 0, SEED_LIMIT - 1, "a seed")


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
    return number(first, -LARGEST, LARGEST, "a strength"), Layers.parse(layers) if at else None


def mixed(text: str) -> Edit:
    """ "42", "42 70%", "42 0.7 @ 0-3": a seed, the share of the way to it, its layers. Raises
    ValueError."""
    first, at, layers = text.partition("@")
    words = first.split()
    if not 1 <= len(words) <= 2:
        raise ValueError("type a seed and a share: 42 70%, or 42 70% @ 0-3")
    share = number(words[1], -LARGEST, LARGEST, "a share") if len(words) == 2 else 1.0
    return Edit(f"{MIXING}{seed(words[0])}", share, Layers.parse(layers) if at else None)


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
    return whole(text.lower().removesuffix("px"), *SIZES, "a size, in px,")


def cutoff(text: str, layers: int) -> int | None:
    """ "all", or the first layer that is not truncated."""
    return None if text.strip().lower() == "all" else whole(text, 0, layers, "the cutoff")


def label(text: str, count: int, names: Sequence[str]) -> Label:
    """A class by number or name, several with weights ("3=0.7, husky=0.3"), or "none". Raises
    ValueError."""
    if text.strip().lower() in ("", "none"):
        return None
    if "=" not in text:
        return one_class(text, count, names)
    pairs = []
    for part in text.split(","):
        name, _, weight = part.rpartition("=")
        share = number(weight, 0, 1, "a weight")
        pairs.append((one_class(name or part, count, names), share))
    if sum(weight for _, weight in pairs) <= 0:
        raise ValueError("at least one weight must be above 0")
    return tuple(pairs)


def one_class(text: str, count: int, names: Sequence[str]) -> int:
    """The index of a class, by number or by as much of its name as is enough. Raises ValueError."""
    word = text.strip().lower()
    if word.isdecimal():
        return whole(word, 0, count - 1, "a class")
    low = [name.lower() for name in names]
    if word in low:
        return low.index(word)
    found = [i for i, name in enumerate(low) if word and word in name]
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(names[i] for i in found[:3]) + (", ..." if len(found) > 3 else "")
        raise ValueError(f"{len(found)} classes are called so: {some}")
    near = difflib.get_close_matches(word, low, 1)
    hint = f": '{names[low.index(near[0])]}'?" if near else ""
    words = "of that name" if names else "by name: this model's classes have numbers"
    raise ValueError(f"no class {words}{hint}")


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
