"""Reel: the pictures of many scenes, made in batches and kept on disk."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import torch

from latty.errors import DeviceError
from latty.models.base import Generator
from latty.models.memory import is_short
from latty.presets.formats import Pixels
from latty.render import kept
from latty.render.journal import Journal
from latty.render.options import Batches, Options
from latty.render.pixels import Painter, at_size
from latty.report import FRAMES, Report
from latty.scene import Scene


@dataclass(slots=True)
class Reel:
    """The picture of each scene, by index; the missing ones are drawn by `finish`.

    Which pictures share a batch follows from their indices and `batches` alone: the last bits of
    a picture depend on its batch, and a resumed render must have the same ones.
    """

    scenes: Sequence[Scene]
    draw: Callable[[Sequence[Scene]], Pixels]
    journal: Journal
    batches: Batches = field(default=((0, 8),))
    finished: bool = False

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Pixels:
        return self.journal[index]

    def finish(self, report: Report) -> None:
        """Draw what is missing; once it is finished nothing more is said. Raises DeviceError where
        one picture does not fit in memory."""
        if self.finished:
            return
        most = self.journal.sizes[-1] if self.journal.sizes else self._planned(0)
        report(len(self.journal), len(self), FRAMES)
        while (first := len(self.journal)) < len(self):
            planned = self._planned(first)
            started = any(start == first for start, _ in self.batches)
            batch = planned if started else min(planned, most)
            pictures, most = self._fitting(first, batch)
            self.journal.append(pictures, most)
            report(len(self.journal), len(self), FRAMES)
        self.finished = True

    def _planned(self, index: int) -> int:
        return next(size for start, size in reversed(self.batches) if start <= index)

    def _fitting(self, first: int, batch: int) -> tuple[Pixels, int]:
        """The pictures from `first` on, in the largest batch that memory allows, and its size."""
        while True:
            if (pictures := self._try(self.scenes[first : first + batch])) is not None:
                return pictures, batch
            # here, and not in the handler: a traceback would keep the tensors alive
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            if batch == 1:
                hint = "ask for a smaller size, or use --device cpu"
                raise DeviceError("one picture does not fit in the memory of this device", hint)
            batch //= 2

    def _try(self, scenes: Sequence[Scene]) -> Pixels | None:
        try:
            return self.draw(scenes)
        except (MemoryError, RuntimeError) as error:
            if is_short(error):
                return None
            raise


@contextmanager
def open_reel(
    scenes: Sequence[Scene], generator: Generator, options: Options, path: Path, made_with: str
) -> Iterator[Reel]:
    """The reel of scenes whose finished pictures lie in the journal `path`, or are kept from a film
    before, where they were `made_with` the same: how an output is written does not change its
    pictures."""
    key = sha256(made_with.encode()).hexdigest()
    most = options.frame_cache if len(scenes) > 1 else 0  # one picture is soon drawn
    with kept.place_of(key, path, most) as place, Journal(place, key, len(scenes)) as journal:
        painter = Painter(at_size(generator, scenes[0].size), options.foreign)
        yield Reel(scenes, painter, journal, options.batches)
