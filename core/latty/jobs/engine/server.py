"""The engine's loop: requests in, pictures and answers out.

`python -m latty.jobs.engine DEVICE PRECISION` reads requests from stdin and answers on stdout
(wire.py says how); it ends when its stdin closes, however the app ended. stderr is its log.

    {"id", "op": "draw", "scenes", "channel", "columns", "size", "gap", "ground", "coarse", "mend"}
                                           pixels, see drawing.py; "ground": 0xRRGGBB between
                                           pictures; "coarse": px at which one picture is seen;
                                           "mend": without edits that cannot be applied, which the
                                           answer names: "broken", {direction: why}
    {"id", "op": "open", "model"}          what a model is: info, classes, notes, activations
    {"id", "op": "call", "name", "args"}   a function of CALLS and what it returns, as JSON
    {"id", "op": "cancel", "channel"}      forget what is asked for there

Of draws only the newest of a channel is done; the others are answered {"ok": false, "stale":
true}, also one that is being done: a picture is left between two steps of its network, but where
something of it is seen soon, or nothing was seen for too long (requests.py). Who asks for a coarse
picture may be given one first, marked {"ok": true, "coarse": true}, where the whole one takes long.
Draws on the channel "picture" come first, and between the steps of other draws; opens and calls are
all done, in order. What goes wrong is an answer: {"ok": false, "error", "hint", "kind", "detail"}.
"""

import faulthandler
import inspect
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

from latty import process, wire
from latty.errors import BadData, LattyError, UsageError, explain
from latty.jobs.engine.requests import Queue, Request
from latty.scene import AUTO
from latty.version import __version__

if TYPE_CHECKING:
    from latty.jobs.engine.cache import ModelCache
    from latty.jobs.engine.drawing import Drawing

# What may be called, by name: "module:function". Arguments and results are JSON; a function that
# takes `cache` is given the engine's models and device.
CALLS: dict[str, str] = {
    "export": "latty.jobs.engine.export:export",
    "forget": "latty.jobs.engine.cache:forget",
    "methods": "latty.jobs.engine.methods:methods",
    "keep_offset": "latty.jobs.engine.keep:keep_offset",
    "change_directions": "latty.jobs.engine.keep:change_directions",
    "export_directions": "latty.directions.manage:export",
}

IDLE = 1.0  # seconds without a request, before what nobody waits for
LOG_LIMIT = 2**20  # bytes; a log that grows beyond is begun anew


