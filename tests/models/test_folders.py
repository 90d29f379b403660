"""Folders that hold a checkpoint, shards of one, settings beside a file and by --set."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_in_process import latty
from PIL import Image
from places import PARITY
from safetensors.torch import save_file
from small_families import example
from torch import Tensor

from latty.checkpoints import open_checkpoint
from latty.checkpoints.checkpoint import digest
from latty.checkpoints.refusals import Refusal
from latty.errors import BadData, Missing
from latty.models import open_model

Tensors = dict[str, Tensor]


def sngan() -> Tensors:
    return {name: tensor.contiguous() for name, tensor in example("sngan")[0].items()}


def halves(tensors: Tensors) -> list[Tensors]:
    names = list(tensors)
    return [{n: tensors[n] for n in part} for part in (names[::2], names[1::2])]


def indexed(folder: Path, index: str, files: list[str], tensors: Tensors) -> None:
    table = {}
    for file, part in zip(files, halves(tensors), strict=True):
        save = save_file if file.endswith(".safetensors") else torch.save
        save(part, folder / file)
        table |= dict.fromkeys(part, file)
    (folder / index).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": table}))


def one_file(folder: Path, name: str) -> None:
    save = save_file if name.endswith(".safetensors") else torch.save
    save(sngan(), folder / name)


def sharded(folder: Path, stem: str, suffix: str) -> None:
    files = [f"{stem}-0000{i}-of-00002.{suffix}" for i in (1, 2)]
    indexed(folder, f"{stem}.{suffix}.index.json", files, sngan())


def both_forms(folder: Path) -> None:
    one_file(folder, "model.safetensors")
    one_file(folder, "pytorch_model.bin")


def among_others(folder: Path) -> None:
    one_file(folder, "generator.pt")
    torch.save({"conv.weight": torch.ones(8, 3, 4, 4)}, folder / "discriminator.pt")
    torch.save({"state": {}}, folder / "optimizer.pt")


LAYOUTS = {
    "huggingface bin": lambda f: one_file(f, "pytorch_model.bin"),
    "huggingface safetensors": lambda f: one_file(f, "model.safetensors"),
    "huggingface both": both_forms,
    "shards bin": lambda f: sharded(f, "pytorch_model", "bin"),
    "shards safetensors": lambda f: sharded(f, "model", "safetensors"),
    "ganlatentdiscovery": lambda f: one_file(f, "generator.pt"),
    "among others": among_others,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sn_mnist"
    made.mkdir()
    settings = "config.json" if "huggingface" in str(tmp_path) else "args.json"
    (made / settings).write_text('{"distribution": "uniform", "other": 3}')
    (made / "README.md").write_text("a model")
    return made


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_opens_as_the_checkpoint_in_it(tmp_path: Path, folder: Path, layout: str) -> None:
    LAYOUTS[layout](folder)
    torch.save(sngan(), tmp_path / "alone.pt")
    model, alone = open_model(str(folder), "cpu"), open_model(str(tmp_path / "alone.pt"), "cpu")
    assert model.info.name == "sn_mnist" and model.info.family == "sngan"
    assert float(model.sample(range(50)).abs().max()) <= 1 < float(alone.sample(range(50)).max())
    z = model.sample([1, 2])
    assert torch.equal(model.synthesis(model.mapping(z)), alone.synthesis(alone.mapping(z)))
    done = latty("import", str(folder), home=tmp_path)
    assert done.returncode == 0 and done.stdout.strip() == "sn_mnist", done.stderr
    told = json.loads(latty("inspect", str(folder), "--json", home=tmp_path).stdout)
    assert told["family"] == "sngan" and told["settings beside"]["distribution"] == "uniform"
    assert len(told["sha256"]) == 64
    drawn = latty("sample", str(folder), "--seeds", "1", "-o", "a.png", home=tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    preset = 'schema = 1\nname = "x"\nframes = 1\n[scene]\nmodel = "sn_mnist"\nseed = 1\n'
    (tmp_path / "p.toml").write_text(f'{preset}[[outputs]]\npath = "p.png"\n')
    assert latty("check", "p.toml", home=tmp_path).returncode == 0


def test_a_folder_is_a_model_in_a_preset(tmp_path: Path, folder: Path) -> None:
    one_file(folder, "generator.pt")
    for name, model in (("folder", "sn_mnist"), ("file", "sn_mnist/generator.pt")):
        scene = f'schema = 1\nname = "{name}"\nframes = 1\n[scene]\nmodel = "{model}"\nseed = 3\n'
        (tmp_path / f"{name}.toml").write_text(f'{scene}[[outputs]]\npath = "{name}.png"\n')
        done = latty("render", f"{name}.toml", home=tmp_path)
        assert done.returncode == 0, done.stderr
    pictures = [
        np.asarray(Image.open(next(tmp_path.rglob(f"{name}*.png")))) for name in ("folder", "file")
    ]
    assert np.array_equal(*pictures) and pictures[0].std() > 0


HUGGING_FACE = [layout for layout in LAYOUTS if layout.startswith(("huggingface", "shards"))]


def moved(file: Path, place: Path) -> None:
    """The file lies in the folder `place` under another name, and is a link as the cache has it."""
    place.mkdir(exist_ok=True)
    target = file.rename(place / hashlib.sha256(file.name.encode()).hexdigest())
    file.symlink_to(os.path.relpath(target, file.parent))


@pytest.mark.parametrize("layout", HUGGING_FACE)
def test_the_cache_of_hugging_face_opens(tmp_path: Path, layout: str) -> None:
    cache = tmp_path / "models--someone--sn"
    revision = cache / "snapshots" / "0a1b"
    revision.mkdir(parents=True)
    LAYOUTS[layout](revision)
    (revision / "config.json").write_text('{"distribution": "uniform"}')
    files = list(revision.iterdir())
    for file in files:
        moved(file, cache / "blobs")
    named = next((file for file in files if file.name.endswith("index.json")), None)
    for path in (revision, named or next(file for file in files if file.name != "config.json")):
        model = open_model(str(path), "cpu")
        assert model.info.family == "sngan" and float(model.sample(range(50)).abs().max()) <= 1
        assert "left out" not in model.info.notes


def test_settings_that_lead_out_are_named_and_left_out(tmp_path: Path, folder: Path) -> None:
    one_file(folder, "generator.pt")
    moved(folder / "args.json", tmp_path / "elsewhere")
    model = open_model(str(folder), "cpu")
    assert float(model.sample(range(50)).abs().max()) > 1
    told = json.loads(latty("inspect", str(folder), "--json", home=tmp_path).stdout)
    assert told["settings beside"] == {}
    assert told["notes"] == ["args.json beside it is a link that leads out of its folder: left out"]


@pytest.mark.parametrize("suffix", ["bin", "safetensors"])
def test_a_shard_that_leads_out_is_refused(tmp_path: Path, folder: Path, suffix: str) -> None:
    sharded(folder, "model", suffix)
    shard = f"model-00002-of-00002.{suffix}"
    moved(folder / shard, tmp_path / "elsewhere")
    index = folder / f"model.{suffix}.index.json"
    for verb, path in (("inspect", folder), ("inspect", index), ("import", index)):
        done = latty(verb, str(path), home=tmp_path)
        assert done.returncode == 65 and done.stderr.count("\n") == 1, done.stderr
        assert f"{shard}, which is a link that leads out of its folder" in done.stderr


@pytest.mark.parametrize("kind", ["pipe", "device", "long", "deep", "list"])
def test_what_is_no_settings_file_is_passed_over(tmp_path: Path, kind: str) -> None:
    torch.save(sngan(), tmp_path / "net.pt")
    beside = tmp_path / "config.json"
    if kind == "pipe":
        os.mkfifo(beside)
    elif kind == "device":
        beside.symlink_to("/dev/zero")
    else:
        texts = {"long": '{"a": "' + " " * 2**20 + '"}', "deep": "[" * 10_000, "list": "[1]"}
        beside.write_text(texts[kind])
    assert open_model(str(tmp_path / "net.pt"), "cpu").info.family == "sngan"


def test_several_checkpoints_are_listed_in_one_line(tmp_path: Path, folder: Path) -> None:
    for name in ("early.pt", "late.pt"):
        one_file(folder, name)
    for verb in ("import", "inspect"):
        done = latty(verb, str(folder), home=tmp_path)
        assert done.returncode == 65 and done.stderr.count("\n") == 1, done.stderr
        assert "early.pt, late.pt" in done.stderr and "name the one" in done.stderr
    with pytest.raises(BadData, match=r"early\.pt, late\.pt"):
        open_model(str(folder), "cpu")


def test_a_folder_of_nothing_says_so(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BadData, match="without a checkpoint"):
        open_model(str(folder), "cpu")
    assert latty("import", str(folder), home=tmp_path).returncode == 65


BAD_INDICES: dict[str, tuple[Any, type[Exception]]] = {
    "outside": ({"a": "../x.bin"}, Refusal),
    "absolute": ({"a": "/x.bin"}, Refusal),
    "itself": ({"a": "m.index.json"}, Refusal),
    "number": ({"a": 3}, Refusal),
    "empty": ({}, Refusal),
    "missing file": ({"a": "gone.bin"}, Missing),
    "missing tensor": ({"gone": "x.bin"}, Refusal),
    "many": ({str(i): f"{i}.bin" for i in range(300)}, Refusal),
}


@pytest.mark.parametrize("name", BAD_INDICES)
def test_a_bad_index_is_refused(tmp_path: Path, name: str) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "x.bin")
    table, error = BAD_INDICES[name]
    (tmp_path / "m.index.json").write_text(json.dumps({"weight_map": table}))
    with pytest.raises(error):
        open_checkpoint(tmp_path / "m.index.json")


def test_the_digest_of_shards_is_that_of_their_numbers(tmp_path: Path) -> None:
    for name, scale in (("a", 1.0), ("b", 2.0)):
        made = tmp_path / name
        made.mkdir()
        tensors = {n: scale * t for n, t in sngan().items()}
        indexed(made, "m.index.json", ["1.bin", "2.bin"], tensors)
    one, other = (digest(tmp_path / name / "m.index.json") for name in "ab")
    assert one != other


@pytest.mark.parametrize("name", ["net.config.json", "net.json", "config.json", "args.json"])
def test_settings_beside_a_file(tmp_path: Path, name: str) -> None:
    torch.save(sngan(), tmp_path / "net.pt")
    (tmp_path / name).write_text('{"distribution": "uniform"}')
    model = open_model(str(tmp_path / "net.pt"), "cpu")
    assert float(model.sample(range(50)).abs().max()) <= 1


def test_settings_of_the_user_go_before_those_beside_the_file(tmp_path: Path) -> None:
    torch.save(sngan(), tmp_path / "net.pt")
    (tmp_path / "args.json").write_text('{"distribution": "normal"}')
    words = ("net.pt", "--set", "distribution=uniform")
    done = latty("import", *words, home=tmp_path)
    assert done.returncode == 0 and "stated by the user: distribution = uniform" in done.stderr
    stored = next(tmp_path.rglob("net.safetensors"))
    assert float(open_model(str(stored), "cpu").sample(range(50)).abs().max()) <= 1
    told = json.loads(latty("inspect", *words, "--json", home=tmp_path).stdout)
    assert told["settings beside"] == {"distribution": "uniform"}


@pytest.mark.parametrize("verb", ["import", "inspect"])
def test_settings_that_there_are_not_are_refused(tmp_path: Path, verb: str) -> None:
    torch.save(sngan(), tmp_path / "net.pt")
    for words, said in (
        (["distribtion=uniform"], "did you mean 'distribution'?"),
        (["width=3"], "it reads: distribution"),
        (["a.b=3"], "no setting"),
        (["distribution"], "no KEY=VALUE"),
    ):
        done = latty(verb, "net.pt", "--set", *words, home=tmp_path)
        assert done.returncode == 2 and said in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1


def test_the_label_of_a_progan_by_set(tmp_path: Path) -> None:
    file = PARITY / "genforce_sefa/pggan_32.pth"
    if not file.is_file():
        pytest.skip("the parity fixtures are not beside the checkout")
    width = next(v.shape[1] for n, v in open_checkpoint(file).views().items() if "layer0.w" in n)
    key = f"z_space_dim={width - 3}"
    done = latty("import", str(file), "--name", "p", "--set", key, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert open_model(str(next(tmp_path.rglob("p.safetensors"))), "cpu").info.z_dim == width - 3
