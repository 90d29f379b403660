"""Cold starts, a real network from the store, and what a render takes of the kernel and of memory.

Each line runs processes of its own: processor time with that of the system (user + sys), medians of
pairs. The network is StyleGAN2's config F at 1024 px with random weights, 127 MiB.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from safetensors.torch import save_file

from latty.models.families.stylegan2 import metadata
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network

Row = tuple[str, str, float, str]
CONFIG = StyleGAN2Config(resolution=1024, channels=(512, 512, 512, 512, 512, 256, 128, 64, 32))
TORCH = "import torch"
SAMPLE = "import sys; from latty_tui.__main__ import main; sys.exit(main(sys.argv[1:]))"
OPEN = """
import json, resource, torch, latty
latty.open_model("demo")
before = resource.getrusage(resource.RUSAGE_SELF)
latty.open_model("big")
after = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                  (after.ru_maxrss - before.ru_maxrss) / 1024]))
"""
DRAW = """
import json, resource, sys, latty
from latty import process
from latty.render.pixels import Painter
from latty.scene import Scene
if sys.argv[1] == "kept":
    process.keep_memory()
painter = Painter(latty.open_model("big"))
weights = resource.getrusage(resource.RUSAGE_SELF)
for seed in range(int(sys.argv[2])):
    painter([Scene("big", seed=seed)])
found = resource.getrusage(resource.RUSAGE_SELF)
user, system = found.ru_utime - weights.ru_utime, found.ru_stime - weights.ru_stime
print(json.dumps([user, system, found.ru_maxrss / 1024]))
"""


class Cost(NamedTuple):
    """What a process took, and what it printed."""

    seconds: float
    printed: str


def run(quick: bool) -> Iterator[Row]:
    """The lines of this page."""
    times, pictures = (1, 3) if quick else (5, 12)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        store_network(home / "data" / "models" / "big.safetensors")
        yield _start(home, times)
        yield _open(home, times)
        yield _render(home, pictures)


def store_network(path: Path) -> None:
    """A StyleGAN2 of CONFIG with random weights, as a file of the store."""
    torch.manual_seed(0)
    network = StyleGAN2Network(CONFIG)
    for name, parameter in network.named_parameters():
        if name.endswith("noise_strength"):
            parameter.data.fill_(0.1)
    path.parent.mkdir(parents=True)
    save_file(network.state_dict(), path, {**metadata(CONFIG), "kind": "generator"})


def _process(home: Path, code: str, *words: str) -> Cost:
    """`python -c code words`, on one thread."""
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(home / "compiled")}
    variables = {**os.environ, **compiled, "LATTY_HOME": str(home), "OMP_NUM_THREADS": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-P", "-c", code, *words]
    done = subprocess.run(
        command, env=variables, cwd=home, capture_output=True, check=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(spent, done.stdout)


def _start(home: Path, times: int) -> Row:
    words = ("sample", "demo", "--seeds", "0", "-o", "s.png", "--overwrite", "-q")
    _process(home, SAMPLE, *words)  # compiles the modules: all that is imported is here
    pairs = [(_process(home, TORCH).seconds, _process(home, SAMPLE, *words).seconds)
             for _ in range(times)]  # fmt: skip
    bare, whole = median(a for a, _ in pairs), median(b for _, b in pairs)
    note = f"{whole:.2f} s, {whole - bare:.2f} beyond importing torch"
    return "a picture of demo from a cold start", "importing torch", bare / whole, note


def _open(home: Path, times: int) -> Row:
    found = [json.loads(_process(home, OPEN).printed) for _ in range(times)]
    seconds, peak = median(a for a, _ in found), median(b for _, b in found)
    size = (home / "data" / "models" / "big.safetensors").stat().st_size / 2**20
    note = f"{seconds:.2f} s; peak {peak:.0f} MiB more, the file has {size:.0f}"
    return (
        "opening StyleGAN2 1024 px from the store",
        "the file's size in memory",
        size / peak,
        note,
    )


def _render(home: Path, pictures: int) -> Row:
    usual, kept = (json.loads(_process(home, DRAW, way, str(pictures)).printed)
                   for way in ("usual", "kept"))  # fmt: skip
    share, before = (system / (user + system) for user, system, _ in (kept, usual))
    note = (f"system time {share:.0%} of it, not {before:.0%}; peak {kept[2]:.0f} MiB with "
            f"{pictures} pictures, one by one, not {usual[2]:.0f}")  # fmt: skip
    return ("StyleGAN2 1024 px, memory kept for the next picture", "the system's malloc",
            sum(usual[:2]) / sum(kept[:2]), note)  # fmt: skip
