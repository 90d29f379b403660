"""GANSpace: components of latents and layers of every family, moves, interruption, resumption."""

import os
import signal
import subprocess
import sys
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from places import LIMIT
from small_families import FAMILIES, made
from torch import Tensor
from toy_generator import Toy

from latty.directions.discovery import save
from latty.directions.file import ARRAY, read
from latty.directions.linear import LinearDirection
from latty.directions.methods.ganspace import METHOD
from latty.directions.methods.ganspace.samples import GanspaceRows
from latty.directions.opening import find
from latty.directions.parameters import parameters, resolved
from latty.errors import BadData, Interrupted
from latty.models import open_model
from latty.models.base import HasActivations
from latty.scene import Layers


def latents(generator: Any, count: int, seed: int = 1) -> Tensor:
    """w (N, D) float64."""
    z = generator.sample(range(seed, seed + count))
    found: Tensor = generator.mapping(z)[:, 0].double()
    return found


def singular(rows: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """Right singular vectors (K, D), standard deviations (K,), coordinates (N, K), in float64."""
    u, s, v = torch.linalg.svd(rows.double() - rows.double().mean(0), full_matrices=False)
    freedom = (len(rows) - 1) ** 0.5
    return v[:count], s[:count] / freedom, u[:, :count] * freedom


def likeness(a: Tensor, b: Tensor) -> Tensor:
    """|cosine| of the rows of a and b."""
    return torch.cosine_similarity(a.double(), b.double()).abs()


@pytest.fixture(scope="module")
def network() -> Any:
    """A small StyleGAN2 with three classes."""
    return made("stylegan2")


@pytest.mark.parametrize(
    ("family", "said", "layer"),
    [
        ("biggan_deep", "generator.gen_z", "gen_z"),
        ("biggan_deep", "generator.layers.0", "block0"),
        ("stylegan1", "g_mapping", "w"),
        ("stylegan1", "g_synthesis.blocks.4x4", "layer1"),
        ("stylegan2", "conv1", "b4.conv1"),
        ("progan", "layer2", "layer2"),  # a name of its own
    ],
)
def test_layers_are_found_by_the_originals_names(family: str, said: str, layer: str) -> None:
    found = resolved({"layer": said}, made(family))
    assert found["layer"] == layer


SEARCHES: dict[
    str, Any
] = {  # models, layers, parameters, samples of each search, the share that may turn around
    "w": (("demo", "portraits"), ("",), {}, (20_000, 20_000, 15_000, 10_000), 0.04),
    "layers": (
        ("demo",),
        ("b8.conv1", "b16.conv0"),
        {"edit": "activation"},
        (4000, 4000, 3000, 2000),
        0.08,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEARCHES)
def test_components_go_the_same_way_for_other_samples(kind: str) -> None:
    """Those that are found again; by the sign of the largest entry one in eight turns around."""
    models, layers, params, counts, most = SEARCHES[kind]
    found = []
    for name, layer in product(models, layers):
        fits = [
            METHOD(samples=count, components=24, seed=seed, layer=layer, **params)
            .fit(open_model(name, "cpu"))
            .directions_
            for count, seed in zip(counts, (1, 300_001, 600_001, 900_001), strict=True)
        ]
        for one, two in combinations(fits, 2):
            cosines = torch.cosine_similarity(one, two)
            found += cosines[cosines.abs() > 0.9].sign().tolist()
    assert len(found) > 150 and found.count(-1.0) <= most * len(found)


# --- the latent itself ----------------------------------------------------------------------------


def test_components_of_w_are_its_singular_vectors() -> None:
    generator = open_model("portraits", "cpu")
    found = METHOD(samples=3000, components=10).fit(generator)
    w = latents(generator, 3000)
    vectors, stdev, _ = singular(w, 10)
    assert likeness(found.directions_, vectors).min() > 1 - 1e-6
    sigma = torch.tensor([info.sigma for info in found.infos_])
    torch.testing.assert_close(sigma, stdev.float(), rtol=1e-4, atol=0)
    assert found.space_ == "w" and found.complete_ and found.seeds_ == "1-3000"
    assert [info.name for info in found.infos_] == [f"c{i}" for i in range(10)]
    assert found.directions_.dtype == torch.float32
    torch.testing.assert_close(found.directions_.norm(dim=1), torch.ones(10))
    share = dict(found.infos_[0].scores)["variance"]
    assert share == pytest.approx(float(stdev[0] ** 2 / w.var(0).sum()), rel=1e-3)
    baseline = dict(found.infos_[0].scores)["random"]
    assert baseline == pytest.approx(float(w.var(0).mean().sqrt()), rel=1e-3)


def test_order_and_signs_are_settled() -> None:
    found = METHOD(samples=500).fit(Toy())
    sigma = [info.sigma for info in found.infos_]
    assert sigma == sorted(sigma, reverse=True) and len(sigma) == 5  # clamped from 80
    largest = found.directions_.gather(1, found.directions_.abs().argmax(1, keepdim=True))
    assert (largest > 0).all()
    again = METHOD(samples=500).fit(Toy())
    assert torch.equal(again.directions_, found.directions_) and again.infos_ == found.infos_


def test_w_is_the_least_squares_of_w_on_itself() -> None:
    """The short way, components = directions, and the long way by regression are one."""
    short = METHOD(samples=800, components=4).fit(Toy())
    source = GanspaceRows(Toy(), "w", "w", 1, None)
    from latty.directions.methods.ganspace.estimators import choose
    from latty.directions.methods.ganspace.plan import FitPlan
    from latty.report import silent

    estimator = choose("exact", FitPlan(800, source.width, source.latent, 4))
    for _ in source.fill(estimator.room()[:800], 0, 32):
        pass
    estimator.add(800)
    long = estimator.finish(4, silent)
    assert likeness(short.directions_, long.regression).min() > 1 - 1e-7
    torch.testing.assert_close(long.regression.norm(dim=1), long.stdev)
    torch.testing.assert_close(long.r2, torch.ones(4).double())


def test_z_can_be_asked_for_and_its_steps_are_units() -> None:
    found = METHOD(samples=3000, layer="z").fit(Toy())
    assert found.space_ == "z" and found.directions_.shape == (6, 6)
    assert {info.sigma for info in found.infos_} == {1.0}
    stdev = [dict(info.scores)["stdev"] for info in found.infos_]
    assert max(stdev) < 1.1 and min(stdev) > 0.9  # isotropic: nothing to find
    to_z = METHOD(samples=3000, space="z").fit(Toy())  # components of w, moves of z
    assert to_z.space_ == "z" and to_z.directions_.shape == (5, 6)
    assert {info.sigma for info in to_z.infos_} == {1.0}


@pytest.mark.parametrize("family", ["biggan", "biggan_deep", "dcgan", "plain", "progan", "sngan"])
def test_isotropic_latents_are_refused_with_what_to_do(family: str) -> None:
    generator = made(family)
    line = METHOD().missing(generator)
    assert "no axes" in line and generator.activation_names()[1] in line and "\n" not in line
    with pytest.raises(BadData, match="no axes"):
        METHOD(samples=100).fit(generator)
    assert METHOD(layer=generator.activation_names()[0]).missing(generator) == ""
    assert METHOD(layer="z").missing(generator) == ""


# --- layers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_a_layer_of_every_family(family: str, tmp_path: Path) -> None:
    generator = made(family)
    info = generator.info
    if not isinstance(generator, HasActivations):
        layer = METHOD(layer="conv1")
        assert "shows no activations" in layer.missing(generator)
        with pytest.raises(BadData, match="shows no activations"):
            layer.fit(generator)
        return
    name = generator.activation_names()[-1]
    moves = METHOD(samples=150, components=4, layer=name, layers="0-1").fit(generator)
    width = info.z_dim if info.space == "z" else info.width
    assert moves.space_ == info.space and moves.directions_.shape == (4, width)
    assert all(i.layers == Layers(0, 2) and dict(i.scores)["r2"] > 0 for i in moves.infos_)
    header = save(tmp_path / "moves.safetensors", "ganspace", moves, generator)
    stored, tensors = read(tmp_path / "moves.safetensors")
    assert stored.infos == header.infos and stored.space == info.space
    assert torch.equal(tensors[ARRAY], moves.directions_)
    edits = METHOD(samples=150, components=4, layer=name, edit="activation").fit(generator)
    codes, label = GanspaceRows(generator, name, "", 1, None)._drawn(range(1, 151))[1:]
    kwargs = {} if label is None else {"label": label}
    rows = generator.activation(codes, name, **kwargs).flatten(1)
    vectors, stdev, _ = singular(rows, 4)
    assert (
        edits.space_ == f"activation:{name}" and likeness(edits.directions_, vectors).min() > 0.99
    )
    sigma = torch.tensor([i.sigma for i in edits.infos_])
    torch.testing.assert_close(sigma, stdev.float(), rtol=1e-3, atol=0)
    save(tmp_path / "edits.safetensors", "ganspace", edits, generator)
    stored, tensors = read(tmp_path / "edits.safetensors")
    assert stored.space == f"activation:{name}" and tensors[ARRAY].shape == (4, rows.shape[1])


def test_latent_moves_are_least_squares_of_a_second_pass(network: Any) -> None:
    name = "b8.conv1"
    found = METHOD(samples=600, components=6, layer=name, label=1).fit(network)
    label = torch.full((600,), 1)
    codes = network.mapping(network.sample(range(1, 601)), label)
    rows, w = network.activation(codes, name).flatten(1), codes[:, 0].double()
    _, _, scores = singular(rows, 6)
    solved = torch.linalg.lstsq(scores, w - w.mean(0)).solution
    assert likeness(found.directions_, solved).min() > 1 - 1e-6
    unit = torch.nn.functional.normalize(found.directions_.double(), dim=1)
    sigma = torch.tensor([info.sigma for info in found.infos_])
    torch.testing.assert_close(sigma, (w @ unit.T).std(0).float(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("estimator", ["exact", "sketch", "dual"])
def test_the_batch_of_the_generator_changes_nothing(network: Any, estimator: str) -> None:
    """The rows of a layer may differ by rounding with the batch; w does not even do that."""
    options: dict[str, Any] = {"samples": 300, "components": 5, "estimator": estimator}
    one = METHOD(**options, layer="b8.conv0", batch=300).fit(network)
    for batch in (1, 7, 64):
        other = METHOD(**options, layer="b8.conv0", batch=batch).fit(network)
        assert likeness(one.directions_, other.directions_).min() > 1 - 1e-6
        for a, b in zip(one.infos_, other.infos_, strict=True):
            assert a.sigma == pytest.approx(b.sigma, rel=1e-5)
        w = [METHOD(**options, batch=size).fit(network).directions_ for size in (batch, 300)]
        assert torch.equal(*w)


def test_the_estimators_agree(network: Any) -> None:
    found = {}
    for name in ("exact", "sketch", "dual", "randomised"):
        method = METHOD(samples=700, components=5, layer="b8.conv1", estimator=name)  # type: ignore[arg-type]
        found[name] = method.fit(network).directions_
    for name, directions in found.items():
        assert likeness(found["exact"], directions).min() > 0.99, name


@pytest.mark.parametrize("estimator", ["ica", "sparse"])
def test_other_estimators_give_sets_like_the_rest(
    network: Any, estimator: Any, tmp_path: Path
) -> None:
    for edit in ("latent", "activation"):
        method = METHOD(samples=900, components=3, layer="b8.conv0", estimator=estimator, edit=edit)  # type: ignore[arg-type]
        found = method.fit(network)
        assert len(found.infos_) == len(found.directions_) == 3
        torch.testing.assert_close(found.directions_.norm(dim=1), torch.ones(3))
        spread = [dict(info.scores)["stdev"] for info in found.infos_]
        assert spread == sorted(spread, reverse=True)
        save(tmp_path / "set.safetensors", "ganspace", found, network)
        assert torch.equal(method.fit(network).directions_, found.directions_)


def test_classes_are_one_or_all(network: Any) -> None:
    one = METHOD(samples=400, components=3, label=0).fit(network)
    two = METHOD(samples=400, components=3, label=2).fit(network)
    assert likeness(one.directions_, two.directions_).min() < 0.999
    source = GanspaceRows(network, "w", "", 1, None)
    drawn = source._labels(range(5, 305), torch.zeros(300, 1))
    counts = torch.bincount(drawn, minlength=3)
    assert counts.min() > 90
    assert torch.equal(drawn[100:], source._labels(range(105, 305), torch.zeros(200, 1)))


def test_a_found_direction_moves_pictures() -> None:
    """Through the front door: saved, found by name, and its effect is its own."""
    from latty import home

    toy = Toy()
    found = METHOD(samples=500, layers="1-2").fit(toy)
    save(home.directions_dir() / "mine.safetensors", "ganspace", found, toy)
    direction = find("mine/c1", toy)
    assert isinstance(direction, LinearDirection) and direction.layers == Layers(1, 3)
    codes = toy.mapping(toy.sample([3]))
    moved = direction.move(codes, torch.tensor([2.0]), toy) - codes
    wanted = 2 * found.infos_[1].sigma * found.directions_[1]
    torch.testing.assert_close(moved[0, 0], wanted)
    assert (toy.synthesis(codes + moved) - toy.synthesis(codes)).abs().max() > 0.05


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"layer": "b8.conv2"}, r"no layer 'b8.conv2' \(did you mean 'b8.conv"),
        ({"samples": 1}, "two samples"),
        ({"components": 0}, "one component"),
        ({"seed": -1}, "seeds go from 0"),
        ({"seed": 2**32 - 5, "samples": 10}, "seeds go from 0"),
        ({"layers": "8-4"}, "ends before it starts"),
        ({"layers": "70-80"}, "no layers 70-80"),
        ({"batch": 0}, "batch is 0"),
        ({"sketch": 3, "components": 4}, "has no 4 components"),
        ({"edit": "activation"}, "needs a layer"),
        ({"layer": "b16.conv1", "memory": 1, "estimator": "exact"}, "1 MB are allowed"),
    ],
)
def test_refusals(network: Any, options: dict[str, Any], line: str) -> None:
    with pytest.raises(BadData, match=line) as refused:
        METHOD(**{"samples": 100, "components": 4, **options}).fit(network)
    assert "\n" not in str(refused.value)


