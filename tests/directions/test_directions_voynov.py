"""Voynov's directions: what each kind of deformator promises, and that training finds them."""

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from small_families import FAMILIES, made
from toy_generator import Toy
from visible_latents import Patches

from latty.directions.curved import CurvedDirection
from latty.directions.discovery import save
from latty.directions.file import ARRAY, DirectionSet, read, read_header
from latty.directions.linear import LinearDirection
from latty.directions.methods.voynov import METHOD, deformators, direction
from latty.directions.methods.voynov.deformators import CurveNetwork, Kind, Matrix, deformator
from latty.directions.opening import find
from latty.errors import BadData

KINDS = get_args(Kind)
QUICK: dict[str, Any] = {
    "directions": 4,
    "iterations": 2,
    "batch": 4,
    "reconstructor": "lenet",
    "probes": 1,
}


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """1024 hidden numbers are for real latents."""
    monkeypatch.setattr(CurveNetwork.__init__, "__defaults__", (32,))


def matrix(kind: Any, count: int, width: int, random_init: bool = True) -> torch.Tensor:
    torch.manual_seed(0)
    made_one = deformator(kind, count, width, random_init)
    assert isinstance(made_one, Matrix)
    return made_one.columns().detach()


# --- kinds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 7])
@pytest.mark.parametrize("kind", ["ortho", "random"])
def test_orthogonal_kinds_are(kind: str, count: int) -> None:
    columns = matrix(kind, count, 7)
    torch.testing.assert_close(columns.T @ columns, torch.eye(count), atol=1e-5, rtol=0)
    assert not torch.allclose(columns, torch.eye(7)[:, :count])


def test_ortho_stays_orthogonal_in_training() -> None:
    found = METHOD(**{**QUICK, "iterations": 20}, deformator_rate=0.1).fit(Patches())
    start = METHOD(**QUICK, deformator_rate=0.0).fit(Patches())
    gram = found.directions_ @ found.directions_.T
    torch.testing.assert_close(gram, torch.eye(4), atol=1e-5, rtol=0)
    assert (found.directions_ - start.directions_).abs().max() > 0.1, "nothing was learned"


def test_more_directions_than_numbers_are_cropped() -> None:
    for kind in ("ortho", "random", "proj", "linear"):
        assert matrix(kind, 9, 5).shape == (5, 9)
    torch.testing.assert_close(matrix("ortho", 9, 5, False), torch.eye(9)[:5])
    with pytest.raises(BadData, match="there are 5 axes"):
        deformator("id", 9, 5, False)


@pytest.mark.parametrize("kind", ["ortho", "proj", "linear", "id"])
def test_without_a_random_start_direction_k_is_axis_k(kind: str) -> None:
    torch.testing.assert_close(matrix(kind, 3, 5, False), torch.eye(5)[:, :3])


def test_proj_is_as_long_as_asked_and_linear_is_not() -> None:
    magnitude = torch.tensor([2.0, -3.0])
    for kind, kept in (("proj", True), ("linear", False)):
        torch.manual_seed(0)
        shift = deformator(kind, 4, 6, True)(torch.zeros(2, 6), torch.tensor([1, 3]), magnitude)  # type: ignore[arg-type]
        assert torch.allclose(shift.norm(dim=1), magnitude.abs()) == kept


def test_a_shift_is_the_column_times_the_amount() -> None:
    torch.manual_seed(0)
    made_one = deformator("linear", 4, 6, True)
    assert isinstance(made_one, Matrix)
    shift = made_one(torch.zeros(2, 6), torch.tensor([1, 3]), torch.tensor([2.0, -3.0]))
    columns = made_one.columns()
    torch.testing.assert_close(shift, torch.stack([2 * columns[:, 1], -3 * columns[:, 3]]))


