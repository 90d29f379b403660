"""The outputs of a preset filled in: drawn into a journal, developed, written."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from latty.errors import OutputError
from latty.models.base import Generator
from latty.presets import Preset
from latty.render import captions, provenance, work
from latty.render.budget import encode
from latty.render.developing import develop, ground
from latty.render.film import Films, batched
from latty.render.options import Allowed, Options
from latty.render.views import Views
from latty.report import Report, expect

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
        every = Views(preset, Films(options, made_with, journals), opened)
        expect(report, every.stages())
        for i, (one, output) in enumerate(zip(works, preset.outputs, strict=False)):
            views, space = every.of(output, partial(_journal, one))
            check_space(one.target, space + every.least(output), options)
            own = provenance.of_output(preset, output, options.folder, options.spelled)
            recipe = {**shared, "frames": preset.count(output), **own}
            recipe |= ground(output, list(opened.values()))
            if options.recipe:
                provenance.check_length(recipe, one.target.name)
            reel = views[0].reel
            one.note(work.RECIPE, provenance.sealed(recipe, reel.batches), lasting=False)
            for view in views:
                view.reel.finish(report)
            film = develop(preset, output, views, faces)
            seal = partial(_sealed, recipe) if options.recipe else _unsealed
            chosen = encode(film, one.fresh(), output, seal, options, report)
            if options.sidecar:
                sidecar = works[len(preset.outputs) + i].file
                of_file = {"sha256": provenance.digest_of_output(one.file)}
                beside = provenance.sealed(_with(recipe, chosen) | of_file, reel.drawn_in)
                sidecar.write_text(beside + "\n", encoding="ascii")


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
