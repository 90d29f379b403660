"""NVIDIA's StyleGAN3 pickles, T and R (NVlabs/stylegan3 and its forks).

The tensors keep their names. How each layer resamples lies in the attributes of the pickled
modules; of a bare state_dict it is told from the resolution, where sizes and filters agree with
NVIDIA's own settings.
"""

import torch

from latty.checkpoints.refusals import Refusal
from latty.models.families import stylegan3
from latty.models.families.stylegan3 import config as file
from latty.models.layouts.nvidia_stylegan3 import published
from latty.models.parts import Converted, Part

ORIGIN = "StyleGAN3 T and R of NVIDIA, .pkl"
CHECKED = "the reference code's own output, 32 px, with and without classes"
FAMILY = "stylegan3"
SIGNATURE = (  # StyleGAN-XL's files always have an embedding, and it never has a bias
    {"synthesis.input.freqs": 2, "mapping.fc0.weight": 2, "*": r"(?!mapping\.embed\.).*"},
    {"synthesis.input.freqs": 2, "mapping.fc0.weight": 2, "mapping.embed.bias": 1},
)

STILL = "synthesis.input.transform"
NOTE = (
    "how its layers resample is not in the file: NVIDIA's settings, which fit its sizes and filters"
)
HINT = "import NVIDIA's own .pkl instead; how the layers resample is written there and nowhere else"


def convert(part: Part) -> Converted:
    """The same tensors, with the modules' settings as a header. Raises Refusal for a bare
    state_dict of other layers than NVIDIA's settings make."""
    if part.module is None:
        return _bare(part)
    config = file.from_attributes(part.attributes, part.shapes)
    file.check(config)
    return Converted(part.torch(), stylegan3.metadata(config))


def _bare(part: Part) -> Converted:
    config = published.config_of(part.shapes)
    if config is None:
        what = "it holds a StyleGAN3's weights without the settings of its layers, which are not"
        raise Refusal("unknown-architecture", f"{what} NVIDIA's", HINT)
    file.check(config)
    tensors = {STILL: torch.eye(3), **part.torch()}  # encoders drop it when they are saved
    return Converted(tensors, stylegan3.metadata(config), (NOTE,))
