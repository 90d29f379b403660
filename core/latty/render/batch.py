"""One preset of many: found, rendered where the command line wants it, in this process or another.

`latty render` prints what is returned; nothing here speaks.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latty.errors import LattyError, Missing, OutputError
from latty.models import look
from latty.presets import Output, Preset, fitting
from latty.presets.formats import suffix_of
from latty.render import targets, work, write
from latty.render.named import Unplaced
from latty.render.options import Allowed, Options
from latty.render.sources import read
from latty.report import Report, silent


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """A preset to be rendered.

    ref        a preset; a file, a shipped one's name, "-" for stdin, or a picture that latty made
    overrides  texts such as scene.seed=3, put over the preset
    output     one file instead of all outputs, None for these
    own_batch  the options' batch also for a picture, whose recipe has batches of its own
    """

    ref: str | Preset
    options: Options
    overrides: tuple[str, ...] = ()
    output: Path | None = None
    own_batch: bool = False

    def resolved(self) -> tuple[Preset, Options]:
        """The preset with its outputs where they are wanted. Raises what `sources.read` does."""
        source = read(self.ref, self.overrides)
        preset, options = source.preset, replace(self.options, preset_file=source.file)
        if source.batches and not self.own_batch:
            options = replace(options, batch=source.batches)
        if self.output is not None:
            suffix = suffix_of(self.output)
            same = [one for one in preset.outputs if suffix_of(one.path) == suffix]
            chosen = (same or preset.outputs or (Output(""),))[0]
            chosen = fitting(replace(chosen, path=self.output.name))
            preset = replace(preset, outputs=(chosen,))
            options = replace(options, out_dir=self.output.parent)
        return preset, options

    def asked(self) -> tuple[str, Callable[[str], str]] | None:
        """What its picture must not name by itself, in words, and what makes an override of the
        user's own; None where nothing is to be asked, or all is wrong."""
        try:
            self.resolved()
        except Unplaced as unplaced:
            return unplaced.said, unplaced.names[0].answered
        except LattyError:
            pass
        return None


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


def render_one(preset: Preset, options: Options, report: Report = silent) -> Rendered:
    """Write every output of one preset. Raises what `latty.render.write` does."""
    begun, allowed = time.monotonic(), list[Allowed]()
    there = [path for path in targets(preset, options) if path.exists()]
    paths = write(preset, replace(options, tell=allowed.append), report)
    seconds = time.monotonic() - begun
    from latty.edits.notes import assumed, foreign
    from latty.models import open_model

    generator = open_model(preset.scene.model, options.device)
    notes = (*generator.info.notes, *assumed(preset.scene, generator))
    allowed += [Allowed("overwrite", f"{path} is replaced") for path in there]
    if options.foreign:
        allowed += [Allowed("foreign", words) for words in foreign(preset.scene, generator)]
    return Rendered(preset.name, preset.scene.model, tuple(paths), notes, seconds, tuple(allowed))


def render_there(request: RenderRequest, folder: str) -> Rendered:
    """One request in a process of a pool; `folder` is where the command was given: on another
    machine it must be the same shared one. Raises Missing where it is not there."""
    if not Path(folder).is_dir():
        what = f"a machine of the cluster has no {folder}"
        raise Missing(what, "render needs a shared disk there")
    os.chdir(folder)
    return render_one(*request.resolved())
