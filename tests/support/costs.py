"""What a run of latty costs: processor seconds and peak memory of that process alone."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli_process import COMMAND, environment
from places import LIMIT

# A child remembers the memory of the process that it was forked from: this one is small.
LAUNCHER = """
import json, os, sys
said = [(os.POSIX_SPAWN_OPEN, fd, name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        for fd, name in ((1, "said.out"), (2, "said.err"))]
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=said)
_, status, used = os.wait4(child, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime,
                  used.ru_maxrss / 1024]))
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Exit code, processor time in s, peak memory in MiB, and what it said."""

    code: int
    seconds: float
    peak: float
    out: str
    err: str


def cost(words: Sequence[str], home: Path, timeout: float = LIMIT) -> Cost:
    """Of `latty WORDS...` in the folder `home`. Raises subprocess.TimeoutExpired."""
    command = [sys.executable, "-I", "-S", "-c", LAUNCHER, *COMMAND, *words]
    done = subprocess.run(
        command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=timeout
    )
    code, seconds, peak = json.loads(done.stdout)
    out, err = ((home / name).read_text("utf-8", "replace") for name in ("said.out", "said.err"))
    return Cost(code, seconds, peak, out, err)
