"""What every StyleGAN1 layout needs on its way into ours: orientation, noise, the mean code."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models.base import Shapes
from latty.models.families import stylegan1
from latty.models.families.stylegan1.network import StyleGAN1Mapping
from latty.models.parts import Converted
from latty.models.state_dict import shapes_of

LATENTS = 10_000  # for the mean code, as the reference's own tools draw
FUSED_FROM = 128  # px: from here on the reference fuses up-sampling and convolution ("auto")
NEVER = 1 << 30  # px
AGAIN = "it is no StyleGAN of 2019 that latty knows"


def finished(tensors: dict[str, Tensor], epsilon: float, notes: Sequence[str] = ()) -> Converted:
    """Our layout of tensors such as (O, I, 3, 3), complete: noise and mean code are made where the
    file has none, and noted after `notes`."""
    notes = [*notes]
    if _add_noise(tensors):
        notes.append("noise seeded with 0: the file holds none")
    if "mapping.w_avg" not in tensors:
        tensors["mapping.w_avg"] = _mean_code(tensors)
        notes.append(f"w_avg estimated from {LATENTS:,} latents: the file holds none")
    return Converted(tensors, stylegan1.metadata(epsilon), tuple(notes))


def _add_noise(tensors: dict[str, Tensor]) -> bool:
    """Noise pictures in the order and from the stream in which GANSpace draws them."""
    generator, added, layer = torch.Generator().manual_seed(0), False, 0
    while f"synthesis.layer{layer}.noise_weight" in tensors and layer < stylegan1.MAX_LAYERS:
        name, size = f"synthesis.layer{layer}.noise", 4 << layer // 2
        if name not in tensors:
            tensors[name] = torch.randn(1, 1, size, size, generator=generator)[0, 0]
            added = True
        layer += 1
    return added


def _mean_code(tensors: Mapping[str, Tensor]) -> Tensor:
    """The mean (D,) of the mapping over LATENTS latents, without a label."""
    shapes = shapes_of(tensors)
    layers = sum(n.startswith("mapping.dense") and n.endswith(".bias") for n in shapes)
    width = _width(shapes)
    z = torch.randn(LATENTS, width, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode(False), torch.no_grad():
        try:
            floats = {name: t.float() for name, t in tensors.items() if name.startswith("mapping.")}
            return StyleGAN1Mapping(floats, layers)(z, None).mean(0)
        except (KeyError, RuntimeError):
            raise BadData("the layers of its mapping do not fit each other", AGAIN) from None


def _width(shapes: Shapes) -> int:
    inputs = shapes.get("mapping.dense0.weight", ())
    label = shapes.get("mapping.label_weight", (0, 0))
    if len(inputs) != 2 or len(label) != 2 or inputs[1] - label[1] < 1:
        raise BadData("tensor 'mapping.dense0.weight' is missing or no matrix", AGAIN)
    return inputs[1] - label[1]


def constant(name: str, tensor: Tensor) -> Tensor:
    """The learned constant (C, 4, 4) of a tensor (1, C, 4, 4), or (C, 4, 4). Raises Refusal for one
    of another shape, by the name that it has in its file."""
    height, width = tensor.shape[-2:] if tensor.dim() > 1 else (0, 0)
    if (height, width) != (4, 4):
        shape = f"{height} x {width} px" + ("" if height == width else ": not square")
        hint = "StyleGAN1 is read with a constant of 4 x 4 px"
        raise Refusal("wrong-shape", f"the constant '{name}' has {shape}", hint)
    return tensor.squeeze(0)


# --- up-sampling convolutions ---------------------------------------------------------------------


def plain(weight: Tensor, fused: bool) -> Tensor:
    """Weight (O, I, 3, 3) for the doubled picture; `fused` ones came from a transposed convolution,
    which turns a kernel around."""
    return weight.flip(2, 3).contiguous() if fused else weight


def fused_from(said: object) -> int:
    """The size in px from which up-sampling convolutions run fused, by the setting `fused_scale`:
    True, False or "auto". Raises BadData for anything else."""
    if said == "auto":
        return FUSED_FROM
    if not isinstance(said, bool):
        raise BadData(f"its setting fused_scale is {said!r:.40}", "it is true, false or 'auto'")
    return 4 if said else NEVER


def check_blur(name: str, kernel: Tensor) -> None:
    """Raises BadData unless the kernel (..., 3, 3) is the reference's, up to a factor."""
    line = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
    good = kernel.dim() >= 2 and tuple(kernel.shape[-2:]) == (3, 3)
    if good:
        found = kernel.double() / kernel.double().sum((-1, -2), keepdim=True)
        good = torch.allclose(found, torch.outer(line, line).expand_as(found), atol=1e-4)
    if not good:
        raise BadData(f"tensor '{name}' is not the blur of StyleGAN", AGAIN)
