"""StyleGAN-XL's pickles (autonomousvision/stylegan-xl): a stem, or super-resolution over one.

NVIDIA's StyleGAN3 with another mapping: one vector for each class of ImageNet, projected, and a
mean code for each class. A file holds the vectors of all 1000 classes even where it has fewer, or
none. The layers of a super-resolution file are those of the stem without its last ones, and new
ones behind them: the numbers in their names jump, and the file lists their order.
"""

from latty.checkpoints.refusals import Refusal
from latty.models.families import stylegan3
from latty.models.families.stylegan3 import config as file
from latty.models.parts import Converted, Part

FAMILY = "stylegan3"
ORIGIN = "StyleGAN-XL of autonomousvision, .pkl"
CHECKED = "the reference code's own output, 16 to 64 px, T and R, with and without classes"
SIGNATURE = {
    "synthesis.input.freqs": 2,
    "mapping.fc0.weight": 2,
    "mapping.embed.weight": 2,
    "*": r"(?!mapping\.embed\.bias).*",
}

VECTORS = "mapping.embed.weight"
HINT = "import the authors' own .pkl; how the layers resample is written there and nowhere else"


def convert(part: Part) -> Converted:
    """The same tensors, with the modules' settings as a header. Raises Refusal for a bare
    state_dict, which does not hold them."""
    if part.module is None:
        what = "it holds a StyleGAN-XL's weights without the settings of its layers"
        raise Refusal("unknown-architecture", what, HINT)
    config = file.from_attributes(part.attributes, part.shapes)
    file.check(config)
    tensors = part.torch()
    vectors = tensors.pop(VECTORS)[: config.c_dim]
    if config.class_dim:
        tensors[VECTORS] = vectors
    return Converted(tensors, stylegan3.metadata(config))
