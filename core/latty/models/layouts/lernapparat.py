"""StyleGAN1 as lernapparat, GANSpace and their many copies keep it: g_synthesis.blocks.4x4.const.

github.com/lernapparat/lernapparat (T. Viehmann's port), shipped by GANSpace as stylegan_*.pt. The
noise is not in these files; the mean code is in some, as truncation.avg_latent.
"""

import re

from torch import Tensor

from latty.models.conversion import classes
from latty.models.conversion import stylegan1 as common
from latty.models.parts import Converted, Part

ORIGIN = "StyleGAN of lernapparat and GANSpace, .pt"
CHECKED = "the reference code's own output, 32 to 1024 px"
FAMILY = "stylegan1"
SIGNATURE = {
    "g_synthesis.blocks.4x4.const": ...,
    "g_synthesis.torgb.weight": ...,
    "g_mapping.dense0.weight": ...,
}
PICTURE = (
    r"g_synthesis\.blocks\.4x4\.const",
    r"g_synthesis\.blocks\.\d+x\d+\.epi1\.style_mod\.lin\.weight",
)

SETTINGS = ("z_dim",)
DENSE = "g_mapping.dense0.weight"
EPSILON = 1e-5  # of instance norm in this implementation alone
MEAN = ("truncation.avg_latent", "dlatent_avg", "avg_latent")
BLOCK = re.compile(r"g_synthesis\.blocks\.(\d+)x\1\.(.+)")
KINDS = {
    "top_epi.noise.weight": "noise_weight",
    "top_epi.noise.noise": "noise",
    "style_mod.lin.weight": "style.weight",
    "style_mod.lin.bias": "style.bias",
}


def convert(part: Part) -> Converted:
    """Our names; up-sampling convolutions that the reference runs fused are turned around."""
    notes = classes.check_latent(part.shapes[DENSE], DENSE, part.beside)
    tensors: dict[str, Tensor] = {}
    blocks = 1 + max(_level(name) for name in part.shapes)
    for name, tensor in part.torch().items():
        if name.endswith(".intermediate.kernel"):
            common.check_blur(name, tensor)
        elif name in MEAN:
            tensors["mapping.w_avg"] = tensor.flatten()
        else:
            new, tensor = _renamed(name, tensor, blocks)
            tensors[new] = tensor
    return common.finished(tensors, EPSILON, notes)


def _level(name: str) -> int:
    """0 for 4 px, 1 for 8 px, ...; -1 for names without a resolution."""
    match = BLOCK.fullmatch(name)
    return int(match[1]).bit_length() - 3 if match else -1


def _renamed(name: str, tensor: Tensor, blocks: int) -> tuple[str, Tensor]:
    if name.startswith("g_mapping."):
        return name.removeprefix("g_"), tensor
    if name.startswith("g_synthesis.torgb."):
        return name.replace("g_synthesis.torgb", f"synthesis.output{blocks - 1}"), tensor
    match = BLOCK.fullmatch(name)
    if match is None:
        return name, tensor  # the family's own check names what is strange
    first, rest = f"synthesis.layer{2 * _level(name)}", match[2]
    second = f"synthesis.layer{2 * _level(name) + 1}"
    if rest == "const":
        return "synthesis.const", common.constant(name, tensor)
    if rest == "bias":
        return f"{first}.bias", tensor
    head, _, kind = rest.partition(".")
    if head in ("epi1", "epi2") and kind in KINDS:
        picture = tensor[0, 0] if kind == "top_epi.noise.noise" and tensor.dim() == 4 else tensor
        return f"{first if head == 'epi1' else second}.{KINDS[kind]}", picture
    if head == "conv0_up" and kind == "weight" and tensor.dim() == 4:
        return f"{first}.weight", common.plain(tensor, int(match[1]) >= common.FUSED_FROM)
    if head in ("conv0_up", "conv", "conv1"):
        return f"{first if head == 'conv0_up' else second}.{kind}", tensor
    return name, tensor
