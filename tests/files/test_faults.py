"""Disks that fail at the k-th call, for every k: old files stay whole, one line says what is wrong,
and the same command, said again, ends as if nothing had been.

The ordinary run tries a few calls of a few verbs, the slow one some two dozen of each with one
fault, `make faults` every fault at every call.
"""

import errno
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_process import environment
from fault_audit import tracer, unseen
from fault_rules import Trial, all_faults, in_turn, tried
from fault_verbs import VERBS, Verb, lying_about, preset
from faults import CHANGES, FAIL, GONE, KILL, SHORT, Disk, Fault, Runner, kinds, put, tree

FIRST = "home/state/history/1.jsonl"
FEW = [verb for verb in VERBS if verb.name in ("render gif over an old one", "import scorer")]


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    (tmp_path / "disk").mkdir()
    return Disk(tmp_path / "disk")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(Disk(tmp_path_factory.mktemp("disk")), tmp_path_factory.mktemp("said"))
    yield runner
    runner.close()


@pytest.mark.parametrize("verb", FEW, ids=lambda verb: verb.name)
def test_a_call_that_fails_costs_nothing(run: Runner, verb: Verb) -> None:
    trial = Trial(verb, run)
    tally = tried(trial, [*in_turn(trial.calls)][::6])
    assert not tally.wrong, "\n".join(tally.wrong)
    assert sum(tally.tried.values()) > 2 and len(tally.ended) > 1


@pytest.mark.parametrize(
    ("name", "at", "deed", "error"),
    [
        ("render mp4", "write /here/p.mp4.latty-work/p.mp4", FAIL, errno.ENOSPC),
        ("render gif", "size /here/p.gif.latty-work/pictures", FAIL, errno.EINTR),
        ("render frames", "names /here", FAIL, errno.EINVAL),
        ("render frames", "names /here", FAIL, errno.EIO),
        ("import scorer", "names /home/data", FAIL, errno.EIO),
        ("rename a direction", "read /home/data/directions", FAIL, errno.EMFILE),
        ("rename a direction", "read /home/data/directions", FAIL, errno.EIO),
        ("sample", "names /here", KILL, 0),
        ("train-scorer", "read /here/dots", FAIL, errno.EMFILE),
        ("import scorer", "read /here/s.toml", FAIL, errno.EIO),
        ("export model", "read /home/data/models/m.safetensors", FAIL, errno.EIO),
        ("rename a direction", "read /home/data/directions/one.safetensors", FAIL, errno.EIO),
        ("render gif", "rename /home/cache/frames", KILL, 0),
        ("rename a set", "close /home/data/directions/.one", KILL, 0),
        ("import model", "read /here/config.json", FAIL, errno.EIO),
        ("render a picture again", "read /here/p.png", FAIL, errno.EIO),
        ("update what is up to date", "read /here/p.gif", FAIL, errno.EIO),
        ("export directions", "sync /here/out", KILL, 0),
        ("export directions", "sync /here/out", FAIL, errno.EIO),
    ],
)
def test_a_disk_that_fails_at_the_worst_moment(
    run: Runner, name: str, at: str, deed: int, error: int
) -> None:
    trial = Trial(next(verb for verb in VERBS if verb.name == name), run)
    kind = kinds(at.split()[0])
    calls = trial.reads if kind == kinds("read") else trial.calls
    places = [k for k, call in enumerate(calls, 1)
              if call.replace("/renders", "").startswith(at)]  # fmt: skip
    lasting = kind if error in (errno.ENOSPC, errno.EMFILE) else 0
    counted = kind if kind == kinds("read") else CHANGES
    faults = [Fault(k, deed, error, lasting, counted) for k in {places[0], places[-1]}]
    tally = tried(trial, faults)
    assert places and not tally.wrong, "\n".join(tally.wrong)


@pytest.mark.parametrize("error", [errno.EIO, errno.EACCES])
@pytest.mark.parametrize(
    ("place", "stays"),
    [("/here/renders", "here/renders/x.gif.latty-work/pictures"),
     ("/home/data/models", "home/data/models/.m.safetensors.0123456789ab")],
)  # fmt: skip
def test_clean_says_what_the_disk_does_not_show_and_removes_the_rest(
    run: Runner, place: str, stays: str, error: int
) -> None:
    put(run.disk.root, lying_about())
    lists = run("clean", "-n", fault=Fault(counted=kinds("list"))).calls
    at = 1 + lists.index(f"list {place}")
    done = run("clean", "-y", "-q", fault=Fault(at, FAIL, error, counted=kinds("list")))
    assert (done.code, done.err.count("\n")) == (74, 1) and place in done.err, done
    left = {name for name in tree(run.disk.root) if not name.endswith("/")}
    assert left & {*lying_about()} - {"here/renders/x.gif.latty-work/.latty"} == {stays}


