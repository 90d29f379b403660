"""Keyframes: scenes at even intervals, and the tracks that lead from each to the next.

Strengths, truncation and cutoff go from one to the next, eased; seeds that differ become a walk.
All else cannot move: keyframes that differ in it are an error. Pure functions, no Textual.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from latty.errors import BadData
from latty.presets.tracks import Motion, Track
from latty.scene import Edit, Scene, Walk
from latty_tui.state import State, idle

Tracks = tuple[tuple[str, Motion], ...]
Name = tuple[str, int]  # a direction, and the how manieth edit along it

SAME = {
    "model": "the model",
    "label": "the class",
    "noise": "the noise",
    "size": "the size",
    "latent": "the latent they start at",
    "locks": "the locks",
    "truncation_after_edits": "whether truncation comes after the edits",
}
SAME_EDIT = {"layers": "the layers", "mode": "the mode", "unit": "the unit",
             "conditions": "the conditions"}  # fmt: skip
HINT = "strengths, truncation and seeds can move; make the rest the same in every keyframe"


def joined(
    keys: Sequence[Scene], easing: str = "smooth", known: frozenset[str] = frozenset()
) -> tuple[Scene, Tracks]:
    """The first of two or more keyframes, and how numbers go from it to the others; edits along
    directions that are not `known` are left out where they never do anything.

    Raises BadData that names what cannot move between them.
    """
    for field, words in SAME.items():
        _agree([getattr(key, field) for key in keys], words)
    rows = [dict(zip(names(key.edits), key.edits, strict=True)) for key in keys]
    order = _order(keys, known)
    edits = [[_edit(rows, i, name) for i in range(len(rows))] for name in order]
    scene = replace(keys[0], edits=tuple(row[0] for row in edits), seed=_seed(keys))
    numbers: dict[str, list[Any]] = {
        "truncation": [key.truncation for key in keys],
        "cutoff": _cutoffs(keys),
    }
    numbers |= {f"edits.{i}.strength": [e.strength for e in row] for i, row in enumerate(edits)}
    pace = easing if isinstance(scene.seed, Walk) and len(keys) == 2 else "linear"
    return scene, _tracks(numbers, easing, pace)


def _tracks(numbers: dict[str, list[Any]], easing: str, pace: str) -> Tracks:
    """A track for each number that changes, and for the pace of a walk. The easing of a walk is
    that of its whole way, which between more than two seeds would miss those in the middle."""

    tracks: list[tuple[str, Motion]] = (
        [] if pace == "linear" else [("seed", Track(((0.0, 0.0), (1.0, 1.0)), pace))]
    )
    for key, values in numbers.items():
        if len(set(values)) > 1:
            last = len(values) - 1
            pairs = tuple((i / last, float(value)) for i, value in enumerate(values))
            tracks.append((key, Track(pairs, easing)))
    return tuple(tracks)


def _seed(keys: Sequence[Scene]) -> int | Walk:
    seeds = []
    for i, key in enumerate(keys):
        if isinstance(key.seed, Walk):
            raise BadData(f"keyframe {i + 1} stands on a walk", "give it a seed of its own")
        seeds.append(key.seed)
    if keys[0].latent is not None or len(set(seeds)) == 1:
        return seeds[0]
    return Walk(tuple(seeds))


def _cutoffs(keys: Sequence[Scene]) -> list[int | None]:
    """Layers, or None throughout."""
    found = [key.cutoff for key in keys]
    if None in found:
        _agree(found, "the cutoff")
    return found


def _agree(values: Sequence[object], words: str) -> None:
    for i, value in enumerate(values):
        if value != values[0]:
            raise BadData(
                f"{words} cannot move between keyframes: "
                f"{_said(values[0])} in 1, {_said(value)} in {i + 1}",
                HINT,
            )


def _said(value: object) -> str:
    if isinstance(value, tuple):
        value = " ".join(map(str, value))
    return {"None": "none", "": "none"}.get(str(value), str(value))[:60]


def names(edits: Sequence[Edit]) -> list[Name]:
    """A name for each edit that it has in every keyframe."""
    seen: Counter[str] = Counter()
    found = []
    for edit in edits:
        found.append((edit.direction, seen[edit.direction]))
        seen[edit.direction] += 1
    return found


def _order(keys: Sequence[Scene], known: frozenset[str]) -> list[Name]:
    """Every edit that does something in some keyframe, in the order that all of them have."""
    graph: TopologicalSorter[Name] = TopologicalSorter()
    busy = set()
    for key in keys:
        before: tuple[Name, ...] = ()
        for name, edit in zip(names(key.edits), key.edits, strict=True):
            graph.add(name, *before)
            before = (name,)
            if edit.direction in known or not idle(edit):
                busy.add(name)
    try:
        return [name for name in graph.static_order() if name in busy]
    except CycleError as error:
        first, second = error.args[1][:2]
        raise BadData(
            f"the order of {first[0]} and {second[0]} differs between keyframes",
            "let all have them in one order",
        ) from None


def _edit(rows: Sequence[dict[Name, Edit]], at: int, name: Name) -> Edit:
    """An edit in keyframe `at`; one that is not there goes no way at all."""
    present = [row[name] for row in rows if name in row]
    for field, words in SAME_EDIT.items():
        _agree([getattr(edit, field) for edit in present], f"{words} of {name[0]}")
    if (edit := rows[at].get(name)) is not None:
        return edit
    if present[0].mode != "relative":
        raise BadData(f"{name[0]} goes to a place, and keyframe {at + 1} is without it",
                      "add it there, or make it relative")  # fmt: skip
    return replace(present[0], strength=0.0)


# What keys do.


def with_key(state: State, at: int, instead: bool = False) -> State:
    """The state with itself, sliders that stand at 0 but no muted ones, as keyframe `at`, before
    the one that is there or instead of it.

    Raises BadData that names what cannot move between it and the others.
    """
    heard = tuple(edit for i, edit in enumerate(state.scene.edits) if state.heard(i))
    keys = (*state.keys[:at], replace(state.scene, edits=heard), *state.keys[at + instead :])
    found = replace(state, keys=keys)
    if len(keys) > 1:
        joined(keys)
    return found


def without_key(state: State, at: int) -> State:
    """The state without one of its keyframes."""
    return replace(state, keys=state.keys[:at] + state.keys[at + 1 :])


def moved_key(state: State, at: int, by: int) -> State:
    """The state with a keyframe `by` places later; at the ends it stays."""
    keys, to = list(state.keys), at + by
    if 0 <= to < len(keys):
        keys.insert(to, keys.pop(at))
    return replace(state, keys=tuple(keys))


def visited(state: State, at: int) -> State:
    """The state at a keyframe. Sliders that it does not have stay in the stack and do nothing."""
    key = state.keys[at]
    there, edits, muted = set(names(key.edits)), list(key.edits), set()
    pairs = zip(names(state.scene.edits), state.scene.edits, strict=True)
    for i, (name, edit) in enumerate(pairs):
        if name in there:
            continue
        if not state.heard(i) or edit.mode != "relative":
            muted.add(len(edits))
            edits.append(edit)
        else:
            edits.append(replace(edit, strength=0.0))
    scene = replace(key, edits=tuple(edits))
    return replace(state, scene=scene, muted=frozenset(muted), solo=frozenset())
