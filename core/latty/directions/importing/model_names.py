"""What the names of other programs' generators and layers are called here."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

PRIMARY = ("", "style", "g_mapping", "mapping")  # layers of GANSpace whose output is w itself
# The first pattern found in a name decides; GANSpace's own BigGANs are Hugging Face's deep ones.
FAMILIES = (
    (r"stylegan[-_ ]?3|stylegan_?xl", "stylegan3"),
    (r"stylegan[-_ ]?2|(^|[^a-z])sg2", "stylegan2"),
    (r"stylegan", "stylegan1"),
    (r"pg-?gan|pro?g?-?gan|progan|proggan|karras2018", "progan"),
    (r"biggan[-_ ]?deep", "biggan_deep"),
    (r"biggan", "biggan"),
    (r"sn-?gan|sn_(mnist|anime)", "sngan"),
    (r"dcgan", "dcgan"),
)


def family_of(name: str) -> str:
    """The family that a generator's name gives away, or ""."""
    low = name.lower()
    return next((family for pattern, family in FAMILIES if re.search(pattern, low)), "")


def ganspace_family(name: str) -> str:
    """As `family_of`; GANSpace knows BigGAN as Hugging Face's BigGAN-deep only."""
    found = family_of(name)
    return "biggan_deep" if found == "biggan" else found


# What GANSpace calls a layer; own names of layers are none of these.
GANSPACE = re.compile(r"style|g_mapping|mapping|strided_style\.\d{1,2}|conv1|convs\.\d{1,2}"
                   r"|g_synthesis\..+|generator\..+")  # fmt: skip


def with_own_layer(
    params: Mapping[str, Any], family: str, names: Sequence[str]
) -> Mapping[str, Any]:
    """Parameters of a search whose "layer", where GANSpace calls it so, is this model's: w, or one
    of its `names`. Its strided_style.3 is w, moved in layer 3."""
    said = params.get("layer")
    if not isinstance(said, str) or said in names or not GANSPACE.fullmatch(said):
        return params
    if said.startswith("strided_style."):
        layers = said.removeprefix("strided_style.")
        return {"layers": str(int(layers)), **params, "layer": "w"}
    here = "w" if said in PRIMARY else ganspace_layer(said, family)
    return {**params, "layer": here} if here in ("w", *names) else params


def ganspace_layer(layer: str, family: str) -> str:
    """The activation that GANSpace's `layer` is here, or its own name where nothing is known.

    Its StyleGANs are lernapparat's and rosinality's, its ProGAN netdissect's.
    """
    if family == "stylegan2" and layer == "conv1":
        return "b4.conv1"
    if family == "stylegan2" and (found := re.fullmatch(r"convs\.(\d{1,2})", layer)):
        return f"b{8 << int(found[1]) // 2}.conv{int(found[1]) % 2}"
    found = re.fullmatch(r"g_synthesis\.blocks\.(\d{1,4})x\1(\.epi1|\.epi2)?", layer)
    if family == "stylegan1" and found and int(found[1]) >= 4:
        return f"layer{2 * (int(found[1]).bit_length() - 3) + (found[2] != '.epi1')}"
    found = re.fullmatch(r"layer([1-9]\d?)", layer)
    if family == "progan" and found:
        return f"layer{int(found[1]) - 1}"
    if family == "biggan_deep":
        found = re.fullmatch(r"generator\.layers\.(\d{1,2})", layer)
        if found and found[1] != "8":  # the attention layer, which is no block
            return f"block{int(found[1]) - (int(found[1]) > 8)}"
        layer = layer.removeprefix("generator.")
    return re.sub(r"\s+", "-", layer) or "layer"
