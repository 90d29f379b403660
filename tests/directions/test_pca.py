"""Principal components from blocks of rows, against singular values in float64."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import torch
from places import LIMIT
from torch import Tensor

from latty.directions.methods.ganspace import scikit
from latty.directions.methods.ganspace.estimators import choose
from latty.directions.methods.ganspace.pca import Components, Estimator, Exact
from latty.directions.methods.ganspace.plan import MEGABYTE, FitPlan
from latty.directions.methods.ganspace.rows_in_memory import Dual
from latty.directions.methods.ganspace.state import FitState
from latty.errors import BadData, OutputError
from latty.report import silent


def drawn(n: int, spectrum: Tensor, latent: int = 0, mean: float = 0.0) -> Tensor:
    """Rows (n, D + latent) float32 of known spread along hidden axes, linear in normal latents."""
    state, d = torch.Generator().manual_seed(5), len(spectrum)
    z = torch.randn(n, d, generator=state)
    axes = torch.linalg.qr(torch.randn(d, d, generator=state))[0]
    rows = (z * spectrum) @ axes + mean * torch.linspace(-1, 1, d)
    noise = torch.randn(n, latent, generator=state)
    return torch.cat([rows, (0.8 * z[:, :latent] + 0.6 * noise)], 1)


def flat(d: int, ratio: float = 1.02) -> Tensor:
    """A spectrum whose neighbours are hard to tell apart, as activations have it."""
    return ratio ** -torch.arange(d).float().clamp_max(300)


def fed(estimator: Estimator, rows: Tensor, step: Callable[[Estimator], Estimator] | None = None):
    """The estimator after all rows, in its own blocks; `step` replaces it after each."""
    for part in torch.split(rows, estimator.block):
        estimator.room()[: len(part)] = part
        estimator.add(len(part))
        estimator = step(estimator) if step else estimator
    return estimator


def truth(rows: Tensor, d: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Components (K, D), standard deviations (K,), latents by gelsd on coordinates (K, Q)."""
    x, z = rows[:, :d].double().numpy(), rows[:, d:].double().numpy()
    u, s, v = np.linalg.svd(x - x.mean(0), full_matrices=False)
    scores = u[:, :k] * np.sqrt(len(x) - 1)
    solved = np.zeros((k, 0))
    if z.shape[1]:
        solved = scipy.linalg.lstsq(scores, z - z.mean(0), lapack_driver="gelsd")[0]
    return v[:k], s[:k] / np.sqrt(len(x) - 1), solved


def subspace_angles(found: Tensor, wanted: np.ndarray) -> np.ndarray:
    """Principal angles in degrees."""
    cosines = np.linalg.svd(found.double().numpy() @ wanted.T, compute_uv=False)
    return np.degrees(np.arccos(cosines.clip(-1, 1)))


def cosines(a: Tensor, b: np.ndarray) -> np.ndarray:
    a64 = a.double().numpy()
    return abs((a64 * b).sum(1)) / np.linalg.norm(a64, axis=1) / np.linalg.norm(b, axis=1)


def plan(rows: Tensor, d: int, k: int, **more: object) -> FitPlan:
    return FitPlan(len(rows), d, rows.shape[1] - d, k, **more)  # type: ignore[arg-type]


# --- the streaming forms --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["exact", "dual"])
@pytest.mark.parametrize("mean", [0.0, 100.0])
def test_exact_forms_are_singular_vectors(name: str, mean: float) -> None:
    """Also far from the origin, where naive sums of squares cancel."""
    rows = drawn(1500, flat(60, 1.05), 7, mean)
    found = fed(choose(name, plan(rows, 60, 12)), rows).finish(12, silent)
    vectors, stdev, regression = truth(rows, 60, 12)
    tight = 1e-5 if mean else 1e-8
    assert (1 - cosines(found.vectors, vectors)).max() < tight
    np.testing.assert_allclose(found.stdev, stdev, rtol=1e-4 if mean else 1e-6)
    assert (1 - cosines(found.regression, regression)).max() < tight
    lengths = np.linalg.norm(regression, axis=1)
    np.testing.assert_allclose(found.regression.norm(dim=1), lengths, rtol=1e-4)
    torch.testing.assert_close(found.vectors @ found.vectors.T, torch.eye(12))


def test_the_dual_form_takes_rows_wider_than_many() -> None:
    rows = drawn(700, flat(1200), 5, 3.0)
    found = fed(choose("dual", plan(rows, 1200, 20)), rows).finish(20, silent)
    vectors, stdev, regression = truth(rows, 1200, 20)
    assert (1 - cosines(found.vectors, vectors)).max() < 1e-7
    np.testing.assert_allclose(found.stdev, stdev, rtol=1e-6)
    assert (1 - cosines(found.regression, regression)).max() < 1e-7


