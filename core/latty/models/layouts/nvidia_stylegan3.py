"""NVIDIA's StyleGAN3 pickles, T and R (NVlabs/stylegan3 and its forks).

The tensors keep their names. How each layer resamples lies in the attributes of the pickled
modules, so a bare state dict of this network is not enough to run it.
"""

from latty.checkpoints.refusals import Refusal
from latty.models.families import stylegan3
from latty.models.families.stylegan3 import config as file
from latty.models.parts import Converted, Part

ORIGIN = "StyleGAN3 T and R of NVIDIA, .pkl"
CHECKED = "the reference code's own output, 32 px, with and without classes"
FAMILY = "stylegan3"
SIGNATURE = (  # StyleGAN-XL's files always have an embedding, and it never has a bias
    {"synthesis.input.freqs": 2, "mapping.fc0.weight": 2, "*": r"(?!mapping\.embed\.).*"},
    {"synthesis.input.freqs": 2, "mapping.fc0.weight": 2, "mapping.embed.bias": 1},
)

HINT = "import NVIDIA's own .pkl instead; how the layers resample is written there and nowhere else"


def convert(part: Part) -> Converted:
    """The same tensors, with the modules' settings as a header. Raises Refusal for a bare
    state_dict, which does not hold them."""
    if part.module is None:
        what = "it holds a StyleGAN3's weights without the settings of its layers"
        raise Refusal("unknown-architecture", what, HINT)
    config = file.from_attributes(part.attributes, part.shapes)
    file.check(config)
    return Converted(part.torch(), stylegan3.metadata(config))
