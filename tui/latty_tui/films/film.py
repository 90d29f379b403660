"""Between what the studio holds and a preset file: keyframes become tracks, tracks keyframes.

    preset_of(state)     the preset that renders what the studio plays
    state_of(preset)     the state that plays what the preset renders

A preset whose moves keyframes cannot say is kept whole (`FilmSettings.source`) and played as it is;
what is then set by hand stands still. No Textual here, and nothing that a first paint waits for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from latty.errors import BadData, LattyError
from latty.presets import formats
from latty.presets.retelling import over
from latty.presets.tracks import Motion, Track
from latty.presets.values import SCHEMA, WALKS, Output, Preset
from latty.scene import Edit, Scene, Walk, to_table
from latty.stops import PLAIN, Stop, schedule
from latty_tui.films.keyframes import Tracks, followed, heard, joined, names
from latty_tui.films.times import even, shares
from latty_tui.state import FilmSettings, Said, State, idle

UNNAMED = "untitled"
MOST = 64  # keyframes that a preset is taken apart into


# From the state to a preset.


def preset_of(state: State, name: str = "") -> Preset:
    """The preset of a state. Raises BadData that names what cannot move between its keyframes."""

    name, source = name or state.name or UNNAMED, state.film.source
    known = frozenset(edit.direction for edit in _of_source(state))
    if len(state.keys) > 1:
        when = shares(state) if state.when else ()
        scene, tracks = joined(followed(state), state.film.easing, known, state.eases, when)
        if source is not None and _own_truncations(scene):  # which leave that of the file unused
            scene = replace(scene, truncation=source.scene.truncation)
    else:
        scene, tracks = _whole(state)
    rest = source or Preset(SCHEMA, name, scene)  # what the studio has no keys for stays
    seeds = rest.seeds if rest.seeds[:1] == (scene.seed,) else ()
    pins = rest.pins
    if pins is not None and rest.scene.model != scene.model:
        pins = replace(pins, model=None)
    made = replace(rest, name=name, scene=scene, tracks=tracks, seeds=seeds, pins=pins,
                   frames=1, seconds=None)  # fmt: skip
    made = replace(made, outputs=_outputs(state, name, made.plays))
    made = _lasting(made, state)
    same = (rest.scene, rest.tracks, rest.seeds) == (scene, tracks, seeds)
    return made if same else over(rest, made)


def _lasting(made: Preset, state: State) -> Preset:
    """The preset as long as the state's film; one that stands still as long as its source."""
    source = state.film.source
    if moves(made):
        film = state.film  # files say the one or the other
        return replace(made, frames=film.frames if film.seconds is None else 1,
                       seconds=film.seconds)  # fmt: skip
    if source is not None and not moves(source):
        return replace(made, frames=source.frames, seconds=source.seconds)
    return made


def _own_truncations(scene: Scene) -> bool:
    """Whether each stop of its walk says a truncation."""
    stops = scene.seed.stops if isinstance(scene.seed, Walk) else ()
    return bool(stops) and all(stop.truncation is not None for stop in stops)


def moves(preset: Preset) -> bool:
    """Whether there is anything to play: in its own scene, or in a panel."""
    return preset.plays


@lru_cache(maxsize=8)
def composed(state: State, plays: bool) -> str:
    """What is not seen of what the file renders, and what shows it; "" where all is on the screen,
    as it is while the film plays."""
    source = state.film.source
    if source is None or plays or not (source.panels or source.texts):
        return ""
    seen = f"scene below {len(source.panels)} panels" if source.panels else "without its texts"
    try:
        shows = "space shows" if moves(preset_of(state)) else "r renders"
    except LattyError:
        return ""
    return f"{seen}: {shows} all"


def jumps(state: State) -> bool:
    """Whether the film begins anew with a jump: it loops, and does not end where it began."""
    if state.film.loop != "loop":
        return False
    try:
        preset = preset_of(state)
    except LattyError:
        return False
    return any(part.moves and not part.closed for part in preset.parts)


def moving(state: State) -> list[str]:
    """What moves although there are no keyframes: as the preset says that was loaded."""
    if state.keys:
        return []
    preset = preset_of(state)
    walks = {"seed": "the seed", "noise": "the noise"}
    found = [word for key, word in walks.items() if isinstance(getattr(preset.scene, key), Walk)]
    for key, _ in preset.tracks:
        if key.startswith("edits."):
            found.append(preset.scene.edits[int(key.split(".")[1])].direction)
        elif key not in walks:
            found.append(key)
    return found or (["the panels"] if moves(preset) else [])


def _of_source(state: State) -> Sequence[Edit]:
    """Edits of the file it came from: they stay although they do nothing (a strip moves them)."""
    return state.film.source.scene.edits if state.film.source is not None else ()


