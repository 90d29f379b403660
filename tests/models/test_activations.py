"""Edits inside the synthesis: on every family, in every mode, mixed with edits of z and w."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from family_promises import codes_of
from small_families import FAMILIES, labels_for, made
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from latty import edits, home, presets, render
from latty.directions.base import HasCoordinate, HasNormal, Info
from latty.directions.file import ARRAY, NORMALS, DirectionSet, write
from latty.directions.linear import LinearDirection
from latty.directions.opening import find
from latty.errors import BadData, UsageError
from latty.models import open_model
from latty.models.base import HasActivations
from latty.render.pixels import Painter
from latty.scene import ALL, Edit, Layers, Scene

INSIDE = [family for family in FAMILIES if isinstance(made(family), HasActivations)]
SCENE = Scene("demo", seed=4, truncation=0.8)
LAYER = "b16.conv0"  # of demo
INFOS = (Info("a", 0.5), Info("b", 2.0))


def images(scenes, generator):  # type: ignore[no-untyped-def]
    """Images (N, C, H, W) of scenes, as scorers see them."""
    return Painter(generator).images(scenes)


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


def store(name: str, generator: Any, space: str, vectors: Tensor, **more: Tensor) -> None:
    """A set of directions a (sigma 0.5) and b (sigma 2), as a search writes it."""
    info = generator.info
    header = DirectionSet("ganspace", space, INFOS, info.name, info.family, info.digest)
    path = home.directions_dir() / f"{name}.safetensors"
    write(path, header, {ARRAY: vectors[: len(INFOS)], **more})


@pytest.fixture(scope="module")
def demo() -> Any:
    return open_model("demo", "cpu")


@pytest.fixture
def inside(demo: Any) -> Tensor:
    """Two unit vectors of the activation of LAYER in the store, as "mine"; (2, C * H * W), at an
    angle of about 45 degrees."""
    size = demo.activation(demo.mapping(demo.sample([0])), LAYER)[0].numel()
    random = draw(2, size)
    vectors = torch.stack([random[0], random.sum(0)])
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    store("mine", demo, f"activation:{LAYER}", vectors)
    return vectors


def scene(*stack: Edit, **changes: Any) -> Scene:
    return replace(SCENE, edits=stack, **changes)


def plain_codes(demo: Any, *seeds: int) -> Tensor:
    codes: Tensor = demo.mapping(demo.sample(seeds), None, 0.8)
    return codes


# --- every family ---------------------------------------------------------------------------------


@pytest.fixture(params=INSIDE)
def network(request: pytest.FixtureRequest) -> Any:
    return made(request.param)


def test_most_families_have_activations() -> None:
    assert set(FAMILIES) - set(INSIDE) == {"portraits"}


def test_two_layers_at_once_are_one_after_the_other(network: Any) -> None:
    codes, names = codes_of(network), network.activation_names()
    if len(names) == 1:
        pytest.skip("it has one layer")
    low, high = names[0], names[-1]
    down, up = (draw(network.activation(codes, n).shape[1], 1, 1) for n in (low, high))
    both = network.synthesis_with(codes, {high: up, low: down})
    seen: list[Tensor] = []
    network.synthesis_with(codes, {low: down, high: lambda x: (seen.append(x), x)[1]})
    nested = network.synthesis_with(codes, {low: down, high: lambda _: seen[0] + up})
    torch.testing.assert_close(both, nested, atol=1e-5, rtol=1e-4)
    for change in ({low: down}, {high: up}):
        assert (both - network.synthesis_with(codes, change)).abs().max() > 1e-4


def test_gradients_flow_through_changes(network: Any) -> None:
    codes, names = codes_of(network), network.activation_names()
    low, high = names[0], names[-1]
    vector = draw(network.activation(codes, low).shape[1], 1, 1)
    strength, offset = torch.zeros((), requires_grad=True), torch.zeros(1, requires_grad=True)
    moving = vector.clone().zero_().requires_grad_()
    for changes in ({low: lambda x: x + strength * vector}, {high: offset}, {low: moving}):
        network.synthesis_with(codes, changes).square().sum().backward()
    assert offset.grad is not None and offset.grad.abs() > 0
    assert strength.grad is not None and moving.grad is not None and strength.grad.abs() > 0
    torch.testing.assert_close(strength.grad, (moving.grad * vector).sum(), atol=1e-2, rtol=1e-3)


def test_labels_count_inside(network: Any) -> None:
    label = labels_for(network, 3)
    if label is None:
        with pytest.raises(UsageError, match="no classes"):
            network.synthesis_with(codes_of(network), {}, torch.tensor([0, 0, 0]))
        return
    z = network.sample([1, 2, 3])
    found = [
        network.activation(network.mapping(z, one), network.activation_names()[-1], one)
        for one in (label, label.roll(1))
    ]
    assert (found[0] - found[1]).abs().max() > 1e-4


# The pictures of StyleGAN2's lower blocks add up; FastGAN's early features gate late ones.
SKIPPING = ("stylegan2", "fastgan", "lightweight_gan")


def test_style_mixing_by_replacement(network: Any) -> None:
    """GANSpace's figure: what lies below a layer from one picture, what lies above from another."""
    codes, names = codes_of(network, 2), network.activation_names()
    a, b = codes[:1], codes[1:]
    for place, name in enumerate(names):
        activation = network.activation(a, name)
        mixed = network.synthesis_with(b, {name: lambda _, kept=activation: kept})
        read = min(place + 1, network.info.num_layers)  # codes that are read below
        wanted = network.synthesis(torch.cat([a[:, :read], b[:, read:]], 1))
        if network.info.family not in SKIPPING or place == 0:
            torch.testing.assert_close(mixed, wanted, atol=1e-4, rtol=1e-3)
        assert (mixed - network.synthesis(b)).abs().max() > 1e-5
        if read < network.info.num_layers:
            assert (mixed - network.synthesis(a)).abs().max() > 1e-5


