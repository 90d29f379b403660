"""ONNX networks of strangers: refused by name, or run in a process that can take and do no more."""

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hostile_networks as hostile
import numpy as np
import onnx
import onnxruntime
import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from google.protobuf.message import DecodeError
from odd_files import make
from onnx_files import Recipe, opened
from places import LIMIT
from processes import alive, children, gone, kill, wait

from latty import process
from latty.checkpoints import onnxfile
from latty.checkpoints.protobuf import Schema
from latty.checkpoints.refusals import Refusal
from latty.errors import BadData, DeviceError, Interrupted
from latty.models.onnx_session import OnnxSession

PICTURES = {"x": np.random.RandomState(1).randn(2, 3, 16, 16).astype(np.float32)}


def scorer(folder: Path, data: bytes) -> str:
    """A card and its network; the card's path."""
    (folder / "net.onnx").write_bytes(data)
    (folder / "net.toml").write_text(hostile.CARD.format(name="net"))
    return str(folder / "net.toml")


@pytest.fixture
def session() -> Iterator[OnnxSession]:
    yield opened(hostile.GOOD)


def child_of(session: OnnxSession) -> int:
    found = session._process
    assert found is not None
    return found.child.pid


# --- before it runs -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile.REFUSED)
def test_it_is_refused_by_name_before_anything_runs(name: str, tmp_path: Path) -> None:
    data, words = hostile.REFUSED[name]
    card, others = scorer(tmp_path, data), children()
    (tmp_path / "secret.bin").write_bytes(bytes(16))
    begun = time.process_time()
    for verb in (["import", card], ["import", "net.onnx"], ["sample", "net.onnx"]):
        run = latty(*verb, home=tmp_path)
        assert (run.returncode, run.stderr.count("\n")) == (65, 1), run.stderr
        assert words in run.stderr and "net.onnx" in run.stderr
    assert time.process_time() - begun < 6
    assert children() <= others  # one of an earlier test may have ended meanwhile
    assert not [*tmp_path.glob("home/data/scorers/*.toml")]


def spelt(message: Any, random: np.random.RandomState) -> list[bytes]:
    """The fields of a message in one of protobuf's other spellings: long varints, fields in any
    order, lists packed or not, messages in pieces, and fields that nobody knows."""
    parts = [[hostile.piece(4000, b"nobody knows")]]
    for field, held in message.ListFields():
        values = list(held) if field.is_repeated else [held]
        found = [one for value in values for one in spellings(field, value, random)]
        whole = field.type in (field.TYPE_INT64, field.TYPE_INT32)
        if field.is_repeated and whole and random.rand() < 0.5:
            numbers = b"".join(hostile.varint(value % 2**64) for value in values)
            found = [hostile.piece(field.number, numbers, random.randint(1, 5))]
        if whole and not field.is_repeated:  # the last counts
            found = [*spellings(field, 5, random), *found]
        parts.append(found)
    return [one for i in random.permutation(len(parts)) for one in parts[i]]


def spellings(field: Any, value: Any, random: np.random.RandomState) -> list[bytes]:
    """A value as the pieces of a field, several of a message that is no list."""
    if field.message_type:
        parts = spelt(value, random)
        cut = 0 if field.is_repeated else random.randint(len(parts))
        pieces = (
            [b"".join(parts[cut:])] if not cut else [b"".join(parts[:cut]), b"".join(parts[cut:])]
        )
        return [hostile.piece(field.number, one, random.randint(1, 5)) for one in pieces]
    if isinstance(value, int):
        number = hostile.varint(value % 2**64, random.randint(1, 11))
        return [hostile.varint(field.number << 3, random.randint(1, 5)) + number]
    data = value.encode() if isinstance(value, str) else value
    return [hostile.piece(field.number, data, random.randint(1, 5))]


def written(network: onnxfile.Network) -> bytes:
    pieces, size = network.code(network.version)
    data = b"".join(pieces)
    assert len(data) == size
    return data


def graph(data: bytes) -> onnx.GraphProto:
    """As onnx itself reads it, without what no network is run from."""
    model = onnx.load_from_string(data)
    model.DiscardUnknownFields()
    prune(model.graph, onnxfile.GRAPH)
    return model.graph


def prune(message: Any, schema: Schema) -> None:
    """Leave the fields of a schema alone."""
    for field, held in message.ListFields():
        known = schema.get(field.number)
        if known is None:
            message.ClearField(field.name)
        elif isinstance(known.kind, dict):
            for one in held if field.is_repeated else [held]:
                prune(one, known.kind)


