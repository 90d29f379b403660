"""Every output of a preset, under its final name."""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from latty import models
from latty.errors import BadData
from latty.presets import Preset, safe_output, to_dict
from latty.presets.codecs import settled
from latty.presets.formats import STREAM
from latty.render import provenance, work
from latty.render.options import Options
from latty.report import Report, silent

if TYPE_CHECKING:  # brings torch
    from latty.render.drawers import Processes


def write(
    preset: Preset, options: Options, report: Report = silent, pool: "Processes | None" = None
) -> list[Path]:
    """Render every output of a preset; their final names appear together, at the end. The
    processes of a `pool` draw its pictures, this one writes: the same bytes as without them.

    The same call goes on where an interrupted one stopped. Raises WouldOverwrite and Locked
    before any work, OutputError, DeviceError, Interrupted, and what models and edits raise.
    """
    preset = options.settled(preset)
    files, key = _finals(preset, options)
    with work.publication(files, key, options.overwrite, options.out_dir) as works:
        if works:
            from latty.render.filling import fill  # torch takes seconds to import

            scene = preset.scene
            generator = models.open_model(scene.model, options.device, scene.precision)
            fill(works, preset, options, generator, report, pool)
    return files[: len(preset.outputs)]


def refuse_early(preset: Preset, options: Options) -> None:
    """What would stop `write` at once, before torch is imported. Raises WouldOverwrite, Locked,
    BadData for outputs that cannot be written, and what `models.look` raises."""
    models.look(preset.scene.model)
    files, key = _finals(preset, options)
    with work.disk_errors([work.Work(file) for file in files]):
        work.refuse_early(files, key, options.overwrite, options.out_dir)


def _finals(preset: Preset, options: Options) -> tuple[list[Path], str]:
    """Every file that is written, sidecars last, and the hash of what they are made of. Raises
    BadData."""
    files = targets(preset, options)
    sidecars = [path.with_name(path.name + ".json") for path in files if options.sidecar]
    made = provenance.without_usual_precision(options.settled(preset))
    key = sha256(provenance.canonical(to_dict(made)).encode()).hexdigest()
    return [*files, *sidecars], key


def targets(preset: Preset, options: Options) -> list[Path]:
    """Where each output goes. Raises BadData, also where two outputs have one name, and for one
    that is a stream."""
    if any(output.path == STREAM for output in preset.outputs):
        what = (
            "output '-' is stdout: latty render writes it there, as the only output of one preset"
        )
        raise BadData(what, "name a file")
    paths = [safe_output(o.path, options.out_dir, options.preset_file) for o in preset.outputs]
    if len(set(paths)) < len(paths):
        raise BadData("two outputs of this preset have the same name", "rename one of them")
    for output in preset.outputs:
        settled(output)
    if not paths:
        raise BadData("this preset has no outputs", "add [[outputs]] with a path")
    return paths
