"""Shards on two Ray nodes of this machine's loopback: the same bytes, whatever dies; no entry
without the token. Ray takes long to start: one cluster for all of these tests."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, latty, write_preset
from places import LIMIT, ROOT
from processes import wait

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: latty[ray]"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are read from /proc"),
    pytest.mark.xdist_group("ray"),
]
MB = 1_000_000
SEARCH = ("discover", "ganspace", "portraits", "--components", "6", "--samples")
SAMPLES = "24000"  # six pieces


def free_ports(count: int) -> list[str]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def ours(mark: str) -> dict[int, str]:
    """Processes whose command line has `mark`, a folder that only this test knows."""
    found = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdecimal() and mark in (text := (folder / "cmdline").read_text()):
                found[int(folder.name)] = text.replace("\0", " ")
    return found


def end(mark: str) -> None:
    for _ in range(50):
        for pid in ours(mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not ours(mark):
            return
        time.sleep(0.1)


@dataclass
class Cluster:
    """Two nodes of one CPU each."""

    address: str
    token: str
    folder: Path
    home: Path
    starters: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def words(self) -> tuple[str, ...]:
        return ("--engine", "ray", "--address", self.address)

    def variables(self, **more: str) -> dict[str, str]:
        known = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, "HOME": str(self.home)}
        return {**known, "PYTHONPATH": str(ROOT / "tests/support"), **more}

    def start(self, node: int) -> None:
        # not 127.0.0.1: Ray takes that for the address on the network
        place, ip = self.folder / str(node), f"127.0.0.{node + 1}"
        port, listen, metrics = (self.address.split(":")[1], *free_ports(2))
        words = ["--node-ip-address", ip, "--num-cpus", "1", "--object-store-memory", str(80 * MB),
                 "--temp-dir", str(place), "--disable-usage-stats", "--block",
                 "--dashboard-agent-listen-port", listen, "--metrics-export-port", metrics,
                 "--include-log-monitor", "false"]  # fmt: skip
        if node == 1:
            words += ["--head", "--port", port, "--include-dashboard", "false"]
        else:
            words += ["--address", self.address]
        log = self.folder / f"node-{node}.log"
        variables = {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONUNBUFFERED": "1"}
        with log.open("wb") as file:
            starter = subprocess.Popen(
                [sys.executable, "-m", "ray.scripts.scripts", "start", *words], stdout=file,
                stderr=file, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**environment(self.home), **self.variables(**variables)},
            )  # fmt: skip
        self.starters.append(starter)

        def up() -> bool:
            assert starter.poll() is None, log.read_text()
            return "runtime started" in log.read_text()

        wait(up)

    def node(self, number: int) -> dict[int, str]:
        return ours(str(self.folder / str(number)))

    def kill(self, number: int) -> None:
        end(str(self.folder / str(number)))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="lr-", dir="/tmp"))  # sockets have short names only
    address = f"127.0.0.2:{free_ports(1)[0]}"
    made = Cluster(address, secrets.token_hex(32), folder, tmp_path_factory.mktemp("nobody"))
    try:
        made.start(1)
        made.start(2)
        yield made
    finally:
        end(str(folder))
        for starter in made.starters:
            starter.wait(LIMIT)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one process finds."""
    home = tmp_path_factory.mktemp("inline")
    done = latty(*SEARCH, SAMPLES, "-o", "x.safetensors", home=home)
    assert done.returncode == 0, done.stderr
    return (home / "x.safetensors").read_bytes()


def pieces(home: Path) -> list[Path]:
    return list((home / "home/state/discover").glob("*/piece-*.safetensors"))


def workers(cluster: Cluster, node: int) -> list[int]:
    """Processes of a node that are at a task."""
    raylets = [pid for pid, text in cluster.node(node).items() if "raylet/raylet" in text]
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdecimal() and "portable" in (folder / "cmdline").read_text():
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                found += [int(folder.name)] if parent in raylets else []
    return found


