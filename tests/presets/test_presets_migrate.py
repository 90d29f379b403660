"""`latty migrate`: older layouts in today's words, and all else in the file as it was."""

import json
from pathlib import Path

import pytest
from cli_in_process import latty

from latty import presets
from latty.errors import BadData
from latty.presets.migrating import rewrite

OLD = """\
#:schema ./latty.schema.json
# mine

name = "x" # called so
[scene] # where
model = "portraits"   # spaced
seed = 3
"""


def test_a_preset_without_a_number_gets_one_and_keeps_its_comments(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    for text in (OLD, OLD.replace("\n", "\r\n"), "\ufeff" + OLD):
        file.write_bytes(text.encode())
        done = latty("migrate", "x.toml", "--check", home=tmp_path)
        assert done.returncode == 65 and file.read_bytes() == text.encode()
        assert "x.toml: is to be rewritten (no schema -> 1)" in done.stdout
        done = latty("migrate", "x.toml", home=tmp_path)
        assert (done.returncode, done.stdout) == (0, "x.toml: rewritten (no schema -> 1)\n")
        end = "\r\n" if "\r" in text else "\n"
        assert file.read_bytes().decode() == text.replace("name =", f"schema = 1{end}name =")
        assert presets.check(file) == ["x.toml"][1:] or "outputs" in presets.check(file)[0]
        done = latty("migrate", "x.toml", "--check", home=tmp_path)
        assert (done.returncode, done.stdout) == (0, "x.toml: up to date\n")


def test_steps_change_what_they_change(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(OLD.replace("name =", "schema = 1\nname ="))

    def step(data):
        scene = {("start" if key == "seed" else key): v for key, v in data["scene"].items()}
        return {**data, "scene": scene, "length": 4}

    assert rewrite(file, False, {1: step}, 2) == 1
    text = file.read_text()
    assert "schema = 2\n" in text and "start = 3" in text and "seed" not in text
    for kept in ("# mine", "# called so", "[scene] # where", "# spaced"):
        assert kept in text
    assert "length = 4" in text.partition("[scene]")[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [("schema = 99\n", "newer than this latty"), ("x = [", "x.toml:1:6"), (None, "no file")],
)
def test_what_cannot_be_rewritten_stays(text: str | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    if text is not None:
        file.write_text(text)
    done = latty("migrate", "x.toml", home=tmp_path)
    assert done.returncode in (65, 66) and words in done.stderr
    assert text is None or file.read_text() == text


@pytest.mark.parametrize("flags", [[], ["--check"]])
@pytest.mark.parametrize("verb", ["migrate", "pin"])
def test_one_that_fails_does_not_stop_the_others(
    verb: str, flags: list[str], tmp_path: Path
) -> None:
    (tmp_path / "new.toml").write_text("schema = 99\n")
    (tmp_path / "old.toml").write_text(OLD)
    files = ["none.toml", "old.toml", "new.toml"]
    done = latty(verb, *flags, *files, "--json", home=tmp_path)
    told = {one["preset"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert told["none.toml"]["code"] == 66 and told["new.toml"]["code"] == 65
    assert "none.toml" in done.stderr and "newer than this latty" in done.stderr
    assert done.returncode == 65  # the worst
    changed = (tmp_path / "old.toml").read_text() != OLD
    assert changed == (not flags) and ("old.toml" in told or "pins nothing" in done.stderr)


def test_a_number_that_is_none_is_told_by_check(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("schema = 'x'\n")
    with pytest.raises(BadData):
        presets.check(tmp_path / "x.toml")
