"""Between the two shapes: what a file says (tables) and what the program uses (values)."""

import re
from dataclasses import fields
from typing import Any

from latty.presets import words
from latty.presets.values import SCHEMA, Output, Preset, Track
from latty.scene import Edit, Label, Layers, Scene, Walk

FRAMES = 60  # of a preset that moves and does not say how many

Table = dict[str, Any]  # a validated part of a file


def to_preset(table: Table, file: str) -> Preset:
    """The values of a validated table; `file` lends its name where the table has none."""
    scene, tracks = _scene(table["scene"])
    seed = table["scene"]["seed"]
    moves = bool(tracks) or isinstance(scene.seed, Walk)
    return Preset(
        schema=SCHEMA,
        name=table.get("name") or _stem(file),
        scene=scene,
        frames=table.get("frames") or (FRAMES if moves else 1),
        tracks=tuple(tracks.items()),
        seeds=tuple(seed) if isinstance(seed, list) else (),
        outputs=tuple(Output(**output) for output in table.get("outputs", [])),
    )


def _stem(file: str) -> str:
    name = file.rpartition("/")[2].rpartition(".")[0]
    return words.shown(name)[:100] or "preset"


def _scene(table: Table) -> tuple[Scene, dict[str, Track]]:
    tracks: dict[str, Track] = {}

    def number(key: str, value: float | Table) -> float:
        """The value at t = 0; what moves goes to the tracks."""
        if isinstance(value, int | float):
            return float(value)
        tracks[key] = _track(value)
        return tracks[key].at(0.0)

    def edit(index: int, one: Table) -> Edit:
        strength = number(f"edits.{index}.strength", one["strength"])
        layers = Layers.parse(one["layers"]) if "layers" in one else None
        conditions = tuple(one.get("conditions", ()))
        return Edit(one["direction"], strength, layers, one["mode"], one["unit"], conditions)

    scene = Scene(
        model=table["model"],
        seed=_seed(table["seed"], tracks),
        truncation=number("truncation", table["truncation"]),
        cutoff=round(number("cutoff", table["cutoff"])) if "cutoff" in table else None,
        label=_label(table.get("label")),
        noise=table["noise"],
        edits=tuple(edit(index, one) for index, one in enumerate(table.get("edits", []))),
        size=table.get("size"),
        truncation_after_edits=table["truncation_after_edits"],
        latent=_latent(table.get("latent"), tracks),
        locks=tuple(table.get("locks", ())),
    )
    return scene, tracks


def _track(table: Table) -> Track:
    keys = table.get("keys") or [(0, table["from"]), (1, table["to"])]
    return Track(tuple((float(t), float(value)) for t, value in keys), table["easing"])


def _seed(seed: int | list[int] | Table, tracks: dict[str, Track]) -> int | Walk:
    if isinstance(seed, int):
        return seed
    if isinstance(seed, list):
        return seed[0]
    if seed["easing"] != "linear":
        tracks["seed"] = Track(((0.0, 0.0), (1.0, 1.0)), seed["easing"])
    return Walk(tuple(seed["walk"]), seed["blend"])


def latents_between(ref: str) -> tuple[str, int, int] | None:
    """ "FILE#3-59" as (FILE, 3, 59): a film from one stored latent to the next; None for others."""
    found = re.fullmatch(r"(.+)#(\d{1,9})-(\d{1,9})", ref, re.ASCII)
    return (found[1], int(found[2]), int(found[3])) if found else None


def _latent(ref: str | None, tracks: dict[str, Track]) -> str | None:
    between = latents_between(ref) if ref is not None else None
    if between is None:
        return ref
    source, first, last = between
    tracks["latent"] = Track(((0.0, first), (1.0, last)))
    return f"{source}#{first}"


def _label(label: int | str | list[list[float]] | None) -> Label:
    if isinstance(label, list):
        return tuple((int(index), float(weight)) for index, weight in label)
    return label


def to_dict(preset: Preset) -> dict[str, Any]:
    """A preset as a file says it, keys in canonical order, defaults left out."""
    data: dict[str, Any] = {"schema": SCHEMA, "name": preset.name, "frames": preset.frames}
    data["scene"] = _scene_dict(preset)
    if preset.outputs:
        data["outputs"] = [_changed(output) for output in preset.outputs]
    return data


def _changed(value: Output | Scene) -> dict[str, Any]:
    """The fields that differ from their default."""
    pairs = ((field, getattr(value, field.name)) for field in fields(value))
    return {field.name: _tidy(it) for field, it in pairs if it != field.default}


def _scene_dict(preset: Preset) -> dict[str, Any]:
    scene, tracks = preset.scene, dict(preset.tracks)
    data = _changed(scene)
    if isinstance(scene.seed, Walk):
        data["seed"] = _walk_dict(scene.seed, tracks.get("seed"))
    if preset.seeds:
        data["seed"] = list(preset.seeds)
    if scene.locks:
        data["locks"] = list(scene.locks)
    if isinstance(scene.label, tuple):
        data["label"] = [[index, _tidy(weight)] for index, weight in scene.label]
    for key in ("truncation", "cutoff"):
        if key in tracks:
            data[key] = _track_dict(tracks[key])
    if "latent" in tracks and scene.latent is not None:
        first, last = (round(value) for _, value in tracks["latent"].keys)
        data["latent"] = f"{scene.latent.rpartition('#')[0]}#{first}-{last}"
    order = [field.name for field in fields(scene) if field.name != "edits"]
    data = {key: data[key] for key in order if key in data}
    if scene.edits:
        data["edits"] = [
            _edit_dict(edit, tracks.get(f"edits.{index}.strength"))
            for index, edit in enumerate(scene.edits)
        ]
    return data


def _edit_dict(edit: Edit, track: Track | None) -> dict[str, Any]:
    data: dict[str, Any] = {"direction": edit.direction}
    data["strength"] = _track_dict(track) if track else _tidy(edit.strength)
    if edit.layers is not None:
        data["layers"] = str(edit.layers)
    if edit.mode != "relative":
        data["mode"] = edit.mode
    if edit.unit != "sigma":
        data["unit"] = edit.unit
    if edit.conditions:
        data["conditions"] = list(edit.conditions)
    return data


def _track_dict(track: Track) -> dict[str, Any]:
    moments = [t for t, _ in track.keys]
    if moments == [0, 1]:
        data: dict[str, Any] = dict(
            zip(("from", "to"), (_tidy(v) for _, v in track.keys), strict=True)
        )
    else:
        data = {"keys": [[_tidy(t), _tidy(value)] for t, value in track.keys]}
    return data if track.easing == "linear" else {**data, "easing": track.easing}


def _walk_dict(walk: Walk, track: Track | None) -> dict[str, Any]:
    data: dict[str, Any] = {"walk": list(walk.seeds)}
    if walk.blend != "slerp":
        data["blend"] = walk.blend
    return {**data, "easing": track.easing} if track else data


def _tidy(value: Any) -> Any:
    """3.0 is written 3; every other value stays as it is."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value
