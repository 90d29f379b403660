"""Two commands that write one name: the second ends at once and says who is at it."""

import os
import subprocess
import time
from pathlib import Path

import pytest
from cli_in_process import latty as in_process
from cli_process import COMMAND, environment, latty, write_preset
from processes import wait

from latty import locks

FIRST = {
    "render": (("render", "tiny.toml", "--set", "frames=4000"), "renders/tiny.gif.latty-work/lock"),
    "rank": (("rank", "portraits-random", "--seeds", "0-200", "-o", "out/r"), "out/.r.lock"),
    "traverse": (("traverse", "portraits-random", "--seeds", "0-200", "-o", "out/t"),
                 "out/t.latty-work/lock"),
    "edit": (("edit", "portraits", "--attribute", "smile", "--to", "9", "--steps", "9999",
              "--step", "0.001", "-o", "out/w.gif"), "out/w.gif.latty-work/lock"),
    "sample": (("sample", "demo", "--seeds", "0-4000", "--size", "512", "-o", "out/s.png"),
               "out/s.png.latty-work/lock"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("verb", FIRST)
def test_the_second_writer_of_a_name_is_told_who_is_at_it(verb: str, tmp_path: Path) -> None:
    write_preset(tmp_path)
    words, lock = FIRST[verb]
    first = subprocess.Popen(
        [*COMMAND, *words],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(lambda: (tmp_path / lock).exists() and (tmp_path / lock).read_text())
        begun = time.monotonic()
        second = latty(*words, home=tmp_path)
        assert time.monotonic() - begun < 10  # 0.3 s where nobody else computes
        assert first.poll() is None, "the first is still at it"
    finally:
        first.terminate()
        first.wait(60)
    assert second.returncode == 75, second.stderr
    assert second.stderr.count("\n") == 1
    assert f"(process {first.pid}, latty {verb} " in second.stderr


@pytest.mark.parametrize("words", [
    ("export", "demo/yaw", "--as", "npy", "-o", "out/one.npy"),
    ("rank", "portraits-random", "--seeds", "0", "-o", "out/one.npy"),
], ids=["export", "rank"])  # fmt: skip
def test_what_is_written_at_once_is_locked_too(words: tuple[str, ...], tmp_path: Path) -> None:
    with locks.writing(tmp_path / "out/one.npy"):
        done = in_process(*words, home=tmp_path)
    assert done.returncode == 75 and f"(process {os.getpid()}, " in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not list((tmp_path / "out").iterdir())
