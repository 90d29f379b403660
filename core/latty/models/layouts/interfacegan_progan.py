"""ProGAN as InterFaceGAN and HiGAN keep it: layer0.conv.weight, layer0.wscale.bias, output3.*, lod.

github.com/genforce/interfacegan and github.com/genforce/higan. Up-sampling convolutions that are
fused are TensorFlow's own arrays (3, 3, I, O), layer2.weight. The picture is as the last
convolution gives it. A network that is still growing draws its finest resolution: nothing blends.
"""

import re

from torch import Tensor

from latty.models.conversion.stylegan1 import plain
from latty.models.families import progan
from latty.models.parts import Converted, Part

ORIGIN = "ProGAN of InterFaceGAN and HiGAN, .pth"
CHECKED = "the reference code's own output, 64 and 1024 px, fused too"
FAMILY = "progan"
SIGNATURE = {
    "layer0.conv.weight": (-1, -1, 4, 4),
    "layer0.wscale.bias": 1,
    "output0.conv.weight": 4,
}
PICTURE = (r"layer0\.conv\.weight", r"layer\d*[02468]\.(conv\.)?weight")

NAME = re.compile(r"(layer|output)(\d{1,3})\.(conv\.weight|wscale\.bias|weight)")


def convert(part: Part) -> Converted:
    """The same tensors under the family's names, fused ones as the plain ones that do the same."""
    last = max(int(match[2]) for match in map(NAME.fullmatch, part.shapes) if match) // 2
    tensors: dict[str, Tensor] = {}
    for name, tensor in part.torch().items():
        match = NAME.fullmatch(name)
        if match is None:  # "lod"; the family's own check names what is strange
            tensors[name] = tensor.reshape(()).floor() if name == "lod" else tensor
            continue
        kind, number, what = match.groups()
        if what == "weight" and tensor.dim() == 4:
            tensor = plain(tensor.permute(3, 2, 0, 1), True)
        new = f"features.{number}" if kind == "layer" else f"outputs.{number}"
        new = "output" if new == f"outputs.{last}" else new
        tensors[f"{new}.{'wscale.b' if what == 'wscale.bias' else 'conv.weight'}"] = tensor
    return Converted(tensors, progan.metadata(part.shapes["layer0.conv.weight"][1]))
