"""Files of encoders: the generator in them draws as alone, the other half is kept on import."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_in_process import latty
from encoder_files import KINDS, WIDTH, rosinality, written
from places import PARITY, SHARED
from torch import Tensor

from latty.checkpoints import open_checkpoint
from latty.checkpoints.safetensors import read_header, read_tensors
from latty.errors import BadData
from latty.models import open_model
from latty.models.store import MODELS, companion_file

CASES = SHARED / "cases/wild"
REFERENCE = PARITY / "rosinality_stylegan2/ros_converted32"


def drawn(path: Path | str, truncation: float = 0.6) -> Tensor:
    model = open_model(str(path), "cpu")
    with torch.inference_mode():
        return model.synthesis(model.mapping(model.sample([1, 2]), truncation=truncation))


@pytest.mark.parametrize("kind", KINDS)
def test_the_generator_draws_as_it_does_alone(tmp_path: Path, kind: str) -> None:
    tensors, mean = rosinality(), torch.randn(WIDTH)
    torch.save({"g_ema": tensors, "latent_avg": mean}, tmp_path / "alone.pt")
    rows = mean.expand(4, WIDTH).clone()
    path = written(tmp_path / "both.pt", kind, tensors, rows)
    assert torch.equal(drawn(path), drawn(tmp_path / "alone.pt"))
    told = json.loads(latty("inspect", str(path), "--json", home=tmp_path).stdout)
    assert told["origin"] == "encoders" and told["part"].endswith("decoder")


def test_the_pictures_of_the_reference(tmp_path: Path) -> None:
    file = REFERENCE.with_suffix(".pt")
    if not file.is_file():
        pytest.skip("the parity fixtures are not beside the checkout")
    whole, known = torch.load(file, weights_only=True), np.load(REFERENCE.with_suffix(".npz"))
    rows = whole["latent_avg"].reshape(1, -1).repeat(8, 1)
    path = written(tmp_path / "e4e.pt", "e4e", whole["g_ema"], rows)
    model = open_model(str(path), "cpu")
    z = torch.from_numpy(known["z"]).float()
    for key, truncation in (("img", 1.0), ("img_psi07", 0.7)):
        found = model.synthesis(model.mapping(z, truncation=truncation)).numpy()
        assert np.abs(found - known[key]).max() < 1e-5 * np.abs(known[key]).max()


@pytest.mark.parametrize("name", ["t_uncond32", "r_cond32"])
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "decoder"])
def test_a_stylegan3_without_its_settings_draws_what_nvidia_draws(
    tmp_path: Path, name: str, bare: bool
) -> None:
    file = PARITY / f"nvlabs_stylegan3/{name}.nosrc.pkl"
    if not file.is_file():
        pytest.skip("the parity fixtures are not beside the checkout")
    checkpoint = open_checkpoint(file)
    arrays = checkpoint.tensors(checkpoint.tree["G_ema"])
    state = {n: torch.tensor(a) for n, a in arrays.items() if not n.endswith("input.transform")}
    path = tmp_path / "net.pt"
    if bare:
        torch.save(state, path)
    else:
        mean = state.pop("mapping.w_avg").expand(16, -1).clone()
        written(path, "e4e", state, mean)
    model, whole = open_model(str(path), "cpu"), open_model(str(file), "cpu")
    z = whole.sample([1, 2])
    label = torch.tensor([1, 0]) if whole.info.num_classes else None
    with torch.inference_mode():
        images = [one.synthesis(one.mapping(z, label, 0.7)) for one in (model, whole)]
    assert torch.equal(*images)
    assert any("NVIDIA's settings" in note for note in model.info.notes)
    told = json.loads(latty("inspect", str(path), "--json", home=tmp_path).stdout)
    assert told["origin"] == ("nvidia_stylegan3" if bare else "encoders_stylegan3")


@pytest.mark.parametrize("change", ["size", "filter", "count"])
def test_a_bare_stylegan3_of_other_settings_is_refused(tmp_path: Path, change: str) -> None:
    file = PARITY / "nvlabs_stylegan3/t_uncond32.nosrc.pkl"
    if not file.is_file():
        pytest.skip("the parity fixtures are not beside the checkout")
    checkpoint = open_checkpoint(file)
    arrays = checkpoint.tensors(checkpoint.tree["G_ema"])
    state = {name: torch.tensor(array) for name, array in arrays.items()}
    layers = sorted({n.split(".")[1] for n in state if n.startswith("synthesis.L")})
    if change == "size":
        number, _, channels = layers[3].split("_")
        state = {n.replace(layers[3], f"{number}_99_{channels}"): t for n, t in state.items()}
    elif change == "count":
        state = {n: t for n, t in state.items() if layers[3] not in n}
    else:
        one = next(name for name in state if name.endswith("up_filter"))
        state[one] = torch.ones(8) / 8
    torch.save(state, tmp_path / "net.pt")
    with pytest.raises(BadData, match=r"net\.pt.* without the settings of its layers"):
        open_model(str(tmp_path / "net.pt"), "cpu")


@pytest.mark.skipif(not CASES.is_dir(), reason="no folder of cases beside the checkout")
def test_the_case_of_a_stranger() -> None:
    known = np.load(CASES / "encoder_like_expected.npz")
    model = open_model(str(CASES / "encoder_like.pt"), "cpu")
    found = model.synthesis(model.mapping(torch.from_numpy(known["z"]))).numpy()
    assert np.abs(found - known["img"]).max() < 1e-5 * np.abs(known["img"]).max()
    mean = model.mapping(torch.from_numpy(known["z"]), truncation=0.0)
    assert np.allclose(mean[:, 0].numpy(), known["latent_avg"])


@pytest.mark.parametrize("kind", [
    pytest.param(kind, marks=[pytest.mark.slow] if kind in ("ReStyle", "DataParallel") else [])
    for kind in KINDS])  # fmt: skip
def test_an_import_keeps_the_encoder(tmp_path: Path, kind: str) -> None:
    rows = torch.randn(WIDTH).expand(4, WIDTH).clone()
    path = written(tmp_path / "e4e.pt", kind, rosinality(), rows)
    done = latty("import", str(path), home=tmp_path)
    assert done.returncode == 0, done.stderr
    stored = next(tmp_path.rglob("e4e.safetensors"))
    kept, other = companion_file(stored), KINDS[kind][0]
    if not other:
        assert kept is None and "encoder" not in read_header(stored).meta
        return
    assert kept is not None and kept.parent == stored.parent
    assert done.stderr.count(kept.name) == 1
    tensors, header = read_tensors(kept), read_header(kept)
    assert tensors.keys() == {*other, "latent_avg"}
    assert all(torch.equal(tensors[name], tensor) for name, tensor in other.items())
    assert torch.equal(tensors["latent_avg"], rows)
    settings = json.loads(header.meta["config"])
    assert settings["encoder_type"] == "Encoder4Editing" and "checkpoint_path" not in settings
    assert header.meta["model"] == "e4e" and header.meta["kind"] == "encoder"
    assert read_header(stored).meta["encoder"] == kept.name
    assert torch.equal(drawn(stored), drawn(path))
    assert "encoder" not in latty("list", "models", home=tmp_path).stdout
    torch.save({"g_ema": rosinality()}, tmp_path / "plain.pt")
    latty("import", str(tmp_path / "plain.pt"), "--name", "e4e", "--force", home=tmp_path)
    assert not kept.exists() and MODELS.named("e4e") is None
