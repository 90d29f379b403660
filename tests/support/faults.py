"""Disks that fail on purpose: the shim (shim/faults.c), what it is told, and a process that runs
command lines under it, each in a fork that has torch imported already."""

import ctypes
import errno
import importlib
import json
import mmap
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from cli_process import environment
from places import LIMIT

from latty.folders import MARK

SOURCE = Path(__file__).parent / "shim/faults.c"
KINDS = (
    "open",
    "read",
    "write",
    "sync",
    "rename",
    "mkdir",
    "unlink",
    "size",
    "mode",
    "lock",
    "close",
    "names",
    "data",
    "list",
)  # names: a folder is synced; read: a file is opened to be read; data: what it holds is read
COUNT, FAIL, SHORT, KILL, GONE, CUT, SPOIL = range(7)
LOGGED, WORDS = 8192, 160


def kinds(names: str) -> int:
    """The bits of kinds of calls: "write sync"."""
    return sum(1 << KINDS.index(name) for name in names.split())


CHANGES = kinds("open write sync rename mkdir unlink size mode close names")
GROWTH = kinds("open write mkdir size")  # what a full disk refuses


class Block(ctypes.Structure):
    """As in shim/faults.c."""

    _fields_ = (
        ("armed", ctypes.c_int32),
        ("deed", ctypes.c_int32),
        ("at", ctypes.c_int32),
        ("error", ctypes.c_int32),
        ("counted", ctypes.c_int32),
        ("after", ctypes.c_int32),
        ("process", ctypes.c_int32),
        ("calls", ctypes.c_int32),
        ("struck", ctypes.c_int32),
        ("clock_at", ctypes.c_int32),
        ("clock_jump", ctypes.c_int64),
        ("clock_calls", ctypes.c_int32),
        ("root", ctypes.c_char * 1024),
        ("victim", ctypes.c_char * 1024),
        ("log", ctypes.c_char * WORDS * LOGGED),
    )


@dataclass(frozen=True)
class Fault:
    """What happens at the call number `at` (1 = the first) of those `counted`, and to calls of the
    kinds `after` from then on. COUNT: nothing. GONE: somebody removes the folder `victim`. CUT and
    SPOIL: of the file `victim` somebody cuts half away, or writes into its midst."""

    at: int = 0
    deed: int = COUNT
    error: int = 0
    after: int = 0
    counted: int = CHANGES
    victim: str = ""

    def __str__(self) -> str:
        what = {
            COUNT: "none",
            SHORT: "short write",
            KILL: "SIGKILL",
            GONE: f"{self.victim} is removed",
            CUT: f"{self.victim} is cut short",
            SPOIL: f"{self.victim} is written over",
        }.get(self.deed, "")
        name = errno.errorcode.get(self.error, "")
        return f"{what or name} at {self.at}{f', then {name}' if self.after else ''}"


@lru_cache
def library() -> Path:
    """The compiled shim; without a C compiler the test is skipped."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("no C compiler for the disks that fail (or no Linux)")
    target = Path(tempfile.mkdtemp(prefix="latty-shim-")) / "faults.so"
    words = ["-O1", "-shared", "-fPIC", "-o", str(target), str(SOURCE), "-ldl"]
    subprocess.run([compiler, *words], check=True)
    return target


class Disk:
    """A folder whose disk fails as told, in every process started with `variables`."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        file = Path(tempfile.mkdtemp(prefix="latty-faults-")) / "block"
        file.write_bytes(bytes(ctypes.sizeof(Block)))
        with file.open("r+b") as opened:
            self.block = Block.from_buffer(mmap.mmap(opened.fileno(), ctypes.sizeof(Block)))
        self.block.root = os.fsencode(self.root)
        self.variables = {"LD_PRELOAD": str(library()), "FAULTS": str(file)}

    @contextmanager
    def failing(self, fault: Fault, process: int = 0) -> Iterator[Block]:
        """Armed inside."""
        block = self.block
        block.calls = block.struck = 0
        block.deed, block.at, block.error = fault.deed, fault.at, fault.error
        block.victim = os.fsencode(self.root / fault.victim) if fault.victim else b""
        block.counted, block.after, block.process = fault.counted, fault.after, process
        block.armed = 1
        try:
            yield block
        finally:
            block.armed = 0

    def log(self) -> list[str]:
        """The calls that were counted: "write /here/a.png"."""
        return [self.block.log[i].value.decode() for i in range(min(self.block.calls, LOGGED))]


