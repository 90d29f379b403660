"""ONNX networks through onnxruntime, an extra: checked first, then run in a process of their own.

Networks of any framework are data and a closed list of operations there. They have no gradients.
"""

import importlib.util
import io
import os
import re
import select
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import torch

from latty import config, process, wire
from latty.checkpoints import onnxfile
from latty.errors import BadData, DeviceError, Interrupted, Missing
from latty.models.onnx_process import arrays, described
from latty.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

Child = subprocess.Popen[bytes]
INSTALL = "pip install 'latty[onnx]'"
# Each arena of a thread would count as memory that the network takes. Nobody is told what is run.
ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "ORT_DISABLE_TELEMETRY": "1"}
LOOK = 0.1  # seconds between two looks at signals and the clock
FAULTS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
KILLED = "memory was short, or somebody ended it"
GRACE = 1.0  # seconds that a run may still take after a signal
LONGER = "onnx_seconds in config.toml, or LATTY_ONNX_SECONDS, gives it more time"


class OnnxSession:
    """A network that is open: names to arrays in, arrays out.

    It runs in a process that is started when it is needed, and again after one that ended.
    """

    def __init__(self, network: onnxfile.Network, file: str) -> None:
        """Of a file of that name. Raises Missing without onnxruntime, BadData for what it cannot
        run, DeviceError, ConfigError."""
        self.file, self.network = clean(file), network
        settings = config.load()
        self.seconds, self.memory = settings.onnx_seconds, settings.onnx_memory
        self._version = self.network.version
        self._process: _Process | None = None
        self._lock = threading.Lock()
        with self._lock:
            self._started()

    def run(self, values: "Mapping[str, NDArray[Any]]") -> "list[NDArray[Any]]":
        """The outputs, such as (N, C, H, W), in the order of the file.

        Raises MemoryError, BadData where the network cannot run on these or takes too long,
        DeviceError where its process ended, Interrupted.
        """
        given = [*values.values()]
        header = {"names": [*values], "arrays": described(given)}
        pictures = max([1, *(value.shape[0] for value in given if value.ndim)])
        with self._lock:
            answer = self._started().ask(
                header, [value.tobytes() for value in given], self.seconds * pictures
            )
        if "error" in answer.header:
            raise self._failed(answer.header)
        return arrays(answer.header.get("arrays"), answer.payload)

    def _failed(self, header: Mapping[str, Any]) -> Exception:
        if header.get("short"):
            return MemoryError(f"{self.file} needs more than {self.memory} GiB at once")
        return BadData(f"{self.file} does not run: {words_of(header)}")

    def _started(self) -> "_Process":
        """The process, with the network open. Raises Missing, BadData, DeviceError."""
        if self._process is not None and self._process.is_ready():
            return self._process
        if importlib.util.find_spec("onnxruntime") is None:
            what = "ONNX networks need onnxruntime, which is not installed"
            raise Missing(what, INSTALL)
        header, first = self._opened(self._version), ""
        newest = re.search(r"max supported IR version: (\d+)", str(header.get("error")))
        if newest is not None and self._version > int(newest[1]):
            # a later version only adds kinds of numbers, and without them nothing is new
            first, self._version = words_of(header), int(newest[1])
            header = self._opened(self._version)
        if "error" not in header:
            assert self._process is not None
            return self._process
        self._process = None
        with_it = f"onnxruntime {header.get('onnxruntime')}"
        if header.get("short"):
            raise self._failed(header)
        if "under development" in str(header["error"]):
            opset = self.network.opset
            what = f"{self.file} is of opset {opset} of ONNX, which is too new for {with_it}"
            raise BadData(what, "export it with opset_version=18, or update onnxruntime")
        said = words_of(header)
        raise BadData(f"{self.file} is no ONNX network that {with_it} opens: {said}", first)

    def _opened(self, version: int) -> dict[str, Any]:
        """What a new process says of the network, written in a version of ONNX."""
        self._process = None  # one that is there ends
        pieces, size = self.network.code(version)
        self._process = _Process(self.file)
        header = {"threads": torch.get_num_threads(), "memory": self.memory << 30}
        return self._process.ask(header, pieces, self.seconds, size).header


