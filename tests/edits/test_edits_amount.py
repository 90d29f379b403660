"""How much of an edit: none of it is as without it, all of it as always, between them a line."""

from dataclasses import replace

import pytest
import torch
from toy_edits import PLAIN, edited, of
from toy_generator import Toy

from latty import home
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, write
from latty.edits import codes
from latty.models import open_model
from latty.render.pixels import Painter
from latty.scene import ALL, Edit, Layers, Scene, Walk

FACE = Scene("portraits", 5, truncation=0.8)
DEMO = Scene("demo", 5, truncation=0.8)
W, Z = torch.tensor([[1.0, 2, 0, 0, 0], [0, 1, -1, 0, 3]]), torch.eye(6)[:2] + 0.5

# In codes each of these moves by itself, whatever came before it.
EDITS = {
    "relative": Edit("w/a", 2.0),
    "absolute": Edit("w/a", 2.0, mode="absolute"),
    "centred": Edit("w/a", 1.0, mode="centred"),
    "flip": Edit("w/a", 1.0, mode="flip"),
    "some layers": Edit("w/b", -1.5, Layers(1, 3)),
    "a place of no length": Edit("w/a", 0.0, mode="centred"),
    "toward a seed": Edit("seed:9", 0.5),
    "held": Edit("w/a", 2.0, conditions=("w/b",)),
}
# Of the models that ship, every form of direction: vectors, paths, climbs, transforms, activations.
PICTURED = {
    "z": (FACE, Edit("portraits-random/r1", 2.0)),
    "a path": (FACE, Edit("portraits-warped/p0", 2.0)),
    "a climb": (FACE, Edit("portraits-ascent/smile", 2.0)),
    "a transform in its own unit": (FACE, Edit("portraits-plumerault/x", 0.1, unit="own")),
    "centred": (FACE, Edit("portraits/age", 2.0, mode="centred")),
    "a mixed seed": (DEMO, Edit("seed:42", 1.0, Layers(5, 10))),
    "an activation": (DEMO, Edit("demo-activations/c0", 2.0)),
    "an activation, flipped": (DEMO, Edit("demo-activations/c1", 2.0, mode="flip")),
}


@pytest.fixture(autouse=True)
def sets() -> None:
    for name, vectors in {"w": W, "z": Z}.items():
        header = DirectionSet(
            "random", name, (Info("a", 0.5), Info("b", 2.0)), "toy", "toy", "toy0"
        )
        write(home.directions_dir() / f"{name}.safetensors", header, {ARRAY: vectors})


@pytest.mark.parametrize("kind", EDITS)
def test_codes_go_straight_from_without_to_with(kind: str) -> None:
    edit, before = EDITS[kind], Edit("w/b", 0.7)
    bare, full = of(edited(before)), of(edited(before, edit))
    assert not torch.equal(bare, full)
    for amount in (0.0, 0.25, 1.0, 1.5, -0.5):
        found = of(edited(before, replace(edit, amount=amount)))
        torch.testing.assert_close(found, torch.lerp(bare, full, amount), atol=1e-5, rtol=1e-5)
        if amount in (0, 1):
            assert torch.equal(found, full if amount else bare)


def test_in_z_it_is_the_latent_that_goes_straight() -> None:
    toy = Toy()
    z = toy.sample([3])
    after = z + 2 * 0.5 * Z[0]
    for edit, goal in ((Edit("z/a", 2.0), after), (Edit("seed:9", 1.0), toy.sample([9]))):
        if edit.direction == "z/a":
            found = of(edited(replace(edit, amount=0.25)))
            torch.testing.assert_close(found, toy.mapping(torch.lerp(z, goal, 0.25))[0])
        assert torch.equal(of(edited(replace(edit, amount=0.0))), of(PLAIN))
    some = Edit("z/a", 2.0, Layers(1, 3), amount=0.5)
    both = toy.mapping(z)[0], toy.mapping(torch.lerp(z, after, 0.5))[0]
    expected = torch.cat([both[0][:1], both[1][1:3], both[0][3:]])
    torch.testing.assert_close(of(edited(some)), expected)


def test_later_edits_act_on_what_is_left() -> None:
    """GANSpace's teaser: one edit after the other is faded in, each from where the last one led."""
    first, second = Edit("w/a", 1.0, mode="flip"), Edit("w/b", -1.0, mode="centred")
    one = of(edited(first))
    half = of(edited(first, replace(second, amount=0.5)))
    torch.testing.assert_close(half, torch.lerp(one, of(edited(first, second)), 0.5))
    assert torch.equal(of(edited(first, replace(second, amount=0.0))), one)


def test_scenes_of_other_amounts_are_drawn_together() -> None:
    edits = [Edit("w/a", 1.0, mode="flip"), Edit("z/a", 1.0), Edit("w/b", 2.0, Layers(1, 3))]
    amounts = [(0.0, 1.0, 0.5), (1.0, 0.0, 0.0), (0.3, 0.3, 1.0), (1.0, 1.0, 0.0), (0.0, 0.0, 0.0)]
    scenes = [
        replace(PLAIN, seed=seed, edits=tuple(
            replace(edit, amount=amount) for edit, amount in zip(edits, row, strict=True)))
        for row in amounts for seed in (3, 4)
    ]  # fmt: skip
    together = codes(scenes, Toy())
    for scene, found in zip(scenes, together, strict=True):
        assert torch.equal(found, of(scene))


@pytest.mark.parametrize("kind", PICTURED)
def test_none_of_it_is_the_picture_without_it(kind: str) -> None:
    scene, edit = PICTURED[kind]
    scene = replace(scene, size=32) if scene.model == "portraits" else scene
    generator = open_model(scene.model)
    amounts = (0.0, 0.5, 1.0)
    film = [replace(scene, edits=(replace(edit, amount=amount),)) for amount in amounts]
    paint = Painter(generator)
    none, half, all_of_it = (paint([one]) for one in film)
    bare, full = paint([scene]), paint([replace(scene, edits=(edit,))])
    assert none.tobytes() == bare.tobytes() and all_of_it.tobytes() == full.tobytes()
    assert none.tobytes() != half.tobytes() != all_of_it.tobytes()


def test_a_walk_under_an_edit_that_is_not_there() -> None:
    walk = replace(PLAIN, seed=Walk((1, 2), t=0.3))
    assert torch.equal(of(replace(walk, edits=(Edit("z/a", 2.0, ALL, amount=0.0),))), of(walk))
