"""`latty rename`: directions and sets get other names, and what named them before is told."""

import json
import shutil
from pathlib import Path

import pytest
from cli_in_process import latty

from latty import home as places
from latty import locks

PRESET = """\
schema = 1
name = "one"
[scene]
model = "portraits"
seed = 3
[[scene.edits]]
direction = "{direction}"
strength = 2
[[outputs]]
path = "one.png"
size = 32
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A set "mine" of r0, r1, ... in the store of a home; its file."""
    folder = tmp_path / "home" / "data" / "directions"
    folder.mkdir(parents=True)
    shipped = places.shipped_dir() / "directions" / "portraits-random.safetensors"
    return Path(shutil.copy(shipped, folder / "mine.safetensors"))


def names(home: Path, ref: str) -> list[str]:
    done = latty("list", "directions", "--json", home=home)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    named = [str(row["name"]).partition("/") for row in rows]
    return [name for found, _, name in named if found == ref]


@pytest.mark.parametrize("ref", ["mine/r1", "mine/1", "{file}#r1", "{file}#1"])
def test_a_direction_gets_another_name(ref: str, mine: Path, tmp_path: Path) -> None:
    ref = ref.format(file=mine)
    done = latty("rename", ref, "grin", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    way = f"{mine}#" if "#" in ref else "mine/"
    assert told == {"kind": "direction", "name": f"{way}grin", "was": f"{way}r1", "path": str(mine)}
    assert names(tmp_path, "mine")[:3] == ["r0", "grin", "r2"]


def test_a_preset_with_the_old_name_is_told_the_new_one(mine: Path, tmp_path: Path) -> None:
    assert latty("rename", "mine/r1", "mine/grin", home=tmp_path).stdout == "mine/grin\n"
    preset = tmp_path / "one.toml"
    preset.write_text(PRESET.format(direction="mine/r1"))
    for verb in ("check", "render"):
        done = latty(verb, str(preset), home=tmp_path)
        assert done.returncode == 66 and "it is called 'grin' now" in done.stderr
    preset.write_text(PRESET.format(direction="mine/grin"))
    assert latty("render", str(preset), home=tmp_path).returncode == 0


def test_a_picture_made_before_is_made_again(mine: Path, tmp_path: Path) -> None:
    preset, picture = tmp_path / "one.toml", tmp_path / "renders" / "one.png"
    preset.write_text(PRESET.format(direction="mine/r1"))
    # from here on it is another set than the one that ships
    assert latty("rename", "mine/r0", "other", home=tmp_path).returncode == 0
    assert latty("render", str(preset), home=tmp_path).returncode == 0
    assert latty("rename", "mine/r1", "grin", home=tmp_path).returncode == 0
    assert latty("rename", "mine", "ours", home=tmp_path).returncode == 0
    again = latty("render", str(picture), "--out-dir", "again", home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "the direction 'mine/r1' is 'ours/grin' here" in again.stderr
    from PIL import Image

    pixels = [
        Image.open(tmp_path / folder / "one.png").tobytes() for folder in ("renders", "again")
    ]
    assert pixels[0] == pixels[1]


def test_a_set_gets_another_name(mine: Path, tmp_path: Path) -> None:
    before = mine.read_bytes()
    done = latty("rename", "mine", "ours", "--json", home=tmp_path)
    place = mine.with_name("ours.safetensors")
    told = {"kind": "set", "name": "ours", "was": "mine", "path": str(place)}
    assert json.loads(done.stdout) == told
    assert place.read_bytes() == before and not mine.exists()


REFUSED = {
    "taken": (("mine/r1", "r2"), 73, "there is a direction 'r2' already"),
    "no name": (("mine/r1", "7"), 2, "no digits alone"),
    "a space at its end": (("mine/r1", "grin "), 2, "no space at an end"),
    "a path": (("mine/r1", "other/grin"), 2, "no '/' or '#'"),
    "a control character": (("mine/r1", "a\x1bb"), 2, "a name has"),
    "unknown": (("mine/99", "grin"), 66, "it holds 0 to"),
    "nearly": (("mine/rr1", "grin"), 66, "did you mean 'r1'?"),
    "no set": (("mini/r1", "grin"), 66, "did you mean 'mine'?"),
    "a shipped one": (("demo/smile", "grin"), 2, "ships with latty"),
    "a shipped set": (("demo", "grin"), 2, "ships with latty"),
    "a set's taken name": (("mine", "demo"), 2, "ships with latty"),
    "no set at all": (("mini", "grin"), 66, "did you mean 'mine'?"),
    "a file": (("./mine.safetensors", "grin"), 2, "mv renames it"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_is_told_in_one_line(why: str, mine: Path, tmp_path: Path) -> None:
    words, code, said = REFUSED[why]
    before = mine.read_bytes()
    done = latty("rename", *words, home=tmp_path)
    assert done.returncode == code and said in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not done.stdout
    assert mine.read_bytes() == before


def test_no_set_is_lost_under_anothers_name(mine: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(mine, mine.with_name("ours.safetensors")))
    done = latty("rename", "mine", "ours", home=tmp_path)
    assert done.returncode == 73 and "--overwrite" not in done.stderr, "it has no such option"
    assert mine.exists() and other.exists()


@pytest.mark.parametrize("ref", ["mine/r1", "mine"])
def test_nobody_is_disturbed_who_writes(ref: str, mine: Path, tmp_path: Path) -> None:
    with locks.writing(mine):
        done = latty("rename", ref, "grin", home=tmp_path)
    assert done.returncode == 75 and done.stderr.count("\n") == 1
