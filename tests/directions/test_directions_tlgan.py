"""TL-GAN: the regression against numpy, and the shipped directions against the pictures' truth."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from planted import Planted, cosine
from sklearn.linear_model import LinearRegression
from toy_generator import Factored, Toy

from latty.attributes import names_of, scores_of
from latty.directions.discovery import make, params_of
from latty.directions.file import ARRAY, SCHEMA, read, read_header
from latty.directions.linear import LinearDirection
from latty.directions.methods.tlgan import METHOD
from latty.directions.moments import NormalEquations
from latty.directions.opening import find
from latty.directions.orthogonal import off
from latty.directions.registries import METHODS
from latty.directions.store import SETS, direction_names, set_info
from latty.directions.traverse import figures, shifted, traverse
from latty.errors import BadData, Interrupted
from latty.models import open_model
from latty.models.base import AnySize, HasFactors
from latty.scene import ALL, Layers
from training import fit_directions


def test_normal_equations_are_least_squares() -> None:
    random = np.random.RandomState(0)
    x = random.randn(500, 7) @ random.randn(7, 7) + 3
    y = x @ random.randn(7, 4) + random.randn(500, 4) - 2
    sums = NormalEquations(7, 4)
    for part in range(0, 500, 90):
        sums.add(torch.from_numpy(x[part : part + 90]), torch.from_numpy(y[part : part + 90]))
    fit = sums.solve(0.0)
    ones = np.concatenate([x, np.ones((500, 1))], 1)
    expected, error, *_ = np.linalg.lstsq(ones, y, rcond=None)
    np.testing.assert_allclose(fit.slopes, expected[:-1], rtol=1e-8)
    np.testing.assert_allclose(fit.intercept, expected[-1], rtol=1e-8)
    np.testing.assert_allclose(fit.r2, 1 - error / ((y - y.mean(0)) ** 2).sum(0), rtol=1e-8)
    np.testing.assert_allclose(sums.covariance, np.cov(x.T, bias=True), rtol=1e-8)
    np.testing.assert_allclose(sums.spread, y.std(0), rtol=1e-8)


def test_ridge_has_no_unit_and_keeps_singular_latents_finite() -> None:
    x = torch.randn(200, 3, generator=torch.Generator().manual_seed(0)).double()
    x = torch.cat([x, x[:, :1]], 1)  # one latent twice
    y = x[:, :1] * 2
    fits = []
    for scale in (1.0, 100.0):
        sums = NormalEquations(4, 1)
        sums.add(x * scale, y)
        fits.append(sums.solve(1e-3).slopes * scale)
    torch.testing.assert_close(fits[0], fits[1])
    torch.testing.assert_close(fits[0][[0, 3], 0], torch.ones(2).double(), atol=0.01, rtol=0)


@pytest.fixture(scope="module")
def fitted() -> METHOD:
    return METHOD(samples=2048).fit(Factored())


def test_each_direction_moves_its_own_factor(fitted: METHOD) -> None:
    assert [info.name for info in fitted.infos_] == ["one", "two", "three", "switch"]
    for info in fitted.infos_:
        scores = dict(info.scores)
        assert scores["corr"] > 0.85 and scores["monotone"] == 1 and scores["r2"] > 0.95
        assert scores["drift"] < 0.2 and scores["effect_sd"] > 2 and scores["crossed"] > 0.9
    torch.testing.assert_close(fitted.directions_.norm(dim=1), torch.ones(4))
    assert fitted.directions_.dtype == torch.float32


def test_sigma_is_the_spread_of_samples_along_the_direction(fitted: METHOD) -> None:
    toy = Factored()
    w = toy.mapping(toy.sample(range(4000)))[:, 0]
    for info, vector in zip(fitted.infos_, fitted.directions_, strict=True):
        assert info.sigma == pytest.approx(float((w @ vector).std()), rel=0.05)


def test_the_same_fit_twice_is_the_same(fitted: METHOD) -> None:
    again = METHOD(samples=2048).fit(Factored())
    assert torch.equal(again.directions_, fitted.directions_)
    assert again.infos_ == fitted.infos_ and again.seeds_ == "100000-102047"


@pytest.mark.parametrize("vector", ["regression", "covariance", "alone", "alone_covariance"])
def test_every_form_of_vector_raises_its_attribute(vector: str) -> None:
    found = METHOD(samples=1024, vector=vector, layers="all", names=("two",)).fit(Factored())
    assert [info.name for info in found.infos_] == ["two"]
    assert dict(found.infos_[0].scores)["corr"] > 0.85


def test_alone_leaves_the_others_where_they_are() -> None:
    drift = {}
    for vector in ("regression", "alone"):
        found = METHOD(samples=2048, vector=vector, layers="all").fit(Factored())
        drift[vector] = sum(dict(info.scores)["drift"] for info in found.infos_)
    assert drift["alone"] < 0.5 * drift["regression"]


@pytest.mark.slow
def test_it_works_in_z_and_through_a_scorer() -> None:
    in_z = METHOD(samples=1024, names=("one",)).fit(Factored(space="z"))
    assert in_z.space_ == "z" and in_z.directions_.shape == (1, 6)
    looked = METHOD(samples=1024, names=("brightness",)).fit(Toy())  # by looking at pictures
    assert looked.directions_.shape == (1, 5)


def test_one_class_of_a_conditional_generator() -> None:
    found = METHOD(samples=1024, names=("two",), label=2).fit(Factored(classes=3))
    assert dict(found.infos_[0].scores)["corr"] > 0.8


def test_refusals_of_the_method() -> None:
    with pytest.raises(BadData, match="too few"):
        METHOD(samples=10).fit(Factored())
    with pytest.raises(BadData, match="no attribute 'smile'"):
        METHOD(samples=1024, names=("smile",)).fit(Factored())
    with pytest.raises(BadData, match="no form 'best of all'"):
        METHOD(samples=1024, vector="best of all").fit(Factored())


def test_a_report_that_raises_cancels() -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        METHOD(samples=1024).fit(Factored(), stop)


def test_normal_equations_of_float32_are_as_good() -> None:
    """Of many samples far from zero, against float64 and against scikit-learn."""
    random = np.random.RandomState(1)
    x = (random.randn(6000, 40) + 20).astype(np.float32)
    y = x @ random.randn(40, 3) + random.randn(6000, 3)
    sums = NormalEquations(40, 3)
    for part in range(0, 6000, 2500):
        sums.add(torch.from_numpy(x[part : part + 2500]), torch.from_numpy(y[part : part + 2500]))
    found, wanted = sums.solve(0.0), LinearRegression().fit(x.astype(np.float64), y)
    error = np.abs(found.slopes.numpy() - wanted.coef_.T).max() / np.abs(wanted.coef_).max()
    assert error < 1e-5
    np.testing.assert_allclose(found.intercept, wanted.intercept_, rtol=1e-3, atol=1e-3)


def test_normals_are_the_attributes_gradients() -> None:
    """One for each direction that was kept, in its order; linear factors have constant ones."""
    planted = Planted(Toy())
    found = METHOD(samples=2048, probes=2, vector="covariance").fit(planted)
    normals = found.extra_["normals"]
    assert normals.shape == (2, 5) and normals.dtype == torch.float32
    for normal, truth in zip(normals, planted.truth, strict=True):
        assert cosine(normal, truth) > 0.99
    only = METHOD(samples=2048, probes=2, names=("side",)).fit(planted)
    torch.testing.assert_close(only.extra_["normals"], normals[1:])


def test_a_locked_attribute_does_not_move() -> None:
    """TL-GAN's lock: other directions are projected off it, its own stays as it is."""
    planted = Planted(Toy())
    options = {"samples": 2048, "probes": 2, "vector": "regression", "layers": "all"}
    free = METHOD(**options).fit(planted)
    held = METHOD(**options, locks=("side",)).fit(planted)
    drift = [dict(found.infos_[0].scores)["drift"] for found in (free, held)]
    assert drift[1] < 0.1 * drift[0]
    torch.testing.assert_close(free.directions_[1], held.directions_[1])
    assert dict(held.infos_[0].scores)["corr"] > 0.8
    with pytest.raises(BadData, match="no attribute 'frown'"):
        METHOD(**options, locks=("frown",)).fit(planted)


