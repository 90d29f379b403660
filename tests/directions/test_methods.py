"""Every method keeps the same promises on every family: it finds directions that move latents, or
says in one line what the generator lacks.
"""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from places import ROOT
from small_families import FAMILIES, made
from torch import Tensor

from latty.directions.base import Calibrated, Direction, HasCoordinate
from latty.directions.discovery import discover, make, params_of
from latty.directions.file import read, read_header
from latty.directions.opening import find
from latty.directions.parameters import Parameter, parameters, parse
from latty.directions.registries import METHODS
from latty.errors import BadData, Interrupted, UsageError, WouldOverwrite
from latty.models.base import HasActivations

NAMES = METHODS.names()


def tiny(method: str, generator: Any) -> dict[str, Any]:
    """Parameters of a short search."""
    return METHODS.load(method).quick(generator)


def latents_of(generator: Any, direction: Direction, count: int) -> Tensor:
    """What `direction` moves: latents (N, Z) or codes (N, L, D)."""
    z = generator.sample(range(900, 900 + count))
    latents: Tensor = z if direction.space == "z" else generator.mapping(z)
    return latents


# --- the words ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", NAMES)
def test_parameters_can_be_asked_for(method: str) -> None:
    """What the source says is what the class takes, and each parameter has its words."""
    found = {one.name: one for one in parameters(method)}
    signature = inspect.signature(METHODS.load(method).METHOD.__init__)
    assert sorted(found) == sorted(signature.parameters.keys() - {"self"})
    for name, one in found.items():
        assert one.default == signature.parameters[name].default, name
        assert one.help, f"{method}: '{name}' has no comment behind it"
        if one.choices and isinstance(one.default, str):
            assert one.default in one.choices


@pytest.mark.parametrize("method", NAMES)
def test_it_has_a_line_for_the_list_and_a_page(method: str) -> None:
    assert METHODS.summary(method).endswith(".")
    page = ROOT / "docs" / "methods" / f"{method}.md"
    text = page.read_text(encoding="utf-8")
    assert f"latty discover {method}" in text and f"method-{method}." in text


@pytest.mark.parametrize("method", NAMES)
def test_unknown_parameters_are_refused(method: str) -> None:
    with pytest.raises(UsageError, match="no parameter 'colour'"):
        make(method, {"colour": 1})


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        (Parameter("n", ("int",), 1), "12", 12),
        (Parameter("n", ("int", "none"), None), "none", None),
        (Parameter("n", ("int", "float"), 1), "0.5", 0.5),
        (Parameter("n", ("bool",), True), "no", False),
        (Parameter("n", ("strs",), ()), "a, b", ("a", "b")),
        (Parameter("n", ("ints",), ()), "1,2", (1, 2)),
        (Parameter("n", ("str",), "a", ("a", "b")), "b", "b"),
    ],
)
def test_values_are_read(parameter: Parameter, text: str, value: object) -> None:
    assert parse(parameter, text) == value


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        (Parameter("n", ("int",), 1), "1.5"),
        (Parameter("n", ("float",), 1.0), "inf"),
        (Parameter("n", ("float",), 1.0), "nan"),
        (Parameter("n", ("str",), "a", ("a", "b")), "c"),
        (Parameter("n", ("bool",), True), "maybe"),
        (Parameter("many_n", ("ints",), ()), "1,x"),
    ],
)
def test_values_that_do_not_fit_are_refused(parameter: Parameter, text: str) -> None:
    with pytest.raises(UsageError, match=f"--{parameter.name.replace('_', '-')}: '{text}'"):
        parse(parameter, text)


# --- every method on every family -----------------------------------------------------------------


FEW = ("stylegan2 wide and clear", "biggan_deep", "dcgan")  # w in layers, z in chunks, one z


@pytest.mark.parametrize(
    "family",
    [pytest.param(one, marks=() if one in FEW else pytest.mark.slow)
     for one in [*FAMILIES, FEW[0]]],
)  # fmt: skip
@pytest.mark.parametrize("method", NAMES)
def test_it_finds_directions_or_says_what_is_missing(
    method: str, family: str, tmp_path: Path
) -> None:
    generator = made(family)
    params = tiny(method, generator)
    target = tmp_path / "found.safetensors"
    if lacks := make(method, params).missing(generator):
        assert lacks == lacks.strip() and "\n" not in lacks and len(lacks) < 200
        with pytest.raises(BadData, match=re.escape(lacks.split(";")[0][:30])):
            discover(method, params, generator, target)
        with pytest.raises(BadData):
            make(method, params).fit(generator)
        assert not target.exists()
        return
    if "scorer" in params and generator.info.channels not in (1, 3, 4):
        with pytest.raises(BadData, match="scorers read grey or RGB"):
            discover(method, params, generator, target)
        return
    header = discover(method, params, generator, target)
    assert header == read_header(target) and header.complete and header.method == method
    assert header.infos and header.model_digest == generator.info.digest
    kind = METHODS.load(method).METHOD
    unsaid = {*getattr(kind, "LATER", ())} - params.keys() | {*getattr(kind, "BESIDE", ())}
    assert dict(header.params).keys() == {one.name for one in parameters(method)} - unsaid
    for info in header.infos:
        assert info.sigma > 0 and info.usable[0] < info.usable[1]
    for index in {0, len(header.infos) - 1}:
        check_moves(find(f"{target}#{index}", generator), generator)


