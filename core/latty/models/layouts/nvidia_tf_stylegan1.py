"""NVIDIA's TensorFlow files of StyleGAN: a tuple (G, D, Gs) of networks of version 3.

Dense weights are transposed, convolutions HWIO; nothing is turned around in the file, but from
128 px on the network runs its up-sampling convolutions as transposed ones, which does.
"""

import re

from torch import Tensor

from latty.models.conversion import classes, tensorflow
from latty.models.conversion import stylegan1 as common
from latty.models.families.stylegan1.network import MAPPING_LR
from latty.models.parts import Converted, Part
from latty.models.state_dict import only, positive

ORIGIN = "StyleGAN of NVIDIA in TensorFlow, .pkl"
CHECKED = "the output of lernapparat's port, 32 px; no TensorFlow was run"
FAMILY = "stylegan1"
SIGNATURE = {"synthesis.4x4/Const/StyleMod/weight": ..., "mapping.Dense0/weight": ...}
PICTURE = (
    r"synthesis\.4x4/Const/const",
    r"synthesis\.\d+x\d+/(Const|Conv0_up)/StyleMod/weight",
)

# TensorFlow itself had 1e-8; the only pictures of these files that could be measured were made by
# the port of lernapparat and GANSpace, which reads them with 1e-5. No picture shows the difference.
EPSILON = 1e-5  # of instance norm
DENSE0 = "mapping.Dense0/weight"
LAYER = re.compile(r"synthesis\.(\d+)x\1/(Const|Conv|Conv0_up|Conv1)/(.+)")
DENSE = re.compile(r"mapping\.Dense(\d+)/(weight|bias)")
NOISE = re.compile(r"synthesis\.noise(\d+)")
RGB = re.compile(r"synthesis\.ToRGB_lod(\d+)/(weight|bias)")
KINDS = {
    "weight": "weight",
    "bias": "bias",
    "Noise/weight": "noise_weight",
    "StyleMod/weight": "style.weight",
    "StyleMod/bias": "style.bias",
}
ONLY = {  # the settings of every released model; others would need other arithmetic
    "nonlinearity": "lrelu",
    "mapping_nonlinearity": "lrelu",
    "blur_filter": [1, 2, 1],
    "normalize_latents": True,
    "use_wscale": True,
    "use_noise": True,
    "use_styles": True,
    "use_instance_norm": True,
    "use_pixel_norm": False,
    "const_input_layer": True,
}


def convert(part: Part) -> Converted:
    """Our names and orientation; settings from the arguments the network was made with.
    Raises BadData where one of them asks for arithmetic that no released model has."""
    said = tensorflow.arguments(part)
    only(said, ONLY)
    fused = common.fused_from(said.get("fused_scale", "auto"))
    lr = positive(said, "mapping_lrmul", MAPPING_LR)
    notes = tensorflow.remarks(said, *ONLY, "fused_scale", "mapping_lrmul")
    if "mapping.LabelConcat/weight" not in part.views:
        first = part.shapes[DENSE0][::-1]
        notes += classes.check_latent(first, DENSE0, {}, said.get("latent_size"))
    blocks = 1 + max(_level(name) for name in part.views)
    tensors: dict[str, Tensor] = {}
    for name, tensor in part.torch().items():
        dense, layer, rgb = DENSE.fullmatch(name), LAYER.fullmatch(name), RGB.fullmatch(name)
        noise = NOISE.fullmatch(name)
        if name == "dlatent_avg":
            tensors["mapping.w_avg"] = tensor
        elif name == "mapping.LabelConcat/weight":
            tensors["mapping.label_weight"] = tensor
        elif dense:
            scaled = tensor if lr == MAPPING_LR else tensor * (lr / MAPPING_LR)
            tensors[f"mapping.dense{dense[1]}.{dense[2]}"] = _oriented(scaled)
        elif noise:
            tensors[f"synthesis.layer{noise[1]}.noise"] = (
                tensor[0, 0] if tensor.dim() == 4 else tensor
            )
        elif rgb:
            block = blocks - 1 - int(rgb[1])
            tensors[f"synthesis.output{block}.{rgb[2]}"] = _oriented(tensor)
        elif layer:
            tensors |= _layer(_level(name), layer[2], layer[3], _oriented(tensor), fused)
        elif name != "lod":
            tensors[name] = tensor  # "synthesis.lod"; the family's own check names the rest
    return common.finished(tensors, EPSILON, notes)


def _level(name: str) -> int:
    """0 for 4 px, 1 for 8 px, ...; -1 for names without a resolution."""
    match = LAYER.fullmatch(name)
    return int(match[1]).bit_length() - 3 if match else -1


def _oriented(tensor: Tensor) -> Tensor:
    """HWIO -> OIHW, (in, out) -> (out, in)."""
    if tensor.dim() == 4 and tensor.shape[0] == tensor.shape[1]:
        return tensor.permute(3, 2, 0, 1)
    return tensor.t() if tensor.dim() == 2 else tensor


def _layer(level: int, part: str, kind: str, tensor: Tensor, fused: int) -> dict[str, Tensor]:
    if kind == "const":
        return {"synthesis.const": common.constant("synthesis.4x4/Const/const", tensor)}
    layer = 2 * level + (part in ("Conv", "Conv1"))
    if part == "Conv0_up" and kind == "weight" and tensor.dim() == 4:
        tensor = common.plain(tensor, 4 << level >= fused)
    return {f"synthesis.layer{layer}.{KINDS.get(kind, kind)}": tensor}
