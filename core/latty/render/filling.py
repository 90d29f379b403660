"""The outputs of a preset filled in: drawn into a journal, developed, written."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from latty.errors import OutputError
from latty.models.base import Generator
from latty.presets import Output, Preset
from latty.presets.fonts import Faces
from latty.render import captions, provenance, work
from latty.render.budget import encode
from latty.render.developing import develop, ground
from latty.render.encoders import Encoders, Tell
from latty.render.film import Films, batched
from latty.render.options import Allowed, Options
from latty.render.views import View, Views
from latty.report import FRAMES, Report, expect

Recipe = dict[str, Any]


def fill(
    works: Sequence[work.Work],
    preset: Preset,
    options: Options,
    generator: Generator,
    report: Report,
) -> None:
    """Every output, finished, in the work folder of its place in `works`; sidecars come after all
    outputs. Outputs that show the same scenes share their pictures.

    Raises OutputError, BadData, and what models and edits raise.
    """
    with work.disk_errors(works), ExitStack() as journals:
        faces = captions.faces(preset)
        shared = provenance.shared(preset, generator, options)
        options = batched(options, generator, preset)
        made_with = provenance.sealed(shared, options.batches)
        opened = {preset.scene.model: generator}
        films = Films(options, made_with, journals)
        every = Views(preset, films, opened)
        expect(report, sorted(every.stages(), key=lambda stage: stage.what != FRAMES))
        made = list[_Made]()
        for one, output in zip(works, preset.outputs, strict=False):
            views, space = every.of(output, partial(_journal, one))
            check_space(one.target, space + every.least(output), options)
            own = provenance.of_output(preset, output, options.folder, options.spelled)
            recipe = {**shared, "frames": preset.count(output), **own}
            recipe |= ground(output, list(opened.values()))
            if options.recipe:
                provenance.check_length(recipe, one.target.name)
            one.note(work.RECIPE, provenance.sealed(recipe, views[0].reel.batches), lasting=False)
            made.append(_Made(one, output, views, recipe))
        with Encoders(report, options.tell, films.stop) as encoders:
            for each in made:
                encoders.start(partial(each.write, preset, options, faces))
            for each in made:
                for view in each.views:
                    view.reel.finish(encoders.drawing)
            encoders.finish()
        for each, beside in zip(made, works[len(made) :], strict=False):
            each.say_beside(beside)


@dataclass(slots=True)
class _Made:
    """An output that is made: where, how it is seen, its recipe, and what was chosen for it."""

    place: work.Work
    output: Output
    views: Sequence[View]
    recipe: Recipe
    chosen: Recipe = field(default_factory=dict)

    def write(
        self, preset: Preset, options: Options, faces: Faces, report: Report, tell: Tell
    ) -> None:
        """Its file, frame by frame as pictures come. Raises what writers raise."""
        film = develop(preset, self.output, self.views, faces)
        seal = partial(_sealed, self.recipe) if options.recipe else _unsealed
        path, options = self.place.fresh(), replace(options, tell=tell)
        self.chosen = encode(film, path, self.output, seal, options, report)

    def say_beside(self, sidecar: work.Work) -> None:
        """Its recipe and how its pictures were drawn, in a file of their own. Raises OSError."""
        of_file = {"sha256": provenance.digest_of_output(self.place.file)}
        recipe = _with(self.recipe, self.chosen) | of_file
        said = provenance.sealed(recipe, self.views[0].reel.drawn_in)
        sidecar.file.write_text(said + "\n", encoding="ascii")


def _journal(one: work.Work, number: int) -> Path:
    """Where the pictures of a part of the preset are drawn."""
    return one.folder / work.journal(number)


def _sealed(recipe: Recipe, chosen: Recipe) -> str:
    """The recipe inside a file."""
    return provenance.canonical(_with(recipe, chosen))


def _unsealed(_: Recipe) -> str:
    """That of a file that shall have none."""
    return ""


def _with(recipe: Recipe, chosen: Recipe) -> Recipe:
    """The recipe of a file for which something was chosen."""
    return {**recipe, "chosen": chosen} if chosen else recipe


def check_space(target: Path, needed: int, options: Options) -> None:
    """Raises OutputError where the disk may be too small."""
    if not (small := work.too_small(target, needed)):
        return
    if not options.ignore_space:
        raise OutputError(small, "free some space, or --ignore-space to try all the same")
    options.tell(Allowed("ignore-space", small))
