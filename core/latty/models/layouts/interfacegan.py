"""StyleGAN1 as InterFaceGAN and HiGAN keep it: synthesis.layer{j}.epilogue.apply_noise.weight, ...

github.com/genforce/interfacegan and github.com/genforce/higan, the older names of genforce's port.
Fused up-sampling convolutions are TensorFlow's own arrays (3, 3, I, O).
"""

import re

from torch import Tensor

from latty.models.conversion import classes
from latty.models.conversion import stylegan1 as common
from latty.models.parts import Converted, Part

ORIGIN = "StyleGAN of InterFaceGAN and HiGAN, .pth"
CHECKED = "the reference code's own output, 64 to 1024 px, fused or not"
FAMILY = "stylegan1"
SIGNATURE = (
    {"synthesis.layer0.first_layer": ..., "mapping.dense0.linear.weight": ...},
    {"synthesis.layer0.const": ..., "mapping.dense0.fc.weight": ...},  # HiGAN
)
PICTURE = (
    r"synthesis\.layer0\.(first_layer|const)",
    r"synthesis\.layer\d*[02468]\.epilogue\.apply_noise\.weight",
)

SETTINGS = ("z_dim", "z_space_dim")
FIRST = ("mapping.dense0.linear.weight", "mapping.dense0.fc.weight")
EPSILON = 1e-8  # of instance norm
LAYER = re.compile(r"synthesis\.layer(\d+)\.(.+)")
OUTPUT = re.compile(r"synthesis\.output(\d+)\.(?:conv\.)?(weight|bias)")
DENSE = re.compile(r"mapping\.dense(\d+)\.(?:(?:linear|fc)\.(weight)|wscale\.(bias))")
KINDS = {
    "conv.weight": "weight",
    "weight": "fused",
    "epilogue.bias": "bias",
    "epilogue.apply_noise.weight": "noise_weight",
    "epilogue.apply_noise.noise": "noise",
    "epilogue.style_mod.dense.linear.weight": "style.weight",
    "epilogue.style_mod.dense.fc.weight": "style.weight",
    "epilogue.style_mod.dense.wscale.bias": "style.bias",
}


def convert(part: Part) -> Converted:
    """Our names and orientation; the truncation that their own code always applies is noted."""
    notes = _truncation(part)
    for first in {*FIRST} & {*part.shapes}:
        notes += classes.check_latent(part.shapes[first], first, part.beside)
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
        elif name == "synthesis.lod":  # while it grows, its own code blends nothing
            tensors[name] = tensor.floor()
        elif not name.startswith("truncation."):
            tensors[name] = tensor  # the family's own check names what is strange
    return common.finished(tensors, EPSILON, notes)


def _truncation(part: Part) -> tuple[str, ...]:
    """What the file says of truncation, in words."""
    if "truncation.truncation" not in part.views:
        return ()
    psi = part.tensors["truncation.truncation"].flatten()
    layers = int((psi != 1).sum())
    what = f"its own code draws with truncation {psi.min():.3g} in {layers} layers, latty as asked"
    return (what,) if layers else ()


def _layer(layer: int, rest: str, name: str, tensor: Tensor) -> dict[str, Tensor]:
    if rest in ("first_layer", "const"):
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