def test_constant_attributes_and_missing_scores() -> None:
    class Odd(Factored):
        def factors(self, codes: torch.Tensor) -> torch.Tensor:
            scores = super().factors(codes)
            scores[:, 0] = 0.5  # never changes
            scores[:, 1] = torch.nan  # never there
            scores[:, 2] = torch.where(codes[:, 0, 0] > 0.6, torch.nan, scores[:, 2])
            return scores

    found = METHOD(samples=2048, probes=2).fit(Odd())
    assert [info.name for info in found.infos_] == ["three", "switch"]
    assert [name for name, _ in found.dropped_] == ["one", "two"]
    assert dict(found.infos_[0].scores)["r2"] > 0.8
    with pytest.raises(BadData, match="no attribute differs among the samples"):
        METHOD(samples=2048, probes=2, names=("one", "two")).fit(Odd())
    with pytest.raises(BadData, match=r"correlations: three 0\.\d\d"):
        METHOD(samples=2048, probes=2, names=("three",), minimum=1.0).fit(Odd())


@pytest.mark.parametrize(("what", "after"), [("samples", 23), ("latents", 3), ("directions", 1)])
def test_an_interruption_leaves_what_was_found(what: str, after: int, fitted: METHOD) -> None:
    calls = []

    def stop(done: int, total: int, stage: str) -> None:
        assert "stopped" not in calls
        calls.append(stage)
        if calls.count(what) > after:
            calls.append("stopped")
            raise Interrupted(2)

    found = METHOD(samples=2600, probes=2).fit(Factored(), stop)
    assert not found.complete_ and len(found.infos_) == 4
    measured = sum("corr" in dict(info.scores) for info in found.infos_)
    assert measured == (2 if what == "directions" else 0)
    for name, ours, best in zip(
        found.infos_, found.extra_["normals"], fitted.extra_["normals"], strict=True
    ):
        assert cosine(ours, best) > 0.95, name
    assert found.seeds_ == ("100000-101999" if what == "samples" else "100000-102599")


