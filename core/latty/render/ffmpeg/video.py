"""Films through FFmpeg: colours tagged, bytes reproducible."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc

from latty.presets.formats import Frames, Pixels
from latty.render.ffmpeg.mux import muxer
from latty.report import Report

THREADS = 4  # part of the bytes, so never the machine's own number of cores
# x264's macroblock tree reads memory that nobody wrote unless the width is a multiple of 128 px:
# the same frames then give other bytes from run to run. Without it B frames are kept as fine.
SOFTWARE = {"preset": "veryfast", "x264-params": "mbtree=0:pbratio=1.1"}


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder, its container, and the options of both; `chroma` is "420" or "444"."""

    container: str
    name: str
    chroma: str
    options: Mapping[str, str] = field(default_factory=dict)
    container_options: Mapping[str, str] = field(default_factory=dict)


def encode(film: Frames, path: Path, codec: Codec, comment: str, report: Report) -> None:
    """Write frames (H, W, 3); halved colour pads an odd size to even by repeating its edge."""
    even = codec.chroma == "420"
    muxing = {"fflags": "+bitexact", **codec.container_options}  # no versions, no random ids
    with muxer(path, codec.container, muxing) as container:
        container.metadata["comment"] = comment
        added = container.add_stream(codec.name, rate=film.fps, options=dict(codec.options))
        stream = cast(av.VideoStream, added)
        stream.width = film.width + (film.width % 2 if even else 0)
        stream.height = film.height + (film.height % 2 if even else 0)
        stream.pix_fmt = f"yuv{codec.chroma}p"
        context = stream.codec_context
        context.thread_count = THREADS
        context.time_base = 1 / Fraction(film.fps)
        context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        for i, pixels in enumerate(film):
            frame = _to_yuv(pixels, stream.width, stream.height, f"yuv{codec.chroma}p")
            frame.pts, frame.time_base = i, context.time_base
            container.mux(stream.encode(frame))
            report(i + 1, len(film), codec.container)
        container.mux(stream.encode())


def _to_yuv(pixels: Pixels, width: int, height: int, name: str) -> av.VideoFrame:
    """A frame in the colours of HD television; untagged files look different in every player."""
    missing = height - pixels.shape[0], width - pixels.shape[1]
    if any(missing):
        pixels = np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    return frame.reformat(
        format=name,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation="BICUBIC",
        threads=1,
    )
