"""A state of the studio as JSON, and back."""

from dataclasses import astuple
from operator import index
from typing import Any

from latty import easing
from latty.directions.bin import SetChange
from latty.errors import BadData
from latty.scene import from_table, to_table
from latty_tui.films.table import film_of, film_table
from latty_tui.films.times import timed
from latty_tui.state import State, Step

Table = dict[str, Any]
EASING = easing.rule()
WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError,
         OverflowError, BadData)  # with what a file says  # fmt: skip


def state_table(state: State) -> Table:
    """A state as JSON."""
    more = {name: list(told) for name in ("eases", "when") if (told := getattr(state, name))}
    return {
        "scene": to_table(state.scene),
        "muted": sorted(state.muted),
        "solo": sorted(state.solo),
        "keys": [to_table(scene) for scene in state.keys],
        "film": film_table(state.film),
        "name": state.name,
        **more,
    }


def state_of(table: Table) -> State:
    """The state of a table. Raises one of WRONG for anything else."""
    keys = tuple(from_table(one) for one in table["keys"])
    found = State(
        from_table(table["scene"]),
        frozenset(map(index, table["muted"])),
        frozenset(map(index, table["solo"])),
        keys,
        film_of(table["film"]),
        str(table["name"]),
        _eases(table.get("eases", []), len(keys)),
    )
    return timed(found, when) if (when := table.get("when")) else found


def _eases(said: list[str], keys: int) -> tuple[str, ...]:
    """An easing for each keyframe, or none. Raises ValueError for anything else."""
    if said and (len(said) != keys or any(one and not EASING.accepts(one) for one in said)):
        raise ValueError(f"no keyframes have the easings {said!r:.60}")
    return tuple(said)


def step_table(step: Step) -> Table:
    """A step of the history as JSON."""
    sets = {"sets": list(map(astuple, step.sets))} if step.sets else {}
    moved = {"moved": step.moved} if step.moved else {}
    return {"state": state_table(step.state), "what": step.what, **sets, **moved}


def step_of(table: Table) -> Step:
    """The step of a table. Raises one of WRONG for anything else."""
    sets = tuple(SetChange(*map(str, one)) for one in table.get("sets", ()))
    moved = tuple((str(old), str(new)) for old, new in table.get("moved", ()))
    return Step(state_of(table["state"]), str(table["what"]), sets, moved)