def test_figures_of_curves_known_by_hand() -> None:
    x = [-2.0, -1, 0, 1, 2]
    rising = torch.tensor([x, [v + 1 for v in x]])
    still = torch.zeros(2, 5)
    against = torch.tensor([[-v for v in x], x])
    scores = torch.stack([rising, still, against], 2)
    spread, middle = torch.tensor([2.0, 1.0, 4.0]), torch.tensor([0.0, 0.0, 0.0])
    found = figures(x, scores, 0, middle, spread)
    assert found.corr == pytest.approx(1.0) and found.monotone == 1
    assert found.effect == pytest.approx(4.0) and found.moved == pytest.approx(2.0)
    assert found.leakage == pytest.approx(0.5)  # of two others one moves, always
    assert found.drift == pytest.approx((0.5 * 1.0) ** 0.5) and found.crossed == 1
    assert figures(x, scores, 2, middle, spread).corr == pytest.approx(0.0)
    assert figures(x, scores, 2, middle, spread).monotone == 0.5


def test_usable_ends_where_the_attribute_turns_back() -> None:
    x = [-3.0, -2, -1, 0, 1, 2, 3]
    curve = torch.tensor([[-2.0, -3, -1, 0, 1, 1, 1.5]]).repeat(5, 1)[..., None]
    found = figures(x, curve, 0, torch.zeros(1), torch.ones(1))
    assert (found.low, found.high) == (-2.0, 3.0)


def test_moves_stay_in_their_layers() -> None:
    toy = Factored()
    direction = LinearDirection("x", "w", Layers(1, 2), torch.ones(5), 1.0)
    z = toy.sample(range(2))
    moved = shifted(direction, z, torch.tensor([1.0, 2.0]), toy) - toy.mapping(z)
    assert moved[:, [0, 2, 3]].abs().max() == 0
    torch.testing.assert_close(moved[:, 1], torch.tensor([[1.0] * 5, [2.0] * 5]))
    scores = traverse(direction, z, [-1.0, 1.0], toy, toy.factors, layers=ALL)
    assert scores.shape == (2, 2, 4)


# --- the directions that ship ---------------------------------------------------------------------

BARS = {"portraits": (20, 0.9), "demo": (8, 0.9)}  # so many directions with at least this corr
SWITCHES = {"glasses"}  # on or off: the best possible correlation with a straight line is 0.87
WANTED = {"smile", "glasses", "yaw", "pos_x", "scale", "brightness", "hair_color", "bg_hue"}


@pytest.mark.parametrize("name", sorted(BARS))
def test_shipped_sets_are_whole_small_and_meet_the_bar(name: str) -> None:
    if name not in SETS.files():
        pytest.skip(f"no directions of {name} in this tree")
    header, arrays = read(SETS.find(name))
    assert header.schema == SCHEMA and header.method in METHODS.names()
    assert SETS.find(name).stat().st_size <= 200_000
    count, bar = BARS[name]
    corr = {info.name: dict(info.scores)["corr"] for info in header.infos}
    assert sum(value >= bar for value in corr.values()) >= count
    assert len(corr) >= 10 and header.model == name
    assert all(tensor.dtype == torch.float32 for tensor in arrays.values())


