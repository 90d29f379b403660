"""WebP: a small animation or a still for web pages. `quality = 100` is lossless."""

from itertools import pairwise
from pathlib import Path
from typing import Any

from PIL import Image

from latty.presets import Output
from latty.presets.formats import Film, starts
from latty.render.embedded import xmp_packet
from latty.report import Report

BYTES_PER_PIXEL = 1.5  # lossless is the worst case
LOSSLESS = 100


def write(film: Film, path: Path, output: Output, comment: str, report: Report) -> None:
    """Delays in milliseconds; the encoder keeps compressed frames only."""
    times = starts(len(film), film.fps, 1000)
    options: dict[str, Any] = {
        "quality": output.quality,
        "lossless": output.quality >= LOSSLESS,
        "method": 4,
        "xmp": xmp_packet(comment),
    }
    if len(film) > 1:
        delays = [stop - start for start, stop in pairwise(times)]
        options |= {"save_all": True, "duration": delays, "loop": 0 if film.loops else 1}
    with path.open("wb") as file:
        _Sequence(film, report).save(file, format="WEBP", **options)


class _Sequence(Image.Image):
    """A film as one of Pillow's many-framed pictures: a list of them would hold every frame."""

    def __init__(self, film: Film, report: Report) -> None:
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
