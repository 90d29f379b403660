"""lightweight-gan's own checkpoints (lucidrains), model_N.pt: the average over training is "GE"."""

from latty.models.conversion.fastgan import NOISE
from latty.models.parts import Converted, Part
from latty.models.reparametrised import plain_weights

FAMILY = "lightweight_gan"
ORIGIN = "lightweight-gan of lucidrains from 1.2 on, .pt"
CHECKED = "the reference code's own output, 128 to 1024 px"
PREFIX = "GE."
SIGNATURE = {
    "initial_conv.0.*": (-1, -1, 4, 4),
    "layers.0.0.0.net.0.*": (-1, -1, 1, 1),
    "layers.0.0.2.1.*": (-1, -1, 4, 4),
}

FIRST = "initial_conv.0"  # the one transposed convolution


def convert(part: Part) -> Converted:
    """The same tensors, weights as they act. Raises Refusal for norms that do not fit them."""
    tensors = plain_weights(part.torch(), (FIRST,))
    return Converted(tensors, {"kind": "generator", "family": FAMILY}, (NOISE,))
