"""Studios that are killed at any moment: no step is lost that was on the screen a tenth of a second
before, and no process stays but jobs.

LATTY_CHAOS=1000 does it oftener (`make chaos`), LATTY_CHAOS_SEED repeats a run that failed.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cli_process import COMMAND, environment
from places import ROOT
from terminal_fake import PLAIN, FakeTerminal, running
from terminal_studio import kept, processes_of, quick, studio

pytestmark = pytest.mark.slow

OFTEN = int(os.environ.get("LATTY_CHAOS", "0"))
SEED = int(os.environ.get("LATTY_CHAOS_SEED", time.time_ns() % 10**9))
SOON = 10.0  # seconds until nothing is left, on a busy machine
ENDS: dict[str, Callable[[FakeTerminal], object]] = {
    "KILL": lambda terminal: terminal.process.send_signal(signal.SIGKILL),
    "TERM": lambda terminal: terminal.process.send_signal(signal.SIGTERM),
    "HUP": lambda terminal: terminal.process.send_signal(signal.SIGHUP),
    "close": lambda terminal: terminal.close(),
}


def left_after(folder: Path, seconds: float) -> list[str]:
    """What processes of that folder's home live, where some do so long."""
    end = time.monotonic() + seconds
    while (found := processes_of(folder)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


# What is on the screen is on the disk.


@pytest.mark.parametrize("part", range(max(4, OFTEN // 20)))
def test_a_kill_costs_at_most_the_last_tenth_of_a_second(part: int, tmp_path: Path) -> None:
    choose = random.Random(f"{SEED} {part}")
    print(f"LATTY_CHAOS_SEED={SEED}")
    with quick(tmp_path) as terminal:
        shown, began, count = 7, time.monotonic(), 0
        end = began + choose.uniform(0.2, 3)
        marks = list[tuple[float, int]]()  # when a seed was seen first
        while (now := time.monotonic()) < end:
            if choose.random() < 0.3:
                terminal.press("n")
                count += 1
            text = terminal.text().split("\n")[0]
            with suppress(ValueError, IndexError):
                if (seed := int(text.split("seed ")[1].split()[0])) != shown:
                    shown = seed
                    marks.append((now, seed))
            time.sleep(choose.uniform(0, 0.05))
        killed = time.monotonic()
        terminal.kill(signal.SIGKILL)
        terminal.process.wait()
    found = kept(tmp_path)
    safe = [seed for when, seed in marks if when < killed - 0.1]
    seeds = [step.state.scene.seed for step in found.steps] or [7]
    assert found.lost == 0 and seeds[0] == 7 and seeds == sorted(seeds)
    assert not safe or safe[-1] <= seeds[found.index] <= 7 + count, (safe[-1:], seeds)
    with quick(tmp_path) as terminal:
        terminal.wait_for(f"seed {seeds[found.index]}")


# Nothing stays.


def at_any_moment(terminal: FakeTerminal, choose: random.Random) -> None:
    time.sleep(choose.uniform(0.05, 4))


def drawing(terminal: FakeTerminal, choose: random.Random) -> None:
    terminal.hold("n", choose.randrange(1, 20))


def importing(terminal: FakeTerminal, choose: random.Random) -> None:
    assert terminal.folder is not None
    path = terminal.folder / "faces.safetensors"
    shutil.copy(ROOT / "core/latty/shipped/directions/demo.safetensors", path)
    terminal.type(f"\x1b[200~{path}\x1b[201~")
    terminal.wait_for("import the directions")
    terminal.press("enter")
    time.sleep(choose.uniform(0, 2))


def film(terminal: FakeTerminal, choose: random.Random) -> None:
    terminal.press("K", "n", "n", "K", "space")
    time.sleep(choose.uniform(0, 2))


def form(terminal: FakeTerminal, choose: random.Random) -> None:
    terminal.press("d")
    time.sleep(choose.uniform(0, 1))


MOMENTS = {"start": at_any_moment, "drawing": drawing, "importing": importing, "film": film,
           "form": form}  # fmt: skip
PAIRS = [(moment, end) for moment in MOMENTS for end in ENDS]
ONCE = [(moment, list(ENDS)[i % len(ENDS)]) for i, moment in enumerate(MOMENTS)]


@pytest.mark.parametrize("moment, end", PAIRS if OFTEN else ONCE)
def test_no_process_outlives_the_studio(moment: str, end: str, tmp_path: Path) -> None:
    choose = random.Random(f"{SEED} {moment} {end}")
    print(f"LATTY_CHAOS_SEED={SEED}")
    if moment == "start":
        environ = environment(tmp_path, TERM="xterm-256color")
        with running(COMMAND, environ, kind=PLAIN, folder=tmp_path) as terminal:
            at_any_moment(terminal, choose)
            ENDS[end](terminal)
            assert not left_after(tmp_path, SOON + 1.5 * (end != "KILL"))
        return
    with studio(tmp_path, kind=PLAIN) as terminal:
        MOMENTS[moment](terminal, choose)
        assert len(processes_of(tmp_path)) >= 2
        ENDS[end](terminal)
        assert not left_after(tmp_path, SOON)


def test_an_engine_that_is_killed_again_and_again_costs_nothing(tmp_path: Path) -> None:
    """Two times in half a minute: after the third it waits to be told."""
    choose = random.Random(SEED)
    with quick(tmp_path) as terminal:
        for number in range(2):
            terminal.press("n")
            time.sleep(choose.uniform(0, 0.3))
            for pid in engines(tmp_path):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            terminal.wait_for("the engine ended")
            terminal.press("n")
            terminal.wait_for(f"seed {9 + 2 * number}")
        terminal.quiet(0.5)
        terminal.press("q")
        assert terminal.ended() == 0
    found = kept(tmp_path)
    assert found.steps[found.index].state.scene.seed == 11 and not found.lost


def engines(folder: Path) -> list[int]:
    """The fake ones."""
    return [int(one.split()[0]) for one in processes_of(folder) if "engine.py" in one]
