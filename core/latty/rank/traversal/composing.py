"""Films composed of kept pictures: as a render of the same preset would, and nothing is drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from latty.models.base import Generator
from latty.presets import Preset
from latty.presets.formats import Pixels, writer_of
from latty.rank.traversal.walk_file import KeptWalk
from latty.render import captions, provenance
from latty.render.developing import develop
from latty.render.options import Options
from latty.report import Report, silent


@dataclass(frozen=True, slots=True)
class StillReel:
    """One picture as often as a film has frames."""

    picture: Pixels
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pixels:
        return self.picture


@dataclass(frozen=True, slots=True)
class KeptReel:
    """The pictures of all pieces of one walk; each piece is read when a picture of it is wanted."""

    piece: Callable[[int], KeptWalk]
    longest: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pixels:
        number, place = divmod(index, self.longest)
        return self.piece(number)[place]


@dataclass(frozen=True, slots=True)
class KeptPart:
    """A part of a film, of pictures that are kept."""

    preset: Preset
    reel: StillReel | KeptReel
    height: int | None
    first: int = 0


def compose(preset: Preset, original: Pixels, walk: KeptReel, target: Path, comment: str,
            report: Report = silent) -> None:  # fmt: skip
    """The film of `films.film_of` as a file, its recipe inside. Raises OSError, OutputError,
    BadData for pictures that are damaged."""
    output = preset.outputs[0]
    height = output.size or original.shape[0]
    still, moving = preset.parts
    views = (
        KeptPart(still, StillReel(original, len(walk)), height),
        KeptPart(moving, walk, height),
    )
    film = develop(preset, output, views, captions.faces(preset))
    writer_of(output).write(film, target, output, comment, report)


def sealed(preset: Preset, generator: Generator, options: Options) -> str:
    """The recipe in a film. Raises Missing for a set or latents that are not there."""
    output = preset.outputs[0]
    shared = provenance.shared(preset, generator, options)
    own = provenance.of_output(preset, output, options.folder, options.spelled)
    return provenance.canonical({**shared, "frames": preset.count(output), **own})
