"""Ascent: each latent climbs by itself, by so many standard deviations."""

from pathlib import Path

import pytest
import torch
from small_families import made
from torch import Tensor
from toy_generator import Factored, Toy

from latty.directions.base import Direction
from latty.directions.discovery import save
from latty.directions.file import read
from latty.directions.methods.ascent import METHOD, AscentDirection
from latty.directions.opening import find
from latty.edits.conditioned import labelled
from latty.errors import BadData
from latty.models import open_model
from latty.models.base import HasFactors


@pytest.fixture(scope="module")
def fitted() -> METHOD:
    return METHOD(names=("one", "switch"), samples=400).fit(Factored())


def stored(method: METHOD, toy: Toy, path: Path, name: str) -> Direction:
    save(path, "ascent", method, toy)
    return find(f"{path}#{name}", toy)


def test_the_spread_is_that_of_the_samples(fitted: METHOD) -> None:
    toy = Factored()
    scores = toy.factors(toy.mapping(toy.sample(range(300_000, 300_400)))).double()
    wanted = scores[:, [0, 3]].std(0)
    torch.testing.assert_close(fitted.extra_["spread"].double(), wanted, rtol=1e-5, atol=1e-7)
    assert [info.name for info in fitted.infos_] == ["one", "switch"]
    assert fitted.seeds_ == "300000-300401" and fitted.complete_
    assert dict(fitted.infos_[0].scores)["corr"] > 0.9


def test_a_move_is_counted_in_standard_deviations(fitted: METHOD, tmp_path: Path) -> None:
    """Each latent ends where it was asked to, up and down, whoever else is in the batch."""
    toy = Factored()
    direction = stored(fitted, toy, tmp_path / "a.safetensors", "one")
    codes = toy.mapping(toy.sample(range(6)))
    strength = torch.tensor([0.5, -0.5, 0.8, -0.8, 0.0, 0.2])
    with torch.no_grad():
        moved = direction.move(codes, strength, toy)
    change = (toy.factors(moved) - toy.factors(codes))[:, 0] / fitted.infos_[0].sigma
    reached = toy.factors(codes)[:, 0] + strength * fitted.infos_[0].sigma
    possible = reached.abs() < 0.95  # the factor itself ends at 1
    assert possible.sum() >= 4
    torch.testing.assert_close(change[possible], strength[possible], atol=0.02, rtol=0.02)
    assert torch.equal(moved[4], codes[4]) and not moved.requires_grad
    alone = torch.cat([direction.move(codes[i : i + 1], strength[i : i + 1], toy) for i in (0, 3)])
    torch.testing.assert_close(alone, moved[[0, 3]])


def test_layers_are_those_that_move(tmp_path: Path) -> None:
    """The switch is read from layer 2 alone: a climb in layer 2 needs no more, one in 0 cannot."""
    toy = Factored()
    method = METHOD(names=("switch",), samples=300, layers="2", probes=0).fit(toy)
    direction = stored(method, toy, tmp_path / "a.safetensors", "switch")
    assert str(direction.layers) == "2"
    codes = toy.mapping(toy.sample([1]))
    moved = direction.move(codes, torch.tensor([-0.5]), toy)
    only = codes.clone()
    only[:, 2] = moved[:, 2]
    change = (toy.factors(only) - toy.factors(codes))[0, 3] / method.infos_[0].sigma
    assert float(change) == pytest.approx(-0.5, abs=0.02)
    other = METHOD(names=("switch",), samples=300, layers="0", probes=0).fit(toy)
    still = stored(other, toy, tmp_path / "b.safetensors", "switch")
    assert torch.equal(still.move(codes, torch.tensor([1.0]), toy), codes)


def test_kept_attributes_stay(tmp_path: Path) -> None:
    toy = Factored()
    codes = toy.mapping(toy.sample(range(4)))
    drift = {}
    for name, keep in (("loose", ()), ("kept", ("two", "three"))):
        method = METHOD(names=("one",), samples=300, keep=keep, probes=0).fit(toy)
        direction = stored(method, toy, tmp_path / f"{name}.safetensors", "one")
        moved = direction.move(codes, torch.full((4,), -0.7), toy)
        drift[name] = float((toy.factors(moved) - toy.factors(codes))[:, 1:3].abs().max())
    assert drift["kept"] < 0.02 < drift["loose"] / 2


