"""VP9: for browsers, and for players without H.264."""

from latty.presets import Output
from latty.presets.codecs import Encoding, spread_crf

CODEC = {
    "chroma": ("420", "422", "444", "rgb"),
    "depths": (8,),
    "reads": {"crf", "chroma", "gop"},
    "bytes_per_pixel": (
        "crf",
        ((0, 0.8), (6, 0.1), (12, 0.06), (18, 0.03), (30, 0.012), (44, 0.005)),
    ),
    "encoders": (("libvpx-vp9", "webm", "yuv420p"),),
}


def encoding(output: Output) -> Encoding:
    """Constant quality, no target rate. `crf = 0` in "rgb" loses nothing."""
    options = {
        "crf": str(spread_crf(output.crf)),
        "b": "0",
        "deadline": "realtime",
        "cpu-used": "6",
    }
    if output.chroma != "rgb":
        return Encoding("libvpx-vp9", f"yuv{output.chroma}p", options)
    lossless = {"lossless": "1"} if output.crf == 0 else {}
    return Encoding("libvpx-vp9", "gbrp", options | lossless)
