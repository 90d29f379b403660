"""What a scene names by a text: models, directions, latents. Are they there?

Names come from file headers alone: nothing here imports torch or numpy.
"""

from collections.abc import Callable

from latty.directions.store import resolve
from latty.errors import LattyError, Missing
from latty.models.store import model_file
from latty.presets.convert import latents_between
from latty.scene import SEED_LIMIT
from latty.tables import words

Find = Callable[[str], object]  # raises LattyError for a reference that leads nowhere


def fault(kind: str, ref: str) -> LattyError | None:
    """Why a reference of this kind leads nowhere, None where it leads somewhere."""
    if words.unsafe_character(ref) or not ref:
        return None  # the validator has told
    try:
        FIND[kind](ref)
    except LattyError as error:
        return error
    return None


def _find_move(ref: str) -> None:
    """Raises Missing, BadData unless it is "seed:N" or names a direction that is there."""
    kind, _, seed = ref.partition(":")
    if kind != "seed":
        resolve(ref)
    elif not (seed.isascii() and seed.isdecimal() and len(seed) < 11 and int(seed) < SEED_LIMIT):
        raise Missing(f"'{words.shown(ref)}' names no seed", 'write for example "seed:42"')


def _find_latent(ref: str) -> None:
    """Raises Missing, BadData unless there is a latent of that number or name, or of each end of
    a range."""
    from latty import latents

    found, between = latents.look(ref), latents_between(ref)
    for which in between[1:] if between else [latents.split(ref)[2]]:
        found.index(str(which))


FIND: dict[str, Find] = {  # what a field of a scene refers to -> who looks it up
    "model": model_file,
    "move": _find_move,
    "direction": resolve,
    "latent": _find_latent,
}
