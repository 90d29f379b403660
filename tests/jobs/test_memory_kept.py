"""Processes that draw keep the memory of one picture for the next."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import environment

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
PROCESSES = {
    "any": "print(faults())",
    "verb": "from latty_tui.__main__ import main\nmain(['list', 'methods', '-q'])\nprint(faults())",
    "pool": "from latty.jobs.pool import LocalPool\nfrom kept_memory import faults\n"
    "if __name__ == '__main__':\n"
    "    pool = LocalPool(['cpu'])\n    print(pool.submit(faults).result())\n    pool.shutdown()",
}


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other mallocs are as they are")
@pytest.mark.parametrize("kind", PROCESSES)
def test_processes_that_draw_keep_memory(kind: str, tmp_path: Path) -> None:
    (tmp_path / "kept_memory.py").write_text(FAULTS)
    script = tmp_path / "script.py"
    script.write_text(f"from kept_memory import faults\n{PROCESSES[kind]}\n")
    done = subprocess.run([sys.executable, script], env=environment(tmp_path), text=True,
                          capture_output=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    count = int(done.stdout.split()[-1])
    assert count > 200 if kind == "any" else count < 200, "huge pages or not"
