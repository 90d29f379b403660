"""What a ranking draws, counted layer by layer; its figures are those of each picture by itself."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_in_process import latty

from latty import edits
from latty.attributes import open_scorer
from latty.directions.store import direction_names, reference, set_info
from latty.models import open_model
from latty.models.base import AnySize
from latty.rank import RankPlan, curves
from latty.rank.scoring import measured
from latty.rank.traversal import drawing
from latty.rank.traversal.pieces import pieces_of_plan
from latty.render.pixels import Painter
from latty.scene import Edit, Layers, Scene

SAMPLES, STARTS, STEPS = 4, 3, 7
COLOUR = (("colour", 0, "red"), ("colour", 1, "green"))
USUAL = RankPlan("demo", "demo", COLOUR, tuple(range(STARTS)), samples=SAMPLES, steps=STEPS)
# The directions of a plan, and how often layers 0, 4 and 7 are computed for its walks.
ONCE, MOVED = STARTS, STARTS * (STEPS - 1)  # for each start; for each picture of a direction
PLANS: dict[str, tuple[RankPlan, tuple[int, int, int]]] = {
    "late": (replace(USUAL, names=("light", "hair_color"), span=3.0), (ONCE, ONCE, 2 * MOVED)),
    "later than others": (replace(USUAL, names=("light", "hair_length"), span=3.0),
                          (2 * ONCE, ONCE + MOVED, 2 * MOVED)),
    "early": (replace(USUAL, names=("roll",), span=3.0), (MOVED, MOVED, MOVED)),
    "both": (replace(USUAL, names=("roll", "light"), span=3.0),
             (ONCE + MOVED, ONCE + MOVED, 2 * MOVED)),
    "inside": (replace(USUAL, ref="demo-activations", names=("c0", "c1")),
               (ONCE, 2 * MOVED, 2 * MOVED)),
    "in layers of the user's": (replace(USUAL, names=("roll",), span=3.0,
                                        layers=Layers(5, 9)),
                                (ONCE, ONCE, MOVED)),
}  # fmt: skip


@contextmanager
def counted() -> Iterator[Counter[int]]:
    """How many pictures each layer of the demo is computed for."""
    synthesis, found = open_model("demo", "cpu").network.synthesis, Counter[int]()  # type: ignore[attr-defined]
    convolutions = [synthesis.conv(j) for j in range(synthesis.config.num_layers - 1)]

    def count(layer: int) -> Any:
        def hook(_: Any, given: tuple[Any, ...]) -> None:
            found[layer] += len(given[0])

        return hook

    hooks = [one.register_forward_pre_hook(count(j)) for j, one in enumerate(convolutions)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@pytest.mark.parametrize("which", PLANS)
def test_each_picture_and_each_common_layer_is_drawn_once(which: str) -> None:
    plan, (first, middle, last) = PLANS[which]
    with counted() as found:
        curves(plan, open_model("demo", "cpu"))
    beside = SAMPLES + STARTS  # pictures of samples, and one of each start
    assert (found[0], found[4], found[7]) == (first + beside, middle + beside, last + beside)


def test_a_range_without_0_has_no_picture_more() -> None:
    plan = replace(USUAL, names=("skin",))  # -2 to 3
    assert 0 not in plan.strengths(plan.chosen()[0])
    with counted() as found:
        curves(plan, open_model("demo", "cpu"))
    assert found[7] == SAMPLES + STARTS * STEPS


@pytest.mark.parametrize("which", PLANS)
def test_figures_are_those_of_each_picture_by_itself(which: str) -> None:
    plan, _ = PLANS[which]
    generator, scorer = open_model("demo", "cpu"), open_scorer("colour")
    found = curves(plan, generator)
    for k, (ref, info) in enumerate(plan.moves()):
        for n, start in enumerate(plan.starts):
            for s, scene in enumerate(plan.scenes(ref, info, start)):
                alone = scorer.score(Painter(generator).images([scene]))[0, :2].double()
                torch.testing.assert_close(
                    torch.from_numpy(found.scores[k, n, s]), alone, atol=1e-5, rtol=0
                )


@pytest.mark.slow
def test_pieces_of_several_processes_are_the_same(tmp_path: Path) -> None:
    words = ("rank", "demo", "--scorers", "colour", "--seeds", "0-2", "--steps", "3", "--top", "1",
             "--baseline", "2", "--span", "2", "--layers", "5-8")  # fmt: skip
    one = latty(*words, "-o", "one", home=tmp_path)
    assert one.returncode == 0, one.stderr
    (other := tmp_path / "other").mkdir()
    two = latty(*words, "-o", "../two", "--workers", "2", home=other)
    assert two.returncode == 0, two.stderr
    for name in ("curves.csv", "samples.csv", "ranking.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("name", ["rank", "traverse"])
def test_large_pictures_are_drawn_as_few_at_once_as_a_cpu_holds(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    portraits, asked, found = open_model("portraits", "cpu"), Painter.drawn, list[int]()
    assert isinstance(portraits, AnySize)

    def drawn(painter: Painter, scenes: edits.Applied) -> torch.Tensor:
        found.append(len(scenes.codes))
        return asked(painter, scenes)

    monkeypatch.setattr(Painter, "drawn", drawn)
    plan = RankPlan("portraits", "portraits", COLOUR, (0,), ("smile",), steps=3, samples=0)
    for px, most in ((128, 3), (512, 2)):
        found.clear()
        large = portraits.at_size(px)
        if name == "rank":
            measured(plan, [plan.scenes(*plan.moves()[0], 0)], large)
        else:
            walk_piece = pieces_of_plan(plan)[-1]
            drawing.drawn(plan, plan.moves(), large, walk_piece)
        assert (max(found), sum(found)) == (most, 3), px


SETS = ("demo", "demo-activations", "portraits-ascent", "portraits-plumerault", "portraits-sefa",
        "portraits-voynov", "portraits-warped")  # fmt: skip


@pytest.mark.parametrize("ref", SETS)
def test_strength_0_moves_nothing(ref: str) -> None:
    """Every kind of direction: the codes, and what is drawn of them, are the same to the bit."""
    model = set_info(ref).model
    generator, still = open_model(model, "cpu"), Scene(model, seed=5)
    scenes = [replace(still, edits=(Edit(reference(ref, name), 0.0),))
              for name in direction_names(ref)[:3]]  # fmt: skip
    for scene in scenes:
        assert torch.equal(edits.codes([scene], generator), edits.codes([still], generator))
    painter = Painter(generator)
    assert torch.equal(painter.images(scenes[:1]), painter.images([still]))
