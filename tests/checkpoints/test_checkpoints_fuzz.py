"""Damaged at random, seeded: every mutant is read, or refused by an error of ours, quickly.

Some are programs: names of Python, torch and strangers, called, made and filled in random order.
Python's own audit tells of everything that would be imported, run or opened on the way.

2 000 mutants by default; LATTY_FUZZ=100000 for more. A child process does the reading, so that its
peak memory is its own.
"""

import codecs
import io
import json
import os
import pickle
import random
import subprocess
import sys
import time
import traceback
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from mutants import accidents, damaged
from places import ROOT

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is read from /proc"
)
COUNT, SEED = int(os.environ.get("LATTY_FUZZ", "2000")), 20240229
SECONDS, MEBIBYTES = 2.0, 200
OPCODES = b"\x80\x04(.)]}\x8fNKMJqrhjRbu\x94\x93\x81ca\x85\x86\x87tes0129QXUBC\x8e\x95lid"


def write_seeds(folder: Path) -> None:
    """Small honest files of every container."""
    import numpy as np
    import torch
    from safetensors.torch import save_file

    from benchmarks._pickles import generator, pickled

    block = np.arange(50, dtype="<f4").tobytes()
    model = {"w": torch.randn(4, 3), "b.running_var": torch.ones(4), "h": torch.ones(2).half()}
    for protocol in (2, 3, 4, 5):
        value = {"direction": np.arange(9.0), "s": np.float32(1), "n": ["a", 2**40, None, {3}]}
        (folder / f"dict{protocol}").write_bytes(pickle.dumps(value, protocol))
    part = generator(block, 4, 16, 2).children["synthesis"]
    (folder / "nvidia3").write_bytes(pickled({"G_ema": part}, 3))
    (folder / "nvidia4").write_bytes(pickled({"G_ema": part}, 4))
    torch.save(model, folder / "zip")
    torch.save({"g": model, "l": [1, (2, 3)]}, folder / "old", _use_new_zipfile_serialization=False)
    torch.serialization.set_crc32_options(False)  # so that damage gets past the checksums
    torch.save(model, folder / "nocrc")
    torch.serialization.set_crc32_options(True)
    save_file({name: tensor.clone() for name, tensor in model.items()}, folder / "safe")
    np.save(folder / "npy.npy", np.arange(6.0).reshape(2, 3))
    np.savez(folder / "npz.npz", a=np.arange(5), b=np.eye(3))
    np.savez_compressed(folder / "packed.npz", a=np.arange(5), b=np.zeros((30, 40)))
    (folder / "page").write_bytes(b"<!doctype html><html><title>Google Drive</title>quota</html>")
    (folder / "lfs").write_bytes(b"version https://git-lfs.github.com/spec/v1\nsize 12\n")


NAMES = """
os.system posix.system subprocess.Popen builtins.exec builtins.getattr builtins.__import__
runpy.run_path importlib.import_module pydoc.locate operator.attrgetter torch.hub.load torch.load
numpy.load pickle.loads their.tools.run their.tools.Thing functools.partial copyreg._reconstructor
argparse.Namespace builtins.set collections.OrderedDict collections.defaultdict pathlib.PosixPath
torch.Tensor torch.nn.Tanh numpy.dtype torch._C._VariableFunctionsClass
torch._utils._rebuild_parameter torch.storage._load_from_bytes torch._utils._rebuild_tensor_v2
torch._tensor._rebuild_from_type_v2 _codecs.encode torch.FloatStorage
"""
VALUES = [b")", b"N", b"}", b"K\x01\x85", b"\x8c\x09touch RAN\x85", b"\x8c\x06system\x85"]
STATES = [b"}", *(b"}\x8c" + bytes([len(key)]) + key + b"\x8c\x09touch RANs" for key in
                (b"__setstate__", b"append", b"_modules"))]  # fmt: skip
WATCHED = ("import", "exec", "compile", "os.system", "os.exec", "os.posix_spawn", "os.fork",
           "subprocess.Popen", "socket.connect", "pickle.find_class", "ctypes.dlopen",
           "code.__new__")  # fmt: skip


