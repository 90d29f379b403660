"""FFV1: lossless, for archives and for cutting; half the bytes of raw pictures.

`chroma = "rgb"` keeps the pixels as they are, their opacity too; the others are its colours of
video, lossless from there on.
"""

from latty.presets import Output
from latty.presets.codecs import Encoding, bits

CODEC = {
    "chroma": ("rgb", "444", "422", "420"),
    "depths": (8, 10),
    "alpha": True,
    "reads": {"chroma", "depth", "gop"},
    "bytes_per_pixel": 0.5,
    "encoders": (("ffv1", "matroska", "bgr0"),),
}
# Slices of their own checksum, so that a damaged file loses a part of a frame (version 3).
OPTIONS = {"level": "3", "coder": "1", "context": "0", "slices": "4", "slicecrc": "1"}


def encoding(output: Output) -> Encoding:
    """Each frame by itself."""
    if output.chroma == "rgb":
        return Encoding("ffv1", "bgr0", OPTIONS, alpha="bgra", gop=1)
    ten = bits(output)
    return Encoding(
        "ffv1", f"yuv{output.chroma}p{ten}", OPTIONS, f"yuva{output.chroma}p{ten}", gop=1
    )
