"""Presets that stand for many, and renders of them that are killed."""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from cli_process import COMMAND, environment, latty
from places import LIMIT


def each(key: str, values: str) -> str:
    """A table of [[each]]."""
    return f"[[each]]\nkey = '{key}'\nvalues = {values}\n"


def write(folder: Path, *parts: str, name: str = "x") -> Path:
    """A preset of these parts of its text."""
    file = folder / f"{name}.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("schema = 1\n" + "".join(parts))
    return file


def goes_on_after_kills(words: Sequence[str], home: Path, after: Sequence[int]) -> int:
    """A render that is killed whenever so many pictures are there ends with the bytes of one that
    ran through; how many files that are."""
    assert latty(*words, "--out-dir", "whole", home=home).returncode == 0
    whole = {path.name: path.read_bytes() for path in (home / "whole").iterdir()}
    renders = home / "renders"
    for wanted in after:
        run = subprocess.Popen([*COMMAND, *words], cwd=home, env=environment(home),
                               stdout=subprocess.DEVNULL, start_new_session=True)  # fmt: skip
        end = time.monotonic() + LIMIT
        while run.poll() is None and len([*renders.glob("*.[pg]*[gf]")]) < wanted:
            assert time.monotonic() < end
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait(LIMIT)
    assert latty(*words, home=home).returncode == 0
    assert {path.name: path.read_bytes() for path in renders.iterdir()} == whole
    return len(whole)
