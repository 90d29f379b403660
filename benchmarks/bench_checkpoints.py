"""Reading a 380 MB file in NVIDIA's layout, and a torch zip against torch.load, in one run.

The big file is written here, operation by operation: three networks of a 1024-px StyleGAN2 as
torch_utils.persistence lays them out, one torch stream inside per tensor. Nobody's code is in it.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks._pickles import Writer, generator

Row = tuple[str, str, float, str]  # what is measured, against what, how many times better, a note

SECONDS, MEMORY = 1.0, 1.2  # the goals: time to parse, and peak memory over the size of the file


def write_big(path: Path, quick: bool = False) -> int:
    """A file of 380 MB (a quarter when quick); gives its size in bytes."""
    block = bytes(range(1, 251)) * 4096
    size = {"resolution": 256, "base": 4096, "most": 256} if quick else {}
    made = {name: generator(block, **size) for name in ("G", "D", "G_ema")}
    with path.open("wb") as file:
        Writer(file, 3).done({**made, "training_set_kwargs": {}, "augment_pipe": None})
    return path.stat().st_size


CHILD = """
import sys, time
from pathlib import Path
from latty.checkpoints import checkpoint
from latty.checkpoints.weights import check_all
def peak():  # of this program; getrusage also remembers the process that started it
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])

start, busy = time.perf_counter(), time.process_time()
found = checkpoint.read(Path(sys.argv[1]))
views = found.views()
wall, busy = time.perf_counter() - start, time.process_time() - busy
after = peak()
check_all(found.tensors())
seen = peak()
print(wall, busy, after, seen, len(views), found.tally.spent["operations"])
"""


def _parse(path: Path) -> list[float]:
    """Wall and processor seconds, peak KiB, peak KiB once all is seen, tensors, operations."""
    command = [sys.executable, "-c", CHILD, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def _big(folder: Path, quick: bool) -> list[Row]:
    path = folder / "big.pkl"
    size = write_big(path, quick)
    runs = [_parse(path) for _ in range(2 if quick else 5)]
    path.unlink()
    wall, busy = (statistics.median(run[i] for run in runs) for i in (0, 1))
    peak, seen = (max(run[i] for run in runs) / 1024 for i in (2, 3))
    what = f"read {size / 1e6:.0f} MB in NVIDIA's layout"
    note = f"{busy:.2f} s processor, {wall:.2f} s wall; {runs[0][4]:.0f} tensors"
    full, limit = MEMORY * size / 2**20, f"{MEMORY} x its size"
    return [
        (f"{what}: time", f"the goal of {SECONDS:.0f} s", SECONDS / busy, note),
        (f"{what}: memory", limit, full / peak, f"{peak:.0f} MiB peak, whole process"),
        ("  the same, every number checked", limit, full / seen, f"{seen:.0f} MiB with numpy"),
    ]


def _zip(folder: Path, quick: bool) -> list[Row]:
    import torch

    from latty.checkpoints import open_checkpoint

    path, count = folder / "zip.pt", 20 if quick else 200
    torch.save({f"layer{i}.weight": torch.randn(256, 1024) for i in range(count)}, path)
    times: dict[str, list[float]] = {"ours": [], "torch": []}
    for _ in range(3 if quick else 7):
        for name, read in (
            ("ours", lambda: open_checkpoint(path).tensors()),
            ("torch", lambda: torch.load(path, map_location="cpu", weights_only=True)),
        ):
            start = time.process_time()
            read()
            times[name].append(time.process_time() - start)
    ours, theirs = (statistics.median(times[name]) for name in ("ours", "torch"))
    size = path.stat().st_size / 1e6
    note = f"{ours * 1e3:.0f} ms against {theirs * 1e3:.0f} ms; ours verifies every checksum"
    return [(f"read a torch zip of {size:.0f} MB", "torch.load(weights_only)", theirs / ours, note)]


def run(quick: bool = False) -> list[Row]:
    """Two rows about the big pickle, one about a torch zip. Files live in a temporary folder."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        return [*_big(folder, quick), *_zip(folder, quick)]
