"""The engine may die of anything: the app hears of it once, and draws on; it never outlives it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_house import PROBE, house
from processes import alive, gone, kill

from latty import wire
from latty.jobs import run as job_folder
from latty.scene import Scene
from latty.version import __version__
from latty_tui.drawing.engine import COMMAND, EngineClient, EngineDied, EngineError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "killed by signal 9 (out of memory?)"),
        pytest.param(signal.SIGSEGV, "signal 11", marks=pytest.mark.slow),
    ],
    ids=lambda value: str(value),
)
def test_another_takes_its_place(tmp_path: Path, number: int, words: str) -> None:
    with house(tmp_path, command=COMMAND) as place:
        engine, first = place.engine, place.engine.pid

        async def killed() -> None:
            await engine.draw([Scene("demo")])
            large = [Scene("portraits", size=1024)]
            draws = [engine.draw(large, channel) for channel in ("picture", "strip")]
            waiting = [asyncio.create_task(draw) for draw in draws]
            await asyncio.sleep(0.05)
            kill(first, number)
            for one in await asyncio.gather(*waiting, return_exceptions=True):
                assert isinstance(one, EngineDied)
                assert words in one.message and one.hint == "try again"
            assert await engine.draw([Scene("demo")]) is not None  # asked at once

        place.do(killed())
        assert engine.pid != first
        assert [words in death.reason for death in place.deaths] == [True]
        assert not place.deaths[0].final
        assert len(place.readies) == 2 and place.readies[-1].device == "cpu"
        if number == signal.SIGSEGV:
            assert "Fatal Python error" in place.deaths[0].log


def test_three_deaths_are_enough(tmp_path: Path) -> None:
    with house(tmp_path) as place:
        for times in range(1, 4):
            place.wait(lambda: place.engine.pid)
            kill(place.engine.pid, signal.SIGKILL)
            place.wait(lambda seen=times: len(place.deaths) == seen)
        assert [death.final for death in place.deaths] == [False, False, True]
        place.do(asyncio.sleep(0.3))
        assert place.engine.pid is None
        with pytest.raises(EngineDied, match="not running"):
            place.do(place.engine.draw([Scene("demo")]))
        place.engine.cancel("picture")
        place.do(place.engine.restart())
        assert place.do(place.engine.draw([Scene("demo")])) is not None
        assert len(place.deaths) == 3
        kill(place.engine.pid, signal.SIGKILL)  # the count begins anew
        place.wait(lambda: len(place.deaths) == 4)
        assert not place.deaths[3].final


def test_it_is_started_anew_on_request(tmp_path: Path) -> None:
    """Also where it is stuck; that is no death of its own."""
    with house(tmp_path) as place:
        first = place.engine.pid
        assert first is not None

        async def stuck() -> None:
            asleep = asyncio.create_task(place.engine.call("sleep", seconds=60))
            await asyncio.sleep(0.5)
            await place.engine.restart()
            with pytest.raises(EngineDied, match="stopped"):
                await asleep
            assert await place.engine.draw([Scene("demo")]) is not None

        begun = time.monotonic()
        place.do(stuck())
        assert time.monotonic() - begun < 30
        assert not alive(first)
        assert not place.deaths


def test_a_gpu_that_is_broken_costs_one_process(tmp_path: Path) -> None:
    with house(tmp_path) as place:
        with pytest.raises(EngineError, match="illegal memory access"):
            place.do(place.engine.call("break_gpu"))
        place.wait(lambda: place.deaths)
        assert place.deaths[0].reason == "ended because the GPU no longer answers"
        assert "illegal memory access" in place.deaths[0].log
        assert place.do(place.engine.draw([Scene("demo")])) is not None


def test_a_device_that_is_not_there_is_said(tmp_path: Path) -> None:
    with house(tmp_path, device="cuda:99") as place:
        place.wait(lambda: place.readies)
        (ready,) = place.readies
        assert ready.device == "" and ready.error is not None
        assert ready.error.kind == "DeviceError" and "cuda:99" in ready.error.message
        with pytest.raises(EngineError, match="no device cuda:99"):
            place.do(place.engine.draw([Scene("demo")]))
        assert not place.deaths


def test_what_cannot_start_ends_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('no torch here')")
    with house(tmp_path, command=command) as place:
        place.wait(lambda: len(place.deaths) == 3)
        assert place.deaths[-1].final
        assert place.deaths[-1].reason == "ended with exit status 1"
        assert place.deaths[-1].log == "no torch here\n"

    async def nothing() -> None:
        await EngineClient("cpu", print, ("/no/such/python",)).start()

    with pytest.raises(EngineDied, match="cannot start: No such file"):
        asyncio.run(nothing())


def test_noise_instead_of_answers_is_a_death(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "print('Hello, I am a library')")
    with house(tmp_path, command=command) as place:
        place.wait(lambda: len(place.deaths) == 3)
        assert "no message of ours" in place.deaths[0].reason


def test_signals_of_the_terminal_are_for_the_app(tmp_path: Path) -> None:
    with house(tmp_path, command=COMMAND) as place:
        first = place.engine.pid
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGINT):
            kill(first, number)  # while it starts, too
        assert place.do(place.engine.draw([Scene("demo")])) is not None
        kill(first, signal.SIGINT)
        assert place.do(place.engine.draw([Scene("demo")])) is not None
        assert place.engine.pid == first


APP = """
import asyncio, sys
from latty.scene import Scene
from latty_tui.drawing.engine import EngineClient

async def main():
    engine = EngineClient("cpu", lambda event: None, tuple(sys.argv[1:]))
    await engine.start()
    asyncio.create_task(engine.call("sleep", seconds=100))
    await engine.draw([Scene("demo")])
    print(engine.pid, "torch" in sys.modules or "numpy" in sys.modules, flush=True)
    await asyncio.sleep(100)

asyncio.run(main())
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_the_app(tmp_path: Path, number: int) -> None:
    """Whatever it is at; and the app's side has imported no torch for a picture."""
    environment = {**os.environ, "LATTY_HOME": str(tmp_path)}
    words = [sys.executable, "-c", APP, *PROBE]
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as app:
        assert app.stdout is not None
        pid, heavy = app.stdout.readline().split()
        assert heavy == "False"
        assert alive(int(pid))
        app.send_signal(number)
        app.wait(10)
        assert gone(int(pid))


def test_it_ends_when_nobody_asks_any_more() -> None:
    """By itself, on any system, and in the middle of things."""
    environment = job_folder.environment()
    with subprocess.Popen(
        [*PROBE, "cpu"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as engine:
        assert engine.stdin is not None and engine.stdout is not None
        for op in ("hello", "ready"):
            message = wire.read(engine.stdout)
            assert message is not None and message.header["op"] == op
            if op == "hello":
                assert message.header["pid"] == engine.pid
                assert message.header["version"] == __version__
        asked = {"id": 1, "op": "call", "name": "sleep", "args": {"seconds": 60}}
        engine.stdin.write(wire.pack(asked))
        engine.stdin.flush()
        time.sleep(0.2)
        engine.stdin.close()
        assert engine.wait(10) == 0
