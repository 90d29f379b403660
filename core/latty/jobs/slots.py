"""Slots (one per GPU, or the one CPU) and the queue before them: first come, first served.

A job's ticket is a file that its supervisor holds locked; a slot is one, too. Whoever looks for a
slot holds the lock of the queue, goes through the living tickets in the order of their ids and
gives each what it needs; a ticket that cannot be served yet keeps what it waits for from those
behind it, so a job of two GPUs is not starved by jobs of one.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

from latty import home, locks
from latty.errors import DeviceError, LattyError, Locked
from latty.folders import private
from latty.jobs.run import JobSpec, status

CPU = "cpu"
SLOTS = "LATTY_SLOTS"  # names of slots, where the machine is not to be asked
VISIBLE = "CUDA_VISIBLE_DEVICES"


def names(environment: dict[str, str] | None = None) -> tuple[str, ...]:
    """The slots of this machine: what CUDA_VISIBLE_DEVICES leaves (numbers, UUIDs, MIG), else
    every GPU that the driver lists, else the CPU."""
    env = dict(os.environ if environment is None else environment)
    if (said := env.get(SLOTS, env.get(VISIBLE))) is not None:
        found = tuple(word.strip() for word in said.split(",") if word.strip())
        return found if found and found != ("-1",) else (CPU,)
    return _listed_gpus() or (CPU,)


@cache
def _listed_gpus() -> tuple[str, ...]:
    """Numbers of the GPUs; the driver's own folder answers faster than its tool."""
    folder = Path("/proc/driver/nvidia/gpus")
    with suppress(OSError):
        return tuple(str(index) for index in range(len(list(folder.iterdir()))))
    with suppress(OSError, subprocess.SubprocessError):
        tool = ["nvidia-smi", "-L"]
        done = subprocess.run(tool, capture_output=True, text=True, timeout=10, check=True)
        return tuple(re.findall(r"^GPU (\d+):", done.stdout, re.MULTILINE))
    return ()


def wanted(spec: JobSpec, known: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """How many slots a job needs, and of which. Raises DeviceError for more than there are."""
    device = spec.device
    if known == (CPU,) or device == CPU:
        return min(spec.gpus, 1), (CPU,)
    if device.startswith("cuda:"):
        name = device.removeprefix("cuda:")
        if name.isdecimal() and int(name) < len(known) and name not in known:
            name = known[int(name)]  # of a list of UUIDs: the position
        if name not in known:
            raise DeviceError(f"there is no {device} here", f"there is: {', '.join(known)}")
        return 1, (name,)
    if spec.gpus > len(known):
        raise DeviceError(f"{spec.gpus} GPUs asked, {len(known)} here", "ask for fewer: --gpus")
    return spec.gpus, tuple(known)


def _file(name: str) -> Path:
    return home.slots_dir() / ("slot-" + re.sub(r"[^\w.-]", "_", name))


def ticket_of(job: str) -> Path:
    return home.queue_dir() / job


def take_ticket(job: str) -> int:
    """A held place in the queue, by the age of the job. Raises Locked, ConfigError, OSError."""
    private(home.queue_dir())
    if (handle := locks.take(ticket_of(job), patience=5.0)) is None:
        raise Locked(f"another process holds the place of job {job}", "see: latty jobs show")
    return handle


def drop_ticket(job: str, handle: int) -> None:
    """Leave the queue."""
    with suppress(OSError):
        ticket_of(job).unlink()
    os.close(handle)


def try_take(spec: JobSpec) -> dict[str, int] | None:
    """Slots (name -> held file) for a job whose turn it is, or None. Raises DeviceError,
    ConfigError, OSError.

    Many wait and ask often: as long as too few are free the answer costs a look at their locks.
    """
    count, of = wanted(spec, names(dict(spec.environment)))
    if not count:
        return {}
    private(home.slots_dir())
    if len(_free(of)) < count:
        return None
    if (queue := locks.take(home.queue_dir() / ".lock", patience=5.0)) is None:
        return None
    try:
        return _take(_left(spec.id, _free(of), count)[:count])
    finally:
        os.close(queue)


def _free(of: Sequence[str]) -> list[str]:
    return [name for name in of if not locks.held(_file(name))]


def _take(mine: Sequence[str]) -> dict[str, int] | None:
    """All of them or none."""
    taken: dict[str, int] = {}
    for name in mine:
        handle = locks.take(_file(name))
        if handle is None:  # somebody's look at it lasted too long
            for other in taken.values():
                os.close(other)
            return None
        taken[name] = handle
    return taken or None


def _left(job: str, free: Sequence[str], count: int) -> list[str]:
    """What those ahead in the queue leave of the free slots; nothing where it is too little."""
    left = list(free)
    for other in _before(job):
        theirs = _claim(other, left)
        left = [name for name in left if name not in theirs]
        if len(left) < count:
            return []
    return left


def _before(job: str) -> Iterator[str]:
    """Living tickets ahead of ours; those of the dead are thrown away."""
    for name in sorted(entry.name for entry in os.scandir(home.queue_dir())):
        if name.startswith("."):
            continue
        with suppress(OSError):  # what is no file is no ticket of ours
            if not locks.held(ticket_of(name)):
                locks.remove(ticket_of(name))
            elif name < job:
                yield name
            else:
                return


def _claim(job: str, free: Sequence[str]) -> list[str]:
    """What the job ahead will get of the free slots, or waits for."""
    try:
        spec = status(job).spec
        count, of = wanted(spec, names(dict(spec.environment)))
    except (LattyError, OSError):  # it ends before its turn
        return []
    return [name for name in of if name in free][:count]
