"""The recipe of a file: everything its bytes depend on, as canonical JSON, inside the file itself.

It names no user, host or absolute path: people post their pictures. Recipes that come back are
strangers' text and go through the validator of presets; where they write is never taken from them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

from latty import latents, presets
from latty.checkpoints.checkpoint import digest
from latty.directions.store import SETS, split
from latty.errors import BadData
from latty.files import cached
from latty.presets import Output, Preset
from latty.render.embedded import document
from latty.render.options import Batches
from latty.scene import MIXING, references, to_table
from latty.version import __version__

if TYPE_CHECKING:  # torch takes seconds to import, and reading a recipe does not need it
    from latty.models.base import Generator

SCHEMA = 1
LARGEST_BATCH = 4096
ANY_BATCH = 8  # pictures at once that are drawn at any size, as every render does
BATCH_AREA = 2**28  # px that a larger batch may have: memory is asked for at once
MOST_BATCHES = 1000  # stretches of one batch size: each resumed render adds one, or a few
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def canonical(recipe: Mapping[str, Any]) -> str:
    """One text for one recipe: ASCII JSON, keys sorted, no spaces."""
    return json.dumps(recipe, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def sealed(recipe: Mapping[str, Any], batches: Batches) -> str:
    """The text of a recipe whose pictures were made in these batches."""
    return canonical({**recipe, "batches": [list(batch) for batch in batches]})


def shared(preset: Preset, generator: "Generator") -> dict[str, Any]:
    """The recipe, but for its preset and its batches: what every output of a preset was made with.

    Raises Missing for a direction or latent that is not there.
    """
    import torch

    info, device = generator.info, generator.device
    start = _start(preset)
    return {
        **({"latents": start} if start else {}),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "directions": directions(preset),
        "frames": preset.count(),
        "latty": __version__,
        "model": {"digest": info.digest, "family": info.family, "name": info.name},
        "schema": SCHEMA,
        "seeds": list(preset.seeds),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def portable(preset: Preset, output: Output) -> Preset:
    """The preset with this output only, its name and every file reference without its folder.

    The output is named after the preset, so that a render from the recipe under any other name
    has the same recipe.
    """
    ending = "/" if output.path.endswith("/") else Path(output.path).suffix.lower()
    stem = re.sub(r"[^\w-]+", "-", preset.name, flags=re.ASCII).strip("-") or "picture"
    return replace(
        preset,
        scene=preset.scene.with_references(_public),
        outputs=(replace(output, path=stem + ending),),
    )


def _public(kind: str, ref: str) -> str:
    """A reference of a scene without the folder of its file."""
    if kind == "model":
        return _file_name(ref) if _is_private(ref) else ref
    return _without_folder(ref)


def directions(preset: Preset) -> dict[str, str]:
    """SHA-256 of the file of every direction that the preset moves along or holds, by reference."""
    found = {}
    for _, kind, ref in references(to_table(preset.scene)):
        if kind in ("direction", "move") and not ref.startswith(MIXING):
            found[_without_folder(ref)] = digest_of(SETS.find(split(ref)[0]))
    return found


def _start(preset: Preset) -> dict[str, str]:
    """SHA-256 of the file in which the scene's latent lies, by reference; {} for a seed."""
    return {
        _without_folder(ref): digest_of(latents.LATENTS.find(latents.split(ref)[0]))
        for _, kind, ref in references(to_table(preset.scene))
        if kind == "latent"
    }


@cached(64)
def digest_of(path: Path) -> str:
    """SHA-256 of a file, which is read again only where it has changed."""
    return digest(path)


def read(path: Path) -> dict[str, Any]:
    """The recipe in a picture, a film, a folder of frames or a sidecar. Raises BadData, Missing.

    Only its outer shape has been checked; `recall` makes a Preset of it.
    """
    found = document(path)
    if not isinstance(found, dict) or not isinstance(found.get("preset"), dict):
        raise BadData(f"{path.name} holds no recipe of latty")
    if _UNSAFE.search(_all_text(found)):
        raise BadData(f"the recipe in {path.name} holds control characters")
    schema = found.get("schema")
    if not isinstance(schema, int) or not 1 <= schema <= SCHEMA:
        raise BadData(
            f"the recipe in {path.name} has schema {schema!r:.40}, this latty reads {SCHEMA}",
            "upgrade latty",
        )
    return found


def recall(path: Path) -> tuple[Preset, Batches]:
    """The preset in a file that latty wrote, and the batches that give its bytes again."""
    return recalled(read(path), path.name)


def recalled(recipe: Mapping[str, Any], name: str) -> tuple[Preset, Batches]:
    """The same of a recipe that was read from a file of this name. Raises BadData."""
    preset = presets.from_recipe(recipe["preset"], name)
    return preset, _batches(recipe.get("batches"), name)


def fitting(preset: Preset, batches: Batches) -> Batches:
    """Batches of which none asks for more memory at once than BATCH_AREA: a file of anybody's may
    say any. Those that are cut may give other last bits."""
    size = max([preset.scene.size or 0, *(output.size or 0 for output in preset.outputs)])
    most = max(ANY_BATCH, BATCH_AREA // size**2) if size else LARGEST_BATCH
    return tuple((start, min(batch, most)) for start, batch in batches)


def _batches(found: object, name: str) -> Batches:
    fault = BadData(f"the recipe in {name} has no usable batches")
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_BATCHES:
        raise fault
    batches = []
    for pair in found:
        if not isinstance(pair, list) or len(pair) != 2 or {type(n) for n in pair} != {int}:
            raise fault
        batches.append((pair[0], pair[1]))
    starts = [start for start, _ in batches]
    sizes_fit = all(1 <= size <= LARGEST_BATCH for _, size in batches)
    if starts[0] != 0 or starts != sorted(set(starts)) or not sizes_fit:
        raise fault
    return tuple(batches)


def _all_text(value: object) -> str:
    """Every string in a recipe, keys included, as one."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return " ".join(_all_text(part) for pair in value.items() for part in pair)
    return " ".join(map(_all_text, value)) if isinstance(value, list) else ""


def _is_private(ref: str) -> bool:
    """Whether a reference says where somebody keeps files."""
    return ref.startswith(("~", "/", "\\")) or ".." in Path(ref).parts or ref[1:3] in (":\\", ":/")


def _file_name(ref: str) -> str:
    return PureWindowsPath(ref).name  # knows both / and \


def _without_folder(ref: str) -> str:
    """ "FOLDER/FILE#NAME" as "FILE#NAME"; other references say no folder of anybody."""
    source, mark, name = ref.rpartition("#") if "#" in ref else (ref, "", "")
    return f"{_file_name(source)}{mark}{name}" if _is_private(source) else ref
