"""`--update`: which outputs of a preset are up to date by the recipe that they hold.

One is where its recipe says the preset, and the content of the model, sets, latents, scorers, fonts
and sounds that are here, in today's layout of recipes. Threads, batches, the device and versions
are not asked: they change a rounding at most. No torch, no look at a picture.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from latty.models.store import model_file
from latty.presets import Output, Preset, contents
from latty.presets.digests import STORES
from latty.presets.formats import FOLDER, suffix_of
from latty.render import provenance, targets
from latty.render.options import Options
from latty.render.shots import played
from latty.render.work import Work


def stale(preset: Preset, options: Options) -> tuple[Preset, Options, tuple[Path, ...]]:
    """The preset with the outputs that are not up to date, which are replaced, and the files that
    are. Of these the time is renewed where what they are made of is newer: make is content then;
    what a killed render left beside them goes.

    Raises Missing, BadData, OutputError for what the preset names.
    """
    left, fresh, notes = list[Output](), list[Path](), list[str]()
    for output, path in zip(preset.outputs, targets(preset, options), strict=True):
        known = _is_fresh(preset, output, path, options) if os.path.lexists(path) else False
        if known:
            fresh.append(path)
            continue
        left.append(output)
        if known is None:
            notes.append(f"{path} holds no recipe that says what it was made of: made again")
    renewed = max((_changed(path) for path in _sources(preset, options)), default=0)
    for path in fresh:
        Work(path, options.out_dir).clear(done=True)
        if _changed(path) < renewed:
            with suppress(OSError):
                os.utime(path)
    options = replace(options, overwrite=True, notes=(*options.notes, *notes))
    return replace(preset, outputs=tuple(left)), options, tuple(fresh)


def _is_fresh(preset: Preset, output: Output, path: Path, options: Options) -> bool | None:
    """None where nothing says what a file was made of."""
    sidecar = path.with_name(path.name + ".json")
    if options.sidecar and not provenance.is_beside(sidecar, path):
        return False
    if suffix_of(output.path) == FOLDER and path.is_dir():
        count = len(played(preset, output)[0])
        if sum(1 for _ in path.glob("*.png")) != count:
            return False
    wanted = provenance.expected(preset, output, options.folder, options.spelled)
    if options.recipe:
        return provenance.is_made_of(path, wanted)
    if provenance.is_made_of(path, wanted) is not None:
        return False  # it holds a recipe, and shall have none
    return provenance.is_made_of(sidecar, wanted) and provenance.is_beside(sidecar, path)


def _sources(preset: Preset, options: Options) -> Iterator[Path]:
    """The files that a render reads."""
    if options.preset_file is not None:
        yield options.preset_file
    for kind, source in contents.sources(preset):
        path = model_file(source) if kind == "model" else None
        if kind in contents.FILES.values():
            path = Path(source).expanduser()
        if kind != "model" and kind in STORES:
            path = STORES[kind].find(source)
        if path is not None:
            yield path


def _changed(path: Path) -> int:
    """When it was last written, in ns; 0 for what cannot be looked at."""
    with suppress(OSError):
        return path.stat().st_mtime_ns
    return 0
