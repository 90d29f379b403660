"""Recipes: found by content, limited, and never trusted."""

import json
import random
import shutil
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frames_for_writers import NAMES, Frames, content, output
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from toy_generator import Toy

from latty import presets
from latty.errors import BadData, LattyError, Missing
from latty.presets import Preset, digests
from latty.presets.formats import writer_of
from latty.render import embedded, provenance
from latty.report import silent
from latty.scene import Edit

SCENE = {"model": "toy", "seed": 7, "size": 32, "edits": [{"direction": "seed:9"}]}
PRESET = presets.from_dict(
    {"schema": 1, "name": "smile", "scene": SCENE, "outputs": [{"path": "a.gif"}]}, "x.toml"
)


def recipe(of: Preset = PRESET, **more: Any) -> dict[str, Any]:
    own = presets.to_dict(provenance.portable(of, of.outputs[0]))
    made = provenance.sealed({**provenance.shared(of, Toy()), "preset": own}, ((0, 8),))
    return {**json.loads(made), **more}


def carrying(name: str, text: str, path: Path) -> Path:
    """A small file of a format with `text` where recipes are."""
    frames = [np.full((16, 16, 3), 40 * i, np.uint8) for i in range(3)]
    made = output(name)
    writer_of(made).write(Frames(frames), path, made, text, silent)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_read_back_from_every_format_whatever_its_name(name: str, tmp_path: Path) -> None:
    path = carrying(name, provenance.canonical(recipe()), tmp_path / "no-suffix")
    assert provenance.read(path) == recipe()
    preset, batches = provenance.recall(path)
    assert batches == ((0, 8),)
    assert preset.scene == PRESET.scene
    assert preset.outputs[0].path == "smile.gif"


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_in_a_picture_is_checked(name: str, tmp_path: Path) -> None:
    from cli_in_process import latty

    made = recipe(presets.read("hello"))
    made["model"]["digest"] = digests.model_digest("portraits")
    path = carrying(name, provenance.canonical(made), tmp_path / "x")
    done = latty("check", "x", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "x: ok\n"), done.stderr
    made["preset"]["scene"]["sead"] = 1
    if path.is_dir():
        shutil.rmtree(path)
    carrying(name, provenance.canonical(made), path)
    done = latty("check", "x", home=tmp_path)
    assert done.returncode == 65 and "sead" in done.stderr and "UTF-8" not in done.stderr


def test_canonical() -> None:
    text = provenance.canonical({"b": [1, 0.5], "a": "\u00e9"})
    assert text == '{"a":"\\u00e9","b":[1,0.5]}'
    assert provenance.canonical(json.loads(text)) == text


def test_the_recipe_does_not_depend_on_the_outputs_name() -> None:
    named = replace(PRESET, outputs=(replace(PRESET.outputs[0], path="deep/other name.GIF"),))
    assert recipe(named) == recipe()


@pytest.mark.parametrize("folder", ["/home/ada/", "~/", "../secret/", "C:\\Users\\Ada\\"])
def test_no_folders_of_anybody(folder: str) -> None:
    scene = replace(PRESET.scene, model=f"{folder}net.safetensors")
    edits = (Edit(f"{folder}set.safetensors#smile", 1.0),)
    private = replace(PRESET, scene=replace(scene, edits=edits))
    text = str(presets.to_dict(provenance.portable(private, PRESET.outputs[0])))
    assert "net.safetensors" in text
    assert "set.safetensors#smile" in text
    for word in ("ada", "Ada", "secret", "~", "..", "home"):
        assert word not in text


HOSTILE = {
    "no json": "{nothing",
    "a list": "[1, 2]",
    "no preset": '{"schema":1}',
    "not a number": '{"schema":1,"preset":{},"x":NaN}',
    "too deep": "{" + '"a":{' * 5000 + "}" * 5001,
    "newer": '{"schema":99,"preset":{}}',
    "no schema": '{"schema":"1","preset":{}}',
    "infinite": '{"schema":1,"preset":{},"x":1e999}',
    "half a character": '{"schema":1,"preset":{},"x":"\\ud800"}',
    "thousands of digits": '{"schema":1,"preset":{},"x":' + "9" * 5000 + "}",
    "hundreds of digits": '{"schema":' + "9" * 4000 + ',"preset":{}}',
    "six hundred deep": '{"schema":1,"preset":{},"x":' + "[" * 600 + "]" * 600 + "}",
    "escape sequence": '{"schema":1,"preset":{},"x":"\\u001b[2J"}',
    "bidi": '{"schema":1,"preset":{},"\\u202ex":1}',
    "too large": '{"schema":1,"preset":{},"x":"' + "y" * (1 << 20) + '"}',
}