def check_moves(direction: Direction, generator: Any) -> None:
    """Nothing at 0, two ways, one latent independent of the others."""
    if direction.space.startswith("activation:"):
        assert isinstance(generator, HasActivations)
        assert direction.space.partition(":")[2] in generator.activation_names()
        return
    latents = latents_of(generator, direction, 3)
    strength = torch.tensor([0.0, 1.0, -1.0])
    moved = direction.move(latents, strength, generator)
    assert moved.shape == latents.shape and moved.isfinite().all()
    torch.testing.assert_close(moved[0], latents[0], atol=1e-5, rtol=1e-5)
    assert (moved[1] - latents[1]).norm() > 1e-4 and (moved[2] - latents[2]).norm() > 1e-4
    alone = direction.move(latents[1:2], strength[1:2], generator)
    torch.testing.assert_close(alone, moved[1:2], atol=1e-3, rtol=1e-3)
    if isinstance(direction, HasCoordinate):
        went = direction.coordinate(moved, generator) - direction.coordinate(latents, generator)
        expected = strength.view(-1, *[1] * (went.ndim - 1)).expand_as(went)
        torch.testing.assert_close(went, expected, atol=1e-3, rtol=1e-3)
    if isinstance(direction, Calibrated):
        assert direction.unit
        same = direction.move_by(latents, torch.zeros(3), generator)
        torch.testing.assert_close(same, latents, atol=1e-4, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("method", NAMES)
def test_the_same_search_gives_the_same_bytes(method: str, tmp_path: Path) -> None:
    generator = made(next(f for f in ("stylegan2", "portraits", "dcgan") if fits(method, f)))
    paths = [tmp_path / f"{name}.safetensors" for name in ("one", "two")]
    for path in paths:
        discover(method, tiny(method, generator), generator, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def fits(method: str, family: str) -> bool:
    generator = made(family)
    return not make(method, tiny(method, generator)).missing(generator)


@pytest.mark.slow
@pytest.mark.parametrize("method", NAMES)
def test_an_interruption_leaves_a_whole_set_or_none(method: str, tmp_path: Path) -> None:
    """Stopped at each of its first reports, then run to the end: as if never stopped."""
    generator = made(next(f for f in ("stylegan2", "portraits", "dcgan") if fits(method, f)))
    target, whole = tmp_path / "cut.safetensors", tmp_path / "whole.safetensors"
    discover(method, tiny(method, generator), generator, whole)
    for stop in (1, 2, 4):
        calls = 0

        def report(done: int, total: int, what: str, stop: int = stop) -> None:
            nonlocal calls
            calls += 1
            if calls >= stop:
                raise Interrupted(2)

        try:
            header = discover(method, tiny(method, generator), generator, target, report)
        except Interrupted:
            assert not target.exists() or not read_header(target).complete
        else:
            assert header == read_header(target)
            read(target)
            if header.complete:
                break
    if not target.exists() or not read_header(target).complete:
        discover(method, tiny(method, generator), generator, target)
    assert target.read_bytes() == whole.read_bytes()


# --- the search around a method -------------------------------------------------------------------


def test_a_set_in_the_way_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "found.safetensors"
    generator = made("stylegan2")
    params = tiny("tlgan", generator)
    discover("tlgan", params, generator, target)
    before = target.read_bytes()
    with pytest.raises(WouldOverwrite):
        discover("tlgan", {**params, "seed": 5}, generator, target)
    assert target.read_bytes() == before
    discover("tlgan", {**params, "seed": 5}, generator, target, overwrite=True)
    assert target.read_bytes() != before


def test_a_set_carries_every_parameter(tmp_path: Path) -> None:
    target = tmp_path / "found.safetensors"
    generator = made("stylegan2")
    params = tiny("tlgan", generator)
    header = discover("tlgan", params, generator, target)
    told = dict(header.params)
    assert told["samples"] == 1024 and told["ridge"] == 1e-4 and told["names"] == ("luma",)
    assert params_of(make("tlgan", params)) == header.params