@pytest.mark.parametrize("recipe", [Recipe(label="index", last=True), Recipe(dtype="float16")])
def test_what_is_run_is_what_was_read_in_any_spelling(recipe: Recipe) -> None:
    data = recipe.data()
    model, random = onnx.load_from_string(data), np.random.RandomState(0)
    assert graph(written(onnxfile.read(memoryview(data)))) == graph(data)
    for _ in range(50):
        odd = b"".join(spelt(model, random))
        assert odd != data and graph(odd) == graph(data)
        assert graph(written(onnxfile.read(memoryview(odd)))) == graph(data)


def test_what_is_run_of_a_damaged_file_is_what_others_read() -> None:
    """Thousands of files: refused, or given to onnxruntime as protobuf itself reads them."""
    data, random, both = Recipe(z_dim=2, height=2, width=2).data(), np.random.RandomState(0), 0
    for _ in range(3000):
        bad = bytearray(data)
        for _ in range(random.randint(1, 4)):
            bad[random.randint(len(bad))] = random.randint(256)
        try:
            found = written(onnxfile.read(memoryview(bytes(bad))))
            others = graph(bytes(bad))
        except Refusal as refusal:
            assert "\n" not in str(refusal)
        except DecodeError:  # of onnx, which is stricter: it is not asked
            assert written(onnxfile.read(memoryview(found))) == found
        else:
            assert graph(found) == others
            both += 1
    assert both > 300


@pytest.mark.parametrize("kind", ["fifo", "device", "sparse"])
@pytest.mark.parametrize("name", ["net.onnx", "net.toml"])
def test_only_files_are_read(name: str, kind: str, tmp_path: Path) -> None:
    card = scorer(tmp_path, hostile.GOOD)
    (tmp_path / name).unlink()
    make(tmp_path / name, kind)
    for verb, file in (("import", card), ("inspect", name), ("sample", name)):
        run = latty(verb, file, home=tmp_path)
        assert run.returncode in (65, 66) and run.stderr.count("\n") == 1, run.stderr
        assert name in run.stderr
        if (kind, verb) == ("sparse", "inspect"):
            assert "zeros" in run.stderr


