"""The parts of a preset, its one scene or its panels, as an output shows them: models that are
opened once, pictures that outputs share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from latty.models import open_model
from latty.models.base import AnySize, Generator
from latty.models.precision import settled
from latty.presets import Output, Preset
from latty.presets.codecs import EXPECTED_WITHIN
from latty.presets.formats import format_of
from latty.render import shots, sizes
from latty.render.film import Films, Reel
from latty.render.sizes import Beside, Needed
from latty.report import FRAMES, Expected
from latty.scene import Scene


@dataclass(frozen=True, slots=True)
class View:
    """A part of a preset as it is shown: the reel in which its pictures are, from which one on, and
    their height in px."""

    preset: Preset
    reel: Reel
    height: int | None
    first: int = 0


class DrawnTogether(NamedTuple):
    """What is drawn together: the numbers of parts of a preset, and what they need."""

    numbers: list[int]
    needed: Needed


class DrawnBy(NamedTuple):
    """Which generator draws a scene."""

    model: str
    precision: str


def drawn_by(scene: Scene) -> DrawnBy:
    """That of a scene that may leave its precision open."""
    return DrawnBy(scene.model, settled(scene.precision))


@dataclass(slots=True)
class Views:
    """Makes the views of each output of a preset."""

    preset: Preset
    films: Films
    generators: dict[DrawnBy, Generator]
    _asked: dict[str, list[DrawnTogether]] = field(default_factory=dict)  # by the path of an output
    _counted: set[int] = field(default_factory=set)  # reels whose space was asked for

    def of(self, output: Output, place: Callable[[int], Path]) -> tuple[list[View], int]:
        """A view for each part, and bytes of disk for what is not drawn yet. `place`: the journal
        of what is drawn together, by its number. Raises what models raise."""
        parts, found, space = self.preset.parts, dict[int, View](), 0
        for number, (numbers, (scenes, picture, height)) in enumerate(self._drawn(output)):
            generator = self._generator(parts[numbers[0]].scene)
            reel = self.films.reel(scenes, generator, place(number), self._longest(scenes))
            starts = scenes.starts if isinstance(scenes, shots.Cells) else (0,)
            for one, first in zip(numbers, starts, strict=False):
                found[one] = View(parts[one], reel, height, first)
            if id(reel) not in self._counted:  # an output before it shows the same pictures
                self._counted.add(id(reel))
                deep = 4 if generator.info.channels == 4 else 3
                space += sizes.bytes_kept(reel.left, picture, deep)
        return [found[number] for number in range(len(parts))], space

    def _longest(self, scenes: Sequence[Scene]) -> int:
        """Of the lists of scenes of the same film, the number of the longest one."""
        film = shots.film_of(scenes)
        drawn = (one.needed for output in self.preset.outputs for one in self._drawn(output))
        return max((len(one.scenes) for one in drawn if shots.film_of(one.scenes) == film),
                   default=len(scenes))  # fmt: skip

    def least(self, output: Output) -> int:
        """The bytes below which no file of an output is expected. Raises what models raise."""
        every = self._drawn(output)
        _, drawn, shown = every[0].needed
        picture = shown or drawn[0], sizes.width_at(shown or drawn[0], drawn)
        pictures = sum(len(one.needed.scenes) for one in every)
        return sizes.bytes_expected(self.preset, output, picture, pictures) // EXPECTED_WITHIN

    def _drawn(self, output: Output) -> list[DrawnTogether]:
        """What is drawn together: each part by itself; of a table all cells of one model and size,
        so that batches are full."""
        if output.path not in self._asked:
            beside, groups = self._beside(), dict[object, list[tuple[int, Needed]]]()
            for number, part in enumerate(self.preset.parts):
                needed = self._needed_of(part, output, beside)
                key = (drawn_by(part.scene), needed.drawn) if output.is_table else number
                groups.setdefault(key, []).append((number, needed))
            self._asked[output.path] = [_together(group, output) for group in groups.values()]
        return self._asked[output.path]

    def _needed_of(self, part: Preset, output: Output, beside: Beside | None) -> Needed:
        generator = self._generator(part.scene)
        own = generator.info.height, generator.info.width_px
        return sizes.needed(part, output, own, isinstance(generator, AnySize), beside)

    def stages(self) -> list[Expected]:
        """All that is drawn and written for the outputs, in that order, weighed by the pixels of a
        frame. Raises what models raise."""
        found, shown_before = list[Expected](), shots.Shown()
        seeds_of = [max(1, len(part.seeds)) for part in self.preset.parts]
        for output in self.preset.outputs:
            pixels = 0.0
            for numbers, (scenes, (height, width), shown) in self._drawn(output):
                if left := shown_before.add(scenes):
                    found.append(Expected(FRAMES, left, height * width))
                scale = (shown or height) / height
                seeds = sum(seeds_of[one] for one in numbers)
                pixels += height * width * scale**2 * seeds
            form = format_of(output.path)
            film = form is not None and form.film
            count = len(shots.played(self.preset, output)[0]) if film else 1
            found.append(Expected(form.suffix if form else "", count, pixels))
        return found

    def _generator(self, scene: Scene) -> Generator:
        by = drawn_by(scene)
        if by not in self.generators:
            self.generators[by] = open_model(by.model, self.films.options.device, by.precision)
        return self.generators[by]

    def _beside(self) -> Beside | None:
        return sizes.beside_of(self.preset, lambda scene: self._generator(scene).info.height)


def _together(group: Sequence[tuple[int, Needed]], output: Output) -> DrawnTogether:
    numbers, needed = [number for number, _ in group], group[0][1]
    if output.is_table:
        needed = needed._replace(scenes=shots.Cells(tuple(one.scenes for _, one in group)))
    return DrawnTogether(numbers, needed)
