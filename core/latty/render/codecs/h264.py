"""H.264: every player opens it.

The software encoder unless `encoder = "nvenc"` asks for the graphics card's and that really opens:
its bytes differ from card to card and driver to driver.
"""

from latty.presets import Output
from latty.presets.codecs import Encoding, bits
from latty.render.ffmpeg.probe import try_encoder

CODEC = {
    "chroma": ("420", "422", "444", "rgb"),
    "depths": (8, 10),
    "reads": {"crf", "chroma", "depth", "gop", "encoder"},
    "bytes_per_pixel": (
        "crf",
        ((0, 0.8), (6, 0.17), (12, 0.08), (18, 0.038), (30, 0.012), (44, 0.005)),
    ),
    "encoders": (
        ("libx264", "mp4", "yuv420p"),
        ("libx264", "mp4", "yuv420p10le"),
        ("libx264rgb", "mp4", "rgb24"),
        ("h264_nvenc", "mp4", "yuv420p"),
    ),
}
# x264's macroblock tree reads memory that nobody wrote unless the width is a multiple of 128 px:
# the same frames then give other bytes from run to run. Without it B frames are kept as fine, and
# keyframes no finer than others, so that no seam of two segments is seen.
SOFTWARE = {"preset": "veryfast", "x264-params": "mbtree=0:pbratio=1.1:ipratio=1.1"}
# Large frames take longest and have pixels to spare: in half of the time, a crf finer, they come as
# near without B frames, for a fifth more bytes (docs/formats.md).
LARGE = {"preset": "superfast", "x264-params": "mbtree=0:bframes=0:ipratio=1.1"}
LARGE_SIDE = 720  # px of the shorter side
NVENC = "h264_nvenc"
CLEAN = "filter_units=remove_types=6"  # x264's name and settings, 700 bytes in each segment


def encoding(output: Output) -> Encoding:
    """`crf = 0` loses nothing of the picture in its chroma; in "rgb" nothing at all."""
    crf = str(output.crf)
    plain = output.chroma != "rgb" and output.depth == 8
    if output.encoder == "nvenc" and plain and try_encoder(NVENC, "mp4", "yuv420p") == "works":
        options = {"cq": crf, "rc": "vbr"}  # few films at once may be at work on a card
        return Encoding(NVENC, f"yuv{output.chroma}p", options, whole=True)
    # of 10 bits a crf of 0 is not the finest yet
    quality = {"qp": "0"} if output.crf == 0 and output.depth == 10 else {"crf": crf}
    if output.chroma == "rgb":
        return Encoding("libx264rgb", "rgb24", SOFTWARE | quality, cleans=CLEAN)
    pixels, usual = f"yuv{output.chroma}p{bits(output)}", SOFTWARE | quality
    if output.crf <= 1:  # the next one loses nothing
        return Encoding("libx264", pixels, usual, cleans=CLEAN)
    large = LARGE | {"crf": str(output.crf - 1)}
    return Encoding("libx264", pixels, large, small={LARGE_SIDE: usual}, cleans=CLEAN)
