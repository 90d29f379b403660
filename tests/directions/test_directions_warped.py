"""Warped paths: from training to a stored set to pictures that are where they claim to be."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from rbf_reference import traversal, value
from small_families import FAMILIES, made
from torch import Tensor
from toy_generator import Toy
from visible_latents import Patches

from latty.directions.discovery import save
from latty.directions.file import read, read_header
from latty.directions.methods.warped import METHOD, WhitenedWarps, direction, rbf
from latty.directions.methods.warped.paths import WarpedPath
from latty.directions.opening import find
from latty.directions.training.pairs import Pairs
from latty.edits import codes as codes_of
from latty.errors import BadData
from latty.models import open_model
from latty.scene import ALL, Edit, Scene

QUICK: dict[str, Any] = {
    "paths": 4,
    "dipoles": 4,
    "iterations": 2,
    "batch": 4,
    "reconstructor": "lenet",
    "probes": 1,
}


def path_of(width: int, sigma: float = 0.7, space: str = "w", far: float = 3.0) -> WarpedPath:
    torch.manual_seed(1)
    warps = rbf.Warps(2, 16, width)
    support = warps.support[1].detach() * far
    alphas, gamma = warps.alphas[1].detach(), torch.tensor(1 / (far * far * width))
    return WarpedPath("p", space, ALL, support, alphas, gamma, sigma)  # type: ignore[arg-type]


# --- paths ----------------------------------------------------------------------------------------


def test_a_path_leads_back_and_goes_on() -> None:
    path, toy, z = path_of(6), Toy(), torch.randn(8, 6)
    strength = torch.linspace(-2, 2, 8)
    there = path.move(z, strength, toy)
    torch.testing.assert_close(path.move(there, -strength, toy), z, atol=2e-3, rtol=0)
    halfway = path.move(path.move(z, strength / 2, toy), strength / 2, toy)
    torch.testing.assert_close(halfway, there, atol=2e-3, rtol=0)
    assert torch.equal(path.move(z, torch.zeros(8), toy), z)
    short = path.move(z, torch.full((8,), 0.01), toy) - z
    torch.testing.assert_close(short.norm(dim=1), torch.full((8,), 0.007), rtol=1e-3, atol=0)


def test_strength_is_length_along_the_path_uphill() -> None:
    path, toy, z = path_of(32, sigma=0.5), Toy(), torch.randn(4, 32)
    ends = [path.move(z, torch.full((4,), s), toy) for s in torch.linspace(0, 2, 101).tolist()]
    length = sum((b - a).norm(dim=1) for a, b in pairwise(ends))
    torch.testing.assert_close(length, torch.ones(4), rtol=1e-3, atol=0)
    heights = torch.stack([value(e, path.support, path.alphas, path.gamma) for e in ends])
    assert (heights[1:] > heights[:-1]).all()


def test_codes_follow_layer_by_layer() -> None:
    path, toy = path_of(5), Toy()
    codes = toy.mapping(toy.sample(range(3)))
    strength = torch.tensor([0.5, -1.0, 2.0])
    moved = path.move(codes, strength, toy)
    assert torch.equal(moved, moved[:, :1].expand_as(moved))
    torch.testing.assert_close(moved[:, 0], path.move(codes[:, 0], strength, toy))
    codes = codes.clone()
    codes[:, 2] += 1  # one layer elsewhere: it goes its own way, the others as before
    mixed = path.move(codes, strength, toy)
    torch.testing.assert_close(mixed[:, [0, 1, 3]], moved[:, [0, 1, 3]])
    torch.testing.assert_close(mixed[:, 2], path.move(codes[:, 2], strength, toy))
    assert not torch.allclose(mixed[:, 2] - codes[:, 2], mixed[:, 0] - codes[:, 0])


def test_a_traversal_is_in_order_and_has_its_start_in_the_middle() -> None:
    path, z = path_of(8, sigma=0.5), torch.randn(3, 8)
    codes = traversal(path, z, 6, 0.2)
    assert codes.shape == (3, 13, 8) and torch.equal(codes[:, 6], z)
    steps = (codes[:, 1:] - codes[:, :-1]).norm(dim=2)
    torch.testing.assert_close(steps, torch.full_like(steps, 0.2), rtol=2e-3, atol=0)
    heights = value(codes.flatten(0, 1), path.support, path.alphas, path.gamma).view(3, 13)
    assert (heights[:, 1:] > heights[:, :-1]).all()
    assert torch.equal(traversal(path, z, 6, 0.2, leap=3), codes[:, ::3])
    assert torch.equal(traversal(path, z, 5, 0.2, leap=2), codes[:, 2:-2:2])  # the start is kept
    for place, strength in ((0, -2.4), (9, 1.2)):  # 0.2 of length is 0.4 sigma
        there = path.move(z, torch.full((3,), strength), Toy())
        torch.testing.assert_close(codes[:, place], there, atol=1e-4, rtol=0)


def test_a_picture_is_of_the_code_it_claims(tmp_path: Path) -> None:
    """Drawn through a scene, a step of a traversal is the picture of that step's code."""
    generator = open_model("portraits", "cpu")
    found = METHOD(**QUICK, size=32).fit(generator)
    file = tmp_path / "paths.safetensors"
    save(file, "warped", found, generator)
    path = find(f"{file}#p2", generator)
    assert isinstance(path, WarpedPath)
    start = generator.mapping(generator.sample([7]))
    walk = traversal(path, start[:, 0], 4, path.sigma / 2)
    for place, strength in enumerate([-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]):
        edits = (Edit(f"{file}#p2", strength),) if strength else ()
        drawn = codes_of([Scene("portraits", 7, edits=edits)], generator)
        wanted = walk[:, place, None].expand_as(drawn)
        torch.testing.assert_close(drawn, wanted, atol=1e-4, rtol=0)


