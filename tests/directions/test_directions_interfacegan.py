"""InterFaceGAN: planted attributes found in every family, boundaries against SVC, conditions."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from planted import Planted, cosine, uncorrelated
from sklearn.svm import SVC
from small_families import FAMILIES, made
from torch import Tensor
from toy_generator import Factored, Toy

from latty.directions.discovery import save
from latty.directions.file import NORMALS, read
from latty.directions.methods.interfacegan import METHOD
from latty.directions.methods.interfacegan.extremes import extremes
from latty.directions.opening import find
from latty.directions.sampling import normal_scores
from latty.errors import BadData, Interrupted
from latty.models import open_model

SMALL: dict[str, Any] = {"samples": 1500, "ratio": 0.1, "probes": 2, "layers": "all"}


def latents(seeds: range) -> Tensor:
    """w (N, D) of a Toy."""
    toy = Toy()
    return toy.mapping(toy.sample(seeds))[:, 0]


# --- which samples --------------------------------------------------------------------------------


def test_the_ends_are_taken_and_split() -> None:
    scores = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    found = extremes(scores, 0.02, 0.7, 0, "x")
    order = scores.argsort()
    chosen = torch.cat([found.fitted, found.kept])
    assert set(chosen.tolist()) == set(order[:20].tolist()) | set(order[-20:].tolist())
    assert len(found.fitted) == 28 and len(found.kept) == 12 and len(found.rest) == 960
    assert found.high[order[-20:]].all() and not found.high[order[:20]].any()
    assert int(found.high[found.fitted].sum()) == 14  # both sides alike
    assert torch.equal(found.fitted, extremes(scores, 0.02, 0.7, 0, "x").fitted)
    assert not torch.equal(found.fitted, extremes(scores, 0.02, 0.7, 1, "x").fitted)


def test_the_ratio_is_a_share_a_number_or_all() -> None:
    scores = torch.arange(100.0)
    assert len(extremes(scores, 30.0, 1.0, 0, "x").fitted) == 60
    assert len(extremes(scores, 0.9, 1.0, 0, "x").fitted) == 100  # half from each end at most
    bent = torch.cat([torch.zeros(90) + torch.arange(90) / 1e3, torch.ones(10)])
    every = extremes(bent, 0.0, 1.0, 0, "x")  # not ranked: by the middle of the scores
    assert len(every.fitted) == 100 and int(every.high.sum()) == 10 and every.middle < 0.6


def test_scores_that_are_no_number_are_left_out() -> None:
    scores = torch.randn(200, generator=torch.Generator().manual_seed(0))
    scores[::4] = torch.nan
    found = extremes(scores, 0.2, 0.7, 0, "x")
    used = torch.cat([found.fitted, found.kept, found.rest])
    assert len(used) == 150 and not (used % 4 == 0).any()
    with pytest.raises(BadData, match="x: 0 samples have a score"):
        extremes(torch.full((50,), torch.nan), 0.2, 0.7, 0, "x")
    with pytest.raises(BadData, match="x: the scores are all alike"):
        extremes(torch.ones(50), 0.2, 0.7, 0, "x")


def test_normal_scores_do_not_see_the_scale() -> None:
    x = torch.randn(500, 1, generator=torch.Generator().manual_seed(0))
    levels = normal_scores(torch.cat([x, x.exp(), -x], 1))
    torch.testing.assert_close(levels[:, 0], levels[:, 1])
    torch.testing.assert_close(levels[:, 0], -levels[:, 2], atol=1e-5, rtol=0)
    assert float(levels.std()) == pytest.approx(1, abs=0.02)
    x[3] = torch.nan
    assert normal_scores(x)[3].isnan() and normal_scores(x).isnan().sum() == 1


# --- boundaries -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.1, 0.0])
def test_a_boundary_is_that_of_svc(ratio: float) -> None:
    planted = Planted(Toy())
    found = METHOD(**{**SMALL, "ratio": ratio}).fit(planted)
    w = latents(range(100_000, 101_500))
    scores = planted.factors(w[:, None].repeat(1, 4, 1))
    for i, info in enumerate(found.infos_):
        chosen = extremes(scores[:, i], ratio, 0.7, 100_000, info.name)
        x, high = w[chosen.fitted].numpy(), chosen.high[chosen.fitted].numpy()
        theirs = SVC(kernel="linear", C=1.0).fit(x, high)
        assert cosine(found.directions_[i], torch.tensor(theirs.coef_[0])) > 0.99
        right = theirs.score(w[chosen.kept].numpy(), chosen.high[chosen.kept].numpy())
        assert dict(info.scores)["validation"] == pytest.approx(right, abs=0.02)
        rest, wanted = chosen.rest, 0.0
        if len(rest):
            wanted = theirs.score(w[rest].numpy(), chosen.high[rest].numpy())
        assert dict(info.scores)["rest"] == pytest.approx(wanted, abs=0.02)
        offset = theirs.intercept_[0] / np.linalg.norm(theirs.coef_[0])
        assert dict(info.scores)["intercept"] == pytest.approx(offset, abs=0.05)
        assert info.sigma == pytest.approx(float((w @ found.directions_[i]).std()), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "portraits"])
def test_planted_attributes_are_found_in_every_family(family: str) -> None:
    planted = Planted(made(family))
    found = METHOD(**{**SMALL, "samples": 600}).fit(planted)
    info = planted.info
    assert METHOD().missing(planted) == "" and found.space_ == info.space and found.complete_
    assert found.directions_.shape == (2, info.z_dim if info.space == "z" else info.width)
    for i in range(2):
        assert dict(found.infos_[i].scores)["corr"] > 0.85
        assert dict(found.infos_[i].scores)["validation"] > 0.95
    x = uncorrelated(planted, range(500))
    scores = planted.factors(planted.mapping(planted.sample(range(500)))).double()
    for i in range(2):  # gradients of the attributes, as far as samples can tell
        seen = torch.stack([x @ found.extra_["normals"][i].double(), scores[:, i]])
        assert float(seen.corrcoef()[0, 1]) > 0.95


def test_portraits_attributes_follow_their_directions() -> None:
    found = METHOD(samples=4000, names=("smile", "yaw"), probes=4).fit(open_model("portraits"))
    yaw, smile = found.infos_
    assert (yaw.name, str(yaw.layers)) == ("yaw", "0") and str(smile.layers) == "2"
    assert min(dict(info.scores)["corr"] for info in found.infos_) > 0.9


@pytest.mark.parametrize("family", ["biggan", "stylegan2"])
def test_w_plus_has_a_vector_for_each_layer(family: str, tmp_path: Path) -> None:
    planted = Planted(made(family))
    found = METHOD(**{**SMALL, "samples": 1000, "space": "w+"}).fit(planted)
    info = planted.info
    assert found.space_ == "w" and found.directions_.shape == (2, info.num_layers, info.width)
    if family == "biggan":  # each layer reads a part of the planted vector
        assert cosine(found.directions_[0], planted.truth[0]) > 0.9
    assert dict(found.infos_[0].scores)["corr"] > 0.85
    save(tmp_path / "set.safetensors", "interfacegan", found, planted)
    direction = find(f"{tmp_path / 'set.safetensors'}#up", planted)
    codes = planted.mapping(planted.sample([1]))
    before, after = (
        planted.factors(codes),
        planted.factors(direction.move(codes, torch.tensor([2.0]), planted)),
    )
    assert float((after - before)[0, 0]) > 0.5


def test_z_of_a_style_generator() -> None:
    found = METHOD(**{**SMALL, "space": "z"}).fit(Factored())
    assert found.space_ == "z" and found.directions_.shape == (4, 6)
    assert dict(found.infos_[0].scores)["corr"] > 0.8


# --- conditions -----------------------------------------------------------------------------------


def test_a_condition_leaves_the_other_attribute_alone() -> None:
    planted = Planted(Toy())
    free, held = METHOD(**SMALL).fit(planted), METHOD(**SMALL, conditions=("side",)).fit(planted)
    up, side = free.directions_.double()
    wanted = up - (up @ side) * side  # the closed form for one condition
    torch.testing.assert_close(held.directions_[0].double(), wanted / wanted.norm())
    torch.testing.assert_close(held.directions_[1], free.directions_[1])  # not off itself
    assert torch.equal(held.extra_["normals"], free.extra_["normals"])
    leaks = [dict(found.infos_[0].scores)["drift"] for found in (free, held)]
    assert leaks[1] < 0.5 * leaks[0]


def test_any_number_of_conditions() -> None:
    held = METHOD(**SMALL, names=("one",), conditions=("all",)).fit(Factored())
    normals = METHOD(**SMALL).fit(Factored()).directions_
    assert (held.directions_[0] @ normals[1:].T).abs().max() < 1e-5
    assert held.infos_[0].name == "one" and len(held.infos_) == 1


def test_an_attribute_that_its_conditions_say_all_about_is_locked() -> None:
    class Twice(Factored):
        def factor_names(self) -> tuple[str, ...]:
            return ("one", "again")

        def factors(self, codes: Tensor) -> Tensor:
            return super().factors(codes)[:, [0, 0]]

    with pytest.raises(BadData, match="one is locked"):
        METHOD(**SMALL, names=("one",), conditions=("again",)).fit(Twice())


# --- scores that are not there, interruptions, refusals -------------------------------------------


class Partly(Factored):
    """Some pictures have no score: no number, or -1."""

    bad = -1.0

    def factors(self, codes: Tensor) -> Tensor:
        scores = super().factors(codes)
        scores[:, 0] = torch.where(codes[:, 0, 0] > 0.5, self.bad, scores[:, 0])
        scores[:, 1] = torch.where(codes[:, 0, 0] > 0.5, torch.nan, scores[:, 1])
        return scores


def test_invalid_scores_do_not_count() -> None:
    found = METHOD(**SMALL, invalid=-1.0).fit(Partly())
    whole = METHOD(**SMALL).fit(Factored())
    for i in range(2):
        assert cosine(found.directions_[i], whole.directions_[i]) > 0.85
        assert dict(found.infos_[i].scores)["validation"] > 0.95
    fooled = METHOD(**SMALL, names=("one",), minimum=-1.0).fit(Partly())
    assert cosine(fooled.directions_[0], whole.directions_[0]) < 0.6


class Stopping:
    """A report that interrupts at the given call of a stage, and must not be called again."""

    def __init__(self, what: str, after: int) -> None:
        self.what, self.after, self.stopped = what, after, False

    def __call__(self, done: int, total: int, what: str) -> None:
        assert not self.stopped, "reported after the interruption"
        assert 0 < done <= total
        self.after -= what == self.what
        if self.after < 0:
            self.stopped = True
            raise Interrupted(2)


STOPPED: dict[str, Any] = {**SMALL, "samples": 2600, "probes": 1, "names": ("one", "two", "three")}


@pytest.fixture(scope="module")
def whole() -> METHOD:
    return METHOD(**STOPPED).fit(Factored())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "after"), [("samples", 23), ("boundaries", 1), ("latents", 1), ("directions", 1)]
)
def test_an_interruption_leaves_what_was_found(what: str, after: int, whole: METHOD) -> None:
    stop = Stopping(what, after)
    found = METHOD(**STOPPED).fit(Factored(), stop)
    assert stop.stopped and not found.complete_ and len(found.infos_) == 3
    for a, b in zip(found.directions_, whole.directions_, strict=True):
        assert cosine(a, b) > (0.95 if what == "samples" else 1 - 1e-6)
    assert sum("corr" in dict(info.scores) for info in found.infos_) == (
        2 if what == "directions" else 0
    )
    if what == "samples":
        assert found.seeds_ == "100000-101999"


def test_an_interruption_before_anything_is_usable_is_passed_on() -> None:
    with pytest.raises(Interrupted):
        METHOD(**SMALL).fit(Factored(), Stopping("samples", 0))


def test_a_stopped_fit_in_w_plus_goes_on_from_its_folder(tmp_path: Path) -> None:
    options = {**SMALL, "samples": 1200, "space": "w+", "probes": 1, "names": ("one",)}
    with pytest.raises(KeyboardInterrupt):

        def kill(done: int, total: int, what: str) -> None:
            if done >= 700:
                raise KeyboardInterrupt

        METHOD(**options).fit(Factored(), kill, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1

    class Counted(Factored):
        scored = 0

        def factors(self, codes: Tensor) -> Tensor:
            self.scored += len(codes)
            return super().factors(codes)

    again, whole = Counted(), Counted()
    a, b = METHOD(**options).fit(again, work=tmp_path), METHOD(**options).fit(whole)
    assert torch.equal(a.directions_, b.directions_) and a.infos_ == b.infos_
    assert again.scored == whole.scored - 500


def test_the_same_fit_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / name, "interfacegan", METHOD(**SMALL).fit(Factored()), Factored())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    header, arrays = read(tmp_path / "a")
    assert header.names == ("one", "two", "three", "switch")
    assert arrays[NORMALS].shape == (4, 5) and dict(header.params)["ratio"] == 0.1


def test_weak_directions_are_dropped() -> None:
    method = METHOD(**SMALL, minimum=0.999)
    with pytest.raises(BadData, match="no attribute follows its direction"):
        method.fit(Factored())
    assert [name for name, _ in method.dropped_] == ["one", "two", "three", "switch"]
    assert all(corr < 0.999 for _, corr in method.dropped_)


def test_refusals() -> None:
    with pytest.raises(BadData, match="10 samples are too few"):
        METHOD(samples=10).fit(Factored())
    with pytest.raises(BadData, match="no attribute 'smile'"):
        METHOD(names=("smile",)).fit(Factored())
    with pytest.raises(BadData, match="no attribute 'frown'"):
        METHOD(conditions=("frown",)).fit(Factored())
    with pytest.raises(BadData, match="ratio must be"):
        METHOD(ratio=-1.0).fit(Factored())
    with pytest.raises(BadData, match="read different codes"):
        METHOD(space="w").fit(Planted(made("biggan")))
