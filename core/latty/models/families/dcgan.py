"""DCGAN generators: transposed convolutions of 4 px kernels, batch norms, ReLU, tanh.

Radford et al. 2016, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks" (arXiv:1511.06434). Two layouts: main.{0,3,6,...} with norms at main.{1,4,...}
(pytorch/examples), and layers.{i}.0 with layers.{i}.1 (the WGAN notebook of
yonigottesman/controllable_generation_gan, whose convolutions have biases). The first convolution
has stride 1 and no padding, the others stride 2 and padding 1: n of them make 4 * 2^(n-1) px.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from latty.models.base import Meta, Shapes
from latty.models.latent_generator import Latent
from latty.models.measuring import strays
from latty.models.parts import Converted
from latty.models.sequential import generator
from latty.models.spec import Layer, Spec
from latty.models.state_dict import shape_of, shapes_of

__all__ = ["build", "look"]

ORIGIN = "DCGAN of PyTorch's examples and of a WGAN notebook, .pth"
CHECKED = "the reference code's own output, 64 px, and a real file"
SIGNATURE = (  # one convolution, and no tensor that is not of the layout
    {"main.*.weight": 4, "*": r"main\.([0134679]|1[0235689]|2[124578]|3[0134])\.\w+"},
    {"layers.*.0.weight": 4, "*": r"layers\.(\d|1[01])\.[01]\.\w+"},
)
NOISE = False

MOST = 12  # layers: 8192 px
LAYOUTS = (  # the convolution and the norm of each layer
    tuple((f"main.{3 * i}", f"main.{3 * i + 1}") for i in range(MOST)),
    tuple((f"layers.{i}.0", f"layers.{i}.1") for i in range(MOST)),
)


def _layout(shapes: Shapes) -> tuple[tuple[str, str], ...] | None:
    modules = {name.rpartition(".")[0] for name in shapes}
    for layout in LAYOUTS:
        if modules <= {module for pair in layout for module in pair}:
            count = max(i for i, pair in enumerate(layout) if modules & set(pair))
            # A convolution follows each norm, whether it is there or missing.
            return layout[: count + 1 + (layout[count][1] in modules)]
    return None


def build(
    tensors: Mapping[str, Tensor],
    meta: Meta,
    device: torch.device,
    dtype: torch.dtype | None = None,
) -> Latent:
    """The generator of tensors such as (O, I, k, k). Raises BadData, naming the wrong one.

    dtype     of its layers, e.g. torch.bfloat16; None = float32. Pictures are float32 either way.
    """
    return generator(tensors, _spec(shapes_of(tensors)), meta, device, "dcgan", dtype)


def look(model: Converted) -> tuple[str, ...]:
    """A note where its statistics are not those of its pictures. Raises Refusal."""
    return strays(model.tensors, _spec(shapes_of(model.tensors)))


def _spec(shapes: Shapes) -> Spec:
    names = _layout(shapes)
    assert names is not None  # recognised
    count = len(names)
    layers: list[Layer] = []
    for i, (conv, norm) in enumerate(names):
        first, last = i == 0, i == count - 1
        stride, padding = (1, 0) if first else (2, 1)
        bias = f"{conv}.bias" in shapes
        layers.append(Layer("conv_transpose", conv, 4, stride, padding, bias=bias))
        if not last:
            layers += [Layer("batch_norm", norm), Layer("relu")]
    layers.append(Layer("tanh"))
    latent = shape_of(shapes, f"{names[0][0]}.weight", 4)[0]
    colours = shape_of(shapes, f"{names[-1][0]}.weight", 4)[1]
    side = 4 << (count - 1)
    return Spec(latent, colours, (side, side), tuple(layers))
