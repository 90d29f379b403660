"""How much of what a mapping reads is the latent, where no class embedding lies beside it."""

from collections.abc import Mapping, Sequence
from typing import Any

from latty.checkpoints.refusals import Refusal

KEYS = ("z_dim", "z_space_dim")  # settings beside a file that say it
HINT = "export it again with its class embedding, or import its author's own file"


def check_latent(
    shape: Sequence[int], first: str, said: Mapping[str, Any], z_dim: object = None
) -> tuple[str, ...]:
    """A note where all that the mapping reads is taken for the latent and nothing says so. Raises
    Refusal where it reads more than the latent: its class embedding was lost.

    shape   of the first layer of the mapping, a matrix (outputs, inputs)
    first   that layer's name
    said    the settings beside the file
    z_dim   the latent's width where the file or its layout says it; where nothing does, twice the
            outputs are an equally wide latent and embedding, which is how all of them join the two
    """
    if len(shape) != 2:
        return ()  # the layout's own check names it
    outputs, inputs = shape
    told = [one for one in (z_dim, *map(said.get, KEYS)) if isinstance(one, int) and one]
    other = next((one for one in told if one != inputs), None)
    if other is None and (told or inputs != 2 * outputs):
        taken = (
            f"its mapping reads {inputs} numbers: all are taken for the latent, none for a class"
        )
        return () if told or inputs == outputs else (taken,)
    what = (
        f"its mapping reads {inputs} numbers, {other or outputs} of them a latent: it is a network "
        f"with classes, whose class embedding is not in the file ('{first}')"
    )
    hint = f"{HINT}; if its latent is that wide, say so: --set z_dim={inputs}"
    raise Refusal("missing-key", what, HINT if told else hint)
