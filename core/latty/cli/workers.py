"""--workers, --engine, --address: work split over processes, here or on a cluster."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from latty.cli.run import Run
from latty.errors import UsageError
from latty.report import Report
from latty.shard import Shard

if TYPE_CHECKING:
    from latty.jobs.pool import Pool
    from latty.models.base import Generator

MOST = 256


def asked(run: Run) -> bool:
    """Whether the work is to be split. Raises UsageError."""
    args = run.args
    if args.workers is not None and not 1 <= args.workers <= MOST:
        raise UsageError(f"--workers {args.workers}: from 1 to {MOST}")
    if args.address and args.engine != "ray":
        raise UsageError("--address is that of a Ray cluster", "add --engine ray")
    return args.workers is not None or args.engine == "ray"


def kind_of(device: str) -> str:
    """The kind of the device that is meant: "cpu", "cuda". Raises DeviceError."""
    from latty.models.device import pick_device

    return pick_device(device).type


def slots_for(run: Run, device: str) -> list[str]:
    """A name per process for devices of this kind ("cuda"): each GPU once, the CPU as often as
    asked."""
    from latty.jobs import slots

    count = run.args.workers
    if device != "cuda":
        return [slots.CPU] * (1 if device != "cpu" else count or 1)
    known, wished = slots.names(), run.config().device
    if wished.startswith("cuda:"):
        known = known[int(wished.removeprefix("cuda:")) :][:1]
    return list(known[:count])


def pool(run: Run, device: str) -> "AbstractContextManager[Pool]":
    """Processes for shards that want a device of this kind. Raises what `open_pool` does."""
    from latty.jobs.pool import opened

    engine, count = run.args.engine, run.args.workers
    chosen = slots_for(run, device)
    if count and engine == "local" and len(chosen) < count:
        run.out.say(f"--workers {count}: {len(chosen)} here, one per GPU")
    return opened(engine, chosen, run.args.address or "")


def compute_as_they_do() -> None:
    """Have this process compute on as many threads as those of a pool: what it draws itself, and
    says of how it was drawn, is theirs."""
    import torch

    from latty.jobs.task import THREADS

    if THREADS not in os.environ:  # else torch has read it
        torch.set_num_threads(1)


def share(
    run: Run, pieces: Sequence[Shard], model: str, generator: "Generator", report: Report
) -> None:
    """The files of pieces of work that are not there, made by several processes. Raises what
    `jobs.shards.run` does."""
    from latty.jobs import shards

    with pool(run, generator.device.type) as processes:
        shards.run(pieces, processes, model, generator, report)
