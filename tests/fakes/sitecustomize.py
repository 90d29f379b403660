"""Stands in for a verb that does what a test needs: `python -m core render probe:sleep=3`.

Python imports this module by itself when its folder is on PYTHONPATH; nothing of latty knows it.
"""

import os
import signal
import sys
import time
from pathlib import Path


def _probe(word: str) -> int:
    kind, _, value = word.removeprefix("probe:").partition("=")
    if kind == "sleep":
        time.sleep(float(value))
    elif kind == "deaf":  # like a long call into C: no handler of Python's runs
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        time.sleep(float(value))
    elif kind == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif kind == "exit":
        return int(value)
    elif kind == "memory":
        raise MemoryError("as much as that is not there")
    elif kind == "span":  # when it had its slots, for those who look for overlaps
        with Path(value).open("a") as file:
            seen = os.environ.get("CUDA_VISIBLE_DEVICES", "-")
            begun = time.monotonic()
            time.sleep(0.3)
            file.write(f"{begun} {time.monotonic()} {seen} {os.environ['LATTY_JOB'][-4:]}\n")
    return 0


_words = [word for word in sys.orig_argv if word.startswith("probe:")]
if sys.orig_argv[1:3] == ["-m", "core"] and _words:
    try:
        code = _probe(_words[0])
    except MemoryError as error:
        print(f"latty: {error}", file=sys.stderr, flush=True)
        code = 69
    os._exit(code)
