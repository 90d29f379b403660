"""Rows of `latty list scorers`: built in, of other packages, and of the store."""

from collections.abc import Iterator, Sequence
from typing import Any

from latty.cli.run import Run
from latty.cli.verbs.list.stored import Row, entry
from latty.errors import LattyError


def scorers(run: Run) -> Iterator[Row]:
    """Scorers built in, of other packages, and of the store, each with its attributes."""
    from latty.attributes.card import read_card
    from latty.attributes.names import names_of, scorer_names
    from latty.attributes.registries import SCORERS
    from latty.attributes.store import CARDS, is_whole

    mine = CARDS.files()
    for name in scorer_names():
        if name not in mine:
            yield {**entry(SCORERS, name), "kind": "built in",
                   **_counted(names_of(name), SCORERS.constant(name, "UNITS", ()))}  # fmt: skip
            continue
        try:
            card = read_card(mine[name])
        except LattyError as error:
            reason = str(error).split("\n", 1)[0]
            yield {"name": name, "what": f"cannot be read: {reason}", **_counted((), ())}
            continue
        half = "" if is_whole(mine[name]) else "its weights are missing, import it again: "
        what = f"{half}{card.kind}, {card.size[0]} x {card.size[1]} px"
        yield {"name": name, "what": f"{what}, {card.title}" if card.title else what,
               "kind": card.kind, **_counted(card.names, card.units)}  # fmt: skip


def _counted(names: Sequence[str], units: Sequence[str]) -> dict[str, Any]:
    """Attributes, what each counts, and from where to where."""
    from latty.attributes.base import range_of

    units = [*units] if len(units) == len(names) else [""] * len(names)
    return {"attributes": [*names], "units": units, "ranges": [*map(range_of, units)]}
