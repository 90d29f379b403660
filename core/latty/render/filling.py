"""The outputs of a preset filled in: drawn into a journal, developed, written."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from latty.models.base import Generator
from latty.presets import Preset
from latty.render import captions, drawers, provenance, work
from latty.render.drawers import Processes
from latty.render.encoders import Encoders
from latty.render.film import Films, batched
from latty.render.options import Options
from latty.render.output_files import OutputFile, check_space, recipe_of
from latty.render.views import Views, drawn_by
from latty.report import FRAMES, Report, expect


def fill(
    works: Sequence[work.Work],
    preset: Preset,
    options: Options,
    generator: Generator,
    report: Report,
    pool: Processes | None = None,
) -> None:
    """Every output, finished, in the work folder of its place in `works`; sidecars come after all
    outputs. Outputs that show the same scenes share their pictures, which the processes of a
    `pool` draw where there is one.

    Raises OutputError, BadData, and what models and edits raise.
    """
    with work.disk_errors(works), ExitStack() as journals:
        faces = captions.faces(preset)
        shared = provenance.shared(preset, generator, options)
        options = batched(options, generator, preset)
        made_with = provenance.sealed(shared, options.batches)
        opened = {drawn_by(preset.scene): generator}
        others = drawers.others(pool, preset, options, generator, made_with) if pool else None
        films = Films(options, made_with, journals, others)
        every = Views(preset, films, opened)
        expect(report, sorted(every.stages(), key=lambda stage: stage.what != FRAMES))
        made = list[OutputFile]()
        for one, output in zip(works, preset.outputs, strict=False):
            views, space = every.of(output, partial(_journal, one))
            check_space(one.target, space + every.least(output), options)
            recipe = recipe_of(preset, output, options, shared, [*opened.values()])
            if options.recipe:
                provenance.check_length(recipe, one.target.name)
            one.note(work.RECIPE, provenance.sealed(recipe, views[0].reel.batches), lasting=False)
            made.append(OutputFile(one, output, views, recipe))
        with Encoders(report, options.tell, films.stop) as encoders:
            for each in made:
                encoders.start(partial(each.write, preset, options, faces))
            for each in made:
                for view in each.views:
                    view.reel.finish(encoders.drawing)
            encoders.finish()
        sidecars = works[len(made) :] if options.sidecar else ()
        for each, beside in zip(made, sidecars, strict=False):
            each.say_beside(beside)


def _journal(one: work.Work, number: int) -> Path:
    """Where the pictures of a part of the preset are drawn."""
    return one.folder / work.journal(number)