@pytest.mark.parametrize(
    "name", ["rename a set", "delete a set", "remove a scorer", "import model"]
)
def test_names_are_on_the_disk_when_a_verb_ends(run: Runner, name: str) -> None:
    """The folder of the store is synced after the last of them was given, or taken, there."""
    calls = Trial(next(verb for verb in VERBS if verb.name == name), run).calls
    stored = re.compile(r"(rename|unlink) (/home/data/\w+)/\w+\.(safetensors|toml)")
    (last, found) = [(k, found) for k, call in enumerate(calls)
                     if (found := stored.fullmatch(call))][-1]  # fmt: skip
    assert f"names {found[2]}" in calls[last:], calls


@pytest.mark.slow
def test_the_history_of_a_studio(run: Runner) -> None:
    """Whatever fails, the studio goes on, what was on disk is read again, and in order."""
    put(run.disk.root, {})
    old, all_seeds = ["7", "1", "2"], ["7", "1", "2", "3", "4"]
    assert run("call", "studio", "1", "2").out.split() == old
    before = tree(run.disk.root)
    done = run("call", "studio", "3", "4")
    assert done.out.split() == all_seeds and len(done.calls) > 3
    for fault in all_faults(done.calls):
        put(run.disk.root, before)
        ended = run("call", "studio", "3", "4", fault=fault)
        assert ended.code == (-9 if fault.deed == KILL and ended.struck else 0), (fault, ended)
        again = run("call", "studio")
        kept, there = again.out.split(), tree(run.disk.root)
        steps = b"".join(data for name, data in there.items() if ".jsonl" in name).splitlines()
        lost = [one for one in before[FIRST].splitlines() if b'"state"' in one and one not in steps]
        assert again.code == 0 and not lost, (fault, again)
        # where the first history cannot be opened the studio begins another one beside it
        wanted = all_seeds if kept[1:2] == old[1:2] else ["7", "3", "4"]
        assert kept == wanted[: len(kept)], (fault, kept)


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_each_verb_over_all_its_calls(run: Runner, verb: Verb) -> None:
    trial = Trial(verb, run)
    faults = [*in_turn(trial.calls)]
    tally = tried(trial, faults[:: 1 + len(faults) // 25])
    assert not tally.wrong, "\n".join(tally.wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "victim"),
    [
        ("render frames over old ones", "here"),
        ("discover over an old set", "home"),
        ("import scorer", "home"),
        ("fetch", "home"),
        ("engine: rename a direction", "home"),
    ],
)
def test_a_folder_that_is_removed_at_work(run: Runner, name: str, victim: str) -> None:
    """One line says so, and nothing else is touched; where it is again, the same command works."""
    trial = Trial(next(verb for verb in VERBS if verb.name == name), run)
    for at in range(1, len(trial.calls) + 1, 1 + len(trial.calls) // 6):
        put(run.disk.root, trial.before)
        done = run(*trial.verb.line, fault=Fault(at, GONE, victim=victim))
        lines, where = done.err.splitlines(), (at, trial.calls[at - 1], done)
        assert done.code in (0, 65, 66, 74) and len(lines) == (done.code > 0), where
        assert not lines or lines[0].startswith("latty: "), where
        kept = {k: v for k, v in trial.before.items() if not k.startswith(victim)}
        assert kept.items() <= tree(run.disk.root).items(), where
        put(run.disk.root, trial.before)
        assert run(*trial.verb.line).code == 0 and tree(run.disk.root) == trial.after, where


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    ["render p.toml -q -o {}.png", "sample portraits --size 16 -q -o {}.png",
     "export portraits-random --as interfacegan -q -o {}", "rank portraits -q --directions smile "
     "--seeds 0 --steps 3 --out-dir {}"],
)  # fmt: skip
def test_a_name_of_any_length(run: Runner, line: str) -> None:
    """It is written, or one line says that the name is too long; and nothing else is there."""
    ended = set[int]()
    for size in (200, 246, 256):
        put(run.disk.root, preset("a.png", frames=1))
        word = "n" * (size - line.count(".png") * 4)
        done = run(*line.format(word).split())
        ended.add(done.code)
        assert done.code in (0, 65, 74) and done.err.count("\n") == (done.code > 0), (size, done)
        assert not done.code or "choose a" in done.err, (size, done)
        left = {path.name for path in (run.disk.root / "here").iterdir()} - {"p.toml", "renders"}
        assert all(name.startswith(word) and ".latty-work" not in name for name in left), (
            size,
            left,
        )
        assert bool(left) == (done.code == 0), (size, left, done)
    assert 0 in ended and len(ended) > 1


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, run: Runner) -> Iterator[tuple[Runner, Path]]:
    """A runner on the same disk, and what strace says of it."""
    trace = tmp_path_factory.mktemp("trace") / "trace"
    trace.touch()
    runner = Runner(run.disk, tmp_path_factory.mktemp("said"), tracer(trace))
    yield runner, trace
    runner.close()


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_the_shim_sees_every_call(run: Runner, traced: tuple[Runner, Path], verb: Verb) -> None:
    """What it does not see cannot be made to fail."""
    put(run.disk.root, verb.prepare(run))
    if verb.line[0] != "engine":  # which calls what `call` does
        assert unseen(*traced, *verb.line) == {}