def test_the_same_bytes_when_a_worker_and_a_node_are_killed(
    cluster: Cluster, inline: bytes, tmp_path: Path
) -> None:
    words = [
        *SEARCH,
        SAMPLES,
        "-o",
        "x.safetensors",
        "--engine",
        "ray",
        "--address",
        cluster.address,
    ]
    log = tmp_path / "log"
    with log.open("wb") as file:
        driver = subprocess.Popen(
            [*COMMAND, *words], cwd=tmp_path, stderr=file, stdout=file,
            env=environment(tmp_path, **cluster.variables()),
        )  # fmt: skip
    try:
        wait(lambda: workers(cluster, 1) or workers(cluster, 2))
        early = 1 if workers(cluster, 1) else 2
        os.kill(workers(cluster, early)[0], signal.SIGSTOP)  # or it does all, alone
        wait(lambda: workers(cluster, 3 - early) or driver.poll() is not None)
        os.kill(workers(cluster, 2)[0], signal.SIGSTOP)  # so that it cannot be over too soon
        os.kill(workers(cluster, 1)[0], signal.SIGKILL)
        before = len(pieces(tmp_path))
        wait(lambda: len(pieces(tmp_path)) > before)
        cluster.kill(2)
        assert not cluster.node(2) and driver.poll() is None
        assert driver.wait(LIMIT) == 0, log.read_text()
    finally:
        driver.kill()
        driver.wait()
    assert (tmp_path / "x.safetensors").read_bytes() == inline


