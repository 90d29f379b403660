"""Outputs are written while their pictures are drawn: at once, whole, and ended with them."""

import shutil
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from latty import presets, render
from latty.errors import Interrupted, OutputError
from latty.presets.formats import Pixels
from latty.render import Options
from latty.render.pixels import Painter
from latty.scene import Scene

FRAMES = 40


def preset(*outputs: dict[str, Any], **more: Any) -> presets.Preset:
    edit = {"direction": "seed:9", "strength": {"from": 0, "to": 1}}
    scene = {"model": "demo", "seed": 7, "edits": [edit]}
    table = {"schema": 1, "name": "x", "frames": FRAMES, "scene": scene, "outputs": [*outputs]}
    return presets.from_dict(table | more, "x.toml")


BOTH = preset({"path": "a.gif"}, {"path": "b.mp4"})


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each call draws."""
    found: list[int] = []
    draw = Painter.__call__

    def counted(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        found.append(len(scenes))
        return draw(painter, scenes)

    monkeypatch.setattr(Painter, "__call__", counted)
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def writers() -> list[str]:
    """Threads of writers that have not ended."""
    return [one.name for one in threading.enumerate() if one.name.startswith("writer")]


def test_frames_are_written_before_the_last_one_is_drawn(tmp_path: Path) -> None:
    """The drawing waits for its folder of frames: they come while it is at its last batch."""
    seen = list[int]()

    def report(done: int, total: int, what: str) -> None:
        if what == "frames" and done == total - 8:
            frames, end = tmp_path / "f.latty-work/f", time.monotonic() + 60
            while time.monotonic() < end and len([*frames.glob("*.png")]) < done:
                time.sleep(0.01)
            seen.append(len([*frames.glob("*.png")]))

    render.write(preset({"path": "f/"}), Options(tmp_path), report)
    assert seen == [FRAMES - 8] and len([*(tmp_path / "f").iterdir()]) == FRAMES


def test_what_is_said_comes_stage_by_stage(tmp_path: Path) -> None:
    said = list[tuple[str, int]]()
    render.write(BOTH, Options(tmp_path), lambda done, total, what: said.append((what, done)))
    stages = [what for i, (what, _) in enumerate(said) if i == 0 or said[i - 1][0] != what]
    assert stages == ["frames", "gif", "mp4"]
    for suffix in ("gif", "mp4"):
        assert [done for what, done in said if what == suffix] == [*range(1, FRAMES + 1)]


def test_a_writer_that_fails_ends_the_drawing(tmp_path: Path, drawn: list[int]) -> None:
    """Somebody removes the folder into which it writes."""

    def report(done: int, total: int, what: str) -> None:
        if frames := [*tmp_path.glob("f.latty-work/f/*.png")]:
            shutil.rmtree(frames[0].parent, ignore_errors=True)

    with pytest.raises(OutputError, match=r"cannot write f"):
        render.write(preset({"path": "f/"}, frames=4000), Options(tmp_path), report)
    assert 0 < sum(drawn) < 4000 and not writers()
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("stage", ["frames", "gif", "mp4"])
def test_an_interruption_ends_all_writers_and_nothing_is_lost(
    stage: str, tmp_path: Path, drawn: list[int]
) -> None:
    whole = tmp_path / "whole"
    render.write(BOTH, Options(whole))

    def stop(done: int, total: int, what: str) -> None:
        if what == stage and done >= total // 2:
            raise Interrupted(15)

    folder = tmp_path / "again"
    drawn.clear()
    with pytest.raises(Interrupted):
        render.write(BOTH, Options(folder), stop)
    assert not writers() and not contents(folder)
    before = sum(drawn)
    render.write(BOTH, Options(folder))
    assert sum(drawn) == FRAMES and before >= FRAMES // 2
    assert contents(folder) == contents(whole)
