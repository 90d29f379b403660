"""A search split over processes against the same in one: GANSpace of a layer of the demo model.

Wall time, as the point is to be done sooner: without the start of the processes (they are warm, as
from the second piece on), and with it. On a machine with fewer idle cores than processes the ratio
says how idle it was: the note tells the load.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from latty.directions.methods.ganspace import GANSpace
from latty.jobs import shards
from latty.jobs.pool import Pool, opened
from latty.models import open_model

Row = tuple[str, str, float, str]
MODEL, LAYER = "demo", "b16.conv1"
WHAT, AGAINST = "ganspace split over 2 processes", "1 process"


def _warm(generator: object, number: int) -> bytes:
    time.sleep(0.5)  # so that each process gets one
    return b""


def _split(pool: Pool, samples: int, folder: Path) -> str:
    """One search with its pieces drawn in a pool; what it found, as a digest."""
    generator = open_model(MODEL, "cpu")
    method = _method(samples)
    shards.run(method.shards(generator, folder), pool, MODEL, generator)
    return _digest(method.fit(generator, work=folder))


def _method(samples: int) -> GANSpace:
    return GANSpace(samples, 4, layer=LAYER, estimator="sketch", sketch=12, block=24, batch=24)


def _digest(fitted: GANSpace) -> str:
    return sha256(fitted.directions_.numpy().tobytes()).hexdigest()


def _timed(work: Callable[[], str]) -> tuple[float, str]:
    begun = time.monotonic()
    found = work()
    return time.monotonic() - begun, found


def _pool_time(count: int, samples: int, rounds: int) -> tuple[list[float], float, set[str]]:
    """Wall seconds of each round with warm processes, of their start, and the digests."""
    times, found = [], set()
    with tempfile.TemporaryDirectory() as place, opened("local", ["cpu"] * count) as pool:
        generator = open_model(MODEL, "cpu")
        warm = [
            shards.Shard(_warm, (n,), Path(place) / f"warm-{n}", lambda: False)
            for n in range(count)
        ]
        start = _timed(lambda: str(shards.run(warm, pool, MODEL, generator)))[0]
        for turn in range(rounds):
            folder = Path(place) / str(turn)
            folder.mkdir()
            seconds, digest = _timed(lambda folder=folder: _split(pool, samples, folder))  # type: ignore[misc]
            times.append(seconds)
            found.add(digest)
    return times, start - 0.5, found


def run(quick: bool = False) -> list[Row]:
    """Scaling from 1 to 2 processes, and what the splitting itself costs."""
    import torch

    torch.set_num_threads(1)  # here as in the processes: the last bits depend on it
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes: each has one thread
    samples, rounds = (960, 1) if quick else (2880, 3)
    try:
        one, _, first = _pool_time(1, samples, rounds)
        two, start, second = _pool_time(2, samples, rounds)
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
    inline, digest = _timed(lambda: _digest(_method(samples).fit(open_model(MODEL, "cpu"))))
    same = "same bytes" if first == second == {digest} else "BYTES DIFFER"
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    fast, slow = statistics.median(two), statistics.median(one)
    note = f"wall {slow:.1f} s and {fast:.1f} s; {same}; {cores} cores, load {load:.1f}"
    plain = f"inline {inline:.1f} s; two processes start in {start:.1f} s"
    return [
        (WHAT, AGAINST, slow / fast, note),
        ("one process of a pool", "inline", inline / slow, plain),
    ]
