"""ProRes: what programs that cut films like best; 10 bits, each frame by itself.

`profile` is proxy, lt, standard, hq (the usual one) or 4444, which keeps sharp colours and an
opacity.
"""

from latty.presets import Output
from latty.presets.codecs import Encoding

CODEC = {
    "chroma": ("422", "444"),
    "depths": (10,),
    "alpha": True,
    "opaque": (None, "proxy", "lt", "standard", "hq"),
    "reads": {"profile"},
    "bytes_per_pixel": (
        "profile",
        {"proxy": 0.13, "lt": 0.3, "standard": 0.42, "hq": 0.6, "4444": 0.9},
    ),
    "encoders": (("prores_ks", "mov", "yuv422p10le"), ("prores_ks", "mov", "yuva444p10le")),
}


def encoding(output: Output) -> Encoding:
    """FFmpeg's encoder, which signs as Apple's: some programs open no other."""
    options = {"profile": output.profile, "vendor": "apl0"}
    if output.profile == "4444":
        return Encoding("prores_ks", "yuv444p10le", options, alpha="yuva444p10le", gop=1)
    return Encoding("prores_ks", "yuv422p10le", options, gop=1)