def test_z_climbs_before_the_mapping(tmp_path: Path) -> None:
    toy = Factored(space="z")
    method = METHOD(names=("one",), samples=300).fit(toy)
    assert method.space_ == "z" and "basis" not in method.extra_
    direction = stored(method, toy, tmp_path / "z.safetensors", "one")
    z = toy.sample([5])
    moved = direction.move(z, torch.tensor([-0.6]), toy)
    change = toy.factors(toy.mapping(moved)) - toy.factors(toy.mapping(z))
    assert float(change[0, 0]) == pytest.approx(-0.6 * method.infos_[0].sigma, abs=0.01)


class Bright(Toy):
    """Its pictures are judged by a scorer of the registry."""


def test_pictures_are_judged_with_the_label_of_each_row() -> None:
    """A scene's class reaches the climb, one for each latent of a batch."""
    toy = Bright(classes=3)
    method = METHOD(names=("luma",), scorer="brightness", samples=200, label=1).fit(toy)
    assert dict(method.infos_[0].scores)["monotone"] == 1
    direction = AscentDirection(
        "luma", "w", method.infos_[0].layers, method.infos_[0].sigma,
        method.extra_["basis"].float(), "brightness", (), "score", rules(),
    )  # fmt: skip
    label = torch.tensor([0, 2])
    z = toy.sample([1, 2])
    codes = toy.mapping(z, label)
    moved = direction.move(codes, torch.tensor([0.5, 0.5]), labelled(toy, label))
    assert (moved - codes).abs().amax((1, 2)).min() > 0


def rules():  # type: ignore[no-untyped-def]
    from latty.directions.climb import ClimbRules

    return ClimbRules()


@pytest.mark.parametrize("family", ["stylegan2", "biggan", "dcgan", "portraits"])
def test_families_climb(family: str) -> None:
    generator = made(family)
    method = METHOD(
        names=("luma",), scorer="brightness", samples=24, probes=1, steps=6, batch=8
    ).fit(generator)
    scores = dict(method.infos_[0].scores)
    assert scores["monotone"] >= 0.75 and scores["corr"] > 0.5
    assert method.space_ == generator.info.space


def test_a_climb_in_logits_is_for_probabilities() -> None:
    with pytest.raises(BadData, match="only a probability has a logit"):
        METHOD(names=("luma",), scorer="brightness", of="logit", samples=10).fit(Toy())


def test_what_cannot_be_is_refused(fitted: METHOD, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="no attribute 'onne'"):
        METHOD(names=("onne",)).fit(Factored())
    with pytest.raises(BadData, match="'step' of the climb is 0"):
        METHOD(step=0.0, samples=10).fit(Factored())
    with pytest.raises(BadData, match="no spread"):
        METHOD(samples=1).fit(Factored())
    path = tmp_path / "a.safetensors"
    save(path, "ascent", fitted, Factored())
    header, arrays = read(path)
    assert dict(header.params)["scorer"] == "factors" and "basis" in arrays
    with pytest.raises(BadData, match="made for another model"):
        find(f"{path}#one", Factored()).move(torch.zeros(1, 4, 9), torch.ones(1), Factored())


def test_an_interruption_leaves_what_can_be_used() -> None:
    from latty.errors import Interrupted

    def report(done: int, total: int, what: str) -> None:
        if what == "directions":
            raise Interrupted(2)

    method = METHOD(samples=200).fit(Factored(), report)
    assert not method.complete_ and len(method.infos_) == 4


def test_portraits_climb_to_where_they_are_asked() -> None:
    """By the exact factors, from seeds nobody fitted; what is kept stays within a tenth."""
    generator = open_model("portraits", "cpu")
    assert isinstance(generator, HasFactors)
    names = generator.factor_names()
    method = METHOD(names=("smile",), keep=("yaw", "age"), samples=500, probes=2).fit(generator)
    codes = generator.mapping(generator.sample(range(9000, 9006)))

    def factors(moved: Tensor) -> Tensor:
        return generator.factors(moved)

    direction = AscentDirection(
        "smile", "w", method.infos_[0].layers, method.infos_[0].sigma,
        method.extra_["basis"].float(), "factors", ("yaw", "age"), "score", rules(),
    )  # fmt: skip
    goal = torch.where(factors(codes)[:, names.index("smile")] > 0, -1.0, 1.0)
    moved = direction.move(codes, goal, generator)
    change = factors(moved) - factors(codes)
    wanted = goal * method.infos_[0].sigma
    torch.testing.assert_close(change[:, names.index("smile")], wanted, rtol=0.02, atol=0.01)
    for name in ("yaw", "age"):
        assert change[:, names.index(name)].abs().max() < 0.1, name
