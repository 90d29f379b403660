"""What validation cannot see: do the models and directions exist, and does every key do something.

Names come from file headers alone: nothing here imports torch or numpy.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import LattyError, Missing, Problem, did_you_mean
from core.presets import reading, words
from core.presets.convert import to_preset
from core.presets.reading import Source
from core.presets.values import Preset
from core.scene import SEED_LIMIT, Walk

MOVIES = (".gif", ".mp4", ".webm", ".webp")
VIDEOS = (".mp4", ".webm")
READ_BY = {  # output key -> the suffixes whose writers read it
    "fps": MOVIES,
    "loop": MOVIES,
    "crf": VIDEOS,
    "chroma": VIDEOS,
    "quality": (".webp",),
    "dither": (".gif",),
    "encoder": (".mp4",),
    "layout": (".png",),
    "rows": (".png",),
    "columns": (".png",),
    "span": (".png",),
}


def check(source: str | Path) -> list[str]:
    """Warnings, as `file:line:col: key: what`; raises PresetError with every fault."""
    loaded = reading.load(source)
    preset = to_preset(reading.accepted(loaded, _references(loaded)), loaded.file)
    warnings = [*_unused(loaded), *_whole(loaded, preset), *_for_model(loaded, preset)]
    return [warning.format(loaded.file) for warning in warnings]


def _references(source: Source) -> Iterator[Problem]:
    """Models and directions that are not there; the data may be anything."""
    scene = source.data.get("scene")
    if not isinstance(scene, dict):
        return
    model, edits = scene.get("model"), scene.get("edits")
    if isinstance(model, str) and (fault := _fault(_find_model, model)):
        yield source.problem(("scene", "model"), *fault)
    for index, edit in enumerate(edits if isinstance(edits, list) else []):
        ref = edit.get("direction") if isinstance(edit, dict) else None
        if isinstance(ref, str) and (fault := _fault(_find_direction, ref)):
            yield source.problem(("scene", "edits", index, "direction"), *fault)


def _fault(find: Any, ref: str) -> tuple[str, str] | None:
    if words.unsafe_character(ref) or not ref:
        return None  # the validator has told
    try:
        find(ref)
    except LattyError as error:
        return error.message, error.hint
    return None


def _find_model(ref: str) -> None:
    from core.models._names import WITHOUT_FILE, model_file, model_names

    if model_file(ref) is None and ref not in WITHOUT_FILE and ref not in model_names():
        raise Missing(f"no model '{words.shown(ref)}'", did_you_mean(ref, model_names()))


def _find_direction(ref: str) -> None:
    """Raises Missing, BadData unless it is "seed:N" or names a direction that is there."""
    from core.directions._names import resolve

    kind, _, seed = ref.partition(":")
    if kind != "seed":
        resolve(ref)
    elif not (seed.isascii() and seed.isdecimal() and len(seed) < 11 and int(seed) < SEED_LIMIT):
        raise Missing(f"'{words.shown(ref)}' names no seed", 'write for example "seed:42"')


def _unused(source: Source) -> Iterator[Problem]:
    """Keys that the writer of their output does not read."""
    for index, output in enumerate(source.data.get("outputs", [])):
        suffix = PurePosixPath(output["path"]).suffix.lower()
        suffix = "/" if output["path"].endswith("/") else suffix
        for key in output:
            if suffix not in READ_BY.get(key, (suffix,)):
                yield source.problem(("outputs", index, key), f"means nothing for {suffix}")


def _whole(source: Source, preset: Preset) -> Iterator[Problem]:
    """What is legal and probably not meant."""
    if "schema" not in source.data:
        yield source.problem((), "no schema number, read as 1", "add: schema = 1")
    if not preset.outputs:
        yield source.problem(
            (), "no [[outputs]]: nothing to render", "add one, or name one with -o"
        )
    moves = bool(preset.tracks) or isinstance(preset.scene.seed, Walk)
    if moves and preset.frames == 1:
        yield source.problem(("frames",), "is 1: nothing will be seen to move")
    for index, output in enumerate(preset.outputs):
        if output.layout == "strip" and not preset.scene.edits:
            yield source.problem(("outputs", index, "layout"), "is a strip of edits: there is none")


def _for_model(source: Source, preset: Preset) -> Iterator[Problem]:
    """Directions made for another model, and layers beyond this one's last."""
    from core.directions._names import resolve

    model, count = preset.scene.model, _layer_count(preset.scene.model)
    for index, edit in enumerate(preset.scene.edits):
        where = ("scene", "edits", index)
        made_for = "" if edit.direction.startswith("seed:") else resolve(edit.direction)[1].model
        if made_for and made_for != Path(model).stem:
            what = f"was made for model '{words.shown(made_for)}', this is '{words.shown(model)}'"
            yield source.problem((*where, "direction"), what)
        last = max(edit.layers.start, (edit.layers.stop or 1) - 1) if edit.layers else 0
        if count and last >= count:
            what = f"goes beyond layer {count - 1}, the model's last"
            yield source.problem((*where, "layers"), what)


def _layer_count(model: str) -> int:
    """L of a model's codes where its header says so, 0 elsewhere."""
    from core.checkpoints.safetensors import read_header
    from core.models._names import model_file

    file = model_file(model)
    if file is None or file.suffix != ".safetensors":
        return 0
    count = read_header(file).meta.get("num_layers", "")
    return int(count) if count.isascii() and count.isdecimal() and len(count) < 5 else 0
