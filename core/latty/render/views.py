"""The parts of a preset, its one scene or its panels, as an output shows them: models that are
opened once, pictures that outputs share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from latty.models import open_model
from latty.models.base import AnySize, Generator
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
    """A part of a preset as it is shown: its reel, and the height of its pictures in px."""

    preset: Preset
    reel: Reel
    height: int | None


@dataclass(slots=True)
class Views:
    """Makes the views of each output of a preset."""

    preset: Preset
    films: Films
    generators: dict[str, Generator]
    _asked: dict[str, list[Needed]] = field(default_factory=dict)  # by the path of an output

    def of(self, output: Output, place: Callable[[int], Path]) -> tuple[list[View], int]:
        """A view for each part, and bytes of disk for what is not drawn yet. `place`: the journal
        of a part, by its number. Raises what models raise."""
        found, space = [], 0
        for number, (part, (scenes, picture, height)) in enumerate(
            zip(self.preset.parts, self._needed(output), strict=True)
        ):
            generator = self._generator(part.scene)
            reel = self.films.reel(scenes, generator, place(number), self._longest(scenes))
            found.append(View(part, reel, height))
            space += sizes.bytes_kept(reel.left, picture, 4 if generator.info.channels == 4 else 3)
        return found, space

    def _longest(self, scenes: Sequence[Scene]) -> int:
        """Of the lists of scenes of the same film, the number of the longest one."""
        film = shots.film_of(scenes)
        needed = (one for output in self.preset.outputs for one, *_ in self._needed(output))
        return max((len(one) for one in needed if shots.film_of(one) == film), default=len(scenes))

    def least(self, output: Output) -> int:
        """The bytes below which no file of an output is expected. Raises what models raise."""
        needed = self._needed(output)
        _, drawn, shown = needed[0]
        picture = shown or drawn[0], sizes.width_at(shown or drawn[0], drawn)
        pictures = sum(len(scenes) for scenes, _, _ in needed)
        return sizes.bytes_expected(self.preset, output, picture, pictures) // EXPECTED_WITHIN

    def _needed(self, output: Output) -> list[Needed]:
        """What each part needs."""
        if output.path not in self._asked:
            beside = self._beside()
            self._asked[output.path] = [
                self._needed_of(part, output, beside) for part in self.preset.parts
            ]
        return self._asked[output.path]

    def _needed_of(self, part: Preset, output: Output, beside: Beside | None) -> Needed:
        generator = self._generator(part.scene)
        own = generator.info.height, generator.info.width_px
        return sizes.needed(part, output, own, isinstance(generator, AnySize), beside)

    def stages(self) -> list[Expected]:
        """All that is drawn and written for the outputs, in that order, weighed by the pixels of a
        frame. Raises what models raise."""
        found, shown_before = list[Expected](), shots.Shown()
        for output in self.preset.outputs:
            pixels = 0.0
            for part, (scenes, (height, width), shown) in zip(
                self.preset.parts, self._needed(output), strict=True
            ):
                if left := shown_before.add(scenes):
                    found.append(Expected(FRAMES, left, height * width))
                scale = (shown or height) / height
                pixels += height * width * scale**2 * max(1, len(part.seeds))
            form = format_of(output.path)
            film = form is not None and form.film
            count = len(shots.played(self.preset, output)[0]) if film else 1
            found.append(Expected(form.suffix if form else "", count, pixels))
        return found

    def _generator(self, scene: Scene) -> Generator:
        model = scene.model
        if model not in self.generators:
            self.generators[model] = open_model(model, self.films.options.device)
        return self.generators[model]

    def _beside(self) -> Beside | None:
        return sizes.beside_of(self.preset, lambda scene: self._generator(scene).info.height)
