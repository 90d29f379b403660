"""What tests run in other processes: those import it by name."""

import os
import signal
import struct
import time
from collections.abc import Callable, Sequence
from multiprocessing import connection
from pathlib import Path
from typing import Any

from latty import process
from latty.errors import BadData, DeviceError, Interrupted, PresetError, Problem
from latty.jobs.pool import Pool, finished
from latty.report import Report, silent


def spread(
    pool: Pool,
    function: Callable[..., Any],
    shards: Sequence[tuple[Any, ...]],
    report: Report = silent,
    what: str = "shards",
) -> list[Any]:
    """function(*shard) for every shard, in the pool; the results in the order of the shards.

    Raises the first error of a shard, or what `report` raises, after the rest has been called off.
    """
    found = {n: future.result() for n, future in finished(pool, function, shards, report, what)}
    return [found[number] for number in range(len(shards))]


def environment(name: str) -> tuple[int, str]:
    return os.getpid(), os.environ.get(name, "-")


def noted(folder: str, number: int, seconds: float = 0.0) -> int:
    """Leaves a line, so that one can count how often it ran."""
    with (Path(folder) / f"ran-{number}").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(seconds)
    return number * number


def nap(folder: str, number: int, seconds: float) -> None:
    """The same, and another line when nothing ended it before."""
    noted(folder, number, seconds)
    (Path(folder) / f"woke-{number}").touch()


def steps(folder: str, number: int, seconds: float) -> None:
    """Steps that leave a file each, until it should stop; `left-N` is there within a step."""
    noted(folder, number)
    for step in range(100):
        (Path(folder) / f"left-{number}").touch()
        time.sleep(seconds)
        (Path(folder) / f"left-{number}").rename(Path(folder) / f"step-{number}-{step}")
        process.check()


def die(folder: str, how: int, times: int) -> int:
    """Ends its process by signal `how`, or by exit for 0, the first `times` times."""
    noted(folder, 0)
    if len((Path(folder) / "ran-0").read_text().split()) <= times:
        if not how:
            os._exit(3)
        os.kill(os.getpid(), how)
        time.sleep(10)
    return os.getpid()


class Foreign(Exception):
    """Like those of libraries: made of other words than it keeps."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fail(kind: str) -> object:
    if kind == "value":
        raise ValueError("a wrong value")
    if kind == "device":
        raise DeviceError("no device", "take another")
    if kind == "preset":
        raise PresetError("x.toml", [Problem(3, 1, "key", "is wrong")])
    if kind == "interrupted":
        raise Interrupted(signal.SIGTERM, "go on")
    if kind == "refusal":
        from latty.checkpoints.refusals import Refusal

        raise Refusal("html", "this is a page", "fetch it again", "x.pt")
    if kind == "foreign":
        raise Foreign(1, 2)
    return lambda: None  # cannot be sent back


def opened(generator: object, number: int, seconds: float = 0.0) -> bytes:
    """How often this process has opened a model, and which process it is."""
    from latty.jobs.shards import kept_generator

    time.sleep(seconds)
    return f"{os.getpid()} {kept_generator.cache_info().misses} {number}".encode()


def refuse(generator: object) -> bytes:
    raise BadData("this piece cannot be made", "take another")


def torn() -> bytes:
    """Dies in the midst of handing in what it made."""

    def half(self: connection.Connection, data: bytes) -> None:
        os.write(self.fileno(), struct.pack("!i", len(data)) + bytes(data)[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)

    connection.Connection._send_bytes = half  # type: ignore[attr-defined]
    return bytes(1000)
