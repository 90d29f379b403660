"""Slots (one per GPU, or the one CPU) and the queue before them: first come, first served.

A job's ticket is a file that its supervisor holds locked; a slot is one, too. Whoever looks for a
slot holds the lock of the queue, goes through the living tickets in the order of their ids and
gives each what it needs; a ticket that cannot be served yet keeps what it waits for from those
behind it, so a job of two GPUs is not starved by jobs of one.
"""

import os
import re
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core import home
from core.errors import DeviceError
from core.jobs import locks
from core.jobs.run import Spec, status

CPU = "cpu"
SLOTS = "LATTY_SLOTS"  # names of slots, where the machine is not to be asked
VISIBLE = "CUDA_VISIBLE_DEVICES"


def names(environment: dict[str, str] | None = None) -> tuple[str, ...]:
    """The slots of this machine: what CUDA_VISIBLE_DEVICES leaves (numbers, UUIDs, MIG), else
    every GPU that the driver lists, else the CPU."""
    env = dict(os.environ if environment is None else environment)
    said = env.get(SLOTS)
    if said is None:
        said = env.get(VISIBLE)
    if said is not None:
        found = tuple(word.strip() for word in said.split(",") if word.strip())
        return found if found and found != ("-1",) else (CPU,)
    return _listed_gpus() or (CPU,)


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


def wanted(spec: Spec, known: Sequence[str]) -> tuple[int, tuple[str, ...]]:
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
    """A held place at the end of the queue."""
    home.queue_dir().mkdir(parents=True, exist_ok=True)
    handle = locks.take(ticket_of(job))
    assert handle is not None, "a new id"
    return handle


def drop_ticket(job: str, handle: int) -> None:
    """Leave the queue."""
    with suppress(FileNotFoundError):
        ticket_of(job).unlink()
    os.close(handle)


def try_take(spec: Spec) -> dict[str, int] | None:
    """Slots (name -> held file) for a job whose turn it is, or None. Raises DeviceError."""
    known = names(dict(spec.environment))
    count, of = wanted(spec, known)
    if not count:
        return {}
    home.slots_dir().mkdir(parents=True, exist_ok=True)
    queue = locks.take(home.queue_dir() / ".lock", patience=5.0)
    if queue is None:
        return None
    try:
        free = {name for name in {*known, CPU} if not locks.held(_file(name))}
        for job in _before(spec.id):
            _keep_for(job, known, free)
        mine = [name for name in of if name in free][:count]
        if len(mine) < count:
            return None
        taken = {name: locks.take(_file(name)) for name in mine}
        if all(handle is not None for handle in taken.values()):
            return {name: handle for name, handle in taken.items() if handle is not None}
        for handle in taken.values():
            if handle is not None:
                os.close(handle)
        return None
    finally:
        os.close(queue)


def _before(job: str) -> list[str]:
    """Living tickets ahead of ours; those of the dead are thrown away."""
    ahead = []
    for name in sorted(path.name for path in home.queue_dir().iterdir()):
        if name.startswith(".") or name >= job:
            continue
        if locks.held(ticket_of(name)):
            ahead.append(name)
        else:
            with suppress(FileNotFoundError):
                ticket_of(name).unlink()
    return ahead


def _keep_for(job: str, known: Sequence[str], free: set[str]) -> None:
    """Take from `free` what the job ahead will get, or waits for."""
    from core.errors import LattyError

    try:
        count, of = wanted(status(job).spec, known)
    except LattyError:
        return
    serve = [name for name in of if name in free]
    free.difference_update(serve[:count] if len(serve) >= count else serve)
