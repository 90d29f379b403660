"""Which family a checkpoint is of, by names alone and without torch: what `latty inspect` says.

`open_model` asks the families and origins themselves; a test holds both to the same answers.
"""

from typing import NamedTuple

from latty.checkpoints.checkpoint import Checkpoint
from latty.models.parts import parts


class Guess(NamedTuple):
    """A family, the file of the layout that it comes in, and which part of the file holds it."""

    family: str
    origin: str
    part: str


# Family, origin, tensors that only this layout has; the first whose names are all there counts.
LAYOUTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("stylegan3", "nvidia_stylegan3", ("synthesis.input.freqs", "mapping.fc0.weight")),
    ("stylegan2", "nvidia", ("synthesis.b4.const", "mapping.fc0.weight")),
    ("stylegan2", "nvidia_tf", ("synthesis.4x4/Conv/mod_weight", "mapping.Dense0/weight")),
    ("stylegan2", "rosinality", ("input.input", "conv1.conv.modulation.weight")),
    ("stylegan2", "genforce", ("synthesis.early_layer.const", "synthesis.layer0.noise_strength")),
    ("stylegan1", "nvidia_tf_stylegan1", ("synthesis.4x4/Const/StyleMod/weight",)),
    ("stylegan1", "genforce_stylegan1", ("synthesis.layer0.apply_noise.weight",)),
    ("stylegan1", "interfacegan", ("synthesis.layer0.first_layer",)),
    ("stylegan1", "lernapparat", ("g_synthesis.blocks.4x4.const",)),
    ("stylegan1", "stylegan1", ("synthesis.layer0.noise_weight", "mapping.w_avg")),
    ("progan", "genforce_progan", ("layer0.weight", "output0.weight")),
    ("progan", "netdissect", ("layer1.conv.weight", "layer2.conv.weight")),
    ("progan", "progan", ("features.0.conv.weight", "output.conv.weight")),
    ("biggan_deep", "biggan_deep", ("generator.gen_z.weight_orig", "embeddings.weight")),
    ("biggan", "biggan", ("shared.weight", "blocks.0.0.conv1.weight")),
    ("sngan", "sngan", ("model.0.weight", "model.2.conv1.weight")),
    ("dcgan", "dcgan", ("main.0.weight", "main.1.running_mean")),
    ("dcgan", "dcgan", ("layers.0.0.weight", "layers.0.1.running_mean")),
)


def guess(checkpoint: Checkpoint) -> Guess | None:
    """The family, or None: an unknown layout, or no generator at all."""
    for part in parts(checkpoint):
        for family, origin, names in LAYOUTS:
            if all(name in part.views for name in names):
                return Guess(family, origin, part.name)
    return None
