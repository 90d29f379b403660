"""What both layouts of FastGAN need on their way: weights as they act, unused layers left out."""

import re
from collections.abc import Mapping

from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER
from latty.models.reparametrised import plain_weights
from latty.models.state_dict import shape_of, shapes_of

FIRST = "init.init.0"  # the one transposed convolution
STRENGTH = re.compile(r"feat_\d+\.(noise|2|6)\.weight")  # of the noise: one number
NOISE = "noise seeded with 0: the file holds none, and its own code draws it for each picture anew"


def divided(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Every weight (O, I, k, k) divided by its spectral norm; all other tensors as they are."""
    return plain_weights(tensors, (FIRST,))


def noise_notes(tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What to say about the noise of tensors (O, I, k, k); nothing where there is none."""
    strengths = (t for name, t in tensors.items() if STRENGTH.fullmatch(name) and t.numel() == 1)
    return (NOISE,) if any(bool(strength.any()) for strength in strengths) else ()


def drawn_layers(tensors: Mapping[str, Tensor], resolution: int | None) -> dict[str, Tensor]:
    """The tensors (O, I, k, k) that make the picture: networks hold layers beyond its size, too.
    Raises Refusal where no stage gives what the last layer reads.

    resolution    in px where the file says it; else the largest whose features the last layer reads
    """
    shapes = shapes_of(tensors)
    width = shape_of(shapes, "to_big.weight", 4)[1]
    last: dict[int, int] = {}  # px -> outputs of the stage's last convolution
    for name, shape in shapes.items():
        if (m := re.fullmatch(r"feat_(\d{1,4})\.(conv)?\d?\.weight", name)) and len(shape) == 4:
            last[int(m[1])] = shape[0]
    fitting = [size for size, outputs in last.items() if outputs == 2 * width]
    if not fitting:
        what = f"its last layer reads {width} channels, as many as none of its stages gives"
        raise Refusal("wrong-shape", what, OTHER)
    size = resolution or max(fitting)
    beyond = re.compile(r"(feat|se)_(\d{1,4})\..*|to_128\..*")
    return {
        name: tensor
        for name, tensor in tensors.items()
        if not (m := beyond.fullmatch(name)) or (m[2] and int(m[2]) <= size)
    }
