"""SeFa against numpy's SVD, on planted weights and on every family that offers any."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from planted import cosine
from small_families import FAMILIES, made
from torch import Tensor
from toy_generator import Toy

from latty.directions.discovery import save
from latty.directions.file import read
from latty.directions.methods.sefa import METHOD
from latty.directions.opening import find
from latty.errors import BadData, Interrupted
from latty.models.base import HasLayerWeights


class Weighted(Toy):
    """Layers that read their codes with a planted spectrum: 5 dimensions, 4 layers."""

    def layer_weights(self) -> list[Tensor]:
        state = torch.Generator().manual_seed(1)
        self.axes = torch.linalg.qr(torch.randn(5, 5, generator=state)).Q  # columns
        strength = torch.tensor([9.0, 7.0, 5.0, 3.0, 1.0])
        weights = []
        for layer in range(4):
            turned = torch.linalg.qr(torch.randn(8, 5, generator=state)).Q
            weights.append((1 + layer) * turned @ (strength * self.axes).T)
        return weights


def svd(weights: list[Tensor], normalise: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Squared singular values and right singular vectors of all weights below each other."""
    rows = np.concatenate([weight.double().numpy() for weight in weights])
    if normalise:
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    _, sizes, axes = np.linalg.svd(rows, full_matrices=False)
    return sizes**2, axes


def test_planted_axes_come_back_in_order() -> None:
    toy = Weighted()
    found = METHOD(normalise="none", samples=100).fit(toy)
    assert [info.name for info in found.infos_] == ["s0", "s1", "s2", "s3", "s4"]
    for vector, axis in zip(found.directions_, toy.axes.T, strict=True):
        assert abs(cosine(vector, axis)) == pytest.approx(1, abs=1e-5)
        assert vector[vector.abs().argmax()] > 0
    values = [dict(info.scores)["eigenvalue"] for info in found.infos_]
    squares = 1 + 4 + 9 + 16  # of the layers' factors
    assert values == pytest.approx([squares * s**2 for s in (9, 7, 5, 3, 1)], rel=1e-4)


def test_outputs_are_normalised_as_in_the_original() -> None:
    toy = Weighted()
    found = METHOD(samples=100, components=3).fit(toy)
    values, axes = svd(toy.layer_weights())
    for i, info in enumerate(found.infos_):
        assert abs(cosine(found.directions_[i], torch.from_numpy(axes[i]))) > 1 - 1e-6
        assert dict(info.scores)["eigenvalue"] == pytest.approx(values[i], rel=1e-4)
    assert sum(values) == pytest.approx(32)  # outputs of length 1


def test_every_set_of_layers_is_analysed_for_itself() -> None:
    toy = Weighted()
    found = METHOD(samples=100, components=2, layers=("0-1", "2-", "all")).fit(toy)
    assert [info.name for info in found.infos_] == [
        "l0-1-s0",
        "l0-1-s1",
        "l2--s0",
        "l2--s1",
        "lall-s0",
        "lall-s1",
    ]
    assert [str(info.layers) for info in found.infos_[::2]] == ["0-1", "2-", "all"]
    for start, part in ((0, slice(0, 2)), (2, slice(2, 4)), (4, slice(0, 4))):
        axes = svd(toy.layer_weights()[part])[1]
        assert abs(cosine(found.directions_[start], torch.from_numpy(axes[0]))) > 1 - 1e-6


def test_sigma_is_the_spread_of_samples() -> None:
    toy = Weighted()
    found = METHOD(samples=2000).fit(toy)
    w = toy.mapping(toy.sample(range(100_000, 102_000)))[:, 0].double().numpy()
    for info, vector in zip(found.infos_, found.directions_.double().numpy(), strict=True):
        assert info.sigma == pytest.approx((w @ vector).std(), rel=1e-6)
    assert found.seeds_ == "100000-101999" and found.complete_ and found.space_ == "w"


def test_the_same_fit_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        toy = Weighted()
        save(tmp_path / f"{name}.safetensors", "sefa", METHOD(samples=200).fit(toy), toy)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.fixture(params=FAMILIES)
def generator(request: pytest.FixtureRequest) -> Any:
    return made(request.param)


def test_every_family_that_offers_weights(generator: Any, tmp_path: Path) -> None:
    """The first direction is the one that moves what the layers read the most, by SVD of the
    whole matrix that takes z or w to it; and the set can be used."""
    method, info = METHOD(components=3, samples=300), generator.info
    if not isinstance(generator, HasLayerWeights):
        assert info.family in method.missing(generator)
        return
    assert method.missing(generator) == ""
    found = method.fit(generator)
    weights = [weight.double().cpu() for weight in generator.layer_weights()]
    if info.space == "z" and info.width != info.z_dim:
        weights = [torch.block_diag(*weights)]  # each layer reads a part of z
    values, axes = svd(weights)
    assert found.directions_.shape == (min(3, len(axes)), axes.shape[1])
    eigenvalues = [dict(one.scores)["eigenvalue"] for one in found.infos_]
    np.testing.assert_allclose(eigenvalues, values[: len(eigenvalues)], rtol=1e-3, atol=1e-3)
    rows = np.concatenate([w.numpy() for w in weights])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    read_out = np.linalg.norm(rows @ found.directions_.double().numpy().T, axis=0) ** 2
    np.testing.assert_allclose(read_out, values[: len(read_out)], rtol=1e-4)
    path = tmp_path / "set.safetensors"
    save(path, "sefa", found, generator)
    header, _ = read(path)
    assert header.space == info.space and header.names[0] == "s0"
    direction = find(f"{path}#s0", generator)
    z = generator.sample([1, 2])
    latents = z if info.space == "z" else generator.mapping(z)
    moved = direction.move(latents, torch.tensor([1.0, -2.0]), generator)
    assert moved.shape == latents.shape and (moved != latents).any()


def test_what_it_cannot_do_is_said() -> None:
    assert METHOD().missing(Toy()) == "toy (toy) offers no layer weights"
    with pytest.raises(BadData, match="offers no layer weights"):
        METHOD().fit(Toy())
    with pytest.raises(BadData, match="only 0-3"):
        METHOD(layers=("2-9",)).fit(Weighted())
    with pytest.raises(BadData, match="no layer range"):
        METHOD(layers=("some",)).fit(Weighted())
    with pytest.raises(BadData, match="above 0"):
        METHOD(components=0).fit(Weighted())


def test_an_interruption_leaves_the_directions() -> None:
    calls = []

    def stop(done: int, total: int, what: str) -> None:
        calls.append(done)
        raise Interrupted(2)

    whole, cut = METHOD(samples=2000).fit(Weighted()), METHOD(samples=2000).fit(Weighted(), stop)
    assert not cut.complete_ and len(calls) == 1
    assert torch.equal(whole.directions_, cut.directions_)
    for a, b in zip(whole.infos_, cut.infos_, strict=True):
        assert a.sigma == pytest.approx(b.sigma, rel=0.2)
