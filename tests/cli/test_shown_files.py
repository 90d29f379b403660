"""`latty FILE` where no studio can be opened: a picture of whatever the file is, or one line."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from cli_process import write_preset
from layout_files import rosinality
from PIL import Image


def checkpoint(folder: Path) -> Path:
    return rosinality(folder).file


def stored(folder: Path) -> Path:
    done = latty("import", str(checkpoint(folder)), "--name", "mine", home=folder)
    assert done.returncode == 0, done.stderr
    (found,) = (folder / "home").rglob("mine.safetensors")
    return Path(shutil.copy(found, folder / "moved.bin"))


def preset(folder: Path) -> Path:
    return write_preset(folder)


@pytest.mark.parametrize(
    "make", [checkpoint, stored, preset], ids=("checkpoint", "stored", "preset")
)
def test_a_file_is_shown_for_what_it_holds(make: Callable[[Path], Path], tmp_path: Path) -> None:
    file = make(tmp_path)
    done = latty(str(file), home=tmp_path, TERM="dumb")
    assert done.returncode == 0, done.stderr
    with Image.open(done.stdout.strip()) as picture:
        assert np.asarray(picture).std() > 1, "one colour"


@pytest.mark.parametrize("content", ["hello", "", "\0" * 64])
def test_what_is_nothing_to_show_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(content)
    done = latty("x", home=tmp_path, TERM="dumb")
    assert done.returncode == 65 and not done.stdout
    assert done.stderr.startswith("latty: x: ") and done.stderr.count("\n") == 1
