"""Edits: what a stack of them means, in which order, and that a batch changes nothing."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from toy_edits import PLAIN, edited, of
from toy_generator import Toy

from latty import home
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, write
from latty.edits import codes, labels
from latty.edits.walk import circle, latent
from latty.errors import BadData, LattyError, Missing
from latty.scene import Edit, Layers, Scene, Walk

W = torch.tensor([[1.0, 0, 0, 0, 0], [0, 2, 0, 0, 0]])
Z = torch.eye(6)[:2]
LAYERED = torch.arange(20.0).view(1, 4, 5) + 1


@pytest.fixture(autouse=True)
def sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sets in a store of their own: vectors in w, vectors in z, a matrix per layer."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path))
    infos = (Info("a", 0.5, layers=Layers(1, 3)), Info("b", 1.0))
    made = {"in_w": ("w", infos, W), "in_z": ("z", infos, Z), "deep": ("w", infos[1:], LAYERED)}
    for name, (space, found, vectors) in made.items():
        header = DirectionSet("random", space, found, "toy", "toy", "toy0")
        write(home.directions_dir() / f"{name}.safetensors", header, {ARRAY: vectors})


def test_without_edits_it_is_the_mapping() -> None:
    toy = Toy()
    scene = Scene("toy", 3, truncation=0.7, cutoff=2)
    torch.testing.assert_close(of(scene), toy.mapping(toy.sample([3]), None, 0.7, 2)[0])


def test_a_direction_moves_by_sigma_in_its_own_layers() -> None:
    change = of(edited(Edit("in_w/a", 4.0))) - of(PLAIN)
    expected = torch.zeros(4, 5)
    expected[1:3, 0] = 2.0
    torch.testing.assert_close(change, expected)


@pytest.mark.parametrize(
    ("layers", "rows"),
    [(Layers(0, 1), [0]), (Layers(2), [2, 3]), (Layers(3, 99), [3]), (Layers(50, 60), [])],
)
def test_layers_of_the_edit_win_and_are_clipped(layers: Layers, rows: list[int]) -> None:
    change = of(edited(Edit("in_w/a", 4.0, layers))) - of(PLAIN)
    assert change.abs().sum(1).nonzero().flatten().tolist() == rows


def test_per_layer_matrices() -> None:
    change = of(edited(Edit("deep/b", -1.0, Layers(1, 2)))) - of(PLAIN)
    expected = torch.zeros(4, 5)
    expected[1] = -LAYERED[0, 1]
    torch.testing.assert_close(change, expected)


def test_a_z_direction_moves_before_the_mapping() -> None:
    toy = Toy()
    z = toy.sample([3])
    moved = toy.mapping(z + 1.5 * Z[1], None, 0.8)[0]
    torch.testing.assert_close(of(edited(Edit("in_z/b", 1.5), truncation=0.8)), moved)
    part = of(edited(Edit("in_z/b", 1.5, Layers(0, 2)), truncation=0.8))
    plain = toy.mapping(z, None, 0.8)[0]
    torch.testing.assert_close(part, torch.cat([moved[:2], plain[2:]]))


def test_z_edits_of_different_layers_stack_layer_by_layer() -> None:
    toy = Toy()
    z = toy.sample([3])
    first, both, second = z + Z[1], z + Z[1] + 0.5 * Z[0], z + 0.5 * Z[0]
    found = of(edited(Edit("in_z/b", 1.0, Layers(0, 2)), Edit("in_z/a", 1.0, Layers(1, 3))))
    expected = [toy.mapping(x)[0, i] for i, x in enumerate((first, both, second, z))]
    torch.testing.assert_close(found, torch.stack(expected))


def test_truncation_comes_before_the_edits_or_after() -> None:
    edit, toy = Edit("in_w/b", 1.0), Toy()
    before = of(edited(edit, truncation=0.5, cutoff=2))
    torch.testing.assert_close(before, of(replace(PLAIN, truncation=0.5, cutoff=2)) + W[1])
    after = of(edited(edit, truncation=0.5, cutoff=2, truncation_after_edits=True))
    torch.testing.assert_close(after, toy.truncate((of(PLAIN) + W[1])[None], 0.5, 2)[0])


def test_seed_edits_mix_styles() -> None:
    other = of(replace(PLAIN, seed=42, truncation=0.6))
    mixed = of(edited(Edit("seed:42", 1.0, Layers(2)), truncation=0.6))
    assert torch.equal(mixed[2:], other[2:])
    assert torch.equal(mixed[:2], of(replace(PLAIN, truncation=0.6))[:2])
    half = of(edited(Edit("seed:42", 0.5)))
    torch.testing.assert_close(half, (of(PLAIN) + of(replace(PLAIN, seed=42))) / 2)


def test_seed_edits_of_a_z_family_move_z() -> None:
    toy = Toy(space="z")
    z, goal = toy.sample([3]), toy.sample([42])
    found = of(edited(Edit("seed:42", 0.25)), toy)
    torch.testing.assert_close(found, toy.mapping(0.75 * z + 0.25 * goal)[0])
    assert torch.equal(of(edited(Edit("seed:42", 1.0)), toy), of(replace(PLAIN, seed=42), toy))


def test_code_edits_apply_in_stack_order() -> None:
    move, mix = Edit("in_w/b", 3.0), Edit("seed:42", 0.5)
    start, goal, step = of(PLAIN), of(replace(PLAIN, seed=42)), 3 * W[1]
    torch.testing.assert_close(of(edited(move, mix)), (start + step + goal) / 2)
    torch.testing.assert_close(of(edited(mix, move)), (start + goal) / 2 + step)


MANY = [
    PLAIN,
    replace(PLAIN, seed=8, truncation=0.4),
    replace(PLAIN, seed=Walk((1, 2, 3), "circular", 0.3), cutoff=1, truncation=0.7),
    edited(Edit("in_w/a", 1.0)),
    edited(Edit("in_w/a", -2.0), seed=9, truncation=0.5, truncation_after_edits=True),
    edited(Edit("in_w/a", 0.5, Layers(0, 2)), Edit("seed:5", 0.3), Edit("in_z/b", 1.0)),
    edited(Edit("in_w/a", 1.5, Layers(0, 2)), Edit("seed:5", 0.9), Edit("in_z/b", 2.0), seed=4),
    edited(Edit("seed:5", 0.3), Edit("in_w/a", 0.5), label=2),
    replace(PLAIN, label=((0, 1.0), (2, 3.0))),
]


def test_a_batch_is_its_scenes_one_by_one() -> None:
    toy = Toy(classes=3)
    together = codes(MANY, toy)
    alone = torch.cat([codes([scene], toy) for scene in MANY])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=1e-6)
    order = torch.randperm(len(MANY), generator=torch.Generator().manual_seed(0)).tolist()
    assert torch.equal(codes([MANY[i] for i in order], toy), together[order])


def test_equal_latents_are_mapped_once(monkeypatch: pytest.MonkeyPatch) -> None:
    toy, calls = Toy(), []
    mapping = toy.mapping
    monkeypatch.setattr(toy, "mapping", lambda *args: calls.append(1) or mapping(*args))
    codes([edited(Edit("in_w/a", i / 10)) for i in range(20)], toy)
    assert len(calls) == 1


# --- walks ----------------------------------------------------------------------------------------


def at(t: float, blend: str, seeds: tuple[int, ...] = (1, 2, 3)) -> torch.Tensor:
    return latent(Toy().sample, Walk(seeds, blend, t))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("blend", ["lerp", "slerp", "circular"])
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_walks_pass_exactly_through_their_seeds(blend: str, count: int) -> None:
    seeds = tuple(range(10, 10 + count))
    steps = count if blend == "circular" else count - 1
    for i, corner in enumerate(Toy().sample(seeds)):
        torch.testing.assert_close(at(i / steps, blend, seeds), corner, atol=2e-6, rtol=0)
    assert torch.equal(at(0.0, blend, seeds), Toy().sample(seeds)[0])
    last = 0 if blend == "circular" else count - 1
    assert torch.equal(at(1.0, blend, seeds), Toy().sample(seeds)[last])


@pytest.mark.parametrize("blend", ["lerp", "slerp", "circular"])
def test_walks_do_not_jump(blend: str) -> None:
    path = torch.stack([at(i / 300, blend) for i in range(301)])
    assert (path[1:] - path[:-1]).norm(dim=1).max() < 0.08


def test_lerp_is_straight_and_slerp_keeps_the_length() -> None:
    a, b, _ = Toy().sample((1, 2, 3))
    torch.testing.assert_close(at(0.125, "lerp"), 0.75 * a + 0.25 * b)
    middle = at(0.25, "slerp")
    torch.testing.assert_close(middle.norm(), (a.norm() + b.norm()) / 2)
    angles = [torch.acos(torch.cosine_similarity(middle, end, 0)) for end in (a, b)]
    torch.testing.assert_close(angles[0], angles[1])


def test_slerp_of_latents_on_one_line_is_lerp() -> None:
    corners = torch.tensor([[1.0, 0, 0], [-3.0, 0, 0]])
    found = latent(lambda seeds: corners, Walk((1, 2), "slerp", 0.5))
    torch.testing.assert_close(found, torch.tensor([[-1.0, 0, 0]]))


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_shares_on_the_circle_have_unit_length_and_are_smooth(count: int) -> None:
    for t in (0.0, 0.01, 0.123, 0.5, 0.77, 1.0):
        assert math.isclose(sum(share**2 for share in circle(count, t)), 1.0)
    near = torch.tensor([circle(count, t) for t in (0.9999, 1.0, 0.0001)]).double()
    torch.testing.assert_close(near[1] - near[0], near[2] - near[1], atol=5e-6, rtol=0)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "classes", "words"),
    [
        (replace(PLAIN, label=1), 0, "knows no classes"),
        (replace(PLAIN, label=3), 3, "no class 3"),
        (replace(PLAIN, label=-1), 3, "no class -1"),
        (replace(PLAIN, label=((0, 1.0), (7, 1.0))), 3, "no class 7"),
        (replace(PLAIN, label=((0, 1.0), (1, -1.0))), 3, "sum to 0"),
        (replace(PLAIN, label=()), 3, "sum to 0"),
        (replace(PLAIN, seed=-1), 0, "-1 is no seed"),
        (replace(PLAIN, seed=2**32), 0, "is no seed"),
        (replace(PLAIN, seed=Walk((5,))), 0, "at least two seeds"),
        (replace(PLAIN, seed=Walk((), "circular")), 0, "at least two seeds"),
        (replace(PLAIN, seed=Walk((1, 2), "slerp", 1.5)), 0, "t = 1.5"),
        (replace(PLAIN, seed=Walk((1, 2), "spline", 0.5)), 0, "no blend 'spline'"),  # type: ignore[arg-type]
        (edited(Edit("seed:x")), 0, "names no seed"),
        (edited(Edit("seed:4294967296")), 0, "is no seed"),
        (edited(Edit("smile")), 0, "names no direction"),
    ],
)
def test_scenes_that_cannot_be_drawn(scene: Scene, classes: int, words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        codes([scene], Toy(classes))
    assert caught.value.hint


def test_scenes_of_two_models_and_no_scenes() -> None:
    with pytest.raises(BadData, match="several models: demo, toy"):
        codes([PLAIN, replace(PLAIN, model="demo")], Toy())
    with pytest.raises(LattyError):
        codes([], Toy())
    with pytest.raises(Missing, match="no direction 'c' in in_w"):
        codes([edited(Edit("in_w/c"))], Toy())


def test_labels_for_the_synthesis() -> None:
    toy = Toy(classes=3)
    one, two, blend = (replace(PLAIN, label=v) for v in (1, 2, ((0, 1.0), (2, 3.0))))
    assert labels([PLAIN, PLAIN], toy) is None
    found = labels([one, two], toy)
    assert found is not None and found.tolist() == [1, 2]
    found = labels([one, blend], toy)
    assert found is not None and found.tolist() == [[0, 1, 0], [0.25, 0, 0.75]]
    with pytest.raises(BadData, match="some do not"):
        labels([PLAIN, one], toy)


def test_a_class_by_its_name() -> None:
    toy = Toy(classes=3)
    husky = replace(PLAIN, label="husky")
    with pytest.raises(BadData, match="no class 'husky'"):
        labels([husky], toy)
    toy.class_names = lambda: ("corgi", "husky", "pug")
    assert labels([husky, replace(PLAIN, label="pug")], toy).tolist() == [1, 2]
    with pytest.raises(BadData, match="no class 'huski'") as caught:
        labels([replace(PLAIN, label="huski")], toy)
    assert "husky" in caught.value.hint
