"""A film as one of Pillow's many-framed pictures: a list of them would hold every frame."""

from itertools import pairwise

from PIL import Image

from latty.presets.formats import Frames, starts
from latty.report import Report


def delays(film: Frames) -> list[int]:
    """Milliseconds of each frame."""
    return [stop - start for start, stop in pairwise(starts(len(film), film.fps, 1000))]


class Sequence(Image.Image):
    """Frames (H, W, 3 or 4) for Pillow's encoders, one in memory at a time."""

    def __init__(self, film: Frames, report: Report, what: str) -> None:
        super().__init__()
        self._report, self._what, self._frames, self._next = report, what, iter(film), 0
        self.n_frames = len(film)
        self.is_animated = len(film) > 1
        self._show(0)

    def _show(self, index: int) -> None:
        picture = Image.fromarray(next(self._frames))
        self.im, self._mode, self._size = picture.im, picture.mode, picture.size
        self._next = index + 1
        self._report(self._next, self.n_frames, self._what)

    def tell(self) -> int:
        return 0

    def seek(self, frame: int) -> None:
        """Forward by one only, which is all that saving asks for; back at the end is ignored.
        Raises EOFError behind the last frame."""
        if frame >= self.n_frames:
            raise EOFError
        if frame == self._next:
            self._show(frame)
