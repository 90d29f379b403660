"""Kills at random moments: `python tests/support/chaos.py [KILLS] [VERB ...]`, on two cores.

Each row of CASES is a command line that writes. It is run once undisturbed; then again and again in
folders of its own, hit by signals at random moments (a process, or its whole group) and run or
resumed until it is done. What it leaves must be the same bytes, and nothing else.

LATTY_CHAOS_SEED repeats the moments as far as the machine does.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import loopback
from chaos_inputs import Inputs
from cli_process import COMMAND, environment
from places import LIMIT

LANES = 2
EACH = 8  # signals that one run gets before it is left alone
SIGNALS = (*(signal.SIGKILL,) * 5, signal.SIGTERM, signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
           signal.SIGABRT, signal.SIGSEGV)  # fmt: skip
BY_A_SIGNAL = {*(-number for number in SIGNALS), *(128 + number for number in SIGNALS)}
IN_THE_WAY, SOME_FAILED = 73, 1
GOES_ON = ("died 3 times", "is there already")  # what is told of presets that a rerun passes over
Tree = dict[str, bytes]


@dataclass(frozen=True)
class Case:
    """A command line that writes.

    detached  it is handed in as a job, and resumed
    keeps     an interruption leaves what there is so far under the final name, whole
    """

    name: str
    words: str
    detached: bool = False
    keeps: bool = False


RENDER = "render {inputs}/tiny.toml --batch 2"
MANY = "render {inputs}/tiny.toml {inputs}/other.toml --workers 2 --batch 2"
WARPED = ("discover warped portraits -o mine --paths 3 --iterations 24 --size 16 "
          "--reconstructor lenet --batch 4 --probes 4")  # fmt: skip
TRAINING = ("train-scorer {inputs}/dots/labels.csv -o dots --size 32 --width 4 --epochs 30 "
            "--batch 32")  # fmt: skip
RANK = ("rank portraits-sefa --directions l0-s0,l1-s0 --scorers colour,brightness --seeds 0-3 "
        "--steps 3 --baseline 2")  # fmt: skip
TRAVERSE = ("traverse portraits-sefa --directions l0-s0,l1-s0 --scorers colour --seeds 0-1 "
            "--steps 5 --baseline 2 --samples 20")  # fmt: skip
SUBMIT = "import sys; from latty.jobs import control; print(control.submit(sys.argv[1:]))"
CASES = (
    Case("render (GIF, MP4, WebP, PNG, frames)", RENDER),
    Case("render (the same, a job)", RENDER, detached=True),
    Case("render --workers 2", MANY),
    Case("render --workers 2 (a job)", MANY + " --engine local", detached=True),
    Case("sample", "sample portraits --seeds 0-15 --size 64"),
    Case("edit", "edit portraits --attribute colour/warmth --to 0.2 --frames 12 --size 32"),
    Case("edit (a job)", "edit portraits --attribute colour/warmth --to 0.2 --frames 12 --size 32",
         detached=True),
    Case("discover (closed form)", "discover sefa demo -o mine", keeps=True),
    Case("discover (trained)", WARPED, keeps=True),
    Case("discover (trained, a job)", WARPED, detached=True, keeps=True),
    Case("discover --workers 2", "discover ganspace portraits --samples 20000 --components 4 "
         "-o mine --workers 2", keeps=True),
    Case("rank", RANK),
    Case("rank --workers 2 (a job)", RANK + " --workers 2", detached=True),
    Case("traverse", TRAVERSE),
    Case("traverse --workers 2 (a job)", TRAVERSE + " --workers 2", detached=True),
    Case("train-scorer", TRAINING, keeps=True),
    Case("train-scorer (a job)", TRAINING, detached=True, keeps=True),
    Case("import", "import {inputs}/small.pt --name mine"),
    Case("pack", "pack {inputs}/tiny.toml {inputs}/other.toml -o both.latty"),
    Case("fetch", "fetch small"),
    Case("fetch (a job)", "fetch small", detached=True),
)  # fmt: skip


@dataclass
class Tally:
    """What became of one case."""

    case: Case
    kills: int = 0
    runs: int = 0
    equal: int = 0
    bad: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def row(self) -> list[str]:
        figures = (self.kills, self.runs, self.equal, len(self.bad), len(self.left))
        return [self.case.name, *map(str, figures), str(len(self.faults))]


@dataclass
class Place:
    """Where one case runs: a working folder and a home of its own."""

    folder: Path
    inputs: Inputs

    def __post_init__(self) -> None:
        self.here.mkdir(parents=True)
        self.environment = environment(self.folder, LATTY_ZOO=str(self.inputs.zoo),
                                       no_proxy="127.0.0.1")  # fmt: skip

    @property
    def here(self) -> Path:
        return self.folder / "here"

    def start(self, words: Sequence[str]) -> "subprocess.Popen[bytes]":
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen([*COMMAND, *words], cwd=self.here, env=self.environment,
                                    stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                                    start_new_session=True)  # fmt: skip

    def latty(self, *words: str) -> str:
        """What a run that nobody disturbs says. Raises AssertionError where it fails."""
        return self.run([*COMMAND, *words])

    def run(self, words: Sequence[str]) -> str:
        """The same of any command."""
        done = subprocess.run(words, cwd=self.here, env=self.environment, text=True,
                              capture_output=True, timeout=LIMIT, check=False)  # fmt: skip
        assert done.returncode == 0, f"{words}: {done.returncode} {done.stderr[-300:]}"
        return done.stdout

    def said(self) -> str:
        with suppress(OSError):
            return (self.folder / "said.txt").read_text(errors="replace")[-400:]
        return ""

    def processes(self) -> list[int]:
        """Every living process that has this home, by what the kernel says."""
        mark = f"LATTY_HOME={self.environment['LATTY_HOME']}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
        return sorted(found)

    def finals(self) -> Tree:
        """What has a final name: the files of the working folder and those kept in the home."""
        tops = (self.here, self.folder / "home" / "data")
        files = (path for top in tops for path in top.rglob("*") if path.is_file())
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in files}

    def names(self) -> set[str]:
        """Every name, but for those of the jobs' own folders."""
        found = {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}
        jobs = "home/state/runs/"
        return {name for name in found if not (name.startswith(jobs) and name[len(jobs)] != ".")}