@pytest.mark.parametrize("name", ["gif", "png", "webp", "mp4", "webm"])
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_recipes_are_refused(what: str, name: str, tmp_path: Path) -> None:
    path = carrying(name, HOSTILE[what], tmp_path / "x")
    with pytest.raises(BadData):
        provenance.read(path)


@pytest.mark.parametrize(
    "batches",
    [None, [], [[0]], [[0, 0]], [[1, 8]], [[0, 8], [0, 4]], [[0, 10**9]], [[0, True]], "0"],
)
def test_hostile_batches_are_refused(batches: object, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(provenance.canonical(recipe(batches=batches)))
    with pytest.raises(BadData, match="batches"):
        provenance.recall(tmp_path / "x.json")


def test_the_preset_inside_meets_the_validator(tmp_path: Path) -> None:
    bad = recipe(preset={"schema": 1, "scene": {"model": "toy", "sead": 1}})
    (tmp_path / "x.json").write_text(provenance.canonical(bad))
    with pytest.raises(BadData, match="sead"):
        provenance.recall(tmp_path / "x.json")


def test_a_bomb_in_a_text_field_is_not_unpacked(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_itxt("latty", "{" + " " * (64 << 20) + "}", zip=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "x.png", pnginfo=text)
    assert (tmp_path / "x.png").stat().st_size < 200_000
    with pytest.raises(BadData, match="larger than"):
        provenance.read(tmp_path / "x.png")


def test_a_picture_with_huge_sides_is_not_decoded(tmp_path: Path) -> None:
    data = bytearray(content(carrying("png", provenance.canonical(recipe()), tmp_path / "x")))
    data[16:24] = struct.pack(">II", 1 << 30, 1 << 30)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    (tmp_path / "x").write_bytes(data)
    assert provenance.read(tmp_path / "x") == recipe()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "frames"])
def test_pictures_of_others_hold_no_recipe(name: str, tmp_path: Path) -> None:
    path = carrying(name, "made with love", tmp_path / "x")
    with pytest.raises(BadData, match="recipe"):
        provenance.read(path)


def test_what_is_no_picture(tmp_path: Path) -> None:
    for name, data in {"empty": b"", "text": b"hello", "pickle": b"\x80\x04N."}.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadData):
            provenance.read(tmp_path / name)
    (tmp_path / "folder").mkdir()
    for name in ("folder", "nothing"):
        with pytest.raises((BadData, Missing)):
            provenance.read(tmp_path / name)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "frames"])
def test_damaged_files_never_surprise(name: str, tmp_path: Path) -> None:
    data = content(carrying(name, provenance.canonical(recipe()), tmp_path / "x"))
    chance, path = random.Random(5), tmp_path / "y"
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(damaged[: chance.choice([len(data), chance.randrange(len(data))])])
        try:
            provenance.recall(path)
        except LattyError as error:
            assert error.exit_code in (65, 66)


def test_an_ancient_gif_without_a_palette(tmp_path: Path) -> None:
    data = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"\x21\xfe\x02{}\x00\x3b"
    (tmp_path / "x").write_bytes(data)
    assert embedded.extract(tmp_path / "x") == "{}"


@pytest.mark.parametrize("name", NAMES)
def test_reading_a_recipe_imports_neither_torch_nor_numpy(name: str, tmp_path: Path) -> None:
    path = carrying(name, provenance.canonical(recipe()), tmp_path / "x")
    code = (
        "import sys; from pathlib import Path; from latty.render import provenance, Options;"
        f"provenance.recall(Path({str(path)!r}));"
        "print(sorted({'torch', 'numpy', 'av', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
