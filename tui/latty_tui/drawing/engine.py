"""The app's end of the engine: a process that draws, asked without waiting for it.

Nothing of torch or numpy is imported here: pixels are bytes. `EngineClient` starts the process,
gives every answer to whom it belongs, and starts another one when it dies.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from latty import process, wire
from latty.errors import BadData, LattyError
from latty.jobs import run
from latty.scene import AUTO, FP32, Scene, to_table
from latty.text import size_words
from latty_tui.drawing.engine_log import EngineLog, ended, reason
from latty_tui.drawing.picture import RawPicture

COMMAND = tuple(process.command("latty.jobs.engine"))
DEATHS, WITHIN = 3, 30.0  # so many in so many seconds are enough
AGAIN = "F5 starts it again"
BUFFER = 2**22  # bytes read ahead


class EngineError(LattyError):
    """What the engine answered: an error with the words of the headless half."""

    def __init__(self, message: str, hint: str = "", kind: str = "", detail: str = "") -> None:
        super().__init__(message, hint)
        self.kind, self.detail = kind, detail


class EngineDied(EngineError):
    """The process ended before it answered."""


@dataclass(frozen=True, slots=True)
class Drawn(RawPicture):
    """What the engine drew; `ms` is what the generator took, `memory` used and whole in bytes, of
    a GPU, `precision` its numbers. `coarse`: it is small, and the whole picture follows. `broken`:
    the directions that are left out of it, each with why."""

    ms: float
    device: str
    memory: tuple[int, int] | None
    coarse: bool = False
    precision: str = FP32
    broken: tuple[tuple[str, str], ...] = ()


class Waiting(NamedTuple):
    """Who waits for an answer, and who hears of what comes before it."""

    answer: asyncio.Future[wire.Message]
    early: Callable[[wire.Message], object]


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A model that is open: what latty.models says about it."""

    name: str
    family: str
    height: int
    width_px: int
    channels: int
    z_dim: int
    num_layers: int
    width: int
    num_classes: int
    space: str
    digest: str
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    activations: tuple[str, ...]
    device: str

    @property
    def px(self) -> str:
        """The size of its pictures in words."""
        return size_words(self.height, self.width_px)


@dataclass(frozen=True, slots=True)
class Ready:
    """torch is there. `error` says why nothing can be drawn all the same: no such device."""

    device: str
    seconds: float
    error: EngineError | None = None


@dataclass(frozen=True, slots=True)
class Died:
    """The process is gone: why, in words, and the end of its log. `final`: it is not started again
    before `EngineClient.restart`."""

    reason: str
    log: str
    final: bool

    def __str__(self) -> str:
        return f"the engine ended: {self.reason}; {AGAIN if self.final else 'it starts again'}"


Event = Ready | Died


