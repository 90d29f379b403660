"""Projected GAN's pickles of its FastGAN generators (autonomousvision/projected-gan).

Whole modules: "G_ema" with a mapping that does nothing and the network under `synthesis`; the lite
one has one convolution a stage, the conditional one a norm that reads the class. What its
stylegan2 configuration writes is NVIDIA's StyleGAN2 in every name.
"""

from latty.models.conversion import fastgan as common
from latty.models.families import fastgan
from latty.models.parts import Converted, Part

FAMILY = "fastgan"
ORIGIN = "Projected GAN of autonomousvision, .pkl"
CHECKED = "the reference code's own output, 128 to 1024 px, with and without classes"
SIGNATURE = {"synthesis.init.init.0.*": 4, "synthesis.to_big.*": 4}

SYNTHESIS = "synthesis."


def convert(part: Part) -> Converted:
    """Weights divided by their spectral norms; the layers beyond the picture's size left out."""
    tensors = {name.removeprefix(SYNTHESIS): tensor for name, tensor in part.torch().items()}
    size = part.attributes.get("img_resolution")
    found = common.drawn_layers(common.divided(tensors), size if isinstance(size, int) else None)
    return Converted(
        found, fastgan.metadata(normalised=True, tanh=False), common.noise_notes(found)
    )
