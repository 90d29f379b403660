"""The last picture is seen, dimmed, before the engine is up; never that of another scene."""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from studio import Keys, made, reports, run, settled, text, until

from latty import home
from latty.errors import Missing
from latty.scene import Edit, Scene, Walk
from latty_tui.app import Studio
from latty_tui.drawing import last
from latty_tui.drawing.encoding import dimmed
from latty_tui.drawing.picture import RawPicture

SCENE = Scene("demo", 7, 0.8)
PICTURE = RawPicture(bytes(range(48)), 4, 4)
SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")


def left_at(*keys: str) -> RawPicture:
    """What a studio shows that is left after some keys."""

    shown: list[RawPicture] = []

    async def press(pilot: Keys) -> None:
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        shown.append(pilot.app.picture.pixels.picture)  # type: ignore[attr-defined]

    run(press)
    return shown[0]


def opened_again(so: Callable[[Studio], bool]) -> None:
    """Of a studio whose engine does not come up something is so."""

    async def whole() -> None:
        app = made()
        app.engine.command = SLEEPS
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: "opening demo" in text(app) and so(app), "as it was left")
            await pilot.pause(0.2)
            assert so(app)

    asyncio.run(asyncio.wait_for(whole(), 60))
    assert not reports()


def test_the_last_picture_is_there_before_the_engine() -> None:
    picture = left_at("n", "n")

    def as_left(app: Studio) -> bool:
        view = app.picture.pixels
        same = view.picture is not None and view.picture.pixels == picture.pixels
        return same and view.is_dimmed  # it does not pass for a new one

    opened_again(as_left)


def test_the_true_picture_takes_its_place() -> None:
    left_at("n")

    async def keys(pilot: Keys) -> None:
        assert "as it was left" not in text(pilot)
        assert not pilot.app.picture.pixels.is_dimmed  # type: ignore[attr-defined]

    run(keys)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def _foreign(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" * 9)


def _huge(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(2**21))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _bomb(path: Path) -> None:
    import zlib

    head, _, _ = path.read_bytes().partition(b"\n")
    path.write_bytes(head + b"\n" + zlib.compress(bytes(2**27)))


def _wide(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"width": ', b'"width": 1e9'))


@pytest.mark.parametrize("harm", [_cut, _foreign, _huge, _pipe, _bomb, _wide, Path.unlink])
def test_a_damaged_or_foreign_one_is_none(harm: Callable[[Path], object]) -> None:
    last.keep([SCENE], 1, PICTURE)
    (path,) = last.folder().iterdir()
    harm(path)
    assert last.find([SCENE], 1) is None


def test_a_damaged_one_is_not_told() -> None:
    left_at("n")
    for path in last.folder().iterdir():
        _cut(path)
    opened_again(lambda app: app.picture.pixels.picture is None)


def test_no_other_scene_is_shown(tmp_path: Path) -> None:
    """Another seed, edit or model, a grid, a model or a set that is another file by now."""
    set_file, model = tmp_path / "own.safetensors", tmp_path / "model.onnx"
    for path in (set_file, model):
        path.write_bytes(b"first")
    own = replace(SCENE, model=str(model), edits=(Edit(f"{set_file}#c0", 1.0),))
    for scene in (SCENE, own):
        last.keep([scene], 1, PICTURE)
        assert last.find([scene], 1) == PICTURE
    others = [replace(SCENE, seed=8), replace(SCENE, model="portraits"), replace(own, edits=())]
    assert not any(last.find([scene], 1) for scene in others)
    assert last.find([SCENE, SCENE], 2) is None
    for path in (set_file, model):
        path.write_bytes(b"another")
        assert last.find([own], 1) is None
        last.keep([own], 1, PICTURE)
    assert len(list(last.folder().iterdir())) == 4


def test_a_lock_that_is_another_file_is_another_picture(tmp_path: Path) -> None:
    lock = tmp_path / "own.safetensors"
    lock.write_bytes(b"first")
    scene = replace(SCENE, locks=(f"{lock}#c0",))
    last.keep([scene], 1, PICTURE)
    assert last.find([scene], 1) == PICTURE
    lock.write_bytes(b"another")
    assert last.find([scene], 1) is None


@pytest.mark.parametrize("seed", [7, Walk((1, "own#0")), Walk((1, 2), around="own#0")])
def test_no_stored_latent_is_kept(seed: int | Walk) -> None:
    scene = replace(SCENE, seed=seed, latent="own#0" if seed == 7 else None)
    with pytest.raises(Missing):
        last.keep([scene], 1, PICTURE)


def test_a_file_that_changed_since_the_picture_was_asked_for_keeps_none(tmp_path: Path) -> None:
    """It may show what was in the file before."""
    model, other = tmp_path / "model.onnx", tmp_path / "other.onnx"
    for path in (model, other):
        path.write_bytes(b"first")
        os.utime(path, (0, 0))
    scene, asked = replace(SCENE, model=str(model)), time.time_ns()
    last.keep([scene], 1, PICTURE, asked)
    assert last.find([scene], 1) == PICTURE
    time.sleep(0.05)  # more than a tick of the clock of files
    other.replace(model)
    last.keep([scene], 1, PICTURE, asked)
    assert last.find([scene], 1) is None


def test_only_some_are_kept_and_nothing_of_others_goes() -> None:
    for seed in range(last.KEPT + 5):
        last.keep([replace(SCENE, seed=seed)], 1, PICTURE)
        (last.folder() / "notes.txt").write_text("mine")
    assert len(list(last.folder().glob("*.picture"))) == last.KEPT
    assert (last.folder() / "notes.txt").exists()
    assert last.folder().is_relative_to(home.cache_dir())


def test_dimmed_is_darker() -> None:
    assert max(dimmed(PICTURE).pixels) < max(PICTURE.pixels)
