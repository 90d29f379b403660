"""StyleGAN1 as genforce and SeFa keep it: synthesis.layer{j}.apply_noise.weight, ...

github.com/genforce/genforce and github.com/genforce/sefa. Where up-sampling and convolution are
fused, the file holds the kernel of a transposed convolution, inputs first.
"""

import re

from torch import Tensor

from latty.models.conversion import stylegan1 as common
from latty.models.parts import Converted, Part

ORIGIN = "StyleGAN of genforce and SeFa, .pth"
CHECKED = "the reference code's own output, 32 px"
FAMILY = "stylegan1"
SIGNATURE = {
    "synthesis.layer0.const": ...,
    "synthesis.layer0.apply_noise.weight": ...,
    "mapping.dense0.weight": ...,
}

EPSILON = 1e-8  # of instance norm
LAYER = re.compile(r"synthesis\.layer(\d+)\.(.+)")
KINDS = {"apply_noise.weight": "noise_weight", "apply_noise.noise": "noise"}


def convert(part: Part) -> Converted:
    """Our names and orientation; settings of truncation are not weights and are left out."""
    tensors: dict[str, Tensor] = {}
    fused = _fused(part)
    for name, tensor in part.torch().items():
        match = LAYER.fullmatch(name)
        if name.endswith(".blur.kernel"):
            common.check_blur(name, tensor)
        elif name == "truncation.w_avg":
            tensors["mapping.w_avg"] = tensor.flatten()
        elif name == "synthesis.layer0.const":
            tensors["synthesis.const"] = common.constant(name, tensor)
        elif match:
            layer, kind = int(match[1]), KINDS.get(match[2], match[2])
            if kind == "weight" and layer in fused:
                tensor = common.plain(tensor.transpose(0, 1), True)
            picture = tensor[0, 0] if kind == "noise" and tensor.dim() == 4 else tensor
            tensors[f"synthesis.layer{layer}.{kind}"] = picture
        elif not name.startswith("truncation."):
            tensors[name] = tensor
    return common.finished(tensors, EPSILON)


def _fused(part: Part) -> set[int]:
    weights, channels = {}, {}
    for name, shape in part.shapes.items():
        match = LAYER.fullmatch(name)
        if match and match[2] == "bias" and len(shape) == 1:
            channels[int(match[1])] = shape[0]
        if match and match[2] == "weight" and int(match[1]) % 2 == 0 and len(shape) == 4:
            weights[int(match[1])] = shape
    known = {layer: shape for layer, shape in weights.items() if layer - 1 in channels}
    return common.fused_layers(known, channels)
