"""lightweight-gan's own checkpoints (lucidrains), model_N.pt: the average over training is "GE"."""

from latty.models.parts import Converted, Part

FAMILY = "lightweight_gan"
ORIGIN = "lightweight-gan of lucidrains from 1.2 on, .pt"
CHECKED = "the reference code's own output, 128 to 1024 px"
PREFIX = "GE."
SIGNATURE = {
    "initial_conv.0.weight": (-1, -1, 4, 4),
    "layers.0.0.0.net.0.weight": (-1, -1, 1, 1),
    "layers.0.0.2.1.weight": (-1, -1, 4, 4),
}

NOISE = "noise seeded with 0: the file holds none, and its own code draws it for each picture anew"


def convert(part: Part) -> Converted:
    """The same tensors; what counts training steps is left out."""
    tensors = {n: t for n, t in part.torch().items() if not n.endswith("num_batches_tracked")}
    return Converted(tensors, {"kind": "generator", "family": FAMILY}, (NOISE,))
