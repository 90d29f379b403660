"""Does a scene go with its model? What the model's header and those of its directions can tell.

A preset gets here when everything it names is there. Nothing here imports torch or numpy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from latty.directions.store import resolve
from latty.errors import BadData
from latty.models.classes import label_among
from latty.models.facts import ModelFacts, model_facts
from latty.presets.together import Said
from latty.presets.tracks import Motion
from latty.presets.values import Preset
from latty.scene import AUTO, FP32, MIXING, Label, Layers, Scene
from latty.tables import words


def faults(preset: Preset) -> Iterator[Said]:
    """What this model cannot draw."""
    scene = preset.scene
    if scene.precision not in (AUTO, FP32) and model_facts(scene.model).fp32_only:
        what = f"{words.shown(scene.model)} draws in fp32 only, not in {scene.precision}"
        yield ("precision",), what, "leave it out"
    if scene.label is None:
        return
    try:
        _check_label(scene.label, model_facts(scene.model), words.shown(scene.model))
    except BadData as error:
        yield ("label",), error.message, error.hint


def doubts(preset: Preset) -> Iterator[Said]:
    """Warnings: what the model does not use, and what is beyond it."""
    if preset.held is not None:
        preset = replace(preset, scene=preset.at(0.0), tracks=())
    facts, scene = model_facts(preset.scene.model), preset.scene
    tracks: dict[str, Motion] = dict(preset.tracks)
    yield from _unused(scene, facts, tracks)
    yield from _layers(scene, facts)
    yield from _strengths(scene, tracks)


def _check_label(label: Label, facts: ModelFacts, model: str) -> None:
    """Raises BadData for what is no class, or mixture of classes, of the model."""
    count = facts.num_classes
    if count is None:
        return
    if not count:
        raise BadData(f"{model} knows no classes", "leave the label out")
    if isinstance(label, str):
        if facts.class_names:
            label_among(label, facts.class_names, count, model)
        return
    parts = ((label, 1.0),) if isinstance(label, int) else label or ()
    for index, _ in parts:
        if index >= count:
            raise BadData(f"no class {index}", f"{model} has classes 0 to {count - 1}")
    if not sum(weight for _, weight in parts):
        raise BadData("the weights of the mixture sum to 0", "give them positive weights")


def _unused(scene: Scene, facts: ModelFacts, tracks: Mapping[str, Motion]) -> Iterator[Said]:
    """Keys of the scene that change no picture."""
    if not facts.noise and scene.noise != "const":
        yield ("noise",), "means nothing for this model, which adds none", "leave it out"
    if scene.truncation == 1 and "truncation" not in tracks:
        what = "means nothing without a truncation"
        if scene.cutoff is not None:
            yield ("cutoff",), what, "add truncation, or leave it out"
        if scene.truncation_after_edits:
            yield ("truncation_after_edits",), what, "add truncation, or leave it out"


def _layers(scene: Scene, facts: ModelFacts) -> Iterator[Said]:
    """Layers that this model does not have."""
    count = facts.num_layers
    if count is None:
        return
    beyond = f"goes beyond layer {count - 1}, the model's last"
    if scene.cutoff is not None and scene.cutoff > count:
        yield ("cutoff",), f"{beyond}: truncation acts on all layers", ""
    for index, edit in enumerate(scene.edits):
        where, layers = ("edits", index, "layers"), edit.layers or Layers()
        if not layers.indices(count):
            yield where, f"{beyond}: the edit does nothing", ""
        elif max(layers.start, (layers.stop or 1) - 1) >= count:
            yield where, beyond, ""


def _strengths(scene: Scene, tracks: Mapping[str, Motion]) -> Iterator[Said]:
    """Strengths beyond those between which pictures stay pictures, as the direction's set says."""
    for index, edit in enumerate(scene.edits):
        counts = edit.unit == "sigma" and edit.mode == "relative"
        if edit.direction.startswith(MIXING) or not counts:
            continue
        _, header, number = resolve(edit.direction)
        low, high = header.infos[number].usable
        track = tracks.get(f"edits.{index}.strength")
        values = track.reach() if track else (edit.strength,)
        far = max(values, key=lambda value: max(value - high, low - value))
        if not low <= far <= high:
            what = f"{far:g} is beyond where '{words.shown(edit.direction)}' is usable"
            yield ("edits", index, "strength"), what, f"from {low:+g} to {high:+g}"