def test_an_edit_inside_reaches_the_picture_of_every_family(network: Any) -> None:
    name = network.activation_names()[-1]
    z, label = network.sample([1, 2]), labels_for(network, 2)
    features = network.activation(network.mapping(z, label), name, label)
    vectors = draw(2, features.shape[1])
    store("own", network, f"activation:{name}", vectors)
    scenes = [
        Scene("x", seed, label=None if label is None else int(label[i]), edits=(Edit("own/a", s),))
        for i, (seed, s) in enumerate([(1, -2.0), (2, 3.0)])
    ]
    offset = 0.5 * torch.tensor([-2.0, 3.0])[:, None] * vectors[0]
    wanted = network.synthesis_with(
        network.mapping(z, label), {name: offset[:, :, None, None]}, label
    )
    found = images(scenes, network)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    still = images([replace(one, edits=()) for one in scenes], network)
    assert ((found - still).abs().flatten(1).max(1).values > 1e-4).all()


# --- directions -----------------------------------------------------------------------------------


def slow_coordinate(x: Tensor, vector: Tensor, sigma: float) -> Tensor:
    """Of rows x (N, D), in float64."""
    return x.double() @ vector.double() / (vector.double().square().sum() * sigma)


@pytest.mark.parametrize("shape", [(3,), (3 * 4 * 5,)])
def test_the_coordinate_of_an_activation(shape: tuple[int, ...]) -> None:
    x, vector = draw(2, 3, 4, 5), draw(*shape)
    direction = LinearDirection("a", "activation:x", ALL, vector, 0.7)
    full = vector if len(vector) > 3 else vector[:, None].expand(3, 20).flatten()
    found = direction.coordinate(x, None)  # type: ignore[arg-type]
    wanted = slow_coordinate(x.flatten(1), full, 0.7)
    torch.testing.assert_close(found.double(), wanted, atol=1e-5, rtol=1e-5)
    goal = torch.tensor([2.0, -1.0])
    moved = direction.move(x, goal - found, None)  # type: ignore[arg-type]
    torch.testing.assert_close(direction.coordinate(moved, None), goal)  # type: ignore[arg-type]
    torch.testing.assert_close(
        (moved - x).flatten(1), ((goal - found) * 0.7)[:, None] * full, atol=1e-5, rtol=1e-5
    )


