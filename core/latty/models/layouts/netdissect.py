"""ProGAN as netdissect and GANSpace keep it: layer1.conv.weight, ..., output_256x256.conv.weight.

Bau et al. 2019, "GAN Dissection" (arXiv:1811.10597). Weights are scaled by the He constant of
their shape; a scale that old files store is not looked at, as their own loader does not.
"""

import re

from latty.models.families import progan
from latty.models.parts import Converted, Part

ORIGIN = "ProGAN of netdissect and GANSpace, .pth"
CHECKED = "the reference code's own output, 32 and 64 px"
FAMILY = "progan"
SIGNATURE = {"layer1.conv.weight": (-1, -1, 4, 4), "output_*x*.conv.weight": ...}
PICTURE = (r"layer1\.conv\.weight", r"layer\d*[13579]\.conv\.weight")

LAYER = re.compile(r"layer(\d+)\.(conv\.weight|wscale\.b)")
OUTPUT = re.compile(r"output_(\d+)x\1\.(conv\.weight|wscale\.b)")


def convert(part: Part) -> Converted:
    """The same tensors, counted from zero, without the outputs of lower resolutions."""
    tensors = {}
    count = sum(name.startswith("layer") and name.endswith(".conv.weight") for name in part.shapes)
    for name, tensor in part.torch().items():
        layer, output = LAYER.fullmatch(name), OUTPUT.fullmatch(name)
        if layer:
            tensors[f"features.{int(layer[1]) - 1}.{layer[2]}"] = tensor
        elif output and int(output[1]) == 4 << (count // 2 - 1):
            tensors[f"output.{output[2]}"] = tensor
        elif not output and not name.endswith(".wscale.scale"):
            tensors[name] = tensor  # the family's own check names what is strange
    return Converted(tensors, progan.metadata(part.shapes["layer1.conv.weight"][1]))
