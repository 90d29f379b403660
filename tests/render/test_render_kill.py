"""Renders killed at random moments: no partial file, no lost batch, always the same bytes.

Run as a program this file is the victim: it imports everything once, then for each folder named on
stdin forks a child that renders into it, and tells its process id and how it ended.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
import pytest

NAMES = ("a.gif", "b.mp4", "c.png", "d/")
FRAMES, BATCH = 24, 3


def serve() -> None:
    """The victim's loop."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
    from toy_generator import Toy

    from latty import models, presets, render
    from latty.errors import Interrupted, LattyError
    from latty.presets.formats import WRITERS

    for name in WRITERS.names():
        WRITERS.load(name)

    class Slow(Toy):
        def synthesis(self, *rest, **more):  # type: ignore[no-untyped-def]
            time.sleep(0.02)
            return super().synthesis(*rest, **more)

    models.open_model = lambda ref, device="auto", precision="fp32": Slow()  # type: ignore[assignment]
    edit = {"direction": "seed:9", "strength": {"from": 0, "to": 1}}
    scene = {"model": "toy", "seed": 7, "size": 64, "edits": [edit]}
    outputs = [{"path": name} for name in NAMES]
    data = {"schema": 1, "name": "kill", "frames": FRAMES, "scene": scene, "outputs": outputs}
    preset = presets.from_dict(data, "kill.toml")
    caught: list[int] = []

    def report(done: int, total: int, what: str) -> None:
        if caught:
            raise Interrupted(caught[0])

    def child(folder: str) -> int:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda signum, _: caught.append(signum))
        try:
            render.write(preset, render.Options(Path(folder), batch=BATCH), report)
        except LattyError as error:
            print(f"{error}", file=sys.stderr)
            return error.exit_code
        return 0

    for line in sys.stdin:
        pids = []
        for folder in line.strip().split("\t"):
            pids.append(os.fork())
            if not pids[-1]:
                os._exit(child(folder))
        print(*pids, flush=True)
        print(*(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for p in pids), flush=True)


# 73: stopped after everything had its name but before the cleaning up. That is success too.
DONE = (0, 73)


class Victim:
    """The process that forks children to be killed."""

    def __init__(self, words: Path) -> None:
        self.words = words
        with words.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def render(self, folder: Path, number: int = 0, wait: Callable[[], object] = bool) -> int:
        """Exit status of one render, sent signal `number` when `wait` returns."""
        sent, answered = self._pipes()
        print(folder, file=sent, flush=True)
        pid = int(answered.readline())
        if number:
            wait()
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return int(answered.readline())

    def twice(self, folder: Path) -> list[int]:
        """Exit statuses of two renders at the same time."""
        sent, answered = self._pipes()
        print(folder, folder, sep="\t", file=sent, flush=True)
        answered.readline()
        return [int(word) for word in answered.readline().split()]

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin
        assert self.process.stdout
        return self.process.stdin, self.process.stdout

    def close(self) -> None:
        for pipe in self._pipes():
            pipe.close()
        self.process.wait(20)


def content(path: Path) -> bytes:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return b"".join(file.read_bytes() for file in files)


