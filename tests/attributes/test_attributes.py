"""Scorers: every entry keeps the promises of Scorer; names are found and told."""

import os
import subprocess
import sys
import time
from pathlib import Path

import outside
import pytest
import torch
from places import LIMIT, ROOT
from toy_generator import Factored, Toy

from latty import home
from latty.attributes import (
    attribute,
    digest_of,
    names_of,
    open_scorer,
    parse_attributes,
    scores_of,
    units_of,
)
from latty.attributes.base import Scorer, range_of
from latty.attributes.names import Attribute, scorer_names
from latty.attributes.pixels import middle
from latty.attributes.registries import SCORERS
from latty.attributes.scorers.factors import FactorScorer
from latty.errors import BadData, Missing, UsageError
from latty.models.families.portraits.renderer import NAMES, render
from training.latents import sample_factors

ENTRIES = SCORERS.names()
CARD = """\
kind = "cnn"
weights = "w.safetensors"
size = 8
outputs = ["smile", "hat"]
activation = "sigmoid"
layers = [{ kind = "linear", tensors = "a" }]
"""


def squares(height: int, width: int) -> torch.Tensor:
    """Three pictures of a light square on a dark ground, with noise: (3, 3, H, W)."""
    images = torch.rand(3, 3, height, width, generator=torch.Generator().manual_seed(0)) * 0.2 - 0.9
    for i, image in enumerate(images):
        top, left = height // 4 + i, width // 4 - i
        image[:, top : top + height // 2, left : left + width // 2] += 1 + i / 8
    return images


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("size", [(64, 64), (200, 256), (32, 32)])
def test_every_scorer_scores_pictures_of_any_size(name: str, size: tuple[int, int]) -> None:
    scorer, images = open_scorer(name), squares(*size)
    with torch.inference_mode():
        together = scorer.score(images)
        alone = torch.cat([scorer.score(image[None]) for image in images])
        grey = scorer.score(images[:, :1])
    assert together.shape == (3, len(scorer.names)) and torch.isfinite(together).all()
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-4)
    assert grey.shape == together.shape
    with pytest.raises(BadData, match="5 channels"):
        scorer.score(torch.zeros(1, 5, 64, 64))


