"""`latty render --update` makes what is not up to date by its recipe, and nothing else."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment

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