def test_a_layer_that_never_changes_is_refused() -> None:
    class Still(Toy):
        def mapping(self, z: Tensor, *rest: Any, **more: Any) -> Tensor:
            return torch.ones(len(z), 4, 5)

    with pytest.raises(BadData, match="the same for every sample"):
        METHOD(samples=50).fit(Still())


def test_broken_weights_are_refused() -> None:
    class Broken(Toy):
        def mapping(self, z: Tensor, *rest: Any, **more: Any) -> Tensor:
            codes = super().mapping(z)
            codes[7] = torch.nan
            return codes

    with pytest.raises(BadData, match="'w' of toy is not finite for seeds 1 to 50"):
        METHOD(samples=50).fit(Broken())


def test_every_parameter_has_its_words() -> None:
    for parameter in parameters("ganspace"):
        assert parameter.help, parameter.name


# --- interruption ---------------------------------------------------------------------------------


class Stop:
    """A report that interrupts once `after` samples are done, and may not be called again."""

    def __init__(self, after: int) -> None:
        self.after, self.over = after, False

    def __call__(self, done: int, total: int, what: str) -> None:
        assert not self.over, "report was called after the interruption"
        if what == "samples" and done >= self.after:
            self.over = True
            raise Interrupted(signal.SIGINT)


@pytest.mark.parametrize("estimator", ["exact", "sketch", "dual"])
def test_an_interrupted_search_keeps_what_it_has(network: Any, estimator: Any) -> None:
    options: dict[str, Any] = {"components": 4, "layer": "b8.conv0", "estimator": estimator}
    whole = METHOD(samples=2000, **options, batch=20)
    found = whole.fit(network, Stop(1300))
    count = int(found.seeds_.removeprefix("1-"))
    assert not found.complete_ and 1300 <= count < 1320 and len(found.infos_) == 4
    same = METHOD(samples=count, **options, batch=20).fit(network)
    assert torch.equal(found.directions_, same.directions_) and found.infos_ == same.infos_


