"""The linear support vector machine against scikit-learn's SVC, ranked and not."""

import time

import numpy as np
import pytest
import torch
from sklearn.svm import SVC
from torch import Tensor

from latty.directions.methods.interfacegan.svm import Boundary, boundary
from latty.errors import BadData


def samples(
    count: int, width: int, noise: float, ranked: bool = False, scale: float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Latents (n, D), which are positive (n,), and the planted direction (D,)."""
    random = np.random.RandomState(count + width)
    x = random.randn(20 * count if ranked else count, width) * scale
    truth = random.randn(width)
    truth /= np.linalg.norm(truth)
    score = x @ truth / scale + noise * random.randn(len(x))
    order = random.permutation(len(x))
    if ranked:
        order = score.argsort()[np.r_[: count // 2, -count // 2 : 0]]
    middle = np.median(score)
    return (
        torch.from_numpy(x[order]).float(),
        torch.from_numpy(score[order] > middle),
        torch.from_numpy(truth),
    )


CASES = {
    "ranked": samples(700, 128, 1.0, ranked=True),
    "ranked and clean": samples(300, 32, 0.1, ranked=True),
    "not ranked": samples(700, 64, 1.0),
    "small numbers": samples(800, 64, 0.7, scale=0.05),
    "away from zero": tuple(
        part + 4 if i == 0 else part for i, part in enumerate(samples(500, 32, 0.5))
    ),
    "more dimensions than samples": samples(120, 400, 0.3),
    "two dimensions": samples(400, 2, 0.3),
}


@pytest.mark.parametrize("name", CASES)
def test_it_agrees_with_svc(name: str) -> None:
    x, positive, _ = CASES[name]
    theirs = SVC(kernel="linear", C=1.0).fit(x.numpy(), positive.numpy())
    weights, length = theirs.coef_[0], np.linalg.norm(theirs.coef_[0])
    ours = boundary(x, positive)
    assert float(ours.normal.numpy() @ weights) / length > 0.995
    assert ours.margin == pytest.approx(1 / length, rel=0.05)
    mean = x.mean(0).numpy()  # how far it is from the boundary
    away = (mean @ weights + theirs.intercept_[0]) / length
    assert ours.intercept + mean @ ours.normal.numpy() == pytest.approx(away, abs=0.1 * ours.margin)
    assert float(ours.normal.norm()) == pytest.approx(1) and ours.normal.dtype == torch.float32
    guessed = (x @ ours.normal + ours.intercept > 0).numpy()
    assert (guessed == theirs.predict(x.numpy())).mean() > 0.98


@pytest.mark.parametrize("cost", [0.01, 0.1, 10.0])
def test_the_cost_is_that_of_svc(cost: float) -> None:
    x, positive, _ = CASES["ranked"]
    theirs = SVC(kernel="linear", C=cost).fit(x.numpy(), positive.numpy()).coef_[0]
    ours = boundary(x, positive, cost)
    assert float(ours.normal.numpy() @ theirs) / np.linalg.norm(theirs) > 0.995
    assert ours.margin == pytest.approx(1 / np.linalg.norm(theirs), rel=0.05)


def objective(found: Boundary, x: Tensor, positive: Tensor) -> float:
    """|w|^2 / 2 + sum of hinges in float64."""
    weights = found.normal.double() / found.margin
    sign = torch.where(positive, 1.0, -1.0).double()
    values = sign * (x.double() @ weights + found.intercept / found.margin)
    return float(weights @ weights) / 2 + float((1 - values).clamp_min(0).sum())


def test_the_gap_it_claims_is_true() -> None:
    """The objective is at most `gap` above the best one, of libsvm at a fine tolerance."""
    x, positive, _ = CASES["not ranked"]
    ours = boundary(x, positive)
    fine = SVC(kernel="linear", C=1.0, tol=1e-6).fit(x.double().numpy(), positive.numpy())
    length = np.linalg.norm(fine.coef_[0])
    best = Boundary(
        torch.from_numpy(fine.coef_[0] / length), fine.intercept_[0] / length, 1 / length, 0.0
    )
    wanted = objective(best, x, positive)
    assert 0 <= ours.gap < 0.01
    assert objective(ours, x, positive) <= wanted * (1 + ours.gap) + 1e-6


def test_more_samples_find_the_planted_direction() -> None:
    x, positive, truth = samples(10_000, 48, 1.0)
    assert float(boundary(x, positive).normal.double() @ truth) > 0.98


def test_it_takes_a_fraction_of_the_time() -> None:
    """Loosely: the benchmark measures it."""
    x, positive, _ = samples(1500, 96, 1.0)
    start = time.process_time()
    boundary(x, positive)
    ours = time.process_time() - start
    start = time.process_time()
    SVC(kernel="linear").fit(x.numpy(), positive.numpy())
    assert time.process_time() - start > 3 * ours


def test_the_same_samples_give_the_same_bytes() -> None:
    x, positive, _ = CASES["not ranked"]
    assert torch.equal(boundary(x, positive).normal, boundary(x, positive).normal)


def test_turning_the_sides_turns_the_normal() -> None:
    x, positive, _ = CASES["ranked"]
    one, other = boundary(x, positive), boundary(x, ~positive)
    torch.testing.assert_close(one.normal, -other.normal, atol=1e-4, rtol=0)


def test_what_cannot_be_separated_is_refused() -> None:
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(BadData, match="no samples"):
        boundary(x, torch.ones(20, dtype=torch.bool))
    with pytest.raises(BadData, match="nothing tells"):
        boundary(torch.ones(20, 3), torch.arange(20) < 10)
