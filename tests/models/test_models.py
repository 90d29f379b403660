"""Every model that latty can open by name keeps the promises of core/latty/models/base.py."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from latty.errors import BadData, DeviceError, Missing
from latty.models import open_model
from latty.models.base import AnySize, Generator, HasActivations, HasLayerWeights, HasPrefix
from latty.models.latent_generator import DRAWS
from latty.models.store import MODELS

Drawn = Callable[[np.random.RandomState, int], np.ndarray]
NAMES = MODELS.names()


@pytest.fixture(params=NAMES)
def generator(request: pytest.FixtureRequest) -> Generator:
    opened = open_model(request.param, "cpu")
    return opened.at_size(64) if isinstance(opened, AnySize) else opened


def codes_of(generator: Generator, seeds: range) -> torch.Tensor:
    with torch.inference_mode():
        return generator.mapping(generator.sample(seeds))


def test_both_embedded_models_are_there() -> None:
    assert {"demo", "portraits"} <= set(NAMES)


def test_it_says_what_it_is(generator: Generator) -> None:
    info, codes = generator.info, codes_of(generator, range(2))
    assert isinstance(generator, Generator)
    assert codes.shape == (2, info.num_layers, info.width)
    assert generator.sample([0]).shape == (1, info.z_dim)
    assert info.digest and info.name in NAMES


def test_a_seed_is_a_seed(generator: Generator) -> None:
    three, one = generator.sample([5, 9, 7]), generator.sample([9])
    assert torch.equal(three[1:2], one)
    assert torch.equal(three, generator.sample([5, 9, 7]))


@pytest.mark.parametrize("count", [1, 3, 8])
def test_pictures_do_not_depend_on_their_neighbours(generator: Generator, count: int) -> None:
    with torch.inference_mode():
        codes = codes_of(generator, range(count))
        together = generator.synthesis(codes)
        alone = torch.cat([generator.synthesis(code[None]) for code in codes])
    size = generator.info.resolution
    assert together.shape == (count, generator.info.channels, size, size)
    assert together.dtype == torch.float32
    torch.testing.assert_close(together, alone, atol=2e-4, rtol=1e-3)


def test_pictures_are_pictures(generator: Generator) -> None:
    with torch.inference_mode():
        images = generator.synthesis(codes_of(generator, range(8)))
    assert torch.isfinite(images).all()
    assert images.abs().max() < 3 and images.std() > 0.2
    assert (images[0] - images[1]).abs().mean() > 0.05, "two seeds give one picture"


def test_gradients_reach_every_layer_of_the_codes(generator: Generator) -> None:
    codes = codes_of(generator, range(1)).clone().requires_grad_(True)
    generator.synthesis(codes).square().mean().backward()
    assert codes.grad is not None and torch.isfinite(codes.grad).all()
    assert (codes.grad.abs().sum(-1) > 0).all()


def test_truncation_moves_toward_one_mean(generator: Generator) -> None:
    with torch.inference_mode():
        z = generator.sample(range(4))
        full, half, none = (generator.mapping(z, truncation=psi) for psi in (1.0, 0.5, 0.0))
        low = generator.mapping(z, truncation=0.5, cutoff=1)
    torch.testing.assert_close(none, none[:1].expand_as(none))
    torch.testing.assert_close(half, (full + none) / 2)
    torch.testing.assert_close(low[:, :1], half[:, :1])
    torch.testing.assert_close(low[:, 1:], full[:, 1:])


def test_truncate_takes_one_number_per_picture(generator: Generator) -> None:
    with torch.inference_mode():
        codes = codes_of(generator, range(3))
        psi = torch.tensor([1.0, 0.5, 0.0])
        each = generator.truncate(codes, psi, None)
        one_by_one = [
            generator.truncate(c[None], float(p), None) for c, p in zip(codes, psi, strict=True)
        ]
    torch.testing.assert_close(each, torch.cat(one_by_one))


def test_layer_weights_fit_the_codes(generator: Generator) -> None:
    if not isinstance(generator, HasLayerWeights):
        pytest.skip("the family has no layer weights")
    weights = generator.layer_weights()
    assert len(weights) == generator.info.num_layers
    assert all(w.ndim == 2 and w.shape[1] == generator.info.width for w in weights)


def test_every_named_layer_is_reachable(generator: Generator) -> None:
    if not isinstance(generator, HasActivations):
        pytest.skip("the family has no activations")
    codes = codes_of(generator, range(2))
    with torch.inference_mode():
        plain = generator.synthesis(codes)
        for name in generator.activation_names():
            activation = generator.activation(codes, name)
            assert activation.shape[0] == 2
            same = generator.synthesis_with(codes, {name: torch.zeros_like(activation)})
            other = generator.synthesis_with(codes, {name: torch.ones_like(activation)})
            torch.testing.assert_close(same, plain, atol=1e-4, rtol=1e-3)
            assert (other - plain).abs().max() > 1e-3
            put = generator.synthesis_with(codes, {name: lambda x, a=activation: a.clone()})
            torch.testing.assert_close(put, plain, atol=1e-4, rtol=1e-3)
            nothing = generator.synthesis_with(codes, {name: torch.zeros_like})
            assert (nothing - plain).abs().max() > 1e-3


def test_a_prefix_changes_nothing(generator: Generator) -> None:
    if not isinstance(generator, HasPrefix):
        pytest.skip("the family keeps no prefix")
    codes = codes_of(generator, range(2))
    with torch.inference_mode():
        plain = generator.synthesis(codes)
        for layer in range(1, generator.info.num_layers):
            again = generator.synthesis_from(generator.prefix(codes, layer), codes)
            torch.testing.assert_close(again, plain, atol=1e-4, rtol=1e-3)


def test_unknown_models_are_named_with_the_nearest() -> None:
    with pytest.raises(Missing, match="dmeo") as caught:
        open_model("dmeo")
    assert "demo" in caught.value.hint
    with pytest.raises(Missing, match=r"nowhere/x\.safetensors"):
        open_model("nowhere/x.safetensors")


def test_a_file_that_is_no_model_is_refused(tmp_path) -> None:
    for content in (b"", b"\x08\0\0\0\0\0\0\0{}      ", b"\xff" * 64, b"<html>" * 9):
        file = tmp_path / "x.safetensors"
        file.write_bytes(content)
        with pytest.raises(BadData, match=r"x\.safetensors"):
            open_model(str(file))


def test_devices_are_checked() -> None:
    for device in ("cuda:99", "toaster"):
        with pytest.raises(DeviceError, match=device):
            open_model("portraits", device)


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [("normal", lambda random, z: random.randn(z)),
     ("uniform", lambda random, z: random.uniform(-1, 1, z))],
)  # fmt: skip
def test_a_seed_draws_what_numpys_stream_of_it_begins_with(kind: str, drawn: Drawn) -> None:
    seeds = [7, 0, 2**32 - 1, 7]
    for width in (1, 7, 512):  # randn makes two numbers at a time and keeps one
        wanted = [drawn(np.random.RandomState(seed), width) for seed in seeds]
        found = DRAWS[kind](seeds, width)
        assert np.array_equal(found.numpy(), np.float32(wanted))
