"""Every preset on the page of films renders as it stands there."""

import re
import tomllib
from pathlib import Path

import pytest
from cli_in_process import latty
from PIL import Image
from places import ROOT

PAGE = (ROOT / "docs/films.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## The picture around the picture")[2].partition("\n## ")[0]
PRESETS = re.findall(r"```toml\n(schema.*?)```", SECTION, re.DOTALL)
SHAPES = {
    "tall.png": (270, 480),
    "sprites.png": (192, 128),
    "text.gif": (128, 128),
    "panels.gif": (312, 108),
}


@pytest.mark.parametrize(
    "text", PRESETS, ids=lambda text: tomllib.loads(text)["outputs"][0]["path"]
)
def test_a_preset_of_the_page_renders(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(text)
    done = latty("render", "x.toml", home=tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / done.stdout.strip()
    with Image.open(path) as picture:
        assert picture.size == SHAPES[path.name]


def test_the_page_shows_all_of_them() -> None:
    assert {tomllib.loads(text)["outputs"][0]["path"] for text in PRESETS} == {*SHAPES}