def test_nothing_is_kept_of_too_little(network: Any) -> None:
    with pytest.raises(Interrupted):
        METHOD(samples=500, components=40, layer="b8.conv0", batch=20).fit(network, Stop(20))
    with pytest.raises(Interrupted):  # ICA has nothing before the last sample
        METHOD(samples=500, components=4, estimator="ica").fit(network, Stop(500))


def test_ica_can_be_interrupted_and_goes_on(tmp_path: Path) -> None:
    generator = open_model("demo", "cpu")
    method = METHOD(samples=3000, components=5, estimator="ica")

    def stop(done: int, total: int, what: str) -> None:
        if what == "ICA iterations" and done == 2:
            raise Interrupted(signal.SIGINT)

    def no_samples(done: int, total: int, what: str) -> None:
        assert what != "samples"

    with pytest.raises(Interrupted):
        method.fit(generator, stop, tmp_path)
    again = method.fit(generator, no_samples, tmp_path)
    whole = METHOD(samples=3000, components=5, estimator="ica").fit(generator)
    assert torch.equal(again.directions_, whole.directions_) and again.complete_


def test_an_interrupted_search_goes_on(network: Any, tmp_path: Path) -> None:
    method = METHOD(samples=1500, components=4, layer="b8.conv1", estimator="sketch")
    whole = method.fit(network).directions_
    assert not method.fit(network, Stop(700), tmp_path).complete_
    starts: list[int] = []
    again = method.fit(network, lambda done, total, what: starts.append(done), tmp_path)
    assert starts[0] > 600 and again.complete_ and torch.equal(again.directions_, whole)
    other = METHOD(samples=1500, components=4, layer="b8.conv1", estimator="sketch", seed=2)
    assert not torch.equal(other.fit(network, work=tmp_path).directions_, whole)


