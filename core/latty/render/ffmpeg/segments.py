"""A film in segments, each encoded by an encoder of its own with one thread, some at once.

Where they begin follows from the film alone, so that its bytes do not depend on the machine.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import takewhile
from math import ceil
from queue import SimpleQueue
from threading import Event
from typing import TypeVar

from latty.presets.codecs import BRIEF

T = TypeVar("T")

SEGMENT = 48  # frames, about: a keyframe costs as much as some of them


def split(count: int, gop: int) -> list[range]:
    """The segments of a film of so many frames, as even as they can be; where keyframes are to come
    every `gop` frames (0 = as the encoder likes), each begins at one of these. None is shorter than
    BRIEF, unless the film is."""
    groups = ceil(count / max(1, gop))
    number = min(groups, max(1, round(count / SEGMENT)))
    starts = [i * groups // number * max(1, gop) for i in range(number)]
    if len(starts) > 1 and count - starts[-1] < BRIEF:
        starts.pop()
    return [range(*ends) for ends in zip(starts, [*starts[1:], count], strict=True)]


def in_order(
    segments: Sequence[range],
    encode: Callable[[range], Iterator[T]],
    at_once: int,
    step: Callable[[], None],
) -> Generator[T, None, None]:
    """What `encode` gives for the frames of each segment, in the order of the film, while so many
    segments are at work; `step` is called for each frame that was encoded, of any of them. Raises
    what they raise; those that are still at work end by themselves then, after a frame."""
    said, stopped, ended = SimpleQueue[Future[None] | None](), Event(), set[Future[None]]()

    def work(segment: range, made: deque[T]) -> None:
        for one in takewhile(lambda _: not stopped.is_set(), encode(segment)):
            made.append(one)
            said.put(None)

    pool = ThreadPoolExecutor(at_once, thread_name_prefix="segment")
    left, begun = iter(segments), deque[tuple[Future[None], deque[T]]]()
    try:
        while True:
            while len(begun) < 2 * at_once and (segment := next(left, None)) is not None:
                made = deque[T]()
                begun.append((pool.submit(work, segment, made), made))
                begun[-1][0].add_done_callback(said.put)
            if not begun:
                return
            if (future := said.get()) is None:
                step()
            else:
                future.result()
                ended.add(future)
            while begun:
                future, made = begun[0]
                while made:
                    yield made.popleft()
                if future not in ended:
                    break
                begun.popleft()
    finally:
        stopped.set()
        # not waited for: one may wait for a picture, of which its film says that none comes
        pool.shutdown(wait=False, cancel_futures=True)