def test_another_models_path_is_refused() -> None:
    with pytest.raises(BadData, match="moves 6 numbers in w; toy has 5"):
        path_of(6).move(Toy().mapping(Toy().sample([0])), torch.ones(1), Toy())


# --- sets -----------------------------------------------------------------------------------------


def test_what_is_stored_is_what_was_trained(tmp_path: Path) -> None:
    """Functions live in latents of mean 0 and deviation 1; the file has them in latents."""
    generator = Patches()
    spread = Pairs(generator, METHOD()).spread()
    assert spread.unit == pytest.approx(2, rel=0.05)
    torch.testing.assert_close(spread.mean, torch.ones(5), atol=0.2, rtol=0)
    trained = WhitenedWarps(rbf.Warps(3, 4, 5), spread)
    arrays = trained.stored()
    w = generator.mapping(generator.sample(range(6)))[:, 0]
    for k in range(3):
        index = torch.full((6,), k)
        unit = trained(w, index, torch.ones(6)).detach()
        stored = [arrays[name][k] for name in ("support", "alphas", "loggamma")]
        ours = rbf.direction(w, stored[0], stored[1], stored[2].exp())
        torch.testing.assert_close(ours, unit, atol=1e-5, rtol=1e-4)


def test_headers_say_what_a_path_is_like(tmp_path: Path) -> None:
    generator = open_model("portraits", "cpu")
    file = tmp_path / "p.safetensors"
    params = {**QUICK, "probes": 4, "layers": "1-2"}
    save(file, "warped", METHOD(**params, seed=5).fit(generator), generator)
    header, arrays = read(file)
    assert header == read_header(file) and header.form == "warped" and header.space == "w"
    assert header.names == ("p0", "p1", "p2", "p3") and header.seeds == "5-2052"
    assert {name: tuple(a.shape) for name, a in arrays.items()} == {
        "support": (4, 8, 32),
        "alphas": (4, 8),
        "loggamma": (4,),
    }
    samples = generator.mapping(generator.sample(range(3000)))[:, 0]
    for k, info in enumerate(header.infos):
        scores = dict(info.scores)
        assert (
            set(scores) == {"accuracy", "change", "bend", "gap"}
            and scores["change"] > 0
            and str(info.layers) == "1-2"
        )
        assert scores["accuracy"] * 4 % 1 == 0 and 0 < scores["bend"] < 0.9
        assert scores["gap"] < 0.05 and info.usable == (-3.0, 3.0)
        unit = rbf.direction(
            samples, arrays["support"][k], arrays["alphas"][k], arrays["loggamma"][k].exp()
        )
        cov = torch.cov(samples.T)
        spread = ((unit @ cov) * unit).sum(1).mean().sqrt()
        assert info.sigma == pytest.approx(float(spread), rel=0.1)


