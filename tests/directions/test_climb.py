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


def walked_plainly(score: Landscape, goal: float, step: float = 0.3, steps: int = 60) -> bool:
    """Whether the loop of the notebook arrives, with steps of one length: w <- w + step g / |g|."""
    way = ORIGIN.clone()
    sign = 1 if goal > score(way) else -1
    for _ in range(steps):
        leaf = way.clone().requires_grad_()
        (slope,) = torch.autograd.grad(score(leaf), leaf)
        way = way + sign * step * slope / slope.norm()
        if sign * (score(way) - goal) >= 0:
            return True
    return False


def kink(way: Tensor) -> Tensor:
    """A ridge without a width, in a curve; across it the slope is eight times that along it."""
    return way[0] - 8 * (way[1] - torch.sin(way[0])).abs()


def valley(way: Tensor) -> Tensor:
    """Rosenbrock's, upside down."""
    return way[0] - 10 * (way[1] - way[0] ** 2 / 4).square()


def dips(way: Tensor) -> Tensor:
    """A slope with a dip narrower than a step, every 0.35."""
    return way[0] + 0.5 * way[1] + 0.15 * torch.sin(18 * way[0])


def network(seed: int) -> Landscape:
    """A random network of kinks."""
    draw = torch.Generator().manual_seed(seed)
    first, second = torch.randn(24, 4, generator=draw), torch.randn(24, generator=draw) / 5
    return lambda way: second @ (first @ way + first[:, 0]).relu()


RIDGES = {"kink": kink, "valley": valley, "dips": dips}


@pytest.mark.parametrize("goal", [1.0, -1.0, 2.5])
@pytest.mark.parametrize("name", RIDGES)
def test_it_gets_through_ridges(name: str, goal: float) -> None:
    """Where no short step helps, or only very short ones do."""
    walked = climb(sees(RIDGES[name]), ORIGIN, goal, ClimbRules())
    assert walked.stopped == "reached"
    assert float(walked.scores[-1]) == pytest.approx(goal, rel=0.011)
    assert float(RIDGES[name](walked.ways[-1])) == float(walked.scores[-1])


def test_it_is_never_behind_the_plain_loop() -> None:
    """On random networks, up and down, however near the goal is."""
    plainly = arrived = 0
    for seed in range(24):
        score = network(seed)
        begin = float(score(ORIGIN))
        for change in (-6.0, -2.0, 0.5, 2.0):
            one = walked_plainly(score, begin + change)
            other = climb(sees(score), ORIGIN, begin + change, ClimbRules(distance=100.0))
            assert other.stopped == "reached" or not one, (seed, change)
            plainly, arrived = plainly + one, arrived + (other.stopped == "reached")
    assert arrived >= plainly > 60, "the test would not see a difference"


def test_the_best_frame_is_kept() -> None:
    """Of a walk that goes past the top and does not come back."""
    walked = climb(sees(kink), ORIGIN, 50.0, ClimbRules(steps=20))
    assert walked.stopped in ("steps", "stuck", "distance")
    assert float(walked.scores[-1]) == float(walked.scores.max())
    ahead = walked.scores[walked.forward]
    assert walked.forward[0] == 0 and walked.forward[-1] == len(walked.scores) - 1
    assert (ahead.diff() > 0).all()


def test_no_more_is_looked_at_than_allowed() -> None:
    """However far the goal is: two walks, each step one gradient and some tries."""
    looks = 0

    def look(way: Tensor) -> LookAt:
        nonlocal looks
        looks += 1
        return LookAt(kink(way), way.new_zeros(0))

    climb(look, ORIGIN, 1e6, ClimbRules(steps=30))
    assert looks < 30 * (2 + 13)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_nowhere_to_go_ends_at_once(start: float) -> None:
    """No gradient at the start, or a plateau on the way."""

    def plateau(way: Tensor) -> Tensor:
        return (way[0] + start).clamp(0.5, 1.5)

    walked = climb(sees(plateau), ORIGIN, 3.0, ClimbRules())
    assert walked.stopped == "stuck" and len(walked.ways) <= 4
    assert float(walked.scores[-1]) == (0.5 if start == 0 else 1.5)


def test_gradients_that_are_no_numbers_end_it() -> None:
    """The root of nothing has an endless slope; beyond an edge there is no score."""

    def root(way: Tensor) -> Tensor:
        return (way[0] - 0.5).clamp_min(0).sqrt() + 0 * way[1]

    walked = climb(sees(root), ORIGIN, 1.0, ClimbRules())
    assert walked.stopped == "stuck" and len(walked.ways) == 1

    def edge(way: Tensor) -> Tensor:
        return torch.where(way[0] < 1.1, way[0], torch.nan)

    walked = climb(sees(edge), ORIGIN, 2.0, ClimbRules())
    assert walked.stopped == "stuck" and walked.scores.isfinite().all()
    assert float(walked.scores[-1]) == pytest.approx(1.1, abs=0.01)


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
    assert walked.stopped == "reached" and float(walked.scores[-1]) >= 0.5
    assert (walked.scores[walked.forward].diff() > 0).all()


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
    assert float(short) < float(long) * 0.99


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
