"""Between the two shapes: what a file says (tables) and what the program uses (values)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from latty.presets.moments import FRAMES, TimeLine
from latty.presets.pins import Pins
from latty.presets.shape import Path
from latty.presets.texts import Caption
from latty.presets.tracks import Motion, Track
from latty.presets.values import SCHEMA, Output, Preset
from latty.scene import Edit, Scene, Walk
from latty.tables.rules import keys_of
from latty.tables.words import shown

Table = dict[str, Any]  # a part of a file, as its rule gave it


def to_preset(table: Table, file: str) -> Preset:
    """The values of a checked table; `file` lends its name where the table has none."""
    said = dict(table["scene"])
    seed = said["seed"]
    tracks: dict[str, Motion] = {}
    if isinstance(seed, Path):
        said["seed"] = seed.walk
        if seed.easing != "linear":
            tracks["seed"] = Track(((0.0, 0.0), (1.0, 1.0)), seed.easing)
    elif isinstance(seed, tuple):
        said["seed"] = seed[0]
    scene = Scene(**_still(said, "", tracks))
    for key, track in tracks.items():
        scene = scene if key == "seed" else scene.with_number(key, track.at(0.0))
    if (between := latents_between(scene.latent or "")) is not None:
        source, first, last = between
        tracks["latent"] = Track(((0.0, first), (1.0, last)))
        scene = replace(scene, latent=f"{source}#{first}")
    moves = bool(tracks) or isinstance(scene.seed, Walk)
    return Preset(
        schema=SCHEMA,
        name=table.get("name") or stem_of(file),
        scene=scene,
        frames=table.get("frames") or (FRAMES if moves and "seconds" not in table else 1),
        tracks=tuple(tracks.items()),
        seeds=seed if isinstance(seed, tuple) and not isinstance(seed, Path) else (),
        outputs=table["outputs"],
        seconds=table.get("seconds"),
        bpm=table.get("bpm"),
        pins=table.get("pins"),
        texts=table["text"],
    )


def stem_of(file: str) -> str:
    """What a preset is called that has no name of its own: its file."""
    name = file.rpartition("/")[2].rpartition(".")[0]
    return shown(name)[:100] or "preset"


def _still(table: Table, where: str, tracks: dict[str, Motion]) -> Table:
    """The values without what moves, which goes to the tracks."""
    moving = {name: value for name, value in table.items() if isinstance(value, Motion)}
    tracks |= {where + name: value for name, value in moving.items()}
    found = {name: value for name, value in table.items() if name not in moving}
    if "edits" in found:
        edits = (_still(one, f"edits.{i}.", tracks) for i, one in enumerate(found["edits"]))
        found["edits"] = tuple(Edit(**edit) for edit in edits)
    return found


def latents_between(ref: str) -> tuple[str, int, int] | None:
    """ "FILE#3-59" as (FILE, 3, 59): a film from one stored latent to the next; None for others."""
    found = re.fullmatch(r"(.+)#(\d{1,9})-(\d{1,9})", ref, re.ASCII)
    return (found[1], int(found[2]), int(found[3])) if found else None


def to_dict(preset: Preset) -> Table:
    """A preset as a file says it, keys in canonical order, defaults left out."""
    data: Table = {"schema": SCHEMA, "name": preset.name}
    data |= {"frames": preset.frames} if preset.seconds is None else {"seconds": preset.seconds}
    data |= {} if preset.bpm is None else {"bpm": preset.bpm}
    data = {key: _tidy(value) for key, value in data.items()}
    line, scene = preset.line, preset.scene
    tracks = {key: _tidy_table(track.table(line)) for key, track in preset.tracks}
    # The file of its latents may know a truncation, which is taken where none is said.
    said = ("truncation",) if scene.latent is not None else ()
    data["scene"] = _written(scene, tracks, said, seed=_seed(preset), latent=_latent(preset))
    if scene.edits:
        data["scene"]["edits"] = [
            _written(edit, tracks, where=f"edits.{i}.") for i, edit in enumerate(scene.edits)
        ]
    if preset.texts:
        data["text"] = [_caption(caption, line) for caption in preset.texts]
    if preset.outputs:
        data["outputs"] = [_written(output, {}) for output in preset.outputs]
    if preset.pins is not None:
        data["pins"] = _pins(preset.pins)
    return data


def _pins(pins: Pins) -> Table:
    tables = {kind: dict(getattr(pins, kind)) for kind in ("directions", "latents", "scorers")}
    kept: Table = {kind: found for kind, found in tables.items() if found}
    return kept if pins.model is None else {"model": pins.model, **kept}


def _caption(caption: Caption, line: TimeLine) -> Table:
    """A text; its times as they were said."""
    start, end = line.written(caption.start), line.written(caption.end)
    return _written(caption, {}, start=start, end=end, fade=line.written(caption.fade, "length"))


def _written(
    made: Scene | Edit | Output | Caption,
    tracks: Mapping[str, Table],
    said: tuple[str, ...] = (),
    where: str = "",
    **instead: Any,
) -> Table:
    """The keys whose value is not as usual, and those of `said`; but for the edits of a scene."""
    data = {}
    for name, key in keys_of(type(made)).items():
        value = instead.get(name, getattr(made, name))
        if key.facts.get("moves") and where + name in tracks:
            data[name] = tracks[where + name]
        elif name != "edits" and (value != key.default or key.facts.get("always") or name in said):
            data[name] = _tidy(key.facts.get("written", _same)(value))
    return data


def _same(value: Any) -> Any:
    return value


def _seed(preset: Preset) -> int | list[int] | Table:
    seed, track = preset.scene.seed, dict(preset.tracks).get("seed")
    if preset.seeds:
        return list(preset.seeds)
    if isinstance(seed, int):
        return seed
    data: Table = {"walk": list(seed.seeds)}
    if seed.blend != "slerp":
        data["blend"] = seed.blend
    return {**data, "easing": track.easing} if isinstance(track, Track) else data


def _latent(preset: Preset) -> str | None:
    latent, track = preset.scene.latent, dict(preset.tracks).get("latent")
    if not isinstance(track, Track) or latent is None:
        return latent
    first, last = (round(value) for _, value in track.keys)
    return f"{latent.rpartition('#')[0]}#{first}-{last}"


def _tidy_table(table: Table) -> Table:
    return {key: _tidy(value) for key, value in table.items()}


def _tidy(value: Any) -> Any:
    """3.0 is written 3 and a tuple as a list; every other value stays as it is."""
    if isinstance(value, tuple):
        return [_tidy(one) for one in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return int(value) if whole else value
