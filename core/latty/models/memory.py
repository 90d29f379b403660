"""Batches that fit in memory: few large pictures on a CPU, as many on a GPU as the shapes of the
network allow; half of a batch that does not fit is tried next, down to one."""

import gc
from collections.abc import Callable, Collection, Iterator
from typing import TypeVar

import torch

from latty import process
from latty.errors import DeviceError
from latty.models.base import Generator
from latty.models.batches import on_cpu
from latty.models.live_memory import fitting

T = TypeVar("T")
SPARE: list[Callable[[], None]] = []  # each gives back what can be made again
WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def collect() -> None:
    """Give back to the system what nobody holds any more, and what can be made again."""
    for give_back in SPARE:
        give_back()
    gc.collect()
    process.give_back_memory()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_short(error: BaseException) -> bool:
    """Whether an error says that memory was short, of a GPU or of the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in said for words in WORDS)


def at_once(generator: Generator, most: int, changed: Collection[str] = ()) -> int:
    """How many pictures of a model are drawn at once where it is, at most so many; `changed`:
    layers whose activations edits replace. By what does not change while they are drawn."""
    if generator.device.type != "cuda":
        return on_cpu(generator.info.resolution, most)
    total = torch.cuda.get_device_properties(generator.device).total_memory
    return fitting(generator, most, total, changed)


def in_batches(run: Callable[[slice], T], count: int, batch: int) -> Iterator[tuple[slice, T, int]]:
    """run(slice) over 0..count in slices of `batch`: the slice, its result, and how many fit at
    once. Numbers may depend on that in their last bits, so it should be said where it is less
    than was asked for. Raises DeviceError where not even one fits."""
    start = 0
    while start < count:
        part = slice(start, min(start + batch, count))
        try:
            done = run(part)
        except Exception as error:
            if not is_short(error):
                raise
        else:
            start = part.stop
            yield part, done, batch
            continue
        # here, and not in the handler: a traceback would keep the tensors alive
        collect()
        if part.stop - part.start == 1:
            hint = "take a smaller model, or --device cpu"
            raise DeviceError("one picture does not fit in the memory of this device", hint)
        batch = (part.stop - part.start) // 2


def told(what: str, batch: int, asked: int) -> str:
    """`samples`, or `samples, 25 at once` where memory was too short for as many as asked."""
    return what if batch >= asked else f"{what}, {batch} at once"
