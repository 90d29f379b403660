"""One preset of many: found, rendered where the command line wants it, in this process or another.

`latty render` prints what is returned; nothing here speaks.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from latty import process
from latty.errors import Missing, OutputError
from latty.models import look
from latty.presets import Preset
from latty.render import targets, work, write
from latty.render.options import Allowed, Options
from latty.render.planning import evened
from latty.render.requests import RenderRequest
from latty.report import Report, silent

if TYPE_CHECKING:  # brings torch
    from latty.render.drawers import Processes


def refuse_early(model: str, files: Sequence[Path], overwrite: bool, key: str = "") -> None:
    """What would fail at the end of long work, or after torch was imported, fails now.

    Raises WouldOverwrite for a file that is there, Locked for one that another process writes,
    OutputError for a folder, and what `models.look` does.
    """
    look(model)
    work.refuse_early(files, key, overwrite)
    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write into {files[0].parent}: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Rendered:
    """What came of one preset: its files, what had to be assumed about its model, what was done
    because a switch allowed it, how long it took."""

    name: str
    model: str
    paths: tuple[Path, ...]
    notes: tuple[str, ...]
    seconds: float
    allowed: tuple[Allowed, ...] = ()


def render_one(
    preset: Preset, options: Options, report: Report = silent, pool: "Processes | None" = None
) -> Rendered:
    """Write every output of one preset, drawn by a pool where there is one. Raises what
    `latty.render.write` does."""
    begun, allowed = time.monotonic(), list[Allowed]()
    there = [path for path in targets(preset, options) if path.exists()]
    paths = write(preset, replace(options, tell=allowed.append), report, pool)
    seconds = time.monotonic() - begun
    from latty.edits.notes import assumed, foreign
    from latty.models import open_model

    preset = options.settled(preset)
    generator = open_model(preset.scene.model, options.device, preset.scene.precision)
    notes = (*options.notes, *generator.info.notes, *assumed(preset.scene, generator))
    allowed += [Allowed("anyway", one.words("the one asked for")) for one in options.differs]
    allowed += [Allowed("overwrite", f"{path} is replaced") for path in there]
    own = generator.info.height, generator.info.width_px
    allowed += [Allowed("size", words) for words in evened(preset, options, own)]
    if options.foreign:
        allowed += [Allowed("foreign", words) for words in foreign(preset.scene, generator)]
    return Rendered(preset.name, preset.scene.model, tuple(paths), notes, seconds, tuple(allowed))


def render_there(request: RenderRequest, folder: str) -> Rendered:
    """One request in a process of a pool; `folder` is where the command was given: on another
    machine it must be the same shared one. Raises Missing where it is not there, Interrupted after
    the frame in work where the pool stops."""
    if not Path(folder).is_dir():
        what = f"a machine of the cluster has no {folder}"
        raise Missing(what, "render needs a shared disk there")
    os.chdir(folder)
    preset, options = request.resolved()
    if not preset.outputs:  # made meanwhile
        return Rendered(preset.name, preset.scene.model, (), options.notes, 0.0)
    return render_one(preset, options, lambda done, total, what: process.check())
