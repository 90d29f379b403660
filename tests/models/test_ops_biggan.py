"""BigGAN's operations against slow loops written from the equations, in float64."""

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch

from latty.models import ops_biggan as ops
from latty.models.latent_generator import sample_truncated, sample_uniform

DRAW = np.random.RandomState(0)


def tensor(*shape: int) -> torch.Tensor:
    return torch.from_numpy(DRAW.standard_normal(shape))


def test_stored_spectral_norm_divides_by_u_w_v() -> None:
    weight, u, v = tensor(4, 3, 2, 2), tensor(4), tensor(12)
    flat = weight.reshape(4, 12)
    sigma = sum(u[i] * flat[i, j] * v[j] for i in range(4) for j in range(12))
    torch.testing.assert_close(ops.spectral_norm_stored(weight, u, v), weight / sigma)


def test_a_missing_v_is_one_step_of_power_iteration() -> None:
    weight, u = tensor(4, 6), tensor(4)
    v = weight.t() @ u
    v = v / math.sqrt(sum(float(x) ** 2 for x in v))
    left = weight @ v
    sigma = math.sqrt(sum(float(x) ** 2 for x in left))  # u' = W v / |W v|, so u' W v = |W v|
    torch.testing.assert_close(ops.spectral_norm_stored(weight, u, None), weight / sigma)


def test_stepped_spectral_norm_takes_one_step_from_u() -> None:
    weight, u = tensor(5, 3, 2, 2), tensor(1, 5)
    flat = weight.reshape(5, 12)
    v = [sum(float(u[0, i] * flat[i, j]) for i in range(5)) for j in range(12)]
    length = math.sqrt(sum(x * x for x in v))
    wv = [sum(float(flat[i, j]) * v[j] / length for j in range(12)) for i in range(5)]
    sigma = math.sqrt(sum(x * x for x in wv))
    torch.testing.assert_close(ops.spectral_norm_stepped(weight, u), weight / sigma)


def test_a_matrix_whose_vectors_are_known_gets_norm_one() -> None:
    weight = tensor(6, 6)
    u, values, v = torch.linalg.svd(weight)
    normed = ops.spectral_norm_stored(weight, u[:, 0], v[0])
    torch.testing.assert_close(torch.linalg.matrix_norm(normed, 2), torch.ones((), dtype=u.dtype))
    torch.testing.assert_close(normed, weight / values[0])


TABLE = torch.arange(51.0, dtype=torch.float64)[:, None] ** 2  # row i holds i * i


@pytest.mark.parametrize(
    ("truncation", "low", "share"),
    [(0.01, 0, 0.5), (0.43, 21, 0.5), (0.0137, 0, 0.685), (0.995, 49, 0.75)],
)
def test_statistics_give_the_lower_row_the_upper_rows_weight(
    truncation: float, low: int, share: float
) -> None:
    wanted = TABLE[low] * share + TABLE[low + 1] * (1 - share)
    torch.testing.assert_close(ops.pick_statistics(TABLE, truncation), wanted)


@pytest.mark.parametrize(
    ("truncation", "row"), [(0.0, 0), (0.5, 25), (1.0, 50), (1.7, 50), (0.58, 28), (0.14, 8)]
)
def test_statistics_follow_the_rounding_of_the_division(truncation: float, row: int) -> None:
    """0.58 / 0.02 is 28.99999..., and nearly all weight goes to row 28; 0.14 / 0.02 is 7.0000...1,
    and nearly all goes to row 8."""
    picked = ops.pick_statistics(TABLE, truncation)
    torch.testing.assert_close(picked, TABLE[row], atol=1e-9, rtol=1e-9)


def test_conditional_batch_norm() -> None:
    x, mean, var = tensor(2, 3, 2, 2), tensor(3), tensor(3).square() + 0.1
    gain, shift = tensor(2, 3), tensor(2, 3)
    out = ops.scale_shift(x, mean, var, 1e-4, gain, shift)
    for n in range(2):
        for c in range(3):
            normal = (x[n, c] - mean[c]) / math.sqrt(float(var[c]) + 1e-4)
            torch.testing.assert_close(out[n, c], normal * gain[n, c] + shift[n, c])


def test_attention() -> None:
    c, size = 16, 4
    x = tensor(2, c, size, size)
    theta, phi = tensor(2, c, 1, 1), tensor(2, c, 1, 1)
    g, o, gamma = tensor(8, c, 1, 1), tensor(c, 8, 1, 1), torch.tensor(0.7, dtype=x.dtype)
    out = ops.Attention(theta, phi, g, o, gamma)(x)
    cells = [(i, j) for i in range(0, size, 2) for j in range(0, size, 2)]

    def pooled(weight: torch.Tensor, n: int, i: int, j: int) -> torch.Tensor:
        four = [weight[:, :, 0, 0] @ x[n, :, i + a, j + b] for a in (0, 1) for b in (0, 1)]
        return torch.stack(four).max(0).values

    for n in range(2):
        keys = [pooled(phi, n, i, j) for i, j in cells]
        values = [pooled(g, n, i, j) for i, j in cells]
        for i in range(size):
            for j in range(size):
                query = theta[:, :, 0, 0] @ x[n, :, i, j]
                scores = [math.exp(float(query @ key)) for key in keys]
                seen = sum(s / sum(scores) * v for s, v in zip(scores, values, strict=True))
                wanted = x[n, :, i, j] + gamma * (o[:, :, 0, 0] @ seen)
                torch.testing.assert_close(out[n, :, i, j], wanted)


def test_truncated_latents_are_quantiles_of_the_seeds_uniform_numbers() -> None:
    """scipy's truncnorm(-2, 2).rvs, by the standard library: inverse transform of u."""
    normal = NormalDist()
    low, high = normal.cdf(-2), normal.cdf(2)
    uniform = np.random.RandomState(9).uniform(size=200)
    wanted = [normal.inv_cdf(low + u * (high - low)) for u in uniform]
    drawn = sample_truncated([4, 9], 200)
    np.testing.assert_allclose(drawn[1].numpy(), wanted, atol=2e-7, rtol=2e-7)
    assert drawn.abs().max() <= 2 and 0.7 < float(sample_truncated([1], 9999).std()) < 1


def test_uniform_latents() -> None:
    drawn = sample_uniform([3], 4000)
    assert -1 <= drawn.min() < -0.99 and 0.99 < drawn.max() < 1
    torch.testing.assert_close(sample_uniform([1, 3], 4000)[1:], drawn)
