"""Every scorer on a card that is not there: the CPU's scores and gradients, and no waiting."""

import pytest
import torch
from card import Card

from latty.attributes.registries import SCORERS


@pytest.mark.parametrize("name", SCORERS.names())
def test_scores_and_gradients_stay_on_the_card(name: str) -> None:
    scorer = SCORERS.load(name)()
    torch.manual_seed(0)
    pictures = (torch.rand(2, 3, 80, 64) * 2 - 1).requires_grad_()
    wanted = scorer.score(pictures)
    wanted.nan_to_num().sum().backward()
    slope = pictures.grad
    with Card() as card:
        there = pictures.detach().to("cuda").requires_grad_()
        scorer.score(there)  # weights and tables are brought there once
        with card.counting() as counted:
            scores = scorer.score(there)
            scores.nan_to_num().sum().backward()
        assert scores.device == there.device == torch.device("cuda:0")
        torch.testing.assert_close(scores.detach().cpu(), wanted.detach(), equal_nan=True)
        if scorer.differentiable:
            assert there.grad is not None and slope is not None
            torch.testing.assert_close(there.grad.cpu(), slope)
    assert not counted.syncs, counted
