"""The models that the engine has open, and the painter of each of its views."""

import os
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import torch

from latty.files import Stamp, stamp_of
from latty.jobs.engine.kept_states import KEPT, SPLIT, KeptStates
from latty.jobs.engine.painter import PreviewPainter
from latty.jobs.engine.quickest import for_previews, is_free, measure
from latty.models import forget_all, is_kept
from latty.models.base import Generator
from latty.models.device import pick_device
from latty.models.kept import room
from latty.models.memory import collect
from latty.models.store import model_file
from latty.render.pixels import at_size
from latty.wire import FIRST

LOOK = 1.0  # seconds between two questions for the memory of a GPU, which make it wait
SHARE = 1 / 4  # of what models may take up: states kept for the next picture


class ModelCache:
    """The models that are open on a device, and a painter for each channel."""

    def __init__(self, device: str, precision: str = "auto") -> None:
        self.device, self.precision = pick_device(device), precision
        self._painters: dict[str, tuple[Generator, int | None, PreviewPainter]] = {}
        self._models: dict[tuple[str, str], tuple[Path | None, Stamp | None, Generator]] = {}
        self._measuring: tuple[str, Iterator[None]] | None = None  # by digest
        self._measured: set[str] = set()
        self._used: tuple[float, list[int]] | None = None  # bytes of a GPU, when they were seen

    @property
    def name(self) -> str:
        """The device as people call it: "cpu", "cuda:0"."""
        if self.device.type == "cuda" and self.device.index is None:
            return f"cuda:{torch.cuda.current_device()}"
        return str(self.device)

    def generator(self, ref: str, precision: str = "auto") -> Generator:
        """The model of a name or path for previews of scenes that say this precision; looked up
        once while its file stays."""
        known = self._models.get((ref, precision))
        if known is not None and known[1] == stamp_of(known[0]):
            return known[2]
        return self.look_up(ref, precision)

    def drawn(self, ref: str, precision: str, generator: Generator) -> None:
        """A picture of a model is there: how it is drawn quickest may be measured now."""
        digest = generator.info.digest
        known = digest in self._measured or (self._measuring and self._measuring[0] == digest)
        if is_free(precision, self.precision) and not known:
            self._measuring = digest, measure(ref, self.device)

    @property
    def has_spare_work(self) -> bool:
        """Whether there is something to do while nobody waits."""
        return self._measuring is not None

    def work(self) -> None:
        """Do a little of that; what goes wrong goes to the log."""
        if self._measuring is None:
            return
        digest, measuring = self._measuring
        try:
            next(measuring)
            return
        except StopIteration:
            models = self._models.items()  # this one is looked up again, as is known by now
            self._models = {name: one for name, one in models if one[2].info.digest != digest}
        except Exception:
            traceback.print_exc()
        self._measured.add(digest)
        self._measuring = None

    def look_up(self, ref: str, precision: str = "auto") -> Generator:
        """The same, where a name may have come to mean another file."""
        file = model_file(ref)
        state = stamp_of(file)
        generator = for_previews(ref, self.device, precision, self.precision)
        self._models.pop((ref, precision), None)
        self._models[ref, precision] = file, state, generator
        open_still = {name: one for name, one in self._models.items() if is_kept(one[2])}
        closed, self._models = len(open_still) < len(self._models), open_still
        self._painters = {name: one for name, one in self._painters.items() if is_kept(one[0])}
        if closed:
            collect()
        return generator

    def painter(self, channel: str, generator: Generator, size: int | None) -> PreviewPainter:
        """The channel's; a new one where it asks for another model or size."""
        known = self._painters.get(channel)
        if known is None or known[0] is not generator or known[1] != size:
            painter = PreviewPainter(at_size(generator, size), self._keeping(channel))
            known = generator, size, painter
            self._painters[channel] = known
        return known[2]

    def _keeping(self, channel: str) -> KeptStates:
        """What a painter may keep, by the memory there is; only the pictures of the first channel
        are so much like each other that more than where they part is worth it."""
        share = int(room(self.device) * SHARE) or SPLIT
        return KeptStates(min(KEPT, share // 8) if channel == FIRST else 0, min(SPLIT, share))

    def memory(self) -> list[int] | None:
        """Bytes in use and in all: of the GPU; on the CPU what this process uses of the machine's,
        None where the system does not say."""
        if self.device.type != "cuda":
            return _resident()
        if self._used is None or time.monotonic() - self._used[0] > LOOK:
            free, whole = torch.cuda.mem_get_info(self.device)
            self._used = time.monotonic(), [whole - free, whole]
        return self._used[1]

    def forget(self) -> None:
        """Let go of everything that can be made again."""
        self._painters.clear()
        self._models.clear()
        self._measuring = self._used = None
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
