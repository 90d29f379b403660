"""The one path from a Scene to pixels and from a Preset to files; previews take it too.

picture, pictures, frames    Scene -> codes -> synthesis -> uint8 (pixels.py)
write                        Preset -> reels of pictures -> films -> writers -> final names

shots.py       which scenes an output shows         grids.py       many pictures in one
film.py        drawn in batches, played in order    journal.py     finished pictures on disk
work.py        locks, final names, disk errors      provenance.py  the recipe in every file
embedded.py    finding it again                     palette.py     colours of a GIF
writers/       one file per format
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Any

from latty.errors import BadData, Interrupted
from latty.presets import Output, Preset, safe_output, to_dict
from latty.render import provenance, work
from latty.render.provenance import Batches
from latty.report import Report, silent
from latty.scene import Scene

if TYPE_CHECKING:  # torch takes seconds to import; Options and plans must not wait for it
    from latty.models.base import Generator
    from latty.render.film import Film, Reel
    from latty.render.grids import Pixels

__all__ = ["Options", "frames", "picture", "pictures", "plan", "write"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a preset is rendered, beside what it says itself.

    batch    pictures drawn at once; what `provenance.recall` returns gives the same bytes again
    force    overwrite, go on with a disk that may not do, apply directions of other models
    sidecar  also write the recipe to `<output>.json`; it is in every file anyway
    """

    out_dir: Path = Path("renders")
    device: str = "auto"
    force: bool = False
    batch: int | Batches = 8
    sidecar: bool = False
    preset_file: Path | None = None

    @property
    def batches(self) -> Batches:
        return ((0, self.batch),) if isinstance(self.batch, int) else self.batch


def picture(scene: Scene, device: str = "auto") -> "Pixels":
    """The picture (H, W, 3) uint8 of a scene, at the scene's size."""
    from latty.models import open_model

    drawn: Pixels = pictures([scene], open_model(scene.model, device))[0]
    return drawn


def pictures(scenes: Sequence[Scene], generator: "Generator") -> "Pixels":
    """Pictures (N, H, W, 3) uint8 of scenes of one model and one size, drawn in one batch."""
    import numpy as np

    from latty.render.grids import fit
    from latty.render.pixels import Painter, at_size

    size = scenes[0].size
    drawn = Painter(at_size(generator, size))(scenes)
    return np.stack([fit(pixels, size) for pixels in drawn])