class Victim:
    """One run of a case, hit again and again until it is done."""

    def __init__(self, case: Case, whole: "Whole", place: Place, chance: random.Random) -> None:
        self.case, self.whole, self.place, self.chance = case, whole, place, chance
        self.words = case.words.format(inputs=place.inputs.folder).split()

    def run(self, tally: Tally, most: int) -> None:
        """Until it is done, `most` signals on the way."""
        before, job = tally.kills, ""
        for _ in range(10 * EACH):
            left = most - (tally.kills - before)
            if self.case.detached:
                job = job or self._submit()
                tally.kills += self._disturb(left, lambda: bool(self.place.processes()))
                code = self._resumed(job, tally)
            else:
                process = self.place.start(self.words)
                reaped = threading.Thread(target=process.wait)
                reaped.start()
                tally.kills += self._disturb(left, lambda at=process: at.poll() is None, process)
                reaped.join()
                code = process.returncode
            self._alone(tally)
            self._finals(tally)
            if self._over(code, tally.kills > before, tally):
                break
        else:
            tally.faults.append(f"{self.case.name}: it does not come to an end")
        tally.runs += 1
        self._compare(tally)

    def _submit(self) -> str:
        return self.place.run([sys.executable, "-c", SUBMIT, *self.words]).strip()

    def _disturb(
        self, left: int, alive: Callable[[], bool], process: "subprocess.Popen[bytes] | None" = None
    ) -> int:
        """Signals until it has ended; how many."""
        sent, end = 0, time.monotonic() + LIMIT
        due = time.monotonic() + self._moment()
        while alive():
            assert time.monotonic() < end, f"{self.case.name} hangs"
            if sent < left and time.monotonic() >= due:
                sent += self._hit(process)
                due = time.monotonic() + self._moment() / 2
            time.sleep(0.01)
        return sent

    def _moment(self) -> float:
        """At any phase, more often in the second half, where it writes."""
        early = self.chance.random() < 0.3
        low, high = (0.0, 0.4) if early else (0.4, 1.1)
        return self.chance.uniform(low, high) * self.whole.seconds

    def _hit(self, process: "subprocess.Popen[bytes] | None") -> bool:
        """A random signal to a random process, or to its whole group; whether one was there."""
        pids = self.place.processes()
        if process is not None and process.poll() is not None:
            return False
        if not pids:
            return False
        whom, number = self.chance.choice(pids), self.chance.choice(SIGNALS)
        with suppress(ProcessLookupError, PermissionError):
            if self.chance.random() < 0.5:
                group = os.getpgid(whom)
                assert group != os.getpgid(0)
                os.killpg(group, number)
            else:
                os.kill(whom, number)
            return True
        return False

    def _resumed(self, job: str, tally: Tally) -> int:
        """0 where the job is done; else it goes on."""
        status = json.loads(self.place.latty("jobs", "show", job, "--json"))
        if status["state"] == "done":
            return 0
        words = f"{status['error']} ({status['state']})"
        if status["state"] == "failed" and "died 3 times" not in words:
            tally.faults.append(f"{self.case.name}: {words}")
        self.place.latty("jobs", "resume", job)
        return -signal.SIGKILL

    def _alone(self, tally: Tally) -> None:
        """No process outlives what started it, but for the moment that its end takes."""
        end = time.monotonic() + 20
        while self.case.detached is False and (pids := self.place.processes()):
            if time.monotonic() > end:
                tally.left.append(f"{self.case.name}: processes {pids} live on")
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def _finals(self, tally: Tally) -> None:
        """What has its name already is what it should be."""
        for name, data in self.place.finals().items():
            good = name not in self.whole.finals or data == self.whole.finals[name]
            if not good and not (self.case.keeps and readable(name, data)):
                tally.bad.append(f"{self.case.name}: {name} is partial or differs")

    def _over(self, code: int, hit: bool, tally: Tally) -> bool:
        if code == 0:
            return True
        said = self.place.said()
        passed_over = code == SOME_FAILED and any(words in said for words in GOES_ON)
        if hit and (code == IN_THE_WAY or passed_over):  # done before; its end was not told
            return all(name in self.place.finals() for name in self.whole.finals)
        if code not in BY_A_SIGNAL:
            tally.faults.append(f"{self.case.name}: exit code {code}: {said}")
            return True
        return False

    def _compare(self, tally: Tally) -> None:
        end = time.monotonic() + 20
        while self.place.processes() and time.monotonic() < end:
            time.sleep(0.05)
        found = self.place.finals()
        differs = [name for name in self.whole.finals if found.get(name) != self.whole.finals[name]]
        tally.equal += not differs
        if differs:
            tally.faults.append(f"{self.case.name}: {differs} differ at the end")
        more = sorted(self.place.names() - self.whole.names)
        tally.left += [f"{self.case.name}: {name}" for name in more]
        if pids := self.place.processes():
            tally.left.append(f"{self.case.name}: processes {pids}")