@pytest.mark.parametrize("name", ENTRIES)
def test_every_scorer_says_what_it_gives(name: str) -> None:
    scorer = open_scorer(name)
    assert isinstance(scorer, Scorer) and len(set(scorer.names)) == len(scorer.names)
    assert len(scorer.units) == len(scorer.names) and scorer.digest and scorer.differentiable
    assert names_of(name) == scorer.names, "ATTRIBUTES is what the list of scorers shows"
    assert units_of(name) == SCORERS.constant(name, "UNITS") == scorer.units, "and UNITS"
    assert all(scorer.units)
    if SCORERS.constant(name, "EXACT"):
        return  # a network may say more than there is, of what is no portrait
    noise = torch.rand(20, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1
    for column, unit in zip(scorer.score(noise).unbind(1), scorer.units, strict=True):
        low, high = range_of(unit) or (-torch.inf, torch.inf)
        assert ((column.nan_to_num(low) >= low) & (column.nan_to_num(low) <= high)).all(), unit


def test_no_two_scorers_are_the_same() -> None:
    assert len({open_scorer(name).digest for name in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
def test_the_digest_that_is_read_is_that_of_the_scorer(name: str) -> None:
    assert digest_of(name) == open_scorer(name).digest


def test_the_digest_of_a_scorer_of_another_package_is_the_one_that_it_gives(tmp_path: Path) -> None:
    """Whatever its source calls DIGEST or WEIGHTS: kept scores may be those of another version."""
    code = "from latty.attributes import digest_of; print(digest_of('warmth'))"
    path = str(outside.site(tmp_path, "latty_outside", outside.good()))
    told = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path},
                          text=True, capture_output=True)  # fmt: skip
    assert told.stdout == "warmth 1\n", told.stderr


@pytest.mark.parametrize("name", ENTRIES)
def test_every_scorer_can_be_climbed(name: str) -> None:
    """Also after pictures of the size were scored where gradients are not wanted."""
    images, scorer = squares(98, 98), open_scorer(name)
    with torch.inference_mode():
        scorer.score(images)
    images.requires_grad_()
    for column in range(len(scorer.names)):
        (gradient,) = torch.autograd.grad(scorer.score(images)[:, column].sum(), images)
        assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0, scorer.names[column]


@pytest.mark.parametrize("name", ENTRIES)
def test_an_even_picture_gives_finite_gradients(name: str) -> None:
    images = torch.zeros(1, 3, 64, 64, requires_grad=True)
    open_scorer(name).score(images).nansum().backward()
    assert images.grad is not None and torch.isfinite(images.grad).all()


def test_factors_are_read_off_rendered_portraits() -> None:
    truth = sample_factors(64, seed=1, pose=0.5)
    with torch.inference_mode():
        images = render(truth, 128, ss=1) * 2 - 1
        found = open_scorer("factors").score(images)
    for i, name in enumerate(NAMES):
        corr = torch.corrcoef(torch.stack([truth[:, i], found[:, i]]))[0, 1]
        assert corr > 0.7, f"{name}: {corr:.2f}"


def test_grey_pictures_are_read_as_colour(tmp_path: Path) -> None:
    scorer = open_scorer("factors")
    grey = torch.zeros(2, 1, 64, 64)
    assert torch.equal(scorer.score(grey), scorer.score(grey.expand(-1, 3, -1, -1)))
    with pytest.raises(Missing, match=r"nothing\.safetensors"):
        FactorScorer(tmp_path / "nothing.safetensors").score(grey)
    with pytest.raises(Missing, match=r"nothing\.safetensors"):
        _ = FactorScorer(tmp_path / "nothing.safetensors").digest


def test_exact_factors_win_over_looking() -> None:
    exact, seen = Factored(), Toy()
    codes = exact.mapping(exact.sample(range(2)))
    names, scores = scores_of(exact, codes, "factors")
    assert names == names_of("factors", exact) == ("one", "two", "three", "switch")
    assert torch.equal(scores, exact.factors(codes))
    names, scores = scores_of(seen, codes, "factors")
    assert names == NAMES == names_of("factors", seen) and scores.shape == (2, len(NAMES))


def test_other_scorers_look_at_the_pictures_of_procedural_models_too() -> None:
    exact = Factored()
    codes = exact.mapping(exact.sample(range(2)))
    names, scores = scores_of(exact, codes, scorer="colour")
    assert names == names_of("colour", exact) == open_scorer("colour").names
    assert torch.equal(scores, open_scorer("colour").score(exact.synthesis(codes)))


# --- names ----------------------------------------------------------------------------------------


@pytest.fixture
def mine() -> Path:
    """A scorer in the user's store: no weights are needed for its names."""
    home.scorers_dir().mkdir(parents=True)
    path = home.scorers_dir() / "mine.toml"
    path.write_text(CARD)
    return path


def test_a_bare_name_is_looked_up_in_factors_then_elsewhere(mine: Path) -> None:
    assert attribute("smile") == ("factors", NAMES.index("smile"))
    assert attribute("warmth") == ("colour", 4)
    assert attribute("hat") == ("mine", 1)
    assert attribute("mine/smile") == ("mine", 0)
    assert attribute(f"{mine}/hat") == (str(mine), 1)
    assert attribute("two", Factored()) == ("factors", 1)
    with pytest.raises(Missing, match="no attribute 'smile'"):
        attribute("factors/smile", Factored())
    assert attribute("smile", Factored()) == ("mine", 0), "its own factors have no smile"


def test_unknown_names_come_with_the_nearest(mine: Path) -> None:
    for ref, near in (("smle", "smile"), ("mine/hut", "hat"), ("geometri/x", "geometry")):
        with pytest.raises(Missing) as caught:
            attribute(ref)
        assert f"'{near}'" in caught.value.hint, ref
    with pytest.raises(Missing, match="no scorer 'factor'") as caught:
        open_scorer("factor")
    assert "factors" in caught.value.hint
    with pytest.raises(Missing, match=r"no file .*none\.toml"):
        attribute("some/none.toml/smile")
    with pytest.raises(Missing) as caught:
        parse_attributes("geometr")
    assert "'geometry'" in caught.value.hint


def test_ten_thousand_attributes_are_listed_at_once(tmp_path: Path) -> None:
    names = [f"n{i}" for i in range(10_000)]
    (tmp_path / "many.toml").write_text(
        f'kind = "onnx"\nweights = "x.onnx"\nsize = 8\nactivation = "none"\noutputs = {names}\n'
    )
    begun = time.process_time()
    found = parse_attributes(f"{tmp_path}/many.toml,{tmp_path}/many.toml/*")
    assert [known.name for known in found] == names and time.process_time() - begun < 2


def test_lists_take_attributes_and_whole_scorers(mine: Path) -> None:
    found = parse_attributes(" yaw, geometry ,mine/hat,yaw")
    assert found == [
        Attribute("factors", 0, "yaw"),
        Attribute("geometry", 0, "x"),
        Attribute("geometry", 1, "y"),
        Attribute("geometry", 2, "area"),
        Attribute("mine", 1, "hat"),
    ]
    assert [name for _, _, name in parse_attributes("smile,mine/*")] == [
        "factors/smile",
        "mine/smile",
        "hat",
    ]
    assert [known.name for known in parse_attributes(str(mine))] == ["smile", "hat"]
    assert len(parse_attributes("brightness")) == 1, "an attribute of that name comes first"
    assert len(parse_attributes("brightness/*")) == 4
    with pytest.raises(UsageError, match="no attribute is named"):
        parse_attributes(" , ")


def test_every_attribute_can_be_asked_for_by_its_full_name(mine: Path) -> None:
    assert scorer_names()[0] == "factors" and {*scorer_names()} == {*ENTRIES, "mine"}
    for scorer in scorer_names():
        for column, name in enumerate(names_of(scorer, Factored())):
            assert attribute(f"{scorer}/{name}", Factored()) == (scorer, column)


def test_a_broken_card_hides_no_other_scorer(mine: Path) -> None:
    (mine.parent / "broken.toml").write_text("kind = 3")
    assert attribute("hat") == ("mine", 1)
    with pytest.raises(BadData, match=r"broken\.toml:1:1: kind"):
        attribute("broken/hat")


def test_names_need_no_torch(mine: Path) -> None:
    code = (
        "import sys; from latty.attributes import attribute, parse_attributes;"
        "attribute('hat'); parse_attributes('smile,geometry,colour/red');"
        "assert not {'torch', 'numpy'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=LIMIT)


@pytest.mark.parametrize("shape", [(64, 96), (96, 64), (63, 200)])
def test_a_network_of_a_square_sees_the_middle_of_what_is_not_square(
    shape: tuple[int, int],
) -> None:
    images, least = torch.rand(2, 3, *shape) * 2 - 1, min(shape)
    top, left = ((side - least) // 2 for side in shape)
    part = images[..., top : top + least, left : left + least]
    scorer = open_scorer("factors")
    assert torch.equal(scorer.score(images), scorer.score(part))
    assert middle(part, (3, 1)) is part
    assert middle(images, shape).shape == images.shape
