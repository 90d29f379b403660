"""StyleGAN2 files of every origin make the pictures that their own code makes.

The files and the references' own outputs lie in ../shared/parity, an optional folder beside the
checkout; its README of each origin states the noise floor: how far two CPU kernels of the reference
itself are apart. We allow ten times that, or 1e-5 of the largest value where that is more.
"""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from places import PARITY

from latty.models import open_model
from latty.models.base import Generator, HasLayerWeights, HasPrefix
from latty.models.styled_generator import StyledGenerator

pytestmark = pytest.mark.skipif(not PARITY.is_dir(), reason="no ../shared/parity here")

FLOORS = {  # file without suffix -> noise floor of its README
    "nvlabs_stylegan2_ada/cond32_gray": 3.4e-6,
    "nvlabs_stylegan2_ada/uncond32": 7.6e-6,
    "nvlabs_stylegan2_tf/tf_skip32": 7.6e-6,
    "rosinality_stylegan2/ros_converted32": 4.8e-6,
    "rosinality_stylegan2/ros_train64": 1.2e-5,
    "genforce_sefa/stylegan2_32": 9.1e-6,
    "genforce_sefa/stylegan2_16_origin": 3.1e-6,
}
NVIDIA = [name for name in FLOORS if name.startswith("nvlabs")]
ROSINALITY = [name for name in FLOORS if name.startswith("rosinality")]
GENFORCE = [name for name in FLOORS if name.startswith("genforce")]
Data = dict[str, NDArray[Any]]


def load(name: str) -> tuple[StyledGenerator, Data]:
    """The model and what its reference made with it."""
    path = next(p for p in sorted(PARITY.glob(f"{name}.*")) if p.suffix != ".npz")
    with np.load(PARITY / f"{name}.npz") as stored:
        data = {key: stored[key] for key in stored.files}
    model = open_model(str(path), "cpu")
    assert isinstance(model, StyledGenerator)
    return model, data


def same(name: str, ours: torch.Tensor, theirs: NDArray[Any]) -> None:
    assert ours.shape == theirs.shape
    limit = max(10 * FLOORS[name], 1e-5 * float(np.abs(theirs).max()))
    assert float(np.abs(ours.numpy() - theirs).max()) <= limit


@pytest.fixture(autouse=True)
def _no_gradients() -> Any:
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("name", NVIDIA)
def test_nvidia_codes_and_pictures(name: str) -> None:
    model, data = load(name)
    z = torch.from_numpy(data["z"])
    label = torch.from_numpy(data["c"]) if model.info.num_classes else None
    for i in range(3):
        cutoff = int(data[f"cutoff_{i}"])
        psi = float(data[f"psi_{i}"])
        codes = model.mapping(z, label, psi, None if cutoff < 0 else cutoff)
        same(name, codes, data[f"ws_{i}"])
        same(name, model.synthesis(codes), data[f"img_{i}"])
    codes = model.mapping(z, label)
    same(name, model.synthesis(codes, noise="none"), data["img_noise_none"])
    if "wplus" in data:
        same(name, model.synthesis(torch.from_numpy(data["wplus"])), data["img_wplus"])


@pytest.mark.parametrize("name", ROSINALITY)
def test_rosinality_codes_and_pictures(name: str) -> None:
    model, data = load(name)
    codes = model.mapping(torch.from_numpy(data["z"]))
    other = model.mapping(torch.from_numpy(data["z2"]))
    same(name, codes[:, 0], data["w"])
    same(name, model.synthesis(codes), data["img"])
    same(name, model.synthesis(codes, noise="none"), data["img_noise_none"])
    same(name, model.synthesis(torch.from_numpy(data["wplus"])), data["img_wplus"])
    first = int(data["inject_index"])
    mixed = torch.cat([codes[:, :first], other[:, first:]], 1)
    same(name, model.synthesis(mixed), data["img_mix3"])
    mean = torch.from_numpy(data["latent_avg"])
    if "train" not in name:
        assert torch.equal(model.network.mapping.w_avg, mean)
    moved = mean + 0.7 * (codes - mean)  # a training file's own mean is in the npz only
    same(name, model.synthesis(moved), data["img_psi07"])


@pytest.mark.parametrize("name", GENFORCE)
def test_genforce_codes_and_pictures(name: str) -> None:
    model, data = load(name)
    z = torch.from_numpy(data["z"])
    codes = model.mapping(z)
    same(name, codes[:, 0], data["w"])
    same(name, model.synthesis(codes), data["img"])
    same(name, model.synthesis(model.mapping(z, None, 0.7)), data["img_psi07_all"])
    same(name, model.synthesis(model.mapping(z, None, 0.5, 3)), data["img_psi05_l3"])
    same(name, model.synthesis(torch.from_numpy(data["wplus"])), data["img_wplus"])


@pytest.mark.parametrize("name", FLOORS)
def test_each_offers_what_methods_need(name: str) -> None:
    model, _ = load(name)
    assert isinstance(model, Generator) and isinstance(model, HasLayerWeights)
    assert isinstance(model, HasPrefix)
    codes = model.mapping(model.sample([0, 1]))
    again = model.synthesis_from(model.prefix(codes, 3), codes)
    torch.testing.assert_close(again, model.synthesis(codes), atol=1e-4, rtol=1e-4)


def test_what_a_file_lacks_is_made_up_and_said() -> None:
    path = str(PARITY / "rosinality_stylegan2" / "ros_train64.pt")
    assert any(
        "estimated from 10000 latents" in note for note in open_model(path, "cpu").info.notes
    )
    model, _ = load("rosinality_stylegan2/ros_train64")
    some = model.mapping(model.sample(range(20_000, 22_000)))[:, 0]
    spread = float(some.std(0).mean())
    assert float((some.mean(0) - model.network.mapping.w_avg).abs().max()) < 0.2 * spread
