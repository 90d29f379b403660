"""NVIDIA's StyleGAN3 pickles, T and R (NVlabs/stylegan3 and its forks).

The tensors keep their names. How each layer resamples lies in the attributes of the pickled
modules, so a bare state dict of this network is not enough to run it.
"""

from latty.checkpoints.refusals import Refusal
from latty.models.families import stylegan3
from latty.models.families.stylegan3 import config as file
from latty.models.parts import Converted, Part

HINT = "import NVIDIA's own .pkl instead; how the layers resample is written there and nowhere else"


def recognise(part: Part) -> bool:
    """A StyleGAN3 generator by its tensors, unless latty wrote the file itself."""
    return stylegan3.recognise(part.shapes, {}) and not part.checkpoint.meta.get("family")


def convert(part: Part) -> Converted:
    """The same tensors, with the modules' settings as a header."""
    if part.module is None:
        what = "it holds a StyleGAN3's weights without the settings of its layers"
        raise Refusal("unknown-architecture", what, HINT)
    config = file.from_attributes(part.attributes, part.shapes)
    file.check(config)
    return Converted("stylegan3", part.torch(), stylegan3.metadata(config))
