"""Every method on a card that is not there: it runs to its end, and waits as often as is said."""

from pathlib import Path

import pytest
from card import Card
from small_families import made

from latty.directions.discovery import discover, make
from latty.directions.file import read
from latty.directions.registries import METHODS

# How often a short search waits: what it reads on the host is its result (sefa, random), a block of
# rows (ganspace), scores of as many pictures as are drawn (interfacegan, tlgan), each step of a
# climb (ascent), each trajectory (plumerault).
WAITS = {
    "random": 3, "sefa": 7, "ganspace": 5, "interfacegan": 10, "tlgan": 21, "voynov": 8,
    "warped": 10, "plumerault": 110, "ascent": 400,
}  # fmt: skip
SLOW = ("plumerault", "ascent", "voynov", "warped")


@pytest.mark.parametrize("family", ["stylegan2 wide and clear", "dcgan"])
@pytest.mark.parametrize(
    "method",
    [pytest.param(one, marks=pytest.mark.slow if one in SLOW else ()) for one in METHODS.names()],
)
def test_it_finds_what_it_finds_on_the_cpu(method: str, family: str, tmp_path: Path) -> None:
    params = METHODS.load(method).quick(made(family))
    if method in ("voynov", "warped") and family != "dcgan":
        params["space"] = "z"  # its small example has noise in its means only
    if make(method, params).missing(made(family)):
        pytest.skip("this family has not what it needs")
    here, there = tmp_path / "here.safetensors", tmp_path / "there.safetensors"
    discover(method, params, made(family), here)
    with Card() as card:
        generator = made(family, "cuda")
        with card.counting() as counted:
            discover(method, params, generator, there)
    # but for the state of a training on disk
    saved = sum(n for what, n in counted.syncs.items() if "safetensors" in what)
    assert counted.syncs.total() - saved <= WAITS[method], counted
    (wanted, arrays), (found, others) = read(here), read(there)
    assert [one.name for one in found.infos] == [one.name for one in wanted.infos]
    assert arrays.keys() == others.keys()


@pytest.mark.slow
@pytest.mark.parametrize("method", ["voynov", "warped"])
def test_iterations_of_a_training_do_not_wait(method: str) -> None:
    waits = []
    for iterations in (10, 30):
        with Card() as card:
            generator = made("dcgan", "cuda")
            params = {**METHODS.load(method).quick(generator), "iterations": iterations}
            make(method, params).fit(generator)
            waits.append(card.syncs.total())
    assert waits[1] - waits[0] <= 2  # once every ten
