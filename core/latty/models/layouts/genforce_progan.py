"""ProGAN as genforce and SeFa keep it: layer0.weight, layer1.weight, ..., output3.weight, lod.

github.com/genforce/genforce and github.com/genforce/sefa. Weights are scaled by the He constant.
Files trained with `fused_scale` hold the up-sampling convolutions as transposed ones, inputs first.
"""

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from latty.models.base import Shapes
from latty.models.families import progan
from latty.models.parts import Converted, Part
from latty.models.state_dict import only

ORIGIN = "ProGAN of genforce and SeFa, .pth"
CHECKED = "the reference code's own output, 32 to 1024 px, fused or not, with classes too"
FAMILY = "progan"
SETTINGS = ("z_space_dim", "z_dim", "latent_dim", "fused_scale")
SIGNATURE = {"layer0.weight": (-1, -1, 4, 4), "output0.weight": ...}
PICTURE = (r"layer0\.weight", r"layer\d*[02468]\.weight")

ASSUMED = "fused_scale is not in the file, nor seen in it: false is assumed"
ONLY = {"final_tanh": False, "use_wscale": True}  # others would need other arithmetic
NAME = re.compile(r"(layer|output)(\d+)\.(weight|bias)")
KINDS = {"weight": "conv.weight", "bias": "wscale.b"}


def convert(part: Part) -> Converted:
    """The same tensors under the family's names; transposed convolutions turned around."""
    tensors, last = part.torch(), _last(part.shapes)
    only(part.beside, ONLY)
    fused = _is_fused(part.shapes)
    if fused if fused is not None else part.beside.get("fused_scale"):
        _turn(tensors)
    renamed = {_name(name, last): tensor for name, tensor in tensors.items()}
    z_dim, note = _z_dim(part)
    told = fused is not None or "fused_scale" in part.beside
    notes = (note, "" if told else ASSUMED)
    return Converted(renamed, progan.metadata(z_dim), tuple(line for line in notes if line))


def _last(names: Iterable[str]) -> int:
    """The number of the finest output."""
    found = [match for match in map(NAME.fullmatch, names) if match and match[1] == "output"]
    return max(int(match[2]) for match in found)


def _name(name: str, last: int) -> str:
    match = NAME.fullmatch(name)
    if match is None:
        return name  # "lod"; the family's own check names what is strange
    kind, number = KINDS[match[3]], int(match[2])
    if match[1] == "layer":
        return f"features.{number}.{kind}"
    return f"output.{kind}" if number == last else f"outputs.{number}.{kind}"


def _is_fused(shapes: Shapes) -> bool | None:
    """Whether an up-sampling layer reads (I, O, 3, 3), None where I and O never differ."""
    for number in range(2, 64, 2):
        weight = shapes.get(f"layer{number}.weight", ())
        before = shapes.get(f"layer{number - 1}.bias", ())
        if len(weight) == 4 and before and weight[0] != weight[1]:
            return bool(weight[0] == before[0])
    return None


def _turn(tensors: dict[str, Tensor]) -> None:
    """Transposed convolutions (I, O, 3, 3) as the plain ones (O, I, 3, 3) that do the same."""
    for number in range(2, 2 * _last(tensors) + 2, 2):
        name = f"layer{number}.weight"
        if name in tensors and tensors[name].dim() == 4:
            tensors[name] = tensors[name].transpose(0, 1).flip(2, 3).contiguous()


def _z_dim(part: Part) -> tuple[int, str]:
    """The latent's width; what the first layer reads beyond it is a label.

    No tensor shows where the label begins: settings beside the file do, and else the widest power
    of two is taken for the latent, as in every released model.
    """
    inputs = part.shapes["layer0.weight"][1]
    beside: Mapping[str, object] = part.beside
    for key in ("z_space_dim", "z_dim", "latent_dim"):
        said = beside.get(key)
        if isinstance(said, int) and 1 <= said <= inputs:
            return said, ""
    z_dim = 1 << (inputs.bit_length() - 1)
    note = f"{inputs - z_dim} of the first layer's {inputs} inputs are taken for a label"
    return z_dim, note if z_dim < inputs else ""
