"""One name of a store, one writer: the second ends at once and says who the first is."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from loopback import Server, serving
from places import LIMIT
from processes import wait
from store_verbs import NAME, VERBS

from latty import home, locks
from latty.directions import manage
from latty.directions.store import SETS
from latty.errors import Locked
from latty.store import Store

FIRST = "smile"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def variables(folder: Path) -> dict[str, str]:
    return {"LATTY_ZOO": str(folder / "zoo.toml"), "no_proxy": "127.0.0.1"}


def place(store: Store, folder: Path) -> Path:
    return folder / "home" / "data" / store.folder().name / f"{NAME}{store.suffix}"


@pytest.mark.parametrize("verb", VERBS)
def test_a_name_that_is_being_written_is_not_worked_for(
    verb: str, tmp_path: Path, server: Server
) -> None:
    words_of, store = VERBS[verb]
    words = words_of(tmp_path, 0, server)
    with locks.writing(place(store, tmp_path)):
        begun = time.thread_time()
        done = latty(*words, home=tmp_path, **variables(tmp_path))
        took = time.thread_time() - begun
    assert done.returncode == 75 and took < 1 and not server.asked
    told = f"another process is writing {NAME}{store.suffix} (process {os.getpid()}, latty"
    assert told in done.stderr and done.stderr.count("\n") == 1 and done.stdout == ""
    assert not list(place(store, tmp_path).parent.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_of_two_at_once_one_wins(verb: str, tmp_path: Path, server: Server) -> None:
    """The first is stopped while it works, so that the second meets it."""
    words_of, store = VERBS[verb]
    target, more = place(store, tmp_path), variables(tmp_path)
    words = words_of(tmp_path, 0, server)
    alone = tmp_path / "alone"
    alone.mkdir()
    assert latty(*words, home=alone, **more).returncode == 0
    first = subprocess.Popen([*COMMAND, *words], cwd=tmp_path, env=environment(tmp_path, **more),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    lock = target.with_name(f".{target.name}.lock")
    wait(lambda: first.poll() is not None or f"process {first.pid}," in locks.holder(lock))
    first.send_signal(signal.SIGSTOP)
    try:
        assert first.poll() is None and not target.exists()
        begun = os.times()
        second = subprocess.run([*COMMAND, *words_of(tmp_path, 1, server)], cwd=tmp_path,
                                env=environment(tmp_path, **more), capture_output=True,
                                text=True, check=False)  # fmt: skip
        ended = os.times()
    finally:
        first.send_signal(signal.SIGCONT)
    out, err = first.communicate(timeout=LIMIT)
    assert second.returncode == 75 and f"(process {first.pid}, latty {words[0]}" in second.stderr
    spent = ended.children_user + ended.children_system
    assert spent - begun.children_user - begun.children_system < 1, "seconds of processor time"
    assert (first.returncode, out) == (0, f"{NAME}\n"), err
    made = {file.name: file.read_bytes() for file in target.parent.iterdir()}
    assert made == {file.name: file.read_bytes() for file in place(store, alone).parent.iterdir()}


@pytest.mark.parametrize("plant", [Path.mkdir, os.mkfifo])
def test_what_is_no_file_is_not_searched_for(plant: object, tmp_path: Path) -> None:
    plant(tmp_path / "x.safetensors")  # type: ignore[operator]
    words = ("discover", "random", "portraits", "-o", "x.safetensors", "--force")
    done = latty(*words, home=tmp_path)
    assert done.returncode == 73 and "is in the way: it is no file" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


def test_searches_without_a_name_get_one_each(tmp_path: Path) -> None:
    """The usual name is being written by the other one."""
    taken = tmp_path / "home/data/directions/portraits-random-2.safetensors"
    with locks.writing(taken):
        done = latty("discover", "random", "portraits", "--samples", "20", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "portraits-random-3\n"), done.stderr


def test_a_set_that_is_being_written_is_not_changed() -> None:
    """Nor one that another studio changes now: both would write what they had read before."""
    shipped = home.shipped_dir() / "directions/demo.safetensors"
    own = Path(manage.copied(str(shipped), FIRST))
    before = own.read_bytes()
    with locks.writing(own):
        for change in (
            lambda: manage.rename(str(own), FIRST, "other"),
            lambda: manage.flip(str(own), FIRST),
            lambda: manage.delete(str(own), [FIRST]),
            lambda: manage.delete_set(str(own)),
            lambda: manage.rename_set(str(own), "other"),
            lambda: manage.copied(str(shipped), FIRST),
        ):
            with pytest.raises(Locked, match="writing my-demo"):
                change()
    with locks.writing(SETS.place("other")), pytest.raises(Locked, match=r"writing other\."):
        manage.rename_set(str(own), "other")
    assert own.read_bytes() == before and [*own.parent.iterdir()] == [own]
