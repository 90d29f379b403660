"""Asking FFmpeg: does an encoder really work on this machine?"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, cast

from latty.presets.codecs import codecs
from latty.presets.formats import formats
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


def tried() -> Iterator[tuple[str, str]]:
    """Each encoder that a format or a codec names, and what `try_encoder` says of it."""
    encoders: list[tuple[tuple[str, str, str], Mapping[str, str]]] = [
        (one, {}) for form in formats().values() for one in form.encoders
    ]
    for codec in codecs().values():
        codec.settle()
        encoders += [(one, codec.silent) for one in codec.encoders]
    told = set[str]()
    for (name, container, pixels), options in encoders:
        known = f"{name} {pixels}" if name in told else name
        yield known, try_encoder(name, container, pixels, options)
        told.add(name)