def test_a_sketch_is_near_on_a_flat_spectrum() -> None:
    rows = drawn(2600, flat(1200), 6, 2.0)
    found = fed(choose("sketch", plan(rows, 1200, 20)), rows).finish(20, silent)
    vectors, stdev, regression = truth(rows, 1200, 20)
    angles = subspace_angles(found.vectors, vectors)
    assert angles.mean() < 1 and angles.max() < 6, angles
    np.testing.assert_allclose(found.stdev, stdev, rtol=0.01)
    assert cosines(found.regression, regression)[:6].min() > 0.99
    torch.testing.assert_close(found.vectors @ found.vectors.T, torch.eye(20))
    assert found.total == pytest.approx(float(rows[:, :1200].double().var(0).sum()), rel=1e-6)


def test_a_bigger_sketch_is_nearer() -> None:
    rows = drawn(1800, flat(900))
    wanted = truth(rows, 900, 20)[0]
    worst = []
    for keep in (30, 60, 150):
        estimator = choose("sketch", plan(rows, 900, 20, sketch=keep))
        worst.append(subspace_angles(fed(estimator, rows).finish(20, silent).vectors, wanted).max())
    assert worst[0] > 3 * worst[1] > 9 * worst[2] and worst[2] < 0.2, worst


def test_a_sketch_that_holds_everything_is_exact() -> None:
    rows = drawn(500, flat(40, 1.1), 4, 10.0)
    found = fed(choose("sketch", plan(rows, 40, 10, sketch=40, block=64)), rows).finish(10, silent)
    vectors, stdev, regression = truth(rows, 40, 10)
    assert (1 - cosines(found.vectors, vectors)).max() < 1e-7
    np.testing.assert_allclose(found.stdev, stdev, rtol=1e-5)
    assert (1 - cosines(found.regression, regression)).max() < 1e-7


def test_the_random_baseline_is_that_of_random_directions() -> None:
    rows = drawn(2000, flat(200))
    found = fed(choose("exact", plan(rows, 200, 5)), rows).finish(5, silent)
    axes = torch.nn.functional.normalize(torch.randn(4000, 200), dim=1)
    sampled = (rows @ axes.T).std(0).square().mean().sqrt()
    assert found.random == pytest.approx(float(sampled), rel=0.01)


def test_r2_says_how_linear_the_latents_are() -> None:
    rows = drawn(4000, flat(30, 1.3), 3)  # latents are 0.8 of the first three, and noise
    found = fed(choose("exact", plan(rows, 30, 6)), rows).finish(6, silent)
    np.testing.assert_allclose(found.r2[:3], 0.64, atol=0.05)
    assert found.r2[3:].max() < 0.05


def test_dimensions_that_never_vary_are_no_components() -> None:
    rows = torch.cat([drawn(600, flat(4, 1.5)), torch.full((600, 8), 3.0)], 1)
    for name in ("exact", "sketch", "dual"):
        found = fed(choose(name, plan(rows, 12, 10)), rows).finish(10, silent)
        assert found.vectors.shape == (4, 12), name


@pytest.mark.parametrize("name", ["exact", "sketch", "dual", "ica", "sparse", "randomised"])
def test_it_goes_on_from_its_state(name: str, tmp_path: Path) -> None:
    """After every block in another object, from disk: not a bit changes."""
    rows = drawn(1300, flat(50, 1.1), 3).abs()
    setting = plan(rows, 50, 8)
    whole = fed(choose(name, setting), rows).finish(8, silent)

    def moved(estimator: Estimator) -> Estimator:
        FitState(tmp_path, "same fit").write(estimator.state())
        other = choose(name, setting)
        other.restore(FitState(tmp_path, "same fit").read())
        assert other.count == estimator.count
        return other

    again = fed(choose(name, setting), rows, moved).finish(8, silent)
    for field in ("vectors", "stdev", "regression", "r2", "latents"):
        assert torch.equal(getattr(whole, field), getattr(again, field)), field
    assert whole.total == again.total


