"""The settings beside a BigGAN-PyTorch file: the command line of its train.py, written as JSON.

Each is used, compared with the tensors, refused where it asks for other arithmetic, or of the
training alone; whatever is none of these is named in a remark.
"""

from collections.abc import Mapping
from typing import Any

from latty.errors import BadData
from latty.models.base import Shapes
from latty.models.families.biggan.network import Sizes
from latty.models.state_dict import agree, is_number, only, positive, unused
from latty.text import clean

MARK = "G_ch"  # another model's settings may lie beside the file: these have it
ONLY = {  # what changes the arithmetic and leaves no trace in the tensors
    "model": "BigGAN",
    "norm_style": "bn",
    "G_nl": ("relu", "inplace_relu", "ir"),
    "bottom_width": 4,
    "G_kernel_size": 3,
}
USED = ("BN_eps", "SN_eps", "resolution", "n_classes", "shared_dim", "hier", "dim_z", "G_attn",
        "G_ch", "G_shared", "G_param", "mybn", "cross_replica", "z_var", "class_names", "id2label",
        *ONLY)  # fmt: skip
# Singular vectors beyond the first, and steps of power iteration, change nothing in evaluation.
TRAINING = (
    r"D_\w+|(num|sample|log|test|save|load|no|ema|use|which|skip)_\w+|(G|adam)_(lr|B1|B2|eps|ortho|init|"
    r"fp16|mixed_precision|batch_size|eval_mode|depth)|\w+_(root|name|workers|memory|suffix|interval)|"
    r"dataset|augment|shuffle|seed|batch_size|split_D|parallel|accumulate_stats|hashname|pbar|"
    r"config_from_name|ema|toggle_grads|resume|logstyle|sv_log_interval|load_in_mem"
)


def settings(beside: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those of a BigGAN, {} where they are another model's."""
    return beside if MARK in beside else {}


def mine(beside: Mapping[str, Any]) -> Mapping[str, Any]:
    """Likewise, also of the few that somebody states by hand."""
    return beside if all(key in USED for key in beside) else settings(beside)


def check(said: Mapping[str, Any], sizes: Sizes, shapes: Shapes) -> None:
    """Raises BadData where the settings contradict the tensors, or ask for other arithmetic."""
    only(said, ONLY)
    resolution, width = 4 << sizes.blocks, shapes["linear.weight"][0] // 16
    shown: dict[str, Any] = {
        "resolution": resolution,
        "n_classes": sizes.classes,
        "hier": sizes.hierarchical,
    }
    shown |= {
        "G_shared": sizes.shared is not None,
        "G_ch": width // (4 if resolution == 32 else 16),
    }
    shown["G_param"] = "SN" if "linear.u0" in shapes else said.get("G_param")
    agree(said, {**shown, "dim_z": _dim_z(said, sizes)})
    if sizes.shared is not None and "shared_dim" in said:
        # BigGAN.py: without a width of its own the embedding is as wide as the latent.
        own = positive(said, "shared_dim", 1) if said["shared_dim"] else said.get("dim_z")
        agree({"shared_dim": own}, {"shared_dim": sizes.shared})
    places = [8 << i for i in range(sizes.blocks) if f"blocks.{i}.1.gamma" in shapes]
    if "G_attn" in said and _places(said["G_attn"], resolution) != places:
        what = f"the settings say G_attn = {clean(repr(said['G_attn'])):.40}"
        raise BadData(what, f"the tensors have attention at {places} px")


def _dim_z(said: Mapping[str, Any], sizes: Sizes) -> object:
    """The latent's width as the settings would say it: the cut into chunks loses a remainder."""
    given, width = said.get("dim_z"), sizes.chunk * sizes.layers
    fits = isinstance(given, int) and given // sizes.layers == sizes.chunk
    return given if fits else width


def _places(said: object, resolution: int) -> list[int]:
    """The sizes in px of a G_attn such as "32_64", as far as the network has them."""
    try:
        return sorted({px for px in map(int, str(said).split("_")) if 8 <= px <= resolution})
    except ValueError:
        return []


def remarks(said: Mapping[str, Any]) -> tuple[str, ...]:
    """What of the settings changes nothing here, in words."""
    found = list(unused(said, USED, TRAINING))
    spread = said.get("z_var", 1)
    if is_number(spread) and spread != 1:
        found.append(
            f"z_var = {spread:g}: its author drew latents so wide, latty draws them of width 1"
        )
    return tuple(found)