def test_the_coordinate_of_codes_is_one_per_layer() -> None:
    codes, vector = draw(2, 4, 5), draw(4, 5)
    vector[2] = 0
    direction = LinearDirection("a", "w", ALL, vector, 0.7)
    assert isinstance(direction, HasCoordinate) and isinstance(direction, HasNormal)
    found = direction.coordinate(codes, None)  # type: ignore[arg-type]
    for layer in (0, 1, 3):
        wanted = slow_coordinate(codes[:, layer], vector[layer], 0.7).float()
        torch.testing.assert_close(found[:, layer], wanted)
    assert found.shape == (2, 4) and not found[:, 2].any()
    moved = direction.move(codes, -found, None)  # type: ignore[arg-type]
    torch.testing.assert_close((moved * vector).sum(-1), torch.zeros(2, 4), atol=1e-5, rtol=0)
    latents = LinearDirection("a", "z", ALL, vector[0], 2.0)
    wanted = slow_coordinate(codes[:, 0], vector[0], 2.0).float()
    torch.testing.assert_close(latents.coordinate(codes[:, 0], None), wanted)  # type: ignore[arg-type]


def test_normals_come_from_the_file(demo: Any) -> None:
    width = demo.info.width
    vectors, normals = draw(2, width), draw(2, width) + 1
    store("both", demo, "w", vectors, **{NORMALS: normals})
    direction = find("both/b", demo)
    assert isinstance(direction, HasNormal) and torch.equal(direction.normal, normals[1])
    store("few", demo, "w", vectors, **{NORMALS: normals[:1]})
    with pytest.raises(BadData, match="normals"):
        find("few/b", demo)
    store("wide", demo, "w", vectors, **{NORMALS: draw(2, width + 1)})
    with pytest.raises(BadData, match=rf"shape \({width + 1},\)"):
        find("wide/b", demo)
    store("alone", demo, "w", vectors)
    assert torch.equal(find("alone/a", demo).normal, vectors[0])  # type: ignore[attr-defined]


def test_a_layer_that_is_not_there_is_named_with_those_that_are(demo: Any) -> None:
    store("lost", demo, "activation:b16.conv9", draw(2, 8))
    with pytest.raises(BadData, match=r"no layer 'b16\.conv9'.*b4\.conv1, .*b64\.conv1"):
        find("lost/a", demo)


def test_a_vector_of_another_size_names_both(demo: Any) -> None:
    store("odd", demo, f"activation:{LAYER}", draw(2, 77))
    channels = demo.activation(plain_codes(demo, 1), LAYER).shape[1]
    with pytest.raises(BadData, match=rf"'a' has 77 numbers.*{LAYER}.*{channels} x 16 x 16"):
        images([scene(Edit("odd/a", 1.0))], demo)
    with pytest.raises(BadData, match="no latents"):
        find("odd/a", demo).move(plain_codes(demo, 1), torch.ones(1), demo)


# --- what an edit means ---------------------------------------------------------------------------


def acted(demo: Any, *scenes: Scene) -> tuple[Tensor, Tensor]:
    """Activations of LAYER before and after the edits of scenes, (N, C * H * W)."""
    x = demo.activation(edits.codes(scenes, demo), LAYER)
    change: Any = edits.changes(scenes, demo)[LAYER]
    return x.flatten(1), change(x).flatten(1)


def test_codes_stay_and_activations_move(demo: Any, inside: Tensor) -> None:
    scenes = [scene(Edit("mine/a", s), seed=seed) for seed, s in ((4, 2.0), (7, -3.0), (9, 0.0))]
    assert torch.equal(edits.codes(scenes, demo)[1:2], edits.codes([scene(seed=7)], demo))
    before, after = acted(demo, *scenes)
    step = 0.5 * torch.tensor([[2.0], [-3.0], [0.0]]) * inside[0]
    torch.testing.assert_close(after - before, step, atol=1e-5, rtol=1e-4)
    assert edits.applied(scenes, demo).inside and not edits.applied([scene()], demo).inside
    shape = demo.activation(plain_codes(demo, 4), LAYER).shape[1:]
    found = images(scenes, demo)
    wanted = demo.synthesis_with(plain_codes(demo, 4, 7, 9), {LAYER: step.view(3, *shape)})
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