# --- while it runs --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hostile.HONEST)
def test_what_only_looks_odd_gives_what_it_gave(name: str, tmp_path: Path) -> None:
    data = hostile.HONEST[name](tmp_path)
    alone = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for ours, theirs in zip(opened(data).run(PICTURES), alone.run(None, PICTURES), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", hostile.GREEDY)
def test_memory_is_bounded(name: str, tmp_path: Path) -> None:
    card = scorer(tmp_path, hostile.GREEDY[name])
    run = latty("import", card, home=tmp_path, LATTY_ONNX_MEMORY="1", LATTY_ONNX_SECONDS="20")
    assert (run.returncode, run.stderr.count("\n")) == (65, 1), run.stderr
    assert "net.onnx" in run.stderr and not [*tmp_path.glob("home/data/scorers/*.toml")]


def test_time_is_bounded_and_grows_with_the_batch() -> None:
    others, found = children(), opened(hostile.slow())
    found.seconds = 1  # opening it takes its own time, more on a busy machine
    begun = time.monotonic()
    with pytest.raises(BadData, match=r"net.onnx did not answer within 2 s .*LATTY_ONNX_SECONDS"):
        found.run(PICTURES)
    assert 2 <= time.monotonic() - begun < 8 and children() == others


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL, signal.SIGSEGV])
def test_a_child_that_ends_is_one_line_and_the_next_run_starts_another(
    number: signal.Signals, session: OnnxSession
) -> None:
    wanted = session.run(PICTURES)
    first = child_of(session)
    kill(first, signal.SIGSTOP)  # it is there, and does not answer
    seconds, session.seconds = session.seconds, 0.1
    with pytest.raises(BadData, match=r"did not answer within 0\.2 s"):
        session.run(PICTURES)
    session.seconds = seconds
    assert not alive(first)
    session.run(PICTURES)
    second = child_of(session)
    kill(second, signal.SIGSTOP)
    kill(second, number)
    kill(second, signal.SIGCONT) if number != signal.SIGKILL else None
    with pytest.raises(DeviceError, match=f"was ended by {number.name}") as caught:
        session.run(PICTURES)
    assert "\n" not in str(caught.value)
    np.testing.assert_array_equal(session.run(PICTURES)[0], wanted[0])
    assert len({first, second, child_of(session)}) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_busy_child_although_its_parent_does_not_hear_it(
    number: signal.Signals,
) -> None:
    """As in workers and in the engine, which leave such signals to others."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        found = opened(hostile.slow())
    finally:
        signal.signal(number, before)
    child = child_of(found)
    begun, idle = time.monotonic(), ticks(child)

    def end() -> None:
        wait(lambda: ticks(child) > idle + 20)
        kill(child, number)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(end)
        with pytest.raises(DeviceError, match=f"was ended by {number.name}.*somebody ended it"):
            found.run(PICTURES)
    assert time.monotonic() - begun < 20 and not alive(child)


def test_a_network_outlives_the_thread_that_opened_it() -> None:
    with ThreadPoolExecutor(1) as pool:
        session = pool.submit(opened, hostile.GOOD).result()
    first = child_of(session)
    time.sleep(0.1)  # the kernel has time to tell of the end of a thread
    session.run(PICTURES)
    assert child_of(session) == first


def test_a_copy_of_a_process_lets_the_child_of_the_first_live(session: OnnxSession) -> None:
    wanted, first = session.run(PICTURES), child_of(session)
    if (pid := os.fork()) == 0:
        try:
            same = np.array_equal(session.run(PICTURES)[0], wanted[0])
            del session
            os._exit(0 if same else 1)
        finally:
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    np.testing.assert_array_equal(session.run(PICTURES)[0], wanted[0])
    assert child_of(session) == first


def test_a_process_of_many_open_files_runs_networks() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("no process here has more than 1024 open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    try:
        with ExitStack() as files:
            for _ in range(1100):
                files.enter_context(Path(os.devnull).open())
            opened(hostile.GOOD).run(PICTURES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_signal_that_asks_to_stop_ends_a_long_run(monkeypatch: pytest.MonkeyPatch) -> None:
    others, found = children(), opened(hostile.slow())
    monkeypatch.setattr(process, "stopped", lambda: signal.SIGTERM)
    begun = time.monotonic()
    with pytest.raises(Interrupted) as caught:
        found.run(PICTURES)
    assert caught.value.exit_code == 143 and time.monotonic() - begun < 5 and children() == others


@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL"])
@pytest.mark.slow
def test_the_child_ends_with_its_parent(number: str, tmp_path: Path) -> None:
    """At once, by any signal to the parent alone, whatever onnxruntime does meanwhile."""
    words = [*COMMAND, "import", scorer(tmp_path, hostile.slow())]
    with subprocess.Popen(words, cwd=tmp_path, env=environment(tmp_path), stderr=subprocess.PIPE,
                          text=True) as run:  # fmt: skip
        try:
            wait(lambda: busy(children(run.pid)))
            found = children(run.pid)
            os.kill(run.pid, signal.Signals[number])
            code = run.wait(5)
            assert all(gone(pid, 2) for pid in found), "it runs on"
        finally:
            run.kill()
        said = run.stderr.read() if run.stderr else ""
    assert code == (-9 if number == "SIGKILL" else 128 + signal.Signals[number])
    assert "Traceback" not in said and said.count("\n") <= 1


def busy(pids: set[int]) -> bool:
    """Whether one has worked for a while, with more than its imports."""
    return any(ticks(pid) > 100 for pid in pids)


def ticks(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])
    except OSError:
        return 0


def test_the_child_is_given_nothing_but_pipes(session: OnnxSession, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        found = opened(hostile.GOOD)
    handles = sorted(Path(f"/proc/{child_of(found)}/fd").iterdir())
    kinds = {str(one.readlink()).partition(":")[0] for one in handles}
    assert kinds <= {"pipe", "/dev/null", "/dev/urandom"}, kinds
    assert Path(f"/proc/{child_of(found)}/cwd").readlink() == Path("/")
    limits = Path(f"/proc/{child_of(found)}/limits").read_text().splitlines()
    assert all(one.split()[-3:-1] == ["0", "0"] for one in limits if " file size" in one)


def test_nothing_is_left_when_nobody_uses_a_network() -> None:
    others = children()
    session = opened(hostile.GOOD)
    assert len(children() - others) == 1
    del session
    assert children() == others


@pytest.mark.slow
def test_a_network_works_in_workers_and_gives_the_same(tmp_path: Path) -> None:
    card, tables = scorer(tmp_path, hostile.GOOD), []
    words = ["rank", "demo", "--directions", "smile,yaw", "--scorers", card, "--seeds", "0-1"]
    for i, more in enumerate(([], ["--workers", "2"])):
        words += ["--steps", "3", "-o", f"out{i}", *more]
        run = subprocess.run([*COMMAND, *words], cwd=tmp_path, env=environment(tmp_path),
                             capture_output=True, timeout=LIMIT, check=False)  # fmt: skip
        assert run.returncode == 0, run.stderr.decode()
        tables.append(next(tmp_path.glob(f"**/out{i}/*.csv")).read_bytes())
    assert tables[0] == tables[1]
