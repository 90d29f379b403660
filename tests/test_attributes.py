"""Scorers: every entry keeps the promises of core/attributes/_base.py; exact factors come first."""

from pathlib import Path

import pytest
import torch
from toy_generator import Factored, Toy

from core import plugins
from core.attributes import attribute_names, open_scorer, scores_of
from core.attributes._base import Scorer
from core.attributes.factors import FactorScorer
from core.demo.renderer import NAMES, render, sample_factors
from core.errors import BadData, Missing


@pytest.mark.parametrize("name", plugins.names("core.attributes"))
@pytest.mark.parametrize("size", [(64, 64), (200, 256), (32, 32)])
def test_every_scorer_scores_pictures_of_any_size(name: str, size: tuple[int, int]) -> None:
    scorer = open_scorer(name)
    assert isinstance(scorer, Scorer) and len(set(scorer.names)) == len(scorer.names)
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        together = scorer.score(images)
        alone = torch.cat([scorer.score(image[None]) for image in images])
    assert together.shape == (3, len(scorer.names)) and torch.isfinite(together).all()
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", plugins.names("core.attributes"))
def test_every_scorer_can_be_climbed(name: str) -> None:
    images = torch.zeros(1, 3, 128, 128, requires_grad=True)
    open_scorer(name).score(images).sum().backward()
    assert images.grad is not None and images.grad.abs().sum() > 0


def test_factors_are_read_off_rendered_portraits() -> None:
    truth = sample_factors(64, seed=1, pose=0.5)
    with torch.inference_mode():
        images = render(truth, 128, ss=1) * 2 - 1
        found = open_scorer("factors").score(images)
    for i, name in enumerate(NAMES):
        corr = torch.corrcoef(torch.stack([truth[:, i], found[:, i]]))[0, 1]
        assert corr > 0.7, f"{name}: {corr:.2f}"


def test_grey_pictures_are_read_and_others_refused(tmp_path: Path) -> None:
    scorer = open_scorer("factors")
    grey = torch.zeros(2, 1, 64, 64)
    assert torch.equal(scorer.score(grey), scorer.score(grey.expand(-1, 3, -1, -1)))
    with pytest.raises(BadData, match="4 channels"):
        scorer.score(torch.zeros(1, 4, 64, 64))
    with pytest.raises(Missing, match=r"nothing\.safetensors"):
        FactorScorer(tmp_path / "nothing.safetensors").score(grey)


def test_exact_factors_win_over_looking() -> None:
    exact, seen = Factored(), Toy()
    codes = exact.mapping(exact.sample(range(2)))
    names, scores = scores_of(exact, codes)
    assert names == attribute_names(exact, "factors") == ("one", "two", "three", "switch")
    assert torch.equal(scores, exact.factors(codes))
    names, scores = scores_of(seen, codes)
    assert names == NAMES == attribute_names(seen, "factors") and scores.shape == (2, len(NAMES))


def test_unknown_scorers_are_named_with_the_nearest() -> None:
    with pytest.raises(Missing, match="factor") as caught:
        open_scorer("factor")
    assert "factors" in caught.value.hint