def program(dice: random.Random) -> bytes:
    """A pickle that calls, makes, fills and remembers what it names, in random order."""
    code = b"\x80\x04]"
    for i in range(dice.randrange(1, 10)):
        module, _, name = dice.choice(NAMES.split()).rpartition(".")
        code += f"c{module}\n{name}\n".encode()
        for _ in range(dice.randrange(4)):
            code += dice.choice([
                dice.choice(VALUES) + dice.choice([b"R", b"\x81", b"}\x92"]),
                b"K\x01a", b"\x94", dice.choice(STATES) + b"b",
                b"(K\x01e", b"(K\x01\x90", b"\x85h\x00\x86R", b"\x8c\x03run\x86" + b"R",
            ])  # fmt: skip
        code += b"q" + bytes([i]) + b"a"
    return code + b"."


def rezipped(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """A zip with one damaged member and a true checksum over the damage."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        names = old.namelist()
        chosen = dice.choice([*names, names[0], names[0]])
        for name in names:
            content = old.read(name)
            new.writestr(
                name, damaged(content, others, dice, OPCODES) if name == chosen else content
            )
    return file.getvalue()


def use(path: Path, looks: bool) -> str:
    """Everything a program would do with a file; the code of a refusal, or "read"."""
    from latty.checkpoints import inspect, open_checkpoint
    from latty.checkpoints.weights import check_all
    from latty.errors import LattyError

    if looks:
        json.dumps(inspect(path), allow_nan=False)
    try:
        checkpoint = open_checkpoint(path)
        for module in checkpoint.modules().values():
            getattr(module, "attributes", None)
        check_all(checkpoint.tensors())
        checkpoint.weights()
    except LattyError as error:
        assert str(error).isprintable(), str(error)
        return getattr(error, "code", type(error).__name__)
    return "read"


def peak_kib() -> int:
    """Peak memory of this program; getrusage also remembers the process that started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def fuzz(folder: Path, count: int, seed: int) -> dict[str, object]:
    """Read `count` mutants of the seeds in a folder."""
    dice = random.Random(seed)
    seeds = [path.read_bytes() for path in sorted(folder.iterdir())]
    codes: Counter[str] = Counter()
    untyped: list[str] = []
    worst, base = 0.0, 0
    told: set[str] = set()
    for path in folder.iterdir():  # what is imported late is there before the audit begins
        use(path, True)
    codecs.lookup("cp437")  # of zipfile, which writes mutants
    sys.addaudithook(
        lambda event, args: told.add(f"{event} {args[:1]}") if event in WATCHED else None
    )
    for i in range(count):
        data = dice.choice(seeds)
        if i % 3 == 0:
            data = program(dice)
        elif data[:2] == b"PK" and b"nocrc" not in data and dice.random() < 0.6:
            data = rezipped(data, seeds, dice)
        else:
            data = accidents(data, seeds, dice, OPCODES)
        path = folder.parent / f"mutant{i}"
        path.write_bytes(data)
        start = time.process_time()
        try:
            codes[use(path, i % 4 == 0)] += 1
        except Exception:  # the point of the exercise
            untyped.append(f"{data.hex()[:4000]}\n{traceback.format_exc()[-1500:]}")
        worst = max(worst, time.process_time() - start)
        path.unlink()
        if i == 50:
            base = peak_kib()
    grown = (peak_kib() - base) / 1024
    found = {"codes": codes.most_common(), "untyped": untyped[:5], "count": len(untyped)}
    return {**found, "worst": worst, "grown": grown, "told": sorted(told)}


def test_mutants_are_read_or_refused(tmp_path: Path) -> None:
    folder = tmp_path / "seeds"
    folder.mkdir()
    write_seeds(folder)
    command = [sys.executable, str(Path(__file__)), str(folder), str(COUNT), str(SEED)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests" / "support")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["count"] == 0, "\n".join(found["untyped"])
    assert found["worst"] < SECONDS and found["grown"] < MEBIBYTES, found
    assert not found["told"], "a file had something imported or run"
    assert len(found["codes"]) >= 8, "the mutants are too tame"
    assert [path.name for path in tmp_path.iterdir()] == ["seeds"]
    if COUNT > 2000:
        print(done.stdout)


if __name__ == "__main__":
    print(json.dumps(fuzz(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
