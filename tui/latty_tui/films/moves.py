"""The keys of a film as its track shows them, and what is done to one: keyframes, and the keys of a
preset that is kept whole, which lie in its tracks and its walk.

A key of a whole preset is a moment at which one of its numbers has a key, or its walk a stop.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from latty import presets
from latty.errors import BadData, LattyError
from latty.presets import Preset
from latty.presets.retelling import over, retold
from latty.presets.tracks import Motion, Track
from latty.presets.values import WALKS
from latty.scene import Walk
from latty.stops import schedule
from latty_tui.films import film, keyframes, times
from latty_tui.state import Said, State

FEWEST = 2  # keys that move something
NEAR = 1e-9  # of a film: two keys that are nearer to each other are one


class TrackKey(NamedTuple):
    """A key on the track: when it is, as a share of the film and as it is said; `easing` how a
    keyframe goes on, "" = as the film."""

    share: float
    said: Said
    easing: str = ""


@lru_cache(maxsize=8)
def marks(state: State) -> tuple[TrackKey, ...]:
    """Every key of the film, in order; () where nothing moves, or keyframes make no film."""
    if state.keys:
        eases = state.eases or ("",) * len(state.keys)
        found = zip(times.shares(state), times.times_of(state), eases, strict=True)
        return tuple(TrackKey(*one) for one in found)
    try:
        preset = film.preset_of(state)
    except LattyError:
        return ()
    return tuple(TrackKey(float(t), getattr(t, "said", float(t))) for t in _moments(preset))


def _moments(preset: Preset) -> list[float]:
    found: dict[int, float] = {}
    lists = [[t for t, _ in track.keys] for _, track in _keyed(preset)]
    if (walk := _stopped(preset)) is not None:
        lists.append(film.reached(walk))
    for t in (t for one in lists for t in one):
        found.setdefault(round(t / NEAR), t)
    return [found[place] for place in sorted(found)]


def _keyed(preset: Preset) -> list[tuple[str, Track]]:
    """The tracks whose keys stand at moments of the film, with what they move."""
    return [
        (key, track)
        for key, track in preset.tracks
        if isinstance(track, Track) and key not in (*WALKS, "latent")
    ]


def _stopped(preset: Preset) -> Walk | None:
    """The walk whose stops stand at moments of the film: neither a drift nor one whose pace is
    moved or constant."""
    walk = preset.scene.seed
    fixed = isinstance(walk, Walk) and not walk.even and walk.around is None
    return walk if isinstance(walk, Walk) and fixed and "seed" not in dict(preset.tracks) else None


class Between(NamedTuple):
    """A place between two keyframes: the state there, the number that a keyframe would have, and
    when all would be then."""

    state: State
    at: int
    when: tuple[Said, ...]


def between(state: State, moment: float) -> Between:
    """A moment of the film, as a share, between its keyframes. Raises BadData as
    `film.preset_of`."""
    found, when = marks(state), times.times_of(state)
    at = sum(one.share < moment for one in found)
    there = keyframes.arrived(state, film.preset_of(state).at(moment))
    like = found[max(0, at - 1)].said if found else 0.0
    said = times.spelled(moment, like, times.line_of(state.film))
    return Between(there, at, (*when[:at], said, *when[at:]))


def words(state: State, at: int) -> str:
    """When a key is, as it is typed."""
    return times.words(marks(state)[at].said)


# What is done to one.


def later(state: State, at: int, by: int) -> State:
    """The state whose key `at` is some steps of its own unit later: in a film of seconds one that
    is a plain share counts seconds. Raises BadData as `retimed`."""
    one, line = marks(state)[at], times.line_of(state.film)
    plain = not isinstance(one.said, str) and state.film.seconds is not None
    said = times.spelled(one.share, "0s", line) if plain else one.said
    return retimed(state, at, times.later(said, by, line))


def retimed(state: State, at: int, said: Said) -> State:
    """The state whose key `at` is at another time. Raises BadData where that is none, or beyond
    its neighbours."""
    if state.keys:
        when = list(times.times_of(state))
        when[at] = said
        return times.timed(state, when)
    t = times.moment(said, film.preset_of(state).line)
    return _changed(state, at, lambda key: (t, key[1]), lambda stop: replace(stop, at=t))


def eased(state: State, at: int, easing: str) -> State:
    """The state that goes on from key `at` by an easing, "" = as the film, or as its tracks."""
    if state.keys:
        return keyframes.eased_key(state, at, easing)
    found = _changed(
        state, at, lambda key: key, lambda stop: replace(stop, easing=easing or "linear")
    )
    preset, share = film.preset_of(found), marks(state)[at].share

    def on(track: Track) -> Track:
        each = [*(track.each or ("",) * len(track.keys))]
        each = [easing if abs(t - share) < NEAR else name
                for (t, _), name in zip(track.keys, each, strict=True)]  # fmt: skip
        return replace(track, each=tuple(each) if any(each) else ())

    keyed = {key: on(track) for key, track in _keyed(preset)}
    return _with(found, preset, keyed, None)


def without(state: State, at: int) -> State:
    """The state without key `at`. Raises BadData where a number or a walk would be left with too
    few to move."""
    if state.keys:
        return keyframes.without_key(state, at)
    preset, share = film.preset_of(state), marks(state)[at].share
    found: dict[str, Track] = {}
    for name, track in _keyed(preset):
        kept = [i for i, (t, _) in enumerate(track.keys) if abs(t - share) >= NEAR]
        if len(kept) < len(track.keys):
            if len(kept) < FEWEST:
                raise BadData(f"{name} has no more than {FEWEST} keys", "e edits the file")
            each = tuple(track.each[i] for i in kept) if track.each else ()
            found[name] = replace(track, keys=tuple(track.keys[i] for i in kept), each=each)
    walk = _stopped(preset)
    if walk is not None:
        reached, stops = film.reached(walk), film.stops_of(walk)
        kept = [i for i, t in enumerate(reached) if abs(t - share) >= NEAR]
        if len(kept) == len(reached):
            walk = None
        elif len(kept) < FEWEST:
            raise BadData(f"the walk has no more than {FEWEST} stops", "e edits the file")
        else:  # those between stay when they are, the new ends are at the ends
            left = tuple(replace(stops[i], at=None if i in (kept[0], kept[-1]) else reached[i])
                         for i in kept)  # fmt: skip
            walk = replace(walk, seeds=tuple(walk.seeds[i] for i in kept), stops=left)
    return _with(state, preset, found, walk)


def numbers(state: State, at: int) -> list[tuple[str, float]]:
    """What a key of a preset that is kept whole says: what moves, and its value there."""
    share = marks(state)[at].share
    return [(name, value) for name, track in _keyed(film.preset_of(state))
            for t, value in track.keys if abs(t - share) < NEAR]  # fmt: skip


def valued(state: State, at: int, name: str, value: float) -> State:
    """The state whose key `at` says another value of one number. Raises BadData for one that no
    preset may say."""
    preset, share = film.preset_of(state), marks(state)[at].share
    track = dict(_keyed(preset))[name]
    keys = tuple((t, value if abs(t - share) < NEAR else old) for t, old in track.keys)
    found = _with(state, preset, {name: replace(track, keys=keys)}, None)
    source = found.film.source
    if source is not None and share < NEAR:  # where the film begins is where the scene stands
        scene = source.scene.with_number(name, value)
        found = replace(found, film=replace(found.film, source=replace(source, scene=scene)))
        found = replace(found, scene=found.scene.with_number(_place(found, source, name), value))
    presets.from_dict(presets.to_dict(film.preset_of(found).of_one_piece), preset.name)
    return found


def _place(state: State, source: Preset, name: str) -> str:
    """A number of the source by its place on the screen, where edits may have other places."""
    if not name.startswith("edits."):
        return name
    _, index, rest = name.split(".")
    wanted = keyframes.names(source.scene.edits)[int(index)]
    return f"edits.{keyframes.names(state.scene.edits).index(wanted)}.{rest}"


def _changed(
    state: State, at: int, key: Callable[[tuple[float, float]], tuple[float, float]],
    stop: Callable[[Any], Any],
) -> State:  # fmt: skip
    """The state whose source has other keys and stops at one of its moments."""
    preset, share = film.preset_of(state), marks(state)[at].share
    found: dict[str, Track] = {}
    for name, track in _keyed(preset):
        keys = tuple(key(one) if abs(one[0] - share) < NEAR else one for one in track.keys)
        if any(after[0] <= before[0] for before, after in pairwise(keys)):
            raise BadData("it would pass another key", "their times must rise")
        found[name] = replace(track, keys=keys)
    walk = _stopped(preset)
    if walk is not None:
        stops = tuple(
            stop(one) if abs(t - share) < NEAR else one
            for t, one in zip(film.reached(walk), film.stops_of(walk), strict=True)
        )
        try:
            schedule(stops, walk.blend == "circular")
        except ValueError as error:
            raise BadData(str(error), "their times must rise") from None
        walk = walk if stops == film.stops_of(walk) else replace(walk, stops=stops)
    return _with(state, preset, found, walk)


def _with(state: State, preset: Preset, keyed: Mapping[str, Track], walk: Walk | None) -> State:
    """The state whose source is this preset, with other tracks and another walk."""
    tracks: list[tuple[str, Motion]] = [(key, keyed.get(key, one)) for key, one in preset.tracks]
    seed = preset.scene.seed if walk is None else walk
    source = replace(preset, tracks=tuple(tracks), scene=replace(preset.scene, seed=seed))
    return _on_walk(replace(state, film=replace(state.film, source=source)), seed)


def _on_walk(state: State, seed: int | Walk) -> State:
    """The state at the same place of another walk, where it stands on one."""
    now = state.scene.seed
    if state.keys or not isinstance(now, Walk) or not isinstance(seed, Walk):
        return state
    return state.with_scene(seed=replace(seed, t=now.t))


# Another length.


def stretched(state: State, **changes: Any) -> State:
    """The state with other settings of its film: what says its time in seconds or beats stays
    there, shares stay shares. Raises BadData, PresetError where one would lie beyond the end."""
    after = replace(state, film=replace(state.film, **changes))
    if after.when:
        times.shares(after)
    source = state.film.source
    if source is None or after.film.lasts == state.film.lasts:
        return after
    told = {"seconds": after.film.lasts, "frames": None, "outputs": None}
    found = retold(film.preset_of(state), told)
    if state.keys:
        found = over(found, replace(found, scene=source.scene, tracks=()))
    found = replace(found, frames=source.frames, seconds=source.seconds, outputs=source.outputs)
    return _on_walk(replace(after, film=replace(after.film, source=found)), found.scene.seed)
