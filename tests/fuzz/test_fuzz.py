"""Damaged at random, seeded, of every kind of file: read, or refused by an error of ours that names
the file, within two seconds.

Sixty mutants of each kind by default; LATTY_FUZZ=20000 for more. A fork does the reading, so that
a kind that ends it is told apart.
"""

import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import pytest
from forked import forked

SECONDS, HANG = 2, 10  # of processor time; and where it is not waited any longer
COUNT = int(os.environ.get("LATTY_FUZZ") or 60)
SEED = 20261129


def names() -> list[str]:
    from fuzz_kinds import KINDS

    return list(KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_mutant_is_read_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    import torch  # noqa: F401  once, for every fork that needs it

    code = forked(lambda: told(name))
    out, err = capfd.readouterr()
    assert code == 0, out[-6000:] + err[-3000:]
    with capfd.disabled():
        print(out if COUNT > 60 else "", end="")


def told(name: str) -> int:
    """Fuzz one kind and print what came of it; 1 where there are faults."""
    signal.signal(signal.SIGVTALRM, _hang)
    outcomes, faults, worst = fuzz(name, COUNT)
    count = outcomes["accepted"] + outcomes["refused"]
    print(f"{name}: {count} mutants,", dict(outcomes), f"at most {worst:.2f} s")
    print(*faults[:8], sep="\n")
    sys.stdout.flush()
    return bool(faults)


SHORT = b'[scene]\nmodel = "demo"\nseed = 1\n[[outputs]]\npath = "x.mp4"\n%s'
FOUND = {
    "a home of nobody": ("settings of the user", "config.toml", b'out_dir = "~nosuch/x"'),
    "nobody's zoo": ("settings of a folder", "latty.toml", b'zoo = "~nosuch/x"'),
    "a number for a list": ("recent presets", "recent.json", b"0.5"),
    "a moment beyond all clocks": (
        "run folder", "spec.json",
        b'{"schema": 1, "words": ["render"], "folder": "/", "submitted": ' + b"9" * 400 + b"}"),
    "an escape as a key": ("keymap", "keymap.toml", b'undo = "\\u001b[2J"'),
    "an escape as a command": ("keymap", "keymap.toml", b'"\\u001b[2J" = "x"'),
    "a sound of nobody's": ("preset", "x.toml", SHORT % b'sound = "~nosuch/x"'),
    "a font of nobody's": (
        "preset", "x.toml", SHORT % b'text = [{value = "x", font = "~nosuch/x"}]'),
    "a preset of nobody's": ("preset", "x.toml", b'extends = "~nosuch/x"\n' + SHORT % b""),
    "a key beyond all time": (
        "preset", "x.toml",
        SHORT % (b"[scene.truncation]\nkeys = [[0, 1], [" + b"9" * 400 + b", 1]]")),
    "an offset beyond all time": (
        "preset", "x.toml", SHORT % (b'sound = "x.wav"\noffset = ' + b"9" * 400)),
    "a key of [[each]] that is no text": (
        "preset", "x.toml",
        b'each = [{key = false, values = "0-9"}, {key = "span", values = [1]}]\n'
        + SHORT % b'[[text]]\nvalue = "{unknown}"'),
    "spaces that nobody sees": (
        "preset", "x.toml",
        SHORT % b'[scene.truncation]\nfrom = 0\nto = 1\neasing = "smo\xe2\x80\x80"'),
    "an escape as rows": (
        "preset", "x.toml", SHORT % b'rows = "\\u001b[2J"\ncolumns = ["e\\u202e"]'),
    "its own folder as the model": (
        "recipe", "x.json",
        b'{"schema":1,"batches":[[0,1]],"model":{"name":".","digest":"' + b"0" * 64 + b'"},'
        b'"preset":{"scene":{"model":".","seed":1},"outputs":[{"path":"x.png"}]}}'),
    "no direction": (
        "recipe", "x.json",
        b'{"schema":1,"batches":[[0,1]],"preset":{"scene":{"model":"demo","seed":1,'
        b'"edits":[{"direction":"smile"}]},"outputs":[{"path":"x.png"}]}}'),
}  # fmt: skip


@pytest.mark.parametrize("what", FOUND)
def test_what_was_found_so(what: str, tmp_path: Path) -> None:
    import fuzz_kinds

    from latty.errors import LattyError

    name, file, data = FOUND[what]
    fuzz_kinds.KINDS[name].seeds()  # also lays out the run that is damaged
    (tmp_path / file).write_bytes(data)
    try:
        fuzz_kinds.KINDS[name].read(tmp_path / file)
    except LattyError as error:
        assert file in str(error)
        assert all(line.isprintable() for line in str(error).split("\n"))


def fuzz(name: str, count: int, seed: int = SEED) -> tuple[Counter[str], list[str], float]:
    """(outcomes, faults, the longest time) of so many mutants of one kind."""
    import fuzz_kinds

    from latty.errors import LattyError

    kind, dice = fuzz_kinds.KINDS[name], random.Random(seed)
    seeds = kind.seeds()
    others = list(seeds.values())
    outcomes: Counter[str] = Counter()
    faults: list[str] = []
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        kind.around(Path(folder))
        for file, data in seeds.items():  # honest ones are read
            (Path(folder) / file).write_bytes(data)
            kind.read(Path(folder) / file)
        for _ in range(count):
            file = dice.choice(list(seeds))
            path, data = Path(folder) / file, kind.mutate(seeds[file], others, dice)
            path.write_bytes(data)
            begun = time.process_time()
            signal.setitimer(signal.ITIMER_VIRTUAL, HANG)
            try:
                kind.read(path)
                outcomes["accepted"] += 1
            except LattyError as error:
                outcomes["refused"] += 1
                if path.name not in str(error) and Path(file).stem not in str(error):
                    outcomes["unnamed"] += 1
                    faults.append(f"no file named: {error}\n{data[:200]!r}")
                if not all(line.isprintable() for line in str(error).split("\n")):
                    faults.append(f"not printable: {error!r}")
            except BaseException as error:  # the point of the exercise
                outcomes[f"untyped {type(error).__name__}"] += 1
                faults.append(f"{data[:400]!r}\n{traceback.format_exc()[-1500:]}")
                if isinstance(error, KeyboardInterrupt):
                    raise
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            took = time.process_time() - begun
            worst = max(worst, took)
            if took > SECONDS:
                outcomes["slow"] += 1
                faults.append(f"{took:.1f} s: {data[:400]!r}")
            if path.exists():
                path.write_bytes(seeds[file])
    return outcomes, faults, worst


class Hang(BaseException):
    """Nothing catches it but us."""


def _hang(*_: object) -> None:
    raise Hang
