"""Between the two shapes: what a file says (tables) and what the program uses (values)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from latty.presets.moments import FRAMES, TimeLine
from latty.presets.pins import PINNED, Pins
from latty.presets.shape import Path
from latty.presets.texts import Caption
from latty.presets.tracks import Motion, Track
from latty.presets.tracks.following import Following
from latty.presets.tracks.noise import Wander
from latty.presets.values import SCHEMA, WALKS, Output, PanelPace, Preset, ScenePanel
from latty.scene import Edit, Scene, Walk, latents_between
from latty.stops import PLAIN, Stop
from latty.tables.rules import keys_of
from latty.tables.words import shown

Table = dict[str, Any]  # a part of a file, as its rule gave it
PACED = ("seconds", "loop")  # keys of a panel that say how it plays
HELD = "at"  # the one that says that it does not
STILL = (int, float, str, bool, tuple, type(None))  # a look at a protocol takes longer
USUAL = {name: key.default for name, key in keys_of(Scene).items() if not key.required}


def to_preset(table: Table, file: str) -> Preset:
    """The values of a checked table; `file` lends its name where the table has none."""
    scene, tracks, seeds = _scene(table["scene"])
    made = Preset(
        schema=SCHEMA,
        name=table.get("name") or stem_of(file),
        scene=scene,
        frames=table.get("frames") or 1,
        tracks=tracks,
        seeds=seeds,
        outputs=table["outputs"],
        seconds=table.get("seconds"),
        bpm=table.get("bpm"),
        pins=table.get("pins"),
        texts=table["text"],
    )
    panels = tuple(_panel(one, table["scene"], made) for one in table["panels"])
    moves = made.moves or any(panel.preset.moves for panel in panels)
    counted = "frames" in table or "seconds" in table or not moves
    made = replace(made, panels=panels)
    return made if counted else made.lasting(FRAMES)


def _panel(said: Table, usual: Table, whole: Preset) -> ScenePanel:
    """A panel: its own keys, or a file's scene, over those of the preset's scene."""
    own = {name: value for name, value in said.items() if name in keys_of(Scene)}
    beneath = {} if said["alone"] else usual
    scene, tracks, seeds = _scene({**USUAL, **said.get("scene", beneath), **own})
    bare = replace(whole, pins=None, texts=())
    own_length = said.get("seconds") or said.get("lasts")
    pace = own_length and PanelPace(
        own_length, whole.duration, said.get("loop") or said.get("loops", "loop")
    )
    part = replace(bare, scene=scene, tracks=tracks, seeds=seeds, pace=pace or None,
                   held=said.get("at"))  # fmt: skip
    kept = tuple(name for name in (*PACED, HELD, *keys_of(Scene)) if name in said)
    return ScenePanel(part, said["title"], said["preset"], said["alone"],
                      kept if said["preset"] else ())  # fmt: skip


def _scene(table: Table) -> tuple[Scene, tuple[tuple[str, Motion], ...], tuple[int, ...]]:
    """A scene, what moves in it, and the seeds of a list."""
    said = dict(table)
    seed = said["seed"]
    tracks: dict[str, Motion] = {}
    if isinstance(seed, Path):
        said["seed"] = seed.walk
        tracks |= _pace("seed", seed)
    elif isinstance(seed, tuple):
        said["seed"] = seed[0]
    if isinstance(noise := said["noise"], Path):
        said["noise"] = noise.walk
        tracks |= _pace("noise", noise)
    scene = Scene(**_still(said, "", tracks))
    for key, track in tracks.items():
        if key not in WALKS:
            scene = scene.with_number(key, _first(track))
    if (between := latents_between(scene.latent or "")) is not None:
        source, first, last = between
        tracks["latent"] = Track(((0.0, first), (1.0, last)))
        scene = replace(scene, latent=f"{source}#{first}")
    several = seed if isinstance(seed, tuple) and not isinstance(seed, Path) else ()
    return scene, tuple(tracks.items()), several


def _first(track: Motion) -> float:
    """The value at the beginning; of a sound, which is not listened to here, in silence."""
    return track.low if isinstance(track, Following) else track.at(0.0)


def _pace(key: str, path: Path) -> dict[str, Motion]:
    """How the place on a walk moves, where it does not move evenly."""
    if isinstance(path.pace, str):
        straight = path.pace == "linear"
        return {} if straight else {key: Track(((0.0, 0.0), (1.0, 1.0)), path.pace)}
    return {key: path.pace}


def stem_of(file: str) -> str:
    """What a preset is called that has no name of its own: its file."""
    name = file.rpartition("/")[2].rpartition(".")[0]
    return shown(name)[:100] or "preset"


def _still(table: Table, where: str, tracks: dict[str, Motion]) -> Table:
    """The values without what moves, which goes to the tracks."""
    moving = {name: value for name, value in table.items()
              if type(value) not in STILL and isinstance(value, Motion)}  # fmt: skip
    tracks |= {where + name: value for name, value in moving.items()}
    found = {name: value for name, value in table.items() if name not in moving}
    if "edits" in found:
        edits = (_still(one, f"edits.{i}.", tracks) for i, one in enumerate(found["edits"]))
        found["edits"] = tuple(Edit(**edit) for edit in edits)
    return found


def to_dict(preset: Preset) -> Table:
    """A preset as a file says it, keys in canonical order, defaults left out."""
    data: Table = {"schema": SCHEMA, "name": preset.name}
    data |= (
        {"frames": preset.frames}
        if preset.seconds is None
        else {"seconds": getattr(preset.seconds, "said", preset.seconds)}
    )
    data |= {} if preset.bpm is None else {"bpm": preset.bpm}
    data = {key: _tidy(value) for key, value in data.items()}
    line = preset.line
    data["scene"] = _scene_table(preset, line)
    if preset.panels:
        data["panels"] = [_panel_table(one, data["scene"], line) for one in preset.panels]
    if preset.texts:
        data["text"] = [_caption(caption, line) for caption in preset.texts]
    if preset.outputs:
        data["outputs"] = [_written(output, {}) for output in preset.outputs]
    if preset.pins is not None:
        data["pins"] = _pins(preset.pins)
    return data


def _panel_table(panel: ScenePanel, usual: Table, line: TimeLine) -> Table:
    """A panel; of a scene's keys only those that are not the preset's own."""
    data: Table = {"title": panel.title} if panel.title else {}
    paced, pace = dict[str, Any](), panel.preset.pace
    if pace is not None:
        paced = dict(zip(PACED, (_tidy(pace.seconds), pace.loop), strict=True))
        if not panel.source or "seconds" in panel.own:
            line = replace(line, seconds=pace.seconds)
    if panel.preset.held is not None:
        paced[HELD] = _tidy(line.written(panel.preset.held))
    own = _scene_table(panel.preset, line)
    if panel.source:
        said = _usual(panel.own) | own | paced
        return data | {"preset": panel.source} | {name: said[name] for name in panel.own
                                                  if name in said}  # fmt: skip
    data |= paced
    if panel.alone:
        return data | {"alone": True} | own
    data |= {name: value for name, value in own.items() if usual.get(name) != value}
    return data | _usual(name for name in usual if name not in own)


def _usual(names: Iterable[str]) -> Table:
    """What a panel says of keys of a scene that are as usual in it, and not beneath it."""
    found = {name: _tidy(USUAL.get(name)) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _scene_table(preset: Preset, line: TimeLine) -> Table:
    """A scene with its tracks, edits last."""
    scene = preset.scene
    tracks = {key: _tidy_table(track.table(line)) for key, track in preset.tracks}
    # The file of its latents may know a truncation, which is taken where none is said.
    said = ("truncation",) if scene.latent is not None else ()
    instead = {"seed": _seed(preset), "latent": _latent(preset), "noise": _noise(preset)}
    data = _written(scene, tracks, said, **instead)
    if scene.edits:
        data["edits"] = [
            _written(edit, tracks, where=f"edits.{i}.") for i, edit in enumerate(scene.edits)
        ]
    return data


def _pins(pins: Pins) -> Table:
    tables = {kind: dict(getattr(pins, kind)) for kind in PINNED}
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
    seed = preset.scene.seed
    if preset.seeds:
        return list(preset.seeds)
    return seed if isinstance(seed, int) else _walk(seed, "seed", "slerp", preset)


def _noise(preset: Preset) -> Any:
    noise = preset.scene.noise
    return _walk(noise, "noise", "circular", preset) if isinstance(noise, Walk) else noise


def _walk(seed: Walk, key: str, usual: str, preset: Preset) -> Table:
    """A walk as a file says it, or the noise that made it."""
    track = dict(preset.tracks).get(key)
    if isinstance(track, Wander):
        return _tidy_table(track.table(preset.line))
    stops = seed.stops or (PLAIN,) * len(seed.seeds)
    data: Table = {
        "walk": [_stop(*one, preset.line) for one in zip(seed.seeds, stops, strict=True)]
    }
    if seed.blend != usual:
        data["blend"] = seed.blend
    data |= {"even": True} if seed.even else {}
    return {**data, "easing": track.easing} if isinstance(track, Track) else data


def _stop(passed: int | str, stop: Stop, line: TimeLine) -> int | str | Table:
    """A stop of a walk: as a table where more is said of it than what is passed."""
    said = {
        name: value
        for name, key in keys_of(Stop).items()
        if (value := getattr(stop, name)) != key.default
    }
    if "at" in said:
        said["at"] = line.written(stop.at or 0.0)
    if "hold" in said:
        said["hold"] = line.written(stop.hold, "length")
    named = {"seed" if isinstance(passed, int) else "latent": passed}
    return _tidy_table({**named, **said}) if said else passed


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
