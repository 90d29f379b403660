"""A network whose class embedding was lost on the way: what makes it known in every layout."""

from collections.abc import Mapping, Sequence

from latty.checkpoints.refusals import Refusal

HINT = "export it again with its class embedding, or import its author's own file"


def refuse_lost(shapes: Mapping[str, Sequence[int]], first: str, z_dim: object = None) -> None:
    """Raises Refusal where the first layer of a mapping, a matrix (outputs, inputs), reads more
    than the latent, although there is no embedding beside it.

    shapes  name -> shape, as (512, 1024), of the mapping's tensors
    first   the layer's name
    z_dim   the latent's width where the file or its layout says it; else twice the outputs are
            taken for a latent and an embedding side by side, which is how all of them join the two
    """
    shape = shapes.get(first, ())
    if len(shape) != 2:
        return  # the layout's own check names it
    outputs, inputs = shape
    if inputs != z_dim if isinstance(z_dim, int) and z_dim else inputs == 2 * outputs:
        width = z_dim if isinstance(z_dim, int) and z_dim else outputs
        what = (
            f"its mapping reads {inputs} numbers, {width} of them a latent: it is a network with "
            f"classes, whose class embedding is not in the file ('{first}')"
        )
        raise Refusal("missing-key", what, HINT)