GOALS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "absolute": lambda here, mean, strength: strength,
    "centred": lambda here, mean, strength: mean + strength,
    "flip": lambda here, mean, strength: mean - (here - mean).sign() * strength,
}


@pytest.mark.parametrize("mode", GOALS)
def test_places_are_counted_from_the_mean_activation(demo: Any, inside: Tensor, mode: Any) -> None:
    scenes = [scene(Edit("mine/b", s, mode=mode), seed=seed) for seed, s in ((4, 2.0), (7, 1.0))]
    before, after = acted(demo, *scenes)
    mean = demo.activation(demo.truncate(plain_codes(demo, 1), 0.0, None), LAYER).flatten(1)
    here, there, middle = (slow_coordinate(x, inside[1], 2.0) for x in (before, after, mean))
    goal = GOALS[mode](here, middle, torch.tensor([2.0, 1.0]).double())
    torch.testing.assert_close(there, goal, atol=1e-4, rtol=1e-4)
    rest = (after - before) - ((after - before) @ inside[1])[:, None] * inside[1]
    assert rest.abs().max() < 1e-4, "something else moved, too"


def test_the_mean_activation_is_computed_once(demo: Any, inside: Tensor) -> None:
    calls: list[str] = []

    class Counting(type(demo)):  # type: ignore[misc]
        def activation(self, codes: Tensor, name: str, *more: Any) -> Tensor:
            calls.append(name)
            return super().activation(codes, name, *more)  # type: ignore[no-any-return]

    counting = Counting(demo.network, demo.info, demo.device)
    for strength in (0.0, 1.0, 2.0):
        images([scene(Edit("mine/a", strength, mode="centred"), seed=s) for s in (1, 2)], counting)
    assert calls == [LAYER]


def test_edits_of_one_layer_act_in_stack_order(demo: Any, inside: Tensor) -> None:
    to, by = Edit("mine/a", 1.0, mode="absolute"), Edit("mine/a", 3.0)
    last = [slow_coordinate(acted(demo, scene(*stack))[1], inside[0], 0.5) for stack in
            ((to, by), (by, to))]  # fmt: skip
    torch.testing.assert_close(torch.cat(last).float(), torch.tensor([4.0, 1.0]), atol=1e-3, rtol=0)


def test_locks_hold_inside(demo: Any, inside: Tensor) -> None:
    for words in ({"locks": ("mine/a",)}, {}):
        edit = Edit("mine/b", 1.0, conditions=() if words else ("mine/a",))
        before, after = acted(demo, scene(edit, **words))
        step = (after - before)[0]
        assert abs(float(step @ inside[0])) < 1e-4 and 0.9 < float(step @ inside[1]) < 1.1
    before, after = acted(demo, scene(Edit("mine/a", 1.0), locks=("mine/0",)))
    torch.testing.assert_close(after - before, 0.5 * inside[:1], atol=1e-5, rtol=1e-4)


def test_a_lock_per_channel_holds_at_every_pixel(demo: Any, inside: Tensor) -> None:
    shape = demo.activation(plain_codes(demo, 4), LAYER).shape[1:]
    even = draw(shape[0])
    store("even", demo, f"activation:{LAYER}", torch.stack([even, draw(shape[0] + 1)[1:]]))
    before, after = acted(demo, scene(Edit("mine/a", 30.0), locks=("even/a",)))
    step = (after - before).view(shape)
    assert abs(float((step * even[:, None, None]).sum())) < 1e-2 * float(step.norm() * even.norm())
    assert float(step.norm()) > 10


@pytest.mark.parametrize(
    ("edit", "words", "message"),
    [
        (Edit("mine/a", layers=Layers(1, 3)), {}, "no layers to choose.*layers = '1-2'"),
        (Edit("mine/a", unit="own"), {}, "no unit of its own"),
        (Edit("mine/a", mode="sideways"), {}, "no mode 'sideways'"),  # type: ignore[arg-type]
        (Edit("mine/a"), {"locks": ("demo/smile",)}, "demo/smile is held in w"),
        (Edit("mine/a", conditions=("mine/a",)), {}, "condition of its own"),
    ],
)
def test_what_cannot_be_done_inside(
    demo: Any, inside: Tensor, edit: Edit, words: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadData, match=message):
        images([scene(edit, **words)], demo)


