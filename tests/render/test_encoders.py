"""Outputs are written while their pictures are drawn: at once, whole, and ended with them."""

import shutil
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from latty import presets, process, render
from latty.errors import BadData, Interrupted, OutputError
from latty.presets.formats import Pixels
from latty.render import Options
from latty.render.film import Reel
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


@pytest.fixture
def in_time() -> Iterator[None]:
    """Who waits for ever is told after a minute."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


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


@pytest.mark.parametrize("path", ["b.mp4", "a.gif", "f/"])
@pytest.mark.parametrize("why", ["a signal", "no room for a text"])
def test_no_half_of_a_file_stays_where_its_writing_is_broken_off(
    why: str, path: str, tmp_path: Path
) -> None:
    """In the work folder, beside the pictures, which do."""
    text = {"text": [{"value": "W" * 90, "start": "50%"}]} if why != "a signal" else {}

    def stop(done: int, total: int, what: str) -> None:
        if why == "a signal" and done >= total // 2:
            raise Interrupted(15)

    with pytest.raises(Interrupted if why == "a signal" else BadData):
        render.write(preset({"path": path, "size": 32}, **text), Options(tmp_path), stop)
    work = tmp_path / f"{Path(path).name}.latty-work"
    assert (work / "pictures").stat().st_size and not (work / Path(path).name).exists()


@pytest.mark.usefixtures("in_time")
@pytest.mark.parametrize("rates", [(16, 8), (8, 16)])
def test_memory_that_is_short_holds_up_no_film_of_other_times(
    rates: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second film has all its pictures of the first, which drew them in smaller batches than
    its writer waits for."""
    draw = Painter.__call__

    def short(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        if len(scenes) > 4:
            raise MemoryError
        return draw(painter, scenes)

    monkeypatch.setattr(Painter, "__call__", short)
    films = [{"path": f"{rate}.gif", "fps": rate} for rate in rates]
    scene = {"model": "demo", "seed": {"walk": [1, 2, 1]}}
    table = {"schema": 1, "name": "x", "seconds": 1, "scene": scene, "outputs": films}
    # who waits looks once more meanwhile, and waits again
    render.write(presets.from_dict(table, "x.toml"), Options(tmp_path), lambda *_: time.sleep(0.05))
    assert len(contents(tmp_path)) == 2 and not writers()


@pytest.mark.usefixtures("in_time")
def test_damaged_pictures_of_films_are_drawn_again_by_one_writer_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each batch once, though two writers meet it; generators are made for one thread."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    draw, at_once, drawn = Painter.__call__, list[int](), list[int]()

    def slow(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        at_once.append(0)
        drawn.append(len(at_once))
        time.sleep(0.05)
        pixels = draw(painter, scenes)
        at_once.pop()
        return pixels

    films = [{"path": "a.gif"}, {"path": "b.mp4"}, {"path": "c.webp"}]
    made = preset(*films, panels=[{"seed": 1}, {"seed": 2}], frames=4)
    render.write(made, Options(tmp_path / "whole", frame_cache=10**9))
    kept = [one for one in (tmp_path / "home/cache/frames").iterdir() if not one.suffix]
    for one in kept:
        data = bytearray(one.read_bytes())
        for end in range(len(data), 500, -(64 * 64 * 3 + 24)):
            data[end - 100] ^= 1
        one.write_bytes(data)
    monkeypatch.setattr(Painter, "__call__", slow)
    render.write(made, Options(tmp_path / "again", frame_cache=10**9))
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")
    assert len(kept) == 2 and drawn == [1] * 2, "all of a batch at once"


def test_a_signal_ends_a_writer_that_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All is drawn, and a GIF looks through its frames for their palette."""
    read, seen, last = Reel.__getitem__, list[int](), list[int]()

    def slow(reel: Reel, index: int) -> Pixels:
        time.sleep(0.05)
        seen.append(index)
        return read(reel, index)

    def report(done: int, total: int, what: str) -> None:
        if what == "frames" and done == total:
            last.append(len(seen))

    monkeypatch.setattr(Reel, "__getitem__", slow)
    monkeypatch.setattr(process, "stopped", lambda: 15 if last else 0)
    with pytest.raises(Interrupted):
        render.write(preset({"path": "a.gif"}), Options(tmp_path), report)
    assert len(seen) < FRAMES // 2 and not writers() and not contents(tmp_path)
