"""What the engine draws: the same pictures as `latty.render`, a few at a time.

A Painter lives as long as its channel asks for one model at one size: layers that a picture
shares with the one before (those below the layers one edits) are then not computed again.
"""

import os
import time
from collections.abc import Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latty.errors import BadData, DeviceError
from latty.files import Stamp, stamp_of
from latty.models import forget_all, is_kept, open_model
from latty.models.base import AnySize, Generator
from latty.models.device import pick_device
from latty.models.memory import collect, is_short
from latty.models.store import model_file
from latty.presets.formats import Pixels
from latty.render.grids import fit, on_board
from latty.render.pixels import Painter, at_size
from latty.scene import Scene, from_table

BATCH = 4  # pictures between two looks at what else is asked for,
SLOW = 0.1  # or one, where it takes this many seconds
LARGEST = 4096  # px of one picture
MOST = 2**29  # bytes of an answer
MANY = 256  # pictures of one draw


class PreviewPainter(Painter):
    """A Painter that also shares the layers in which a picture agrees with the one before it.

    The pictures are the same to the last bit: what is kept is what would be computed again.
    """

    _last: Tensor | None = None

    def shared_layers(self, codes: Tensor) -> int:
        """As the Painter's, of codes (N, L, D); a single picture is compared with the last one."""
        last, self._last = self._last, codes[-1:]
        if len(codes) > 1 or last is None:
            return super().shared_layers(codes)
        return super().shared_layers(torch.cat([last, codes]))


class ModelCache:
    """The models that are open on a device, and a painter for each channel."""

    def __init__(self, device: str) -> None:
        self.device = pick_device(device)
        self._painters: dict[str, tuple[Generator, int | None, PreviewPainter]] = {}
        self._models: dict[str, tuple[Path | None, Stamp | None, Generator]] = {}

    @property
    def name(self) -> str:
        """The device as people call it: "cpu", "cuda:0"."""
        if self.device.type == "cuda" and self.device.index is None:
            return f"cuda:{torch.cuda.current_device()}"
        return str(self.device)

    def generator(self, ref: str) -> Generator:
        """The model of a name or path, as `open_model`; looked up once while its file stays."""
        known = self._models.get(ref)
        if known is not None and known[1] == stamp_of(known[0]):
            return known[2]
        return self.look_up(ref)

    def look_up(self, ref: str) -> Generator:
        """The same, where a name may have come to mean another file."""
        file = model_file(ref)
        state = stamp_of(file)
        generator = open_model(ref, str(self.device))
        self._models.pop(ref, None)
        self._models[ref] = file, state, generator
        self._models = {name: one for name, one in self._models.items() if is_kept(one[2])}
        return generator

    def painter(self, channel: str, generator: Generator, size: int | None) -> PreviewPainter:
        """The channel's; a new one where it asks for another model or size."""
        known = self._painters.get(channel)
        if known is None or known[0] is not generator or known[1] != size:
            known = generator, size, PreviewPainter(at_size(generator, size))
            self._painters[channel] = known
        return known[2]

    def memory(self) -> list[int] | None:
        """Bytes in use and in all: of the GPU; on the CPU what this process uses of the machine's,
        None where the system does not say."""
        if self.device.type != "cuda":
            return _resident()
        free, whole = torch.cuda.mem_get_info(self.device)
        return [whole - free, whole]

    def forget(self) -> None:
        """Let go of everything that can be made again."""
        self._painters.clear()
        self._models.clear()
        forget_all()
        collect()


def _resident() -> list[int] | None:
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return None
    size = os.sysconf("SC_PAGE_SIZE")
    return [pages * size, os.sysconf("SC_PHYS_PAGES") * size]


def forget(cache: ModelCache) -> list[int] | None:
    """Let go of every model that is open; the memory then, used and whole."""
    cache.forget()
    return cache.memory()


class Drawing:
    """One request for pictures, on its way: `step` until it says that all are drawn."""

    def __init__(self, cache: ModelCache, asked: Mapping[str, Any]) -> None:
        """Raises BadData for what cannot be drawn."""
        self._cache, self._channel = cache, str(asked.get("channel", "picture"))
        self._scenes = _scenes(asked.get("scenes"))
        self._columns = _whole(asked, "columns", 1, MANY)
        self._gap = _whole(asked, "gap", 0, LARGEST)
        self._size = _height(asked, self._scenes[0])
        self._batch = 1
        self._done = 0
        self._seconds = 0.0
        self._pixels: Pixels | None = None

    def step(self) -> bool:
        """Draw the next few; whether those were the last. Raises what models and edits raise."""
        drawn = self._drawn(self._scenes[self._done : self._done + self._batch])
        if drawn is None:  # here, and not in a handler: a traceback would keep tensors alive
            self._cache.forget()
            drawn = self._drawn(self._scenes[self._done : self._done + 1])
        if drawn is None:
            self._cache.forget()
            raise DeviceError("this picture does not fit in the memory of the device",
                              "try a smaller size or model, or --device cpu")  # fmt: skip
        for pixels in drawn:
            self._place(pixels)
        return self._done == len(self._scenes)

    def _drawn(self, scenes: Sequence[Scene]) -> list[Pixels] | None:
        """Pictures (H, W, 3), on a board where they have an opacity; None where memory is short."""
        try:
            generator = self._cache.generator(scenes[0].model)
            size = scenes[0].size
            if size is None and isinstance(generator, AnySize):
                size = self._size
            painter = self._cache.painter(self._channel, generator, size)
            begun = time.perf_counter()
            drawn = painter(scenes)
        except Exception as error:
            if not is_short(error):
                raise
            self._batch = 1
            return None
        seconds = time.perf_counter() - begun
        self._seconds += seconds
        self._batch = BATCH if seconds / len(scenes) < SLOW else 1
        return [on_board(fit(pixels, size)) for pixels in drawn]

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
            self._pixels = np.zeros((whole[0], whole[1] - self._gap, 3), np.uint8)
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
        height, width, _ = self._pixels.shape
        return {
            "width": width,
            "height": height,
            "ms": round(self._seconds * 1000, 3),
            "device": self._cache.name,
            "memory": self._cache.memory(),
        }


def _scenes(tables: object) -> list[Scene]:
    if not isinstance(tables, list) or not tables:
        raise BadData("no scenes to draw")
    if len(tables) > MANY:
        raise BadData(f"{len(tables)} pictures are too many at once", f"at most {MANY}")
    scenes = [from_table(table) for table in tables]
    if not all(scene.is_finite for scene in scenes):
        raise BadData("a scene holds a number that is not finite", "type another value")
    if len({(scene.model, scene.size) for scene in scenes}) > 1:
        raise BadData("these scenes are of several models or sizes", "draw each by itself")
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
