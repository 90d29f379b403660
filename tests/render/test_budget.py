"""`max_bytes`: the file fits, is as large as fits, says what was chosen, and is the same again."""

import json
from fractions import Fraction
from pathlib import Path

import av
import pytest
from frames_for_writers import Frames, output, pan

from latty import presets
from latty.errors import BadData, PresetError
from latty.presets.formats import formats
from latty.render import embedded
from latty.render.budget import write_within
from latty.render.provenance import canonical
from latty.report import silent
from latty.tables import amounts

NAMES = [suffix[1:] for suffix, form in formats().items() if "max_bytes" in form.reads]
TIGHT = {"apng": 40, "gif": 16}  # kB; of the others 10: all far below what they are without
FILM = pan(96, 12)


def seal(chosen: dict[str, object]) -> str:
    return canonical({"chosen": chosen, "preset": {}})


def within(name: str, path: Path, most: int | str, **keys: object) -> tuple[str, str]:
    made = output(name, max_bytes=most, **keys)
    found = write_within(Frames(FILM, Fraction(24)), path, made, seal, silent)
    return found.comment, found.said


@pytest.mark.parametrize("name", NAMES)
def test_a_film_fits(name: str, tmp_path: Path) -> None:
    most = TIGHT.get(name, 10) * 1000
    comment, said = within(name, tmp_path / "x", most)
    size = (tmp_path / "x").stat().st_size
    assert 0.8 * most <= size <= most, (size, said)
    assert embedded.extract(tmp_path / "x") == comment
    chosen = json.loads(comment)["chosen"]
    assert chosen and all(f"{key} {value}" in said for key, value in chosen.items())
    again, _ = within(name, tmp_path / "y", f"{most // 1000}kB")
    assert again == comment and (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x", "y"]


@pytest.mark.parametrize("name", NAMES)
def test_a_film_that_fits_is_as_asked(name: str, tmp_path: Path) -> None:
    comment, said = within(name, tmp_path / "x", "100MB")
    assert (json.loads(comment)["chosen"], said) == ({}, "")


def test_frames_that_are_left_out_change_no_duration(tmp_path: Path) -> None:
    _, said = within("gif", tmp_path / "x", 9000)
    assert "fps" in said
    with av.open(str(tmp_path / "x")) as container:
        assert container.duration == pytest.approx(500_000, abs=20_000)


@pytest.mark.parametrize("name", NAMES)
def test_a_size_that_no_film_has(name: str, tmp_path: Path) -> None:
    long, made = Frames(FILM * 4, Fraction(24)), output(name, max_bytes=1000)
    with pytest.raises(BadData, match=r"the smallest that it can be is \d"):
        write_within(long, tmp_path / "x", made, seal, silent)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("said", "expected"),
    [(2000, 2000), ("2MB", 2_000_000), ("1.5 MiB", 1_572_864), ("800kb", 800_000)],
)
def test_amounts(said: int | str, expected: int) -> None:
    assert amounts.exact(said) == expected


@pytest.mark.parametrize("said", ["2 apples", "MB", "999", -5, "1e9B"])
def test_what_is_no_amount(said: object) -> None:
    with pytest.raises(PresetError, match=r"outputs\.0\.max_bytes"):
        table = {"path": "x.gif", "max_bytes": said}
        presets.from_dict({"schema": 1, "scene": {"model": "demo"}, "outputs": [table]}, "x.toml")
