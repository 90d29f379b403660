"""One output of a preset while it is made: its recipe, its file, what stands beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from latty.errors import OutputError
from latty.models.base import Generator
from latty.presets import Output, Preset
from latty.presets.fonts import Faces
from latty.render import provenance, work
from latty.render.budget import encode
from latty.render.developing import develop, ground
from latty.render.encoders import Tell
from latty.render.options import Allowed, Options
from latty.render.views import View
from latty.report import Report

Recipe = dict[str, Any]


def check_space(target: Path, needed: int, options: Options) -> None:
    """Raises OutputError where the disk may be too small."""
    if not (small := work.too_small(target, needed)):
        return
    if not options.ignore_space:
        raise OutputError(small, "free some space, or --ignore-space to try all the same")
    options.tell(Allowed("ignore-space", small))


def recipe_of(
    preset: Preset,
    output: Output,
    options: Options,
    shared: Mapping[str, Any],
    generators: Sequence[Generator],
) -> Recipe:
    """The recipe of an output, of which outputs of one preset share some. Raises what
    `provenance.of_output` does."""
    own = provenance.of_output(preset, output, options.folder, options.spelled)
    return {**shared, "frames": preset.count(output), **own, **ground(output, generators)}


@dataclass(slots=True)
class OutputFile:
    """An output that is made: where, how it is seen, its recipe, and what was chosen for it."""

    place: work.Work
    output: Output
    views: Sequence[View]
    recipe: Recipe
    chosen: Recipe = field(default_factory=dict)

    def write(
        self, preset: Preset, options: Options, faces: Faces, report: Report, tell: Tell
    ) -> None:
        """Its file, frame by frame as pictures come; no half of it stays. Raises what writers
        raise."""
        film = develop(preset, self.output, self.views, faces)
        seal = partial(_sealed, self.recipe) if options.recipe else _unsealed
        path, options = self.place.fresh(), replace(options, tell=tell)
        try:
            self.chosen = encode(film, path, self.output, seal, options, report)
        except BaseException:
            self.place.drop()
            raise

    def say_beside(self, sidecar: work.Work) -> None:
        """Its recipe and how its pictures were drawn, in a file of their own. Raises OSError."""
        of_file = {"sha256": provenance.digest_of_output(self.place.file)}
        recipe = _with(self.recipe, self.chosen) | of_file
        said = provenance.sealed(recipe, self.views[0].reel.drawn_in)
        sidecar.file.write_text(said + "\n", encoding="ascii")


def _sealed(recipe: Recipe, chosen: Recipe) -> str:
    """The recipe inside a file."""
    return provenance.canonical(_with(recipe, chosen))


def _unsealed(_: Recipe) -> str:
    """That of a file that shall have none."""
    return ""


def _with(recipe: Recipe, chosen: Recipe) -> Recipe:
    """The recipe of a file for which something was chosen."""
    return {**recipe, "chosen": chosen} if chosen else recipe