def test_curves_begin_at_nothing_and_are_alone() -> None:
    torch.manual_seed(0)
    curves, z = CurveNetwork(4, 6), torch.zeros(3, 6)
    index, magnitude = torch.tensor([0, 2, 2]), torch.tensor([0.0, 1.5, -1.5])
    shift = curves(z, index, magnitude)
    assert torch.allclose(shift[0], torch.zeros(6), atol=1e-6)
    assert (shift[1] + shift[2]).norm() > 1e-2, "a curve is no line"
    alone = curves(z[1:2], index[1:2], magnitude[1:2])
    torch.testing.assert_close(alone, shift[1:2])
    straight = deformator("fc", 4, 6, False)(z, index, magnitude)
    torch.testing.assert_close(straight, magnitude[:, None] * torch.eye(6)[index])


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_trains_and_is_found_again(kind: Any, tmp_path: Path) -> None:
    generator, file = Toy(), tmp_path / "d.safetensors"
    found = METHOD(**QUICK, kind=kind).fit(generator)
    save(file, "voynov", found, generator)
    header, arrays = read(file)
    assert header.names == ("d0", "d1", "d2", "d3") and dict(header.params)["kind"] == kind
    assert header.form == ("voynov" if kind == "fc" else "linear")
    one = find(f"{file}#d2", generator)
    codes = generator.mapping(generator.sample(range(3)))
    strength = torch.tensor([0.0, 1.0, -2.0])
    moved = one.move(codes, strength, generator)
    torch.testing.assert_close(moved[0], codes[0])
    assert (moved[1] - codes[1]).norm() > 1e-3
    torch.testing.assert_close(one.move(codes[1:2], strength[1:2], generator), moved[1:2])
    if kind == "fc":
        assert isinstance(one, CurvedDirection)
        latents = codes[:, 0]
        torch.testing.assert_close(one.move(latents, strength, generator), moved[:, 0])
        return
    assert isinstance(one, LinearDirection) and set(arrays) == {ARRAY}
    torch.testing.assert_close(arrays[ARRAY].norm(dim=1), torch.ones(4))
    assert (arrays[ARRAY].gather(1, arrays[ARRAY].abs().argmax(1, keepdim=True)) > 0).all()
    samples = generator.mapping(generator.sample(range(4000)))[:, 0]
    spreads = (samples @ arrays[ARRAY].T).std(0)
    found_sigmas = torch.tensor([info.sigma for info in header.infos])
    torch.testing.assert_close(found_sigmas, spreads, rtol=0.06, atol=0)


# --- the file of curves ---------------------------------------------------------------------------


def test_arrays_that_are_no_curves_are_refused() -> None:
    found = METHOD(**QUICK, kind="fc").fit(Toy())
    header = DirectionSet("voynov", "w", found.infos_, "toy", form="voynov")
    arrays = found.extra_
    assert direction(header, 1, arrays).sigma == found.infos_[1].sigma
    missing = {name: t for name, t in arrays.items() if name != "norms.1.weight"}
    for given, words in (
        ({}, "needs the weights"),
        (missing, "norms.1.weight"),
        ({**arrays, "last.bias": torch.zeros(9)}, "last.bias"),
        ({**arrays, "layers.0.weight": torch.zeros(8, 3)}, "3 inputs do not fit 4 curves"),
    ):
        with pytest.raises(BadData, match=words):
            direction(header, 1, given)
    with pytest.raises(BadData, match="not in activation:a"):
        direction(replace(header, space="activation:a"), 1, arrays)
    other = direction(header, 1, arrays)
    with pytest.raises(BadData, match="moves 5 numbers in w; toy has 6"):
        other.move(torch.zeros(1, 6), torch.ones(1), Toy())


# --- training -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ortho", "fc", pytest.param("proj", marks=pytest.mark.slow)])
def test_directions_become_distinguishable(kind: Any) -> None:
    """Latents that can be seen: 5 directions, so chance is 20 %."""
    params = {**QUICK, "directions": 5, "batch": 16, "probes": 20, "iterations": 100}
    found = METHOD(**params, kind=kind, reconstructor_rate=5e-3, size=16, max_shift=4.0)
    accuracy = [dict(info.scores)["accuracy"] for info in found.fit(Patches()).infos_]
    assert sum(accuracy) / 5 > 0.5, accuracy


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_can_be_moved(family: str, tmp_path: Path) -> None:
    generator = made(family)
    file = tmp_path / "d.safetensors"
    if not generator.info.differentiable:
        with pytest.raises(BadData, match="no gradients"):
            METHOD(**QUICK).fit(generator)
        return
    save(file, "voynov", METHOD(**QUICK).fit(generator), generator)
    one = find(f"{file}#3", generator)
    z = generator.sample(range(3))
    latents = z if one.space == "z" else generator.mapping(z)
    moved = one.move(latents, torch.tensor([0.0, 1.0, -1.0]), generator)
    torch.testing.assert_close(moved[0], latents[0])
    assert moved.isfinite().all() and (moved[1] - latents[1]).norm() > 1e-4
    assert read_header(file).complete and deformators.DEPTH == 3
