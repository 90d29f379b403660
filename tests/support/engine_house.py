"""An engine for tests: real processes under one event loop that tests share."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from places import LIMIT

from latty_tui.drawing.engine import Died, EngineClient, Event, Ready

T = TypeVar("T")
PROBE = (sys.executable, str(Path(__file__).parent / "engine_probe.py"))


class House:
    """The app's place: a loop, the engine, and the events that came."""

    def __init__(
        self,
        runner: asyncio.Runner,
        device: str,
        command: tuple[str, ...],
        precision: str = "auto",
    ) -> None:
        self.runner = runner
        self.events: list[Event] = []
        self.engine = EngineClient(device, self.events.append, command, precision)

    def do(self, work: Coroutine[Any, Any, T], seconds: float = LIMIT) -> T:
        """Its result."""

        async def limited() -> T:
            return await asyncio.wait_for(work, seconds)

        return self.runner.run(limited())

    @property
    def deaths(self) -> list[Died]:
        return [event for event in self.events if isinstance(event, Died)]

    @property
    def readies(self) -> list[Ready]:
        return [event for event in self.events if isinstance(event, Ready)]

    def wait(self, ready: Callable[[], object], seconds: float = LIMIT) -> None:
        """While the loop runs, until something is so."""

        async def until() -> None:
            while not ready():
                await asyncio.sleep(0.01)

        self.do(until(), seconds)


@contextmanager
def house(
    home: Path, device: str = "cpu", command: tuple[str, ...] = PROBE, precision: str = "auto"
) -> Iterator[House]:
    """A started engine with a home of its own, gone at the end."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setenv("LATTY_HOME", str(home))
        built = House(runner, device, command, precision)
        built.do(built.engine.start())
        try:
            yield built
        finally:
            built.do(built.engine.stop())
            built.do(asyncio.sleep(0))
