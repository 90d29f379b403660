"""ProGAN of pytorch_GAN_zoo: formatLayer.module.weight, scaleLayers.3.0.module.weight, ...

github.com/facebookresearch/pytorch_GAN_zoo, also of PyTorch Hub. Files hold avgG, netG and their
settings. Biases are scaled as the weights are, by sqrt(2 / inputs of a filter) in every layer, the
last one as well. The first layer is a matrix, with a bias for each pixel. While a network grows,
`alpha` blends in the picture of the resolution below: the fraction of a level that is missing.
"""

import math
import re
from typing import Any

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.values import Record
from latty.models.families import progan
from latty.models.parts import Converted, Part
from latty.models.state_dict import agree, is_number, only

ORIGIN = "ProGAN of pytorch_GAN_zoo and PyTorch Hub, .pth"
CHECKED = "the reference code's own output, 16 to 512 px, while it grows too"
FAMILY = "progan"
SIGNATURE = {
    "formatLayer.module.weight": 2,
    "groupScale0.0.module.weight": 4,
    "toRGBLayers.0.module.weight": 4,
}

NAME = re.compile(
    r"(formatLayer|groupScale0\.0|scaleLayers\.\d+\.[01]|toRGBLayers\.\d+)\.module\.(weight|bias)"
)
ASSUMED = "its settings are not in the file: those of WGAN-GP are assumed, without a tanh"
ONLY = {  # other values would need other arithmetic
    "leakyReluLeak": 0.2,
    "perChannelNormalization": True,
    "equalizedlR": True,
    "lossCriterion": ("WGANGP", "Logistic"),  # the others add a tanh
}
KNOWN = ("alpha", "latentVectorDim", "categoryVectorDim", "dimOutput")


def convert(part: Part) -> Converted:
    """Our names, scales and orientation. Raises BadData for settings of other arithmetic."""
    said = _settings(part)
    only(said, ONLY)
    tensors: dict[str, Tensor] = {}
    last = max(int(m[1]) for name in part.views if (m := re.match(r"toRGBLayers\.(\d{1,3})", name)))
    for name, tensor in part.torch().items():
        match = NAME.fullmatch(name)
        if match is None:
            tensors[name] = tensor  # the family's own check names what is strange
            continue
        new, weight = _place(match[1], last), part.shapes.get(f"{match[1]}.module.weight", ())
        scale = math.sqrt(2 / (math.prod(weight[1:]) or 1))
        if match[2] == "bias":
            bias = tensor.view(-1, 4, 4) if new == "features.0" and not len(tensor) % 16 else tensor
            tensors[f"{new}.wscale.b"] = bias * scale
            continue
        tensors[f"{new}.wscale.scale"] = torch.tensor([scale])
        tensors[f"{new}.conv.weight"] = _kernel(tensor) if tensor.dim() == 2 else tensor
    alpha = said.get("alpha", 0)
    if is_number(alpha) and alpha > 0:
        tensors["lod"] = torch.tensor(float(alpha))
    inputs = part.shapes["formatLayer.module.weight"][1]
    agree(
        said,
        {"latentVectorDim": inputs, "dimOutput": part.shapes["toRGBLayers.0.module.weight"][0]},
    )
    notes = () if said else (ASSUMED,)
    if classes := said.get("categoryVectorDim"):
        notes = (*notes, f"the last {classes!r:.20} numbers of its latent are classes, as they are")
    return Converted(tensors, progan.metadata(inputs), notes)


def _settings(part: Part) -> dict[str, Any]:
    """The file's own settings, else those beside it."""
    tree = part.checkpoint.tree
    config = tree.get("config") if isinstance(tree, dict) else None
    found = config.attributes if isinstance(config, Record) else config
    return found if isinstance(found, dict) else dict(part.beside)


def _place(name: str, last: int) -> str:
    """Our name of a layer."""
    head, *numbers = name.split(".")
    if head == "toRGBLayers":
        return "output" if int(numbers[0]) == last else f"outputs.{numbers[0]}"
    if head == "scaleLayers":
        return f"features.{2 * int(numbers[0]) + 2 + int(numbers[1])}"
    return "features.0" if head == "formatLayer" else "features.1"


def _kernel(matrix: Tensor) -> Tensor:
    """A matrix (16 O, I) as the kernel (O, I, 4, 4) that makes the same 4 x 4 px of one: padding of
    3 px turns it around."""
    if matrix.shape[0] % 16:
        raise Refusal("wrong-shape", f"'formatLayer' has the shape {list(matrix.shape)}")
    return matrix.view(-1, 4, 4, matrix.shape[1]).permute(0, 3, 1, 2).flip(2, 3).contiguous()