@dataclass(frozen=True)
class Done:
    """How a run ended, what it said, and the calls it made (those that were counted)."""

    code: int
    out: str
    err: str
    calls: tuple[str, ...]
    struck: int


class Runner:
    """Runs latty's command lines in forks of one process that has imported what they need, in
    disk.root/here with its home in disk.root/home."""

    def __init__(self, disk: Disk, said: Path, tracer: Sequence[str] = ()) -> None:
        from fault_engine import Engine

        self.disk, self.said = disk, said
        self._engine = Engine(disk, said / "engine")
        more = {**disk.variables, "LATTY_HOME": str(disk.root / "home"), "CI": "1"}
        self._process = subprocess.Popen(
            [*tracer, sys.executable, __file__],
            env=environment(disk.root, **more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """The process whose forks run."""
        return self._process.pid

    def __call__(
        self,
        *words: str,
        fault: Fault | None = None,
        then: Callable[[], None] | None = None,
        **variables: str,
    ) -> Done:
        """One run to its end, and what is to be done `then`, before the disk is well again; what
        begins with "engine" is asked of one (fault_engine.py)."""
        if words[0] == "engine":
            return self._engine(*words[1:], fault=fault)
        files = [str(self.said / name) for name in ("out", "err", "modules")]
        task = {"words": words, "variables": variables, "files": files, "here": self._here()}
        (self.said / "modules").write_text("")
        with self.disk.failing(fault or Fault()) as block:
            assert self._process.stdin and self._process.stdout
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            if then is not None:
                then()
            calls, struck = tuple(self.disk.log()), block.struck
        out, err = (Path(file).read_text() for file in files[:2])
        return Done(code, out, err, calls, struck)

    def _here(self) -> str:
        here = self.disk.root / "here"
        here.mkdir(parents=True, exist_ok=True)
        return str(here)

    def close(self) -> None:
        self._engine.close()
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(LIMIT)
        self._process.stdout.close()


def tree(root: Path) -> dict[str, bytes]:
    """What lies below a folder: names, and what files hold; folders end in "/". Those of the state
    are made when slow work is kept, and only count with what is in them."""
    found: dict[str, bytes] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = b"-> " + os.fsencode(path.readlink())
        elif path.is_dir():
            if not name.startswith("home/state"):
                found[name + "/"] = b""
        else:
            found[name] = _unnumbered(path)
    return found


def _unnumbered(path: Path) -> bytes:
    """What a file holds; the mark of a folder of ours without the folder's number (st_ino), a lock
    without who held it."""
    data = path.read_bytes() if path.suffix != ".lock" else b""
    return data.rpartition(b" ")[0] if path.name == MARK else data


def put(root: Path, content: dict[str, bytes]) -> None:
    """A folder that holds just this, open to its owner alone."""
    before = os.umask(0o077)
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name, data in content.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            number = b" %d\n" % path.parent.stat().st_ino
            path.write_bytes(data + number if path.name == MARK and data else data)
    os.umask(before)


# --- the process ----------------------------------------------------------------------------------


def _serve() -> None:
    """Runs a task of each line of stdin in a fork, and says how it ended. What one has imported is
    imported here for the next."""
    for line in sys.stdin:
        task = json.loads(line)
        pid = os.fork()
        if not pid:
            _run(task)
        status = os.waitpid(pid, 0)[1]
        for name in Path(task["files"][2]).read_text().split():
            with suppress(Exception):
                importlib.import_module(name)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(task: dict[str, Any]) -> None:
    before, code = {*sys.modules}, 70
    *streams, modules = task["files"]
    try:
        for number, file in enumerate(("/dev/null", *streams)):
            flags = os.O_RDONLY if not number else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            handle = os.open(file, flags, 0o600)
            os.dup2(handle, number)
            os.close(handle)
        os.environ.update(task["variables"])
        os.chdir(task["here"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if task["words"][0] == "call":
            from fault_tasks import call

            code = call(*task["words"][1:])
        else:
            from latty_tui.__main__ import main

            code = main(task["words"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        Path(modules).write_text("\n".join({*sys.modules} - before))
        os._exit(code)


if __name__ == "__main__":
    _serve()
