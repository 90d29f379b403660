"""Edits whose directions are gone: the picture is drawn without them, they are marked, and nothing
loses them. Real files and the engine that draws."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_in_process import latty
from studio import Keys, run, said, settled, text, until

from latty import home, presets, render
from latty.scene import Edit, Scene

pytestmark = [pytest.mark.usefixtures("here"), pytest.mark.slow]

GOOD, LOST = Edit("demo/smile", 2.0), Edit("mine/yaw", 1.5)


def damaged(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:300])


def of_another_model(file: Path) -> None:
    shutil.copy(home.shipped_dir() / "directions" / "portraits.safetensors", file)


def emptied(file: Path) -> None:
    shutil.copy(home.shipped_dir() / "directions" / "demo-activations.safetensors", file)


# What happens to a set outside, and what is said of it then.
OUTSIDE: dict[str, tuple[Callable[[Path], object], str]] = {
    "deleted": (Path.unlink, "no direction set 'mine'"),
    "damaged": (damaged, "mine.safetensors"),
    "of another model": (of_another_model, "made for portraits"),
    "without it": (emptied, "no direction 'yaw' in mine"),
}


def the_set() -> Path:
    """A set of the user's own, for demo."""
    file = home.directions_dir() / "mine.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(home.shipped_dir() / "directions" / "demo.safetensors", file)
    return file


def shows(pilot: Keys, scene: Scene) -> bool:
    """Whether the picture on the screen is that of a scene."""
    app: Any = pilot.app
    pixels = app.picture.pixels
    if not pixels.display or pixels.picture is None:
        return False
    wanted = render.picture(scene, "cpu")
    return bool(np.array_equal(np.frombuffer(pixels.picture.pixels, np.uint8), wanted.ravel()))


def marks(pilot: Keys) -> list[str]:
    """What stands before each edit."""
    panel: Any = pilot.app.panel("edits")  # type: ignore[attr-defined]
    return [panel.line(i, 40)[0].text.strip() for i in range(panel.count())]


@pytest.mark.parametrize("how", OUTSIDE)
def test_a_set_that_changes_outside_leaves_the_picture_and_the_stack(how: str, here: Path) -> None:
    file, (change, why) = the_set(), OUTSIDE[how]

    async def keys(pilot: Keys) -> None:
        app: Any = pilot.app
        app.change(app.state.added(LOST).added(GOOD), "two edits")
        await settled(pilot)
        whole = app.state.shown
        assert shows(pilot, whole) and marks(pilot) == ["", ""]
        change(file)
        await pilot.press("n")
        await settled(pilot)
        scene = app.state.shown
        await until(pilot, lambda: shows(pilot, Scene("demo", scene.seed, scene.truncation,
                                                      edits=(GOOD,))), "drawn without")  # fmt: skip
        assert scene.edits == (LOST, GOOD) and marks(pilot) == ["✗", ""]
        assert "drawn without yaw" in said(pilot) and why in said(pilot)
        await pilot.press("ctrl+o", "e", "up")
        await until(pilot, lambda: why[:12] in text(pilot), "the border says why")
        await pilot.press("u", "ctrl+r")  # through steps with it
        await settled(pilot)
        assert app.state.shown == scene and marks(pilot) == ["✗", ""]
        await pilot.press("p", *"face", "enter")
        await until(pilot, lambda: Path("face.toml").exists() and not app.dialogs, "saved")
        assert presets.read("face.toml").scene.edits == (LOST, GOOD)

    async def again(pilot: Keys) -> None:
        app: Any = pilot.app
        assert app.state.scene.edits == (LOST, GOOD) and marks(pilot) == ["✗", ""]
        the_set()
        await pilot.press("n")
        await settled(pilot)
        await until(pilot, lambda: marks(pilot) == ["", ""], "it is back")
        assert shows(pilot, app.state.shown)

    run(keys, ref="demo", real=True)
    render_it = latty("render", str(here / "face.toml"), home=here, LATTY_HOME=str(home.data_dir()))
    assert render_it.returncode in (65, 66), render_it.stderr
    run(again, real=True)


def test_a_preset_that_names_what_is_not_there_is_opened(here: Path) -> None:
    (here / "face.toml").write_text(
        'schema = 1\nname = "face"\n[scene]\nmodel = "demo"\nseed = 4\nlocks = ["gone/age"]\n'
        '[[scene.edits]]\ndirection = "gone/yaw"\n[[scene.edits]]\ndirection = "demo/smile"\n'
        '[[scene.edits]]\ndirection = "demo/age"\nconditions = ["gone/yaw"]\n'
    )

    async def keys(pilot: Keys) -> None:
        app: Any = pilot.app
        await pilot.press("colon", *"face.toml", "enter")
        await until(pilot, lambda: app.state.name == "face", "it is opened")
        await settled(pilot)
        await until(pilot, lambda: shows(pilot, Scene("demo", 4, edits=(Edit("demo/smile"),))))
        assert marks(pilot) == ["✗", "", "✗¬", "✗!"]
        await pilot.press("p", "enter")
        await until(pilot, lambda: not app.dialogs, "saved")
        kept = presets.read(here / "face.toml").scene
        assert kept.edits == app.state.scene.edits and kept.locks == ("gone/age",)

    run(keys, ref="demo", real=True)
