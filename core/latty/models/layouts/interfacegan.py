"""StyleGAN1 as InterFaceGAN keeps it: synthesis.layer{j}.epilogue.apply_noise.weight, ...

github.com/genforce/interfacegan, the older naming of genforce's port. Fused up-sampling
convolutions are TensorFlow's own arrays (3, 3, I, O).
"""

import re

from torch import Tensor

from latty.models.conversion import stylegan1 as common
from latty.models.parts import Converted, Part

ORIGIN = "StyleGAN of InterFaceGAN, .pth"
CHECKED = "by equation only"
FAMILY = "stylegan1"
SIGNATURE = {"synthesis.layer0.first_layer": ..., "mapping.dense0.linear.weight": ...}

EPSILON = 1e-8  # of instance norm
LAYER = re.compile(r"synthesis\.layer(\d+)\.(.+)")
OUTPUT = re.compile(r"synthesis\.output(\d+)\.(?:conv\.)?(weight|bias)")
DENSE = re.compile(r"mapping\.dense(\d+)\.(?:linear\.(weight)|wscale\.(bias))")
KINDS = {
    "conv.weight": "weight",
    "weight": "fused",
    "epilogue.bias": "bias",
    "epilogue.apply_noise.weight": "noise_weight",
    "epilogue.apply_noise.noise": "noise",
    "epilogue.style_mod.dense.linear.weight": "style.weight",
    "epilogue.style_mod.dense.wscale.bias": "style.bias",
}


def convert(part: Part) -> Converted:
    """Our names and orientation; settings of truncation are not weights and are left out."""
    tensors: dict[str, Tensor] = {}
    for name, tensor in part.torch().items():
        dense, output, layer = DENSE.fullmatch(name), OUTPUT.fullmatch(name), LAYER.fullmatch(name)
        if name == "truncation.w_avg":
            tensors["mapping.w_avg"] = tensor.flatten()
        elif dense:
            tensors[f"mapping.dense{dense[1]}.{dense[2] or dense[3]}"] = tensor
        elif output:
            tensors[f"synthesis.output{output[1]}.{output[2]}"] = tensor
        elif name.endswith(".kernel"):
            common.check_blur(name, tensor)
        elif layer:
            tensors |= _layer(int(layer[1]), layer[2], name, tensor)
        elif not name.startswith("truncation."):
            tensors[name] = tensor  # the family's own check names what is strange
    return common.finished(tensors, EPSILON)


def _layer(layer: int, rest: str, name: str, tensor: Tensor) -> dict[str, Tensor]:
    if rest == "first_layer":
        return {"synthesis.const": common.constant(name, tensor)}
    kind = KINDS.get(rest)
    if kind is None:
        return {name: tensor}
    if kind == "fused":
        wanted = tensor.permute(3, 2, 0, 1) if tensor.dim() == 4 else tensor
        return {f"synthesis.layer{layer}.weight": common.plain(wanted, True)}
    if kind in ("noise", "noise_weight"):
        tensor = tensor[0, 0] if tensor.dim() == 4 and kind == "noise" else tensor.squeeze()
    return {f"synthesis.layer{layer}.{kind}": tensor}
