"""Plays a file in the place of the picture, until something else is to be seen there."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from textual.worker import Worker

from latty.errors import BadData, LattyError
from latty_tui.desk import Desk
from latty_tui.drawing.picture import RawPicture

KEPT = 64 * 2**20  # bytes of a film that are kept, to be read once only
LARGEST = 1024  # px of the longer side of what is played
LATE = 0.05  # seconds behind which a frame is left out


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a result, and for how many seconds it is seen."""

    picture: RawPicture
    seconds: float


class Player:
    """One file at a time. The preview's next picture ends it, and so does `stop`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.path: Path | None = None
        self.shown = 0  # pictures so far
        self._last: RawPicture | None = None
        self._worker: Worker[None] | None = None

    @property
    def seen(self) -> Path | None:
        """What it plays; None where somebody else shows something there."""
        ours = not self.shown or self.desk.picture.pixels.picture is self._last
        return self.path if ours else None

    def start(self, path: Path, words: str) -> None:
        """Play `path`, with `words` on the picture's border."""
        self.stop(redraw=False)
        self.desk.engine.cancel("picture")  # a late answer would take its place
        self.path, self.shown = path, 0
        self._worker = self.desk.background(self._play(path, words), "play")

    def stop(self, redraw: bool = True) -> bool:
        """Back to the picture of the present state; False where nothing was played."""
        if self.path is None:
            return False
        self.path = None
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None
        self.desk.picture.busy(False)
        if redraw:
            self.desk.draw_soon()
        return True

    async def _play(self, path: Path, words: str) -> None:
        try:
            await self._rounds(path, words)
        except (LattyError, OSError) as error:
            self.stop()
            self.desk.fail(error, f"cannot show {path.name}")

    async def _rounds(self, path: Path, words: str) -> None:
        """Again and again; a still once."""
        kept: list[Frame] | None = []
        due = time.monotonic()
        while True:
            count = 0
            async for frame in _each(path, kept):
                count += 1
                late = time.monotonic() - due > LATE
                if count == 1 or not late:
                    self._show(frame, words, count > 1 or self.shown > 0)
                due = max(due, time.monotonic() - 1) + frame.seconds
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            if count < 2:
                return
            weight = sum(len(frame.picture.pixels) for frame in kept or ())
            if kept is not None and (len(kept) != count or weight > KEPT):
                kept = None

    def _show(self, frame: Frame, words: str, moving: bool) -> None:
        picture = self.desk.picture
        if self.shown and picture.pixels.picture is not self._last:
            self.stop(redraw=False)  # somebody else shows something there
            return
        self._last = frame.picture
        picture.words("")
        picture.caption(words)
        picture.pixels.show(self._last, moving)
        self.shown += 1


async def _each(path: Path, kept: list[Frame] | None) -> AsyncIterator[Frame]:
    """The frames of one round: from `kept` where they are there, else read in a thread."""
    if kept:
        for frame in list(kept):
            yield frame
        return
    found = frames_of(path)
    while (new := await asyncio.to_thread(next, found, None)) is not None:
        if kept is not None:
            kept.append(new)
        yield new


def frames_of(path: Path) -> Iterator[Frame]:
    """The pictures of a file, or of a folder of numbered frames, in turn. Raises BadData, OSError
    (also for what is no picture)."""
    from latty_tui.drawing.encoding import shrunk
    from latty_tui.play import frames

    files = sorted(path.glob("*.png")) if path.is_dir() else [path]
    if not files:
        raise BadData(f"{path.name}/ holds no pictures", "render it again: y")
    for file in files:
        for pixels, seconds in frames(file):
            yield Frame(shrunk(pixels, LARGEST), 1 / 24 if len(files) > 1 else seconds)
