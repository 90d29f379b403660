"""Disks that are full, read-only or limited: one line, exit 74, the old file intact, work kept."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from places import ROOT
from toy_generator import Toy

from latty import models, presets, render
from latty.errors import OutputError
from latty.render import Options, work

NAMES = ("a.gif", "b.mp4", "c.webm", "d.webp", "e.png", "f/")
OLD = b"the old file"


def tables(names: tuple[str, ...] = NAMES, size: int = 32) -> dict[str, Any]:
    edit = {"direction": "seed:9", "strength": {"from": 0, "to": 1}}
    scene = {"model": "toy", "seed": 7, "size": size, "edits": [edit]}
    outputs = [{"path": name} for name in names]
    return {"schema": 1, "name": "disk", "frames": 5, "scene": scene, "outputs": outputs}


def preset(names: tuple[str, ...] = NAMES, size: int = 32) -> presets.Preset:
    return presets.from_dict(tables(names, size), "disk.toml")


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "open_model", lambda ref, device="auto": Toy())


class Disk:
    """Counts the writes to all files opened by the render and fails at the chosen one."""

    def __init__(self, fail_at: int, code: int) -> None:
        self.left, self.code = fail_at, code

    def open(self, path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = original_open(path, mode, *rest, **more)
        return File(file, self) if mode in ("wb", "r+b") else file

    def use(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise OSError(self.code, os.strerror(self.code))


original_open = Path.open


class File:
    def __init__(self, file: Any, disk: Disk) -> None:
        self.file, self.disk = file, disk

    def write(self, data: Any) -> int:
        self.disk.use()
        return int(self.file.write(data))

    def __getattr__(self, name: str) -> Any:
        if name == "fileno":
            raise AttributeError(name)
        return getattr(self.file, name)

    def __enter__(self) -> "File":
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()


def content(path: Path) -> bytes:
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return b"".join(file.read_bytes() for file in files)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_fault_at_every_write(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = replace(preset((name,), 16), frames=3)
    render.write(made, Options(tmp_path / "whole", batch=2))
    whole = content(tmp_path / "whole" / name)
    for k in range(1, 400):
        options = Options(tmp_path / str(k), batch=2, overwrite=True)
        target = options.out_dir / name
        options.out_dir.mkdir()
        if not name.endswith("/"):
            target.write_bytes(OLD)
        disk = Disk(k, [errno.ENOSPC, errno.EDQUOT, errno.EIO][k % 3])
        monkeypatch.setattr(Path, "open", lambda path, *a, disk=disk, **b: disk.open(path, *a, **b))
        try:
            render.write(made, options)
        except OutputError as error:
            monkeypatch.setattr(Path, "open", original_open)
            assert error.exit_code == 74
            assert "\n" not in str(error)
            assert name.rstrip("/") in str(error)
            assert target.read_bytes() == OLD if not name.endswith("/") else not target.exists()
            render.write(made, options)
            assert content(target) == whole
            assert list(options.out_dir.iterdir()) == [target]
        else:
            if k == 1:  # tests/files/test_faults.py strikes what another opener writes
                pytest.skip("no write of it goes through Path.open")
            return
    pytest.fail("never got through")


def test_the_finished_pictures_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault while the file is encoded costs no picture."""
    made, drawn = preset(("a.gif",)), []
    disk = Disk(1, errno.ENOSPC)  # pictures are written through the handle of their folder
    monkeypatch.setattr(Path, "open", lambda path, *a, **b: disk.open(path, *a, **b))
    with pytest.raises(OutputError, match="No space left"):
        render.write(made, Options(tmp_path))
    monkeypatch.setattr(Path, "open", original_open)
    left = {p.name for p in (tmp_path / "a.gif.latty-work").iterdir()}
    assert left == {".latty", "lock", "pictures", "recipe.json"}
    render.write(made, Options(tmp_path), lambda n, _, what: drawn.append((what, n)))
    assert drawn[0] == ("frames", 5)


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
models.open_model = lambda ref, device="auto": Toy()
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    preset = presets.from_dict({table!r}, "disk.toml")
    render.write(preset, render.Options(Path({out!r}), overwrite=True))
except LattyError as error:
    print(error)
    sys.exit(error.exit_code)
"""


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