def test_states_of_another_fit_and_damaged_ones_are_not_read(tmp_path: Path) -> None:
    store = FitState(tmp_path, "mine")
    store.write({"sums": torch.ones(3).double(), "rows-0": torch.ones(2, 2)})
    assert set(FitState(tmp_path, "mine").read()) == {"sums", "rows-0"}
    assert FitState(tmp_path, "other").read() == {}
    (tmp_path / "rows-0.safetensors").unlink()
    assert FitState(tmp_path, "mine").read() == {}
    (tmp_path / "pca.safetensors").write_bytes(b"half a file")
    assert FitState(tmp_path, "mine").read() == {}
    (tmp_path / "taken").write_bytes(b"no folder")
    with pytest.raises(OutputError, match="cannot keep"):
        FitState(tmp_path / "taken", "mine").write({"sums": torch.ones(3)})


# --- scikit-learn's -------------------------------------------------------------------------------


def mixture(n: int = 6000) -> tuple[Tensor, Tensor]:
    """Rows (n, 12 + 2) of five independent sources through axes (5, 12) that are not orthogonal;
    the latents are the first two sources."""
    random = np.random.RandomState(2)
    laplace, even = random.laplace(size=(n, 3)), random.uniform(-1, 1, (n, 2))
    sources = np.concatenate([laplace / laplace.std(), even / even.std()], 1)
    axes = random.randn(5, 12) * np.array([[3.0, 2.5, 2.0, 1.5, 1.0]]).T
    axes[1] += 0.8 * axes[0]
    rows = np.concatenate([sources @ axes + 4, sources[:, :2]], 1)
    return torch.from_numpy(rows).float(), torch.from_numpy(axes).float()


def test_ica_unmixes() -> None:
    rows, axes = mixture()
    found = fed(choose("ica", plan(rows, 12, 5)), rows).finish(5, silent)
    cosine = torch.nn.functional.normalize(axes, dim=1) @ found.vectors.T
    best = cosine.abs().max(1)
    assert best.values.min() > 0.99 and len(set(best.indices.tolist())) == 5
    pca = fed(choose("exact", plan(rows, 12, 5)), rows).finish(5, silent)
    assert (torch.nn.functional.normalize(axes, dim=1) @ pca.vectors.T).abs().max(1)[0].min() < 0.9
    latent = torch.nn.functional.normalize(found.regression[best.indices[:2]], dim=1)
    assert latent.diagonal().abs().min() > 0.99  # source 0 is latent 0, source 1 latent 1
    spread = ((rows[:, :12] - rows[:, :12].mean(0)) @ found.vectors.T).std(0)
    torch.testing.assert_close(found.stdev.float(), spread, rtol=1e-3, atol=0)
    assert found.stdev.tolist() == sorted(found.stdev.tolist(), reverse=True)


def test_ica_in_few_of_many_dimensions() -> None:
    rows, axes = mixture(3000)
    state = torch.Generator().manual_seed(1)
    wide = torch.randn(12, 4000, generator=state)
    rows = torch.cat([rows[:, :12] @ wide, rows[:, 12:]], 1)
    found = fed(choose("ica", plan(rows, 4000, 5)), rows).finish(5, silent)
    cosine = torch.nn.functional.normalize(axes @ wide, dim=1) @ found.vectors.T
    assert cosine.abs().max(1).values.min() > 0.98


def test_ica_that_finds_nothing_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scikit, "ICA_ITERATIONS", 3)
    rows, told = drawn(2000, flat(20)), []
    estimator = fed(choose("ica", plan(rows, 20, 10)), rows)
    with pytest.raises(BadData, match="did not converge in 3 iterations"):
        estimator.finish(10, lambda done, total, what: told.append((done, total, what)))
    assert told == [(1, 0, "ICA iterations"), (2, 0, "ICA iterations"), (3, 0, "ICA iterations")]


@pytest.mark.parametrize("scale", [1.0, 50.0])
@pytest.mark.parametrize("n", [1500, 6000])
def test_sparse_vectors_are_sparse_whatever_the_unit(n: int, scale: float) -> None:
    random = np.random.RandomState(3)
    axes = np.zeros((4, 60))
    for i in range(4):
        axes[i, 15 * i : 15 * i + 6] = random.choice([-1, 1], 6) * (4 - 0.5 * i)
    sources = random.randn(n, 4)
    rows = torch.from_numpy(scale * (sources @ axes + random.randn(n, 60) * 0.5)).float()
    rows = torch.cat([rows, torch.from_numpy(sources[:, :2]).float()], 1)
    found = fed(choose("sparse", plan(rows, 60, 4)), rows).finish(4, silent)
    cosine = np.abs(axes / np.linalg.norm(axes, axis=1, keepdims=True) @ found.vectors.numpy().T)
    best = cosine.argmax(1)
    assert cosine.max(1).min() > 0.99 and sorted(best) == [0, 1, 2, 3]
    assert 0.8 <= float((found.vectors == 0).float().mean()) <= 0.91  # 54 of 60 are empty
    latent = torch.nn.functional.normalize(found.regression, dim=1)
    assert latent[best[:2]].diagonal().abs().min() > 0.98
    dense = fed(choose("sparse", plan(rows, 60, 4, sparsity=0.0)), rows).finish(4, silent)
    assert (dense.vectors == 0).float().mean() < 0.1


