"""What is locked stays: measured on steps, and on the exact factors of a face."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from toy_edits import PLAIN, edited, of
from toy_generator import Toy

from latty import home
from latty.directions.base import HasNormal, Info
from latty.directions.file import ARRAY, NORMALS, DirectionSet, write
from latty.directions.opening import find
from latty.edits import codes
from latty.edits import stack as edits_stack
from latty.errors import BadData, Missing
from latty.models import open_model
from latty.models.base import Generator, HasFactors, HasLayerWeights
from latty.models.families.portraits import BOUNDS, ORDER
from latty.render.pixels import Painter
from latty.scene import ALL, Edit, Layers, Scene

W = torch.tensor([[1.0, 1, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 2, 0], [1, 0, 1, 3, 0]])
DEEP = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(1))
Z = torch.eye(6)[:2] + 0.5
NAMES = ("a", "b", "c", "d")
FACE = Scene("portraits", 5)


@pytest.fixture(autouse=True)
def sets() -> None:
    """Vectors in w, per layer and in z, and vectors with normals of their own."""
    made = {"w": ("w", {ARRAY: W}), "deep": ("w", {ARRAY: DEEP}), "z": ("z", {ARRAY: Z})}
    made["own"] = ("w", {ARRAY: W, NORMALS: W.flip(1)})
    for name, (space, arrays) in made.items():
        infos = tuple(Info(word, 1.0) for word in NAMES[: len(arrays[ARRAY])])
        header = DirectionSet("random", space, infos, "toy", "toy", "toy0")
        write(home.directions_dir() / f"{name}.safetensors", header, arrays)


def step(scene: Scene) -> Tensor:
    """What the edits of a scene changed, (L, D)."""
    return of(scene) - of(replace(scene, edits=(), locks=()))


def test_a_step_leaves_out_what_is_locked() -> None:
    scene = edited(Edit("w/a", 2.0))
    assert (step(scene) @ W[1]).abs().min() > 1
    held = step(replace(scene, locks=("w/b",)))
    torch.testing.assert_close(held @ W[1], torch.zeros(4), atol=1e-6, rtol=0)
    expected = 2 * (W[0] - 0.5 * W[1])  # <a, b> / <b, b> = 1/2, and it is not stretched
    torch.testing.assert_close(held, expected.expand(4, 5), atol=1e-6, rtol=0)


def test_several_locks_that_are_not_orthogonal() -> None:
    held = step(edited(Edit("w/d", 1.0), locks=("w/a", "w/b", "w/c")))
    torch.testing.assert_close(held @ W[:3].T, torch.zeros(4, 3), atol=1e-6, rtol=0)
    assert held.norm() > 0.1


@pytest.mark.parametrize("spelt", ["w/a", "w/0", "{file}#a", "{file}#0"])
def test_the_locked_direction_itself_goes_on(spelt: str) -> None:
    own = spelt.format(file=home.directions_dir() / "w.safetensors")
    scene = edited(Edit("w/a", 2.0), locks=(own,))
    torch.testing.assert_close(step(scene), 2 * W[0].expand(4, 5), atol=1e-6, rtol=0)
    both = step(replace(scene, locks=(own, "w/b")))  # but the other locks hold it
    torch.testing.assert_close(both @ W[1], torch.zeros(4), atol=1e-6, rtol=0)


def test_a_condition_holds_its_own_edit_only() -> None:
    first, second = Edit("w/a", 1.0, conditions=("w/b",)), Edit("w/d", 1.0)
    alone, other = step(edited(first)), step(edited(second))
    torch.testing.assert_close(alone @ W[1], torch.zeros(4), atol=1e-6, rtol=0)
    assert (other @ W[1]).abs().min() > 0.5
    torch.testing.assert_close(step(edited(first, second)), alone + other, atol=1e-5, rtol=0)
    locked = step(edited(first, second, locks=("w/c",)))
    torch.testing.assert_close(locked @ W[2], torch.zeros(4), atol=1e-5, rtol=0)
    twice = step(edited(replace(first, conditions=("w/b", "w/c")), locks=("w/b",)))
    torch.testing.assert_close(twice @ W[1:3].T, torch.zeros(4, 2), atol=1e-6, rtol=0)


def test_normals_of_a_set_are_used_instead_of_its_vectors() -> None:
    direction = find("own/b", Toy())
    assert isinstance(direction, HasNormal)
    held = step(edited(Edit("w/d", 1.0), locks=("own/b",)))
    torch.testing.assert_close(held @ W.flip(1)[1], torch.zeros(4), atol=1e-6, rtol=0)
    assert (held @ W[1]).abs().min() > 0.1


def test_normals_per_layer_hold_layer_by_layer() -> None:
    held = step(edited(Edit("deep/a", 1.0, Layers(1, 3)), locks=("deep/b", "w/c")))
    assert held[0].abs().max() == held[3].abs().max() == 0
    for layer in (1, 2):
        for normal in (DEEP[1, layer], W[2]):
            assert abs(float(held[layer] @ normal)) < 1e-5
    assert held[1].norm() > 0.1


def test_locks_hold_in_every_mode_and_for_a_seed() -> None:
    for edit in (
        Edit("w/a", 1.5, ALL, "absolute"),
        Edit("w/a", 1.5, ALL, "centred"),
        Edit("w/a", 1.5, ALL, "flip"),
        Edit("seed:8", 0.7),
        Edit("seed:8", 1.0, Layers(1, 2)),
    ):
        held = step(edited(edit, locks=("w/b", "w/c"), truncation=0.6))
        torch.testing.assert_close(held @ W[1:3].T, torch.zeros(4, 2), atol=1e-5, rtol=0)
        assert held.norm() > 0.1


def test_locks_in_z_hold_z() -> None:
    toy = Toy()
    z, unit = toy.sample([3]), Z[1] / Z[1].norm()
    away = Z[0] - (Z[0] @ unit) * unit
    found = of(edited(Edit("z/a", 2.0), locks=("z/b",)))
    torch.testing.assert_close(found, toy.mapping(z + 2 * away)[0], atol=1e-5, rtol=0)
    mixed = codes([edited(Edit("seed:9", 0.5), locks=("z/b",))], Toy(space="z"))
    goal = toy.sample([9]) - z
    there = z + 0.5 * (goal - (goal @ unit)[:, None] * unit)
    torch.testing.assert_close(mixed, toy.mapping(there), atol=1e-5, rtol=0)


def test_a_path_is_held_like_a_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bend:
        """Each number moves by its own sine: no line."""

        name, space, layers = "bend", "w", ALL

        def move(self, latents: Tensor, strength: Tensor, generator: Generator) -> Tensor:
            return latents + strength.view(-1, 1, 1) * (3 * latents).sin()

    made = {"bend": Bend()}
    monkeypatch.setattr(edits_stack, "find", lambda ref, *rest: made.get(ref) or find(ref, *rest))
    monkeypatch.setattr("latty.edits.locks.Locks.same", lambda *refs: False)
    held = step(edited(Edit("bend", 1.0), locks=("w/b", "w/c")))
    torch.testing.assert_close(held @ W[1:3].T, torch.zeros(4, 2), atol=1e-5, rtol=0)
    assert held.norm() > 0.5
    with pytest.raises(BadData, match="bend cannot be held: it is no vector"):
        of(edited(Edit("w/a"), locks=("bend",)))


def test_a_batch_is_its_scenes_one_by_one() -> None:
    toy = Toy(classes=2)
    scenes = [
        edited(
            Edit("w/a", i / 3), Edit("w/d", -i, ALL, "centred"), locks=locks, seed=i, label=i % 2
        )
        for i, locks in enumerate([(), ("w/b",), ("w/b", "w/c"), ("w/b",), (), ("w/c",)])
    ]
    alone = torch.stack([of(scene, toy) for scene in scenes])
    torch.testing.assert_close(codes(scenes, toy), alone, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (edited(Edit("w/a"), locks=("z/b",)), "z/b is held in z, and w/a moves in w"),
        (edited(Edit("z/a"), locks=("w/b",)), "w/b is held in w, and z/a moves in z"),
        (edited(Edit("seed:4"), locks=("z/b",)), "z/b is held in z, and seed:4 moves in w"),
        (edited(Edit("w/a", conditions=("z/b",))), "z/b is held in z, and w/a moves in w"),
        (edited(Edit("w/a", conditions=("w/0",))), "w/a is a condition of its own edit"),
        (edited(Edit("w/a"), locks=("seed:3",)), "'seed:3' names no direction"),
    ],
)
def test_what_cannot_be_held(scene: Scene, words: str) -> None:
    with pytest.raises(BadData, match=words) as caught:
        of(scene)
    assert caught.value.hint and "\n" not in str(caught.value)


def test_a_lock_that_is_not_there() -> None:
    with pytest.raises(Missing, match="no direction 'q' in w"):
        of(edited(Edit("w/a"), locks=("w/q",)))
    assert torch.equal(of(replace(PLAIN, locks=("w/q",))), of(PLAIN))  # nothing moves: none needed


# --- faces ----------------------------------------------------------------------------------------


def test_the_shipped_vectors_hold_on_a_face() -> None:
    model = open_model("portraits", "cpu")
    names = ("smile", "yaw", "glasses")
    held = tuple(f"portraits/{name}" for name in names)
    edit = Edit("portraits/hair_length", 2.0, ALL)
    moved = codes([replace(FACE, edits=(edit,), locks=held)], model) - codes([FACE], model)
    for ref in held:
        normal = find(ref, model)
        assert isinstance(normal, HasNormal)
        unit = normal.normal / normal.normal.norm()
        assert (moved @ unit).abs().max() < 1e-5
    assert moved.norm(dim=-1).min() > 0.5


def test_exact_normals_hold_the_factor_exactly() -> None:
    """The factor of a face is a function of one product per layer: its row is the gradient."""
    model = open_model("portraits", "cpu")
    assert isinstance(model, HasFactors) and isinstance(model, HasLayerWeights)
    rows, layered = torch.cat(model.layer_weights()), torch.zeros(2, 4, 32)
    for k, name in enumerate(("smile", "age")):
        layer = next(i for i in range(4) if name in ORDER[BOUNDS[i] : BOUNDS[i + 1]])
        layered[k, layer] = rows[ORDER.index(name)]
    infos = (Info("smile", 1.0), Info("age", 1.0))
    info = model.info
    header = DirectionSet("random", "w", infos, info.name, info.family, info.digest)
    arrays = {ARRAY: torch.ones(2, 32), NORMALS: layered}
    write(home.directions_dir() / "exact.safetensors", header, arrays)
    # A random step in every layer, which certainly changes smile and age.
    wild = torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(2))
    header = replace(header, infos=(Info("wild", 1.0),))
    write(home.directions_dir() / "wild.safetensors", header, {ARRAY: wild})
    edit, where = Edit("wild/0", 0.5), [model.factor_names().index(n) for n in ("smile", "age")]
    scenes = [replace(FACE, seed=seed, edits=(edit,)) for seed in range(8)]
    before = model.factors(codes([replace(s, edits=()) for s in scenes], model))
    free = model.factors(codes(scenes, model)) - before
    locks = ("exact/smile", "exact/age")
    held = model.factors(codes([replace(s, locks=locks) for s in scenes], model)) - before
    assert free[:, where].abs().mean() > 0.05
    assert held[:, where].abs().max() < 1e-5
    others = [i for i in range(held.shape[1]) if i not in where]
    assert held[:, others].abs().mean() > 0.9 * free[:, others].abs().mean()


# Within: the reverse, GANSpace's separation of style and content.


def components(codes: Tensor) -> Tensor:
    """Shares of DEEP's or W's vectors that make up codes (L, D), by least squares: (L, K)."""
    return torch.linalg.lstsq(W[:2].T, codes.T).solution.T


def test_within_directions_a_step_keeps_their_part_alone() -> None:
    bare, goal = of(PLAIN), of(replace(PLAIN, seed=9))
    mixed = Edit("seed:9", 1.0, within="w/a-b")
    inside, outside = step(edited(mixed)), goal - bare - step(edited(mixed))
    torch.testing.assert_close(outside @ W[:2].T, torch.zeros(4, 2), atol=1e-5, rtol=0)
    torch.testing.assert_close(components(inside) @ W[:2], inside, atol=1e-5, rtol=1e-5)
    reverse = step(edited(Edit("seed:9", 1.0, conditions=("w/a-b",))))
    torch.testing.assert_close(inside + reverse, goal - bare, atol=1e-5, rtol=1e-5)
    both = edited(mixed, Edit("seed:9", 1.0, conditions=("w/a-b",)))
    torch.testing.assert_close(of(both), goal, atol=1e-5, rtol=1e-5)
    half = step(edited(replace(mixed, strength=0.5)))
    torch.testing.assert_close(half, inside / 2, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(of(edited(replace(mixed, within="w/*"))), of(edited(
        Edit("seed:9", 1.0, within="w/0"), Edit("seed:9", 1.0, conditions=("w/0",), within="w/*"),
    )), atol=1e-5, rtol=1e-5)  # fmt: skip


def test_within_acts_in_the_layers_of_the_edit_and_by_the_rows_of_each() -> None:
    bare, goal = of(PLAIN), of(replace(PLAIN, seed=9))
    some = of(edited(Edit("seed:9", 1.0, Layers(1, 3), within="deep/a")))
    assert torch.equal(some[[0, 3]], bare[[0, 3]]) and not torch.equal(some[1:3], bare[1:3])
    for layer in (1, 2):
        row = DEEP[0, layer]
        part = (goal - bare)[layer] @ row / (row @ row) * row
        torch.testing.assert_close((some - bare)[layer], part, atol=1e-5, rtol=1e-5)


def test_what_is_held_stays_within_too() -> None:
    held = step(edited(Edit("seed:9", 1.0, within="w/a-d"), locks=("w/a",)))
    torch.testing.assert_close(held @ W[0], torch.zeros(4), atol=1e-5, rtol=0)
    assert held.norm() > 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"within": "z/a"}, "z/a is held in z, and seed:9 moves in w"),
        ({"within": "w/a-x"}, "no directions 'a-x' in w"),
        ({"within": "nothing/*"}, "no direction set 'nothing'"),
        ({"within": "w/d-a"}, "no directions 'd-a' in w"),
        ({"direction": "w/a", "conditions": ("w/a-b",)}, "w/a is a condition of its own edit"),
    ],
)
def test_spans_that_are_none(changes: dict[str, object], words: str) -> None:
    with pytest.raises((BadData, Missing), match=words):
        of(edited(replace(Edit("seed:9", 1.0), **changes)))  # type: ignore[arg-type]


def test_activations_go_within_components() -> None:
    generator = open_model("demo")
    scene = Scene("demo", 5, truncation=0.8)
    paint = Painter(generator)

    def drawn(*edits: Edit) -> Tensor:
        return paint.images([replace(scene, edits=edits)])

    c0 = Edit("demo-activations/c0", 3.0)
    torch.testing.assert_close(
        drawn(replace(c0, within="demo-activations/c0-c3")), drawn(c0), atol=1e-3, rtol=0
    )
    away = drawn(replace(c0, within="demo-activations/c1-c3"))
    assert (away - drawn()).abs().mean() < 0.1 * (drawn(c0) - drawn()).abs().mean()
