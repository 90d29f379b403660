"""ONNX models and scorers in jobs: the files of a run without --detach, and no process left."""

from collections.abc import Callable
from pathlib import Path

import hostile_networks as hostile
import onnx_files
import pytest
from cli_process import latty
from processes import wait

pytestmark = pytest.mark.slow
PRESET = """\
schema = 1
name = "net"
frames = 4
[scene]
model = "net.onnx"
seed = { walk = [1, 2, 1] }
[[outputs]]
path = "net.gif"
"""


def model(folder: Path) -> tuple[str, ...]:
    (folder / "net.onnx").write_bytes(onnx_files.Recipe().data())
    (folder / "net.toml").write_text(PRESET)
    return ("render", "net.toml")


def scorer(folder: Path) -> tuple[str, ...]:
    (folder / "judge.onnx").write_bytes(hostile.GOOD)
    (folder / "judge.toml").write_text(hostile.CARD.format(name="judge"))
    done = latty("import", "judge.toml", home=folder)
    assert done.returncode == 0, done.stderr
    return ("rank", "demo", "--scorers", "judge", "--directions", "smile", "--seeds", "0",
            "--steps", "3", "-o", "out/ranked")  # fmt: skip


def left(folder: Path) -> list[str]:
    """The processes that see this home."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"LATTY_HOME={folder}".encode() in environ.read_bytes():
                found.append((environ.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("make", [model, scorer])
def test_a_job_writes_what_a_run_does(
    make: Callable[[Path], tuple[str, ...]], tmp_path: Path
) -> None:
    words = make(tmp_path)
    assert latty(*words, "--out-dir", "out", home=tmp_path).returncode == 0
    (tmp_path / "out").rename(tmp_path / "before")
    handed = latty(*words, "--out-dir", "out", "--detach", home=tmp_path)
    assert handed.returncode == 0, handed.stderr
    watched = latty("jobs", "watch", handed.stdout.strip(), home=tmp_path)
    assert watched.returncode == 0, watched.stdout + watched.stderr
    files = sorted(one for one in (tmp_path / "before").rglob("*") if one.is_file())
    assert files
    for one in files:
        assert (tmp_path / "out" / one.relative_to(tmp_path / "before")).read_bytes() == (
            one.read_bytes()
        ), one
    wait(lambda: not left(tmp_path))
