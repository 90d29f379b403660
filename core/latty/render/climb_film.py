"""A climb as files: a GIF, numbered frames, and the latents from which their preset draws them."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from latty.latents import SCORES, Latents, Space
from latty.latents import write as write_latents
from latty.models import open_model
from latty.models.base import ModelInfo
from latty.presets import Track
from latty.presets.texts import Caption
from latty.presets.values import SCHEMA, Output, Preset
from latty.render import work
from latty.render.climbing import ClimbResult, Goal, climb_from
from latty.render.filling import fill
from latty.render.options import ClimbFilm, Options
from latty.report import Report
from latty.scene import Scene

LEGIBLE = 10  # px of a line of words, at least
ROOMY = 128  # px of the shorter side from which words beside a number hide nothing
ACROSS = 10  # pictures in a row of a strip, until they are more than as many rows


@dataclass(frozen=True, slots=True, eq=False)
class Climbed:
    """A climb that is written: its files, and the score of each frame."""

    files: list[Path]
    result: ClimbResult
    scores: list[float]


def climb_to_files(
    scene: Scene,
    goal: Goal,
    place: Path,
    film: ClimbFilm,
    note: str,
    options: Options,
    report: Report,
) -> Climbed:
    """Climb from a scene, and write the files of a film of it, which start at its latents. `note`,
    what was asked for as JSON, is kept with the latents.

    Raises WouldOverwrite, Locked, OutputError, and what a climb and a render raise.
    """
    files = film.files(place)
    options = replace(options, sidecar=False)
    with work.publication(files, note, options.overwrite) as works:
        scene = options.settled_scene(scene)
        generator = open_model(scene.model, options.device, scene.precision)
        result = climb_from(scene, generator, goal, report, options.foreign)
        climb = result.climb
        ways = climb.ways if film.frames is None else evenly(climb.ways[climb.forward], film.frames)
        scores = result.scores.tolist() if film.frames is None else result.scored(ways)
        if works:
            latents, start = _latents(result, ways, scores, goal.attribute, note)
            with work.disk_errors(works):
                write_latents(works[-1].file, latents)
            start = replace(start, latent=f"{works[-1].file.absolute()}#0")
            words = _captions(goal.attribute, scene.size or generator.info.height, generator.info)
            preset = _preset(place.name, start, len(ways), words if film.captions else ())
            fill(works[:2], preset, options, generator, report)
            if film.every:
                fill(works[2:], _strip(preset, film.every), options, generator, report)
    return Climbed(files, result, scores)


def _captions(attribute: str, height: int, info: ModelInfo) -> tuple[Caption, ...]:
    """The score over frames of that height, large enough to be read; what is scored, where there
    is room."""
    shorter = min(height, height * info.width_px / info.height)
    words = attribute.rpartition("/")[2].replace("{", "{{").replace("}", "}}")
    usual = Caption(f"{words} {{score:.2f}}" if shorter >= ROOMY else "{score:.2f}")
    return (replace(usual, size=min(1.0, max(usual.size, LEGIBLE / shorter))),)


def _preset(name: str, start: Scene, frames: int, texts: tuple[Caption, ...]) -> Preset:
    outputs = (Output(f"{name}.gif", loop="bounce"), Output(f"{name}/", loop="once"))
    track = Track(((0.0, 0.0), (1.0, frames - 1.0)))
    tracks = (("latent", track),)
    return Preset(SCHEMA, name, start, frames, tracks, outputs=outputs, texts=texts)


def _strip(preset: Preset, every: int) -> Preset:
    """Frames at even distances of at most so many, the first and the last among them, each over
    its score."""
    shown = math.ceil((preset.frames - 1) / every) + 1
    columns = max(min(shown, ACROSS), math.isqrt(shown - 1) + 1)
    output = Output(f"{preset.name}.png", columns=columns)
    return replace(preset, frames=shown, outputs=(output,), texts=())


def _latents(
    result: ClimbResult, ways: Tensor, scores: list[float], attribute: str, note: str
) -> tuple[Latents, Scene]:
    """A latent for each place on the way (T, R) with its score, and the scene that draws them: z
    where all of it moved before the mapping, else codes, which are truncated already."""
    objective, scene = result.objective, replace(result.scene, seed=0)
    info = objective.generator.info
    whole = len(objective.layers.indices(info.num_layers)) == info.num_layers
    space: Space = "z" if objective.space == "z" and whole else "w"
    with torch.no_grad():
        moved = torch.cat(
            [objective.moved(way) if space == "z" else objective.codes(way) for way in ways]
        )
    if space == "w":
        # a synthesis that reads the truncation still gets it, acting on no layer of the codes
        scene = replace(scene, cutoff=0) if info.num_classes else replace(scene, truncation=1.0)
    known = info.name, info.family, info.digest
    facts = (("attribute", attribute), ("unit", result.unit), (SCORES, tuple(scores)))
    return Latents(space, moved, *known, notes=(note,), params=facts), scene


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
