"""`latty render --update` makes what is not up to date by its recipe, and nothing else."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from PIL import Image, ImageFont

from latty.render import provenance

TEXT = """schema = 1
frames = 3
[scene]
model = "portraits"
seed = {seed}
[[outputs]]
path = "a.gif"
size = 32
[[outputs]]
path = "a.png"
size = {size}
[[outputs]]
path = "f/"
size = 32
"""
WORDS = ["render", "a.toml", "--out-dir", "out", "--update"]
NAMES = ("a.gif", "a.png", "f")


def written(home: Path, seed: int = 1, size: int = 32) -> None:
    (home / "a.toml").write_text(TEXT.format(seed=seed, size=size))


def run(home: Path, *more: str, code: int = 0, **variables: str) -> dict[str, bool]:
    """Of each output whether it was found up to date."""
    done = latty(*WORDS, "--json", *more, home=home, **variables)
    assert done.returncode == code, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(row["path"]).name: row.get("up_to_date", False) for row in rows}


def pixels(film: Path) -> bytes:
    with Image.open(film) as found:
        return found.convert("RGB").tobytes()


@pytest.fixture
def made(tmp_path: Path) -> Path:
    written(tmp_path)
    assert run(tmp_path) == dict.fromkeys(NAMES, False)
    return tmp_path


def test_a_second_run_does_nothing_and_ends_with_0(made: Path) -> None:
    before = {name: (made / "out" / name).stat().st_ino for name in NAMES}
    assert run(made) == dict.fromkeys(NAMES, True)
    assert run(made, "--batch", "1") == dict.fromkeys(NAMES, True)
    assert {name: (made / "out" / name).stat().st_ino for name in NAMES} == before
    told = latty(*WORDS, home=made)
    assert told.returncode == 0 and told.stdout == ""
    assert told.stderr.count("is up to date") == 3


@pytest.mark.parametrize("name", NAMES)
def test_the_missing_one_is_made_and_no_other(name: str, made: Path) -> None:
    path = made / "out" / name
    if path.is_dir():
        next(path.glob("*.png")).unlink()  # a folder with a frame less
    else:
        path.unlink()
    assert run(made) == {one: one != name for one in NAMES}
    assert run(made) == dict.fromkeys(NAMES, True)


def test_only_the_output_that_says_something_else_now_is_made(made: Path) -> None:
    written(made, size=24)
    assert run(made) == {"a.gif": True, "a.png": False, "f": True}
    assert provenance.read(made / "out/a.png")["preset"]["outputs"][0]["size"] == 24
    written(made, seed=2, size=24)
    assert run(made) == dict.fromkeys(NAMES, False)


def test_time_is_renewed_where_the_preset_is_newer(made: Path) -> None:
    later = (made / "out/a.gif").stat().st_mtime + 100
    for name in NAMES:
        os.utime(made / "out" / name, (later - 1000, later - 1000))
    os.utime(made / "a.toml", (later - 500, later - 500))
    assert run(made) == dict.fromkeys(NAMES, True)
    assert all((made / "out" / name).stat().st_mtime > later - 500 for name in NAMES)


def test_what_holds_no_recipe_is_made_again_and_told(tmp_path: Path) -> None:
    written(tmp_path)
    for _ in range(2):
        assert run(tmp_path, "--no-recipe") == dict.fromkeys(NAMES, False)
    told = latty(*WORDS, "--no-recipe", home=tmp_path)
    assert told.stderr.count("holds no recipe") == 3
    more = {"LATTY_SIDECAR": "1"}
    assert run(tmp_path, "--no-recipe", **more) == dict.fromkeys(NAMES, False)
    assert run(tmp_path, "--no-recipe", **more) == dict.fromkeys(NAMES, True)


def test_a_sidecar_of_another_film_says_nothing_of_this_one(tmp_path: Path) -> None:
    """The file was made anew without a sidecar, and that of the film before it is still there."""
    side = {"LATTY_SIDECAR": "1"}
    written(tmp_path)
    run(tmp_path, "--no-recipe", **side)
    written(tmp_path, seed=2)
    done = latty(*(word for word in WORDS if word != "--update"), "--no-recipe", "--overwrite",
                 home=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    written(tmp_path)
    assert run(tmp_path, "--no-recipe", **side) == dict.fromkeys(NAMES, False)
    assert run(tmp_path, "--no-recipe", **side) == dict.fromkeys(NAMES, True)


def test_a_recipe_that_shall_not_be_there_is_taken_out(made: Path) -> None:
    side = {"LATTY_SIDECAR": "1"}
    assert run(made, **side) == dict.fromkeys(NAMES, False)
    assert run(made, "--no-recipe", **side) == dict.fromkeys(NAMES, False)
    assert b"latty" not in (made / "out/a.gif").read_bytes()


def test_each_of_two_fonts_of_one_file_name_is_seen(tmp_path: Path) -> None:
    written(tmp_path)
    font = ImageFont.load_default(20).font_bytes  # type: ignore[union-attr]
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f.ttf").write_bytes(font)
        with (tmp_path / "a.toml").open("a") as file:
            file.write(f'[[text]]\nvalue = "Hi"\nfont = "{folder}/f.ttf"\n')
    assert run(tmp_path) == dict.fromkeys(NAMES, False)
    for number, folder in enumerate(("one", "two")):
        assert run(tmp_path) == dict.fromkeys(NAMES, True)
        (tmp_path / folder / "f.ttf").write_bytes(font + bytes(1 + number))
        assert run(tmp_path) == dict.fromkeys(NAMES, False)
    assert run(tmp_path) == dict.fromkeys(NAMES, True)


SETS = """schema = 1
frames = 2
[scene]
model = "portraits"
[[scene.edits]]
direction = "{home}/one/s.safetensors#r0"
strength = 3
[[scene.edits]]
direction = "{home}/two/s.safetensors#r0"
strength = 3
[[outputs]]
path = "a.gif"
size = 32
"""


def test_two_sets_of_one_file_name_are_not_taken_for_each_other(tmp_path: Path) -> None:
    for folder, seed in (("one", "1"), ("two", "2"), ("other", "3")):
        words = ("discover", "random", "portraits", "-o", folder, "--seed", seed)
        assert latty(*words, home=tmp_path).returncode == 0
        found = next(tmp_path.rglob(f"{folder}.safetensors"))
        (tmp_path / folder).mkdir()
        shutil.copy(found, tmp_path / folder / "s.safetensors")
    (tmp_path / "a.toml").write_text(SETS.format(home=tmp_path))
    assert run(tmp_path) == {"a.gif": False}
    assert run(tmp_path) == {"a.gif": True}
    before = pixels(tmp_path / "out/a.gif")
    again = latty("render", "out/a.gif", "-o", "b.gif", home=tmp_path)  # by what the store has
    assert again.returncode == 0, again.stderr
    assert pixels(tmp_path / "b.gif") == before
    shutil.copy(tmp_path / "other/s.safetensors", tmp_path / "one/s.safetensors")
    assert run(tmp_path) == {"a.gif": False}
    assert pixels(tmp_path / "out/a.gif") != before, "nor are kept frames of the old one"


def test_the_plan_says_what_is_up_to_date(made: Path) -> None:
    (made / "out/a.png").unlink()
    assert run(made, "--dry-run") == {"a.gif": True, "a.png": False, "f": True}
    assert not (made / "out/a.png").exists()


def test_no_job_is_handed_in_for_what_is_up_to_date(made: Path) -> None:
    assert run(made, "--detach") == dict.fromkeys(NAMES, True)


def test_many_that_are_up_to_date_import_no_torch(made: Path) -> None:
    files = []
    for i in range(50):
        files.append(f"p{i}.toml")
        text = TEXT.format(seed=1, size=32).replace("a.", f"p{i}.").replace("f/", f"f{i}/")
        (made / files[-1]).write_text(text)
    told = subprocess.run(
        [*COMMAND[:1], "-X", "importtime", *COMMAND[1:], *WORDS[:1], "a.toml", *WORDS[2:]],
        cwd=made, env=environment(made), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0 and "| torch" not in told.stderr


FILES = """schema = 1
frames = 2
[scene]
model = "demo"
latent = "parts/z.npy#0"
truncation = 0.7
[[outputs]]
path = "{path}"
size = 32
[[text]]
value = "Hi"
font = "parts/f.ttf"
"""


@pytest.mark.parametrize("path", ["a.gif", "out/deep/a.gif", "{model}/{seed}.gif", "parts/f/"])
@pytest.mark.parametrize(
    "ways",
    [
        [("", "a.toml --out-dir ."), ("else", "../a.toml --out-dir ..")],
        [("", "a.toml --out-dir o/ut"), ("else", "../a.toml --out-dir ../o/ut")],
        [("else", "{home}/a.toml --out-dir {home}"), ("", "a.toml --out-dir .")],
        [("", "a.toml -o sub/dir/x.gif"), ("else", "../a.toml -o ../sub/dir/x.gif")],
        [("else", "../a.toml -o ../sub/"), ("", "./a.toml -o sub/")],
    ],
)
def test_nothing_is_made_twice_wherever_it_lies_and_whoever_asks(
    path: str, ways: list[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(FILES.replace("{path}", path))
    (tmp_path / "parts").mkdir()
    (tmp_path / "else").mkdir()
    np.save(tmp_path / "parts/z.npy", np.random.RandomState(1).randn(1, 64).astype("f4"))
    font = ImageFont.load_default(20).font_bytes  # type: ignore[union-attr]
    (tmp_path / "parts/f.ttf").write_bytes(font)
    home = {"LATTY_HOME": str(tmp_path / "home")}
    for number, (folder, words) in enumerate([*ways, *ways]):
        asked = words.replace("{home}", str(tmp_path)).split()
        done = latty("render", *asked, "--update", "--json", home=tmp_path / folder, **home)
        assert done.returncode == 0, done.stderr
        (row,) = map(json.loads, done.stdout.splitlines())
        assert row.get("up_to_date", False) == (number > 0), (number, words)
