"""The words: Layers, Walk, Edit, Scene. Frozen values, no torch, no files.

A Scene is everything one picture depends on. Because it is hashable it is at once the cache key,
the undo step, the message between processes and what a preset says at one moment.

Each field of Walk, Edit and Scene `says` its rule and its help text, and every other place reads
them here: presets (validation, suggestions, JSON schema), messages between processes, the studio's
memory and the recipes in pictures. So a new field is one line here. What else a field may say:

    moves=True   a preset may give a track instead of the number
    refers       what its text names: a "model", a "latent", a "direction", "directions" (one, or
                 "SET/A-B", "SET/*") or a "move" (a direction or "seed:42"); checked to be
                 there, and stripped of folders in recipes
    written      how a file spells the value
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any, Literal, TypeVar

from latty.errors import BadData
from latty.stops import Stop
from latty.tables.rules import (
    Faults,
    Key,
    Rule,
    array,
    checked,
    flag,
    keys_of,
    number,
    one_of,
    option,
    or_none,
    record,
    says,
    text,
    whole,
    word,
)
from latty.tables.words import Path, dotted, shown

T = TypeVar("T")

BLENDS = ("lerp", "slerp", "circular")
MODES = ("relative", "absolute", "centred", "flip")
UNITS = ("sigma", "own")
AUTO = "auto"  # a precision that is left to settings, and by them to latty
PRECISIONS = FP32, BF16, FP16 = "fp32", "bf16", "fp16"  # in which layers of networks compute
MIXING = "seed:"  # "seed:42" as a direction: toward the latent of another seed
SEED_LIMIT = 2**32  # numpy's RandomState takes seeds 0 .. 2**32 - 1

Blend = Literal["lerp", "slerp", "circular"]
Mode = Literal["relative", "absolute", "centred", "flip"]
Unit = Literal["sigma", "own"]
Mixture = tuple[tuple[int, float], ...]  # classes, each with a weight
Label = int | str | Mixture | None


@dataclass(frozen=True, slots=True)
class Layers:
    """A half-open range of code layers; `stop` None means up to the last one.

    In files and on screen a range is inclusive: "4-8" is Layers(4, 9), "4" is Layers(4, 5).
    """

    start: int = 0
    stop: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Layers":
        """Read "all", "4", "4-8" or "4-" (to the last). Raises ValueError with the reason."""
        words = text.strip()
        if words == "all":
            return cls()
        first, dash, last = words.partition("-")
        if not first.strip().isdecimal() or (last.strip() and not last.strip().isdecimal()):
            raise ValueError(f"'{shown(text)}' is no layer range; write 'all', '4', '4-8' or '4-'")
        start = int(first)
        stop = (int(last) + 1 if last.strip() else None) if dash else start + 1
        if stop is not None and stop <= start:
            raise ValueError(f"'{shown(text)}' ends before it starts")
        return cls(start, stop)

    def __str__(self) -> str:
        if self.stop is None:
            return f"{self.start}-" if self.start else "all"
        return str(self.start) if self.stop == self.start + 1 else f"{self.start}-{self.stop - 1}"

    def indices(self, count: int) -> range:
        """The layers this range selects of `count` layers; what lies beyond the last is ignored."""
        return range(min(self.start, count), count if self.stop is None else min(self.stop, count))


ALL = Layers()


# --- what a file may say --------------------------------------------------------------------------


def _class_indices(pairs: Any) -> tuple[tuple[int, float], ...]:
    """(class index, weight) pairs; a whole float is an index too. Raises ValueError."""
    if any(not math.isfinite(index) or index < 0 or index != int(index) for index, _ in pairs):
        raise ValueError(MIXTURE)
    return tuple((int(index), weight) for index, weight in pairs)


def _weights(pairs: tuple[tuple[int, float], ...]) -> tuple[tuple[int, float], ...]:
    if not all(0 <= weight <= 1 for _, weight in pairs):
        raise ValueError(MIXTURE)
    return pairs


def _layers() -> Rule:
    """In files "4-8", which the value and its message spell [4, 9]."""
    pair = checked(array(or_none(whole(0, 64)), 2, 2), lambda ends: Layers(*ends), always=True)
    said = checked(text(20), Layers.parse, always=True)

    def read(value: Any, where: Path, faults: Faults) -> Any:
        rule = pair if isinstance(value, list) and not faults.limits else said
        return rule.read(value, where, faults)

    return Rule(read, said.fits, said.schema)


MIXTURE = "holds [class index, weight from 0 to 1] pairs"
SEED = whole(0, SEED_LIMIT - 1)
STRENGTH = number(-100, 100)
REF = text(1000)
SIZES, TRUNCATIONS = (1, 8192), (-100, 100)  # of pictures that verbs draw; of presets: less
SIZE = whole(8, 4096, wide=SIZES)
LABEL = one_of(
    "a class index, a class name or [[index, weight], ...]",
    whole(0, 10**6),
    text(100),
    checked(
        checked(array(array(number(0, 10**6), 2, 2), 1, 1000), _class_indices, always=True),
        _weights,
    ),
)


def _of_one(rule: Rule, hint: str) -> Rule:
    """The rule, where a list is told how several are said."""

    def read(value: Any, where: Path, faults: Faults) -> Any:
        if isinstance(value, list):
            faults.add(where, "must be text in quotes, not a list", hint)
            return value
        return rule.read(value, where, faults)

    return Rule(read, rule.fits, rule.schema)


LATENT = _of_one(REF, 'several: [[each]] with key = "latent" and values = [...], or "FILE#0-59"')
PASSED = one_of("a seed or the name of a stored latent", SEED, REF)


def as_label(value: object) -> Label:
    """A class or mixture as a scene holds it, of what a file says; None for what is neither."""
    if isinstance(value, str) or type(value) is int:
        return value
    pairs = value if isinstance(value, list | tuple) else ()
    try:
        return tuple((int(index), float(weight)) for index, weight in pairs) or None
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class Walk:
    """A place on a path through several latents; `t` in 0..1 along the whole path.

    seeds      what it passes: seeds, and texts that name stored latents. Where one of these lies
               in w, so does the path, in straight lines; else it goes through z
    blend      lerp      straight lines from one to the next
               slerp     great circles from one to the next, so that the latent keeps its length
               circular  one smooth closed curve through all; t = 1 is t = 0 again
    even       at constant speed along the path; else each leg takes as long as any other
    stops      what is said of each of the seeds beside, () = nothing of any
    around     not along the path itself, but this far from a latent (seed or text) toward it:
    amplitude  (around + amplitude * path) / sqrt(1 + amplitude^2), which keeps the variance
    """

    seeds: tuple[int | str, ...] = field(
        metadata=says(array(PASSED, 2, 1000), "Seeds, in the order they are passed.")
    )
    blend: Blend = option(
        "slerp",
        word(*BLENDS),
        "lerp: straight lines. slerp: great circles. circular: one closed curve.",
    )
    t: float = option(0.0, number(0, 1), "The place on the whole path.", always=True)
    even: bool = option(False, flag(), "At constant speed along the path.")
    stops: tuple[Stop, ...] = option((), array(record(Stop), 0, 1000), "Holds and easings.")
    around: int | str | None = option(None, PASSED, "The latent that it stays near.")
    amplitude: float = option(1.0, number(0, 100), "How far from there.")

    @property
    def latents(self) -> tuple[int | str, ...]:
        """All it is made of: its middle where it has one, then what it passes."""
        return self.seeds if self.around is None else (self.around, *self.seeds)

    @property
    def returns(self) -> bool:
        """Whether t = 1 is t = 0 again."""
        ends = self.stops[:1] + self.stops[-1:]
        same = not ends or ends[0].truncation == ends[1].truncation
        return self.blend == "circular" or (self.seeds[0] == self.seeds[-1] and same)


Noise = Literal["const", "none"] | int | Walk
NOISE = one_of("'const', 'none' or a whole number", SEED, word("const", "none"), record(Walk))


@dataclass(frozen=True, slots=True)
class Edit:
    """One move: a direction ("SET/NAME", "SET/INDEX", "path#NAME" or "seed:42"), how far
    (`strength`, in sigma; for "seed:42" the share of the way to that latent) and in which layers
    (None = where the direction set says it works best).

    mode        relative  from where the latent is
                absolute  to this coordinate along the direction, counted from the origin
                centred   to this coordinate, counted from the mean latent
                flip      to the other side of the mean latent, this far
    unit        "own": the strength is in the direction's own unit (image widths, a factor, ...)
    conditions  directions along which this move does not go (InterFaceGAN's conditional edit)
    within      directions along which alone it goes: "SET/A-B", "SET/*" or one of them
    amount      how much of the whole edit: 0 as without it, 1 all of it, whatever the mode; between
                them, and beyond, where an easing overshoots, the straight line through both
    """

    direction: str = field(
        metadata=says(
            REF, 'SET/NAME, SET/INDEX, FILE#NAME, or "seed:42": toward that seed.', refers="move"
        )
    )
    strength: float = option(
        1.0,
        STRENGTH,
        "How far, in sigma; for a seed the share of the way.",
        moves=True,
        always=True,
    )
    layers: Layers | None = option(
        None,
        _layers(),
        '"all", "4" or "4-8" (inclusive); absent: where it works best.',
        written=str,
    )
    mode: Mode = option("relative", word(*MODES), "By a way, to a place, or across the mean.")
    unit: Unit = option("sigma", word(*UNITS), '"own": the direction\'s own, as image widths.')
    conditions: tuple[str, ...] = option(
        (),
        array(REF, 0, 100),
        "Directions along which this edit does not go, SET/A-B among them.",
        refers="directions",
    )
    within: str | None = option(
        None,
        REF,
        "Directions along which alone it goes: SET/A-B, SET/* or one.",
        refers="directions",
    )
    amount: float = option(
        1.0, number(-1, 2), "0: as without the edit, 1: all of it, whatever the mode.", moves=True
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything one picture depends on.

    truncation  psi: codes move toward the mean code, 1 = as sampled, 0 = the mean
    cutoff      truncation acts on layers below it only; None = on all
    label       a class index or name, or ((index, weight), ...) for a mixture; None = no class
    noise       "const" (the stored noise), "none", or a seed
    size        height in pixels of the picture, width follows; None = the generator's own
    latent      start here instead of at the seed: "FILE#INDEX" or "NAME#INDEX" of stored latents
    locks       directions along which no edit goes, but for an edit of that very direction
    precision   the numbers in which its model computes: one of PRECISIONS, or AUTO
    """

    model: str = field(metadata=says(REF, "A model's name, or a file's path.", refers="model"))
    seed: int | Walk = option(
        0,
        one_of("a whole number or a walk", SEED, record(Walk)),
        "Which picture: a seed, a list (rows of a grid), a walk.",
    )
    truncation: float = option(
        1.0,
        number(-2, 2, wide=TRUNCATIONS),
        "1: as sampled; toward 0: closer to the average picture.",
        moves=True,
    )
    cutoff: int | None = option(
        None, whole(0, 64), "Truncation acts on layers below it only; absent: on all.", moves=True
    )
    label: Label = option(
        None, LABEL, "A class by index or name, or a mixture [[index, weight], ...]."
    )
    noise: Noise = option("const", NOISE, '"const": stored, "none", or a seed.')
    edits: tuple[Edit, ...] = option((), array(record(Edit), 0, 100), "Moves, in this order.")
    size: int | None = option(None, SIZE, "Height in pixels; absent: the model's own.")
    truncation_after_edits: bool = option(False, flag(), "Truncate edited codes, as GANSpace does.")
    latent: str | None = option(
        None,
        LATENT,
        "Start at a stored latent, FILE#INDEX, or at one after the other, FILE#0-59.",
        refers="latent",
    )
    locks: tuple[str, ...] = option(
        (),
        array(REF, 0, 100),
        "Directions along which no edit goes but their own.",
        refers="direction",
    )
    precision: str = option(
        AUTO,
        word(AUTO, *PRECISIONS),
        "Numbers of the network: fp32, bf16, fp16; auto: the settings', which are fp32 for files.",
    )

    def nudge(self, index: int, by: float) -> "Scene":
        """The scene with `by` added to the strength of edit `index`."""
        edit = self.edits[index]
        moved = replace(edit, strength=edit.strength + by)
        return replace(self, edits=(*self.edits[:index], moved, *self.edits[index + 1 :]))

    def with_number(self, key: str, value: float) -> "Scene":
        """The scene with another "truncation", "cutoff", "edits.0.strength" or other number."""
        name, _, rest = key.partition(".")
        if not rest:
            return _with_number(self, name, value)
        index, _, name = rest.partition(".")
        edits = list(self.edits)
        edits[int(index)] = _with_number(edits[int(index)], name, value)
        return replace(self, edits=tuple(edits))

    def with_references(self, change: Callable[[str, str], str]) -> "Scene":
        """The scene with `change(kind, text)` in the place of every text that names something."""
        edits = tuple(_with_references(edit, change) for edit in self.edits)
        scene = replace(_with_references(self, change), edits=edits)
        if not isinstance(scene.seed, Walk):
            return scene

        def named(one: Any) -> Any:
            return change("latent", one) if isinstance(one, str) else one

        seeds = tuple(map(named, scene.seed.seeds))
        return replace(
            scene, seed=replace(scene.seed, seeds=seeds, around=named(scene.seed.around))
        )

    @property
    def is_finite(self) -> bool:
        """Whether no number is NaN or infinite: files and pictures take no others."""
        return all(map(math.isfinite, _floats(to_table(self))))


def _with_number(made: T, name: str, value: float) -> T:
    whole_number = keys_of(type(made))[name].rule.schema["type"] == "integer"
    changed = {name: round(value) if whole_number else value}
    return replace(made, **changed)  # type: ignore[type-var]


def _with_references(made: T, change: Callable[[str, str], str]) -> T:
    """A Scene or an Edit with its own references changed."""
    changed: dict[str, Any] = {}
    for name, key in keys_of(type(made)).items():
        kind, value = key.facts.get("refers"), getattr(made, name)
        if kind and isinstance(value, str):
            changed[name] = change(kind, value)
        elif kind and value:
            changed[name] = tuple(change(kind, one) for one in value)
    return replace(made, **changed)  # type: ignore[type-var]


def _floats(value: Any) -> Iterator[float]:
    """Every float in a table."""
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _floats(one)
    elif isinstance(value, float):
        yield value


# --- a scene as a table ---------------------------------------------------------------------------


SCENE = record(Scene)


def to_table(scene: Scene) -> dict[str, Any]:
    """A scene as tables, lists, numbers and texts, exactly; what is as usual is left out."""
    table = _table_of(scene)
    edits = table.pop("edits", None)  # last, as people write them
    return {**table, "edits": edits} if edits else table


def from_table(table: object) -> Scene:
    """The scene of such a table; numbers may be NaN and texts may be anything, as in a message.

    Raises BadData with the first thing that is wrong.
    """
    faults = Faults(limits=False)
    scene: Scene = SCENE.read(table, ("scene",), faults)
    if faults.found:
        first = faults.found[0]
        raise BadData(f"{dotted(first.where)}: {first.what}", first.hint)
    return scene


def _table_of(made: Any) -> dict[str, Any]:
    keys = keys_of(type(made))
    pairs = ((name, getattr(made, name)) for name in keys)
    return {name: _plain(value) for name, value in pairs if not _is_usual(value, keys[name])}


def _is_usual(value: Any, key: Key) -> bool:
    """Whether a value goes without saying: 1 is not 1.0 and -0.0 is not 0.0."""
    if key.required or key.facts.get("always"):
        return False
    return bool(value == key.default) and repr(value) == repr(key.default)


def _plain(value: Any) -> Any:
    if isinstance(value, Layers):
        return [value.start, value.stop]
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return _table_of(value) if is_dataclass(value) else value


def named(direction: str) -> str:
    """What a direction, or a stored latent, is called where people read it."""
    if direction.startswith(MIXING):
        return f"toward {direction.removeprefix(MIXING)}"
    return direction.replace("#", "/").rpartition("/")[2].replace("_", " ")


def latents_between(ref: str) -> tuple[str, int, int] | None:
    """ "FILE#3-59" as (FILE, 3, 59): stored latents one after the other; None for other texts."""
    found = re.fullmatch(r"(.+)#(\d{1,9})-(\d{1,9})", ref, re.ASCII)
    return (found[1], int(found[2]), int(found[3])) if found else None


def references(table: Any) -> Iterator[tuple[Path, str, Any]]:
    """(key, kind, reference) of everything that a scene's table names; it may hold anything."""
    if not isinstance(table, dict):
        return
    yield from _references(Scene, table, ())
    yield from _passed(table.get("seed"))
    edits = table.get("edits")
    for index, edit in enumerate(edits if isinstance(edits, list) else []):
        if isinstance(edit, dict):
            yield from _references(Edit, edit, ("edits", index))


def _passed(walk: Any) -> Iterator[tuple[Path, str, Any]]:
    """The stored latents of a walk: among its seeds, or as a file says its stops."""
    if not isinstance(walk, dict):
        return
    for name in ("walk", "seeds"):
        seeds = walk.get(name)
        for index, one in enumerate(seeds if isinstance(seeds, list) else ()):
            if isinstance(one, str):
                yield ("seed", "walk", index), "latent", one
            elif isinstance(one, dict) and isinstance(one.get("latent"), str):
                yield ("seed", "walk", index, "latent"), "latent", one["latent"]
    if isinstance(walk.get("around"), str):
        yield ("seed", "around"), "latent", walk["around"]


def _references(made: Any, table: dict[str, Any], where: Path) -> Iterator[tuple[Path, str, Any]]:
    for name, key in keys_of(made).items():
        kind, value = key.facts.get("refers"), table.get(name)
        if kind and isinstance(value, list):
            yield from (((*where, name, i), kind, one) for i, one in enumerate(value))
        elif kind and value is not None:
            yield (*where, name), kind, value
