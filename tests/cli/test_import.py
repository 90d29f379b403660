"""`latty import`: a file becomes a model of the store, once, whole, and never over another."""

import json
import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from places import PARITY

from latty import files, home
from latty.checkpoints.safetensors import read_header
from latty.cli.main import main
from latty.errors import UsageError
from latty.models import open_model, store
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network
from latty.models.store import MODELS

SMALL = StyleGAN2Config(z_dim=8, w_dim=8, resolution=16, channels=(8, 8, 6), mapping_layers=2)
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A StyleGAN2 without mean code, as torch.save writes it."""
    torch.manual_seed(0)
    state = StyleGAN2Network(SMALL).state_dict()
    del state["mapping.w_avg"]
    torch.save({"g_ema": state}, tmp_path / "my net.v2.pt")
    return tmp_path / "my net.v2.pt"


def run(*words: object, code: int = 0) -> None:
    assert main([str(word) for word in words]) == code


def same(first: str, second: str) -> None:
    with torch.inference_mode():
        one, other = open_model(first, "cpu"), open_model(second, "cpu")
        z = one.sample([0, 1])
        codes = one.mapping(z, truncation=0.5)
        assert torch.equal(codes, other.mapping(z, truncation=0.5))
        assert torch.equal(one.synthesis(codes), other.synthesis(codes))


def test_a_file_becomes_a_name(file: Path, capsys: Captured) -> None:
    run("import", file)
    said = capsys.readouterr()
    assert said.out == "my-net\n"
    assert "10000 latents" in said.err and "stylegan2 from nvidia, 16 px, 6 layers" in said.err
    assert "my-net" in MODELS.names()
    same(str(file), "my-net")
    info = open_model("my-net", "cpu").info
    assert (info.name, info.family, info.num_layers) == ("my-net", "stylegan2", 6)
    assert "latents" in " ".join(open_model("my-net", "cpu").info.notes)
    run("list", "models")
    assert "stylegan2, 16 px, from my net.v2.pt" in capsys.readouterr().out


def test_the_header_and_the_card_say_where_it_came_from(file: Path, capsys: Captured) -> None:
    run("import", file, "--name", "mine", "--json")
    told = json.loads(capsys.readouterr().out)
    digest = sha256(file.read_bytes()).hexdigest()
    assert (told["name"], told["sha256"], told["resolution"]) == ("mine", digest, 16)
    meta = read_header(home.models_dir() / "mine.safetensors").meta
    assert meta["kind"] == "generator" and meta["family"] == "stylegan2"
    assert meta["num_layers"] == "6" and meta["source_sha256"] == digest
    assert (meta["source"], meta["source_bytes"]) == (file.name, str(file.stat().st_size))
    assert json.loads(meta["config"])["z_dim"] == 8 and len(meta["notes"].split("\n")) == 2
    assert meta["license"] == "" and str(file.parent) not in json.dumps(meta)


def test_the_same_file_gives_the_same_bytes(file: Path) -> None:
    path = home.models_dir() / "a.safetensors"
    run("import", file, "--name", "a")
    first = path.read_bytes()
    run("import", file, "--name", "a", "--force")
    assert path.read_bytes() == first
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.safetensors"]


def test_an_imported_model_can_be_imported_again(file: Path) -> None:
    run("import", file, "--name", "a")
    run("import", home.models_dir() / "a.safetensors", "--name", "b")
    same("a", "b")


def test_nothing_is_overwritten_without_force(file: Path, capsys: Captured) -> None:
    run("import", file)
    before = (home.models_dir() / "my-net.safetensors").read_bytes()
    capsys.readouterr()
    run("import", file, code=73)
    said = capsys.readouterr()
    assert said.out == "" and "--overwrite" in said.err
    assert (home.models_dir() / "my-net.safetensors").read_bytes() == before


@pytest.mark.parametrize("name", ["../x", "a/b", ".b", "a..b", "", "x" * 81, "a b", "-a"])
def test_names_are_checked(name: str, file: Path, capsys: Captured) -> None:
    run("import", file, f"--name={name}", code=0 if not name else 2)
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["demo", "portraits"])
def test_shipped_names_are_taken(name: str, file: Path) -> None:
    run("import", file, "--name", name, "--force", code=2)
    with pytest.raises(UsageError, match="ships"):
        store.MODELS.check_name(name)


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("stylegan2-ffhq-config-f.pkl", "stylegan2-ffhq-config-f"),
        ("uncond32.nosrc.pkl", "uncond32"),
        ("modèle (1).pt", "mod-le-1"),
        ("...", "model"),
    ],
)
def test_names_come_from_files(file_name: str, name: str) -> None:
    assert store.name_for(Path(file_name)) == name
    store.MODELS.check_name(name)


def test_a_bad_file_leaves_nothing(tmp_path: Path, capsys: Captured) -> None:
    torch.save({"weird": torch.ones(3)}, tmp_path / "bad.pt")
    (tmp_path / "page.pkl").write_text("<html>")
    for word, code in {"bad.pt": 65, "page.pkl": 65, "none.pt": 66, ".": 65}.items():
        run("import", tmp_path / word, code=code)
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1 and "Traceback" not in said.err
    assert not any(home.models_dir().iterdir())


def test_a_spec_that_is_not_there(file: Path) -> None:
    run("import", file, "--spec", "nowhere.toml", code=66)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_that_cannot_be_written(file: Path, capsys: Captured) -> None:
    home.models_dir().mkdir(parents=True)
    home.models_dir().chmod(0o500)
    run("import", file, code=74)
    assert "cannot write" in capsys.readouterr().err


def test_a_failed_write_leaves_no_half_model(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    run("import", file, code=74)
    assert "No space left on device (make room on the disk)" in capsys.readouterr().err
    assert [*home.models_dir().iterdir()] == []


def test_check_warns_about_layers_of_imported_models(
    file: Path, tmp_path: Path, capsys: Captured
) -> None:
    run("import", file, "--name", "mine")
    preset = tmp_path / "p.toml"
    preset.write_text(
        'schema = 1\nname = "p"\n[scene]\nmodel = "mine"\n'
        '[[scene.edits]]\ndirection = "seed:4"\nstrength = 1\nlayers = "2-9"\n'
        '[[outputs]]\npath = "p.png"\n'
    )
    run("check", preset)
    assert "goes beyond layer 5" in capsys.readouterr().err


SUFFIXES = (".pkl", ".pt", ".pth", ".bin")


def foreign() -> list[Path]:
    return [p for p in sorted(PARITY.rglob("*")) if p.suffix in SUFFIXES]


@pytest.mark.parametrize("path", foreign() or [None], ids=lambda p: p.name if p else "none")
def test_every_layout_survives_the_store(path: Path | None) -> None:
    if path is None:
        pytest.skip("no ../shared/parity here")
    run("import", path, "--name", "mine")
    with torch.inference_mode():
        first, second = open_model(str(path), "cpu"), open_model("mine", "cpu")
        label = torch.tensor([1]) if first.info.num_classes else None
        z = first.sample([3])
        assert torch.equal(z, second.sample([3]))
        codes = first.mapping(z, label, truncation=0.5)
        assert torch.equal(codes, second.mapping(z, label, truncation=0.5))
        drawn = [g.synthesis(codes, label, truncation=0.5) for g in (first, second)]
    assert torch.equal(*drawn)
    assert replace(second.info, name="", digest="") == replace(first.info, name="", digest="")
