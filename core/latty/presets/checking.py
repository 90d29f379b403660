"""What validation cannot see: do the models and directions exist, and does every key do something.

Names come from file headers alone: nothing here imports torch or numpy.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from latty.checkpoints.safetensors import read_header
from latty.directions.store import resolve
from latty.errors import LattyError, Missing, Problem
from latty.models.store import model_file
from latty.presets import codecs, reading, together
from latty.presets.convert import latents_between, to_preset
from latty.presets.reading import PresetFile
from latty.presets.values import Preset
from latty.scene import SEED_LIMIT, Walk, references
from latty.tables import words

Find = Callable[[str], object]  # raises LattyError for a reference that leads nowhere

ALWAYS = {  # keys of an output that every format may have
    "path", "size", "captions", "width", "height", "fit", "scale", "background", "gap", "margin",
    "columns",
}  # fmt: skip


def check(source: str | Path) -> list[str]:
    """Warnings, as `file:line:col: key: what`; raises PresetError with every fault."""
    loaded = reading.load(source)
    preset = to_preset(reading.accepted(loaded, _references(loaded)), loaded.file)
    loaded.refuse([*together.faults(loaded, preset)])
    checks = (_whole, together.for_other_models, _beyond)
    warnings = [*_unused(loaded), *(one for find in checks for one in find(loaded, preset))]
    return [warning.format(loaded.file) for warning in warnings]


def _references(source: PresetFile) -> Iterator[Problem]:
    """Models, directions and latents that are not there; the data may be anything."""
    for path, kind, ref in references(source.data.get("scene")):
        if isinstance(ref, str) and (fault := _fault(FIND[kind], ref)):
            yield source.problem(("scene", *path), *fault)


def _fault(find: Find, ref: str) -> tuple[str, str] | None:
    if words.unsafe_character(ref) or not ref:
        return None  # the validator has told
    try:
        find(ref)
    except LattyError as error:
        return error.message, error.hint
    return None


def _find_move(ref: str) -> None:
    """Raises Missing, BadData unless it is "seed:N" or names a direction that is there."""
    kind, _, seed = ref.partition(":")
    if kind != "seed":
        resolve(ref)
    elif not (seed.isascii() and seed.isdecimal() and len(seed) < 11 and int(seed) < SEED_LIMIT):
        raise Missing(f"'{words.shown(ref)}' names no seed", 'write for example "seed:42"')


def _find_latent(ref: str) -> None:
    """Raises Missing, BadData unless there is a latent of that number or name, or of each end of
    a range."""
    from latty import latents

    found, between = latents.look(ref), latents_between(ref)
    for which in between[1:] if between else [latents.split(ref)[2]]:
        found.index(str(which))


FIND: dict[str, Find] = {  # what a field of a scene refers to -> who looks it up
    "model": model_file,
    "move": _find_move,
    "direction": resolve,
    "latent": _find_latent,
}


def _unused(source: PresetFile) -> Iterator[Problem]:
    """Keys that the writer of their output does not read."""
    for index, output in enumerate(source.data.get("outputs", [])):
        for key, form in codecs.unread(output):
            if key not in ALWAYS:
                yield source.problem(("outputs", index, key), f"means nothing for {form}")


def _whole(source: PresetFile, preset: Preset) -> Iterator[Problem]:
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
    if preset.scene.latent is not None and (preset.seeds or preset.scene.seed != 0):
        yield source.problem(("scene", "seed"), "is not used: the scene starts at its latent")
    for index, output in enumerate(preset.outputs):
        if output.layout == "strip" and not preset.scene.edits:
            yield source.problem(("outputs", index, "layout"), "is a strip of edits: there is none")


def _beyond(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Layers beyond the model's last."""
    count = _layer_count(preset.scene.model)
    for index, edit in enumerate(preset.scene.edits):
        last = max(edit.layers.start, (edit.layers.stop or 1) - 1) if edit.layers else 0
        if count and last >= count:
            what = f"goes beyond layer {count - 1}, the model's last"
            yield source.problem(("scene", "edits", index, "layers"), what)


def _layer_count(model: str) -> int:
    """L of a model's codes where its header says so, 0 elsewhere."""
    file = model_file(model)
    if file is None or file.suffix != ".safetensors":
        return 0
    count = read_header(file).meta.get("num_layers", "")
    return int(count) if count.isascii() and count.isdecimal() and len(count) < 5 else 0
