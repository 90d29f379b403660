"""Climbs on landscapes known by hand: they end at the goal, keep what is kept, and always end."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from latty.directions.climb import ClimbRules, LookAt, climb
from latty.errors import BadData, Interrupted

Landscape = Callable[[Tensor], Tensor]
ACROSS = torch.tensor([1.0, 2.0, -1.0, 0.5]) / 2.5
BESIDE = torch.tensor([2.0, 1.0, 1.0, 0.0]) / 2.5
ORIGIN = torch.zeros(4)


def sees(score: Landscape, *keep: Landscape) -> Callable[[Tensor], LookAt]:
    def look(way: Tensor) -> LookAt:
        kept = torch.stack([one(way) for one in keep]) if keep else way.new_zeros(0)
        return LookAt(score(way), kept)

    return look


def plain(way: Tensor) -> Tensor:
    return ACROSS @ way


def bent(way: Tensor) -> Tensor:
    return torch.tanh(ACROSS @ way + 0.2 * (way[0] * way[1]))


@pytest.mark.parametrize("goal", [0.9, -0.9, 0.01])
@pytest.mark.parametrize("landscape", [plain, bent], ids=["plain", "bent"])
def test_it_ends_at_the_goal(landscape: Landscape, goal: float) -> None:
    walked = climb(sees(landscape), ORIGIN, goal, ClimbRules())
    assert walked.stopped == "reached"
    last = float(walked.scores[-1])
    assert abs(last) >= abs(goal) and last == pytest.approx(goal, rel=0.011)
    assert float(landscape(walked.ways[-1])) == last, "the last frame is the one that got there"
    torch.testing.assert_close(walked.ways[0], ORIGIN)
    up = walked.scores.diff() * (1 if goal > 0 else -1)
    assert (up > 0).all(), "no step leads away"
    assert walked.ways.diff(dim=0).norm(dim=1).max() < 0.3 * 1.001


def test_on_a_plane_it_goes_straight() -> None:
    walked = climb(sees(plain), ORIGIN, 1.0, ClimbRules())
    straight = ACROSS / ACROSS.square().sum()
    torch.testing.assert_close(walked.ways[-1], straight, atol=0.02, rtol=0)


def test_what_is_there_already_needs_no_step() -> None:
    walked = climb(sees(plain), ORIGIN, 0.0, ClimbRules())
    assert walked.stopped == "reached" and len(walked.ways) == 1


def test_it_ends_where_there_is_no_way_up() -> None:
    """A hill lower than the goal: the plain loop would circle on it for ever."""

    def hill(way: Tensor) -> Tensor:
        return 1 - (way - 0.5).square().sum()

    walked = climb(sees(hill), ORIGIN, 2.0, ClimbRules(steps=10_000, step=0.21))
    assert walked.stopped == "stuck" and len(walked.ways) < 200
    assert float(walked.scores[-1]) == pytest.approx(1, abs=1e-3)


def test_steps_are_capped() -> None:
    walked = climb(sees(plain), ORIGIN, 100.0, ClimbRules(steps=5))
    assert walked.stopped == "steps" and len(walked.ways) == 6


def test_the_distance_is_capped() -> None:
    walked = climb(sees(plain), ORIGIN, 100.0, ClimbRules(distance=2.0, steps=1000))
    assert walked.stopped == "distance"
    assert (walked.ways.norm(dim=1) <= 2.0001).all()
    assert float(walked.ways[-1].norm()) == pytest.approx(2, abs=1e-3)


def test_too_long_a_step_is_taken_back() -> None:
    """The gradient promises everything; a step along it overshoots the narrow ridge."""

    def ridge(way: Tensor) -> Tensor:
        return way[0] - 40 * (way[1] - way[0] ** 2).square()

    walked = climb(sees(ridge), ORIGIN, 0.5, ClimbRules(step=2.0, steps=2000))
    assert (walked.scores.diff() > 0).all() and walked.stopped == "reached"


def test_kept_attributes_stay() -> None:
    def kept(way: Tensor) -> Tensor:
        return torch.sin(BESIDE @ way + 0.3) + 0.1 * way[2] ** 2

    free = climb(sees(bent, kept), ORIGIN, 0.9, ClimbRules())
    loose = climb(sees(bent), ORIGIN, 0.9, ClimbRules())
    assert free.stopped == "reached"
    assert (free.kept[:, 0] - free.kept[0, 0]).abs().max() < 0.02
    moved = float(kept(loose.ways[-1]) - kept(ORIGIN))
    assert abs(moved) > 0.3, "the test would not see a difference"


def test_a_kept_attribute_may_leave_no_way() -> None:
    walked = climb(sees(plain, lambda way: 3 * plain(way)), ORIGIN, 0.9, ClimbRules())
    assert walked.stopped == "stuck" and len(walked.ways) == 1


def test_two_kept_attributes_may_be_one() -> None:
    def kept(way: Tensor) -> Tensor:
        return BESIDE @ way

    walked = climb(sees(plain, kept, lambda way: -2 * kept(way)), ORIGIN, 0.9, ClimbRules())
    assert walked.stopped == "reached"
    assert walked.kept.abs().max() < 1e-4


def test_identity_ends_nearer_to_the_start() -> None:
    """Where the gradient turns, the plain climb makes a detour; the pull shortens it."""

    def turning(way: Tensor) -> Tensor:
        return torch.tanh(way[0] + torch.sin(3 * way[0]) * way[1])

    start = torch.tensor([0.0, 1.0, 0.0, 0.0])
    plainly = climb(sees(turning), start, 0.95, ClimbRules(step=0.1))
    held = climb(sees(turning), start, 0.95, ClimbRules(step=0.1, identity=0.5))
    assert plainly.stopped == held.stopped == "reached"
    long, short = ((c.ways[-1] - start).norm() for c in (plainly, held))
    assert float(short) < float(long) * 0.98


def test_a_climb_repeats_exactly() -> None:
    one, two = (climb(sees(bent), ORIGIN, 0.8, ClimbRules(identity=0.2)) for _ in range(2))
    assert torch.equal(one.ways, two.ways) and torch.equal(one.scores, two.scores)


def test_it_climbs_where_gradients_are_off() -> None:
    with torch.no_grad():
        walked = climb(sees(bent), ORIGIN, 0.5, ClimbRules())
    assert walked.stopped == "reached" and not walked.ways.requires_grad


def test_what_cannot_be_climbed_is_said() -> None:
    with pytest.raises(BadData, match="no gradient"):
        climb(sees(lambda way: (way > 0).float().sum()), ORIGIN, 3.0, ClimbRules())
    with pytest.raises(BadData, match="cannot be seen"):
        climb(sees(lambda way: way.sum() * torch.nan), ORIGIN, 3.0, ClimbRules())


def test_an_interruption_goes_through() -> None:
    def report(done: int, total: int, what: str) -> None:
        if done == 2:
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        climb(sees(plain), ORIGIN, 100.0, ClimbRules(), report)
