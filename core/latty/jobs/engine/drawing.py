"""What the engine draws: the same pictures as `latty.render`, a few at a time.

A Painter lives as long as its channel asks for one model at one size (painter.py): layers that a
picture shares with the one before (those below the layers one edits) are not computed again.
"""

import time
from collections import abc
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from latty.edits.mending import mended
from latty.errors import BadData, DeviceError, LattyError
from latty.jobs.engine.cache import ModelCache
from latty.jobs.engine.painter import BetweenSteps
from latty.models.base import AnySize
from latty.models.memory import is_short
from latty.presets.formats import Pixels
from latty.render.grids import fit, on_board
from latty.scene import FP32, Scene, from_table
from latty.wire import FIRST

BATCH = 4  # pictures between two looks at what else is asked for,
SLOW = 0.1  # or as few as take this many seconds
LARGEST = 4096  # px of one picture
MOST = 2**29  # bytes of an answer
MANY = 256  # pictures of one draw


UnderWay = abc.Generator[BetweenSteps, None, list[Pixels]]


class Glimpse(NamedTuple):
    """The same as it is sent: header and pixels of a coarse picture, if there is one."""

    header: dict[str, Any] | None
    pixels: memoryview
    due: bool


WHITE = 0xFFFFFF


class Drawing:
    """One request for pictures, on its way: `turn` until it is `done`."""

    def __init__(self, cache: ModelCache, asked: Mapping[str, Any]) -> None:
        """Raises BadData for what cannot be drawn."""
        self._cache, self._channel = cache, str(asked.get("channel", FIRST))
        self._scenes = _scenes(asked.get("scenes"))
        self._columns = _whole(asked, "columns", 1, MANY)
        self._gap = _whole(asked, "gap", 0, LARGEST)
        self._ground = _whole(asked, "ground", 0, WHITE)
        self._size = _height(asked, self._scenes[0])
        self._coarse = None if asked.get("coarse") is None else _whole(asked, "coarse", 1, LARGEST)
        self._mends = bool(asked.get("mend"))
        self._broken = dict[str, str]()  # why directions are left out
        self._batch = 1
        self._done = 0
        self._seconds = 0.0
        self._precision = FP32
        self._pixels: Pixels | None = None
        self._under_way: UnderWay | None = None
        self._lately = 0.0  # seconds that what is under way has taken

    @property
    def done(self) -> bool:
        """Whether all pictures are drawn."""
        return self._done == len(self._scenes)

    def turn(self) -> Iterator[Glimpse]:
        """Draw the next few, or one where that takes long; between its steps it may be left, and
        the next turn goes on there. Raises what models and edits raise."""
        if self._under_way is None:
            self._under_way = self._next()
            self._lately = 0.0
        while True:
            begun = time.perf_counter()
            try:
                between = next(self._under_way)
            except StopIteration as end:
                drawn: list[Pixels] = end.value
                break
            finally:
                self._lately += time.perf_counter() - begun
            yield self._shown(between)
        self._under_way = None
        self._seconds += self._lately
        self._batch = max(1, min(BATCH, int(SLOW * len(drawn) / max(self._lately, 1e-6))))
        for pixels in drawn:
            self._place(pixels)

    def _next(self) -> UnderWay:
        """The next pictures (H, W, 3); where edits cannot be applied, without these if asked so."""
        following = slice(self._done, self._done + self._batch)
        try:
            return (yield from self._pictures(self._scenes[following]))
        except LattyError:
            if not self._mends or not self._mend(following):
                raise
        return (yield from self._pictures(self._scenes[following]))

    def _mend(self, these: slice) -> bool:
        """Take out of some scenes what cannot be applied; whether there was any. Raises BadData,
        Missing."""
        scene, lost = self._scenes[0], dict[str, str]()
        generator = self._cache.generator(scene.model, scene.precision)
        for i in range(*these.indices(len(self._scenes))):
            self._scenes[i], broken = mended(self._scenes[i], generator)
            lost |= broken
        self._broken |= lost
        return bool(lost)

    def _pictures(self, scenes: Sequence[Scene]) -> UnderWay:
        """Pictures (H, W, 3) of some scenes; where memory is short, of the first one alone."""
        try:
            return (yield from self._drawn(scenes))
        except Exception as error:
            if not is_short(error):
                raise
        self._cache.forget()  # here, and not in a handler: a traceback would keep tensors alive
        try:
            return (yield from self._drawn(scenes[:1]))
        except Exception as error:
            if not is_short(error):
                raise
        self._cache.forget()
        raise DeviceError("this picture does not fit in the memory of the device",
                          "try a smaller size or model, or --device cpu")  # fmt: skip

    def _drawn(self, scenes: Sequence[Scene]) -> UnderWay:
        """Pictures (H, W, 3), on a board where they have an opacity."""
        generator = self._cache.generator(scenes[0].model, scenes[0].precision)
        self._precision = generator.info.precision
        size = scenes[0].size
        if size is None and isinstance(generator, AnySize):
            size = self._size
        painter = self._cache.painter(self._channel, generator, size)
        if len(scenes) > 1:
            drawn = list(painter(scenes))
        else:
            wanted = self._coarse if len(self._scenes) == 1 else None
            drawn = [(yield from painter.stepwise(scenes[0], wanted))]
        self._cache.drawn(scenes[0].model, scenes[0].precision, generator)
        return [on_board(fit(pixels, size)) for pixels in drawn]

    def _shown(self, between: BetweenSteps) -> Glimpse:
        """A coarse picture as it is sent."""
        if between.coarse is None:
            return Glimpse(None, memoryview(b""), between.due)
        pixels = np.ascontiguousarray(on_board(between.coarse))
        return Glimpse(self._header(pixels, self._lately), pixels.data.cast("B"), between.due)

    def _place(self, picture: Pixels) -> None:
        """The next picture, at its place among the others."""
        height, width, _ = picture.shape
        if self._pixels is None:
            columns = min(self._columns, len(self._scenes))
            rows = ceil(len(self._scenes) / columns)
            whole = rows * (height + self._gap) - self._gap, columns * (width + self._gap)
            if whole[0] * whole[1] * 3 > MOST:
                raise BadData(f"{len(self._scenes)} pictures of {height} px are too much at once",
                              "ask for fewer, or for smaller ones")  # fmt: skip
            ground = np.frombuffer(self._ground.to_bytes(3, "big"), np.uint8)
            self._pixels = np.full((whole[0], whole[1] - self._gap, 3), ground)
        row, column = divmod(self._done, self._columns)
        top, left = row * (height + self._gap), column * (width + self._gap)
        self._pixels[top : top + height, left : left + width] = picture
        self._done += 1

    def bytes(self) -> memoryview:
        """The pixels, row by row, where they lie."""
        assert self._pixels is not None
        return self._pixels.data.cast("B")

    def header(self) -> dict[str, Any]:
        """What is said with the pixels."""
        assert self._pixels is not None
        return self._header(self._pixels, self._seconds)

    def _header(self, pixels: Pixels, seconds: float) -> dict[str, Any]:
        height, width, _ = pixels.shape
        return {
            "width": width,
            "height": height,
            "ms": round(seconds * 1000, 3),
            "device": self._cache.name,
            "precision": self._precision,
            "memory": self._cache.memory(),
            "broken": self._broken,
        }


def _scenes(tables: object) -> list[Scene]:
    if not isinstance(tables, list) or not tables:
        raise BadData("no scenes to draw")
    if len(tables) > MANY:
        raise BadData(f"{len(tables)} pictures are too many at once", f"at most {MANY}")
    scenes = [from_table(table) for table in tables]
    if not all(scene.is_finite for scene in scenes):
        raise BadData("a scene holds a number that is not finite", "type another value")
    if len({(scene.model, scene.size, scene.precision) for scene in scenes}) > 1:
        what = "these scenes are of several models or sizes, or precisions"
        raise BadData(what, "draw each by itself")
    return scenes


def _height(asked: Mapping[str, Any], scene: Scene) -> int | None:
    if scene.size is not None and not 1 <= scene.size <= LARGEST:
        raise BadData(f"size {scene.size} is no height of a picture", f"1 to {LARGEST} px")
    return None if asked.get("size") is None else _whole(asked, "size", 1, LARGEST)


def _whole(asked: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = asked.get(key, least)
    if type(value) is not int or not least <= value <= most:
        raise BadData(f"{key} must be a whole number from {least} to {most}, not {value!r:.60}")
    return value