def test_sparsity_can_be_too_much() -> None:
    rows = drawn(500, flat(30))
    with pytest.raises(BadData, match="every sparse component is zero"):
        fed(choose("sparse", plan(rows, 30, 4, sparsity=1000.0)), rows).finish(4, silent)


def test_the_randomised_form_finds_what_stands_out() -> None:
    rows = drawn(1500, flat(300, 1.2), 4, 5.0)
    found = fed(choose("randomised", plan(rows, 300, 8)), rows).finish(8, silent)
    vectors, stdev, regression = truth(rows, 300, 8)
    assert subspace_angles(found.vectors, vectors).max() < 2
    np.testing.assert_allclose(found.stdev, stdev, rtol=0.01)
    assert cosines(found.regression, regression)[:4].min() > 0.99
    assert found.total == pytest.approx(float(rows[:, :300].double().var(0).sum()), rel=1e-5)


# --- memory ---------------------------------------------------------------------------------------


def test_the_estimator_is_one_that_fits() -> None:
    def name(**sizes: int) -> str:
        defaults = {"samples": 50_000, "width": 512, "latent": 0, "components": 80}
        return type(choose("auto", FitPlan(**{**defaults, **sizes}))).__name__

    assert name() == "Exact" and name(width=2560, latent=512) == "Exact"
    assert name(width=2561, latent=512) == "Sketch"
    assert name(width=2000, memory=100 * MEGABYTE) == "Sketch"
    assert name(width=20_000, samples=1000) == "Dual"
    assert name(width=20_000, samples=1000, memory=85 * MEGABYTE) == "Sketch"


def test_a_sketch_shrinks_to_the_memory_allowed() -> None:
    sizes = (10_000, 50_000, 0, 80)
    roomy = choose("sketch", FitPlan(*sizes))
    assert roomy.block == 480 and roomy.rows.shape[0] == 721  # type: ignore[attr-defined]
    tight = choose("sketch", FitPlan(*sizes, memory=60 * MEGABYTE))
    assert tight.rows.numel() * 4 <= 60 * MEGABYTE  # type: ignore[attr-defined]
    assert tight.keep >= 80 and tight.block > 100  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "megabytes"), [("exact", 100), ("dual", 300), ("sketch", 15), ("ica", 20)]
)
def test_what_does_not_fit_says_what_would(name: str, megabytes: int) -> None:
    with pytest.raises(BadData, match=r"50000 dimensions .*MB") as refused:
        choose(name, FitPlan(2000, 50_000, 0, 80, memory=megabytes * MEGABYTE))
    assert "memory" in str(refused.value)


WIDE = """
import sys, torch
from latty.directions.methods.ganspace.estimators import choose
from latty.directions.methods.ganspace.plan import FitPlan
from latty.report import silent
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
warm = choose("sketch", FitPlan(60, 100, 4, 20))
for _ in range(2):
    warm.room()[:30].normal_(); warm.add(30)
warm.finish(20, silent)
before = peak()
estimator = choose("sketch", FitPlan(600, 200_000, 8, 20, memory=100_000_000))
while estimator.count < 300:
    estimator.room().normal_()
    estimator.add(estimator.block)
found = estimator.finish(20, silent)
print((peak() - before) / 1000, estimator.count)
"""


def test_memory_stays_within_what_is_allowed() -> None:
    """The rows alone would need 240 MB, their covariance 320 GB."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the peak is read from /proc")
    out = subprocess.run(
        [sys.executable, "-c", WIDE], capture_output=True, text=True, timeout=LIMIT
    )
    assert out.returncode == 0, out.stderr
    grown, count = map(float, out.stdout.split())
    assert count >= 300 and grown < 150, f"{grown} MB"


def test_components_are_what_they_say() -> None:
    rows = drawn(300, flat(20), 2)
    found = fed(Exact(300, 20, 2, torch.device("cpu")), rows).finish(30, silent)
    assert isinstance(found, Components) and found.vectors.shape == (20, 20)
    few = fed(Dual(10, 20, 2), rows[:10]).finish(30, silent)
    assert few.vectors.shape == (9, 20) and few.count == 10