def _whole(state: State) -> tuple[Scene, Tracks]:
    """The present state, and those moves of its source that nobody has touched."""
    known = {edit.direction for edit in _of_source(state)}
    edits = heard(state).edits
    kept = tuple(edit for edit in edits if edit.direction in known or not idle(edit))
    scene = replace(state.scene, edits=kept)
    if isinstance(scene.seed, Walk):
        scene = replace(scene, seed=replace(scene.seed, t=0.0))
    source = state.film.source
    if source is None or source.scene.model != scene.model:
        return scene, ()
    return scene, tuple(_followed(source, scene))


def _followed(source: Preset, scene: Scene) -> Iterator[tuple[str, Motion]]:
    """The tracks of what is as the source has it; edits may have other places in the stack."""
    old = source.scene
    place = {name: i for i, name in enumerate(names(scene.edits))}
    old_names = names(old.edits)
    for key, track in source.tracks:
        if not key.startswith("edits."):
            if getattr(old, key) == getattr(scene, key):
                yield key, track
            continue
        index = int(key.split(".")[1])
        new = place.get(old_names[index])
        if new is not None and _same_way(scene.edits[new], old.edits[index]):
            yield f"edits.{new}.{key.split('.')[2]}", track


def _same_way(edit: Edit, old: Edit) -> bool:
    bare = [replace(one, layers=None, conditions=(), within=None) for one in (edit, old)]
    return bare[0] == bare[1]


def _outputs(state: State, name: str, moving: bool) -> tuple[Output, ...]:
    """The outputs of the source where they fit, under the new name; one of our own elsewhere."""
    film, source = state.film, state.film.source
    own = Output(f"{_stem(name)}.png")
    if moving:
        own = Output(f"{_stem(name)}.gif", fps=film.fps, loop=film.loop)
    if source is None or not any(moving or not _is_movie(one) for one in source.outputs):
        return (own,)
    # A still that became a film: as we wrote it, not as somebody wanted it.
    if moving and source.outputs == (Output(f"{_stem(source.name)}.png"),):
        return (own,)
    first = _first_movie(source.outputs)
    found = []
    for output in source.outputs:
        if first is not None and _is_movie(output):
            output = replace(
                output,
                fps=output.fps if film.fps == float(first.rate) else film.fps,
                loop=output.loop if film.loop == first.loop else film.loop,
            )
        found.append(replace(output, path=_renamed(output.path, source.name, name)))
    return tuple(found)


def _is_movie(output: Output) -> bool:
    return output.path[-1:] != formats.FOLDER and formats.is_film(output.path)


def _renamed(path: str, old: str, new: str) -> str:
    stem, dot, suffix = path.rpartition(".")
    return f"{_stem(new)}{dot}{suffix}" if dot and stem == _stem(old) and old != new else path


def _stem(name: str) -> str:
    """A name as that of a file which every system takes."""
    kept = "".join(c if c.isalnum() or c in "-_ " else "-" for c in name).strip("- ")
    return kept[:80] or "picture"


# From a preset to the state.


def state_of(preset: Preset) -> State:
    """The state of a preset: with keyframes where they say the same, else with it as the source."""
    scene, easing, usual = preset.scene, _easing(preset), FilmSettings()
    first, frames = _first_movie(preset.outputs), preset.count()
    film = FilmSettings(
        frames if moves(preset) or frames > 1 else usual.frames,
        float(first.rate) if first else usual.fps,
        easing or usual.easing,
        first.loop if first else usual.loop,
        preset,
        preset.seconds if moves(preset) else None,
    )
    kept = State(scene, film=film, name=preset.name)
    if not moves(preset) or preset.seeds or easing is None or not _is_plain(scene.seed):
        return kept
    if not (times := _moments(preset)):
        return kept
    keys = tuple(_key(preset, t, i) for i, t in enumerate(times))
    begin = replace(keys[0], truncation=scene.truncation)
    bare = over(preset, replace(preset, tracks=(), frames=1, scene=begin))
    found = replace(kept, scene=keys[0], keys=keys, eases=_eases(preset, len(keys)),
                    when=_said(times), film=replace(film, source=bare))  # fmt: skip
    return found if _plays(found, preset) else kept


def _first_movie(outputs: Sequence[Output]) -> Output | None:
    return next(filter(_is_movie, outputs), None)


def _easing(preset: Preset) -> str | None:
    """The easing of all that moves, None where there are several, or moves without keys."""
    found = {track.easing if isinstance(track, Track) else None for _, track in preset.tracks}
    if isinstance(preset.scene.seed, Walk) and not found:
        return "linear"
    return found.pop() if len(found) == 1 else None


