"""Reel: the pictures of many scenes, made in batches and kept on disk."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from threading import RLock
from typing import NamedTuple

from latty.errors import DeviceError, Interrupted
from latty.models.base import Generator
from latty.presets import Preset
from latty.presets.formats import Pixels
from latty.render import kept
from latty.render.drawers import Drawer, own
from latty.render.journal import Damaged, Journal, Mark, Stopped
from latty.render.options import Batches, Options
from latty.render.pixels import Painter, at_size, together
from latty.render.shots import film_of, label
from latty.report import FRAMES, Report
from latty.scene import Scene

TICK = 0.2  # seconds between two looks at whether the work shall stop, while others draw


class DrawnAtOnce(NamedTuple):
    """Pictures of one batch: their indices, and a mark for each."""

    indices: list[int]
    marks: list[Mark]


@dataclass(slots=True)
class Reel:
    """The picture of each scene, by index; the missing ones are drawn by `finish`.

    The last bits of a picture depend on how many are drawn with it, which follows from its index
    and `batches` alone: a render that goes on, or finds pictures of another one, has the same.
    Reels of one film share its journal: a moment of both is drawn once.
    """

    scenes: Sequence[Scene]
    drawer: Drawer
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
                self._draw(self._batches_of([index]), lambda done: None)

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

        def told(drawn: int) -> None:
            nonlocal done
            done += drawn
            report(done, total, FRAMES)

        self._draw(self._batches_of(missing), told)
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
        """Those that are drawn at once: as many as their marks say."""
        waiting = dict[tuple[int, int], list[int]]()
        for index in missing:
            batch, beside, *_ = self._marks[index]
            some = waiting.setdefault((batch, beside), [])
            some.append(index)
            if len(some) == beside:
                yield waiting.pop((batch, beside))
        for (_, beside), some in waiting.items():
            yield some + self._fillers(some, beside - len(some))

    def _fillers(self, some: Sequence[int], count: int) -> list[int]:
        """What a batch is filled up with: pictures that were planned to be beside its last one. Of
        one picture several times more layers would be shared, and drawn by themselves: in other
        last bits on some cores."""
        first, last = 0, some[-1]
        while (after := first + self._marks[first].beside) <= last:
            first = after
        others = [i for i in range(first, min(after, len(self))) if i not in some]
        return (others + [last] * count)[:count]

    def _draw(self, batches: Iterable[list[int]], told: Callable[[int], None]) -> None:
        """Draw batches, in smaller ones where memory is short, and keep them in the order in which
        they come. `told` hears of how many pictures come, and of none now and then; where it
        raises Interrupted, those that are being drawn are kept first."""
        ahead, todo, left = self.drawer.ahead, iter(batches), list[list[int]]()
        at_work = dict[Future[Pixels | None], DrawnAtOnce]()
        try:
            while True:
                while len(at_work) < ahead and (batch := left.pop() if left else next(todo, None)):
                    begun = self._begun(batch)
                    left += [rest] if (rest := batch[len(begun.indices) :]) else []
                    future = self.drawer.hand_in([self.scenes[i] for i in begun.indices])
                    at_work[future] = begun
                if not at_work:
                    return
                done = wait(at_work, TICK, FIRST_COMPLETED).done
                for future in done:
                    pictures, begun = future.result(), at_work.pop(future)
                    if pictures is None:
                        left.append(self._too_many(begun.indices))
                    else:
                        new = {mark for mark in begun.marks if self.journal.place(mark) is None}
                        self._keep(pictures, begun)
                        told(len(new))
                if not done:
                    told(0)
        except Interrupted:
            self._keep_begun(at_work)
            raise
        finally:
            for future in at_work:
                future.cancel()

    def _begun(self, batch: list[int]) -> DrawnAtOnce:
        """As many of a batch as memory allows."""
        some = batch[: self._most]
        size = min(self._marks[batch[0]].batch, self._most)
        return DrawnAtOnce(some, self._alike(some, size))

    def _too_many(self, batch: list[int]) -> list[int]:
        """The same batch, of which half is drawn at once from now on, and of all others."""
        if len(batch) == 1:
            hint = "ask for a smaller size, or use --device cpu"
            raise DeviceError("one picture does not fit in the memory of this device", hint)
        self._most = min(self._most, len(batch) // 2)
        return batch

    def _keep_begun(self, at_work: Mapping[Future[Pixels | None], DrawnAtOnce]) -> None:
        """Wait for the batches that others are drawing; those not begun are called off."""
        for future in at_work:
            future.cancel()
        for future, begun in at_work.items():
            if future.cancelled() or future.exception() is not None:
                continue
            if (pictures := future.result()) is not None:
                self._keep(pictures, begun)

    def _keep(self, pictures: Pixels, drawn: DrawnAtOnce) -> None:
        """What was drawn at once goes to the journal."""
        with self.journal.drawing:
            self.journal.append(pictures, drawn.marks)
        with (grown := self.journal.grown):
            for index, mark in zip(*drawn, strict=True):
                self._marks[index] = mark
            grown.notify_all()


def batched(options: Options, generator: Generator, preset: Preset) -> Options:
    """The options with the usual batch of a model and a preset, where they have none themselves."""
    if options.batch is not None:
        return options
    size = max([preset.scene.size or 0, *(output.size or 0 for output in preset.outputs)])
    own = [one for one in (preset.scene, *preset.scenes) if one.model == preset.scene.model]
    count = together(at_size(generator, size or None), own, options.foreign)
    return replace(options, batch=count)


@dataclass(slots=True)
class Films:
    """The films of one run: reels of the same film share a journal.

    made_with  what pictures depend on beside their scenes: another text draws them again
    held       closes the journals
    others     draw in the place of this process
    """

    options: Options
    made_with: str
    held: ExitStack
    others: Drawer | None = None
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
            drawer = self.others or own(painter, self._drawing)
            journal = self._journals[film]
            self._reels[scenes] = Reel(scenes, drawer, journal, self.options.batches)
        return self._reels[scenes]
