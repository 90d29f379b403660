"""Encoders and the StyleGAN2 that they were trained with: pSp, e4e, ReStyle and their forks.

One file holds both: "decoder.*" is the generator in rosinality's names, "latent_avg" its mean code,
a row for each layer, and the rest inverts pictures. That half is kept beside the imported model.
"""

from latty.models.conversion import companion
from latty.models.layouts import rosinality
from latty.models.parts import Converted, Part

ORIGIN = "pSp, e4e, ReStyle and other encoders with a StyleGAN2, .pt"
CHECKED = "the reference output of the generator, 32 px, in files put together here"
FAMILY = "stylegan2"
PREFIX = "decoder."
SIGNATURE = {"input.input": ..., "conv1.conv.modulation.weight": ..., "style.1.weight": ...}
PICTURE = (r"input\.input", r"to_rgb(1|s\.\d+)\.conv\.weight")


def convert(part: Part) -> Converted:
    """The generator as rosinality's layout has it, with the other half as its companion. Raises
    Refusal for tensors that are none."""
    return companion.with_encoder(rosinality.convert(part), part, PREFIX)
