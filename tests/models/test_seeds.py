"""Latents of seeds: the numbers that numpy's frozen RandomState draws for each seed by itself."""

from statistics import NormalDist

import numpy as np
import pytest
import torch

from latty.models.base import sample_normal
from latty.models.latent_generator import sample_truncated, sample_uniform

SEEDS = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, *range(50_000, 50_400)]


@pytest.mark.parametrize("width", [1, 2, 3, 7, 127, 128, 129, 512])
def test_normal_and_uniform_latents_are_those_of_each_seed_alone(width: int) -> None:
    """Odd sizes, too, where half of a pair of Gaussians is left over."""
    normal, uniform = sample_normal(SEEDS, width), sample_uniform(SEEDS, width)
    for row, seed in enumerate(SEEDS):
        drawn = np.random.RandomState(seed)
        assert np.array_equal(normal[row].numpy(), drawn.randn(width).astype("f4")), seed
        drawn = np.random.RandomState(seed)
        assert np.array_equal(uniform[row].numpy(), drawn.uniform(-1, 1, width).astype("f4")), seed
    assert normal.dtype == uniform.dtype == torch.float32 and normal.shape == (len(SEEDS), width)


def test_thousands_of_seeds_whatever_they_are_drawn_with() -> None:
    many = sample_normal(range(5000), 33)
    for seed in range(5000):
        alone = np.random.RandomState(seed).randn(33).astype("f4")
        assert np.array_equal(many[seed].numpy(), alone), seed
    some = torch.tensor([4, 4, 17, 3])
    assert torch.equal(sample_normal(some.tolist(), 33), many[some])
    assert sample_normal([], 33).shape == (0, 33)


def test_truncated_latents_send_uniform_numbers_through_the_quantile_function() -> None:
    """As scipy's truncnorm(-2, 2).rvs does, here by the standard library."""
    drawn, normal = sample_truncated(SEEDS[:40], 140), NormalDist()
    low, high = normal.cdf(-2), normal.cdf(2)
    for row, seed in enumerate(SEEDS[:40]):
        uniform = np.random.RandomState(seed).uniform(size=140)
        known = [normal.inv_cdf(low + u * (high - low)) for u in uniform]
        assert np.allclose(drawn[row].numpy(), known, rtol=0, atol=5e-7), seed
