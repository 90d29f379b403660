"""Processes that draw keep the memory of one picture for the next."""

import platform
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from cli_process import environment
from small_families import STYLEGAN2, stylegan2_network, write_made

from latty.models.families import stylegan2

FAULTS = """
import resource
import numpy as np

def faults():
    "Pages that the kernel had to give, for eight arrays of 64 MiB one after the other."
    np.ones(2**23)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        np.ones(2**23)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""
POOL = """from kept_memory import faults
if __name__ == '__main__':
    pool = {}
    print(pool.submit(faults).result())
    pool.shutdown()
"""
RAY = [pytest.mark.slow, pytest.mark.skipif(find_spec("ray") is None, reason="needs latty[ray]")]
PROCESSES = {
    "any": "print(faults())",
    "verb": "from latty_tui.__main__ import main\nmain(['list', 'methods', '-q'])\nprint(faults())",
    "pool": "from latty.jobs.pool import LocalPool\n" + POOL.format("LocalPool(['cpu'])"),
    "ray": "from latty.jobs.ray_pool import RayPool\n" + POOL.format("RayPool('', ['cpu'])"),
}
KINDS = [pytest.param(kind, marks=RAY if kind == "ray" else ()) for kind in PROCESSES]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other mallocs are as they are")
@pytest.mark.parametrize("kind", KINDS)
def test_processes_that_draw_keep_memory(kind: str, tmp_path: Path) -> None:
    (tmp_path / "kept_memory.py").write_text(FAULTS)
    script = tmp_path / "script.py"
    script.write_text(f"from kept_memory import faults\n{PROCESSES[kind]}\n")
    done = subprocess.run([sys.executable, script], env=environment(tmp_path), text=True,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    count = int(done.stdout.split()[-1])
    assert count > 200 if kind == "any" else count < 200, "huge pages or not"


MODELS = """
import sys, torch
from latty import process
from latty.jobs.engine.cache import ModelCache
from latty.models import kept

def made(path, width):
    net = {f"main.{i}.weight": torch.randn(width, n, 4, 4) for i, n in ((0, width), (3, 3))}
    for name in ("weight", "bias", "running_mean", "running_var"):
        net[f"main.1.{name}"] = torch.rand(width)
    torch.save({"netG_state_dict": net}, path)
    return path

process.keep_memory()
kept.room = lambda device: 0  # the last two models stay
paths = [made(f"{sys.argv[1]}/{i}.tar", width) for i, width in enumerate((1000, 8, 8))]
cache = ModelCache("cpu")
for path in paths[:2]:
    cache.generator(path)
before = cache.memory()[0]
cache.generator(paths[2])
print(before - cache.memory()[0])
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other mallocs are as they are")
def test_the_memory_of_a_model_that_is_closed_comes_back(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", MODELS, tmp_path], env=environment(tmp_path),
                          text=True, capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 60 * 2**20, "its tensors take 61 MiB"


OPENED = """
import sys
from pathlib import Path
import latty
from latty import process

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

process.keep_memory()
latty.open_model("demo")
before = resident()
latty.open_model(sys.argv[1])
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other mallocs are as they are")
def test_what_was_read_of_a_file_comes_back_before_anything_is_drawn(tmp_path: Path) -> None:
    config = replace(STYLEGAN2, resolution=64, channels=(512, 512, 512, 512, 256))
    made = stylegan2_network(config).state_dict(), stylegan2.metadata(config)
    file = write_made(made, tmp_path / "net.safetensors")
    done = subprocess.run([sys.executable, "-c", OPENED, file], env=environment(tmp_path),
                          text=True, capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1.4 * file.stat().st_size, "the weights and a little, not twice them"