def finals(folder: Path) -> dict[str, bytes]:
    names = [name.rstrip("/") for name in NAMES]
    return {name: content(folder / name) for name in names if (folder / name).exists()}


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    made = Victim(tmp_path_factory.mktemp("victim") / "stderr")
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(victim: Victim, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an uninterrupted render writes, and how long it takes."""
    folder = tmp_path_factory.mktemp("whole")
    assert victim.render(folder) == 0, victim.words.read_text()
    assert len(finals(folder)) == len(NAMES)
    return finals(folder)


def kept(folder: Path) -> int:
    """Whole batches on disk, in pictures."""
    from latty.render.journal import Journal

    for path in folder.glob("a.gif.latty-work/pictures"):
        line = path.read_bytes().split(b"\n", 1)[0]
        key = line[9 : 9 + 64].decode(errors="replace")
        with Journal(path, key) as journal:
            return len(journal)
    return 0


@pytest.mark.slow
def test_kill_9_at_random_moments(victim: Victim, whole: dict[str, bytes], tmp_path: Path) -> None:
    chance, kills, rounds, most = random.Random(1), 0, 0, 0
    begun = time.monotonic()
    assert victim.render(tmp_path / "undisturbed") in DONE
    took = time.monotonic() - begun  # a loaded machine takes longer to get anywhere
    while kills < 40:
        rounds += 1
        folder, before = tmp_path / str(rounds), 0
        for _ in range(60):
            pause = partial(time.sleep, chance.uniform(0, took))
            status = victim.render(folder, signal.SIGKILL, pause)
            for name, data in finals(folder).items():
                assert data == whole[name], f"{name} is partial or differs"
            if status in DONE:
                break
            kills += status == -signal.SIGKILL
            if not finals(folder):  # once names appear the work folder may be gone
                now = kept(folder)
                assert now >= before, f"{before} pictures were on disk, now {now}"
                before = now
                most = max(most, now)
        else:
            assert victim.render(folder) in DONE
        assert victim.render(folder) in DONE, victim.words.read_text()
        assert finals(folder) == whole
    assert most > 0  # some were killed in the middle


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_stop_after_the_batch_and_say_how_to_go_on(
    number: int, code: int, victim: Victim, whole: dict[str, bytes], tmp_path: Path
) -> None:
    journal = tmp_path / "x" / "a.gif.latty-work" / "pictures"

    def a_batch_is_there() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if journal.exists() and journal.stat().st_size > 16 * 16 * 3 * BATCH:
                return
            time.sleep(0.002)

    assert victim.render(tmp_path / "x", number, a_batch_is_there) == code
    assert finals(tmp_path / "x") == {}
    assert "the same command goes on" in victim.words.read_text()
    assert kept(tmp_path / "x") > 0
    assert victim.render(tmp_path / "x") == 0
    assert finals(tmp_path / "x") == whole
    assert len(list((tmp_path / "x").iterdir())) == len(NAMES)


@pytest.mark.slow
def test_two_processes_on_one_output(
    victim: Victim, whole: dict[str, bytes], tmp_path: Path
) -> None:
    for i in range(5):
        assert sorted(victim.twice(tmp_path / str(i))) == [0, 75]
        assert finals(tmp_path / str(i)) == whole
    assert "another process is writing a.gif" in victim.words.read_text()


def test_the_victim_draws_something(whole: dict[str, bytes], tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "a.gif").write_bytes(whole["a.gif"])
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == FRAMES
        assert np.asarray(picture.convert("RGB")).std() > 10


@pytest.mark.parametrize("most", [(), ("--set", "outputs.0.max_bytes=20kB")])
@pytest.mark.parametrize("step", [0, 1, 6])
def test_a_kill_while_the_index_is_moved_gives_no_half_film_a_name(
    step: int, most: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same command then writes the same film."""
    from cli_in_process import latty
    from cli_process import write_preset
    from forked import forked

    from latty.render.headers import boxes, exactly

    words = ("render", str(write_preset(tmp_path, frames=8)), *most)
    assert latty(*words, "-o", "whole/x.mp4", home=tmp_path).returncode == 0

    def killed() -> int:
        left = step

        def read(file: BinaryIO, count: int) -> bytes:
            nonlocal left
            left -= count > 16  # the index, then the film, a block at a time
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return exactly(file, count)

        monkeypatch.setattr(boxes, "exactly", read)
        monkeypatch.setattr(boxes, "BLOCK", 128)
        return latty(*words, "-o", "x.mp4", home=tmp_path).returncode

    assert forked(killed) == -signal.SIGKILL
    assert not (tmp_path / "x.mp4").exists()
    whole = (tmp_path / "whole/x.mp4").read_bytes()
    (draft,) = tmp_path.glob("x.mp4.latty-work/x.mp4")
    assert draft.read_bytes() != whole
    done = latty(*words, "-o", "x.mp4", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "x.mp4").read_bytes() == whole
    assert not list(tmp_path.glob("*.latty-work"))


if __name__ == "__main__":
    serve()
