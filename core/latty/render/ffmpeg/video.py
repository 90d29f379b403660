"""Films through FFmpeg: colours tagged, bytes reproducible."""

import itertools
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, TypeAlias, cast

import av
import numpy as np
import torch
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
from latty.render.ffmpeg.segments import in_order, split
from latty.render.ffmpeg.sound import Sound, encoder_of
from latty.report import Report

Packets: TypeAlias = "list[av.Packet[av.VideoStream]]"

ALIGNED = 16  # bytes: what else FFmpeg reads, it reads slowly, and a copy is aligned
TELEVISION: dict[str, Any] = {
    "dst_colorspace": Colorspace.ITU709,
    "dst_color_range": ColorRange.MPEG,
    "interpolation": "BICUBIC",
}
MEMORY = 512 << 20  # bytes of the encoders that are at work at once
HELD = 48  # frames that one holds, in what it makes of them
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
    settings, count = _Settings.of(film, output), len(film)
    with muxer(path, container, {"fflags": "+bitexact"}) as opened:  # no versions, no random ids
        if comment:
            opened.metadata["comment"] = comment
        stream = cast(av.VideoStream, opened.add_stream(settings.way.encoder, rate=film.fps))
        settings.open(stream.codec_context)
        duration = count / film.fps
        sound = output.sound and Sound(
            opened, encoder_of(container, settings.codec), output, duration
        )
        opened.start_encoding()
        clean = settings.cleaner(stream)
        done = itertools.count(1)

        def step() -> None:
            report(next(done), count, container)

        with closing(_packets(film, settings, stream, step)) as packets:
            for packet in itertools.chain.from_iterable(packets):
                if sound:
                    sound.until(float((packet.pts or 0) * packet.time_base))
                for part in clean.filter(packet) if clean and packet.is_keyframe else [packet]:
                    part.stream = stream
                    opened.mux(part)
        if sound:
            sound.finish()


@dataclass(frozen=True, slots=True)
class _Settings:
    """How every segment of a film is encoded.

    side  height and width in px
    gop   frames from one keyframe to the next, 0 = as the encoder likes
    """

    codec: str
    way: Encoding
    pixels: str
    side: tuple[int, int]
    fps: Fraction
    gop: int
    options: dict[str, str]

    @classmethod
    def of(cls, film: Frames, output: Output) -> Self:
        """What an output says of a film. Raises BadData, DeviceError."""
        known = settled(output)
        codec = known.codec or ""
        codecs()[codec].settle()
        way = CODECS.load(codec).encoding(known)
        if way.encoder not in av.codecs_available:
            what = f"FFmpeg has no encoder {way.encoder} on this machine, for {codec}"
            raise DeviceError(what, "choose another codec: latty doctor tries them all")
        height, width, channels = film[0].shape
        pixels = way.alpha if way.alpha and channels == 4 else way.pixels
        gop = keyframes(output.gop, film.fps) or way.gop
        options = dict(way.options_for(height, width, len(film)))
        return cls(codec, way, pixels, held_side(known, (height, width)), film.fps, gop, options)

    def cleaner(self, stream: av.VideoStream) -> av.BitStreamFilterContext | None:
        """What keyframes go through."""
        return av.BitStreamFilterContext(self.way.cleans, stream) if self.way.cleans else None

    def open(self, context: av.VideoCodecContext) -> None:
        """Times, thread, keyframes and colours; the encoder is ready then."""
        context.height, context.width = self.side
        context.pix_fmt, context.framerate, context.time_base = self.pixels, self.fps, 1 / self.fps
        context.thread_count = 1
        context.options = self.options
        if self.gop:
            context.gop_size = self.gop
        if self.way.tag:
            context.codec_tag = self.way.tag
        rgb = "yuv" not in self.pixels
        context.colorspace = _RGB if rgb else Colorspace.ITU709
        context.color_range = ColorRange.JPEG if rgb else ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        with scheduled_as_before():
            context.open(strict=False)

    def at_once(self) -> int:
        """How many of these encoders may be at work: as many as torch takes threads, in MEMORY."""
        frame = av.VideoFrame(self.side[1], self.side[0], self.pixels)
        held = HELD * sum(plane.buffer_size for plane in frame.planes)
        return max(1, min(torch.get_num_threads(), MEMORY // held))


def _packets(
    film: Frames, settings: _Settings, stream: av.VideoStream, step: Callable[[], None]
) -> Generator[Packets, None, None]:
    """Those of the whole film, in order of decoding."""
    first, way = stream.codec_context, settings.way
    segments = [range(len(film))] if way.whole else split(len(film), settings.gop)

    def encode(segment: range) -> Iterator[Packets]:
        context = first
        if segment.start:
            context = cast(av.VideoCodecContext, av.CodecContext.create(way.encoder, "w"))
            context.flags = first.flags
            settings.open(context)
        colours = _Colours(context)
        for i in segment:
            packets = context.encode(colours.converted(film[i], i))
            yield packets if i != segment[-1] else packets + context.encode()

    return in_order(segments, encode, settings.at_once(), step)


class _Colours:
    """Frames in the colours of HD television; untagged files look different in every player."""

    def __init__(self, context: av.VideoCodecContext) -> None:
        self.width, self.height, self.name = context.width, context.height, context.pix_fmt or ""
        self.time_base = context.time_base
        self._formatter = VideoReformatter()  # one for all frames: its tables cost as much as one

    def converted(self, pixels: Pixels, number: int) -> av.VideoFrame:
        """The frame of a number, of pixels (H, W, 3 or 4), which stay as they are until it is
        encoded."""
        missing = self.height - pixels.shape[0], self.width - pixels.shape[1]
        if any(missing):
            pixels = np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
        given = "rgba" if pixels.shape[2] == 4 else "rgb24"
        pixels = np.ascontiguousarray(pixels)
        if self.name == given or pixels.strides[0] % ALIGNED or pixels.ctypes.data % ALIGNED:
            frame = av.VideoFrame.from_ndarray(pixels, format=given)
        else:
            frame = av.VideoFrame.from_numpy_buffer(pixels, format=given)
        if self.name != given:
            colours = {} if "yuv" not in self.name else TELEVISION
            frame = self._formatter.reformat(frame, format=self.name, threads=1, **colours)
        frame.pts, frame.time_base = number, self.time_base
        return frame
