"""The arguments that NVIDIA's TensorFlow networks were made with, StyleGAN and StyleGAN2 alike."""

from typing import Any

from latty.models.parts import Part
from latty.models.state_dict import is_number, unused

TRUNCATION = "truncation_psi"
KNOWN = (  # sizes, which the tensors show; what changes nothing when a picture is drawn
    *("num_channels", "resolution", "label_size", "latent_size", "dlatent_size", "mapping_layers"),
    *("mapping_fmaps", "fmap_base", "fmap_decay", "fmap_min", "fmap_max", "dlatent_broadcast"),
    *("style_mixing_prob", "dlatent_avg_beta", "fused_modconv", "num_fp16_res", "dtype"),
    *("structure", "randomize_noise", "force_clean_graph", "is_training", "is_validation"),
    *("is_template_graph", "mapping_func", "synthesis_func", "func_name", "architecture"),
    *(TRUNCATION, "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val"),
)


def arguments(part: Part) -> dict[str, Any]:
    """Those of the components, then those of the whole network, which hands them down; lists for
    tuples."""
    found: dict[str, Any] = {}
    for key in ("synthesis.kwargs", "mapping.kwargs", "kwargs"):
        said = part.attributes.get(key)
        found |= said if isinstance(said, dict) else {}
    return {key: list(one) if isinstance(one, tuple) else one for key, one in found.items()}


def remarks(said: dict[str, Any], *used: str) -> tuple[str, ...]:
    """What its own code does with the arguments and latty does not, in words.

    used    those that the layout reads itself
    """
    psi = said.get(TRUNCATION, 1)
    own = is_number(psi) and psi != 1
    drawn = f"its own code draws with truncation {psi} unless it is told another, latty as asked"
    return (*((drawn,) if own else ()), *unused(said, {*KNOWN, *used}))
