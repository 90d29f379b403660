"""Directions from linear algebra: boundaries, regressions, eigenvectors.

Against scikit-learn's own estimators as InterFaceGAN and TL-GAN call them, and numpy's eig as SeFa
does. Same samples, variants interleaved, processor time on one thread. Samples are simulated: an
attribute is a planted direction plus noise. libsvm's time grows faster than n^2, so what is not
ranked is run once, and n = 50,000 against libsvm not at all: the note says the seconds.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor

from benchmarks._clock import Cost, costs, user_ratio
from benchmarks.bench_stylegan2 import Row, _one_thread
from latty.directions.methods.interfacegan.svm import boundary
from latty.directions.methods.sefa import _leading
from latty.directions.moments import NormalEquations

SVC_NAME, LEAST_SQUARES, EIG = "SVC(kernel=linear)", "LinearRegression", "numpy.linalg.eig"


def _samples(count: int, width: int, ranked_of: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Latents (n, D), which are positive (n,), the planted direction (D,): the two ends of
    `ranked_of` scores, or all of them split at the median."""
    random = np.random.RandomState(0)
    truth = random.randn(width)
    truth /= np.linalg.norm(truth)
    x = random.standard_normal((max(count, ranked_of), width)).astype(np.float32)
    score = x @ truth + random.randn(len(x))
    order = random.permutation(len(x))
    if ranked_of:
        ends = score.argsort()[np.r_[: count // 2, -(count // 2) : 0]]
        order = random.permutation(ends)
    positive = score[order] > np.median(score)
    return torch.from_numpy(x[order]), torch.from_numpy(positive), torch.from_numpy(truth)


def _svc(x: Tensor, positive: Tensor) -> Tensor:
    from sklearn.svm import SVC

    return torch.tensor(SVC(kernel="linear", C=1.0).fit(x.numpy(), positive.numpy()).coef_[0])


def _normal(x: Tensor, positive: Tensor) -> Tensor:
    return boundary(x, positive).normal.double()


def _cosine(a: Tensor, b: Tensor) -> float:
    return float(torch.cosine_similarity(a.double(), b.double(), dim=0))


def _boundary_rows(quick: bool) -> Iterator[Row]:
    width = 128 if quick else 512
    cases = [
        (
            f"boundary, ranked 2800 x {width}",
            (2800, width, 70_000 // (10 if quick else 1)),
            5,
            0.67,
        ),
        (f"boundary, not ranked {1500 if quick else 5000} x {width}", None, 1, 30.0),
    ]
    for title, ranked, rounds, goal in cases:
        x, positive, truth = _samples(*(ranked or (1500 if quick else 5000, width)))
        works: dict[str, Callable[[], Tensor]] = {
            SVC_NAME: partial(_svc, x, positive),
            "latty": partial(_normal, x, positive),
        }
        measured = costs(works, 2 if quick else rounds)
        ours, theirs = measured["latty"], measured[SVC_NAME]
        words = "" if quick else f"goal {goal:g}x, "
        words += f"cosine {_cosine(ours.result, theirs.result):.4f}, {ours.total:.2f} s, "
        words += f"to the planted {_cosine(ours.result, truth):.3f}"
        words += f" (SVC {_cosine(theirs.result, truth):.3f})"
        yield title, SVC_NAME, theirs.total / ours.total, words
    count = 10_000 if quick else 50_000
    x, positive, truth = _samples(count, width)
    ours = costs({"latty": partial(_normal, x, positive)}, 1)["latty"]
    note = f"ratio = 10 s over ours, {ours.total:.2f} s, to the planted "
    yield (
        f"boundary, not ranked {count} x {width}",
        "10 s (SVC not run)",
        10 / ours.total,
        f"{note}{_cosine(ours.result, truth):.3f}",
    )


def _regression(x: Tensor, y: Tensor) -> Tensor:
    sums = NormalEquations(x.shape[1], y.shape[1])
    sums.add(x, y)
    return sums.solve(0.0).slopes


def _least_squares(x: Tensor, y: Tensor) -> Tensor:
    from sklearn.linear_model import LinearRegression

    return torch.from_numpy(LinearRegression().fit(x.numpy(), y.numpy()).coef_.T)


def _relative(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).abs().max() / exact.abs().max())


def _regression_row(quick: bool) -> Row:
    count, width, targets = (20_000, 128, 40) if quick else (100_000, 512, 40)
    random = np.random.RandomState(1)
    x = torch.from_numpy(random.standard_normal((count, width)).astype(np.float32))
    slopes = torch.from_numpy(random.standard_normal((width, targets)).astype(np.float32))
    noise = torch.from_numpy(random.standard_normal((count, targets)).astype(np.float32))
    y = x @ slopes + 3 * noise
    measured = costs(
        {LEAST_SQUARES: partial(_least_squares, x, y), "latty": partial(_regression, x, y)}, 3
    )
    ours, theirs = measured["latty"], measured[LEAST_SQUARES]
    ones = torch.cat([x.double(), torch.ones(count, 1).double()], 1)
    exact = torch.linalg.solve(ones.T @ ones, ones.T @ y.double())[:-1]
    note = "" if quick else "goal 5x, "
    note += f"error {_relative(ours.result, exact):.0e} of float64's"
    note += f" (theirs {_relative(theirs.result, exact):.0e}), {_seconds(ours, theirs)}"
    return (
        f"regression {count} x {width} -> {targets}",
        LEAST_SQUARES,
        theirs.total / ours.total,
        note,
    )


def _seconds(ours: Cost, theirs: Cost) -> str:
    return f"{ours.total:.2f} s, {user_ratio(ours, theirs)}"


def _eigh(rows: Tensor) -> Tensor:
    return torch.stack([vector for _, vector in _leading(rows)][:10])


def _eig(rows: Tensor) -> Tensor:
    """As the original: the vectors as they come, so the order is put right afterwards."""
    values, vectors = np.linalg.eig(rows.numpy().T @ rows.numpy())
    order = np.argsort(-values.real)[:10]
    return torch.from_numpy(np.ascontiguousarray(vectors.real.T[order]))


def _sefa_row(quick: bool) -> Row:
    layers, width = (4, 128) if quick else (18, 512)
    random = np.random.RandomState(2)
    rows = torch.from_numpy(random.standard_normal((layers * width, width)))
    rows = rows * torch.linspace(2, 0.5, width).double()
    rows = rows / rows.norm(dim=1, keepdim=True)
    measured = costs({EIG: partial(_eig, rows), "latty": partial(_eigh, rows)}, 3)
    ours, theirs = measured["latty"], measured[EIG]
    least = torch.cosine_similarity(ours.result, theirs.result).abs().min()
    note = f"least cosine of the first ten {float(least):.6f}, {ours.total * 1000:.0f} ms"
    return f"SeFa, {layers} layers of {width} x {width}", EIG, theirs.total / ours.total, note


def run(quick: bool = False) -> list[Row]:
    """All rows; `quick` takes smaller problems, to show that the benchmark works."""
    from threadpoolctl import threadpool_limits  # comes with scikit-learn; for numpy's threads

    with _one_thread(), threadpool_limits(1), torch.no_grad():
        rows = list(_boundary_rows(quick))
        return [*rows, _regression_row(quick), _sefa_row(quick)]
