"""What a name on the command line means: of what kinds the user's own things are."""

from collections.abc import Callable, Mapping
from typing import Final

from latty.attributes.store import CARDS
from latty.directions.store import SETS
from latty.errors import LattyError, Missing, UsageError
from latty.latents import LATENTS
from latty.models.store import MODELS
from latty.store import Store

STORES: Final[Mapping[str, Store]] = {
    "model": MODELS, "set": SETS, "latents": LATENTS, "scorer": CARDS,
}  # fmt: skip
OWN: Final[Mapping[str, Callable[[str], object]]] = {
    kind: store.own for kind, store in STORES.items()
}


def kind_of(name: str, finds: Mapping[str, Callable[[str], object]], asked: str | None) -> str:
    """The kind of which a name is one; `finds` raises a LattyError where there is none of that
    kind. Raises UsageError where it means several things, or one that ships; Missing where it means
    nothing."""
    faults, found = list[LattyError](), list[str]()
    for kind in finds if asked is None else (asked,):
        try:
            finds[kind](name)
            found.append(kind)
        except LattyError as error:
            faults.append(error)
    if len(found) > 1:
        hint = " or ".join(f"--kind {kind}" for kind in found)
        raise UsageError(f"'{name}' is a {' and a '.join(found)}", f"say which: {hint}")
    if found:
        return found[0]
    told = [one for one in faults if not isinstance(one, Missing)]
    near = [one for one in faults if one.hint.startswith("did you mean")]
    if asked is not None or told or near:
        raise (told or near or faults)[0]
    raise Missing(f"nothing is called '{name}'", f"looked for: {', '.join(finds)}")
