"""Encoders and the StyleGAN3 that they were trained with: stylegan3-editing (ReStyle, e4e, pSp).

As `encoders`, with NVIDIA's names under "decoder.". The generator is a bare state_dict there.
"""

from latty.models.conversion import companion
from latty.models.layouts import nvidia_stylegan3, rosinality
from latty.models.parts import Converted, Part

ORIGIN = "encoders of stylegan3-editing with a StyleGAN3, .pt"
CHECKED = "the reference output of the generator, 32 px, in files put together here"
FAMILY = "stylegan3"
PREFIX = "decoder."
SIGNATURE = {
    "synthesis.input.freqs": 2,
    "mapping.fc0.weight": 2,
    "*": r"(?!mapping\.embed_proj\.).*",
}
MEAN = "mapping.w_avg"


def convert(part: Part) -> Converted:
    """The generator as NVIDIA's layout has it, with the other half as its companion. Raises Refusal
    for tensors that are none."""
    model = nvidia_stylegan3.convert(part)
    mean = rosinality.mean_code(part)
    if MEAN not in model.tensors and mean is not None:
        model.tensors[MEAN] = mean
    return companion.with_encoder(model, part, PREFIX)
