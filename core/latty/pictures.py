"""Pictures and films that anybody made, opened to be looked at: nothing is run, no other file read.

How many pixels there are is known before one is decoded; what has too many is refused.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from latty import reading
from latty.errors import BadData

if TYPE_CHECKING:  # Pillow and PyAV are not needed by who only names a file
    from av import VideoFrame
    from PIL.Image import Image

LARGEST = 89_000_000  # px of a picture or frame, as in Pillow
FILMS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,ogg,flv,asf"  # no playlists


@contextmanager
def opened(path: Path, most: int = LARGEST, near: int = 0) -> Iterator["Image"]:
    """A picture by its content, not decoded yet.

    most  px that it may have        near  px of a side that are enough: JPEGs are read smaller

    Raises BadData where it is too large, UnfitFile, OSError, and what Pillow does:
    UnidentifiedImageError for what is no picture, anything on damaged bytes.
    """
    from PIL import Image

    with reading.opened(path) as file:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we look ourselves
            picture = Image.open(file, formats=_formats())
        with picture:
            if near:
                picture.draft("RGB", (near, near))
            if picture.width * picture.height > most:
                raise _too_large(path, most)
            yield picture


def film(path: Path, most: int = LARGEST) -> Iterator[tuple["VideoFrame", float]]:
    """The frames of a film, and seconds from one to the next.

    most  px that a frame may have

    Raises BadData where it has none that can be decoded; UnfitFile, OSError.
    """
    import av

    # Each stream's decoder hears of max_pixels before FFmpeg looks at the first frame.
    options = {"max_pixels": str(most), "format_whitelist": FILMS, "protocol_whitelist": "none"}
    try:
        with reading.opened(path) as file, av.open(file, "r", options=options) as container:
            stream = container.streams.video[0]
            decoder = stream.codec_context
            if not 0 < decoder.width * decoder.height <= most:
                raise _too_large(path, most)
            decoder.options = {"max_pixels": str(most)}  # of later frames that say another size
            seconds = float(1 / (stream.average_rate or 25))
            for frame in container.decode(stream):
                yield frame, seconds
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise BadData(f"{path.name} is damaged: {error}") from None


def _too_large(path: Path, most: int) -> BadData:
    return BadData(f"{path.name} has no picture of at most {most // 10**6} megapixels")


@cache
def _formats() -> list[str]:
    """All that Pillow reads by itself: for PostScript it runs a program."""
    from PIL import Image

    Image.init()
    return [name for name in Image.ID if name != "EPS"]
