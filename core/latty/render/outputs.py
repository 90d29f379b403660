"""Every output of a preset: drawn into a journal, developed, written, given its final name."""

from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from latty import models
from latty.errors import BadData, OutputError
from latty.presets import Preset, safe_output, to_dict
from latty.presets.codecs import settled
from latty.presets.formats import writer_of
from latty.render import provenance, work
from latty.render.options import Allowed, Options
from latty.report import Report, silent

if TYPE_CHECKING:  # torch takes seconds to import, and a plan must not wait for it
    from latty.models.base import Generator
    from latty.render.film import Reel


def write(preset: Preset, options: Options, report: Report = silent) -> list[Path]:
    """Render every output of a preset; their final names appear together, at the end.

    The same call goes on where an interrupted one stopped. Raises WouldOverwrite and Locked
    before any work, OutputError, DeviceError, Interrupted, and what models and edits raise.
    """
    files, key = _finals(preset, options)
    with work.publication(files, key, options.overwrite, options.out_dir) as works:
        if works:
            generator = models.open_model(preset.scene.model, options.device)
            fill(works, preset, options, generator, report)
    return files[: len(preset.outputs)]


def refuse_early(preset: Preset, options: Options) -> None:
    """What would stop `write` at once, before torch is imported. Raises WouldOverwrite, Locked,
    BadData for outputs that cannot be written, and what `models.look` raises."""
    models.look(preset.scene.model)
    files, key = _finals(preset, options)
    with work.disk_errors([work.Work(file) for file in files]):
        work.refuse_early(files, key, options.overwrite, options.out_dir)


def fill(
    works: Sequence[work.Work],
    preset: Preset,
    options: Options,
    generator: "Generator",
    report: Report,
) -> None:
    """Every output, finished, in the work folder of its place in `works`; sidecars come after all
    outputs. Outputs that show the same scenes share their pictures.

    Raises OutputError, and what models and edits raise.
    """
    from latty.render.developing import develop, ground, needed
    from latty.render.film import open_reel

    reels: dict[object, Reel] = {}
    with work.disk_errors(works), ExitStack() as journals:
        shared = provenance.shared(preset, generator, options.differs)
        for i, (one, output) in enumerate(zip(works, preset.outputs, strict=False)):
            scenes, picture, size = needed(preset, output, generator)
            if scenes not in reels:
                key = repr(scenes) + provenance.sealed(shared, options.batches)
                made = open_reel(scenes, generator, options, one.folder / work.PICTURES, key)
                reels[scenes] = journals.enter_context(made)
            reel = reels[scenes]
            missing = len(reel) - len(reel.journal)
            space = bytes_needed(missing, picture[0] * picture[1], 1.0)
            _check_space(one.target, space, options)
            recipe = {**shared, "preset": to_dict(provenance.portable(preset, output))}
            recipe |= ground(output, generator)
            one.note(work.RECIPE, provenance.sealed(recipe, reel.batches), lasting=False)
            reel.finish(report)
            film = develop(preset, output, reel, size)
            comment = provenance.canonical(recipe) if options.recipe else ""
            writer_of(output).write(film, one.fresh(), output, comment, report)
            if options.sidecar:
                sidecar = works[len(preset.outputs) + i].file
                beside = provenance.sealed(recipe, reel.journal.batches())
                sidecar.write_text(beside + "\n", encoding="ascii")


def _check_space(target: Path, needed: int, options: Options) -> None:
    """Raises OutputError where the disk may be too small."""
    if not (small := work.too_small(target, needed)):
        return
    if not options.ignore_space:
        raise OutputError(small, "free some space, or --ignore-space to try all the same")
    options.tell(Allowed("ignore-space", small))


def _finals(preset: Preset, options: Options) -> tuple[list[Path], str]:
    """Every file that is written, sidecars last, and the hash of what they are made of. Raises
    BadData."""
    files = targets(preset, options)
    sidecars = [path.with_name(path.name + ".json") for path in files if options.sidecar]
    key = sha256(provenance.canonical(to_dict(preset)).encode()).hexdigest()
    return [*files, *sidecars], key


def targets(preset: Preset, options: Options) -> list[Path]:
    """Where each output goes. Raises BadData, also where two outputs have one name."""
    paths = [safe_output(o.path, options.out_dir, options.preset_file) for o in preset.outputs]
    if len(set(paths)) < len(paths):
        raise BadData("two outputs of this preset have the same name", "rename one of them")
    for output in preset.outputs:
        settled(output)
    if not paths:
        raise BadData("this preset has no outputs", "add [[outputs]] with a path")
    return paths


def bytes_needed(count: int, area: int, per_pixel: float) -> int:
    """Disk space for pictures of `area` px: kept raw, and once more as they are written."""
    return round(count * area * (3 + per_pixel))
