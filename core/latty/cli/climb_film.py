"""A walk through latents as a GIF, as numbered frames, and as latents to start presets from."""

from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from latty.cli.out import to_json
from latty.config import Config
from latty.latents import Latents
from latty.latents import write as write_latents
from latty.models.base import AnySize, Generator
from latty.presets import Output
from latty.presets.formats import Pixels
from latty.render import work
from latty.render.film import LazyFrames
from latty.render.grids import fit
from latty.render.pixels import to_uint8
from latty.render.shots import play_order
from latty.render.writers import frames as folder
from latty.render.writers import gif
from latty.report import Report

if TYPE_CHECKING:
    from latty.cli.verbs.edit import Walk

FPS = 25
SAID = ("seed", "attribute", "to", "of", "keep", "identity", "space", "layers", "truncation")


def write(
    walk: "Walk",
    args: Any,
    config: Config,
    films: Sequence[Path],
    latents: Path,
    report: Report,
) -> None:
    """The GIF and the folder of frames, `films`, and the file `latents`; their final names appear
    together, at the end. Latent i is that of frame i.

    Raises WouldOverwrite, Locked, OutputError."""
    ways = evenly(walk.climb.ways, args.frames)
    with torch.no_grad():
        places = torch.cat([walk.sight.moved(way) for way in ways])
        codes = torch.cat([walk.sight.codes(way) for way in ways])
    comment = _comment(walk, args)
    works = [work.Work(path) for path in (*films, latents)]
    with ExitStack() as locks, work.disk_errors(works):
        for one in works:
            locks.enter_context(one)
        work.refuse_overwrite([*films, latents], args.force)
        pixels = _drawn(walk, codes, args.size, config.batch, report)
        for one, writer, loop in ((works[0], gif, "bounce"), (works[1], folder, "once")):
            film = LazyFrames(
                pixels.__getitem__, play_order(len(pixels), loop), Fraction(FPS), True
            )
            output = Output(one.target.name)
            writer.write(film, one.fresh(one.file), output, comment, report)
        write_latents(works[2].file, _latents(walk, places, codes, comment))
        work.publish(works, comment)


def evenly(ways: Tensor, count: int) -> Tensor:
    """`count` places (count, R) at even distances on the path through ways (T, R), both ends
    among them."""
    if len(ways) == 1:
        return ways.expand(count, -1)
    along = torch.cat([ways.new_zeros(1), ways.diff(dim=0).norm(dim=1).cumsum(0)])
    wanted = torch.linspace(0, 1, count).to(ways) * along[-1]
    right = torch.searchsorted(along, wanted).clamp(1, len(ways) - 1)
    left = right - 1
    share = (wanted - along[left]) / (along[right] - along[left]).clamp_min(1e-12)
    places = torch.lerp(ways[left], ways[right], share.clamp(0, 1)[:, None])
    places[0], places[-1] = ways[0], ways[-1]
    return places


def _drawn(
    walk: "Walk", codes: Tensor, size: int | None, batch: int, report: Report
) -> list[Pixels]:
    """Pictures (H, W, 3) of codes (F, L, D)."""
    generator: Generator = walk.generator
    if size is not None and isinstance(generator, AnySize):
        generator = generator.at_size(size)
    label = walk.sight.label
    psi = walk.sight.truncation if generator.info.num_classes else 1.0
    pictures: list[Pixels] = []
    with torch.no_grad():
        for part in torch.split(codes, batch):
            rows = None if label is None else label.expand(len(part), *label.shape[1:])
            images = generator.synthesis(part, rows, psi)
            pictures += [fit(one, size) for one in to_uint8(images)]
            report(len(pictures), len(codes), "frames")
    return pictures


def _latents(walk: "Walk", places: Tensor, codes: Tensor, comment: str) -> Latents:
    """z where all of it moved before the mapping, else codes."""
    info = walk.generator.info
    whole = len(walk.sight.layers.indices(info.num_layers)) == info.num_layers
    space, array = ("z", places) if walk.sight.space == "z" and whole else ("w", codes)
    return Latents(space, array, info.name, info.family, info.digest, notes=(comment,))  # type: ignore[arg-type]


def _comment(walk: "Walk", args: Any) -> str:
    """What was asked for: not a preset, but enough to ask again; no folder's name in it."""
    said = {name: getattr(args, name) for name in (*SAID, "step", "steps", "distance", "label")}
    said["attribute"] = Path(said["attribute"]).name if ".toml" in said["attribute"] else (
        said["attribute"])  # fmt: skip
    return to_json({"edit": {"model": Path(args.model).name, **said}})
