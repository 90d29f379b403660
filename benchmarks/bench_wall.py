"""A film of a network of 1024 px against drawing its pictures alone: wall time, and peak memory.

What a user waits for: GIF and MP4 of one film, `render.write` whole, every core that there is. Each
side is a process of its own, by turns, with the memory kept that `latty` keeps; the first
picture is left out, and in both the model is open. The network is that of `bench_start`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.bench_start import Row, store_network

GOAL = 1.05  # of drawing alone
MEMORY = 1000  # MiB
FILM = """
schema = 1
name = "film"
frames = {frames}
[scene]
model = "big"
seed = 1
[[scene.edits]]
direction = "seed:9"
strength = {{ from = 0, to = 1 }}
[[outputs]]
path = "film.gif"
[[outputs]]
path = "film.mp4"
"""
SIDE = """
import json, resource, sys, time
from pathlib import Path
from latty import presets, process, render
process.keep_memory()
film = presets.read("film.toml")
from latty.models import open_model
from latty.render.pixels import Painter
from latty.render.shots import Shots
painter = Painter(open_model("big", "cpu"))
shots = Shots(film, film.times(), painter.generator.info.height)
painter(shots[:1])
begun = time.monotonic()
if sys.argv[1] == "draw":
    for one in range(len(shots)):
        painter(shots[one : one + 1])
else:
    render.write(film, render.Options(Path("out"), device="cpu", overwrite=True))
print(json.dumps([time.monotonic() - begun,
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""


class Waited(NamedTuple):
    """Of one process: seconds of wall, greatest memory in MiB."""

    seconds: float
    memory: float


def run(quick: bool) -> list[Row]:
    """One row of time, one of memory."""
    frames, turns = (4, 1) if quick else (60, 3)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store_network(home / "data" / "models" / "big.safetensors")
        (home / "film.toml").write_text(FILM.format(frames=frames), encoding="utf-8")
        pairs = [(_side(home, "draw"), _side(home, "write")) for _ in range(turns)]
    drawn, written = zip(*pairs, strict=True)
    drawing, writing = (median(side.seconds for side in sides) for sides in (drawn, written))
    bare, peak = (max(side.memory for side in sides) for sides in (drawn, written))
    what = f"{frames} frames of StyleGAN2 1024 px, GIF and MP4"
    note = f"wall {writing:.1f} against {drawing:.1f} s, {writing / drawing:.2f} times"
    load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    return [
        (what, f"{GOAL:g} x drawing", GOAL * drawing / writing, f"{note}; {load}"),
        (f"{what}, memory", f"{MEMORY} MiB", MEMORY / peak, f"{peak:.0f} MiB, drawing {bare:.0f}"),
    ]


def _side(home: Path, side: str) -> Waited:
    """Raises CalledProcessError."""
    variables = {**os.environ, "LATTY_HOME": str(home)}
    command = [sys.executable, "-P", "-c", SIDE, side]
    done = subprocess.run(command, env=variables, cwd=home, stdout=subprocess.PIPE, check=True)
    return Waited(*json.loads(done.stdout))