def test_only_what_should_learn_does() -> None:
    generator = Patches()
    spread = Pairs(generator, METHOD()).spread()
    for alphas, gammas in ((False, True), (True, False)):
        method = METHOD(
            **QUICK, learn_alphas=alphas, learn_gammas=gammas, gamma=0.5, shape_rate=1e-2
        )
        found = method.fit(generator).extra_
        moved = (found["loggamma"] - torch.log(torch.tensor(0.5 / spread.unit**2))).abs().max()
        assert (float(moved) > 1e-5) == gammas
        assert (found["alphas"].abs() != 1).any() == alphas


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"support": torch.zeros(2, 4, 5)}, "does not fit 3 paths"),
        ({"support": torch.zeros(3, 4)}, "needs support"),
        ({"alphas": torch.zeros(3, 5)}, "does not fit"),
        ({"loggamma": torch.zeros(2)}, "does not fit"),
    ],
)
def test_arrays_that_are_no_paths_are_refused(change: dict[str, Tensor], words: str) -> None:
    found = METHOD(**{**QUICK, "paths": 3}).fit(Patches())
    header = replace(_header(), infos=found.infos_)
    assert isinstance(direction(header, 2, found.extra_), WarpedPath)
    with pytest.raises(BadData, match=words):
        direction(header, 2, {**found.extra_, **change})
    with pytest.raises(BadData, match="needs support"):
        direction(header, 2, {})
    with pytest.raises(BadData, match="not in activation:a"):
        direction(replace(header, space="activation:a"), 2, found.extra_)


def _header() -> Any:
    from latty.directions.file import DirectionSet

    return DirectionSet("warped", "w", (), "toy", form="warped")


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadData, match="0 dipoles"):
        METHOD(**{**QUICK, "dipoles": 0}).fit(Patches())
    with pytest.raises(BadData, match="gamma"):
        METHOD(**QUICK, gamma=-1.0).fit(Patches())


# --- training -------------------------------------------------------------------------------------


def test_paths_become_distinguishable() -> None:
    """Latents that can be seen: 5 paths, so chance is 20 %."""
    params = {**QUICK, "paths": 5, "batch": 16, "probes": 20, "iterations": 130}
    found = METHOD(**params, reconstructor_rate=5e-3, size=16, seed=3).fit(Patches())
    accuracy = [dict(info.scores)["accuracy"] for info in found.infos_]
    assert sum(accuracy) / 5 > 0.5, accuracy


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_can_be_walked(family: str, tmp_path: Path) -> None:
    generator = made(family)
    file = tmp_path / "paths.safetensors"
    if not generator.info.differentiable:
        with pytest.raises(BadData, match="no gradients"):
            METHOD(**QUICK).fit(generator)
        return
    save(file, "warped", METHOD(**QUICK).fit(generator), generator)
    path = find(f"{file}#3", generator)
    z = generator.sample(range(3))
    latents = z if path.space == "z" else generator.mapping(z)
    far = read_header(file).infos[3].usable[1]
    strength = far * torch.tensor([0.0, 1.0, -1.0]) / 4
    moved = path.move(latents, strength, generator)
    assert torch.equal(moved[0], latents[0]) and not torch.allclose(moved[1], latents[1])
    back = path.move(moved, -strength, generator)
    torch.testing.assert_close(back, latents, atol=5e-3, rtol=0)
