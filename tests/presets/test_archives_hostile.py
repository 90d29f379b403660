"""Archives of presets that were made to mislead: one line, nothing unpacked, nothing obeyed."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import archive_files
import pytest
from cli_in_process import latty

from latty import home, locks
from latty.folders import private
from latty.presets.archives import opening
from latty.presets.digests import digest_of
from latty.unpacked import UNPACKING, place

VERBS = {
    "check": ("check", "film.latty"),
    "inspect": ("inspect", "film.latty"),
    "render": ("render", "film.latty", "--dry-run"),
}


def unpacked(tmp_path: Path) -> list[Path]:
    return [
        path
        for path in (tmp_path / "home").rglob("archives/**/*")
        if path.is_file() and path.suffix != ".lock"
    ]


@pytest.mark.parametrize("kind", archive_files.HOSTILE)
def test_what_misleads_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, told = archive_files.HOSTILE[kind]
    (tmp_path / "film.latty").write_bytes(make())
    for words in VERBS.values():
        done = latty(*words, home=tmp_path)
        assert done.returncode == 65, (words, done)
        assert done.stderr.count("film.latty") >= 1 and told in done.stderr, done.stderr
        assert "\x1b" not in done.stderr and "Traceback" not in done.stderr
    assert not unpacked(tmp_path)


def test_an_honest_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "film.latty").write_bytes(archive_files.archive(archive_files.members()))
    for words in VERBS.values():
        assert latty(*words, home=tmp_path).returncode == 0
    assert len(unpacked(tmp_path)) == 2


@pytest.mark.parametrize("said", [
    'latent = "/tmp/latty-secret.npy#0"',
    'latent = "../secret.npy#0"',
    'latent = "secret.npy#0"',
    'seed = { walk = [1, "secret.npy#0"] }',
    'locks = ["../secret.safetensors#r1"]',
], ids=["whole", "above", "beside", "walk", "lock"])  # fmt: skip
def test_a_preset_in_it_opens_no_other_file(said: str, tmp_path: Path) -> None:
    preset = archive_files.PRESET.decode().replace("seed = 3", said).encode()
    held = {**archive_files.members(), "presets/film.toml": preset}
    (tmp_path / "film.latty").write_bytes(archive_files.archive(held))
    (tmp_path / "secret.npy").write_bytes(b"x")
    done = latty("check", "film.latty", home=tmp_path)
    assert done.returncode == 65 and "is not in the archive" in done.stderr, done.stderr


@pytest.mark.parametrize("said", [
    b'extends = "/tmp/x.toml"\n',
    b'extends = "x.toml"\n',
    b'extends = "../../../../../../x.toml"\n',
])  # fmt: skip
def test_a_preset_in_it_extends_no_other_file(said: bytes, tmp_path: Path) -> None:
    held = {**archive_files.members(), "presets/film.toml": said + archive_files.PRESET}
    (tmp_path / "x.toml").write_bytes(b"frames = 2\n")
    (tmp_path / "film.latty").write_bytes(archive_files.archive(held))
    done = latty("check", "film.latty", home=tmp_path)
    assert done.returncode in (65, 66) and "there is no preset" in done.stderr, done.stderr
    panel = archive_files.PRESET + b'[[panels]]\npreset = "x.toml"\n'
    held = {**archive_files.members(), "presets/film.toml": panel}
    (tmp_path / "film.latty").write_bytes(archive_files.archive(held))
    done = latty("check", "film.latty", home=tmp_path)
    assert done.returncode in (65, 66) and "there is no preset" in done.stderr, done.stderr


LOCKS: dict[str, tuple[Callable[[Path], None], str]] = {
    "link": (lambda path: path.symlink_to("../../../../mine"), "it is a link"),
    "dangling": (lambda path: path.symlink_to("../../../../none"), "it is a link"),
    "second name": (lambda path: path.hardlink_to(path.parents[4] / "mine"), "it is no lock"),
    "file": (lambda path: [path.write_text("mine")].clear(), "it is no lock"),
    "pipe": (os.mkfifo, "it is a named pipe"),
}


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an honest archive, whose home is in it."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    (tmp_path / "film.latty").write_bytes(archive_files.archive(archive_files.members()))
    return tmp_path


def folder_of(archive: Path) -> Path:
    """Where it is unpacked."""
    return private(place(digest_of(archive)))


@pytest.mark.parametrize("kind", LOCKS)
def test_what_has_the_name_of_its_lock_is_told_and_stays(kind: str, reader: Path) -> None:
    plant, told = LOCKS[kind]
    (reader / "mine").write_text("mine")
    lock = folder_of(reader / "film.latty") / UNPACKING
    plant(lock)
    done = latty("check", "film.latty", home=reader)
    assert done.returncode == 73 and f"{UNPACKING} is in the way: {told}" in done.stderr
    assert done.stderr.count("\n") == 1 and (reader / "mine").read_text() == "mine"
    assert not (reader / "none").exists() and not unpacked(reader)
    lock.unlink()
    assert latty("check", "film.latty", home=reader).returncode == 0


def test_who_waited_for_another_process_writes_nothing_again(reader: Path) -> None:
    archive = reader / "film.latty"
    opening.opened(archive)
    root = folder_of(archive)
    aside = root.rename(root.with_name("aside"))
    root.mkdir(0o700)
    with ThreadPoolExecutor() as pool:
        with locks.locked(root / UNPACKING, "unpacking it"):
            waits = pool.submit(opening.opened, archive)
            time.sleep(0.3)
            assert not waits.done()
            for one in aside.iterdir():
                if one.is_dir():
                    one.rename(root / one.name)
            before = {path: path.stat().st_ino for path in root.rglob("*")}
        assert waits.result(10).root == root
    assert {path: path.stat().st_ino for path in root.rglob("*")} == before


def test_a_damaged_copy_in_the_cache_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "film.latty").write_bytes(archive_files.archive(archive_files.members()))
    assert latty("check", "film.latty", home=tmp_path).returncode == 0
    for path in unpacked(tmp_path):
        path.write_bytes(b"x")
    assert latty("check", "film.latty", home=tmp_path).returncode == 0
    assert {path.stat().st_size > 1 for path in unpacked(tmp_path)} == {True}


def test_what_it_holds_takes_no_name_in_a_store(tmp_path: Path) -> None:
    (tmp_path / "film.latty").write_bytes(archive_files.archive(archive_files.members()))
    assert latty("check", "film.latty", home=tmp_path).returncode == 0
    listed = latty("list", "directions", home=tmp_path).stdout
    assert "mine" not in listed and not list((tmp_path / "home").rglob("data/*/*"))
    assert home.archives_dir().name == "archives"
