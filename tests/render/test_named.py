"""What a picture's recipe may name: the store's, by name or content, and files below its folder."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from PIL import Image

from latty.directions.store import SETS
from latty.models.store import MODELS
from latty.render import provenance
from latty.render.writers import png

EDIT = {"direction": "demo/smile", "strength": 1.0}


def picture(path: Path, scene: dict[str, Any], **more: Any) -> Path:
    """A picture whose recipe says that scene."""
    table = {"model": "demo", "seed": 1, "size": 16, **scene}
    preset = {"schema": 1, "name": "x", "scene": table, "outputs": [{"path": "x.png"}]}
    recipe = {"schema": 1, "preset": preset, "batches": [[0, 8]], **more}
    path.parent.mkdir(parents=True, exist_ok=True)
    png.save(np.zeros((4, 4, 3), np.uint8), path, provenance.canonical(recipe))
    return path


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A folder with pictures; beside it one with a real model and a real set."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for name, store in {"model": MODELS, "set": SETS}.items():
        shutil.copy(store.find("demo"), outside / f"{name}.safetensors")
    (tmp_path / "pictures/below").mkdir(parents=True)
    return tmp_path


PLACES = {
    "absolute": "{outside}/{file}",
    "through ..": "../outside/{file}",
    "down and up": "below/../../outside/{file}",
    "a link that leads out": "below/link/{file}",
    "a linked file": "below/linked-{file}",
    "in the working folder": "outside/{file}",
    "home": "~/outside/{file}",
    "the web": "http://127.0.0.1:9/{file}",
    "not there": "{file}",
    "a device": "/dev/zero",
    "a pipe": "{outside}/pipe",
}
NAMED = {
    "model": ("model", "model.safetensors", {}),
    "direction": ("edits.0.direction", "set.safetensors#smile", {"edits": [EDIT]}),
    "lock": ("locks.0", "set.safetensors#smile", {"locks": ["demo/smile"]}),
    "condition": ("edits.0.conditions.0", "set.safetensors#smile",
                  {"edits": [{**EDIT, "conditions": ["demo/age"]}]}),
    "latents": ("latent", "set.safetensors#0", {"latent": "x#0"}),
}  # fmt: skip


def naming(what: str, place: str, there: Path) -> tuple[str, dict[str, Any]]:
    """The key of a scene, and the scene that says a file of that place there."""
    key, file, scene = NAMED[what]
    name, mark, rest = file.partition("#")
    ref = PLACES[place].format(outside=there / "outside", file=name) + mark + rest
    for link in ("below/link", f"below/linked-{name}"):
        path = there / "pictures" / link
        if not path.is_symlink():
            path.symlink_to(there / "outside" / ("" if link.endswith("link") else name))
    if not (there / "outside/pipe").exists():
        os.mkfifo(there / "outside/pipe")
    scene = {**scene, "edits": [dict(one) for one in scene.get("edits", [])]}
    holder: Any = scene
    *way, last = (int(part) if part.isdecimal() else part for part in key.split("."))
    for part in way:
        holder[part] = type(holder[part])(holder[part])
        holder = holder[part]
    holder[last] = ref
    return key, {k: v for k, v in scene.items() if v != []}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("what", NAMED)
def test_no_other_file_is_opened(what: str, place: str, there: Path) -> None:
    key, scene = naming(what, place, there)
    picture(there / "pictures/x.png", scene)
    done = latty("render", "pictures/x.png", home=there, HOME=str(there))
    assert done.returncode == 66, done.stderr
    assert done.stderr.count("\n") == 1
    assert f"--set scene.{key}=..." in done.stderr and "x.png names the " in done.stderr
    again = latty("check", "pictures/x.png", home=there, HOME=str(there))
    assert (again.returncode, again.stderr) == (66, done.stderr)


@pytest.mark.parametrize("ref", ["hello", "/dev/zero", "../outside/pipe", "../outside/x.toml"])
def test_no_preset_is_opened_for_a_panel(ref: str, there: Path) -> None:
    os.mkfifo(there / "outside/pipe")
    (there / "outside/x.toml").write_text("secret")
    path = picture(there / "pictures/x.png", {})
    recipe = provenance.read(path)
    recipe["preset"]["panels"] = [{"preset": ref}]
    png.save(np.zeros((4, 4, 3), np.uint8), path, provenance.canonical(recipe))
    for verb in ("render", "check"):
        done = latty(verb, "pictures/x.png", home=there)
        assert (done.returncode, done.stderr.count("\n")) == (65, 1), done.stderr
        assert "panels.0.preset: names a preset" in done.stderr


@pytest.mark.parametrize("what", ["model", "direction", "lock", "condition"])
def test_what_the_user_names_is_opened_wherever_it_lies(what: str, there: Path) -> None:
    key, scene = naming(what, "absolute", there)
    picture(there / "pictures/x.png", scene)
    mine = "outside/" + NAMED[what][1]
    done = latty("render", "pictures/x.png", "--set", f'scene.{key}="{mine}"', home=there)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("what", ["model", "direction"])
def test_a_file_below_the_pictures_folder(what: str, there: Path) -> None:
    file = NAMED[what][1].partition("#")[0]
    shutil.copy(there / "outside" / file, there / "pictures/below" / file)
    scene = {"model": f"below/{file}"} if what == "model" else {
        "edits": [{**EDIT, "direction": f"below/{file}#smile"}]}  # fmt: skip
    picture(there / "pictures/x.png", scene)
    for folder, path in ((there, "pictures/x.png"), (there / "pictures", "x.png")):
        done = latty("render", path, home=folder)
        assert done.returncode == 0, done.stderr


def test_all_that_is_to_be_named_is_told_at_once(there: Path) -> None:
    edits = [{**EDIT, "direction": "/a#b"}, {**EDIT, "direction": "seed:4"}]
    picture(there / "x.png", {"model": "/m", "edits": edits})
    done = latty("render", "x.png", home=there)
    assert "the model '/m', the direction set '/a', which are neither" in done.stderr
    assert "--set scene.model=... --set scene.edits.0.direction=..." in done.stderr


def test_a_model_is_found_in_the_store_by_its_content(there: Path) -> None:
    """Of a picture that was made with a file which was imported afterwards."""
    (there / "x.toml").write_text(
        'schema = 1\n[scene]\nmodel = "outside/model.safetensors"\n[[outputs]]\npath = "x.png"\n'
    )
    data = (there / "outside/model.safetensors").read_bytes()
    at = int.from_bytes(data[:8], "little") + 8
    other = bytearray(data)
    other[at + 3] ^= 0x01  # another model: a bit of its first number
    (there / "outside/model.safetensors").write_bytes(other)
    assert latty("render", "x.toml", home=there).returncode == 0
    (there / "outside").rename(there / "away")
    assert latty("render", "renders/x.png", "--out-dir", "a", home=there).returncode == 66
    done = latty("import", "away/model.safetensors", "--name", "mine", home=there)
    assert done.returncode == 0, done.stderr
    done = latty("render", "renders/x.png", "--out-dir", "a", "--dry-run", home=there)
    assert done.returncode == 0 and "model mine" in done.stdout
    given = ("--set", "scene.model=away/model.safetensors")
    assert latty("render", "renders/x.png", *given, "--out-dir", "b", home=there).returncode == 0
    both = [Image.open(there / name).tobytes() for name in ("b/x.png", "renders/x.png")]
    assert both[0] == both[1]  # the recipe has the name that was typed


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["demo", ""])
def test_a_person_is_asked(answer: str, there: Path) -> None:
    import pty

    picture(there / "x.png", {"model": "/dev/zero"})
    child, master = pty.fork()
    if child == 0:
        os.chdir(there)
        words = [*COMMAND, "render", "x.png"]
        os.execve(sys.executable, words, environment(there))
    seen = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if b"path): " in data:
            os.write(master, answer.encode() + b"\n")
        seen += data
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert b"x.png names the model '/dev/zero'" in seen
    assert (code, (there / "renders/x.png").exists()) == ((0, True) if answer else (66, False))


def test_thousands_of_names_are_one_short_line(there: Path) -> None:
    edit = {**EDIT, "direction": "/a#b", "conditions": ["/a#b"] * 100}
    picture(there / "x.png", {"edits": [edit] * 100})
    done = latty("render", "x.png", home=there)
    assert done.returncode == 66
    assert len(done.stderr) < 1000 and "and 10095 more" in done.stderr