def test_all_layers_may_be_said(demo: Any, inside: Tensor) -> None:
    said, unsaid = (images([scene(Edit("mine/a", 9.0, at))], demo) for at in (ALL, None))
    assert torch.equal(said, unsaid)


# --- many scenes, mixed spaces --------------------------------------------------------------------


def test_spaces_mix_in_one_stack(demo: Any, inside: Tensor) -> None:
    """z before the mapping, truncation, w after it, activations inside, whatever the order."""
    z_vectors, w_vectors = draw(2, demo.info.z_dim), draw(2, demo.info.width)
    store("in-z", demo, "z", z_vectors)
    store("in-w", demo, "w", w_vectors)
    early = "b8.conv1"
    wide = demo.activation(plain_codes(demo, 4), early).shape[1]
    store("early", demo, f"activation:{early}", draw(2, wide))
    stack = (Edit("mine/a", 4.0), Edit("in-w/b", 0.3), Edit("early/a", 1.5), Edit("in-z/a", 2.0))
    codes = demo.mapping(demo.sample([4]) + 0.5 * 2.0 * z_vectors[0], None, 0.8)
    codes = codes + 2.0 * 0.3 * w_vectors[1]
    shape = demo.activation(codes, LAYER).shape[1:]
    changes = {
        LAYER: 0.5 * 4.0 * inside[0].view(shape),
        early: 0.5 * 1.5 * draw(2, wide)[0].view(-1, 1, 1),
    }
    wanted = demo.synthesis_with(codes, changes)
    torch.testing.assert_close(images([scene(*stack)], demo), wanted, atol=1e-4, rtol=1e-3)
    other = images([scene(*stack[::-1])], demo)
    torch.testing.assert_close(other, wanted, atol=1e-4, rtol=1e-3)


def test_truncation_after_the_edits_is_that_of_the_codes(demo: Any, inside: Tensor) -> None:
    edit = Edit("mine/a", 5.0)
    found = images([scene(edit, truncation_after_edits=True)], demo)
    torch.testing.assert_close(found, images([scene(edit)], demo), atol=1e-4, rtol=1e-3)


def many() -> list[Scene]:
    return [
        scene(),
        scene(Edit("mine/a", 4.0)),
        scene(Edit("mine/a", -4.0), seed=8),
        scene(Edit("mine/a", 4.0), noise=3),
        scene(Edit("mine/b", 1.0, mode="centred"), Edit("demo/smile", 1.0)),
        scene(Edit("mine/b", 2.0, mode="centred"), Edit("demo/smile", -1.0)),
        scene(Edit("demo/smile", 2.0)),
        scene(Edit("mine/b", 9.0), Edit("mine/a", 9.0), locks=("mine/b",)),
        scene(Edit("mine/b", 9.0), Edit("mine/a", 9.0)),
    ]


def test_a_batch_is_its_scenes_one_by_one(demo: Any, inside: Tensor) -> None:
    together = images(many(), demo)
    alone = torch.cat([images([one], demo) for one in many()])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert (together[0] - together[1]).abs().max() > 1e-2
    assert (together[7] - together[8]).abs().max() > 1e-3


def test_what_lies_below_an_edit_is_drawn_once(demo: Any, inside: Tensor) -> None:
    scenes = [scene(Edit("mine/a", s)) for s in (-2.0, 0.0, 1.0, 2.0)]
    painter = Painter(demo)
    with FlopCounterMode(display=False) as together:
        found = painter.images(scenes)
    with FlopCounterMode(display=False) as again:
        later = painter.images(scenes)
    with FlopCounterMode(display=False) as alone:
        images(scenes[:1], demo)
    assert again.get_total_flops() < together.get_total_flops() < 4 * alone.get_total_flops()
    assert torch.equal(found, later)
    one_by_one = torch.cat([images([one], demo) for one in scenes])
    torch.testing.assert_close(found, one_by_one, atol=1e-5, rtol=1e-4)


