"""`latty import` and `latty inspect` of other programs' files, as people run them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import importer_files as files
import numpy as np
import pytest
import scorer_cards as scorers
import torch
from cli_in_process import latty
from cli_process import environment
from PIL import Image
from places import ROOT
from safetensors.torch import save_file
from small_families import STYLEGAN2, stylegan2_network
from small_families import made as generator_of

from latty import home, latents
from latty.checkpoints.safetensors import read_header as read_container
from latty.cli.main import main
from latty.directions.file import read_header
from latty.directions.opening import find
from latty.directions.registries import IMPORTERS as IMPORTERS_REGISTRY
from latty.errors import BadData
from latty.models.families import stylegan2

Captured = pytest.CaptureFixture[str]
ENTRIES = [name for name in IMPORTERS_REGISTRY.names() if name != "latty"]
W = STYLEGAN2.w_dim
PRESET = """\
schema = 1
name = "{name}"
[scene]
model = "{model}"
seed = 3
[[scene.edits]]
direction = "{direction}"
strength = {strength}
[[outputs]]
path = "{name}.png"
"""


def run(*words: object, code: int = 0) -> None:
    assert main([str(word) for word in words]) == code


@pytest.mark.parametrize("entry", ENTRIES)
def test_inspect_says_what_import_makes(entry: str, tmp_path: Path, capsys: Captured) -> None:
    path = files.made(entry, tmp_path)
    run("inspect", path, "--json")
    seen = json.loads(capsys.readouterr().out)
    run("import", path, "--name", "mine", "--json")
    made = json.loads(capsys.readouterr().out)
    assert (
        (seen["format"], seen["holds"]) == (made["importer"], made["kind"]) == (entry, made["kind"])
    )
    assert (seen["space"], seen["names"]) == (made["space"], made["names"])
    assert seen["shape"] == "x".join(map(str, made["shape"])) and seen["notes"] == made["notes"]
    assert made["name"] == "mine" and Path(made["path"]).is_file()
    run("inspect", path)
    assert f"latty import {path}" in capsys.readouterr().out


def test_words_name_the_result_and_its_use(tmp_path: Path, capsys: Captured) -> None:
    run("import", files.npy(tmp_path / "stylegan_ffhq_smile_w_boundary.npy", files.unit(1, 1, 16)))
    said = capsys.readouterr()
    name = "stylegan_ffhq_smile_w_boundary"
    assert said.out == f"{name}\n"
    assert f'direction = "{name}/smile"' in said.err and "for stylegan_ffhq" in said.err
    assert read_header(home.directions_dir() / f"{name}.safetensors").names == ("smile",)
    run("list", "directions")
    assert name in capsys.readouterr().out
    run("import", files.npy(tmp_path / "wp.npy", files.normal(1, 2, 6, 16)), "--name", "us")
    assert 'latent = "us#0"' in capsys.readouterr().err
    assert read_container(home.latents_dir() / "us.safetensors").shapes


@pytest.mark.parametrize("entry", ["interfacegan", "warped_pool"])
def test_nothing_is_overwritten_without_force(entry: str, tmp_path: Path, capsys: Captured) -> None:
    path = files.made(entry, tmp_path)
    run("import", path, "--name", "mine")
    run("import", path, "--name", "mine", code=73)
    assert "--overwrite" in capsys.readouterr().err
    run("import", path, "--name", "mine", "--force")
    run("import", path, "--name", "../mine", code=2)
    if entry == "interfacegan":
        run("import", path, "--name", "portraits", "--force", code=2)


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    for entry in ("ganspace_npz", "voynov", "warped_pool"):
        path, kept = files.made(entry, tmp_path), []
        for name in ("one", "two"):
            run("import", path, "--name", f"{entry}-{name}")
            kept += [p.read_bytes() for p in home.data_dir().rglob(f"{entry}-{name}.safetensors")]
        assert len(kept) == 2 and kept[0] == kept[1]


def test_kind_and_space_can_be_said(tmp_path: Path, capsys: Captured) -> None:
    path = files.npy(tmp_path / "age.npy", files.unit(1, 1, 16))
    run("import", path, "--as", "interfacegan", "--space", "z", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["importer"], told["space"]) == ("interfacegan", "z")
    run("import", path, "--as", "latents", "--space", "w", "--name", "code", "--json")
    assert json.loads(capsys.readouterr().out)["kind"] == "latents"
    run("import", path, "--as", "tlgan", "--name", "no", code=65)
    run("import", path, "--as", "nothing", "--name", "no", code=2)
    run("import", path, "--space", "q", "--name", "no", code=2)
    run("import", path, "--as", "latents", "--space", "activation:x", "--name", "no", code=65)


def test_a_generator_stays_a_model(tmp_path: Path, capsys: Captured) -> None:
    path = files.pt(tmp_path / "net.pt", {"g_ema": stylegan2_network().state_dict()})
    run("import", path, "--json")
    assert json.loads(capsys.readouterr().out)["kind"] == "model"
    run("import", path, "--space", "w", "--name", "again", code=2)
    assert "docs/importing.md" in capsys.readouterr().err
    run("import", tmp_path, "--name", "held", "--json")
    assert json.loads(capsys.readouterr().out)["kind"] == "model"


def test_inspect_tells_text_and_folders_that_are_nothing(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "barycenters.csv").write_text("name, x, y, mean\na, 1, 2, 3\n")
    run("inspect", tmp_path / "barycenters.csv")
    assert "no direction" in capsys.readouterr().out
    (tmp_path / "notes.csv").write_text("hello, you\n")
    run("inspect", tmp_path / "notes.csv", code=65)
    (tmp_path / "empty").mkdir()
    run("inspect", tmp_path / "empty", code=65)
    assert "is a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "entry", ["ganspace_pkl", "voynov", "plumerault", "latents", "warped_pool"]
)
def test_inspect_stays_light(entry: str, tmp_path: Path) -> None:
    code = (
        "import sys; from latty.cli.main import main; code = main(['inspect', sys.argv[1]]);"
        "heavy = {'torch', 'numpy', 'textual'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else code)"
    )
    path = files.made(entry, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0 and entry in done.stdout, done.stderr


def test_an_imported_boundary_moves_a_picture(tmp_path: Path) -> None:
    """In processes of their own: import a model and a boundary, render without and with it."""
    meta = {"kind": "generator", "family": "stylegan2", **stylegan2.metadata(STYLEGAN2)}
    tensors = {k: v.contiguous() for k, v in stylegan2_network().state_dict().items()}
    save_file(tensors, tmp_path / "net.safetensors", metadata=meta)
    vector = files.unit(1, 1, W, dtype=np.float64)
    files.npy(tmp_path / "stylegan2_own_smile_w_boundary.npy", vector)
    done = latty("import", "net.safetensors", "--name", "tiny", home=tmp_path)
    assert done.returncode == 0, done.stderr
    done = latty("import", "stylegan2_own_smile_w_boundary.npy", "--name", "mine", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "mine\n"), done.stderr
    pictures: list[Any] = []
    for name, strength in {"still": 0, "up": 2, "down": -2}.items():
        text = PRESET.format(name=name, model="tiny", direction="mine/smile", strength=strength)
        (tmp_path / f"{name}.toml").write_text(text)
    done = latty("render", "still.toml", "up.toml", "down.toml", "--device", "cpu", home=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("still", "up", "down"):
        with Image.open(tmp_path / "renders" / f"{name}.png") as image:
            pictures.append(np.asarray(image.convert("RGB"), float))
    still, up, down = pictures
    assert np.abs(up - still).mean() > 0.5 and np.abs(down - still).mean() > 0.5
    assert np.abs(up - down).mean() > np.abs(up - still).mean()


def test_an_imported_edit_of_an_activation_is_applied(tmp_path: Path) -> None:
    """GANSpace's convs.0 is the layer b8.conv0 here; one sigma is act_stdev along act_comp."""
    generator = generator_of("stylegan2")
    codes = generator.mapping(generator.sample([1]))
    before = generator.activation(codes, "b8.conv0")
    block = files.unit(3, 1, before[0].numel()).reshape(1, *before.shape[1:])
    plan = {**files.edit()["decomposition"], "layer": "convs.0"}
    given = files.edit(edit_type="activation", act_comp=block, decomposition=plan)
    run("import", files.dumped(tmp_path / "e.pkl", given))
    found = find("e/Light direction", generator)
    moved = found.move(before, torch.tensor([2.0]), generator)
    np.testing.assert_allclose(moved - before, 2 * 1.5 * block, atol=1e-5)


