"""A traversal: its memory as it grows, and ranking again what it keeps against walking anew.

Wall time and peak memory of processes of their own (`latty ...`), as people wait for them; a
ranking of other attributes draws nothing, so it costs what its start and its figures do. Modules
are compiled before, as pip does it: the goal of 2 s is one of processor time, the best of three.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from benchmarks.bench_writers import cpu
from latty.attributes import open_scorer
from latty.directions.store import set_info
from latty.rank import curves, planned
from latty.rank.scoring import TOGETHER
from latty.render.pixels import Painter
from latty.scene import Layers

Row = tuple[str, str, float, str]
SMALL = ("--seeds", "0-1", "--steps", "9")
WIDE = ("--seeds", "0-7", "--steps", "33")
MANY = ("--seeds", "0-15", "--steps", "9", "--scorers", "smile")  # 640 walks of 40 directions
NINE = "yaw,age,glasses,smile,pitch,roll,pos_x,pos_y,beard"  # of the same scorer


class Spent(NamedTuple):
    """Of one command: seconds of wall, greatest memory in MB, seconds of processor."""

    wall: float
    memory: float
    processor: float


def _run(place: Path, *words: str) -> Spent:
    """Raises CalledProcessError."""
    command = [sys.executable, "-m", "latty_tui", *words, "-q"]
    environment = {**os.environ, "LATTY_HOME": str(place / "home"), "PYTHONDONTWRITEBYTECODE": "",
                   "PYTHONPYCACHEPREFIX": str(place / "compiled")}  # fmt: skip
    begun = time.monotonic()
    one = subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(one.pid, 0)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    spent = used.ru_utime + used.ru_stime
    return Spent(time.monotonic() - begun, _megabytes(used), spent)


def _megabytes(used: resource.struct_rusage) -> float:
    return used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def shared(directions: int, seeds: int) -> Row:
    """What a ranking of late layers draws and scores, against each picture of each walk, in
    batches that mix starts."""
    set_name, late = "demo", Layers(5)
    names = tuple(one.name for one in set_info(set_name).infos[:directions])
    plan, generator = planned(set_name, "demo", "colour", "cpu", names=names, layers=late, span=3.0,
                              seeds=tuple(range(seeds)), samples=8)  # fmt: skip
    scorer, painter = open_scorer("colour"), Painter(generator)
    every = [scene for ref, info in plan.moves() for start in plan.starts
             for scene in plan.scenes(ref, info, start)] + plan.still()  # fmt: skip

    def alone() -> None:
        for first in range(0, len(every), TOGETHER):
            scorer.score(painter.images(every[first : first + TOGETHER]))

    turns = [(cpu(lambda: curves(plan, generator)), cpu(alone)) for _ in range(3)]
    ours, theirs = (median(column) for column in zip(*turns, strict=True))
    what = f"ranking {len(names)} directions of layers {late} x {seeds} x 7"
    return what, "every picture drawn", theirs / ours, f"{ours:.1f} against {theirs:.1f} s"


def run(quick: bool = False) -> list[Row]:
    """Ratios of time and of memory."""
    torch.set_num_threads(1)
    count = 4 if quick else 12
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _run(place, "discover", "random", "demo", "--components", str(count), "-o", "set")
        words = ("traverse", "set", "--film", "none", "-o")
        little = _run(place, *words, "small", *SMALL, "--directions", "r0,r1").memory
        long, much, _ = _run(place, *words, "wide", *WIDE, "--scorers", "smile")
        other = ("rank", "wide", "--top", "1", "-o", "page", "--scorers")
        _run(place, *other, "smile")
        again = _run(place, *other, "yaw,age").wall  # another group of a scorer that is known
        scored = _run(place, *other, "colour").wall
        _run(place, "discover", "random", "demo", "--components", str(10 * count // 3), "-o", "all")
        _run(place, "traverse", "all", "--baseline", "8", *MANY, "-o", "many")
        last = ("rank", "many", "--top", "1", "--scorers", NINE, "-o")
        many = min((_run(place, *last, f"others{i}") for i in range(3)), key=lambda s: s.processor)
    pictures = (count + min(max(count, 8), 24)) * 8 * 33
    return [
        shared(*((4, 2) if quick else (16, 4))),
        ("memory of a traversal of 37 times as many walks" if not quick else
         "memory of a larger traversal", "of a small one", little / much,
         f"{much:.0f} against {little:.0f} MB, {pictures} pictures"),
        ("ranking a traversal again, other attributes", "traversing and scoring it", long / again,
         f"wall time, {again:.1f} s, no picture drawn or scored"),
        (f"ranking {160 * count // 3} walks again, nine attributes" if not quick else
         "ranking walks again, nine attributes", "the goal of 2 s", 2 / many.processor,
         f"processor {many.processor:.2f} s, wall {many.wall:.2f}, torch not imported"),
        ("ranking a traversal, another scorer", "traversing and scoring it", long / scored,
         f"wall time, {scored:.1f} s, no picture drawn, {pictures} scored"),
    ]  # fmt: skip
