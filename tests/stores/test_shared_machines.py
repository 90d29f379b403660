"""Homes of people who share a machine: what an administrator or a colleague keeps is used where
its owner chose it, and what others left is told of in fitting words."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli_in_process import latty
from users import BOB, EVE, ROOT_ONLY, as_user, give, places

from latty import files, folders, home, locks
from latty.attributes.store import is_card
from latty.errors import Locked, OutputError, unwritten
from latty.models.store import MODELS

MODEL = home.shipped_dir() / "models/demo.safetensors"
MINE = "mine"


@pytest.fixture
def place() -> Iterator[Path]:
    yield from places()


@pytest.fixture
def store(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bob's models, which his group may write, as his umask of 002 had it."""
    MODELS.files()  # what it imports is there for others
    monkeypatch.setenv("LATTY_HOME", str(place / "home"))
    folder = MODELS.folder()
    folder.mkdir(parents=True)
    give(place / "home", BOB)
    folder.chmod(0o775)
    return folder


def s_of_the_administrator(store: Path, elsewhere: Path) -> None:
    """Root keeps models for all, and Bob links them."""
    store.rmdir()
    shutil.copy(MODEL, elsewhere / f"{MINE}.safetensors")
    as_user(BOB, lambda: store.symlink_to(elsewhere))


def copied_by_the_administrator(store: Path, elsewhere: Path) -> None:
    shutil.copy(MODEL, store / f"{MINE}.safetensors")


def of_a_colleague_linked(store: Path, elsewhere: Path) -> None:
    shutil.copy(MODEL, file := elsewhere / "hers.safetensors")
    give(file, EVE)
    as_user(BOB, lambda: (store / f"{MINE}.safetensors").symlink_to(file))


@ROOT_ONLY
@pytest.mark.parametrize(
    "keep", [s_of_the_administrator, copied_by_the_administrator, of_a_colleague_linked]
)
def test_models_that_the_owner_chose_are_used(
    keep: Callable[[Path, Path], None], store: Path, place: Path
) -> None:
    (elsewhere := place / "elsewhere").mkdir()
    keep(store, elsewhere)
    assert as_user(BOB, lambda: (MODELS.named(MINE) or store).name) == f"{MINE}.safetensors"
    assert MINE in as_user(BOB, MODELS.names)


@ROOT_ONLY
def test_a_disk_that_gives_all_files_to_one_user_is_used(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As vfat, CIFS and NFS for root do; what a mount says is said here in its place."""
    monkeypatch.setattr(folders.Folder, "owner_of_new", lambda self: BOB)
    files.write(store / "a.json", [b"1"])
    assert (store / "a.json").read_bytes() == b"1"


@pytest.mark.parametrize("mode", [0o2775, 0o1777], ids=["of a group", "sticky"])
@ROOT_ONLY
def test_what_others_left_in_a_shared_folder_is_told_of(mode: int, place: Path) -> None:
    (shared := place / "shared").mkdir()
    shared.chmod(mode)
    os.chown(shared, 0, BOB)
    target, lock = shared / "a.gif", shared / ".a.gif.lock"
    for name in (lock, draft := shared / ".a.gif.0123456789ab"):
        name.touch(0o600)
        give(name, EVE)

    def claimed() -> str:
        try:
            with locks.writing(target):
                return "mine"
        except Locked as error:
            return str(error)

    said = as_user(BOB, claimed)
    assert said.startswith("another user is writing a.gif, or was") and str(lock) in said
    lock.unlink()
    assert as_user(BOB, claimed) == "mine"
    assert draft.exists() == bool(mode & 0o1000)  # in a sticky one only its owner removes it


def test_a_disk_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    store = tmp_path / "home/data/models"
    store.parent.mkdir(parents=True)
    store.symlink_to(tmp_path / "unmounted")
    done = latty("import", str(MODEL), "--name", MINE, home=tmp_path)
    assert done.returncode == 74
    assert "No such file or directory (is the disk there that the path leads to?)" in done.stderr


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.ENOLCK, errno.EIO, 0])
def test_only_a_full_disk_is_called_full(number: int) -> None:
    error = unwritten("cannot write a", OSError(number, "why") if number else OSError("odd"))
    assert isinstance(error, OutputError) and error.hint
    assert ("make room" in error.hint) == (number == errno.ENOSPC)


def test_a_card_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    card = tmp_path / "card.toml"
    card.write_text('weights = "w"\noutputs = ["smile"]\n')
    assert is_card(card)
    os.truncate(card, 2**31)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_text", None)
        assert not is_card(card)
