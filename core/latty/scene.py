"""The words: Layers, Walk, Edit, Scene. Frozen values, no torch, no files.

A Scene is everything one picture depends on. Because it is hashable it is at once the cache key,
the undo step, the message between processes and what a preset says at one moment.
"""

from dataclasses import dataclass, replace
from typing import Literal

BLENDS = ("lerp", "slerp", "circular")
MODES = ("relative", "absolute", "centred", "flip")
UNITS = ("sigma", "own")
SEED_LIMIT = 2**32  # numpy's RandomState takes seeds 0 .. 2**32 - 1

Blend = Literal["lerp", "slerp", "circular"]
Mode = Literal["relative", "absolute", "centred", "flip"]
Unit = Literal["sigma", "own"]
Noise = Literal["const", "none"] | int
Label = int | str | tuple[tuple[int, float], ...] | None


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
            raise ValueError(f"'{text}' is no layer range; write 'all', '4', '4-8' or '4-'")
        start = int(first)
        stop = (int(last) + 1 if last.strip() else None) if dash else start + 1
        if stop is not None and stop <= start:
            raise ValueError(f"'{text}' ends before it starts")
        return cls(start, stop)

    def __str__(self) -> str:
        if self.stop is None:
            return f"{self.start}-" if self.start else "all"
        return str(self.start) if self.stop == self.start + 1 else f"{self.start}-{self.stop - 1}"

    def indices(self, count: int) -> range:
        """The layers this range selects of `count` layers; what lies beyond the last is ignored."""
        return range(min(self.start, count), count if self.stop is None else min(self.stop, count))


ALL = Layers()


@dataclass(frozen=True, slots=True)
class Walk:
    """A place on a path through the latents of several seeds; `t` in 0..1 along the whole path.

    lerp      straight lines from seed to seed
    slerp     great circles from seed to seed, so that the latent keeps its length
    circular  one smooth closed curve through all seeds; t = 1 is t = 0 again
    """

    seeds: tuple[int, ...]
    blend: Blend = "slerp"
    t: float = 0.0


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
    """

    direction: str
    strength: float = 1.0
    layers: Layers | None = None
    mode: Mode = "relative"
    unit: Unit = "sigma"
    conditions: tuple[str, ...] = ()


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
    """

    model: str
    seed: int | Walk = 0
    truncation: float = 1.0
    cutoff: int | None = None
    label: Label = None
    noise: Noise = "const"
    edits: tuple[Edit, ...] = ()
    size: int | None = None
    truncation_after_edits: bool = False
    latent: str | None = None
    locks: tuple[str, ...] = ()

    def nudge(self, index: int, amount: float) -> "Scene":
        """The scene with `amount` added to the strength of edit `index`."""
        edit = self.edits[index]
        moved = replace(edit, strength=edit.strength + amount)
        return replace(self, edits=(*self.edits[:index], moved, *self.edits[index + 1 :]))
