"""Every output of a preset: drawn into a journal, developed, written, given its final name."""

from collections.abc import Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import models
from latty.errors import BadData, OutputError
from latty.presets import Preset, safe_output, to_dict
from latty.presets.formats import format_of, writer_of
from latty.render import provenance, work
from latty.render.options import Allowed, Options
from latty.render.shots import played, shots, width_at
from latty.report import Report, silent
from latty.scene import Scene

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


def plan(
    preset: Preset, options: Options, own: tuple[int, int] | None = None
) -> list[dict[str, Any]]:
    """What `write` would do, one table per output, for --dry-run; draws nothing.

    size and width are height and width of one picture in px, bytes the most that disk space is
    needed for. `own`: those of the model's own pictures; None = the model is asked. Raises BadData
    for outputs that cannot be written.
    """
    rows, own = [], own or models.picture_size(preset.scene.model)
    for output, target in zip(preset.outputs, targets(preset, options), strict=True):
        size = output.size or preset.scene.size or own[0]
        width, count = width_at(size, own), len(shots(preset, output, size))
        form = format_of(output.path)
        assert form is not None  # or it were no target
        order, rate = played(preset, output)
        rows.append(
            {
                "path": str(target),
                "writer": form.writer,
                "pictures": count,
                "frames": len(order),
                "fps": round(float(rate), 3),
                "seconds": round(float(len(order) / rate), 3) if len(order) > 1 else 0,
                "size": size,
                "width": width,
                "bytes": _bytes(count, size * width, form.bytes_per_pixel),
                "model": preset.scene.model,
                "device": options.device,
                "batch": options.batch,
                "exists": target.exists(),
            }
        )
    return rows


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
    from latty.models.base import AnySize
    from latty.render.film import develop, ground, open_reel

    reels: dict[Sequence[Scene], Reel] = {}
    with work.disk_errors(works), ExitStack() as journals:
        shared = provenance.shared(preset, generator)
        for i, (one, output) in enumerate(zip(works, preset.outputs, strict=False)):
            size = output.size or preset.scene.size
            scenes = shots(preset, output, size if isinstance(generator, AnySize) else None)
            if scenes not in reels:
                key = repr(scenes) + provenance.sealed(shared, options.batches)
                made = open_reel(scenes, generator, options, one.folder / work.PICTURES, key)
                reels[scenes] = journals.enter_context(made)
            reel = reels[scenes]
            missing = len(reel) - len(reel.journal)
            height = size or generator.info.height
            width = width_at(height, (generator.info.height, generator.info.width_px))
            needed = _bytes(missing, height * width, 1.0)
            _check_space(one.target, needed, options)
            recipe = {**shared, "preset": to_dict(provenance.portable(preset, output))}
            recipe |= ground(output, generator)
            one.note(work.RECIPE, provenance.sealed(recipe, reel.batches))
            reel.finish(report)
            film = develop(preset, output, reel, size)
            comment = provenance.sealed(recipe, reel.journal.batches())
            writer_of(output).write(film, one.fresh(), output, comment, report)
            if options.sidecar:
                sidecar = works[len(preset.outputs) + i].file
                sidecar.write_text(comment + "\n", encoding="ascii")


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
    if not paths:
        raise BadData("this preset has no outputs", "add [[outputs]] with a path")
    return paths


def _bytes(count: int, area: int, per_pixel: float) -> int:
    """Disk space for pictures of `area` px: kept raw, and once more as they are written."""
    return round(count * area * (3 + per_pixel))
