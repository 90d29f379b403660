"""Reel: the pictures of many scenes, made in batches and kept on disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from threading import RLock

import torch

from latty.errors import DeviceError
from latty.models.base import Generator
from latty.models.memory import collect, is_short
from latty.presets import Preset
from latty.presets.formats import Pixels
from latty.render import kept
from latty.render.journal import Damaged, Journal, Mark, Stopped
from latty.render.options import Batches, Options, usual_batch
from latty.render.pixels import Painter, at_size
from latty.render.shots import film_of, label
from latty.report import FRAMES, Report
from latty.scene import Scene


@dataclass(slots=True)
class Reel:
    """The picture of each scene, by index; the missing ones are drawn by `finish`.

    The last bits of a picture depend on how many are drawn with it, which follows from its index
    and `batches` alone: a render that goes on, or finds pictures of another one, has the same.
    Reels of one film share its journal: a moment of both is drawn once.
    """

    scenes: Sequence[Scene]
    draw: Callable[[Sequence[Scene]], Pixels]
    journal: Journal
    batches: Batches = field(default=((0, 8),))
    _marks: list[Mark] = field(default_factory=list)  # how each picture is, or will be, drawn
    _most: int = 2**32  # in a batch: less where memory was short
    _finished: bool = False
    _looked: tuple[int, list[int]] | None = None  # what was missing, from so many pictures

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> Pixels:
        """Waits for a picture that is still to be drawn. Raises Stopped once nobody draws any
        more."""
        if self.journal.stopped:
            raise Stopped
        try:
            return self.journal[self._place(index)]
        except Damaged:
            self._mend(index)
        return self[index]

    def _mend(self, index: int) -> None:
        """Draw a damaged picture again, unless another writer just did."""
        with self.journal.drawing:
            place = self.journal.place(self._marks[index])
            try:
                if place is not None:
                    self.journal[place]
            except Damaged:
                for batch in self._batches_of([index]):
                    self._draw(batch)

    def _place(self, index: int) -> int:
        with (grown := self.journal.grown):
            while (place := self.journal.place(self._marks[index])) is None:
                assert not self._finished, "not drawn"
                if self.journal.stopped:
                    raise Stopped
                grown.wait()
        return place

    @property
    def left(self) -> int:
        """How many pictures are still to be drawn."""
        return 0 if self._finished else len(self._missing())

    @property
    def drawn_in(self) -> Batches:
        """(first picture, batch size) of every stretch made with one batch size."""
        sizes = [mark.batch for mark in self._marks]
        return tuple((i, n) for i, n in enumerate(sizes) if i == 0 or sizes[i - 1] != n)

    def finish(self, report: Report) -> None:
        """Draw what is missing; of what other reels of the journal have nothing is said. Raises
        DeviceError where one picture does not fit in memory."""
        if self._finished:
            return
        missing, seen = self._missing(), self.journal.seen
        total = len(self) - sum(mark in seen for mark in self._marks)
        done = total - len(missing)
        if total:
            report(done, total, FRAMES)
        for batch in self._batches_of(missing):
            self._draw(batch)
            done += len({*batch})
            report(done, total, FRAMES)
        seen.update(self._marks)
        self._finished = True

    def _missing(self) -> list[int]:
        """The pictures that are to be drawn; of all it is known how then. They are looked for again
        where another reel has drawn some meanwhile."""
        if self._looked is not None and self._looked[0] == len(self.journal):
            return self._looked[1]
        found, missing, size = list[Mark](), list[int](), self._planned(0)
        while (first := len(found)) < len(self):
            marks = self._group(first, size)
            size = marks[0].batch
            missing += [
                first + i for i, mark in enumerate(marks) if self.journal.place(mark) is None
            ]
            found += marks
        with (grown := self.journal.grown):  # writers wait for the pictures of these marks
            self._marks = found
            grown.notify_all()
        self._looked = len(self.journal), missing
        return missing

    def _group(self, first: int, most: int) -> list[Mark]:
        """How those from `first` on are drawn together: in a batch as planned, or in a smaller one
        in which all of them are there, from a time when memory was short."""
        planned = self._planned(first)
        batch = planned if any(i == first for i, _ in self.batches) else min(planned, most)
        rest, size = range(first, len(self)), batch
        while size:
            marks = self._alike(rest[:size], size)
            if all(self.journal.place(mark) is not None for mark in marks):
                return marks
            size //= 2
        return self._alike(rest[:batch], batch)

    def _alike(self, indices: Sequence[int], size: int) -> list[Mark]:
        return [Mark(size, len(indices), *label(self.scenes, i)) for i in indices]

    def _planned(self, index: int) -> int:
        return next(size for start, size in reversed(self.batches) if start <= index)

    def _batches_of(self, missing: Sequence[int]) -> Iterator[list[int]]:
        """Those that are drawn at once: as many as their marks say, of the last one several."""
        waiting = dict[tuple[int, int], list[int]]()
        for index in missing:
            batch, beside, *_ = self._marks[index]
            some = waiting.setdefault((batch, beside), [])
            some.append(index)
            if len(some) == beside:
                yield waiting.pop((batch, beside))
        for (_, beside), some in waiting.items():
            yield some + some[-1:] * (beside - len(some))

    def _draw(self, indices: Sequence[int]) -> None:
        """Draw pictures at once, or in smaller batches where memory is short."""
        planned = self._marks[indices[0]].batch
        while indices:
            with self.journal.drawing:
                pictures = self._fitting(indices[: self._most])
                some, indices = indices[: len(pictures)], indices[len(pictures) :]
                marks = self._alike(some, min(planned, self._most))
                self.journal.append(pictures, marks)
            with (grown := self.journal.grown):
                for index, mark in zip(some, marks, strict=True):
                    self._marks[index] = mark
                grown.notify_all()

    def _fitting(self, indices: Sequence[int]) -> Pixels:
        """The first of these pictures, as many as memory allows at once."""
        while True:
            if (pictures := self._try([self.scenes[i] for i in indices])) is not None:
                return pictures
            # here, and not in the handler: a traceback would keep the tensors alive
            collect()
            if len(indices) == 1:
                hint = "ask for a smaller size, or use --device cpu"
                raise DeviceError("one picture does not fit in the memory of this device", hint)
            self._most = len(indices) // 2
            indices = indices[: self._most]

    def _try(self, scenes: Sequence[Scene]) -> Pixels | None:
        try:
            return self.draw(scenes)
        except (MemoryError, RuntimeError) as error:
            if is_short(error):
                return None
            raise


def batched(options: Options, generator: Generator, preset: Preset) -> Options:
    """The options with the usual batch of a model and a preset, where they have none themselves."""
    if options.batch is not None:
        return options
    size = max([preset.scene.size or 0, *(output.size or 0 for output in preset.outputs)])
    drawn, device = at_size(generator, size or None).info, torch.device(generator.device)
    memory = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0
    longer = max(drawn.height, drawn.width_px)
    return replace(options, batch=usual_batch(longer, device.type, memory))


@dataclass(slots=True)
class Films:
    """The films of one run: reels of the same film share a journal.

    made_with  what pictures depend on beside their scenes: another text draws them again
    held       closes the journals
    """

    options: Options
    made_with: str
    held: ExitStack
    _drawing: RLock = field(default_factory=RLock)  # one at a time: generators hold states
    _journals: dict[object, Journal] = field(default_factory=dict)
    _reels: dict[Sequence[Scene], Reel] = field(default_factory=dict)

    def stop(self) -> None:
        """No more pictures come: who waits for one does not any longer."""
        for journal in self._journals.values():
            with (grown := journal.grown):
                journal.stopped = True
                grown.notify_all()

    def reel(self, scenes: Sequence[Scene], generator: Generator, path: Path, longest: int) -> Reel:
        """The reel of some scenes; the journal of their film is a new file `path`, which is kept
        where some list of it is longer than one picture: that is soon drawn. How an output is
        written does not change its pictures."""
        if scenes not in self._reels:
            film = film_of(scenes)
            if film not in self._journals:
                key = sha256((repr(film) + self.made_with).encode()).hexdigest()
                most = self.options.frame_cache if longest > 1 else 0
                opened = kept.journal_of(key, path, most)
                self._journals[film] = self.held.enter_context(opened)
                self._journals[film].drawing = self._drawing
            painter = Painter(at_size(generator, scenes[0].size), self.options.foreign)
            journal = self._journals[film]
            self._reels[scenes] = Reel(scenes, painter, journal, self.options.batches)
        return self._reels[scenes]