def test_classes_and_their_statistics_count_inside() -> None:
    """BigGAN-deep chooses its statistics by truncation, and every scene has its own mean."""
    network = made("biggan_deep")
    name = network.activation_names()[1]
    wide = network.activation(codes_of(network), name).shape[1]
    store("own", network, f"activation:{name}", draw(2, wide))
    scenes = [
        Scene("x", 5, truncation=0.5, label=label, edits=(Edit("own/a", 1.0, mode="centred"),))
        for label in (0, 2)
    ]
    labels = torch.tensor([0, 2])
    z = network.sample([5, 5])
    codes = network.mapping(z, labels, 0.5)
    direction: Any = find("own/a", network)
    x = network.activation(codes, name, labels, 0.5)
    mean = network.activation(torch.zeros_like(codes), name, labels, 0.5)
    way = 1.0 + direction.coordinate(mean, network) - direction.coordinate(x, network)
    offset = direction.offset(x, way)
    wanted = network.synthesis_with(codes, {name: offset}, labels, 0.5)
    torch.testing.assert_close(images(scenes, network), wanted, atol=1e-5, rtol=1e-4)
    mixture = replace(scenes[0], label=((0, 1.0), (2, 1.0)))
    assert (images([mixture], network) - images(scenes[:1], network)).abs().max() > 1e-4


def test_every_noise_has_its_own_mean() -> None:
    network = made("stylegan1")
    name = network.activation_names()[2]
    x = network.activation(network.mapping(network.sample([5])), name)
    store("own", network, f"activation:{name}", draw(2, x[0].numel()))
    direction: Any = find("own/a", network)
    origins = []
    for noise in (1, 2):
        one = Scene("x", 5, noise=noise, edits=(Edit("own/a", 1.0, mode="centred"),))
        change: Any = edits.changes([one], network)[name]
        middle = network.mapping(network.sample([5]), truncation=0.0)
        mean = network.activation(middle, name, noise=noise)
        origins.append(direction.coordinate(mean, network))
        torch.testing.assert_close(direction.coordinate(change(x), network), 1.0 + origins[-1])
    assert (origins[0] - origins[1]).abs() > 1e-3


def test_half_precision_does_not_round_strengths() -> None:
    """Steps of a slow strip differ, though bfloat16 has eight bits."""
    network = made("stylegan2", dtype=torch.bfloat16)
    name = network.activation_names()[-1]
    x = network.activation(codes_of(network, 1), name)
    assert x.dtype == torch.bfloat16
    store("own", network, f"activation:{name}", draw(2, x.shape[1]))
    scenes = [Scene("x", 1, edits=(Edit("own/a", s),)) for s in (64.0, 64.1)]
    change: Any = edits.changes(scenes, network)[name]
    moved = change(x.expand(2, -1, -1, -1))
    step = 0.1 * 0.5 * draw(2, x.shape[1])[0]
    torch.testing.assert_close((moved[1] - moved[0]).mean((1, 2)), step, atol=1e-4, rtol=1e-3)


def strip(strengths: Sequence[float]) -> presets.Preset:
    table = {
        "schema": 1,
        "name": "strip",
        "frames": len(strengths),
        "scene": {
            "model": "demo",
            "seed": 4,
            "edits": [
                {"direction": "mine/a", "strength": {"from": strengths[0], "to": strengths[-1]}},
                {"direction": "demo/smile", "strength": 1.0},
            ],
        },
        "outputs": [{"path": "strip.gif"}],
    }
    return presets.from_dict(table, "strip.toml")


def test_films_go_inside(demo: Any, inside: Tensor, tmp_path: Path) -> None:
    frames = list(render.frames(strip([-9.0, 0.0, 9.0])))
    for frame, strength in zip(frames, (-9.0, 0.0, 9.0), strict=True):
        stack = (Edit("mine/a", strength), Edit("demo/smile", 1.0))
        alone = render.picture(Scene("demo", 4, edits=stack))
        assert np.abs(frame.astype(int) - alone.astype(int)).max() <= 1
    assert np.abs(frames[0].astype(int) - frames[2].astype(int)).max() > 20
