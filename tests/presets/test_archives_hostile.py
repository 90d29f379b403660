"""Archives of presets that were made to mislead: one line, nothing unpacked, nothing obeyed."""

from pathlib import Path

import archive_files
import pytest
from cli_in_process import latty

from latty import home

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
