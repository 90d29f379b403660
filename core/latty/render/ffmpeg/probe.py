"""Asking FFmpeg: does an encoder really work on this machine?"""

from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av import VideoStream


def try_encoder(name: str, container: str, pixels: str) -> str:
    """`works`, or why not: two frames are really encoded, into memory; being listed is not
    enough."""
    import av

    try:
        with av.open(BytesIO(), "w", format=container) as file:
            stream = cast("VideoStream", file.add_stream(name, rate=Fraction(25)))
            stream.width, stream.height, stream.pix_fmt = 256, 256, pixels
            for i in range(2):
                frame = av.VideoFrame(256, 256, pixels)
                frame.pts = i
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    except (OSError, ValueError, av.FFmpegError) as error:
        return f"does not open: {getattr(error, 'strerror', None) or error}"
    return "works"