class EngineServer:
    """Reads in one thread, works in the main one."""

    def __init__(self, requests: int, answers: int, device: str, precision: str) -> None:
        self._requests, self._answers = requests, answers
        self._device, self._precision = device, precision
        self._queue = Queue()
        self._writing = threading.Lock()
        self._cache: ModelCache | None = None

    def run(self) -> None:
        """Answer requests until the app closes the other end; then the process exits."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()
        self._say({"op": "hello", "pid": os.getpid(), "version": __version__})
        self._begin()
        pause = IDLE
        while True:
            spare = self._cache is not None and self._cache.has_spare_work
            request = self._queue.take(pause if spare else None)
            if request is None:
                pause = 0.0
                self._ready().work()
                continue
            pause = IDLE
            try:
                self._do(request)
            except (Exception, SystemExit) as error:
                request.drawing = None
                self._queue.seen(request)
                self._say(_failure(error), request)
                _end_if_broken(error)
            _shorten_log()

    def _begin(self) -> None:
        """torch takes seconds: it is here before anybody asks."""
        begun = time.perf_counter()
        try:
            ready: dict[str, Any] = {"ok": True, "device": self._ready().name}
        except LattyError as error:
            ready = {**_failure(error), "device": ""}
        seconds = round(time.perf_counter() - begun, 3)
        self._say({"op": "ready", **ready, "seconds": seconds})

    def _read(self) -> None:
        try:
            with os.fdopen(self._requests, "rb") as file:
                while (message := wire.read(file)) is not None:
                    self._hear(message.header)
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(0)  # whatever the main thread is at: nobody waits for it

    def _hear(self, header: Mapping[str, Any]) -> None:
        request = Request(header)
        if request.op == "cancel":
            self._stale(self._queue.cancel(request.channel))
            self._say({"ok": True}, request)
        else:
            self._stale(self._queue.put(request))

    def _stale(self, request: Request | None) -> None:
        if request is not None:
            self._say({"ok": False, "stale": True}, request)

    def _do(self, request: Request) -> None:
        cache = self._ready()
        if request.op == "draw":
            self._draw(request, cache)
        elif request.op == "open":
            self._say(opened(cache, str(request.header.get("model"))), request)
        elif request.op == "call":
            self._say({"ok": True, "result": called(cache, request.header)}, request)
        else:
            raise UsageError(f"the engine cannot '{request.op}'", "draw, open, call, cancel")

    def _ready(self) -> "ModelCache":
        if self._cache is None:  # its device is not there: say so again, it may be by now
            from latty.jobs.engine.cache import ModelCache

            self._cache = ModelCache(self._device, self._precision)
        return self._cache

    def _draw(self, request: Request, cache: "ModelCache") -> None:
        from latty.jobs.engine.drawing import Drawing

        drawing = request.drawing = request.drawing or Drawing(cache, request.header)
        self._turn(drawing, request)
        while not drawing.done and self._queue.pressing(request):
            self._turn(drawing, request)
        if not drawing.done and self._queue.put_back(request):
            return
        request.drawing = None  # the queue remembers the request
        if request.cancelled or not drawing.done:
            self._stale(request)
        else:
            self._queue.seen(request)
            self._say({"ok": True, **drawing.header()}, request, drawing.bytes())

    def _turn(self, drawing: "Drawing", request: Request) -> None:
        """Draw a little of it, and say what is there early."""
        for shown in drawing.turn():
            if shown.header and not request.cancelled:
                self._queue.seen(request)
                self._say({"ok": True, "coarse": True, **shown.header}, request, shown.pixels)
            if self._queue.overtaken(request, shown.due):
                break

    def _say(
        self, header: Mapping[str, Any], to: Request | None = None, payload: Any = b""
    ) -> None:
        """Send an answer; the payload goes as it lies in memory."""
        marked = {"id": to.header.get("id"), **header} if to else header
        first = wire.head(marked, len(payload))
        with self._writing:
            try:
                for part in (first, payload):
                    view = memoryview(part)
                    while view:
                        view = view[os.write(self._answers, view) :]
            except OSError:  # the app is gone
                os._exit(0)


def opened(cache: "ModelCache", ref: str) -> dict[str, Any]:
    """Facts of a model for the studio: info, class names, notes, activations. Raises what
    `open_model` does."""
    from latty.models.base import HasActivations
    from latty.models.classes import names_of

    generator = cache.look_up(ref)
    return {
        "ok": True,
        "info": asdict(generator.info),
        "classes": list(names_of(generator)),
        "notes": list(generator.info.notes),
        "activations": (
            generator.activation_names() if isinstance(generator, HasActivations) else []
        ),
        "device": cache.name,
    }


def called(cache: "ModelCache", header: Mapping[str, Any]) -> Any:
    """What a function of CALLS returns. Raises UsageError for another name, BadData where the
    result is not JSON, and what the function raises."""
    name, args = header.get("name"), header.get("args") or {}
    if not isinstance(name, str) or name not in CALLS or not isinstance(args, dict):
        raise UsageError(f"the engine has no {name!r:.60} to call", "see CALLS")
    module, _, function = CALLS[name].partition(":")
    found = getattr(import_module(module), function)
    given = {"cache": cache} if "cache" in inspect.signature(found).parameters else {}
    result = found(**args, **given)
    try:
        json.dumps(result)
    except (TypeError, ValueError) as error:
        raise BadData(f"{name} returned what is not JSON: {error}") from None
    return result


def _failure(error: BaseException) -> dict[str, Any]:
    """An error as data."""
    known = explain(error) if isinstance(error, Exception) else None
    if known is None:
        words = f"unexpected {type(error).__name__}: {error}"
        known = LattyError(words, "this is our fault; the details say where")
    return {
        "ok": False,
        "error": known.message,
        "hint": known.hint,
        "kind": type(error).__name__,
        "detail": "".join(traceback.format_exception(error)),
    }


def _end_if_broken(error: BaseException) -> None:
    """After some errors every call of CUDA fails until the process is a new one."""
    words = str(error)
    if "CUDA error" in words and "out of memory" not in words:
        traceback.print_exception(error)
        sys.stderr.flush()
        os._exit(wire.BROKEN)


def _shorten_log() -> None:
    with suppress(OSError):
        if os.fstat(2).st_size > LOG_LIMIT:
            os.ftruncate(2, 0)


def main() -> None:
    """The process: the pipes are ours alone before anything that might print is imported."""
    for number in wire.IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, wire.IGNORED)
    faulthandler.enable()
    process.be_steady()
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    process.keep_room()
    process.keep_memory()
    process.end_with_parent()  # even where the thread that waits for stdin's end cannot run
    device, precision = (*sys.argv[1:3], AUTO, AUTO)[:2]
    EngineServer(requests, answers, device, precision).run()
