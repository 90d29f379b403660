"""Disks that are full, read-only or limited: one line, exit 74, the old file intact, work kept."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fault_verbs
import numpy as np
import pytest
from fault_rules import Trial
from faults import FAIL, Disk, Fault, Runner, put, tree
from places import ROOT
from toy_generator import Toy

from latty import models, presets, render
from latty.errors import OutputError
from latty.render import Options, work

NAMES = ("a.gif", "b.mp4", "c.webm", "d.webp", "e.png", "f/")
OLD = b"the old file"
OVER, OTHER = " --force", "render p.toml -q --set scene.seed=9"


def tables(names: tuple[str, ...] = NAMES, size: int = 32) -> dict[str, Any]:
    edit = {"direction": "seed:9", "strength": {"from": 0, "to": 1}}
    scene = {"model": "toy", "seed": 7, "size": size, "edits": [edit]}
    outputs = [{"path": name} for name in names]
    return {"schema": 1, "name": "disk", "frames": 5, "scene": scene, "outputs": outputs}


def preset(names: tuple[str, ...] = NAMES, size: int = 32) -> presets.Preset:
    return presets.from_dict(tables(names, size), "disk.toml")


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "open_model", lambda ref, device="auto", precision="fp32": Toy())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(Disk(tmp_path_factory.mktemp("disk")), tmp_path_factory.mktemp("said"))
    yield runner
    runner.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_fault_at_every_write(name: str, run: Runner) -> None:
    """Be it of a picture that is kept, or of the file; what a render can do without ends nothing.
    tests/files/test_faults.py has every other call."""
    trial = Trial(fault_verbs.render(name, name, words=OVER, frames=3, first=(OTHER,)), run)
    struck = set()
    for at, call in enumerate(trial.calls, 1):
        if not call.startswith("write "):
            continue
        error = (errno.ENOSPC, errno.EDQUOT, errno.EIO)[at % 3]
        done, wrong = trial.wrongs(Fault(at, FAIL, error))
        assert done.struck and not wrong, "\n".join(wrong) or (call, done)
        spared = "/home/cache/" in call or call.endswith("lock")
        assert done.code == (0 if spared else 74), (call, done)
        assert spared or name.rstrip("/") in done.err, (call, done)
        struck.add(Path(call.split()[1]).name)
    assert "pictures" in struck and any(".recipe.json." in one for one in struck)


@pytest.mark.slow
def test_the_finished_pictures_are_kept(run: Runner) -> None:
    """A fault while the file is encoded costs no picture."""
    put(run.disk.root, fault_verbs.preset("a.gif"))
    words, work = ("render", "p.toml", "-q"), "/here/renders/a.gif.latty-work"
    state = tree(run.disk.root)
    calls = run(*words).calls
    put(run.disk.root, state)
    at = calls.index(f"write {work}/a.gif") + 1
    done = run(*words, fault=Fault(at, FAIL, errno.ENOSPC))
    assert done.code == 74 and "No space left" in done.err
    left = {path.name for path in (run.disk.root / work[1:]).iterdir()}
    assert left == {".latty", "lock", "pictures", "recipe.json"}
    again = run(*words)
    assert again.code == 0 and f"write {work}/a.gif" in again.calls
    assert f"write {work}/pictures" in calls and f"write {work}/pictures" not in again.calls


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small file system; skips where that is not allowed."""
    folder = tmp_path / "mount"
    folder.mkdir()

    def mount(options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no mount here")
        if done.returncode:
            pytest.skip("mounting is not allowed here")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True, check=False)


def test_a_disk_that_is_really_full(mounted: Callable[[str], Path]) -> None:
    folder = mounted("size=256k")
    made = preset(("a.gif", "b.mp4"), 96)
    (folder / "a.gif").write_bytes(OLD)
    (folder / "ballast").write_bytes(b"x" * 200_000)
    with pytest.raises(OutputError, match="No space left"):
        render.write(made, Options(folder, overwrite=True, ignore_space=True))
    assert (folder / "a.gif").read_bytes() == OLD
    assert not (folder / "b.mp4").exists()
    (folder / "ballast").unlink()
    render.write(made, Options(folder, overwrite=True, ignore_space=True))
    assert sorted(p.name for p in folder.iterdir()) == ["a.gif", "b.mp4"]


def test_a_read_only_disk(mounted: Callable[[str], Path]) -> None:
    folder = mounted("size=256k,ro")
    with pytest.raises(OutputError, match="Read-only") as caught:
        render.write(preset(("a.gif",)), Options(folder))
    assert "--out-dir" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(OutputError, match="Permission denied"):
        render.write(preset(("a.gif",)), Options(tmp_path / "x"))
    tmp_path.chmod(0o755)


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(OLD)
    made = preset(("a.gif",))
    with pytest.raises((OutputError, Exception)) as caught:
        render.write(made, Options(tmp_path / "x"))
    assert caught.value.exit_code in (65, 74)  # type: ignore[attr-defined]


LIMITED = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {support!r})
from toy_generator import Toy
from latty import models, presets, render
from latty.errors import LattyError
models.open_model = lambda ref, device="auto", precision="fp32": Toy()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    preset = presets.from_dict({table!r}, "disk.toml")
    render.write(preset, render.Options(Path({out!r}), overwrite=True))
except LattyError as error:
    print(error)
    sys.exit(error.exit_code)
"""


@pytest.mark.slow
def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_bytes(OLD)
    table = tables(("a.gif",), 96)
    support = str(ROOT / "tests/support")
    code = LIMITED.format(support=support, table=table, out=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 74, done.stderr
    assert done.stdout.count("\n") == 1
    assert "File too large" in done.stdout
    assert (tmp_path / "a.gif").read_bytes() == OLD


def test_the_needed_space_counts_pictures_that_are_there(tmp_path: Path) -> None:
    free = 10**6
    assert work.too_small(tmp_path / "x", 0) == ""
    assert "MB" in work.too_small(tmp_path / "x", free * 10**9)


def test_batches_do_not_change_what_is_drawn(tmp_path: Path) -> None:
    made = replace(preset(("f/",)), frames=7)
    for batch in (1, 3):
        render.write(made, Options(tmp_path / str(batch), batch=batch))
    from PIL import Image

    for i in range(7):
        a, b = (np.asarray(Image.open(tmp_path / n / "f" / f"{i:05}.png")) for n in "13")
        assert np.abs(a.astype(int) - b).max() <= 1
