"""Asking FFmpeg: does an encoder really work on this machine?"""

import os
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from av import VideoStream


def quiet() -> None:
    """SVT-AV1 tells faults alone; it would say its settings on stderr."""
    os.environ.setdefault("SVT_LOG", "1")


def try_encoder(name: str, container: str, pixels: str) -> str:
    """`works`, or why not: four frames are really encoded, into memory; being listed is not
    enough."""
    import av

    quiet()
    try:
        with av.open(BytesIO(), "w", format=container) as file:
            quietly = {"x265-params": "log-level=error"} if name == "libx265" else {}
            made = file.add_stream(name, rate=Fraction(25), options=quietly)
            stream = cast("VideoStream", made)
            stream.width, stream.height, stream.pix_fmt = 256, 256, pixels
            for i in range(4):  # of fewer x265 makes no film every time
                frame = av.VideoFrame(256, 256, pixels)
                frame.pts = i
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    except (OSError, ValueError, av.FFmpegError) as error:
        return f"does not open: {getattr(error, 'strerror', None) or error}"
    return "works"
