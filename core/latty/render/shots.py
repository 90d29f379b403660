"""Which scenes an output shows, in the order they are drawn, and what is written under each."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, product
from typing import overload

from latty import latents
from latty.directions.store import resolve
from latty.errors import BadData
from latty.presets import Output, Preset
from latty.presets.formats import format_of, is_film
from latty.presets.moments import Times
from latty.presets.values import MOST_SEEDS
from latty.scene import MIXING, Edit, Scene, named


class Scenes(Sequence[Scene], ABC):
    """A list of scenes, each made when it is asked for."""

    __slots__ = ()

    @abstractmethod
    def one(self, index: int) -> Scene:
        """That of a number, 0 to len(self) - 1."""

    @overload
    def __getitem__(self, index: int) -> Scene: ...
    @overload
    def __getitem__(self, index: slice) -> list[Scene]: ...
    def __getitem__(self, index: int | slice) -> Scene | list[Scene]:
        if isinstance(index, slice):
            return [self.one(i) for i in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.one(index)


@dataclass(frozen=True, slots=True)
class Shots(Scenes):
    """The scenes of some moments of a preset; with a list of seeds, all seeds of each moment.

    A long film costs no memory. Equal shots are drawn only once.
    """

    preset: Preset
    times: Sequence[float]
    size: int | None

    @property
    def together(self) -> int:
        """How many pictures are one frame."""
        return max(1, len(self.preset.seeds))

    def __len__(self) -> int:
        return len(self.times) * self.together

    def one(self, index: int) -> Scene:
        moment, which = divmod(index, self.together)
        scene = replace(self.preset.at(self.times[moment]), size=self.size)
        return replace(scene, seed=self.preset.seeds[which]) if self.preset.seeds else scene


def shots(preset: Preset, output: Output, size: int | None) -> Sequence[Scene]:
    """The scenes of one output, at `size` px. Raises BadData for a grid that moves nothing."""
    preset = preset.shown(output)
    if is_film(output.path):
        return Shots(bare(preset), preset.times(output), size)
    if output.layout == "frames":
        times = _spread(preset.times(output), output.across**2)
        return Shots(bare(preset), times, size)
    return tuple(replace(scene, size=size) for row in table(preset, output) for scene in row)


@dataclass(frozen=True, slots=True)
class Cells(Scenes):
    """The scenes of several panels, one panel after the other, that are drawn together."""

    parts: tuple[Sequence[Scene], ...]
    starts: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Where the scenes of each part begin, and where the last ones end.
        starts = accumulate(map(len, self.parts), initial=0)
        object.__setattr__(self, "starts", tuple(starts))

    def __len__(self) -> int:
        return self.starts[-1]

    def one(self, index: int) -> Scene:
        part, place = self.place(index)
        return self.parts[part][place]

    def place(self, index: int) -> tuple[int, int]:
        """The part of a scene, 0 to len(self) - 1, and its number there."""
        part = bisect_right(self.starts, index) - 1
        return part, index - self.starts[part]


def film_of(scenes: Sequence[Scene]) -> object:
    """What lists of scenes of the same film have in common: all but the moments that they show."""
    if isinstance(scenes, Cells):
        return tuple(map(film_of, scenes.parts))
    return (scenes.preset, scenes.size) if isinstance(scenes, Shots) else scenes


def label(scenes: Sequence[Scene], index: int) -> tuple[float, int]:
    """What tells a scene from the others of its film: when it is, and which of that moment; in a
    list that is no film its number."""
    if isinstance(scenes, Shots):
        moment, which = divmod(index, scenes.together)
        return scenes.times[moment], which
    if isinstance(scenes, Cells):
        part, place = scenes.place(index)
        time, which = label(scenes.parts[part], place)
        return time, part * MOST_SEEDS + which
    return 0.0, index


class Shown:
    """What the outputs of a preset show, one after the other."""

    def __init__(self) -> None:
        self._lists: dict[object, list[Sequence[Scene]]] = {}

    def add(self, scenes: Sequence[Scene]) -> int:
        """How many scenes of a list are in none of those of its film that came before."""
        before = self._lists.setdefault(film_of(scenes), [])
        if scenes in before:
            return 0
        if not before:
            before.append(scenes)
            return len(scenes)
        known = {label(one, i) for one in before for i in range(len(one))}
        before.append(scenes)
        return sum(label(scenes, i) not in known for i in range(len(scenes)))


def bare(preset: Preset) -> Preset:
    """What of a preset its pictures depend on: neither where they go nor what is written there."""
    return replace(preset, name="", outputs=(), texts=(), panels=(), pins=None)


def play_order(frames: int, loop: str) -> Sequence[int]:
    """Which frame is shown when; "bounce" comes back without showing either end twice.

    >>> list(play_order(4, "bounce"))
    [0, 1, 2, 3, 2, 1]
    """
    forward = range(frames)
    return [*forward, *range(frames - 2, 0, -1)] if loop == "bounce" else forward


def played(preset: Preset, output: Output) -> tuple[Sequence[int], Fraction]:
    """The numbers of an output's frames as they are played, and how many of them a second. A format
    that plays no faster leaves frames out and lasts as long."""
    form, rate = format_of(output.path), output.rate
    if form is None or not form.film:
        return range(1), rate
    order, fastest = play_order(preset.count(output), output.loop), form.fastest
    if not fastest or rate <= fastest:
        return order, rate
    count = max(1, round(len(order) * fastest / rate))
    return [order[int(i * rate / fastest)] for i in range(count)], Fraction(fastest)


def captions(preset: Preset, output: Output) -> list[str]:
    """One caption for each picture of a contact sheet: its seed, its strength, the score of its
    latent, or its number."""
    preset = preset.shown(output)
    times = _spread(preset.times(output), output.across**2)
    short = output.captions == "short"
    if preset.seeds:
        again = len(times) if len(times) > 1 else 1
        return [f"{seed}" if short else f"seed {seed}" for seed in preset.seeds] * again
    moving = [key for key, _ in preset.tracks if key.startswith("edits.")]
    if len(moving) != 1 and (scores := _scores(preset, times)):
        return scores if short else [f"{_attribute(preset)} {score}".lstrip() for score in scores]
    if len(moving) != 1:
        return [str(round(t * (preset.count(output) - 1))) for t in times]
    edit = int(moving[0].split(".")[1])
    if moving[0].endswith(".amount"):
        return [f"{preset.at(t).edits[edit].amount:.0%}" for t in times]
    unit = "" if short else _unit(preset.scene.edits[edit])
    return [f"{_strength(preset.at(t).edits[edit].strength)} {unit}".rstrip() for t in times]


def _scores(preset: Preset, times: Sequence[float]) -> list[str]:
    """What a scorer said of the latent at each time; nothing where their file does not say it."""
    if "latent" not in dict(preset.tracks):
        return []
    found = [latents.score(preset.at(t).latent or "") for t in times]
    return [f"{score:.2f}" for score in found if score is not None]


def _attribute(preset: Preset) -> str:
    """What was scored, as far as the file of the latents says it."""
    said = dict(latents.look(preset.scene.latent or "").params).get("attribute")
    return said.rpartition("/")[2] if isinstance(said, str) else ""


def table(preset: Preset, output: Output) -> list[list[Scene]]:
    """Rows of scenes whose strengths run from -span to +span, or to which one edit after the other
    comes.

    grid   each edit in turn, the others stay; for each seed all edits, or with rows of edits for
           each edit all seeds
    strip  each edit alone: without the others, so that the middle is the bare picture (or, of an
           edit that goes to a place, the middle of that direction); for each edit all seeds
    steps  rows of seeds: without edits, then one edit more in each picture, as all are in the end

    Raises BadData where there is no edit.
    """
    if not preset.scene.edits:
        raise BadData(f"{output.layout} needs an edit to vary", "add [[scene.edits]]")
    if output.layout == "steps":
        last = preset.at(1.0)
        own = [replace(last, seed=seed) for seed in preset.seeds] or [last]
        return [[_begun(one, count) for count in range(len(one.edits) + 1)] for one in own]
    scene, found = preset.at(0.0), []
    for seed, index in _rows(preset, output):
        start = scene if seed is None else replace(scene, seed=seed)
        steps = strengths(output, index)
        if output.layout == "strip":
            start, index = replace(start, edits=(scene.edits[index],)), 0
        found.append([_moved(start, index, step) for step in steps])
    return found


def _rows(preset: Preset, output: Output) -> list[tuple[int | None, int]]:
    """The seed, None of a scene of one, and the number of the edit of each row."""
    seeds, edits = preset.seeds or (None,), range(len(preset.scene.edits))
    if output.layout == "grid" and output.rows == "seeds":
        return [*product(seeds, edits)]
    return [(seed, edit) for edit in edits for seed in seeds]


def row_names(preset: Preset, output: Output) -> list[str]:
    """What stands at the left of each row of a table."""
    scene = preset.at(0.0)
    if output.layout == "steps":
        return [f"seed {seed}" for seed in preset.seeds] or [""]
    of_seeds = output.layout == "grid" and output.rows == "seeds"
    own, found = scene.seed if isinstance(scene.seed, int) else None, []
    for seed, index in _rows(preset, output):
        seed = own if of_seeds and seed is None else seed
        words = [] if seed is None else [f"seed {seed}"]
        if not of_seeds or len(scene.edits) > 1:
            name = _row_name(scene.edits[index]) + _own_span(output, index)
            words.insert(len(words) if of_seeds else 0, name)
        found.append(", ".join(words))
    return found


def _row_name(edit: Edit) -> str:
    """The direction, and what else the preset chose: layers, mode, a unit other than sigma."""
    layers = "" if edit.layers is None else f"layers {edit.layers}"
    mode = "" if edit.mode == "relative" else edit.mode
    words = (named(edit.direction), layers, mode, _unit(edit))
    return ", ".join(word for word in words if word)


def _unit(edit: Edit) -> str:
    """What the strength counts where that is not sigma."""
    if edit.unit == "sigma":
        return ""
    _, header, index = resolve(edit.direction)
    return header.infos[index].unit


def strengths(output: Output, edit: int = 0) -> list[float]:
    """The strengths of the columns of an edit, in its unit, evenly from -span to +span. Raises
    BadData where no span is said for it."""
    if output.across == 1:
        return [0.0]
    span = output.span
    if isinstance(span, tuple):
        if edit >= len(span):
            raise BadData(f"span has {len(span)} numbers for more edits", "say one for each")
        span = span[edit]
    step = 2 * span / (output.across - 1)
    return [round(i * step - span, 6) for i in range(output.across)]


def _own_span(output: Output, edit: int) -> str:
    """How far the row of an edit goes, where others go otherwise."""
    return f", to {_strength(output.span[edit])}" if isinstance(output.span, tuple) else ""


def column_names(preset: Preset, output: Output) -> list[str]:
    """What stands below each column of a table."""
    if output.layout == "steps":
        return ["unedited", *map(_step, preset.at(1.0).edits)]
    if isinstance(output.span, tuple):  # each edit has its own
        return [f"{value:+.0%}" if value else "0" for value in strengths(replace(output, span=1.0))]
    return [_strength(value) for value in strengths(output)]


def _begun(scene: Scene, count: int) -> Scene:
    """The scene with its first edits only. The others stay, of amount 0, with the class that they
    may remember."""
    rest = (replace(edit, amount=0.0) for edit in scene.edits[count:])
    return replace(scene, edits=(*scene.edits[:count], *rest))


def _step(edit: Edit) -> str:
    """What an edit does, in a line under a picture."""
    mixes = edit.direction.startswith(MIXING)
    way = f"{edit.strength:.0%}" if mixes else f"{_strength(edit.strength)} {_unit(edit)}"
    words = [named(edit.direction), "" if edit.mode == "relative" else edit.mode, way.strip()]
    words += [f"at {edit.amount:.0%}"] if edit.amount != 1 else []
    layers = "" if edit.layers is None else f", layers {edit.layers}"
    return " ".join(word for word in words if word) + layers


def _moved(scene: Scene, index: int, strength: float) -> Scene:
    edits = list(scene.edits)
    edits[index] = replace(edits[index], strength=strength)
    return replace(scene, edits=tuple(edits))


def _strength(value: float) -> str:
    value = round(value, 2)
    return f"{value:+g}" if value else "0"  # Pillow's own font has no true minus sign


def _spread(times: Times, most: int) -> Sequence[float]:
    """At most `most` of the times, evenly, the first and the last among them."""
    if len(times) <= most:
        return times
    if most == 1:
        return times[:1]
    return tuple(times[round(i * (len(times) - 1) / (most - 1))] for i in range(most))
