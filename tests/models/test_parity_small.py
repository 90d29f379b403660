"""DCGAN, the WGAN notebook's generator and SNGAN make the pictures that their own code makes.

The files and the references' outputs lie in ../shared/parity, an optional folder beside the
checkout, whose README states the noise floor of each; we allow ten times that. Layouts that are not
there are compared with small torch.nn networks.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import small_networks as small
import torch
from places import PARITY
from safetensors.torch import save_file

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models import open_model
from latty.models.base import Generator, HasActivations, HasLayerWeights
from latty.models.families import dcgan, sngan
from latty.models.latent_generator import Latent
from latty.models.recognition import families_of

needs_files = pytest.mark.skipif(not PARITY.is_dir(), reason="no ../shared/parity here")
FLOORS = {  # file -> noise floor of its README
    "dcgan/netG_ngf8.pth": 4.9e-6,
    "dcgan/netG_ngf4_dataparallel.pth": 1.4e-6,
    "wgan_notebook/generator_wgan_celeba_w8.pt": 1.7e-6,
    "sngan/sn_resnet32_mnist/generator.pt": 4.2e-6,
}


@needs_files
@pytest.mark.parametrize("name", FLOORS)
def test_pictures_are_the_references(name: str) -> None:
    path = PARITY / name
    beside = path.with_name("fixture.npz")
    model = open_model(str(path), "cpu")
    with np.load(beside if beside.exists() else path.with_suffix(".npz")) as data:
        z, wanted = torch.from_numpy(data["z"]), data["img"]
    with torch.inference_mode():
        ours = model.synthesis(model.mapping(z)).numpy()
    assert ours.shape == wanted.shape
    assert np.abs(ours - wanted).max() <= max(10 * FLOORS[name], 1e-5)


NETWORKS = {
    "dcgan": lambda: (dcgan, small.shaken(small.DCGAN())),
    "dcgan gray 64": lambda: (dcgan, small.shaken(small.DCGAN((9, 8, 8, 6, 4, 1)))),
    "sngan": lambda: (sngan, small.shaken(small.SNGAN())),
    "sngan 32": lambda: (sngan, small.shaken(small.SNGAN((8, 8, 8, 8)))),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_pictures_are_those_of_torchs_own_layers(name: str) -> None:
    family, network = NETWORKS[name]()
    made = small.tensors(network)
    assert family.__name__.rpartition(".")[2] in families_of(small.shapes(made), {})
    model = family.build(made, {}, small.CPU)
    z = model.sample([4, 5, 6])
    with torch.no_grad():
        wanted = network(z)
    assert model.info.resolution == wanted.shape[-1] and model.info.channels == wanted.shape[1]
    torch.testing.assert_close(model.synthesis(model.mapping(z)), wanted, atol=2e-6, rtol=1e-5)


def test_the_notebooks_layout_has_biases() -> None:
    made = small.tensors(small.shaken(small.DCGAN()))
    named = {}
    for name, tensor in made.items():
        _, number, last = name.split(".")
        named[f"layers.{int(number) // 3}.{int(number) % 3}.{last}"] = tensor
    for i, width in enumerate((16, 8, 3)):
        named[f"layers.{i}.0.bias"] = torch.full((width,), 0.1)
    assert "dcgan" in families_of(small.shapes(named), {})
    with_bias = dcgan.build(named, {}, small.CPU)
    without = dcgan.build(made, {}, small.CPU)
    codes = without.mapping(without.sample([1]))
    assert (with_bias.synthesis(codes) - without.synthesis(codes)).abs().max() > 1e-3


@pytest.fixture(params=["dcgan", "sngan"])
def model(request: pytest.FixtureRequest) -> Latent:
    family, network = NETWORKS[request.param]()
    return family.build(small.tensors(network), {}, small.CPU)


def test_it_keeps_the_promises_of_a_generator(model: Latent) -> None:
    assert isinstance(model, Generator)
    assert isinstance(model, HasLayerWeights) and isinstance(model, HasActivations)
    codes = model.mapping(model.sample([3, 8, 1]))
    assert codes.shape == (3, model.info.num_layers, model.info.width)
    images = model.synthesis(codes)
    alone = torch.cat([model.synthesis(code[None]) for code in codes])
    torch.testing.assert_close(images, alone, atol=1e-5, rtol=1e-4)
    codes = codes.clone().requires_grad_(True)
    model.synthesis(codes).square().sum().backward()
    assert codes.grad is not None and (codes.grad != 0).all()
    for name in model.activation_names():
        found = model.activation(codes.detach(), name)
        same = model.synthesis_with(codes.detach(), {name: torch.zeros_like(found)})
        torch.testing.assert_close(same, images)
        moved = model.synthesis_with(codes.detach(), {name: torch.ones_like(found)})
        assert (moved - images).abs().max() > 1e-4


@pytest.mark.parametrize("name", ["dcgan", "sngan"])
def test_the_whole_network_goes_to_its_device(name: str) -> None:
    """Torch's "meta" device mixes with no other: a tensor left behind would stop the run."""
    family, network = NETWORKS[name]()
    model = family.build(small.tensors(network), {}, torch.device("meta"))
    image = model.synthesis(model.mapping(model.sample([1, 2])))
    assert image.device.type == "meta" and len(image) == 2