def test_the_same_bytes_after_a_node_came_back(
    cluster: Cluster, inline: bytes, tmp_path: Path
) -> None:
    cluster.start(2)
    done = latty(
        *SEARCH, SAMPLES, "-o", "x.safetensors", "--engine", "ray",
        home=tmp_path, **cluster.variables(RAY_ADDRESS=cluster.address),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.safetensors").read_bytes() == inline


POOL = """
import json, os, signal, sys, threading, time
import pool_tasks as tasks
from latty.jobs.pool import opened
address, folder = sys.argv[1:]
told = {}
def errors(pool):
    for kind in ("value", "device", "interrupted", "refusal", "foreign"):
        error = pool.submit(tasks.fail, kind).exception(60)
        told[kind] = [type(error).__name__, str(error), getattr(error, "exit_code", None)]
with opened("ray", ["cpu"], address) as pool:
    errors(pool)
    told["order"] = tasks.spread(pool, tasks.noted, [(folder, n) for n in range(9)])
    told["once"] = [len(open(f"{folder}/ran-{n}").readlines()) for n in range(1, 9)]
    calls = [("RAY_AUTH_MODE",)] * 10
    told["processes"] = len(dict(tasks.spread(pool, tasks.environment, calls)))
    os.remove(f"{folder}/ran-0")
    told["died"] = str(pool.submit(tasks.die, folder, signal.SIGSEGV, 99).exception(120))
    told["tries"] = len(open(f"{folder}/ran-0").readlines())
    slow = pool.submit(tasks.noted, folder, 20, 60)
    while not os.path.exists(f"{folder}/ran-20"):
        time.sleep(0.05)
    begun = time.monotonic()
    told["cancelled"] = slow.cancel()
    pid = int(open(f"{folder}/ran-20").read())
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < begun + 20:
        time.sleep(0.05)
    told["gone after"] = time.monotonic() - begun
    told["next"] = pool.submit(tasks.noted, folder, 21).result(60)
print(json.dumps(told))
"""


def test_a_set_of_presets_renders_on_both_nodes(cluster: Cluster, tmp_path: Path) -> None:
    presets = [write_preset(tmp_path, name=name, frames=2) for name in ("one", "two", "three")]
    names = [preset.name for preset in presets]
    plain = latty("render", *names, "--out-dir", "plain", home=tmp_path)
    assert plain.returncode == 0, plain.stderr
    done = latty("render", *names, "--out-dir", "ray", *cluster.words, home=tmp_path,
                 **cluster.variables())  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == sorted(f"ray/{p.stem}.gif" for p in presets)
    for preset in presets:
        files = [tmp_path / folder / f"{preset.stem}.gif" for folder in ("plain", "ray")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_film_is_drawn_by_both_nodes(cluster: Cluster, tmp_path: Path) -> None:
    film = write_preset(tmp_path, name="film", frames=40, suffix="mp4").name
    plain = latty("render", film, "--out-dir", "plain", home=tmp_path, LATTY_FRAME_CACHE="0")
    assert plain.returncode == 0, plain.stderr
    done = latty("render", film, "--out-dir", "ray", *cluster.words, home=tmp_path,
                 **cluster.variables(LATTY_FRAME_CACHE="0"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "40 frames" in done.stderr
    files = [tmp_path / folder / "film.mp4" for folder in ("plain", "ray")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_it_behaves_as_the_local_pool_does(cluster: Cluster, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(POOL)
    done = subprocess.run(
        [sys.executable, str(script), cluster.address, str(tmp_path)],
        env=environment(tmp_path, **cluster.variables()),
        capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)  # of Ray's own words there is none on stdout
    assert told["value"] == ["ValueError", "a wrong value", None]
    assert told["device"] == ["DeviceError", "no device (take another)", 69]
    assert told["interrupted"] == ["Interrupted", "interrupted (go on)", 143]
    assert told["refusal"][0] == "Refusal" and told["refusal"][2] == 65
    assert told["foreign"][:2] == ["RuntimeError", "Foreign: 1 and 2"]
    assert told["order"] == [n * n for n in range(9)] and told["once"] == [1] * 8
    assert told["processes"] <= 4, "they are warm"
    assert "lost 3 times" in told["died"] and told["tries"] == 3
    assert told["cancelled"] and told["gone after"] < 15 and told["next"] == 441


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"RAY_AUTH_TOKEN": ""}, 78, "no token"),
        ({"RAY_AUTH_MODE": "disabled"}, 78, "code from anybody"),
        ({"RAY_AUTH_TOKEN": "0" * 64}, 69, "no Ray cluster at"),
    ],
)
def test_nobody_joins_without_the_token(
    change: dict[str, str], code: int, words: str, cluster: Cluster, tmp_path: Path
) -> None:
    variables = {k: v for k, v in cluster.variables(**change).items() if v}
    done = latty(
        *SEARCH, SAMPLES, *cluster.words,
        home=tmp_path, **variables,
    )  # fmt: skip
    assert done.returncode == code and words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_ends_it_and_the_rest_is_kept(
    cluster: Cluster, inline: bytes, tmp_path: Path
) -> None:
    words = [
        *SEARCH,
        SAMPLES,
        "-o",
        "x.safetensors",
        "--engine",
        "ray",
        "--address",
        cluster.address,
    ]
    variables = environment(tmp_path, **cluster.variables())
    driver = subprocess.Popen(
        [*COMMAND, *words], cwd=tmp_path, env=variables, stderr=subprocess.DEVNULL
    )
    wait(lambda: pieces(tmp_path))
    driver.send_signal(signal.SIGINT)
    assert driver.wait(LIMIT) == 130
    kept = {file: file.stat().st_mtime_ns for file in pieces(tmp_path)}
    done = latty(*SEARCH, SAMPLES, "-o", "x.safetensors", home=tmp_path)
    assert done.returncode == 0 and kept, done.stderr
    assert (tmp_path / "x.safetensors").read_bytes() == inline


def at_home(home: Path) -> list[Path]:
    """Processes that have this home, by what the kernel says."""
    mark, found = f"LATTY_HOME={home / 'home'}".encode(), []
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdecimal() and mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(folder)
    return found


@pytest.mark.parametrize("killed", [False, True], ids=["done", "killed"])
def test_a_cluster_of_its_own_is_for_its_owner_alone_and_ends(
    killed: bool, inline: bytes, tmp_path: Path
) -> None:
    place = Path(tempfile.mkdtemp(prefix="lr-", dir="/tmp"))
    variables = environment(tmp_path, HOME=str(tmp_path), RAY_TMPDIR=str(place))
    words = [*COMMAND, *SEARCH, SAMPLES, "-o", "x.safetensors", "--engine", "ray"]
    driver = subprocess.Popen(words, cwd=tmp_path, env=variables, stderr=subprocess.DEVNULL)
    try:
        wait(lambda: pieces(tmp_path))
        (folder,) = place.iterdir()
        assert folder.stat().st_mode & 0o077 == 0 and [*folder.glob("ray/session_*")]
        if killed:
            driver.kill()
        assert driver.wait(LIMIT) == (-signal.SIGKILL if killed else 0)
        wait(lambda: not at_home(tmp_path), 90)  # some of Ray's own look every half minute
        assert killed or not [*place.iterdir()]
    finally:
        driver.kill()
        for left in at_home(tmp_path):
            os.kill(int(left.name), signal.SIGKILL)
        shutil.rmtree(place)
    assert killed or (tmp_path / "x.safetensors").read_bytes() == inline
