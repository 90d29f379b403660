"""AV1: the smallest files, for browsers and players of today; slower to write."""

from latty.presets import Output
from latty.presets.codecs import Encoding, bits, spread_crf

CODEC = {
    "chroma": ("420",),
    "depths": (8, 10),
    "reads": {"crf", "depth", "gop"},
    "bytes_per_pixel": (
        "crf",
        ((0, 0.3), (6, 0.1), (12, 0.05), (18, 0.022), (30, 0.008), (44, 0.003)),
    ),
    "environment": {"SVT_LOG": "0"},  # else its settings, and how it was left, are on stderr
    "encoders": (("libsvtav1", "mp4", "yuv420p"), ("libsvtav1", "mp4", "yuv420p10le")),
}


def encoding(output: Output) -> Encoding:
    """SVT-AV1 at a constant quality; `crf = 0` is its finest, which is not lossless.

    It has threads of its own that change no byte, and a keyframe costs it more than others: the
    film is not cut into segments, which made it a tenth larger.
    """
    options = {"preset": "8", "crf": str(max(1, spread_crf(output.crf))), "svtav1-params": "lp=2"}
    return Encoding("libsvtav1", f"yuv420p{bits(output)}", options, whole=True)