def frames(preset: Preset, device: str = "auto", batch: int = 8) -> Iterator["Pixels"]:
    """The frames (H, W, 3) uint8 of a preset from t = 0 on, drawn while they are asked for."""
    from latty.models import open_model
    from latty.render.grids import tile
    from latty.render.shots import Shots

    generator = open_model(preset.scene.model, device)
    shots = Shots(preset, preset.times(), preset.scene.size)
    step = shots.together * max(1, batch // shots.together)
    for first in range(0, len(shots), step):
        drawn = pictures(shots[first : first + step], generator)
        for i in range(0, len(drawn), shots.together):
            yield tile(list(drawn[i : i + shots.together]))


def write(preset: Preset, options: Options, report: Report = silent) -> list[Path]:
    """Render every output of a preset; their final names appear together, at the end.

    The same call goes on where an interrupted one stopped. Raises WouldOverwrite and Locked
    before any work, OutputError, DeviceError, Interrupted, and what models and edits raise.
    """
    from latty.models import open_model

    targets = _targets(preset, options)
    files = targets + ([_sidecar(path) for path in targets] if options.sidecar else [])
    key = sha256(provenance.canonical(to_dict(preset)).encode()).hexdigest()
    works = [work.Work(path) for path in files]
    if not work.half_published(works, key):
        work.refuse_overwrite(files, options.force)
    with ExitStack() as locks, _resumable():
        with work.disk_errors(works):
            for one in works:
                locks.enter_context(one)
            if work.half_published(works, key):
                work.publish(works, key)
                return targets
        work.refuse_overwrite(files, options.force)
        generator = open_model(preset.scene.model, options.device)
        with work.disk_errors(works):
            _render(preset, options, generator, works, locks, report)
            work.publish(works, key)
    return targets


def plan(preset: Preset, options: Options) -> list[dict[str, Any]]:
    """What `write` would do, one table per output, for --dry-run; draws nothing.

    size is the height of one picture in px, bytes the most that disk space is needed for.
    """
    from latty.presets.formats import writer_of
    from latty.render.shots import play_order, shots

    rows = []
    for output, target in zip(preset.outputs, _targets(preset, options), strict=True):
        size = output.size or preset.scene.size or _own_size(preset.scene.model)
        count = len(shots(preset, output, size))
        name, writer = writer_of(output)
        played = 1 if hasattr(writer, "STILL") else len(play_order(preset.frames, output.loop))
        rows.append(
            {
                "path": str(target),
                "writer": name,
                "pictures": count,
                "frames": played,
                "fps": output.fps,
                "seconds": round(played / output.fps, 3) if played > 1 else 0,
                "size": size,
                "bytes": _bytes(count, size, writer.BYTES_PER_PIXEL),
                "model": preset.scene.model,
                "device": options.device,
                "batch": options.batch,
                "exists": target.exists(),
            }
        )
    return rows


def _render(
    preset: Preset,
    options: Options,
    generator: "Generator",
    works: Sequence[work.Work],
    locks: ExitStack,
    report: Report,
) -> None:
    """Every output, finished, in its work folder. Outputs that show the same scenes share them."""
    from latty.presets.formats import writer_of
    from latty.render.film import develop

    reels: dict[Sequence[Scene], Reel] = {}
    for i, output in enumerate(preset.outputs):
        one, (_, writer) = works[i], writer_of(output)
        size = output.size or preset.scene.size
        scenes, reel = _reel(preset, output, options, generator, one, reels, locks)
        reels[scenes] = reel
        needed = _bytes(len(reel) - len(reel.journal), size or generator.info.resolution, 1.0)
        work.refuse_small_disk(one.target, needed, options.force)
        early = provenance.recipe(preset, output, generator, reel.batches)
        one.note("recipe.json", provenance.canonical(early))
        reel.finish(report)
        film: Film = develop(preset, output, reel, size)
        made = provenance.recipe(preset, output, generator, reel.journal.batches())
        comment = provenance.canonical(made)
        writer.write(film, one.fresh(one.file), output, comment, report)
        if options.sidecar:
            works[len(preset.outputs) + i].file.write_text(comment + "\n", encoding="ascii")


def _reel(
    preset: Preset,
    output: Output,
    options: Options,
    generator: "Generator",
    one: work.Work,
    reels: "dict[Sequence[Scene], Reel]",
    locks: ExitStack,
) -> "tuple[Sequence[Scene], Reel]":
    """The scenes of an output and their reel: an earlier output's where it shows the same."""
    from latty.models.base import AnySize
    from latty.render.film import Reel
    from latty.render.journal import Journal
    from latty.render.pixels import Painter, at_size
    from latty.render.shots import shots

    size = (output.size or preset.scene.size) if isinstance(generator, AnySize) else None
    scenes = shots(preset, output, size)
    if scenes in reels:
        return scenes, reels[scenes]
    made_with = provenance.recipe(preset, output, generator, options.batches)
    del made_with["preset"]  # how the output is written does not change its pictures
    key = sha256((repr(scenes) + provenance.canonical(made_with)).encode()).hexdigest()
    journal = locks.enter_context(Journal(one.folder / "pictures", key, len(scenes)))
    painter = Painter(at_size(generator, size), options.force)
    return scenes, Reel(scenes, painter, journal, options.batches)


def _targets(preset: Preset, options: Options) -> list[Path]:
    """Where each output goes. Raises BadData, also where two outputs have one name."""
    targets = [safe_output(o.path, options.out_dir, options.preset_file) for o in preset.outputs]
    if len(set(targets)) < len(targets):
        raise BadData("two outputs of this preset have the same name", "rename one of them")
    if not targets:
        raise BadData("this preset has no outputs", "add [[outputs]] with a path")
    return targets


def _sidecar(target: Path) -> Path:
    return target.with_name(target.name + ".json")


def _own_size(model: str) -> int:
    from latty.models import open_model

    return open_model(model, "cpu").info.resolution


def _bytes(count: int, size: int, per_pixel: float) -> int:
    """Disk space for pictures of size x size px: kept raw, and once more as they are written."""
    return round(count * size * size * (3 + per_pixel))


@contextmanager
def _resumable() -> Iterator[None]:
    """An interruption says that the same command goes on where it stopped."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(SIGINT, work.RESUME) from None
    except Interrupted as stop:
        raise Interrupted(stop.exit_code - 128, stop.hint or work.RESUME) from None
