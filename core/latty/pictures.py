"""Pictures and films that anybody made, opened to be looked at: nothing is run, no other file read.

How many pixels there are is known before one is decoded; what has too many is refused.
"""

import io
import math
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from latty import reading
from latty.budget import slowness
from latty.errors import BadData, LattyError
from latty.text import clean

if TYPE_CHECKING:  # Pillow and PyAV are not needed by who only names a file
    from av import VideoFrame
    from PIL.Image import Image

LARGEST = 89_000_000  # px of a picture or frame, as in Pillow
MOVING = 36_000_000  # px of a picture that moves: more than an 8K film has, each frame anew
FILMS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,ogg,flv,asf"  # no playlists
BYTES = 2**24  # of headers
PIECES = 2**18  # reads: a film of the most frames that a preset may have has as many chunks
SECONDS = 1.0  # of this thread's processor time, for headers and for each
QUICK = 8_000_000  # px that are decoded
_LOOK = 2**10  # short pieces between two looks at the clock
_BUFFER = 512  # bytes: most pieces are short, and far from the next


class BoundedFile(io.BufferedReader):
    """A file of anybody's of which only so much is read, by whatever reads it.

    name   what messages call it
    whole  all bytes of it may be read, but not in more pieces, nor in more time
    """

    def __init__(self, file: BinaryIO, name: str, whole: bool = False) -> None:
        super().__init__(io.FileIO(file.fileno(), closefd=False), _BUFFER)
        self._name, self._most = name, math.inf if whole else BYTES
        self.renew()

    def renew(self, pixels: int = 0) -> None:
        """What comes now is another picture, of so many px, with a budget of its own."""
        self._bytes, self._pieces = self._most, PIECES
        self._begun, self._time = time.thread_time(), SECONDS * (1 + pixels / QUICK)

    def read(self, size: int | None = -1, /) -> bytes:
        """Raises BadData where the budget is used up."""
        return self._spent(super().read(self._allowed(size)))

    def readline(self, size: int | None = -1, /) -> bytes:
        """Raises BadData where the budget is used up."""
        return self._spent(super().readline(self._allowed(size)))

    def _allowed(self, size: int | None) -> int | None:
        """One byte more than there may be is asked for, so that too much is seen."""
        if self._bytes == math.inf:
            return size
        left = int(self._bytes) + 1
        return left if size is None or size < 0 else min(size, left)

    def _spent(self, found: bytes) -> bytes:
        self._bytes -= len(found)
        self._pieces -= 1
        looks = len(found) > _BUFFER or self._pieces % _LOOK == 0
        late = looks and self._is_late()
        if self._bytes < 0 or self._pieces < 0 or late:
            hint = "pictures and films that latty wrote are not like this"
            raise BadData(f"{self._name} has more headers than latty reads", hint)
        return found

    def _is_late(self) -> bool:
        took = time.thread_time() - self._begun
        return took > self._time and took > self._time * slowness()


class _EndingFile(BoundedFile):
    """One that ends where its budget does: PyAV prints what is raised while it reads."""

    fault: BadData | None = None

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size)
        except BadData as error:
            self.fault = error
            return b""


@contextmanager
def opened(path: Path, most: int = LARGEST, near: int = 0) -> Iterator["Image"]:
    """A picture by its content, not decoded yet.

    most  px that it may have        near  px of a side that are enough: JPEGs are read smaller

    Raises BadData where it is damaged, too large or takes too much reading; UnidentifiedImageError
    of Pillow for what is no picture; UnfitFile, OSError.
    """
    from PIL import Image

    with reading.opened(path) as opened, BoundedFile(opened, path.name, whole=True) as file:
        with _pillow(path):
            picture = Image.open(file, formats=_formats())
            if near:
                picture.draft("RGB", (near, near))
        with picture:
            if picture.width * picture.height > most:
                raise _too_large(path, most)
            file.renew(picture.width * picture.height)
            yield picture


@contextmanager
def _pillow(path: Path) -> Iterator[None]:
    """What Pillow warns of is no matter, and what it raises on damaged bytes, which is anything,
    is BadData."""
    from PIL import UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (LattyError, UnidentifiedImageError, MemoryError):
        raise
    except Exception as error:
        if getattr(error, "errno", None) is not None:  # of the disk
            raise
        raise BadData(f"{path.name} is damaged: {clean(str(error))}") from None


def frames(path: Path, most: int = LARGEST, near: int = 0) -> Iterator["Image"]:
    """A picture, or the frames of one that moves; each takes no more reading than a picture may.
    Raises as `opened`."""
    with opened(path, most, near) as picture:
        with _pillow(path):
            moves = getattr(picture, "is_animated", False)
        if moves and picture.width * picture.height > min(most, MOVING):
            raise _too_large(path, min(most, MOVING))
        for at in count():
            with _pillow(path):
                file = getattr(picture, "_fp", None) or getattr(picture, "fp", None)
                if isinstance(file, BoundedFile):
                    file.renew(picture.width * picture.height)
                try:
                    picture.seek(at)
                except EOFError:
                    return
                picture.load()
            yield picture


def film(path: Path, most: int = LARGEST) -> Iterator[tuple["VideoFrame", float]]:
    """The frames of a film, and seconds from one to the next.

    most  px that a frame may have

    Raises BadData where it has none that can be decoded, or takes too much reading; UnfitFile,
    OSError.
    """
    import av

    # Each stream's decoder hears of max_pixels before FFmpeg looks at the first frame.
    options = {"max_pixels": str(most), "format_whitelist": FILMS, "protocol_whitelist": "none"}
    try:
        with (
            reading.opened(path) as opened,
            _EndingFile(opened, path.name, whole=True) as file,
            av.open(file, "r", options=options) as container,
        ):
            if file.fault:
                raise file.fault
            stream = container.streams.video[0]
            if (decoder := stream.codec_context) is None:
                raise ValueError("nothing decodes it")
            if not 0 < (pixels := decoder.width * decoder.height) <= min(most, MOVING):
                raise _too_large(path, min(most, MOVING))
            decoder.options = {"max_pixels": str(most)}  # of later frames that say another size
            seconds = float(1 / (stream.average_rate or 25))
            file.renew(pixels)
            for frame in container.decode(stream):
                yield frame, seconds
                file.renew(pixels)
    except (av.FFmpegError, IndexError, ValueError) as error:
        if file.fault:
            raise file.fault from None
        raise BadData(f"{path.name} is damaged: {error}") from None


def _too_large(path: Path, most: int) -> BadData:
    return BadData(f"{path.name} has no picture of at most {most // 10**6} megapixels",
                   "it can be looked at with another program")  # fmt: skip


@cache
def _formats() -> list[str]:
    """All that Pillow reads by itself: for PostScript it runs a program."""
    from PIL import Image

    Image.init()
    _silence()
    return [name for name in Image.ID if name != "EPS"]


def _silence() -> None:
    """Libtiff prints on stderr what it finds wrong, by itself; what matters of that is raised."""
    import ctypes

    from PIL import _imaging

    with suppress(AttributeError, OSError):  # built into Pillow, its names hidden
        linked = ctypes.CDLL(_imaging.__file__)
        for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
            handler = linked[name]
            handler.argtypes, handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            handler(None)
