"""Where shards run: `concurrent.futures.Executor` is the only interface.

local  one warm process per GPU (or a few on the CPU); each keeps what it opened. A process that
       dies breaks its own shard only, which is tried again in a new one
ray    the same calls on a cluster (extra latty[ray]); see ray_pool.py

A process of a pool computes on one thread, unless OMP_NUM_THREADS says otherwise: with the number
of threads the last bits change, and what a shard gives must not depend on who else is at work.
"""

import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from typing import Any, ParamSpec, Protocol, TypeVar

from latty import process
from latty.errors import Interrupted, LattyError
from latty.jobs.task import THREADS, TRIES, portable
from latty.report import Report, silent

P = ParamSpec("P")
T = TypeVar("T")

OURS = tuple(
    number
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if (number := getattr(signal, name, None)) is not None
)  # signals that the parent answers
STOP = signal.SIGUSR1  # asks a process of a pool to end what it is at


class Pool(Protocol):
    """An Executor that can be ended early: at_once = how many processes it has."""

    @property
    def at_once(self) -> int: ...

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]: ...

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...

    def stop(self) -> None:
        """Begin no more shards; those that look (`process.check`) end at their next step."""

    def kill(self) -> None:
        """End every process now, and with it what it was at."""


class LocalPool(Executor):
    """One process per slot, started when its first shard comes, warm until `shutdown`.

    slots  names for CUDA_VISIBLE_DEVICES, or "cpu"; a name may come more than once
    """

    def __init__(self, slots: Sequence[str]) -> None:
        self._shards: queue.SimpleQueue[Callable[[WorkerProcess], None] | None] = (
            queue.SimpleQueue()
        )
        self._futures: set[Future[Any]] = set()
        self._closed = False
        self._workers = [WorkerProcess(slot, self._shards) for slot in slots]

    @property
    def at_once(self) -> int:
        """How many processes it has."""
        return len(self._workers)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """A future of fn(*args, **kwargs) in the next free process. Raises RuntimeError after
        `shutdown`."""
        if self._closed:
            raise RuntimeError("this pool is shut down")
        future: Future[T] = Future()
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        self._shards.put(lambda worker: worker.run(future, fn, args, kwargs))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """No more shards; those handed in are finished, or cancelled where none began."""
        self._closed = True
        if cancel_futures:
            for future in list(self._futures):
                future.cancel()
        for _ in self._workers:
            self._shards.put(None)
        if wait:
            for worker in self._workers:
                worker.thread.join()

    def stop(self) -> None:
        """Begin no more shards; those that look (`process.check`) end at their next step."""
        for future in list(self._futures):
            future.cancel()
        for worker in self._workers:
            worker.stop()

    def kill(self) -> None:
        """End every process now, and with it what it was at."""
        self.shutdown(wait=False, cancel_futures=True)
        for worker in self._workers:
            worker.kill()


class WorkerProcess:
    """A thread and its child process, which gets one shard after the other; a new one is started
    where it died."""

    def __init__(
        self, slot: str, shards: "queue.SimpleQueue[Callable[[WorkerProcess], None] | None]"
    ) -> None:
        self.slot, self.shards = slot, shards
        self.process: ProcessPoolExecutor | None = None
        self.killed = self.stopped = False
        self.lock = threading.Lock()
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
                future.set_result(self._start(fn, args, kwargs).result())
                return
            except BrokenProcessPool:
                self.process = None
                if self.killed or not left:
                    words = f"a process on {self.slot} died {TRIES} times at the same work"
                    hint = "the same command goes on with the rest; is memory short?"
                    future.set_exception(LattyError(words, hint))
                    return
            except BaseException as error:
                future.set_exception(error)
                return

    def _start(self, fn: Callable[..., T], args: Any, kwargs: Any) -> "Future[T]":
        """Raises BrokenProcessPool where the process died, or was killed for good, Interrupted
        where it was asked to stop."""
        with self.lock:
            if self.stopped:
                raise Interrupted(signal.SIGTERM)
            if self.killed:
                raise BrokenProcessPool
            if self.process is None:
                spawn = multiprocessing.get_context("spawn")
                told = (self.slot, os.getpid(), process.in_child)
                self.process = ProcessPoolExecutor(1, spawn, begin, told)
                # The process inherits this: Ctrl-C while it starts would end it with a traceback.
                # Not earlier: the line above starts multiprocessing's tracker, which unblocks them.
                signal.pthread_sigmask(signal.SIG_BLOCK, (*OURS, STOP))
            begun = self.process.submit(portable, fn, args, kwargs)
            _hang_up(self.process)
            return begun

    def stop(self) -> None:
        """Ask the child process to end what it is at; what comes after that is not begun."""
        with self.lock:
            self.stopped = True
            for child in self._children():
                if child.is_alive():
                    os.kill(child.pid, STOP)

    def kill(self) -> None:
        """End the child process now; what it was at fails."""
        with self.lock:
            self.killed = True
            for child in self._children():
                with suppress(OSError):
                    child.kill()

    def _children(self) -> list[Any]:
        return [*(getattr(self.process, "_processes", None) or {}).values()]


