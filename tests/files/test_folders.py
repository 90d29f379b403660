"""Folders that are not trusted: nothing follows a link, nothing of others is used or emptied."""

import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from latty import files, folders, home, locks
from latty.errors import ConfigError, Locked, WouldOverwrite
from latty.folders import LOCK, MARK, Folder, parent_of, private


def modes(folder: Path) -> set[int]:
    """Of a folder and all below."""
    return {stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_ours_is_made_once_and_known_again(tmp_path: Path) -> None:
    with Folder(tmp_path) as folder:
        with folder.of_ours("w", "render") as work:
            work.write("a", [b"1"])
        with folder.of_ours("w", "render") as again:
            assert again.names() == [MARK, "a"] and again.read("a", 10) == b"1"
        with pytest.raises(WouldOverwrite, match="latty did not make it here"):
            folder.of_ours("w", "search")
    assert modes(tmp_path / "w") == {0o700, 0o600}


def plant_link(tmp_path: Path) -> str:
    (tmp_path / "w").symlink_to("precious")
    return "it is a link"


def plant_folder(tmp_path: Path) -> str:
    shutil.copytree(tmp_path / "precious", tmp_path / "w")
    return "latty did not make it here"


def plant_copy(tmp_path: Path) -> str:
    """As an archive or a clone brings it."""
    with Folder(tmp_path) as folder:
        folder.of_ours("made", "render").close()
    shutil.copytree(tmp_path / "made", tmp_path / "w")
    return r"a copy of a folder that latty made, .*\(remove it, and the work begins anew"


def plant_linked_mark(tmp_path: Path) -> str:
    plant_folder(tmp_path)
    (tmp_path / "w" / MARK).symlink_to("../precious/one")
    return "its mark is not latty's"


def plant_file(tmp_path: Path) -> str:
    (tmp_path / "w").touch()
    return "it is a file"


@pytest.mark.parametrize(
    "plant", [plant_link, plant_folder, plant_copy, plant_linked_mark, plant_file]
)
def test_what_others_put_there_is_refused_and_left(plant: object, tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "one").write_text("data")
    words = plant(tmp_path)  # type: ignore[operator]
    with Folder(tmp_path) as folder, pytest.raises(WouldOverwrite, match=words):
        folder.of_ours("w", "render")
    assert (tmp_path / "precious" / "one").read_text() == "data"


def test_removal_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "one").touch()
    (tmp_path / "w" / "deep").mkdir(parents=True)
    (tmp_path / "w" / "deep" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "link").symlink_to("precious")
    with Folder(tmp_path) as folder:
        for name in ("w", "link", "nothing"):
            folder.remove(name)
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    assert (tmp_path / "precious" / "one").exists()


def test_a_mark_that_a_full_disk_cut_short_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / MARK).touch()
    with Folder(tmp_path) as folder:
        folder.of_ours("w", "render").close()
        folder.of_ours("w", "render").close()


def test_a_handle_stays_with_its_folder(tmp_path: Path) -> None:
    """Somebody swaps the folder for a link while we write."""
    (tmp_path / "precious").mkdir()
    with Folder(tmp_path) as parent, parent.of_ours("w", "render") as work:
        (tmp_path / "w").rename(tmp_path / "moved")
        (tmp_path / "w").symlink_to("precious")
        work.write("a", [b"1"])
        (work / "b").write_bytes(b"2")
    assert names(tmp_path / "moved") == [MARK, "a", "b"]
    assert not names(tmp_path / "precious")


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_what_is_latty_s_own_is_its_owner_s_alone(mask: int) -> None:
    before = os.umask(mask)
    try:
        files.write(home.models_dir() / "a.json", [b"1"])
    finally:
        os.umask(before)
    root = home.root_of(home.models_dir())
    assert root is not None and modes(root) == {0o700, 0o600}


