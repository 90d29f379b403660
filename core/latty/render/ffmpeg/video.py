"""Films through FFmpeg: colours tagged, bytes reproducible."""

from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    VideoReformatter,
)

from latty.errors import DeviceError
from latty.presets import Output
from latty.presets.codecs import CODECS, Encoding, codecs, held_side, keyframes, settled
from latty.presets.formats import Frames, Pixels
from latty.render.ffmpeg.mux import muxer
from latty.render.ffmpeg.scheduling import scheduled_as_before
from latty.render.ffmpeg.sound import Sound, encoder_of
from latty.report import Report

THREADS = 4  # part of the bytes, so never the machine's own number of cores
ALIGNED = 16  # bytes: what else FFmpeg reads, it reads slowly, and a copy is aligned
TELEVISION: dict[str, Any] = {
    "dst_colorspace": Colorspace.ITU709,
    "dst_color_range": ColorRange.MPEG,
    "interpolation": "BICUBIC",
}
_RGB = 0  # AVCOL_SPC_RGB: no matrix at all


def encode(
    film: Frames,
    path: Path,
    container: str,
    output: Output,
    comment: str,
    report: Report,
) -> None:
    """Write frames (H, W, 3 or 4) as an output says; halved colour pads an odd size to even by
    repeating its edge. Raises BadData for a codec that does not go into this container, DeviceError
    where this machine has no encoder of it, OSError."""
    known = settled(output)
    codecs()[known.codec or ""].settle()
    way = CODECS.load(known.codec or "").encoding(known)
    if way.encoder not in av.codecs_available:
        what = f"FFmpeg has no encoder {way.encoder} on this machine, for {known.codec}"
        raise DeviceError(what, "choose another codec: latty doctor tries them all")
    has_alpha = bool(way.alpha) and next(iter(film)).shape[2] == 4
    options = {"fflags": "+bitexact"}  # no versions, no random ids
    with muxer(path, container, options) as opened:
        if comment:
            opened.metadata["comment"] = comment
        told = dict(way.options_for(film.height, film.width, len(film)))
        stream = cast(av.VideoStream, opened.add_stream(way.encoder, rate=film.fps, options=told))
        stream.pix_fmt = way.alpha if has_alpha else way.pixels
        stream.height, stream.width = held_side(known, (film.height, film.width))
        _tell(stream, film, way, keyframes(output.gop, film.fps) or way.gop)
        with scheduled_as_before():
            stream.codec_context.open(strict=False)
        duration = len(film) / film.fps
        sound = output.sound and Sound(opened, encoder_of(container, known.codec), output, duration)
        colours = _Colours(stream.width, stream.height, stream.pix_fmt)
        base = stream.codec_context.time_base
        for i, pixels in enumerate(film):
            if sound:
                sound.until(i / float(film.fps))
            frame = colours.converted(pixels)
            frame.pts, frame.time_base = i, base
            opened.mux(stream.encode(frame))
            report(i + 1, len(film), container)
        opened.mux(stream.encode())
        if sound:
            sound.finish()


def _tell(stream: av.VideoStream, film: Frames, way: Encoding, gop: int) -> None:
    """Times, threads, keyframes and colours."""
    context = stream.codec_context
    context.thread_count = THREADS
    context.time_base = 1 / film.fps
    if gop:
        context.gop_size = gop
    if way.tag:
        context.codec_tag = way.tag
    rgb = "yuv" not in (stream.pix_fmt or "")
    context.colorspace = _RGB if rgb else Colorspace.ITU709
    context.color_range = ColorRange.JPEG if rgb else ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709


class _Colours:
    """Frames in the colours of HD television; untagged files look different in every player."""

    def __init__(self, width: int, height: int, name: str) -> None:
        self.width, self.height, self.name = width, height, name
        self._formatter = VideoReformatter()  # one for all frames: its tables cost as much as one

    def converted(self, pixels: Pixels) -> av.VideoFrame:
        """A frame of pixels (H, W, 3 or 4), which stay as they are until it is encoded."""
        missing = self.height - pixels.shape[0], self.width - pixels.shape[1]
        if any(missing):
            pixels = np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        given = "rgba" if pixels.shape[2] == 4 else "rgb24"
        pixels = np.ascontiguousarray(pixels)
        if self.name == given or pixels.strides[0] % ALIGNED or pixels.ctypes.data % ALIGNED:
            frame = av.VideoFrame.from_ndarray(pixels, format=given)
        else:
            frame = av.VideoFrame.from_numpy_buffer(pixels, format=given)
        if self.name == given:
            return frame
        colours = {} if "yuv" not in self.name else TELEVISION
        return self._formatter.reformat(frame, format=self.name, threads=1, **colours)