def _hang_up(executor: ProcessPoolExecutor) -> None:
    """Give up our own end of the pipe for results, which only the child process writes to: where it
    dies in the midst of one, the rest would be waited for as long as anybody could write it."""
    results = getattr(executor, "_result_queue", None)
    if (writer := getattr(results, "_writer", None)) is not None:
        writer.close()


def begin(slot: str, parent: int, first: Callable[[], None] | None) -> None:
    """In a new process, before torch is imported: its GPU, its threads, and whose child it is."""
    if first is not None:
        first()
    if slot != "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = slot
    os.environ.setdefault(THREADS, "1")
    for number in OURS:
        signal.signal(number, signal.SIG_IGN)  # the parent hears it and says what to do
    signal.signal(STOP, _asked_to_stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*OURS, STOP))
    process.end_with_parent(parent)


def _asked_to_stop(number: int, frame: object) -> None:
    process.stopped = lambda: signal.SIGTERM


def open_pool(engine: str, slots: Sequence[str], address: str = "") -> Pool:
    """The executor of an engine, "local" or "ray". Raises Missing where Ray is not installed,
    ConfigError where it would run anybody's code, DeviceError where there is no cluster."""
    if engine == "ray":
        from latty.jobs.ray_pool import RayPool

        return RayPool(address, slots)
    return LocalPool(slots)


@contextmanager
def opened(engine: str, slots: Sequence[str], address: str = "") -> Iterator[Pool]:
    """A pool that is shut down at the end; where an error is raised inside it is killed. Raises
    what `open_pool` does."""
    pool = open_pool(engine, slots, address)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    pool.shutdown()


def finished(
    pool: Pool,
    function: Callable[..., T],
    shards: Sequence[tuple[Any, ...]],
    report: Report = silent,
    what: str = "shards",
    by_steps: bool = False,
) -> Iterator[tuple[int, Future[T]]]:
    """function(*shard) for every shard, in the pool: number and finished future, as they end.

    `report` is called twice a second; what it raises calls off those that have not begun.

    by_steps  the shards keep each step of theirs and look whether they should stop: an Interrupted
              is raised when those at work have ended their step
    """
    pending = {pool.submit(function, *shard): number for number, shard in enumerate(shards)}
    interrupted: Interrupted | None = None
    try:
        while pending:
            try:
                report(len(shards) - len(pending), len(shards), what)
            except Interrupted as error:
                if not by_steps:
                    raise
                if interrupted is None:
                    interrupted = error
                    pool.stop()
            done = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED).done
            for future in sorted(done, key=pending.__getitem__):
                number = pending.pop(future)
                if interrupted is None or not _was_stopped(future):
                    yield number, future
    finally:
        for future in pending:
            future.cancel()
    if interrupted is not None:
        raise interrupted
    report(len(shards), len(shards), what)


def _was_stopped(future: Future[Any]) -> bool:
    return future.cancelled() or isinstance(future.exception(), Interrupted)
