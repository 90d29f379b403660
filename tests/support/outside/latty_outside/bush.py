"""Bush: twigs as another program stores them, each matrix the other way round."""

from latty.models.parts import Converted, Part

FAMILY = "twig"
SIGNATURE = {"bush.m": 2, "bush.p": 2}


def convert(part: Part) -> Converted:
    """The matrices turned, under their names in latty."""
    given = part.torch()
    names = {"twig.mapping": "bush.m", "twig.paint": "bush.p"}
    tensors = {ours: given[theirs].T.contiguous() for ours, theirs in names.items()}
    return Converted(tensors, {"kind": "generator", "family": "twig"}, ("a bush has no mean",))
