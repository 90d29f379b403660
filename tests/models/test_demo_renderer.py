"""The portrait renderer: any size, the same picture each time, every factor visible and smooth."""

import pytest
import torch

from latty.models.families.portraits.renderer import NAMES, render
from training.latents import (
    CUTS,
    KINDS,
    LAYER,
    POSE,
    coordinates,
    factors_of,
    mix,
    redraw_free,
    rotation,
    sample_factors,
)


def neutral(count: int = 1) -> torch.Tensor:
    """Middle values, no glasses, a light beard so that its colour can change."""
    return torch.zeros(count, len(NAMES))


@pytest.mark.parametrize("size", [1, 7, 32, 65])
@pytest.mark.parametrize("ss", [1, 2])
def test_any_size(size: int, ss: int) -> None:
    pictures = render(sample_factors(3, seed=1), size, ss)
    assert pictures.shape == (3, 3, size, size)
    assert pictures.dtype == torch.float32
    assert 0 <= pictures.min() <= pictures.max() <= 1


def test_sizes_agree() -> None:
    factors = sample_factors(2, seed=5)
    large = torch.nn.functional.avg_pool2d(render(factors, 128, ss=2), 4)
    assert (large - render(factors, 32, ss=4)).abs().mean() < 0.01


def test_the_same_factors_give_the_same_picture() -> None:
    factors = sample_factors(4, seed=2)
    assert torch.equal(render(factors, 48), render(factors, 48))
    together, alone = render(factors, 48), torch.cat([render(f[None], 48) for f in factors])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_pictures_are_crisp_and_varied() -> None:
    pictures = render(sample_factors(16, seed=3), 64)
    assert (pictures[0] - pictures[1]).abs().mean() > 0.05
    assert (pictures[..., 1:] - pictures[..., :-1]).abs().amax((1, 2, 3)).min() > 0.3


@pytest.mark.parametrize("name", NAMES)
def test_every_factor_changes_the_picture(name: str) -> None:
    factors = neutral(2)
    factors[0, NAMES.index(name)] = 0.0 if name == "glasses" else -0.9
    factors[1, NAMES.index(name)] = 0.9
    low, high = render(factors, 64)
    assert (high - low).abs().max() > 0.15
    assert (high - low).abs().mean() > 0.002


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_finite_and_reach_every_factor(seed: int) -> None:
    factors = sample_factors(6, seed).requires_grad_(True)
    pictures = render(factors, 40)
    weights = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(seed))
    (pictures * weights).sum().backward()
    assert factors.grad is not None and torch.isfinite(factors.grad).all()
    assert (factors.grad.abs().amax(0) > 0).all()


def test_gradients_stay_finite_far_outside_the_range() -> None:
    factors = (sample_factors(8, 4) * 3).requires_grad_(True)
    pictures = render(factors, 32)
    pictures.sum().backward()
    assert torch.isfinite(pictures).all() and torch.isfinite(factors.grad).all()


def test_factors_are_drawn_as_the_table_says() -> None:
    factors = dict(zip(NAMES, sample_factors(20_000, seed=6).unbind(1), strict=True))
    for name in NAMES:
        low, high = float(factors[name].min()), float(factors[name].max())
        assert low >= -1 and high <= 1
        if name not in KINDS:
            assert abs(float(factors[name].mean())) < 0.02
            assert abs(float(factors[name].std()) - 0.577) < 0.01
    assert set(factors["glasses"].unique().tolist()) == {0.0, 1.0}
    assert abs(float(factors["glasses"].mean()) - 0.4) < 0.02
    assert abs(float((factors["beard"] == -1).float().mean()) - 0.6) < 0.02


def test_a_smaller_pose_range_leaves_the_rest_alone() -> None:
    free, near = sample_factors(50, 7), sample_factors(50, 7, pose=0.5)
    torch.testing.assert_close(near[:, : len(POSE)], free[:, : len(POSE)] / 2)
    assert torch.equal(near[:, len(POSE) :], free[:, len(POSE) :])


def test_latents_stand_for_factors_of_the_right_spread() -> None:
    z = torch.randn(20_000, 64, generator=torch.Generator().manual_seed(0))
    turn = rotation()
    torch.testing.assert_close(turn @ turn.t(), torch.eye(64), atol=1e-5, rtol=0)
    torch.testing.assert_close(coordinates(z).square().sum(1), torch.full((20_000,), 64.0))
    spread = factors_of(z, pose=1.0).std(0) / sample_factors(20_000, 8).std(0)
    assert 0.95 < spread.min() <= spread.max() < 1.05
    torch.testing.assert_close(factors_of(z * 7), factors_of(z))


def test_free_coordinates_change_no_factor() -> None:
    z = torch.randn(64, 64, generator=torch.Generator().manual_seed(1))
    other = redraw_free(z, torch.Generator().manual_seed(2))
    keep = [i for i, name in enumerate(NAMES) if KINDS.get(name, "rare") == "rare"]
    torch.testing.assert_close(
        factors_of(z)[:, keep], factors_of(other)[:, keep], atol=1e-4, rtol=0
    )
    assert (other - z).abs().mean() > 0.1


def test_mixed_factors_follow_their_layers() -> None:
    below, above = sample_factors(3, 1), sample_factors(3, 2)
    mixed = mix(below, above, torch.tensor([0, CUTS[1], 99]))
    assert torch.equal(mixed[0], above[0]) and torch.equal(mixed[2], below[2])
    for i, name in enumerate(NAMES):
        source = below if LAYER[name] < CUTS[1] else above
        assert mixed[1, i] == source[1, i]