class _Process:
    """A child that runs one network; it ends when nobody holds this any more."""

    def __init__(self, file: str) -> None:
        """Raises DeviceError where it cannot be started."""
        self.file, self.owner = file, os.getpid()
        words = process.command("latty.models.onnx_process", str(self.owner))
        try:
            self.child = _child(words, process.environment({**os.environ, **ENVIRONMENT}))
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread, either
            why = getattr(error, "strerror", None) or error
            what = f"{file} needs a process of its own, which cannot be started: {why}"
            raise DeviceError(what, "free some memory, processes or open files") from None
        self._end = weakref.finalize(self, _end, self.child, self.owner)

    def is_ready(self) -> bool:
        """Whether it is there, and ours: a copy of this process has to start its own."""
        return self.owner == os.getpid() and self._end.alive and self.child.poll() is None

    def ask(
        self,
        header: wire.Table,
        pieces: Sequence[bytes | memoryview],
        seconds: float,
        size: int = 0,
    ) -> wire.Message:
        """What it answers within that time. Whatever goes wrong, it is ended.

        Raises BadData, DeviceError, Interrupted, and what a handler of a signal raises.
        """
        assert self.child.stdin is not None and self.child.stdout is not None
        watch = _Watch(self.file, seconds)
        size = size or sum(map(len, pieces))
        try:
            to = _Pipe(self.child.stdin.fileno(), select.POLLOUT, watch)
            for piece in (wire.head(header, size, onnxfile.LARGEST), *pieces):
                to.put(memoryview(piece))
            back = io.BufferedReader(_Pipe(self.child.stdout.fileno(), select.POLLIN, watch), 2**20)
            answer = wire.read(back)
            if answer is None:
                raise EOFError
        except (EOFError, BrokenPipeError):
            raise self._ended() from None
        except BaseException:
            self._end()
            raise
        return answer

    def _ended(self) -> Exception:
        """Why the child is no longer there, as an error."""
        try:
            status = self.child.wait(GRACE)
        except subprocess.TimeoutExpired:
            status = 0
        self._end()
        if (stopped := process.stopped()) > 0:
            return Interrupted(stopped)
        if status < 0:
            name = process.signal_name(-status)
            own = -status in FAULTS
            hint = "another version of onnxruntime may run it" if own else KILLED
            return DeviceError(f"{self.file}: the process that ran it was ended by {name}", hint)
        what = f"{self.file}: the process that runs it ended with status {status}"
        return DeviceError(what, "is there memory enough to start it?")


def _child(words: Sequence[str], environment: Mapping[str, str]) -> Child:
    """A process with pipes, started from a thread of its own: the kernel ends it with the thread
    that started it, and callers' threads come and go. Raises OSError, RuntimeError."""
    started, pipe = Future[Child](), subprocess.PIPE

    def stay() -> None:
        try:
            # A session of its own: signals of the terminal are answered here.
            child = Child(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL,
                          start_new_session=True, env=environment)  # fmt: skip
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(child)
        child.wait()

    threading.Thread(target=stay, name="onnx", daemon=True).start()
    return started.result()


def _end(child: Child, owner: int) -> None:
    """End a child, whatever it does. A copy of the owner lets go of it alone."""
    ours = owner == os.getpid()
    if ours:
        child.kill()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    if ours:
        child.wait()


class _Watch:
    """The time that a run may take, and whether a signal has asked the work to stop."""

    def __init__(self, file: str, seconds: float) -> None:
        self.file, self.seconds, self.left = file, seconds, seconds
        self.grace, self.last = GRACE, time.monotonic()

    def look(self) -> None:
        """Raises BadData, Interrupted."""
        now = time.monotonic()
        passed, self.last = min(now - self.last, 10 * LOOK), now  # more: we were stopped ourselves
        self.left -= passed
        if (number := process.stopped()) > 0:
            self.grace -= passed
            if self.grace < 0:
                raise Interrupted(number)
        if self.left < 0:
            raise BadData(f"{self.file} did not answer within {self.seconds:g} s", LONGER)


class _Pipe(io.RawIOBase):
    """One end of a pipe, whose other end may never answer."""

    def __init__(self, handle: int, event: int, watch: _Watch) -> None:
        self.handle, self.watch = handle, watch
        self.poll = select.poll()  # select() knows no handle above 1023
        self.poll.register(handle, event)
        os.set_blocking(handle, False)

    def _wait(self) -> None:
        while not self.poll.poll(LOOK * 1000):
            self.watch.look()

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        """What has come, at least a byte; 0 at the end. Raises BadData, Interrupted."""
        self._wait()
        return os.readv(self.handle, [into])

    def put(self, data: memoryview) -> None:
        """Write all of it. Raises BrokenPipeError, BadData, Interrupted."""
        data = data.cast("B")
        while data:
            self._wait()
            data = data[os.write(self.handle, data[: 2**20]) :]


def words_of(header: Mapping[str, Any]) -> str:
    """What onnxruntime says, in one short line."""
    text = " ".join(str(header.get("error")).split())
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", text)
    said = re.sub(r"\S*/onnxruntime\S* (\S+ )?(\S*::\S*\([^)]*\) )?", "", said)
    return clean(said, 160)
