"""What a grid shows: a state for each cell, which is what taking it leads to."""

from dataclasses import replace
from math import isqrt
from typing import NamedTuple

from latty.scene import SEED_LIMIT, Scene
from latty_tui.state import State, ViewSettings


class GridOption(NamedTuple):
    """A state, and what tells it from the others in the grid."""

    state: State
    words: str


def options(state: State, view: ViewSettings) -> list[GridOption]:
    """The cells of the grid, row by row: consecutive seeds, its own first; [] where one picture is
    shown."""
    seed = state.scene.seed
    if view.grid == 1 or view.compare == "both" or not isinstance(seed, int):
        return []
    found = []
    for further in range(view.further, view.further + view.grid):
        other = (seed + further) % SEED_LIMIT
        kept = state if other == seed else state.with_scene(seed=other, latent=None)
        found.append(GridOption(kept, f"seed {other}"))
    return found


def columns(view: ViewSettings) -> int:
    """How many cells stand in a row."""
    return isqrt(view.grid)


def scenes(state: State, view: ViewSettings) -> list[Scene]:
    """What is drawn."""
    if view.compare == "both":
        return [state.original, state.shown]
    cells = [one.state for one in options(state, view)] or [state]
    return [one.original if view.compare == "original" else one.shown for one in cells]


def turned(view: ViewSettings, count: int) -> ViewSettings:
    """A grid of so many; the original beside the picture is not seen then."""
    return replace(view, grid=count, further=0, compare="edited")