# --- the rules themselves -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("torn", "out.txt is neither as it was nor whole"),
        ("littering", "the same command leaves ['here/.out."),
        ("unsynced", "what it wrote may not be on the disk"),
        ("lying", "lacks ['here/out.txt']"),
        ("rude", "ends with 70"),
        ("babbling", "gives another reason: latty: cannot write out.txt: not today"),
        ("half", "home/data/scorers/s.toml names s.npy, and that is not there"),
        ("open", "data/mine is open to others"),
    ],
)
def test_what_a_careless_program_does_is_found(run: Runner, how: str, told: str) -> None:
    verb = Verb(how, f"call careless {how}", lambda: {"here/out.txt": b"old" * 200})
    trial = Trial(verb, run)
    faults = [*all_faults(trial.calls, trial.reads)]
    tally = tried(trial, faults[:: 1 + len(faults) // 100])
    assert any(told in wrong for wrong in tally.wrong), tally.wrong


# --- the shim itself ------------------------------------------------------------------------------


def python(disk: Disk, text: str) -> subprocess.CompletedProcess[str]:
    """A program on the disk that fails."""
    return subprocess.run(
        [sys.executable, "-c", text],
        cwd=disk.root,
        env=environment(disk.root, **disk.variables),
        capture_output=True,
        text=True,
        check=False,
    )


WRITES = """
import os
handle = os.open("a", os.O_WRONLY | os.O_CREAT)
for part in (b"1234", b"5678"):
    try:
        print(os.write(handle, part))
    except OSError as error:
        print(error.errno)
try:
    os.fsync(handle)
    os.rename("a", "b")
    os.mkdir("c")
    os.rmdir("c")
except OSError as error:
    print(error.errno)
open("/dev/null", "w").write("not below the root")
"""


def test_a_call_is_counted_once_and_named(disk: Disk) -> None:
    with disk.failing(Fault()):
        assert python(disk, WRITES).stdout.split() == ["4", "4"]
        assert disk.log() == [
            *("open /a", "write /a", "write /a", "sync /a", "rename /b", "mkdir /c", "unlink /c")
        ]


@pytest.mark.parametrize(
    ("fault", "said", "content"),
    [
        (Fault(2, FAIL, errno.ENOSPC), "28 4", b"5678"),
        (Fault(2, FAIL, errno.EIO, kinds("write")), "5 5", b""),
        (Fault(3, SHORT), "4 2", b"123456"),
        (Fault(2, SHORT, errno.ENOSPC, kinds("write")), "2 28", b"12"),
        (Fault(5, FAIL, errno.EIO), "4 4 5", b"12345678"),
        (Fault(1, FAIL, errno.EIO, counted=kinds("sync")), "4 4 5", b"12345678"),
    ],
)
def test_what_a_fault_does(disk: Disk, fault: Fault, said: str, content: bytes) -> None:
    with disk.failing(fault):
        done = python(disk, WRITES)
    assert done.stdout.split() == said.split(), done.stderr
    assert [path.read_bytes() for path in disk.root.iterdir()] == [content]


def test_a_process_dies_before_its_call(disk: Disk) -> None:
    with disk.failing(Fault(5, KILL)):
        assert python(disk, WRITES).returncode == -9
    assert sorted(path.name for path in disk.root.iterdir()) == ["a"]


def test_the_wall_clock_jumps_and_the_other_does_not(disk: Disk) -> None:
    day = 24 * 3600
    disk.block.clock_at, disk.block.clock_jump = 3, day * 10**9
    text = "import time; print(*(time.time() for _ in range(4)), time.monotonic())"
    with disk.failing(Fault()):
        *wall, steady = map(float, python(disk, text).stdout.split())
    assert wall[-1] - wall[0] == pytest.approx(day, abs=60)
    assert steady == pytest.approx(time.monotonic(), abs=60)


@pytest.mark.slow
def test_a_kill_at_every_call_of_unpacking_an_archive(run: Runner) -> None:
    """What is half unpacked is used by nobody: the same command ends as if nothing had been."""
    trial = Trial(next(verb for verb in VERBS if verb.name == "render an archive"), run)
    places = [k for k, call in enumerate(trial.calls, 1) if "/home/cache/archives/" in call]
    tally = tried(trial, [Fault(k, KILL, counted=CHANGES) for k in places])
    assert len(places) > 10 and not tally.wrong, "\n".join(tally.wrong)
    assert tally.ended[-9] > 10
