"""A climb as files: a GIF, numbered frames, and the latents from which their preset draws them."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from latty.latents import Latents
from latty.latents import write as write_latents
from latty.models import open_model
from latty.presets import Track
from latty.presets.values import SCHEMA, Output, Preset
from latty.render import Options, work
from latty.render.climbing import ClimbResult, Goal, climb_from
from latty.render.filling import fill
from latty.report import Report
from latty.scene import Scene


def climb_to_files(
    scene: Scene, goal: Goal, place: Path, frames: int, note: str, options: Options, report: Report
) -> tuple[list[Path], ClimbResult]:
    """Climb from a scene, and write PLACE.gif, the folder PLACE of numbered frames, and
    PLACE.safetensors, whose latent i is that of frame i and where their preset starts. `note`, what
    was asked for as JSON, is kept with the latents.

    Raises WouldOverwrite, Locked, OutputError, and what a climb and a render raise.
    """
    files = [
        place.with_name(f"{place.name}.gif"),
        place,
        place.with_name(f"{place.name}.safetensors"),
    ]
    outputs = (Output(f"{place.name}.gif", loop="bounce"), Output(f"{place.name}/", loop="once"))
    with work.publication(files, note, options.overwrite) as works:
        generator = open_model(scene.model, options.device)
        result = climb_from(scene, generator, goal, report)
        if works:
            latents, start = _latents(result, frames, note)
            with work.disk_errors(works):
                write_latents(works[2].file, latents)
            start = replace(start, latent=f"{works[2].file.absolute()}#0")
            track = Track(((0.0, 0.0), (1.0, frames - 1.0)))
            preset = Preset(
                SCHEMA, place.name, start, frames, (("latent", track),), outputs=outputs
            )
            fill(works, preset, replace(options, sidecar=False), generator, report)
    return files, result


def _latents(result: ClimbResult, frames: int, note: str) -> tuple[Latents, Scene]:
    """A latent for each frame, and the scene that draws them: z where all of it moved before the
    mapping, else codes, which are truncated already."""
    objective, scene = result.objective, replace(result.scene, seed=0)
    info, ways = objective.generator.info, evenly(result.climb.ways, frames)
    whole = len(objective.layers.indices(info.num_layers)) == info.num_layers
    known = info.name, info.family, info.digest
    with torch.no_grad():
        if objective.space == "z" and whole:
            moved = torch.cat([objective.moved(way) for way in ways])
            return Latents("z", moved, *known, notes=(note,)), scene
        moved = torch.cat([objective.codes(way) for way in ways])
    # a synthesis that reads the truncation still gets it, acting on no layer of the codes
    scene = replace(scene, cutoff=0) if info.num_classes else replace(scene, truncation=1.0)
    return Latents("w", moved, *known, notes=(note,)), scene


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