def test_the_shipped_portraits_set_comes_from_the_shipped_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = fit_directions.SETS["portraits"]
    fewer = replace(recipe, params={**recipe.params, "samples": 2048})
    monkeypatch.setitem(fit_directions.SETS, "portraits", fewer)
    threads = torch.get_num_threads()
    try:
        assert fit_directions.main(["portraits", "--json", "-o", str(tmp_path)]) == 0
    finally:
        torch.set_num_threads(threads)
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["smile"]["layers"] == "2" and rows["yaw"]["layers"] == "0"  # as it is built
    found = read(tmp_path / "portraits.safetensors")[1][ARRAY]
    shipped = read(SETS.find("portraits"))[1][ARRAY]
    assert torch.cosine_similarity(found, shipped).min() > 0.99


@pytest.mark.parametrize("name", fit_directions.SETS)
def test_every_shipped_set_is_what_its_recipe_says(name: str) -> None:
    recipe, header = fit_directions.SETS[name], read_header(SETS.find(name))
    assert (header.model, header.method) == (recipe.model, recipe.method) and header.complete
    known = params_of(make(recipe.method, recipe.params))
    assert (
        dict(header.params) == dict(known)
        and header.model_digest == open_model(recipe.model).info.digest
    )


def test_portraits_directions_move_the_true_factors() -> None:
    """From seeds nobody fitted, by the factors the renderer was given."""
    generator = open_model("portraits", "cpu")
    assert isinstance(generator, HasFactors)
    names, x = generator.factor_names(), [-3.0, -2, -1, 0, 1, 2, 3]
    z = generator.sample(range(40, 60))
    with torch.inference_mode():
        samples = generator.factors(generator.mapping(generator.sample(range(500))))
        for name in direction_names("portraits"):
            found = traverse(
                find(f"portraits/{name}", generator), z, x, generator, generator.factors
            )
            got = figures(x, found, names.index(name), samples.median(0).values, samples.std(0))
            assert got.corr > (0.8 if name in SWITCHES else 0.87), name
            assert got.monotone == 1 and got.moved > 2 and got.drift < 0.1, name
            assert got.crossed >= 0.9, name
    assert set(direction_names("portraits")) >= WANTED


@pytest.mark.slow
def test_locks_hold_attributes_of_portraits() -> None:
    """Steps of the plain regression move many attributes; projected off an attribute's normal they
    move it by less than a tenth of that, and their own hardly less."""
    generator = open_model("portraits", "cpu")
    assert isinstance(generator, HasFactors)
    found = METHOD(samples=6000, probes=1, vector="regression", layers="all").fit(generator)
    codes = generator.mapping(generator.sample(range(30)))
    spread = generator.factors(generator.mapping(generator.sample(range(500)))).std(0)
    normals, shares, kept = found.extra_["normals"], [], []

    def change(step: torch.Tensor) -> torch.Tensor:
        ends = [generator.factors(codes + way * step) for way in (1, -1)]
        return ((ends[0] - ends[1]).abs() / spread).mean(0)

    for own, (info, vector) in enumerate(zip(found.infos_, found.directions_, strict=True)):
        step = (2 * info.sigma * vector).expand(codes.shape[1], -1)
        free = change(step)
        for other in (free > 0.15).nonzero()[:, 0].tolist():
            if other == own:
                continue
            held = change(off(step, [normals[other]]))
            shares.append(float(held[other] / free[other]))
            kept.append(float(held[own] / free[own]))
    assert len(shares) > 50 and max(shares) < 0.1, max(shares)
    assert sorted(shares)[len(shares) // 2] < 0.02 and min(kept) > 0.95


@pytest.mark.slow
def test_demo_directions_move_what_the_regressor_sees() -> None:
    if not {"demo"} <= set(SETS.files()):
        pytest.skip("no directions of demo in this tree")
    generator = open_model("demo", "cpu")
    generator = generator.at_size(64) if isinstance(generator, AnySize) else generator
    names, x = names_of("factors", generator), [-3.0, 0.0, 3.0]

    def scored(codes: torch.Tensor) -> torch.Tensor:
        return scores_of(generator, codes, "factors")[1]

    z = generator.sample(range(8))
    with torch.inference_mode():
        samples = scored(generator.mapping(generator.sample(range(64))))
        header = set_info("demo")
        for name in [i.name for i in header.infos if dict(i.scores)["corr"] >= 0.9]:
            direction = find(f"demo/{name}", generator)
            found = traverse(direction, z, x, generator, scored)
            got = figures(x, found, names.index(name), samples.mean(0), samples.std(0))
            assert got.corr > 0.75 and got.moved > 0.7, name
