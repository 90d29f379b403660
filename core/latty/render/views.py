"""The parts of a preset, its one scene or its panels, as an output shows them: models that are
opened once, reels that outputs share."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from latty.errors import BadData
from latty.models import open_model
from latty.models.base import AnySize, Generator
from latty.presets import Output, Preset
from latty.render import shots, sizes
from latty.render.film import Reel, open_reel
from latty.render.options import Options
from latty.render.sizes import Beside
from latty.scene import Scene


@dataclass(frozen=True, slots=True)
class View:
    """A part of a preset as it is shown: its reel, and the height of its pictures in px."""

    preset: Preset
    reel: Reel
    height: int | None


@dataclass(slots=True)
class Views:
    """Makes the views of each output of a preset.

    made_with  what its pictures depend on beside their scenes: another text draws them again
    journals   closes them
    """

    preset: Preset
    options: Options
    made_with: str
    journals: ExitStack
    generators: dict[str, Generator]
    _reels: dict[object, Reel] = field(default_factory=dict)

    def of(self, output: Output, place: Path) -> tuple[list[View], int]:
        """A view for each part, and bytes of disk for what is not drawn yet. Reels are new files
        beside `place`, and of that name. Raises what models raise."""
        found, space = [], 0
        for number, part in enumerate(self.preset.parts):
            generator = self._generator(part.scene)
            scenes, picture, height = _needed(part, output, generator, self._beside())
            if scenes not in self._reels:
                path = place.with_name(place.name + (f"-{number}" if number else ""))
                key = repr(scenes) + self.made_with
                made = open_reel(scenes, generator, self.options, path, key)
                self._reels[scenes] = self.journals.enter_context(made)
            reel = self._reels[scenes]
            found.append(View(part, reel, height))
            missing = len(reel) - len(reel.journal)
            space += sizes.bytes_needed(missing, picture[0] * picture[1], 1.0)
        return found, space

    def _generator(self, scene: Scene) -> Generator:
        model = scene.model
        if model not in self.generators:
            self.generators[model] = open_model(model, self.options.device)
        return self.generators[model]

    def _beside(self) -> Beside | None:
        return sizes.beside_of(self.preset, lambda scene: self._generator(scene).info.height)


def _needed(
    preset: Preset,
    output: Output,
    generator: Generator,
    beside: sizes.Beside | None = None,
) -> tuple[Sequence[Scene], tuple[int, int], int | None]:
    """The scenes of an output, height and width in px as they are drawn, and the height at which
    they are shown (None: as they are drawn). Raises BadData for a grid that moves nothing."""
    own = generator.info.height, generator.info.width_px
    heights = sizes.heights(preset, output, own, beside)
    if beside and output.layout != "frames":
        raise BadData(f"a {output.layout} has no panels", "leave [[panels]] out, or layout")
    free = isinstance(generator, AnySize)
    scenes = shots.shots(preset, sizes.seen_of(output, beside), heights.drawn if free else None)
    height = (heights.drawn if free else None) or own[0]
    return scenes, (height, sizes.width_at(height, own)), heights.shown