def test_imported_codes_are_where_a_picture_starts(tmp_path: Path) -> None:
    from latty.edits import codes
    from latty.scene import Scene

    generator = generator_of("stylegan2")
    array = files.normal(7, 2, generator.info.num_layers, W)
    run("import", files.npz(tmp_path / "projected_w.npz", w=array), "--name", "us")
    started = codes([Scene("x", latent=f"us#{i}") for i in (0, 1)], generator)
    np.testing.assert_allclose(started, array, atol=1e-6)


def test_a_scorer_is_kept_by_its_toml(tmp_path: Path, capsys: Captured) -> None:
    weights = files.pt(tmp_path / "net.pt", scorers.plain().state_dict()).name
    path = scorers.card(tmp_path, scorers.CNN.format(weights=weights), "faces")
    run("import", path, "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["name"], told["kind"]) == ("faces", "scorer") and Path(told["path"]).is_file()
    run("import", path, code=73)
    preset = tmp_path / "p.toml"
    preset.write_text(PRESET.format(name="p", model="demo", direction="seed:1", strength=1))
    run("import", preset, code=65)
    assert "latty render" in capsys.readouterr().err


def test_own_files_travel(tmp_path: Path) -> None:
    """What one store holds, another takes as it is, digest of the model included."""
    run("import", files.made("latents", tmp_path), "--name", "mine")
    first = home.latents_dir() / "mine.safetensors"
    own = latents.from_file(first)
    latents.write(tmp_path / "sent.safetensors", replace(own, model_digest="ab" * 32))
    run("import", tmp_path / "sent.safetensors")
    again = latents.from_file(home.latents_dir() / "sent.safetensors")
    assert again.model_digest == "ab" * 32 and again.notes == own.notes
    np.testing.assert_array_equal(again.array, own.array)


def test_a_boundary_of_another_family_is_refused(tmp_path: Path) -> None:
    """Both have w of this width; the name tells StyleGAN from StyleGAN2."""

    path = files.npy(tmp_path / "stylegan_ffhq_age_w_boundary.npy", files.unit(1, 1, W))
    run("import", path, "--name", "age")
    generator = generator_of("stylegan2")
    with pytest.raises(BadData, match="made for stylegan_ffhq"):
        find("age/age", generator)
    assert find("age/age", generator, foreign=True).space == "w"
