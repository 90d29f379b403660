"""The engine, with a few more functions to call: what may go wrong in it, on request.

Run as a script in place of `python -m latty.jobs.engine`.
"""

import ctypes
import os
import sys
import time
from typing import Any

from latty.jobs.engine import server

HERE = "engine_probe"
NAMES = ("shout", "sleep", "fail", "starve", "break_gpu", "exit", "odd", "many", "who",
         "watch", "steps", "states")  # fmt: skip


def shout(times: int) -> str:
    """Prints in every way a library may."""
    for _ in range(times):
        print("a library says something")
        os.write(1, b"\x00\x00\x00\x02{}" * 10)
        ctypes.CDLL(None).puts(b"C says something")
        ctypes.CDLL(None).fflush(None)
        print("and complains", file=sys.stderr)
        os.read(0, 10)
    return "said"


def sleep(seconds: float) -> int:
    """Busy elsewhere."""
    time.sleep(seconds)
    return os.getpid()


def who(order: int) -> int:
    """Its own argument."""
    return order


def fail(kind: str) -> None:
    """Errors that nobody foresaw, and one of the system."""
    if kind == "file":
        open("/nowhere/at/all")  # noqa: PTH123, SIM115
    if kind == "value":
        raise ValueError("odd \x1b[31m thing")
    raise RecursionError(kind)


def starve(times: int) -> None:
    """The next pictures find no memory."""
    from latty.jobs.engine.painter import PreviewPainter

    def stepwise(self: Any, scene: Any, wanted: int | None = None) -> Any:
        nonlocal times
        if times == 0:
            return (yield from real(self, scene, wanted))
        times -= 1
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: not enough memory")

    real = getattr(PreviewPainter, "real", PreviewPainter.stepwise)
    PreviewPainter.real, PreviewPainter.stepwise = real, stepwise  # type: ignore[attr-defined, method-assign]


STEPS: list[int] = []  # that were run, while they are watched


def watch(seconds: float, soon: float = 0.0, near: float = 0.25, patience: float = 2.0) -> None:
    """From now on each step of a style-based network is counted and takes so long at least; no
    picture is nearer than `soon`, so that a coarse one comes before it; without a coarse one
    a picture is drawn to its end where it is nearer than `near`, or nothing was seen for
    `patience`; all of them seconds."""
    from latty.jobs.engine import painter, requests
    from latty.models.styled_generator import StyledSteps

    def run(self: Any, state: Any, stop: int) -> Any:
        STEPS.append(stop)
        time.sleep(seconds)
        return real(self, state, stop)

    real = getattr(StyledSteps, "real", StyledSteps.run)
    StyledSteps.real, StyledSteps.run = real, run  # type: ignore[attr-defined, method-assign]
    painter.SOON = soon
    painter.NEAR, requests.PATIENCE = near, patience
    STEPS.clear()


def steps() -> list[int]:
    """Those that were run since one last asked: the state that each led to."""
    found = STEPS[:]
    STEPS.clear()
    return found


def states() -> dict[str, int]:
    """How many states of a network there are in memory, and bytes of their tensors."""
    import gc

    from latty.models.styled_generator import SynthesisState

    gc.collect()
    found = [one for one in gc.get_objects() if isinstance(one, SynthesisState)]
    tensors = {id(t): t.numel() * t.element_size() for one in found for t in one.tensors}
    return {"count": len(found), "bytes": sum(tensors.values())}


def break_gpu() -> None:
    """As CUDA says it after which nothing works any more."""
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def exit() -> None:
    """What a library should not do."""
    sys.exit(3)


def odd() -> object:
    """No JSON."""
    return {1, 2}


def many(bytes: int) -> str:
    """A long answer."""
    return "x" * bytes


if __name__ == "__main__":
    server.CALLS.update({name: f"{HERE}:{name}" for name in NAMES})
    server.main()
