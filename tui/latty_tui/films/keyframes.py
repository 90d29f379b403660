"""Keyframes: scenes at moments of a film, and the tracks that lead from each to the next.

Strengths, amounts, truncation and cutoff go from one to the next, eased; seeds and stored latents
that differ become a walk. All else cannot move: keyframes that differ in it are an error. What they
agree on is that of the present state: who changes it there changes the film. Pure functions, no
Textual.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from latty.errors import BadData
from latty.presets.tracks import Motion, Track
from latty.scene import Edit, Scene, Walk
from latty.stops import PLAIN, Stop
from latty.tables.rules import keys_of
from latty_tui.films.times import even, with_time
from latty_tui.state import Said, State, idle

Tracks = tuple[tuple[str, Motion], ...]
Name = tuple[str, int]  # a direction, and the how manieth edit along it

SAME = {
    "model": "the model",
    "label": "the class",
    "noise": "the noise",
    "size": "the size",
    "locks": "the locks",
    "truncation_after_edits": "whether truncation comes after the edits",
}
SAME_EDIT = {"layers": "the layers", "mode": "the mode", "unit": "the unit",
             "conditions": "the conditions",
             "within": "the directions within which it goes"}  # fmt: skip
HINT = "numbers, seeds and latents can move; make the rest the same in every keyframe"


def joined(
    keys: Sequence[Scene],
    easing: str = "smooth",
    known: frozenset[str] = frozenset(),
    eases: tuple[str, ...] = (),
    when: tuple[float, ...] = (),
) -> tuple[Scene, Tracks]:
    """The first of two or more keyframes, and how numbers go from it to the others; edits along
    directions that are not `known` are left out where they never do anything. `eases` as in State;
    `when` each is, as shares of the film, () = at even intervals.

    Raises BadData that names what cannot move between them.
    """
    for field, words in SAME.items():
        _agree([getattr(key, field) for key in keys], words)
    rows = [dict(zip(names(key.edits), key.edits, strict=True)) for key in keys]
    order = _order(keys, known)
    edits = [[_edit(rows, i, name) for i in range(len(rows))] for name in order]
    each = eases[:-1] if any(eases[:-1]) else ()  # the last goes nowhere
    scene = replace(keys[0], edits=tuple(row[0] for row in edits))
    stops, psi = _stops(keys, easing, each, when), [key.truncation for key in keys]
    if len(set(way := _way(keys))) > 1:
        scene = replace(scene, seed=Walk(way, stops=stops), latent=None)
        if _own_truncations(keys):  # they are said with the stops
            psi = psi[:1]
    numbers: dict[str, list[Any]] = {
        "truncation": psi,
        "cutoff": _cutoffs(keys),
    }
    for i, row in enumerate(edits):
        numbers[f"edits.{i}.strength"] = [edit.strength for edit in row]
        numbers[f"edits.{i}.amount"] = [edit.amount for edit in row]
    plain = len(keys) == 2 and not each and not when
    pace = easing if isinstance(scene.seed, Walk) and plain else "linear"
    times = when or even(len(keys))
    return scene, _tracks(numbers, easing, (*each, "") if each else (), pace, times)


def _tracks(numbers: dict[str, list[Any]], easing: str, each: tuple[str, ...], pace: str,
            times: tuple[float, ...]) -> Tracks:  # fmt: skip
    """A track for each number that changes, and for the pace of a walk. The easing of a walk is
    that of its whole way, which between more than two seeds would miss those in the middle."""

    tracks: list[tuple[str, Motion]] = (
        [] if pace == "linear" else [("seed", Track(((0.0, 0.0), (1.0, 1.0)), pace))]
    )
    for key, values in numbers.items():
        if len(set(values)) > 1:
            pairs = tuple((t, float(value)) for t, value in zip(times, values, strict=True))
            tracks.append((key, Track(pairs, easing, each)))
    return tuple(tracks)


def passed(key: Scene) -> int | str | Walk:
    """The stored latent at which a keyframe begins, or its seed."""
    return key.seed if key.latent is None else key.latent


def _way(keys: Sequence[Scene]) -> tuple[int | str, ...]:
    """What their walk passes. Raises BadData for a keyframe that stands on another walk."""
    found: list[int | str] = []
    for i, one in enumerate(map(passed, keys)):
        if isinstance(one, Walk):
            raise BadData(f"keyframe {i + 1} stands on a walk", "give it a seed of its own")
        found.append(one)
    return tuple(found)


def _own_truncations(keys: Sequence[Scene]) -> bool:
    """Whether each stop of their walk says its truncation: stored latents have each their own."""
    return any(key.latent is not None for key in keys) and len({k.truncation for k in keys}) > 1


def _stops(
    keys: Sequence[Scene], easing: str, each: tuple[str, ...], when: tuple[float, ...]
) -> tuple[Stop, ...]:
    """What is said of the stops of their walk: the easing that a keyframe has of its own, when it
    is, and the truncation of stored latents. () for nothing."""
    legs = (*each, "") if each else ((easing, "") if when and len(keys) == 2 else ("",) * len(keys))
    psi = [key.truncation if _own_truncations(keys) else None for key in keys]
    times: list[float | None] = [None] * len(keys)
    if when:
        ends = {0: 0.0, len(keys) - 1: 1.0}
        times = [
            None if ends.get(i) == t and not isinstance(getattr(t, "said", t), str) else t
            for i, t in enumerate(when)
        ]
    stops = tuple(Stop(at=at, easing=name or PLAIN.easing, truncation=own)
                  for at, name, own in zip(times, legs, psi, strict=True))  # fmt: skip
    return stops if any(stop != PLAIN for stop in stops) else ()


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


def _agree_on_order(keys: Sequence[Scene]) -> bool:
    try:
        _order(keys, frozenset())
    except BadData:
        return False
    return True


def _edit(rows: Sequence[dict[Name, Edit]], at: int, name: Name) -> Edit:
    """An edit in keyframe `at`; one that is not there goes no way at all, or, where it goes to a
    place, has no amount."""
    present = [row[name] for row in rows if name in row]
    for field, words in SAME_EDIT.items():
        _agree([getattr(edit, field) for edit in present], f"{words} of {name[0]}")
    if (edit := rows[at].get(name)) is not None:
        return edit
    if present[0].mode != "relative":
        return replace(present[0], amount=0.0)
    return replace(present[0], strength=0.0)


# What is on the screen.


def heard(state: State) -> Scene:
    """The present scene without muted edits."""
    edits = tuple(edit for i, edit in enumerate(state.scene.edits) if state.heard(i))
    return replace(state.scene, edits=edits)


def followed(state: State) -> tuple[Scene, ...]:
    """The keyframes, with that of the present state in whatever does not move between them."""
    keys, screen = state.keys, heard(state)
    if not keys:
        return ()
    still = {
        name: getattr(screen, name)
        for name in keys_of(Scene)
        if name != "edits" and len({getattr(key, name) for key in keys}) == 1
    }
    if isinstance(screen.seed, Walk):  # a walk moves, and between keyframes only seeds do
        still.pop("seed", None)
    if len(set(map(passed, keys))) > 1:  # seeds and latents move together
        still = {name: value for name, value in still.items() if name not in ("seed", "latent")}
    rows = _rows(keys)
    mine = dict(zip(names(screen.edits), screen.edits, strict=True))
    for name in dict.fromkeys((*mine, *(name for row in rows for name in row))):
        _follow(rows, name, mine.get(name))
    order = list(mine) if _agree_on_order(keys) else []
    return tuple(
        replace(key, **still, edits=tuple(row[name] for name in _arranged(row, order)))
        for key, row in zip(keys, rows, strict=True)
    )


def apart(state: State) -> tuple[int, list[str]]:
    """The keyframe that is most like the present state, and in words what it has otherwise: of a
    film that goes through the present picture, nothing."""
    if len(state.keys) < 2:
        return 0, []
    screen = heard(state)
    found = [list(_otherwise(screen, key)) for key in followed(state)]
    nearest = min(range(len(found)), key=lambda i: len(found[i]))
    return nearest, found[nearest]


def _rows(keys: Sequence[Scene]) -> list[dict[Name, Edit]]:
    return [dict(zip(names(key.edits), key.edits, strict=True)) for key in keys]


def _follow(rows: list[dict[Name, Edit]], name: Name, mine: Edit | None) -> None:
    """An edit of all keyframes as the present state has it, but for a strength that moves."""
    present = [row[name] for row in rows if name in row]
    absent = len(present) < len(rows)
    strengths = {edit.strength for edit in present} | ({0.0} if absent and present else set())
    places = absent and any(edit.mode != "relative" for edit in present)
    if len(strengths) > 1 or len(set(present)) > 1 or places:
        if mine is not None:
            same = {field: getattr(mine, field) for field in SAME_EDIT
                    if len({getattr(edit, field) for edit in present}) == 1}  # fmt: skip
            for row in rows:
                row |= {name: replace(row[name], **same)} if name in row else {}
        return
    for row in rows:  # what is there keeps its place
        if mine is None:
            row.pop(name, None)
        elif present or not idle(mine):
            row[name] = mine


def _arranged(row: dict[Name, Edit], order: list[Name]) -> list[Name]:
    """Edits in the order that the present state has; what it has not stays where it is."""
    placed = iter(sorted((name for name in row if name in order), key=order.index))
    return [next(placed) if name in order else name for name in row]


def _otherwise(screen: Scene, key: Scene) -> Iterator[str]:
    for name in keys_of(Scene):
        here, there = getattr(screen, name), getattr(key, name)
        unused = name == "seed" and screen.latent is not None and screen.latent == key.latent
        if name != "edits" and here != there and not unused:
            what = SAME.get(name, name).removeprefix("the ")
            yield f"{what} {'on a walk' if isinstance(here, Walk) else _said(here)}"
    mine, its = _rows([screen, key])
    for edit in dict.fromkeys((*mine, *its)):
        here, there = (row.get(edit) for row in (mine, its))
        if (here is None or idle(here)) and (there is None or idle(there)):
            continue
        if here != there:
            less = "" if here is None or here.amount == 1 else f" at {here.amount:.0%}"
            yield f"no {edit[0]}" if here is None else f"{edit[0]} {here.strength:+g}{less}"


# What keys do.


def _with(state: State, keys: Sequence[Scene], eases: Sequence[str], when: Sequence[Said]) -> State:
    found = replace(state, keys=tuple(keys), eases=tuple(eases) if any(eases) else ())
    return replace(found, when=tuple(when))


def _eases(state: State) -> list[str]:
    return list(state.eases or ("",) * len(state.keys))


def with_key(
    state: State, at: int, instead: bool = False, when: tuple[Said, ...] | None = None
) -> State:
    """The state with itself, sliders that stand at 0 but no muted ones, as keyframe `at`, before
    the one that is there or instead of it. `when` all of them are then; None = as it comes.

    Raises BadData that names what cannot move between it and the others.
    """
    eases = _eases(state)
    if when is None:
        when = state.when if instead else with_time(state, at)
    if not instead:
        eases.insert(at, "")
    kept = tuple(map(_as_followed, state.keys, followed(state)))
    kept = kept if len(kept) > 1 else state.keys
    keys = (*kept[:at], heard(state), *kept[at + instead :])
    found = _with(state, keys, eases, when)
    if len(keys) > 1:
        joined(keys)
    return found


def _as_followed(key: Scene, film: Scene) -> Scene:
    """A keyframe with what cannot move as its film has it."""
    (its,) = _rows([film])
    edits = [
        replace(edit, **{field: getattr(its.get(name, edit), field) for field in SAME_EDIT})
        for name, edit in zip(names(key.edits), key.edits, strict=True)
    ]
    return replace(key, **{field: getattr(film, field) for field in SAME}, edits=tuple(edits))


def without_key(state: State, at: int) -> State:
    """The state without one of its keyframes."""
    eases, when = _eases(state), state.when
    keys = state.keys[:at] + state.keys[at + 1 :]
    when = when[:at] + when[at + 1 :] if len(keys) > 1 else ()
    return _with(state, keys, eases[:at] + eases[at + 1 :], when)


def moved_key(state: State, at: int, by: int) -> State:
    """The state with a keyframe, and how it goes on, `by` places later, where another was; at the
    ends it stays."""
    keys, eases, to = list(state.keys), _eases(state), at + by
    if 0 <= to < len(keys):
        keys.insert(to, keys.pop(at))
        eases.insert(to, eases.pop(at))
    return _with(state, keys, eases, state.when)


def eased_key(state: State, at: int, easing: str) -> State:
    """The state that goes on from a keyframe by an easing, "" = that of the film."""
    eases = _eases(state)
    eases[at] = easing
    return _with(state, state.keys, eases, state.when)


def visited(state: State, at: int) -> State:
    """The state at a keyframe. Sliders that it does not have stay in the stack and do nothing."""
    return arrived(state, state.keys[at])


def arrived(state: State, key: Scene) -> State:
    """The state at a scene of its film, as `visited`."""
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
