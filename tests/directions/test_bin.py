"""What is changed of direction sets is undone and done again, and nothing that somebody else wrote
is written over."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from latty import home, locks
from latty.cli import leftovers
from latty.directions import bin, manage
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, write
from latty.errors import LattyError, Locked, Missing, WouldOverwrite

WORK: dict[str, Callable[[str], object]] = {
    "rename": lambda path: manage.rename(path, "a", "c"),
    "flip": lambda path: manage.flip(path, "a"),
    "delete": lambda path: manage.delete(path, ["a"]),
    "delete the last": lambda path: manage.delete(path, ["a", "b"]),
    "delete the set": manage.delete_set,
    "rename the set": lambda path: manage.rename_set(path, "other"),
}


@pytest.fixture
def mine() -> Path:
    """A set of the user's with the directions a and b."""
    infos = tuple(Info(name, 1.0, (-2.0, 2.0)) for name in "ab")
    path = home.directions_dir() / "mine.safetensors"
    path.parent.mkdir(parents=True)
    write(path, DirectionSet("random", "w", infos, "demo"), {ARRAY: torch.eye(2, 8)})
    return path


def there() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.directions_dir().glob("*.safetensors")}


@pytest.mark.parametrize("name", WORK)
def test_what_is_changed_is_undone_and_done_again(name: str, mine: Path) -> None:
    before = there()
    with bin.recorded() as changes:
        WORK[name](str(mine))
    after = there()
    assert after != before
    for _ in range(2):
        bin.undo(changes)
        assert there() == before
        bin.undo(changes)  # of a studio that was killed before it wrote down that it did
        assert there() == before
        bin.redo(changes)
        assert there() == after


@pytest.mark.parametrize("name", WORK)
def test_a_bin_that_holds_one_set_undoes_too(
    name: str, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes into it while a change is undone may push out what was wanted."""
    monkeypatch.setattr(bin, "MOST", mine.stat().st_size * 3 // 2)
    before = there()
    with bin.recorded() as changes:
        WORK[name](str(mine))
    after = there()
    for _ in range(2):
        bin.undo(changes)
        assert there() == before
        bin.redo(changes)
        assert there() == after


@pytest.mark.parametrize("name", WORK)
def test_what_somebody_else_wrote_stays(name: str, mine: Path) -> None:
    with bin.recorded() as changes:
        WORK[name](str(mine))
    for change in changes:
        path = home.directions_dir() / f"{change.name}.safetensors"
        path.write_bytes(b"theirs")
    theirs = there()
    for turn in (bin.undo, bin.redo):
        with pytest.raises(WouldOverwrite, match="another program or studio"):
            turn(changes)
        assert there() == theirs


def test_changes_in_a_row_are_one_and_unrecorded_ones_none(mine: Path) -> None:
    before = there()
    with bin.recorded() as changes:
        manage.rename(str(mine), "a", "c")
        manage.flip(str(mine), "c")
    assert len(changes) == 1
    bin.undo(changes)
    assert there() == before
    kept = bin.kept()
    manage.delete_set(str(mine))
    assert bin.kept() == kept


def test_the_bin_is_bounded_and_cleaned(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = mine.stat().st_size
    monkeypatch.setattr(bin, "MOST", 3 * size)
    changes = []
    for number in range(6):
        with bin.recorded() as found:
            manage.rename(str(mine), "a" if not number else f"n{number - 1}", f"n{number}")
        changes.append(found)
        for path in bin.kept():  # as if it were long ago
            os.utime(path, (number, number))
    assert sum(path.stat().st_size for path in bin.kept()) <= 3 * size + 300
    for found in reversed(changes[-1:]):
        bin.undo(found)
    last = there()
    with pytest.raises(LattyError) as error:
        for found in reversed(changes[:-1]):
            bin.undo(found)
    assert isinstance(error.value, Missing) and there().keys() == last.keys()
    unseen: list[str] = []
    old = [one for one in leftovers.everything(Path("renders"), unseen.append, 0.0)]
    for one in old:
        one.remove()
    assert {one.kind for one in old} == {"replaced"} and not bin.kept() and not unseen


def test_a_set_that_somebody_writes_is_not_read_before_it_is_ours(mine: Path) -> None:
    """Else what is kept of it is not what is removed."""
    with locks.writing(mine), bin.recorded() as changes, pytest.raises(Locked):
        manage.delete_set(str(mine))
    assert not changes and not bin.kept() and mine.exists()
