"""`latty export`: what it writes comes back through our own importers and draws the same."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from small_families import CLASSES, STYLEGAN2, stylegan2_network
from small_families import made as generator_of

from latty import home, latents
from latty.cli.main import main
from latty.cli.verbs.export.formats import chosen, exporters
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, write
from latty.directions.opening import find
from latty.models import open_model
from latty.models.families import stylegan2
from latty.models.families.stylegan2 import StyleGAN2Config
from latty.scene import Layers

Captured = pytest.CaptureFixture[str]
ALL = list(exporters())
LAYERS, Z, D = STYLEGAN2.num_layers, STYLEGAN2.z_dim, STYLEGAN2.w_dim
SQUARE = replace(STYLEGAN2, z_dim=10)  # z as wide as w
NETWORKS: dict[str, StyleGAN2Config] = {
    "plain": SQUARE,
    "classes": replace(SQUARE, c_dim=CLASSES),
    "tall": replace(SQUARE, start=(4, 2)),
    "taps": replace(SQUARE, resample_filter=(1.0, 2.0, 1.0, 0.5)),
    "alpha": replace(SQUARE, img_channels=4),
    "narrow": STYLEGAN2,
    "silent": replace(SQUARE, use_noise=False),
    "resnet": replace(SQUARE, architecture="resnet"),
    "slow": replace(SQUARE, mapping_lr=1.0),
    "slower": replace(SQUARE, mapping_lr=0.003),
}
REFUSED = {"classes": "3 classes", "narrow": "z of 12", "resnet": "resnet"}  # by rosinality


def run(*words: object, code: int = 0) -> None:
    assert main([str(word) for word in words]) == code


def of(kind: str) -> list[str]:
    return [one.word for one in ALL if one.of == kind]


def is_no_pickle(path: Path) -> None:
    head = path.read_bytes()
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as archive:
            heads = [archive.read(name)[:6] for name in archive.namelist()]
        assert all(one == b"\x93NUMPY" for one in heads)
    else:
        assert path.suffix == ".safetensors" or head[:6] == b"\x93NUMPY"


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    def make(name: str, config: StyleGAN2Config) -> str:
        network = stylegan2_network(config)
        tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
        save_file(tensors, tmp_path / f"{name}.safetensors", metadata=stylegan2.metadata(config))
        run("import", tmp_path / f"{name}.safetensors")
        return name

    return make


def pictures(name: str) -> torch.Tensor:
    generator = open_model(name, "cpu")
    label = torch.tensor([0, 1]) if generator.info.num_classes else None
    with torch.inference_mode():
        codes = generator.mapping(generator.sample([1, 2]), label, truncation=0.6)
        return generator.synthesis(codes, label)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("word", of("model"))
def test_models_come_back(
    word: str, network: str, stored: Any, tmp_path: Path, capsys: Captured
) -> None:
    name, file = stored(network, NETWORKS[network]), tmp_path / "sent.safetensors"
    if word == "rosinality" and network in REFUSED:
        run("export", name, "--as", word, "-o", file, code=65)
        assert REFUSED[network] in capsys.readouterr().err and not file.exists()
        return
    run("export", name, "--as", word, "-o", file)
    is_no_pickle(file)
    capsys.readouterr()
    run("import", file, "--name", "again", "--json")
    assert json.loads(capsys.readouterr().out)["origin"] == word
    torch.testing.assert_close(pictures("again"), pictures(name), atol=2e-4, rtol=0)
    run("export", name, "--as", word, "-o", file, code=73)


def test_the_shipped_model_comes_back(tmp_path: Path, capsys: Captured) -> None:
    file = tmp_path / "sent.safetensors"
    run("export", "demo", "--as", "rosinality", "-o", file, code=65)
    assert re.search(r"z of 64 and w of 128.*--as nvidia", capsys.readouterr().err)
    run("export", "demo", "--as", "nvidia", "-o", file)
    assert "mapping_lr = 1 is multiplied into" in capsys.readouterr().err
    run("import", file, "--name", "again")
    torch.testing.assert_close(pictures("again"), pictures("demo"), atol=2e-5, rtol=0)


def direction_set(space: str, layered: bool) -> str:
    torch.manual_seed(3)
    width = Z if space == "z" else D
    array = torch.randn(2, LAYERS, width) if layered else torch.randn(3, width)
    infos = tuple(Info(f"d {i}", 0.5 + i) for i in range(len(array)))
    header = DirectionSet("random", space, infos, "own", "stylegan2")
    write(home.directions_dir() / "mine.safetensors", header, {ARRAY: array})
    return "mine"


def test_what_a_file_cannot_hold_of_many_is_a_short_line(tmp_path: Path, capsys: Captured) -> None:
    infos = tuple(Info(f"d{i}", 1.0, layers=Layers(i, i + 1)) for i in range(80))
    header = DirectionSet("random", "w", infos, "own", "stylegan2")
    write(home.directions_dir() / "many.safetensors", header, {ARRAY: torch.eye(80)})
    run("export", "many", "--as", "ganspace_npz", "-o", tmp_path / "sent.npz")
    said = capsys.readouterr().err
    assert "names: d0, d1, d2, d3, d4, d5 and 74 more" in said
    assert "layers: d0 0, d1 1, d2 2, d3 3, d4 4, d5 5 and 74 more" in said


@pytest.mark.parametrize(("space", "layered"), [("w", False), ("w", True), ("z", False)])
@pytest.mark.parametrize("word", of("directions"))
def test_directions_come_back(
    word: str, space: str, layered: bool, tmp_path: Path, capsys: Captured
) -> None:
    name, suffix = direction_set(space, layered), next(e.suffix for e in ALL if e.word == word)
    target = tmp_path / ("sent" if word == "interfacegan" else f"sent{suffix}")
    if word == "ganspace_npz" and layered:
        run("export", name, "--as", word, "-o", target, code=65)
        return
    run("export", name, "--as", word, "-o", target, "--json")
    told = json.loads(capsys.readouterr().out)
    for path in told["paths"]:
        is_no_pickle(Path(path))
    layers = ["--layers", LAYERS] if layered else ["--layers", 1]
    kind = ["--as", "directions"] if word == "npy" else []
    run("import", target, "--name", "again", "--space", space, *layers, *kind, "--force")
    generator = generator_of("stylegan2")
    start = torch.randn(2, Z) if space == "z" else torch.randn(2, LAYERS, D)
    strength = torch.tensor([1.5, -2.0])
    for i in range(2):
        size = 1.0
        if word == "interfacegan":  # its own unit, which the export says
            vector = find(f"{name}/{i}", generator)
            size = float(vector.sigma * vector.vector.norm())  # type: ignore[attr-defined]
            assert any(f"strength 1 here is {size:.4g}" in note for note in told["notes"])
        here = find(f"{name}/{i}", generator).move(start, strength, generator)
        there = find(f"again/{i}", generator).move(start, size * strength, generator)
        torch.testing.assert_close(there, here, atol=2e-5, rtol=1e-5)


def test_one_direction_is_one_file(tmp_path: Path, capsys: Captured) -> None:
    direction_set("w", False)
    file = tmp_path / "d_w_boundary.npy"
    run("export", "mine/d 1", "--as", "interfacegan", "-o", file)
    assert "strength 1 here is" in capsys.readouterr().err
    run("import", file, "--name", "one")
    run("export", "mine", "--as", "interfacegan", "-o", file, "--force", code=2)
    run("export", "mine", "--as", "projected_w", "-o", tmp_path / "x.npz", code=65)
    assert "ganspace_npz, interfacegan, npy" in capsys.readouterr().err
    run("export", "mine", "--as", "interfacegam", "-o", file, code=2)
    run("export", "nobody", "--as", "npy", "-o", file, code=66)
    assert chosen("demo", "nvidia").of == "model"  # which is a set's name, too
    assert chosen("demo", "npy").of == "directions"


SHAPES = {"z": (4, Z), "w": (4, D), "layers": (4, LAYERS, D)}


@pytest.mark.parametrize("held", SHAPES)
@pytest.mark.parametrize("word", of("latents"))
def test_latents_come_back(word: str, held: str, tmp_path: Path, capsys: Captured) -> None:
    torch.manual_seed(1)
    array = 1 + torch.randn(SHAPES[held])
    space: Any = "z" if held == "z" else "w"
    kept = latents.Latents(space, array, "own", "stylegan2", names=("a", "b", "c", "d"))
    latents.write(home.latents_dir() / "us.safetensors", kept)
    suffix = next(one.suffix for one in ALL if one.word == word and one.of == "latents")
    file = tmp_path / f"projected_w{suffix}"
    if word == "projected_w" and held != "layers":
        run("export", "us", "--as", word, "-o", file, code=65)
        if held == "z":
            return
    more = ["--layers", LAYERS] if held == "w" and word == "projected_w" else []
    run("export", "us", "--as", word, "-o", file, *more)
    assert "names: a, b, c, d" in capsys.readouterr().err
    is_no_pickle(file)
    run("import", file, "--name", "again", "--space", space)
    again = latents.read("again").array
    wanted = array[:, None].expand(-1, LAYERS, -1) if more else array
    torch.testing.assert_close(again, wanted, atol=0, rtol=0)
    run("export", "us#b", "--as", word, "-o", tmp_path / f"one{suffix}", *more)
    run("import", tmp_path / f"one{suffix}", "--name", "one", "--space", space)
    torch.testing.assert_close(latents.read("one").array.reshape(wanted[1].shape), wanted[1])
