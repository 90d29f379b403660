"""Where shards run: `concurrent.futures.Executor` is the only interface.

local  one warm process per GPU (or a few on the CPU); each keeps what it opened. A process that
       dies breaks its own shard only, which is tried again in a new one
ray    the same calls on a cluster (extra latty[ray]); see _ray.py

A shard is a function of the package and plain values, and it writes a result file: one that finds
its file returns at once, so a retry, a resumed job and a lost machine are one path.
"""

import ctypes
import multiprocessing
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from core.errors import LattyError
from core.report import Report, silent

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 3  # of a shard whose process died
PR_SET_PDEATHSIG = 1


class LocalPool(Executor):
    """One process per slot, started when its first shard comes, warm until `shutdown`.

    slots  names for CUDA_VISIBLE_DEVICES, or "cpu"; a name may come more than once
    """

    def __init__(self, slots: Sequence[str]) -> None:
        self._shards: queue.SimpleQueue[Callable[[Hand], None] | None] = queue.SimpleQueue()
        self._futures: set[Future[Any]] = set()
        self._closed = False
        self._hands = [Hand(slot, self._shards) for slot in slots]

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future of fn(*args, **kwargs) in the next free process."""
        if self._closed:
            raise RuntimeError("this pool is shut down")
        future: Future[T] = Future()
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        self._shards.put(lambda hand: hand.run(future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more shards; those handed in are finished, or cancelled where none began."""
        self._closed = True
        if cancel_futures:
            for future in list(self._futures):
                future.cancel()
        for _ in self._hands:
            self._shards.put(None)
        if wait:
            for hand in self._hands:
                hand.thread.join()

    def kill(self) -> None:
        """End every process now, and with it what it was at."""
        self.shutdown(wait=False, cancel_futures=True)
        for hand in self._hands:
            hand.kill()


class Hand:
    """A thread that gives one process after the other the next shard."""

    def __init__(
        self, slot: str, shards: "queue.SimpleQueue[Callable[[Hand], None] | None]"
    ) -> None:
        self.slot, self.shards = slot, shards
        self.process: ProcessPoolExecutor | None = None
        self.killed = False
        self.thread = threading.Thread(target=self._work, name=f"pool {slot}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while (shard := self.shards.get()) is not None:
            shard(self)
        if self.process is not None:
            self.process.shutdown()

    def run(self, future: "Future[T]", fn: Callable[..., T], args: Any, kwargs: Any) -> None:
        """The shard, again in a new process where one died under it."""
        if not future.set_running_or_notify_cancel():
            return
        for left in reversed(range(TRIES)):
            try:
                future.set_result(self._open().submit(fn, *args, **kwargs).result())
                return
            except BrokenProcessPool:
                self.process = None
                if self.killed or not left:
                    words = f"a process on {self.slot} died {TRIES} times at the same work"
                    future.set_exception(LattyError(words, "see its log: latty jobs logs"))
                    return
            except BaseException as error:
                future.set_exception(error)
                return

    def _open(self) -> ProcessPoolExecutor:
        if self.process is None:
            spawn = multiprocessing.get_context("spawn")
            self.process = ProcessPoolExecutor(1, spawn, _begin, (self.slot, os.getpid()))
        return self.process

    def kill(self) -> None:
        self.killed = True
        processes = getattr(self.process, "_processes", None) or {}
        for process in list(processes.values()):
            with suppress(OSError):
                process.kill()


def _begin(slot: str, parent: int) -> None:
    """In a new process, before torch is imported: its GPU, and the end of its parent is its own."""
    if slot != "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = slot
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and says what to do
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked to be told
            os._exit(1)


def open_pool(engine: str, slots: Sequence[str], address: str = "") -> Executor:
    """The executor of an engine, "local" or "ray". Raises Missing where Ray is not installed."""
    if engine == "ray":
        from core.jobs._ray import RayPool

        return RayPool(address)
    return LocalPool(slots)


def spread(
    pool: Executor,
    function: Callable[..., T],
    shards: Sequence[tuple[Any, ...]],
    report: Report = silent,
    what: str = "shards",
) -> list[T]:
    """function(*shard) for every shard, in the pool; the results in the order of the shards.

    Raises the first error of a shard, or what `report` raises, after the rest has been called off.
    """
    futures = [pool.submit(function, *shard) for shard in shards]
    pending: set[Future[T]] = set(futures)
    try:
        while pending:
            report(len(futures) - len(pending), len(futures), what)
            finished, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    report(len(futures), len(futures), what)
    return [future.result() for future in futures]
