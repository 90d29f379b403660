"""One picture as a file, made by the engine, which has its model in memory already."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latty.errors import BadData, WouldOverwrite
from latty.jobs.engine.cache import ModelCache
from latty.models.facts import wished
from latty.presets import Output, Preset
from latty.presets.values import SCHEMA
from latty.render import Options, write
from latty.scene import from_table

MOST = 10_000  # pictures of one name


def export(scene: Mapping[str, Any], stem: str, folder: str, cache: ModelCache) -> str:
    """Write a scene as STEM.png, or STEM-2.png and so on where that is there, with the recipe
    inside; its path. Raises what latty.render.write does."""
    found = from_table(scene)
    if not found.is_finite:
        raise BadData("the scene holds a number that is not finite", "type another value")
    for number in range(1, MOST):
        name = stem if number == 1 else f"{stem}-{number}"
        if (Path(folder) / f"{name}.png").exists():
            continue
        preset = Preset(SCHEMA, name[:100], found, outputs=(Output(f"{name}.png"),))
        try:
            options = Options(
                Path(folder), str(cache.device), precision=wished(found.model, cache.precision)
            )
            return str(write(preset, options)[0])
        except WouldOverwrite:  # somebody else has just written it
            continue
    raise WouldOverwrite(
        f"{folder} holds {MOST} pictures of this name", "save the preset as another"
    )
