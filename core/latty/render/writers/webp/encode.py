"""A film through Pillow's encoder of WebP, one frame in memory at a time."""

from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from latty.presets.formats import Frames, starts
from latty.report import Report

LOSSLESS = 100
_FLAGS, _ALPHA = 20, 0x10  # of the VP8X chunk, the first one of an animation


def encode(film: Frames, path: Path, quality: int, xmp: bytes, report: Report) -> None:
    """Frames (H, W, 3 or 4) with their delays, and a packet of XMP."""
    times = starts(len(film), film.fps, 1000)
    options: dict[str, Any] = {
        "quality": quality,
        "lossless": quality >= LOSSLESS,
        "method": 4,
        "xmp": xmp,
    }
    if len(film) > 1:
        delays = [stop - start for start, stop in pairwise(times)]
        options |= {"save_all": True, "duration": delays, "loop": 0 if film.loops else 1}
    sequence = _Sequence(film, report)
    if sequence.mode == "RGBA":  # else lossless files lose the colours of what is not seen
        options["exact"] = True
    with path.open("w+b") as file:
        sequence.save(file, format="WEBP", **options)
        if sequence.mode == "RGBA" and len(film) > 1:
            _say_opacity(file)


def _say_opacity(file: BinaryIO) -> None:
    """Set the flag of the whole animation: libwebp cuts clear edges off each frame, and where no
    frame has an opacity after that it leaves the flag out, so that the edges show black."""
    file.seek(_FLAGS)
    (flags,) = file.read(1)
    file.seek(_FLAGS)
    file.write(bytes([flags | _ALPHA]))


class _Sequence(Image.Image):
    """A film as one of Pillow's many-framed pictures: a list of them would hold every frame."""

    def __init__(self, film: Frames, report: Report) -> None:
        super().__init__()
        self._report, self._frames, self._next = report, iter(film), 0
        self.n_frames = len(film)
        self._show(0)

    def _show(self, index: int) -> None:
        picture = Image.fromarray(next(self._frames))
        self.im, self._mode, self._size = picture.im, picture.mode, picture.size
        self._next = index + 1
        self._report(self._next, self.n_frames, "webp")

    def tell(self) -> int:
        return 0

    def seek(self, frame: int) -> None:
        """Forward by one only, which is all that saving asks for; back at the end is ignored."""
        if frame == self._next:
            self._show(frame)
