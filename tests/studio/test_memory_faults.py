"""The studio's state on a disk that fails at any call: what was kept stays and can be gone on with,
and what is not kept is told."""

import errno
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_process import environment
from fault_rules import all_faults
from faults import FAIL, KILL, Disk, Fault, kinds

from latty_tui.memory.journal import parsed

WHAT = """\
import json, os, sys
from latty.scene import Scene
from latty_tui.library.marks import Marks
from latty_tui.memory import Memory
from latty_tui.state import State

def studio(*seeds):
    said, memory = [], Memory()
    history = memory.history()
    memory.listen(said.append)
    for seed in seeds:
        history.push(State(Scene("demo", seed, 0.8)), "x", "", seed)
        memory.note(history, {})
        memory.flush()
    memory.save(history, {})
    try:
        others = [path.name for path, _ in memory.others()]
    except OSError:
        others = []
    memory.close()
    return {"seeds": [one.state.scene.seed for one in history], "said": said,
            "trouble": memory.trouble, "others": others}

def star(*names):
    from latty.errors import LattyError
    try:
        before = Marks.load()
        after = before
        for name in names:
            after = after.starred(name)
        merged = after.save(before)
    except (LattyError, OSError) as error:
        return {"said": [str(error)]}
    return {"stars": sorted(merged.stars), "said": []}

for line in sys.stdin:
    home, file, what, words = json.loads(line)
    pid = os.fork()
    if not pid:
        os.environ["LATTY_HOME"] = home
        found = globals()[what](*words)
        with open(file, "w") as out:
            json.dump(found, out)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""
READS = kinds("open read lock")
Did = tuple[int, dict[str, list[object]]]
Do = Callable[..., Did]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "disk")


@pytest.fixture
def do(disk: Disk, tmp_path: Path) -> Iterator[Do]:
    """do(what, *words, fault=): how it ended and what it found, in a fork."""
    process = subprocess.Popen(
        [sys.executable, "-c", WHAT], env=environment(disk.root, **disk.variables),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    file = tmp_path / "found.json"

    def done(what: str, *words: object, fault: Fault | None = None) -> Did:
        file.unlink(missing_ok=True)
        assert process.stdin and process.stdout
        with disk.failing(fault or Fault()):
            print(json.dumps([str(disk.root / "home"), str(file), what, words]),
                  file=process.stdin, flush=True)  # fmt: skip
            code = int(process.stdout.readline())
        return code, json.loads(file.read_text()) if file.exists() else {}

    yield done
    assert process.stdin and process.stdout
    process.stdin.close()
    process.wait()
    process.stdout.close()


def faults(disk: Disk, do: Do, *words: object) -> list[Fault]:
    """Every fault at every call of a run; what it changed is undone."""
    before = shutil.copytree(disk.root, disk.root.with_name("before"))
    do(*words)
    assert len(disk.log()) >= 5
    found = list(all_faults(disk.log()))
    do(*words, fault=Fault(counted=READS))
    found += [Fault(at, FAIL, error, after, READS)
              for at in range(1, len(disk.log()) + 1)
              for error in (errno.EIO, errno.EMFILE) for after in (0, READS)]  # fmt: skip
    again(disk, before)
    return found


def again(disk: Disk, before: Path) -> None:
    shutil.rmtree(disk.root)
    shutil.copytree(before, disk.root)


def kept(disk: Disk) -> set[object]:
    """Every seed in any history, those that were set aside too."""
    files = (disk.root / "home/state/history").glob("*.jsonl*")
    return {one.state.scene.seed for path in files for one in parsed(path.read_bytes()).steps}


@pytest.mark.slow
def test_no_call_of_the_studio_loses_a_history(disk: Disk, do: Do) -> None:
    do("studio", 1, 2, 3)
    before, wrong = disk.root.with_name("before"), list[str]()
    for fault in faults(disk, do, "studio", 4, 5):
        again(disk, before)
        code, found = do("studio", 4, 5, fault=fault)
        if code not in ((0, -9) if fault.deed == KILL else (0,)):
            wrong.append(f"{fault}: ended with {code}")
        lost = {7, 1, 2, 3} - kept(disk)
        if lost:
            wrong.append(f"{fault}: {lost} is lost")
        if found and not found["trouble"] and not {4, 5} <= kept(disk):
            wrong.append(f"{fault}: 4 and 5 are not kept, and nothing is told: {found}")
        if found and not found["said"] and (found["trouble"] or 1 not in found["seeds"]):
            wrong.append(f"{fault}: nothing is told: {found}")
        code, found = do("studio", 6)
        if code or found["trouble"] or 6 not in kept(disk):
            wrong.append(f"{fault}: then {code} {found}")
        if not {1, 2, 3} <= {*found["seeds"]} and "1.jsonl" not in found["others"]:
            wrong.append(f"{fault}: the next studio cannot go on with it: {found}")
        left_over = [path for path in disk.root.rglob(".*") if path.name != ".latty"]
        if left_over:
            wrong.append(f"{fault}: {left_over} are left")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)


@pytest.mark.slow
def test_no_call_of_the_studio_loses_a_mark(disk: Disk, do: Do) -> None:
    do("star", "a", "b")
    before, wrong = disk.root.with_name("before"), list[str]()
    for fault in faults(disk, do, "star", "c"):
        again(disk, before)
        code, found = do("star", "c", fault=fault)
        if code not in ((0, -9) if fault.deed == KILL else (0,)):
            wrong.append(f"{fault}: ended with {code}")
        if found and not found["said"] and "c" not in found["stars"]:
            wrong.append(f"{fault}: nothing is told: {found}")
        code, found = do("star", "d")
        if code or found["said"] or not {"a", "b", "d"} <= set(found["stars"]):
            wrong.append(f"{fault}: then {code} {found}")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
