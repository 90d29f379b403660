"""Asking FFmpeg: does an encoder really work on this machine?"""

from collections.abc import Mapping
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, cast

from latty.render.ffmpeg.scheduling import scheduled_as_before

if TYPE_CHECKING:
    from av import VideoStream


def try_encoder(
    name: str, container: str, pixels: str, options: Mapping[str, str] | None = None
) -> str:
    """`works`, or why not: four frames are really encoded, into memory; being listed is not
    enough."""
    import av

    try:
        with scheduled_as_before(), av.open(BytesIO(), "w", format=container) as file:
            made = file.add_stream(name, rate=Fraction(25), options=dict(options or {}))
            stream = cast("VideoStream", made)
            stream.width, stream.height, stream.pix_fmt = 256, 256, pixels
            for i in range(4):  # fewer are too few for some
                frame = av.VideoFrame(256, 256, pixels)
                frame.pts = i
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    except (OSError, ValueError, av.FFmpegError) as error:
        return f"does not open: {getattr(error, 'strerror', None) or error}"
    return "works"
