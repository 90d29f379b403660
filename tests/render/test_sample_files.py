"""`latty sample FILE` makes a sheet of every checkpoint in the optional folder of parity data."""

from pathlib import Path

import pytest
from PIL import Image
from places import PARITY

from latty.cli import main as cli_main

SUFFIXES = (".pkl", ".pt", ".pth", ".bin")
FILES = sorted(p for p in PARITY.rglob("*") if p.suffix in SUFFIXES) if PARITY.is_dir() else []


@pytest.mark.skipif(not FILES, reason="no folder of parity data beside the checkout")
def test_there_is_a_file_of_every_origin() -> None:
    assert len({path.parent for path in FILES}) >= 10


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_sheet_of_four(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.png"
    words = ["sample", str(path), "--seeds", "0-3", "--size", "64", "-o", str(sheet), "-q"]
    assert cli_main.main(words) == 0, capsys.readouterr().err
    assert capsys.readouterr().out == f"{sheet}\n"
    with Image.open(sheet) as image:
        assert image.convert("L").entropy() > 2, "an empty sheet"
