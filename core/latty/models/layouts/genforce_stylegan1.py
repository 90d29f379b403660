"""StyleGAN1 as genforce and SeFa keep it: synthesis.layer{j}.apply_noise.weight, ...

github.com/genforce/genforce and github.com/genforce/sefa. Every convolution is held as (outputs,
inputs, 3, 3), whether it up-samples by doubling and convolving or, fused, by a transposed one: no
tensor shows which. Their setting `fused_scale` does, and else its default, "auto".
"""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from latty.models.conversion import classes
from latty.models.conversion import stylegan1 as common
from latty.models.families.stylegan1.network import MAPPING_LR
from latty.models.parts import Converted, Part
from latty.models.state_dict import only, positive

ORIGIN = "StyleGAN of genforce and SeFa, .pth"
CHECKED = "the reference code's own output, 32 to 1024 px, fused or not, with classes too"
FAMILY = "stylegan1"
SETTINGS = ("fused_scale", "mapping_lr_mul", "z_dim", "z_space_dim")
SIGNATURE = {
    "synthesis.layer0.const": ...,
    "synthesis.layer0.apply_noise.weight": ...,
    "mapping.dense0.weight": ...,
}
PICTURE = (r"synthesis\.layer0\.const", r"synthesis\.layer\d*[02468]\.apply_noise\.weight")

DENSE = "mapping.dense0.weight"
EPSILON = 1e-8  # of instance norm
LAYER = re.compile(r"synthesis\.layer(\d+)\.(.+)")
KINDS = {"apply_noise.weight": "noise_weight", "apply_noise.noise": "noise"}
ASSUMED = "fused_scale is not in the file: 'auto' is assumed, fused from 128 px on"
ONLY = {  # other values of their settings would need other arithmetic
    "final_tanh": False,
    "const_input": True,
    "use_wscale": True,
    "repeat_w": True,
    "noise_type": "spatial",
}


def convert(part: Part) -> Converted:
    """Our names and orientation; settings of truncation are not weights and are left out. Raises
    BadData for settings beside the file that no released model has."""
    said: Mapping[str, Any] = part.beside
    only(said, ONLY)
    notes: tuple[str, ...] = () if "fused_scale" in said else (ASSUMED,)
    if "mapping.label_weight" not in part.views:
        notes += classes.check_latent(part.shapes[DENSE], DENSE, said)
    fused = common.fused_from(said.get("fused_scale", "auto"))
    lr = positive(said, "mapping_lr_mul", MAPPING_LR) / MAPPING_LR
    tensors: dict[str, Tensor] = {}
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
            if kind == "weight" and layer % 2 == 0 and tensor.dim() == 4:
                tensor = common.plain(tensor, 4 << layer // 2 >= fused)
            picture = tensor[0, 0] if kind == "noise" and tensor.dim() == 4 else tensor
            tensors[f"synthesis.layer{layer}.{kind}"] = picture
        elif not name.startswith("truncation."):
            tensors[name] = tensor * lr if name.startswith("mapping.dense") else tensor
    return common.finished(tensors, EPSILON, notes)