def _eases(preset: Preset, count: int) -> tuple[str, ...]:
    """The easings that single keyframes have, () for none: `_plays` sees whether they agree."""
    found = [""] * count
    seed = preset.scene.seed
    legs = [tuple(stop.easing for stop in seed.stops)] if isinstance(seed, Walk) else []
    usual = PLAIN.easing
    for each in (*legs, *(track.each for _, track in preset.tracks if isinstance(track, Track))):
        if len(each) == count:
            found = [one or ("" if name == usual and each in legs else name)
                     for one, name in zip(found, each, strict=True)]  # fmt: skip
    return (*found[:-1], "") if any(found[:-1]) else ()


def _is_plain(seed: int | Walk) -> bool:
    """Whether keyframes can say it: from one to the next, held by none, at no constant speed."""
    return isinstance(seed, int) or (
        seed == Walk(seed.seeds, seed.blend, seed.t, stops=seed.stops)
        and not any(stop.hold for stop in seed.stops)
    )


def _moments(preset: Preset) -> list[float]:
    """When keyframes may say what a preset does: wherever one of its numbers has a key, and at
    each stop of its walk. [] where there are too many, or one between two stops."""
    walk, found = preset.scene.seed, dict[float, float]()
    lists = [
        [t for t, _ in track.keys]
        for key, track in preset.tracks
        if isinstance(track, Track) and key not in WALKS
    ]
    if isinstance(walk, Walk):
        lists.append(reached(walk))
    for t in (t for times in lists for t in times):
        if found.setdefault(round(t, 9), t) != t and _is_text(t):  # seconds before a plain share
            found[round(t, 9)] = t
    between = isinstance(walk, Walk) and len(found) > len(walk.seeds)
    times, usual = [found[t] for t in sorted(found)], even(len(found))
    if not any(map(_is_text, times)) and sorted(found) == [round(t, 9) for t in usual]:
        times = [*usual]
    return times if 1 < len(times) <= MOST and not between else []


def _is_text(t: float) -> bool:
    return isinstance(getattr(t, "said", 0), str)


def reached(walk: Walk) -> list[float]:
    """When a walk reaches each of its stops, one of no constant speed."""
    circular = walk.blend == "circular"
    times = schedule(stops_of(walk), circular)[: len(walk.seeds)]
    return [start if stop.at is None else stop.at
            for (start, _), stop in zip(times, stops_of(walk), strict=True)]  # fmt: skip


def stops_of(walk: Walk) -> tuple[Stop, ...]:
    """What is said of each of its stops."""
    return walk.stops or (PLAIN,) * len(walk.seeds)


def _said(times: Sequence[float]) -> tuple[Said, ...]:
    """As they were said; () for plain shares at even intervals."""
    said = tuple(getattr(t, "said", float(t)) for t in times)
    return () if said == even(len(said)) else said


def _key(preset: Preset, t: float, index: int) -> Scene:
    scene, walk = preset.at(t), preset.scene.seed
    if not isinstance(walk, Walk):
        return scene
    passed, own = walk.seeds[index], stops_of(walk)[index].truncation
    psi = scene.truncation if own is None else own
    if isinstance(passed, int):
        return replace(scene, seed=passed, truncation=psi)
    return replace(scene, seed=0, latent=passed, truncation=psi)


def _plays(state: State, preset: Preset) -> bool:
    """Whether the keyframes play exactly what the preset does, frame for frame."""
    try:
        made = preset_of(state)
    except BadData:
        return False
    return made.times() == preset.times() and all(
        _meant(made.at(t)) == _meant(preset.at(t)) for t in preset.times()
    )


def _meant(scene: Scene) -> Scene:
    """A scene with all that is meant by the stops of its walk."""
    walk = scene.seed
    if not isinstance(walk, Walk) or not walk.stops or walk.even:
        return scene
    stops = tuple(
        replace(stop, at=round(at, 9),
                truncation=scene.truncation if stop.truncation is None else stop.truncation)
        for at, stop in zip(reached(walk), walk.stops, strict=True)
    )  # fmt: skip
    return replace(scene, seed=replace(walk, stops=stops), truncation=0.0)


# For those who write files.


def as_saved(state: State) -> State:
    """The state whose keyframes are those of its preset."""
    return replace(state, keys=followed(state))


def picture_of(state: State) -> dict[str, Any]:
    """The present picture as the table of its scene. Raises BadData where no file can say it."""
    scene = state.shown
    if isinstance(scene.seed, Walk) and scene.seed.t:
        raise BadData(
            "the picture stands on a walk, which no single picture can say",
            "go to one of its seeds, or render the film: r",
        )
    return to_table(scene)