KILLED = """
import os, signal, sys
from pathlib import Path
from latty.models import open_model
from latty.directions.methods.ganspace import state
from latty.directions.methods.ganspace import METHOD
state.SECONDS = state.SHARE = 0.0
def die(done, total, what):
    if done >= 1100:
        os.kill(os.getpid(), signal.SIGKILL)
METHOD(**{options!r}).fit(open_model({model!r}, "cpu"), die, Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "layer", "model"),
    [("exact", "", "portraits"), ("sketch", "b4.conv1", "demo"), ("ica", "", "demo")],
)
def test_a_killed_search_goes_on_to_the_same_bytes(
    estimator: str, layer: str, model: str, tmp_path: Path
) -> None:
    options = {"samples": 1300, "components": 3, "layer": layer, "estimator": estimator}
    options["block"] = 200
    work = tmp_path / "work"
    work.mkdir()
    script = KILLED.format(options=options, model=model)
    died = subprocess.run([sys.executable, "-c", script, str(work)], timeout=LIMIT, env=os.environ)
    assert died.returncode == -signal.SIGKILL
    kept = {path: path.stat().st_mtime_ns for path in work.iterdir()}
    assert kept, "nothing was kept"
    generator, first = open_model(model, "cpu"), []
    whole, resumed = tmp_path / "whole.safetensors", tmp_path / "resumed.safetensors"
    again = METHOD(**options).fit(generator, lambda d, t, w: first.append(d), work)  # type: ignore[arg-type]
    assert first[0] > 500, "it began again"
    save(resumed, "ganspace", again, generator)
    save(whole, "ganspace", METHOD(**options).fit(generator), generator)  # type: ignore[arg-type]
    assert resumed.read_bytes() == whole.read_bytes()


def test_progress_counts_samples(network: Any) -> None:
    told: list[tuple[int, int, str]] = []
    METHOD(samples=250, components=4, layer="b4.conv1", batch=100).fit(
        network, lambda *words: told.append(words)
    )
    assert told == [(100, 250, "samples"), (200, 250, "samples"), (250, 250, "samples")]
    assert np.all(np.diff([done for done, _, _ in told]) > 0)