def test_layer_weights_are_the_first_layers_matrix() -> None:
    for name in ("dcgan", "sngan"):
        family, network = NETWORKS[name]()
        (weight,) = family.build(small.tensors(network), {}, small.CPU).layer_weights()
        first = network.main[0] if name == "dcgan" else network.model[0]
        z = torch.randn(1, weight.shape[1], generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            out = first(z[:, :, None, None] if name == "dcgan" else z)
            zero = first(torch.zeros_like(z[:, :, None, None] if name == "dcgan" else z))
        wanted = (out - zero).flatten()
        torch.testing.assert_close(weight @ z[0], wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["dcgan", "sngan"])
def test_a_stored_copy_is_the_same_model(name: str, tmp_path: Path) -> None:
    family, network = NETWORKS[name]()
    made, file = small.tensors(network), tmp_path / "x.safetensors"
    held = {key: tensor.clone() for key, tensor in made.items()}
    save_file(held, file, {"kind": "generator", "family": name})
    again, direct = open_model(str(file), "cpu"), family.build(made, {}, small.CPU)
    codes = direct.mapping(direct.sample([2]))
    assert again.info.family == name
    assert torch.equal(again.synthesis(codes), direct.synthesis(codes))


@pytest.mark.parametrize("name", ["dcgan", "sngan"])
def test_files_of_half_precision_open(name: str) -> None:
    family, network = NETWORKS[name]()
    half = {k: t.half() if t.is_floating_point() else t for k, t in small.tensors(network).items()}
    model = family.build(half, {}, small.CPU)
    full = family.build(small.tensors(network), {}, small.CPU)
    codes = full.mapping(full.sample([1]))
    torch.testing.assert_close(model.synthesis(codes), full.synthesis(codes), atol=0.02, rtol=0)


FIRST = {"dcgan": "main.3.weight", "sngan": "model.3.model.4.bias"}


@pytest.mark.parametrize("code", ["nonfinite", "wrong-shape", "missing-key", "negative-variance"])
@pytest.mark.parametrize("name", FIRST)
def test_bad_weights_are_refused_by_name(name: str, code: str) -> None:
    family, network = NETWORKS[name]()
    made, key = small.tensors(network), FIRST[name]
    if code == "negative-variance":
        key = next(k for k in made if k.endswith("running_var"))
        made[key] = -made[key]
    elif code == "nonfinite":
        made[key].view(-1)[0] = float("inf")
    elif code == "wrong-shape":
        made[key] = made[key][:-1]
    else:
        del made[key]
    with pytest.raises(Refusal) as caught:
        family.build(made, {}, small.CPU)
    assert caught.value.code == code and key in caught.value.what


def test_the_last_convolution_is_missed_too() -> None:
    made = small.tensors(small.shaken(small.DCGAN()))
    del made["main.6.weight"]
    assert "dcgan" in families_of(small.shapes(made), {})
    with pytest.raises(Refusal, match=r"main\.6\.weight") as caught:
        dcgan.build(made, {}, small.CPU)
    assert caught.value.code == "missing-key"


def test_a_discriminator_is_not_taken_for_a_generator() -> None:
    found = {"main.0.weight": (8, 3, 4, 4), "main.2.weight": (16, 8, 4, 4)}
    assert "dcgan" not in families_of({**found, "main.5.weight": (1, 16, 4, 4)}, {})
    assert "sngan" not in families_of(found, {})


def test_two_copies_of_a_layer_must_agree() -> None:
    made = small.tensors(small.shaken(small.SNGAN()))
    one = {k: t for k, t in made.items() if ".conv1." not in k and ".conv2." not in k}
    models = [sngan.build(t, {}, small.CPU) for t in (made, one)]
    codes = models[0].mapping(models[0].sample([1]))
    assert torch.equal(models[0].synthesis(codes), models[1].synthesis(codes))
    made["model.2.conv1.weight"] = made["model.2.conv1.weight"] + 1
    with pytest.raises(Refusal, match="differ"):
        sngan.build(made, {}, small.CPU)


def test_settings_beside_the_file_choose_the_latent() -> None:
    made = small.tensors(small.shaken(small.SNGAN()))
    meta = {"beside": '{"distribution": "uniform"}'}
    assert sngan.build(made, meta, small.CPU).sample([1, 2, 3]).abs().max() <= 1
    with pytest.raises(BadData, match="distribution"):
        sngan.build(made, {"beside": '{"distribution": "cauchy"}'}, small.CPU)


@pytest.mark.parametrize(("key", "value"), [("latent_dim", 9), ("image_channels", 1)])
def test_settings_that_contradict_the_tensors(key: str, value: int, tmp_path: Path) -> None:
    torch.save(small.tensors(small.shaken(small.SNGAN())), tmp_path / "generator.pt")
    said = tmp_path / "args.json"
    said.write_text(json.dumps({"model": "sn_resnet32", key: value}))
    with pytest.raises(BadData, match=key):
        open_model(str(tmp_path / "generator.pt"), "cpu")
    said.write_text(json.dumps({"model": "another", key: value}))
    assert open_model(str(tmp_path / "generator.pt"), "cpu").info.z_dim == 7


def test_settings_that_nobody_uses_are_named(tmp_path: Path) -> None:
    torch.save(small.tensors(small.shaken(small.SNGAN())), tmp_path / "generator.pt")
    (tmp_path / "args.json").write_text('{"model": "sn_resnet32", "leak": 0.1}')
    (note,) = open_model(str(tmp_path / "generator.pt"), "cpu").info.notes
    assert note.endswith(": leak")
