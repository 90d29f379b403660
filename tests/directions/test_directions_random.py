"""The baseline: random directions."""

from typing import Any

import pytest
import torch
from small_families import FAMILIES, made
from toy_generator import Toy

from latty.directions.methods.random import METHOD
from latty.errors import BadData, Interrupted


def test_vectors_have_length_one_and_a_seed() -> None:
    found = METHOD(components=3, samples=100).fit(Toy())
    torch.testing.assert_close(found.directions_.norm(dim=1), torch.ones(3))
    assert found.directions_.dtype == torch.float32 and found.space_ == "w"
    assert [info.name for info in found.infos_] == ["r0", "r1", "r2"]
    again = METHOD(components=3, samples=100).fit(Toy())
    assert torch.equal(again.directions_, found.directions_) and again.infos_ == found.infos_
    other = METHOD(components=3, samples=100, seed=7).fit(Toy())
    assert not torch.allclose(other.directions_, found.directions_)
    assert other.seeds_ == "7-106"


def test_no_direction_is_preferred() -> None:
    """Second moments of many in 5 dimensions are the sphere's: 1/5 each, none mixed."""
    drawn = METHOD(components=4000, samples=2).fit(Toy()).directions_.double()
    moments = drawn.T @ drawn / len(drawn)
    torch.testing.assert_close(moments, torch.eye(5).double() / 5, atol=0.015, rtol=0)
    signs = [
        METHOD(components=5, kind="orthonormal", samples=2, seed=seed).fit(Toy()).directions_[0]
        for seed in range(0, 600, 3)
    ]
    assert torch.stack(signs).mean(0).abs().max() < 0.12  # QR's own signs would show


def test_orthonormal_is_at_right_angles() -> None:
    found = METHOD(components=5, kind="orthonormal", samples=50).fit(Toy()).directions_.double()
    torch.testing.assert_close(found @ found.T, torch.eye(5).double(), atol=1e-6, rtol=0)
    with pytest.raises(BadData, match="6 directions cannot be at right angles in 5"):
        METHOD(components=6, kind="orthonormal").fit(Toy())


@pytest.mark.parametrize("space", ["z", "w"])
def test_sigma_is_measured_where_it_moves(space: str) -> None:
    toy = Toy()
    found = METHOD(space=space, samples=1000).fit(toy)  # type: ignore[arg-type]
    z = toy.sample(range(100_000, 101_000))
    x = z if space == "z" else toy.mapping(z)[:, 0]
    along = (x.double() @ found.directions_.double().T).std(0, correction=0)
    assert [info.sigma for info in found.infos_] == pytest.approx(along.tolist(), rel=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_random_directions(family: str) -> None:
    generator: Any = made(family)
    found = METHOD(components=2, samples=60).fit(generator)
    info = generator.info
    assert METHOD().missing(generator) == "" and found.space_ == info.space
    assert found.directions_.shape == (2, info.z_dim if info.space == "z" else info.width)
    assert all(one.sigma > 0 for one in found.infos_)


def test_layers_with_codes_of_their_own_have_no_one_w() -> None:
    with pytest.raises(BadData, match="its layers read different codes"):
        METHOD(space="w").fit(made("biggan"))


def test_an_interruption_leaves_the_directions() -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise Interrupted(2)

    found = METHOD(samples=2000).fit(Toy(), stop)
    assert not found.complete_ and len(found.infos_) == 10
