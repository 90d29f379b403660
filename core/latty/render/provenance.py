"""The recipe of a file: everything its pictures depend on, as canonical JSON, inside the file.

What changes a rounding at most, threads and batches, stands beside the file only, in its sidecar,
with the SHA-256 of the file: the same preset gives the same bytes on machines of other sizes. It
names no user, host or absolute path: people post their pictures. Recipes that come back are
strangers' text and go through the validator of presets; where they write is never taken from them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import presets, reading
from latty.errors import BadData, Missing
from latty.presets import Output, Preset, contents, digests, sounds
from latty.render import embedded
from latty.render.options import Batches, Options, drawn_on, in_precision
from latty.render.spelling import FileNames, Known, archive_of, spelling
from latty.scene import AUTO, FP32, MIXING, references, to_table
from latty.version import __version__

if TYPE_CHECKING:  # torch takes seconds to import, and reading a recipe does not need it
    from latty.models.base import Generator

SCHEMA = 2
BESIDE = ("batches", "sha256", "threads")  # but for sha256 inside the file, too, before schema 2
LARGEST_BATCH = 4096
ANY_BATCH = 8  # pictures at once that are drawn at any size, as every render does
BATCH_AREA = 2**28  # px that a larger batch may have: memory is asked for at once
MOST_BATCHES = 1000  # stretches of one batch size: each resumed render adds one, or a few
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def canonical(recipe: Mapping[str, Any]) -> str:
    """One text for one recipe: ASCII JSON, keys sorted, no spaces."""
    return json.dumps(recipe, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def check_length(recipe: Mapping[str, Any], file: str) -> None:
    """Raises BadData for a recipe that nobody could read again out of a file of this name."""
    embedded.check_length(canonical(recipe), file)


def sealed(recipe: Mapping[str, Any], batches: Batches) -> str:
    """The text of a sidecar: a recipe whose pictures were made in these batches, with as many
    threads as now."""
    import torch

    how = {"batches": [list(batch) for batch in batches], "threads": torch.get_num_threads()}
    return canonical({**recipe, **how})


def shared(
    preset: Preset, generator: "Generator", options: Options | None = None
) -> dict[str, Any]:
    """The recipe, but for its preset and number of frames: what every output of a preset was made
    with, also what of that has other content than it should, and was used all the same.

    Raises Missing for a direction or latent that is not there.
    """
    import torch

    info, device = generator.info, generator.device
    options = options or Options()
    folder, differs = options.folder, options.differs
    return {
        **made_of(preset, folder, options.spelled),
        **({contents.ARCHIVE: packed} if (packed := archive_of(preset)) else {}),
        **({"anyway": {one.what: one.said for one in differs}} if differs else {}),
        "device": drawn_on(device),
        "latty": __version__,
        "model": {"digest": info.digest, "family": info.family, "name": info.name},
        "schema": SCHEMA,
        "seeds": list(preset.seeds),
        "torch": torch.__version__,
    }


def without_usual_precision(preset: Preset) -> Preset:
    """The preset that does not say fp32: a recipe without a precision means that."""
    return in_precision(preset, lambda one: AUTO if one.precision == FP32 else one.precision)


def portable(preset: Preset, output: Output, folder: Path = Path(), known: Known = ()) -> Preset:
    """The preset in a folder, the current one if none is said, with this output only, and every
    file spelled as recipes do.

    The output is named after the preset, so that a render from the recipe under any other name
    has the same recipe.
    """
    ending = "/" if output.path.endswith("/") else Path(output.path).suffix.lower()
    stem = re.sub(r"[^\w-]+", "-", preset.name, flags=re.ASCII).strip("-") or "picture"
    preset = without_usual_precision(replace(preset, outputs=(output,)))
    spelled = spelling(preset, folder, known)
    preset = preset.with_sounds(partial(spelled.file, "sounds"))
    panels = preset.with_panels(lambda _, scene: spelled.scene(scene)).panels
    fonts = (spelled.file("fonts", one.font) if one.font else None for one in preset.texts)
    return replace(  # its digests say what pins would
        preset,
        seconds=None if preset.seconds is None else float(preset.seconds),
        panels=tuple(replace(one, source="", alone=True, own=()) for one in panels),
        scene=spelled.scene(preset.scene),
        texts=tuple(replace(one, font=font)
                    for one, font in zip(preset.texts, fonts, strict=True)),
        outputs=tuple(replace(one, path=stem + ending) for one in preset.outputs),
        pins=None,
    )  # fmt: skip


def made_of(preset: Preset, folder: Path, known: Known = ()) -> dict[str, Any]:
    """SHA-256 of the files of all directions, latents and scorers that take part, by reference, and
    what each of its panels is made of. Raises Missing, BadData, OutputError."""
    preset = replace(preset, outputs=())
    spelled = spelling(preset, folder, known)
    panels, alike = list[dict[str, Any]](), dict[object, dict[str, Any]]()
    for part in preset.parts if preset.panels else ():
        if (kind := (part.kind, part.sounds)) not in alike:
            model = {"digest": digests.model_digest(part.scene.model)}
            alike[kind] = {"model": model, **_made_of(part, spelled)}
        panels.append(alike[kind])
    return {**_made_of(preset, spelled), **({"panels": panels} if panels else {})}


def _made_of(part: Preset, spelled: FileNames) -> dict[str, dict[str, str]]:
    """That of one scene."""
    found = dict[str, dict[str, str]]({"directions": {}})
    for _, kind, ref in references(to_table(part.scene)):
        if kind == "model" or ref.startswith(MIXING):
            continue
        content, source = contents.source_of(kind, ref)
        digits = digests.DIGESTS[content](source)
        found.setdefault(content, {})[spelled.reference(kind, ref)] = digits
        climbed = contents.scorers_of(source) if content == "directions" else {}
        for scorer, name in climbed.items():
            if digits := digests.scorer_digest(scorer):
                found.setdefault("scorers", {})[name] = digits
    for one in replace(part, outputs=(), panels=()).sounds:
        found.setdefault("sounds", {})[spelled.file("sounds", one)] = digests.sound_digest(one)
    return found


def of_output(preset: Preset, output: Output, folder: Path, known: Known = ()) -> dict[str, Any]:
    """Of the recipe what an output has by itself: its preset, and SHA-256 of the sounds and fonts
    that it takes. Raises Missing, BadData, OutputError."""
    preset = replace(preset, outputs=(output,))
    spelled = spelling(preset, folder, known)
    found: dict[str, Any] = {"preset": presets.to_dict(portable(preset, output, folder, known))}
    for kind, source in contents.of_files(preset):
        digits = digests.DIGESTS[kind](source)
        found.setdefault(kind, {})[spelled.file(kind, source)] = digits
    return found


def expected(preset: Preset, output: Output, folder: Path, known: Known = ()) -> dict[str, Any]:
    """Of the recipe that an output will have all that is known without a look at the model's
    pictures. Raises Missing, BadData, OutputError."""
    return {
        **made_of(preset, folder, known),
        **of_output(preset, output, folder, known),
        "model": digests.model_digest(preset.scene.model),
        "schema": SCHEMA,
    }


def is_made_of(path: Path, wanted: Mapping[str, Any]) -> bool | None:
    """Whether a file's recipe is as `expected`; None where it has none. Raises OutputError where
    the disk fails."""
    try:
        found = read(path)
    except (BadData, Missing):
        return None
    model = found.get("model")
    said = {**found, "model": model.get("digest") if isinstance(model, dict) else None}
    kinds = {*digests.DIGESTS, "panels", *wanted}
    return all(
        canonical({"": said.get(kind)}) == canonical({"": wanted.get(kind)}) for kind in kinds
    )


def digest_of_output(path: Path) -> str:
    """SHA-256 of a file, or of the frames in a folder, which its sidecar says. Raises OSError."""
    parts = sorted(path.glob("*.png")) if path.is_dir() else [path]
    found = [_digest(part) for part in parts]
    return sha256("".join(found).encode()).hexdigest() if path.is_dir() else found[0]


def _digest(path: Path) -> str:
    with reading.opened(path) as file:
        return file_digest(file, "sha256").hexdigest()


def is_beside(sidecar: Path, path: Path) -> bool:
    """Whether a sidecar is that of this very file, and not of another that had its name. Raises
    OSError."""
    try:
        return bool(read(sidecar).get("sha256") == digest_of_output(path))
    except (BadData, Missing, FileNotFoundError):
        return False


def read(path: Path) -> dict[str, Any]:
    """The recipe in a picture, a film, a folder of frames or a sidecar. Raises BadData, Missing,
    OutputError where the disk fails.

    Only its outer shape has been checked; `recall` makes a Preset of it.
    """
    found = embedded.document(path)
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


def recall(path: Path) -> tuple[Preset, Batches | None]:
    """The preset in a file that latty wrote, and the batches in which its pictures were drawn where
    it, or the sidecar beside it, says them: they give the last rounding again."""
    recipe = read(path)
    return recalled({**_sidecar(path, recipe), **recipe}, path.name)


def recalled(recipe: Mapping[str, Any], name: str) -> tuple[Preset, Batches | None]:
    """The same of a recipe that was read from a file of this name. Raises BadData."""
    if recipe["preset"].get("seconds") == sounds.WHOLE:  # no file is opened for a stranger's recipe
        raise BadData(f"the recipe in {name} does not say how long its film is")
    preset = presets.from_recipe(recipe["preset"], name)
    if "batches" not in recipe and recipe.get("schema") != 1:
        return preset, None
    return preset, _batches(recipe.get("batches"), name)


def fitting(preset: Preset, batches: Batches) -> Batches:
    """Batches of which none asks for more memory at once than BATCH_AREA: a file of anybody's may
    say any. Those that are cut may give other last bits."""
    size = max([preset.scene.size or 0, *(output.size or 0 for output in preset.outputs)])
    most = max(ANY_BATCH, BATCH_AREA // size**2) if size else LARGEST_BATCH
    return tuple((start, min(batch, most)) for start, batch in batches)


def _sidecar(path: Path, recipe: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the sidecar beside a file says of how it was made, if it is that of this very file."""
    try:
        beside = read(path.with_name(path.name + ".json"))
    except (BadData, Missing):
        return {}
    how = {key: beside.pop(key) for key in BESIDE if key in beside}
    return how if canonical(beside) == canonical(recipe) else {}


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
