"""Asking FFmpeg: does an encoder really work on this machine, which tags does a file have?"""

from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, cast

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


def comment_in(file: BinaryIO, container: str) -> bytes | None:
    """The `comment` tag of a container that holds a recipe. Raises ValueError for a damaged one."""
    import av

    try:
        with av.open(file, "r", format=container) as opened:
            tags = {key.lower(): value for key, value in opened.metadata.items()}
    except av.FFmpegError as error:
        raise ValueError from error
    text = tags.get("comment", "")
    return text.encode() if text.startswith("{") else None