def test_a_new_file_elsewhere_gets_what_the_umask_gives_and_the_next_one_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the umask means setting it, for all threads: two at once would leave a wrong one."""
    before = os.umask(0o027)
    monkeypatch.setattr(os, "umask", None)
    try:
        files.write(tmp_path / "a", [b"1"])
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640
        (tmp_path / "a").chmod(0o604)
        files.write(tmp_path / "a", [b"2"])
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o604
    finally:
        monkeypatch.undo()
        os.umask(before)


def test_a_folder_that_others_could_read_is_closed() -> None:
    home.state_dir().mkdir(parents=True)
    home.state_dir().chmod(0o755)
    private(home.runs_dir())
    assert modes(home.state_dir()) == {0o700}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_folder_of_latty_s_own_that_a_stranger_linked_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    home.state_dir().parent.mkdir(parents=True, exist_ok=True)
    home.state_dir().symlink_to(tmp_path / "precious")
    os.chown(home.state_dir(), 65534, 65534, follow_symlinks=False)
    with pytest.raises(ConfigError, match="belongs to another user"):
        files.write(home.state_dir() / "studio.json", [b"1"])
    assert not names(tmp_path / "precious")


@pytest.mark.parametrize("to", ["root/other", "precious"])
def test_a_folder_that_becomes_a_link_is_not_followed(
    to: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at it and its opening."""
    (tmp_path / "root/sub/deep").mkdir(parents=True)
    for name in ("root/other/deep", "precious/deep"):
        (tmp_path / name).mkdir(parents=True)

    def swapped(folder: Path) -> Path:
        (tmp_path / "root/sub").rename(tmp_path / "moved")
        (tmp_path / "root/sub").symlink_to(tmp_path / to)
        return folder

    monkeypatch.setattr(folders, "made", swapped)
    target = tmp_path / "root/sub/deep/new/name"
    with (
        pytest.raises(WouldOverwrite, match="sub is in the way: it is a link"),
        parent_of(target, tmp_path / "root"),
    ):
        pass
    assert not names(tmp_path / to / "deep")


def test_links_on_the_way_to_a_named_folder_and_back_into_it_are_followed(tmp_path: Path) -> None:
    (tmp_path / "disk/2026").mkdir(parents=True)
    (tmp_path / "renders").symlink_to("disk")
    (tmp_path / "disk/latest").symlink_to("2026")
    (tmp_path / "disk/out").symlink_to("..")
    root = tmp_path / "renders"
    with parent_of(root / "latest/new/name", root) as folder:
        folder.write("name", [b"1"])
    assert (tmp_path / "disk/2026/new/name").read_bytes() == b"1"
    with pytest.raises(WouldOverwrite, match="leads out"), parent_of(root / "out/name", root):
        pass


def test_one_name_has_one_writer(tmp_path: Path) -> None:
    with locks.writing(tmp_path / "new" / "name"):
        words = rf"writing name \(process {os.getpid()}, latty"
        with pytest.raises(Locked, match=words), locks.writing(tmp_path / "new" / "name"):
            pass
        with locks.writing(tmp_path / "new" / "other"):
            pass
    assert not names(tmp_path / "new")


@pytest.mark.parametrize("kind", ["link", "pipe", "file", "second name"])
def test_what_is_no_lock_is_not_taken(kind: str, tmp_path: Path) -> None:
    path, precious = tmp_path / ".name.lock", tmp_path / "precious"
    precious.write_text("data" if kind == "file" else "process 1")
    {"link": lambda: path.symlink_to("precious"),
     "pipe": lambda: os.mkfifo(path),
     "file": lambda: shutil.copy(precious, path),
     "second name": lambda: path.hardlink_to(precious)}[kind]()  # fmt: skip
    before = precious.read_text()
    with pytest.raises(WouldOverwrite, match="in the way: it is"), locks.writing(tmp_path / "name"):
        pass
    assert precious.read_text() == before and path.lstat()


def test_a_lock_that_a_full_disk_cut_short_is_taken(tmp_path: Path) -> None:
    for words in ("", "proc", "process 1, latty render a.toml"):
        (tmp_path / ".name.lock").write_text(words)
        with locks.writing(tmp_path / "name"):
            assert locks.holder(tmp_path / ".name.lock").startswith(f"process {os.getpid()},")


def test_a_folder_whose_last_user_died_while_clearing_it_is_ours(tmp_path: Path) -> None:
    """The mark is gone, the lock is still there."""
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / LOCK).write_text("process 1, latty render a.toml")
    with Folder(tmp_path) as folder, folder.of_ours("w", "render") as work:
        assert work.names() == [MARK, LOCK]


def test_many_at_once_agree_that_a_folder_is_ours(tmp_path: Path) -> None:
    def marked(number: int) -> bytes:
        with Folder(tmp_path) as folder, folder.of_ours(f"w{number // 8}", "render") as work:
            work.write(f"{number}", [b"work"])
            return work.read(MARK, 100)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(marked, range(800)))) == 100


def test_what_is_set_aside_takes_the_place_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.1").symlink_to("nowhere")
    for content in ("one", "two"):
        (tmp_path / "a").write_text(content)
        with Folder(tmp_path) as folder:
            aside = folder.set_aside("a")
        assert aside.read_text() == content and not (tmp_path / "a").exists()
    os.mkfifo(tmp_path / "a")
    with Folder(tmp_path) as folder:
        folder.set_aside("a")
        assert folder.names() == ["a.1", "a.2", "a.3", "a.4"]
