"""How far an edit goes: by a way, to a place, across the mean, in a unit of its own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from small_families import FAMILIES, made
from torch import Tensor
from toy_edits import PLAIN, edited, of
from toy_generator import Toy

from latty import home
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, write
from latty.directions.opening import find
from latty.edits import codes
from latty.edits import stack as edits_stack
from latty.edits.conditioned import Labelled, labelled
from latty.errors import BadData
from latty.models import open_model
from latty.models.base import AnySize, HasActivations, HasFactors
from latty.scene import ALL, Edit, Layers, Scene

SKEW = torch.tensor([[1.0, 2, 0, 0, 0], [0, 1, -1, 0, 3]])  # neither orthogonal nor of length 1
FACE = Scene("portraits", 5)
SMILE = "portraits/smile"


@pytest.fixture(autouse=True)
def sets() -> None:
    """Vectors in w, per layer and in z, of the toy."""
    infos = (Info("a", 0.5), Info("b", 2.0, layers=Layers(1, 3)))
    deep = torch.arange(40.0).view(2, 4, 5) % 7 - 3
    z = torch.tensor([[3.0, 0, 0, 4, 0, 0], [0, 1, 0, 0, 0, 1]])
    for name, (space, vectors) in {"w": ("w", SKEW), "deep": ("w", deep), "z": ("z", z)}.items():
        header = DirectionSet("random", space, infos, "toy", "toy", "toy0")
        write(home.directions_dir() / f"{name}.safetensors", header, {ARRAY: vectors})


def coordinate(ref: str, latents: Tensor, toy: Toy) -> Tensor:
    return find(ref, toy).coordinate(latents, toy)  # type: ignore[attr-defined,no-any-return]


def along(ref: str, result: Tensor) -> Tensor:
    """Where codes (L, D) are along a direction, from the origin and from the mean: (2, L)."""
    toy = Toy()
    mean = toy.truncate(result[None], 0.0, None)
    both = torch.cat([coordinate(ref, result[None], toy), coordinate(ref, mean, toy)])
    return torch.stack([both[0], both[0] - both[1]])


@pytest.mark.parametrize("ref", ["w/a", "w/b", "deep/a", "deep/b"])
@pytest.mark.parametrize("strength", [-2.0, 0.0, 1.25])
def test_a_place_is_reached_in_the_edited_layers_and_nowhere_else(
    ref: str, strength: float
) -> None:
    bare, layers = of(PLAIN), Layers(1, 4)
    for row, mode in enumerate(("absolute", "centred")):
        there = of(edited(Edit(ref, strength, layers, mode)))  # type: ignore[arg-type]
        assert torch.equal(there[0], bare[0])
        found = along(ref, there)[row, 1:]
        torch.testing.assert_close(found, torch.full((3,), strength), atol=1e-5, rtol=1e-5)
    assert (along(ref, bare)[:, 1:] - strength).abs().min() > 1e-3  # it was elsewhere before


def test_only_the_coordinate_changes() -> None:
    step = of(edited(Edit("w/b", 1.0, ALL, "centred"))) - of(PLAIN)
    unit = SKEW[1] / SKEW[1].norm()
    torch.testing.assert_close(step, (step @ unit)[:, None] * unit, atol=1e-5, rtol=0)


def test_flip_goes_to_the_other_side_of_the_mean() -> None:
    before = along("w/a", of(PLAIN))[1]
    flipped = edited(Edit("w/a", -1.5, mode="flip"))
    after = along("w/a", of(flipped))[1]
    torch.testing.assert_close(after, -1.5 * before.sign(), atol=1e-5, rtol=0)
    twice = of(edited(*[Edit("w/a", 1.5, mode="flip")] * 2))
    torch.testing.assert_close(along("w/a", twice)[1], 1.5 * before.sign(), atol=1e-5, rtol=0)
    four = of(edited(*[Edit("w/a", 1.5, mode="flip")] * 4))
    torch.testing.assert_close(four, twice, atol=1e-5, rtol=0)  # about the mean: its own inverse


def test_flip_of_the_mean_stays() -> None:
    mean = of(replace(PLAIN, truncation=0.0))
    flipped = of(edited(Edit("w/a", 3.0, mode="flip"), truncation=0.0))
    torch.testing.assert_close(flipped, mean, atol=1e-6, rtol=0)


def test_in_z_the_mean_is_the_origin() -> None:
    toy = Toy()
    z = toy.sample([3])
    unit = torch.tensor([0.6, 0, 0, 0.8, 0, 0])
    bare = z - (z @ unit)[:, None] * unit
    for mode in ("absolute", "centred"):
        found = of(edited(Edit("z/a", 2.0, mode=mode)))  # type: ignore[arg-type]
        there = toy.mapping(bare + 2 * 0.5 * 5 * unit)[0]  # 2 steps of sigma 0.5, a vector of 5
        torch.testing.assert_close(found, there, atol=1e-5, rtol=0)
    found = of(edited(Edit("z/a", 2.0, mode="flip")))
    side = -(z @ unit).sign().item()
    torch.testing.assert_close(found, toy.mapping(bare + side * 5 * unit)[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("mode", ["absolute", "centred", "flip"])
def test_truncation_scales_a_place_only_where_it_comes_last(mode: str) -> None:
    edit = Edit("w/a", 2.0, ALL, mode)  # type: ignore[arg-type]
    row = 0 if mode == "absolute" else 1
    before = along("w/a", of(edited(edit, truncation=0.5)))[row]
    torch.testing.assert_close(before.abs(), torch.full((4,), 2.0), atol=1e-5, rtol=0)
    toy = Toy()
    last = of(edited(edit, truncation=0.5, cutoff=2, truncation_after_edits=True))
    torch.testing.assert_close(last, toy.truncate(of(edited(edit))[None], 0.5, 2)[0])
    if row:  # about the mean, truncation is a factor
        away = along("w/a", last)[1].abs()
        torch.testing.assert_close(away, torch.tensor([1.0, 1, 2, 2]), atol=1e-5, rtol=0)


def test_strips_about_the_mean_of_a_face() -> None:
    """GANSpace's centred strip on a model with exact factors."""
    model = open_model("portraits", "cpu")
    assert isinstance(model, HasFactors)
    smile = model.factor_names().index("smile")
    faces = [replace(FACE, seed=seed) for seed in range(12)]
    strips = {}
    for mode in ("relative", "centred"):
        edit = Edit(SMILE, 1.5, ALL, mode)  # type: ignore[arg-type]
        found = codes([replace(face, edits=(edit,)) for face in faces], model)
        strips[mode] = model.factors(found)[:, smile]
    # The same smile for all, whatever they looked like before: what is left is other directions.
    assert strips["centred"].std() < 0.5 * strips["relative"].std()
    mean = model.truncate(codes([FACE], model), 0.0, None)
    shifted = codes([replace(FACE, edits=(Edit(SMILE, 0.75, ALL, "centred"),))], model)
    direction = find(SMILE, model)
    there = direction.coordinate(shifted, model) - direction.coordinate(mean, model)  # type: ignore[attr-defined]
    torch.testing.assert_close(there, torch.full((1, 4), 0.75), atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("space", ["z", "w"])
def test_every_family_goes_to_places(family: str, space: str) -> None:
    model = made(family)
    info = model.info
    size = info.z_dim if space == "z" else info.width
    vector = torch.randn(1, size, generator=torch.Generator().manual_seed(7))
    header = DirectionSet("random", space, (Info("a", 0.5),), info.name, info.family, info.digest)
    write(home.directions_dir() / "one.safetensors", header, {ARRAY: vector})
    label = 1 if info.num_classes else None
    plain = Scene(info.name, 3, label=label, truncation=0.7)
    faces = [replace(plain, seed=seed) for seed in range(4)]
    edit = Edit("one/a", 1.25, ALL, "centred")
    found = codes([replace(face, edits=(edit,)) for face in faces], model)
    assert found.shape == (4, info.num_layers, info.width) and found.isfinite().all()
    if space == "z":
        z = model.sample(range(4))
        unit = (vector / vector.norm()).to(z)
        there = z - (z @ unit.T) * unit + 1.25 * 0.5 * vector.to(z)
        labels = None if label is None else torch.ones(4, dtype=torch.long)
        torch.testing.assert_close(found, model.mapping(there, labels, 0.7), atol=1e-4, rtol=1e-4)
        return
    direction, mean = find("one/a", model), model.truncate(found, 0.0, None)
    away = direction.coordinate(found, model) - direction.coordinate(mean, model)  # type: ignore[attr-defined]
    torch.testing.assert_close(away, torch.full_like(away, 1.25), atol=1e-4, rtol=1e-4)


# --- directions that are no vectors ---------------------------------------------------------------


class Turn:
    """A rotation about the first two axes, in radians: no coordinate, but a unit."""

    name, space, layers, unit = "turn", "w", ALL, "degrees"

    def move(self, latents: Tensor, strength: Tensor, generator: object) -> Tensor:
        angle = strength.view(-1, *[1] * (latents.ndim - 2))
        x, y = latents[..., 0], latents[..., 1]
        turned = [x * angle.cos() - y * angle.sin(), x * angle.sin() + y * angle.cos()]
        return torch.cat([torch.stack(turned, -1), latents[..., 2:]], -1)

    def move_by(self, latents: Tensor, amount: Tensor, generator: object) -> Tensor:
        return self.move(latents, amount.deg2rad(), generator)


class Classy(Turn):
    """Adds what the generator maps zeros to: needs the scene's class."""

    def move(self, latents: Tensor, strength: Tensor, generator: object) -> Tensor:
        zeros = torch.zeros(len(latents), 6)
        step = generator.mapping(zeros)  # type: ignore[attr-defined]
        return latents + strength.view(-1, 1, 1) * step


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """References of these instead of stored ones."""
    made = {"turn": Turn(), "classy": Classy()}
    monkeypatch.setattr(edits_stack, "find", lambda ref, *rest: made.get(ref) or find(ref, *rest))


@pytest.mark.usefixtures("shapes")
def test_a_unit_of_its_own() -> None:
    quarter = of(edited(Edit("turn", 90.0, unit="own")))
    bare = of(PLAIN)
    torch.testing.assert_close(quarter[:, 0], -bare[:, 1], atol=1e-6, rtol=0)
    radians = of(edited(Edit("turn", torch.pi / 2)))
    torch.testing.assert_close(quarter, radians)
    part = of(edited(Edit("turn", 90.0, Layers(0, 1), unit="own")))
    assert torch.equal(part[1:], bare[1:]) and torch.equal(part[0], quarter[0])


@pytest.mark.usefixtures("shapes")
def test_what_moves_latents_sees_the_scenes_class() -> None:
    toy = Toy(classes=3)
    scenes = [edited(Edit("classy", 0.5), label=label, seed=label) for label in (2, 0, 1)]
    scenes.append(edited(Edit("classy", 0.5), label=((0, 1.0), (2, 1.0))))
    scenes.append(edited(Edit("classy", 0.5)))
    together = codes(scenes, toy)
    for found, scene in zip(together, scenes, strict=True):
        (edit,) = scene.edits
        bare = of(replace(scene, edits=()), toy)
        zeros = torch.zeros(1, 6)
        weights = None
        if scene.label is not None:
            weights = torch.zeros(1, 3)
            pairs = [(scene.label, 1.0)] if isinstance(scene.label, int) else scene.label
            for index, weight in pairs:  # type: ignore[union-attr]
                weights[0, index] = weight / len(pairs)  # type: ignore[arg-type]
        step = toy.mapping(zeros, weights)[0]
        torch.testing.assert_close(found, bare + edit.strength * step, atol=1e-6, rtol=1e-6)
        torch.testing.assert_close(found, of(scene, toy), atol=1e-6, rtol=1e-6)


def test_a_labelled_generator_is_the_generator_otherwise() -> None:
    toy = Toy(classes=3)
    assert labelled(toy, None) is toy
    one = Labelled(toy, torch.tensor([2]))
    z = toy.sample([1, 2, 3])
    assert torch.equal(one.mapping(z), toy.mapping(z, torch.tensor([2, 2, 2])))
    own = torch.tensor([0, 1, 0])
    assert torch.equal(one.mapping(z, own), toy.mapping(z, own))
    three = Labelled(toy, own)
    assert torch.equal(three.synthesis(three.mapping(z)), toy.synthesis(toy.mapping(z, own), own))
    assert three.info == toy.info and three.device == toy.device
    assert not isinstance(one, HasActivations | AnySize)
    with pytest.raises(BadData, match="2 latents of scenes with 3 labels"):
        three.mapping(z[:2])


def test_a_labelled_generator_labels_what_only_some_have() -> None:
    class Deep(Toy):
        def activation_names(self) -> list[str]:
            return ["one"]

        def activation(self, codes: Tensor, name: str, label: Tensor | None = None) -> Tensor:
            assert label is not None and len(label) == len(codes)
            return self.embed[label]

        def synthesis_with(self, codes: Tensor, changes: object, label: object = None) -> object:
            return changes, label

        def at_size(self, size: int) -> "Deep":
            return self

    deep = Deep(classes=3)
    one = labelled(deep, torch.tensor([1]))
    assert isinstance(one, HasActivations) and isinstance(one, AnySize)
    assert torch.equal(one.activation(torch.zeros(2, 4, 5), "one"), deep.embed[[1, 1]])
    changes, label = one.synthesis_with(torch.zeros(2, 4, 5), {})  # type: ignore[misc]
    assert changes == {} and label.tolist() == [1, 1]
    assert torch.equal(one.at_size(8).mapping(deep.sample([1])), one.mapping(deep.sample([1])))


# --- batches and refusals -------------------------------------------------------------------------


def scenes_of_every_mode() -> Sequence[Scene]:
    modes = ("relative", "absolute", "centred", "flip")
    made = []
    for i, mode in enumerate((*modes, *modes)):
        edits = (
            Edit("w/b", i - 2.5, mode=mode),
            Edit("z/a", i / 4, ALL, mode),
            Edit("seed:5", 0.2),
        )  # type: ignore[arg-type]
        late = {"truncation_after_edits": i % 3 == 0, "truncation": 0.3 + i / 10}
        made.append(edited(*edits, seed=i, **late))
    return made


def test_a_batch_is_its_scenes_one_by_one() -> None:
    scenes, toy = scenes_of_every_mode(), Toy()
    alone = torch.stack([of(scene, toy) for scene in scenes])
    torch.testing.assert_close(codes(scenes, toy), alone, atol=1e-6, rtol=1e-6)
    assert torch.equal(codes(scenes[::-1], toy).flip(0), codes(scenes, toy))


@pytest.mark.usefixtures("shapes")
@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (Edit("turn", mode="centred"), "turn has no coordinate"),
        (Edit("turn", mode="flip"), "turn has no coordinate"),
        (Edit("w/a", unit="own"), "w/a has no unit of its own"),
        (Edit("z/a", unit="own"), "z/a has no unit of its own"),
        (Edit("turn", unit="own", mode="absolute"), "mode 'absolute' counts in sigma"),
        (Edit("seed:5", mode="flip"), "seed:5 takes no mode = 'flip'"),
        (Edit("seed:5", unit="own"), "seed:5 takes no unit = 'own'"),
        (Edit("w/a", mode="abs"), "no mode 'abs'"),  # type: ignore[arg-type]
        (Edit("w/a", unit="cm"), "no unit 'cm'"),  # type: ignore[arg-type]
    ],
)
@pytest.mark.parametrize("space", ["w", "z"])
def test_what_a_direction_cannot_do_is_said_in_one_line(edit: Edit, words: str, space: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        codes([edited(edit)], Toy(space=space))
    assert caught.value.hint and "\n" not in str(caught.value)


def test_paths_are_not_needed(tmp_path: Path) -> None:
    """A set named by its file goes to places, too."""
    file = home.directions_dir() / "w.safetensors"
    moved = file.rename(tmp_path / "mine.safetensors")
    found = of(edited(Edit(f"{moved}#a", 1.0, mode="absolute")))
    toy = Toy()
    there = coordinate(f"{moved}#a", found[None], toy)
    torch.testing.assert_close(there, torch.ones(1, 4), atol=1e-5, rtol=0)
