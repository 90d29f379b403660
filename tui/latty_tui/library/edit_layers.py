"""Layers of an edit, by keys: the first and the last one up or down, all, the direction's own."""

from typing import Literal

from latty.scene import ALL, MIXING, Edit, Layers
from latty_tui.library.direction_facts import DirectionFacts


def words(edit: Edit, known: DirectionFacts) -> str:
    """Where an edit acts, for people."""
    if known.space.startswith("activation:"):
        return f"inside, at {known.space.partition(':')[2]}"
    layers = known.layers if edit.layers is None else edit.layers
    many = layers.stop is None or layers.stop - layers.start > 1
    own = " (own)" if edit.layers is None and not edit.direction.startswith(MIXING) else ""
    return ("all layers" if layers == ALL else f"layer{'s' * many} {layers}") + own


def refused(known: DirectionFacts, count: int) -> str:
    """Why an edit takes no layers; "" where it does."""
    if known.space.startswith("activation:"):
        return f"{known.name} acts inside the synthesis: it has no layers to choose"
    return "" if count > 1 else "this model has one layer: there is nothing to choose"


def moved(
    edit: Edit, known: DirectionFacts, end: Literal["start", "stop"], by: int, count: int
) -> Layers:
    """The layers of an edit with one end moved; at least one layer of `count` stays."""
    inside = (known.layers if edit.layers is None else edit.layers).indices(count)
    start, stop = inside.start, max(inside.stop, inside.start + 1)
    if end == "start":
        start = max(0, min(start + by, count - 1))
        stop = max(stop, start + 1)
    else:
        stop = max(1, min(stop + by, count))
        start = min(start, stop - 1)
    return Layers(start, None if stop >= count else stop)


def toggled(edit: Edit) -> Layers | None:
    """All layers; where it was all, those of the direction's own."""
    return None if edit.layers == ALL else ALL
