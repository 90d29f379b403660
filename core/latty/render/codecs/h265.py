"""H.265 (HEVC): about two thirds of the bytes of H.264, for players of today."""

from latty.presets import Output
from latty.presets.codecs import Encoding, bits

CODEC = {
    "chroma": ("420", "422", "444", "rgb"),
    "depths": (8, 10),
    "reads": {"crf", "chroma", "depth", "gop"},
    "bytes_per_pixel": (
        "crf",
        ((0, 0.8), (6, 0.15), (12, 0.06), (18, 0.024), (30, 0.007), (44, 0.003)),
    ),
    "silent": {"x265-params": "log-level=none:info=0"},
    "encoders": (("libx265", "mp4", "yuv420p"), ("libx265", "mp4", "yuv420p10le")),
}
# No words of its own on stderr, no version in the file, no threads beside the one of a segment.
ENCODER = "libx265"
QUIET = "log-level=none:info=0:pools=none:frame-threads=1"
# x265 4.2 writes beyond its memory below some 50 px where it looks ahead by blocks, and gives the
# first of fewer than three frames a time out of memory that nobody wrote. Of pictures that are one
# block wide and high (64 px, 32, 16) it predicts frames out of such memory: smaller blocks help,
# and where there are none, frames by themselves.
SMALL = ":aq-mode=0:cutree=0:bframes=0:ctu=16"
ONE_BLOCK = ":keyint=1"


def encoding(output: Output) -> Encoding:
    """`crf = 0` loses nothing of the picture in its chroma; in "rgb" nothing at all."""
    colours = "gbrp" if output.chroma == "rgb" else f"yuv{output.chroma}p"
    lossless = ":lossless=1" if output.crf == 0 else ""
    options = {"preset": "fast", "crf": str(output.crf), "x265-params": QUIET + lossless}
    params = QUIET + lossless + SMALL
    small = {
        px: {**options, "x265-params": params + more} for px, more in ((17, ONE_BLOCK), (128, ""))
    }
    # the tag is what Apple's players ask for
    return Encoding(ENCODER, colours + bits(output), options, tag="hvc1", small=small)
