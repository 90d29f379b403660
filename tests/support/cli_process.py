"""Runs latty as people do: a process of its own, a home of its own, nothing of ours inherited."""

import os
import subprocess
import sys
from pathlib import Path

from places import LIMIT

COMMAND = [sys.executable, "-m", "latty_tui"]
PRESET = """\
schema = 1
name = "{name}"
frames = {frames}
[scene]
model = "portraits"
seed = {{ walk = [1, 2, 1] }}
[[outputs]]
path = "{name}.{suffix}"
size = {size}
"""


def environment(home: Path, **more: str) -> dict[str, str]:
    """What the process sees: no LATTY_*, no CI, no colours asked for or refused."""
    dropped = ("CI", "NO_COLOR", "TERM", "TMUX", "COLORTERM")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LATTY_") and k not in dropped}
    ours = {"LATTY_HOME": str(home / "home"), "TERM": "xterm"}
    return {**kept, **ours, "OMP_NUM_THREADS": "1", **more}


def latty(
    *words: str, home: Path, stdin: str = "", timeout: float = LIMIT, **more: str
) -> subprocess.CompletedProcess[str]:
    """One run, in the folder `home`; `more` are environment variables."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=home,
        env=environment(home, **more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def write_preset(
    folder: Path, name: str = "tiny", frames: int = 3, size: int = 32, suffix: str = "gif"
) -> Path:
    """A preset file that renders in a second."""
    path = folder / f"{name}.toml"
    path.write_text(PRESET.format(name=name, frames=frames, size=size, suffix=suffix))
    return path