class EngineClient:
    """The process and the requests under way. All of it belongs to one event loop."""

    def __init__(
        self,
        device: str,
        on_event: Callable[[Event], object],
        command: Sequence[str] = COMMAND,
        precision: str = AUTO,
    ) -> None:
        self.device, self.precision, self.command = device, precision, tuple(command)
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, Waiting] = {}
        self._starting = asyncio.Lock()
        self._wanted = False
        self._number = 0
        self._ready = False
        self._opening = ""
        self._deaths: list[float] = []
        self._log = EngineLog()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process else None

    @property
    def gone(self) -> bool:
        """Whether there is none, and none will be started before `restart`."""
        return not self._wanted

    @property
    def opening(self) -> str:
        """What a process that is ready is opening; "" where it is not."""
        return self._opening if self._ready else ""

    async def start(self) -> None:
        """Start the process; requests may be made at once. Raises EngineDied where it cannot."""
        self._wanted = True
        await self._go_on()

    async def stop(self) -> None:
        """End the process; what is under way gets EngineDied."""
        self._wanted = False
        async with self._starting:
            process, self._process = self._process, None
        if process is None:
            return
        self._forget("the engine was stopped")
        assert process.stdin is not None and self._reader is not None
        process.stdin.close()
        await ended(process)
        await self._reader

    async def restart(self) -> None:
        """A new process in place of this one, or of one that died too often."""
        self._deaths.clear()
        await self.stop()
        await self.start()

    async def _go_on(self) -> None:
        """Start a process where one is wanted and there is none."""
        async with self._starting:
            if not self._wanted or self._process is not None:
                return
            try:
                self._process = await self._spawn()
            except OSError as error:
                self._wanted = False
                raise EngineDied(f"the engine cannot start: {error.strerror}") from None
            self._reader = asyncio.create_task(self._listen(self._process))

    async def _spawn(self) -> asyncio.subprocess.Process:
        log, self._ready = self._log.open(), False
        # Those of the terminal wait until the new process ignores them by itself.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, wire.IGNORED)
        try:
            return await asyncio.create_subprocess_exec(
                *self.command,
                self.device,
                self.precision,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log or asyncio.subprocess.DEVNULL,
                limit=BUFFER,
                env=run.environment(),
            )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            if log:
                log.close()

    async def draw(
        self,
        scenes: Sequence[Scene],
        channel: str = "picture",
        columns: int = 1,
        size: int | None = None,
        gap: int = 0,
        ground: int = 0,
        coarse: int | None = None,
        early: Callable[[Drawn], object] = lambda drawn: None,
        mend: bool = True,
    ) -> Drawn | None:
        """The pictures of scenes in one, `columns` side by side with `gap` px of the colour
        `ground` (0xRRGGBB) between them; None where a newer draw of the same channel came before it
        was done. Of one picture that takes long, `early` is given a coarse one first where `coarse`
        says at how many px it is seen. `mend`: edits that cannot be applied are left out. Raises
        EngineError, EngineDied."""
        answer = await self._ask(
            "draw",
            lambda message: early(_drawn(message)),
            channel=channel,
            scenes=[to_table(scene) for scene in scenes],
            columns=columns,
            size=size,
            gap=gap,
            ground=ground,
            coarse=coarse,
            mend=mend,
        )
        return None if answer.header.get("stale") else _drawn(answer)

    async def open(self, ref: str) -> OpenModel:
        """Open a model, or look at one that is open. Raises EngineError, EngineDied."""
        self._opening = ref
        try:
            header = (await self._ask("open", model=ref)).header
        finally:
            if self._opening == ref:
                self._opening = ""
        lists: dict[str, Any] = {
            key: tuple(header[key]) for key in ("classes", "notes", "activations")
        }
        known = {field.name for field in fields(OpenModel)}
        info = {key: value for key, value in header["info"].items() if key in known}
        return OpenModel(**{**info, **lists}, device=header["device"])

    async def call(self, name: str, /, **args: Any) -> Any:
        """What a function of the engine's CALLS returns. Raises EngineError, EngineDied."""
        return (await self._ask("call", name=name, args=args)).header["result"]

    def cancel(self, channel: str) -> None:
        """Forget what is asked for on a channel: it becomes None."""
        if self._process is not None:
            self._send({"op": "cancel", "channel": channel})

    async def _ask(
        self,
        op: str,
        early: Callable[[wire.Message], object] = lambda message: None,
        **header: Any,
    ) -> wire.Message:
        """The answer to a request: what was asked for, or that it is stale."""
        if self._process is None and self._wanted:
            await self._go_on()
        if self._process is None:
            raise EngineDied("the engine is not running", AGAIN)
        number = self._send({"op": op, **header})
        future: asyncio.Future[wire.Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = Waiting(future, early)
        try:
            answer = await future
        finally:
            self._waiting.pop(number, None)
        if answer.header.get("ok") or answer.header.get("stale"):
            return answer
        raise _error(answer.header)

    def _send(self, header: Mapping[str, Any]) -> int:
        self._number += 1
        assert self._process is not None and self._process.stdin is not None
        message = wire.pack({"id": self._number, **header})
        if not self._process.stdin.is_closing():  # or it is dead, and we hear of it in a moment
            self._process.stdin.write(message)
        return self._number

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """Give out answers until the process is gone."""
        assert process.stdout is not None
        trouble = ""
        try:
            while (message := await wire.receive(process.stdout)) is not None:
                self._hear(message)
        except (BadData, OSError, LookupError, TypeError) as error:
            trouble = str(error)  # something else than the engine speaks there
            with suppress(ProcessLookupError):
                process.kill()
        code = await ended(process)
        if process is self._process:
            await self._bury(code, trouble)

    def _hear(self, message: wire.Message) -> None:
        header = message.header
        if header.get("op") == "ready":
            self._ready, error = True, None if header.get("ok") else _error(header)
            self._tell(Ready(header["device"], header["seconds"], error))
        waiting = self._waiting.get(header.get("id", 0))
        if waiting is None or waiting.answer.done():
            return
        if header.get("coarse"):
            waiting.early(message)
        else:
            waiting.answer.set_result(message)

    async def _bury(self, code: int, trouble: str) -> None:
        """The process died by itself: say so, and start another one."""
        now = time.monotonic()
        self._deaths = [*(death for death in self._deaths if now - death < WITHIN), now]
        final = len(self._deaths) >= DEATHS
        self._process, self._wanted = None, not final
        why = f"not understood: {trouble}" if trouble else reason(code)
        self._tell(Died(why, self._log.tail(), final))
        self._forget(f"the engine was {why}", AGAIN if final else "try again")
        try:
            await self._go_on()
        except EngineDied as error:
            self._tell(Died(error.message, "", True))

    def _tell(self, event: Event) -> None:
        asyncio.get_running_loop().call_soon(self._on_event, event)

    def _forget(self, message: str, hint: str = "") -> None:
        """Tell everybody who waits that no answer will come."""
        waiting, self._waiting = self._waiting, {}
        log = self._log.tail() if waiting else ""
        for future, _ in waiting.values():
            if not future.done():
                future.set_exception(EngineDied(message, hint, "EngineDied", log))


def _drawn(message: wire.Message) -> Drawn:
    header, memory = message.header, message.header["memory"]
    told = {key: header[key] for key in ("width", "height", "ms", "device", "precision")}
    coarse, amounts = bool(header.get("coarse")), tuple(memory) if memory else None
    broken = tuple(header.get("broken", {}).items())
    return Drawn(message.payload, **told, memory=amounts, coarse=coarse, broken=broken)


def _error(header: Mapping[str, Any]) -> EngineError:
    words = (str(header.get(key, "")) for key in ("error", "hint", "kind", "detail"))
    return EngineError(*words)