@dataclass(frozen=True)
class Whole:
    """What an undisturbed run leaves, and how long it takes."""

    finals: Tree
    names: set[str]
    seconds: float


def undisturbed(case: Case, place: Place) -> Whole:
    """Raises AssertionError where it fails."""
    words = case.words.format(inputs=place.inputs.folder).split()
    begun = time.monotonic()
    if case.detached:
        place.run([sys.executable, "-c", SUBMIT, *words])
        place.latty("jobs", "watch", "last")
    else:
        place.latty(*words)
    (place.folder / "said.txt").touch()
    return Whole(place.finals(), place.names(), time.monotonic() - begun)


def readable(name: str, data: bytes) -> bool:
    """Whether a file is whole by its own account."""
    try:
        if name.endswith(".safetensors"):
            from safetensors.torch import load

            load(data)
        elif name.endswith((".json", ".toml")):
            import tomllib

            (json.loads if name.endswith(".json") else tomllib.loads)(data.decode())
    except Exception:
        return False
    return bool(data)


def run(
    kills: int, seed: int, folder: Path, cases: Sequence[Case] = CASES, lanes: int = LANES
) -> list[Tally]:
    """All cases share the kills; what became of each."""
    tallies = [Tally(case) for case in cases]
    each = -(-kills // len(cases))
    with loopback.serving() as server, ThreadPoolExecutor(lanes) as threads:
        inputs = Inputs(folder / "inputs", server)

        def measured(number: int) -> Whole:
            return undisturbed(cases[number], Place(folder / f"{number}-whole", inputs))

        def disturbed(number: int) -> None:
            tally, whole = tallies[number], wholes[number]
            chance = random.Random(f"{seed} {tally.case.name}")
            try:
                while tally.kills < each and len(tally.faults) < 5:
                    place = Place(folder / f"{number}-{tally.runs}", inputs)
                    victim = Victim(tally.case, whole, place, chance)
                    victim.run(tally, min(EACH, each - tally.kills))
            except AssertionError as error:
                tally.faults.append(f"{tally.case.name}: {error}")
            print(*tally.row(), *faults([tally]), sep="  ", file=sys.stderr, flush=True)

        wholes = list(threads.map(measured, range(len(cases))))
        list(threads.map(disturbed, range(len(cases))))
    return tallies


def table(tallies: Sequence[Tally]) -> str:
    """One row per case, as docs/reliability.md has it."""
    heads = ["verb", "kills", "runs", "byte-equal", "bad finals", "leftovers", "other faults"]
    total = Counter[int]()
    rows = [tally.row() for tally in tallies]
    for row in rows:
        total.update({place: int(value) for place, value in enumerate(row) if place})
    rows.append(["all", *(str(total[place]) for place in range(1, len(heads)))])
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def faults(tallies: Sequence[Tally]) -> list[str]:
    """Whatever must not be."""
    return [word for one in tallies for word in (*one.bad, *one.left, *one.faults)]


def main() -> int:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    cases = [c for c in CASES if not sys.argv[2:] or any(w in c.name for w in sys.argv[2:])]
    seed = int(os.environ.get("LATTY_CHAOS_SEED") or time.time_ns() % 10**9)
    print(f"{kills} kills, LATTY_CHAOS_SEED={seed}", flush=True)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="latty-chaos-") as folder:
        tallies = run(kills, seed, Path(folder), cases)
    print(table(tallies))
    found = faults(tallies)
    print(*found, sep="\n")
    print(f"{time.monotonic() - begun:.0f} s; {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
