"""Stands in for a verb that does what a test needs: `python -P -m latty render probe:sleep=3`.

Python imports this module by itself when its folder is on PYTHONPATH; nothing of latty knows it.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path


def _probe(word: str) -> int | None:
    """An exit code, or None where latty itself goes on."""
    kind, _, value = word.removeprefix("probe:").partition("=")
    if kind == "sleep":
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
        time.sleep(float(value))
    elif kind == "until":  # a file is there
        while not Path(value).exists():
            time.sleep(0.02)
    elif kind == "deaf":
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        time.sleep(float(value))
    elif kind == "clong":  # a long call into C: no handler of Python's runs
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        sum(range(10**13))
    elif kind == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == "exit":
        return int(value)
    elif kind == "raise":
        _raise_in_render(value)
        return None
    elif kind == "tell":
        _tell(Path(value))
    elif kind == "span":  # when it had its slots, for those who look for overlaps
        with Path(value).open("a") as file:
            seen = os.environ.get("CUDA_VISIBLE_DEVICES", "-")
            begun = time.monotonic()
            time.sleep(0.3)
            file.write(f"{begun} {time.monotonic()} {seen} {os.environ['LATTY_JOB'][-4:]}\n")
    return 0


def _raise_in_render(name: str) -> None:
    from latty.cli.verbs import render

    errors = {
        "SystemExit": SystemExit(3),
        "MemoryError": MemoryError(),
        "RuntimeError": RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to"),
        "KeyError": KeyError("who"),
    }

    def raising(run: object) -> int:
        raise errors[name]

    render.run = raising


def _tell(path: Path) -> None:
    """What a worker is given."""

    import latty

    told = {
        "words": sys.orig_argv[4:],
        "environment": dict(os.environ),
        "stdin": sys.stdin.read(),
        "folder": str(Path.cwd()),
        "latty": latty.__file__,
        "leader": os.getsid(0) == os.getpid(),
        "oom": int(Path("/proc/self/oom_score_adj").read_text()),
    }
    path.with_name("draft").write_text(json.dumps(told))
    path.with_name("draft").rename(path)


if _version := os.environ.get("FAKE_VERSION"):  # as after an upgrade
    import latty.version

    latty.version.__version__ = _version

if sys.orig_argv[1:4] == ["-P", "-m", "latty"]:
    _words = [word for word in sys.orig_argv if word.startswith("probe:")]
    if _words and (code := _probe(_words[0])) is not None:
        os._exit(code)
