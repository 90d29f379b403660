"""The scorers without weights, against pictures whose answer is known."""

import numpy as np
import pytest
import torch
from torch import Tensor

from latty.attributes import open_scorer
from latty.attributes.scorers.geometry import saliency
from latty.models import open_model
from latty.models.base import AnySize, HasFactors


def scores(scorer: str, images: Tensor) -> dict[str, Tensor]:
    judge = open_scorer(scorer)
    with torch.no_grad():
        return dict(zip(judge.names, judge.score(images).unbind(1), strict=True))


def even(red: float, green: float, blue: float, side: int = 32) -> Tensor:
    """One colour, given in 0..1, as a picture (1, 3, side, side) in -1..1."""
    return torch.tensor([red, green, blue]).view(1, 3, 1, 1).expand(1, 3, side, side) * 2 - 1


def test_brightness_of_known_pictures() -> None:
    found = scores("brightness", even(1, 0, 0))
    assert float(found["luma"]) == pytest.approx(0.2126, abs=1e-5)
    assert float(found["contrast"]) < 1e-3
    half = torch.cat([even(0, 0, 0), even(1, 1, 1)], 3)  # black beside white
    found = scores("brightness", half)
    assert float(found["luma"]) == pytest.approx(0.5, abs=1e-5)
    assert float(found["contrast"]) == pytest.approx(0.5, abs=1e-4)
    assert (float(found["dark_end"]), float(found["light_end"])) == (
        0.0,
        pytest.approx(1, abs=1e-5),
    )
    beyond = scores("brightness", even(1, 1, 1) * 3)  # as a file would hold it
    assert float(beyond["luma"]) == pytest.approx(1, abs=1e-5)


def test_colours_of_known_pictures() -> None:
    found = {key: float(value) for key, value in scores("colour", even(0.8, 0.4, 0.2)).items()}
    assert found["red"] == pytest.approx(0.8, abs=1e-5)
    assert found["green"] == pytest.approx(0.4, abs=1e-5)
    assert found["blue"] == pytest.approx(0.2, abs=1e-5)
    assert found["warmth"] == pytest.approx(0.6, abs=1e-5)
    assert found["tint"] == pytest.approx(-0.1, abs=1e-5)
    assert found["saturation"] == pytest.approx(0.6, abs=1e-5)
    mean = np.hypot(0.8 - 0.4, (0.8 + 0.4) / 2 - 0.2)  # an even picture has no spread
    assert found["colourfulness"] == pytest.approx(0.3 * mean, abs=1e-3)
    grey = scores("colour", even(0.5, 0.5, 0.5))
    assert float(grey["saturation"]) < 1e-5 and float(grey["colourfulness"]) < 1e-3


def disc(x: float, y: float, radius: float, side: int = 128, ground: str = "even") -> Tensor:
    """A light disc at (x, y), image widths from the middle, before a ground (1, 3, side, side)."""
    line = (torch.arange(side) + 0.5) / side - 0.5
    down, right = torch.meshgrid(line, line, indexing="ij")
    inside = ((right - x) ** 2 + (down - y) ** 2 < radius**2).float()
    back = {
        "even": torch.full_like(right, -0.5),
        "slope": -0.5 + 0.5 * right + 0.3 * down,
        "bowl": -0.2 - 0.8 * (right**2 + down**2),
    }[ground]
    return (inside * 0.9 + (1 - inside) * back).expand(1, 3, side, side)


@pytest.mark.parametrize("ground", ["even", "slope", "bowl"])
@pytest.mark.parametrize(("x", "y", "radius"), [(0, 0, 0.2), (0.2, -0.1, 0.15), (-0.25, 0.2, 0.1)])
def test_place_and_area_of_a_disc(x: float, y: float, radius: float, ground: str) -> None:
    found = scores("geometry", disc(x, y, radius, ground=ground))
    assert float(found["x"]) == pytest.approx(x, abs=0.015)
    assert float(found["y"]) == pytest.approx(y, abs=0.015)
    assert float(found["area"]) == pytest.approx(np.pi * radius**2, abs=0.025)


def test_a_subject_that_leaves_the_picture_below_is_no_background() -> None:
    image = disc(0.1, 0, 0.2)
    image = image.clone()
    image[..., 90:, 30:98] = 0.7  # shoulders: a quarter of the ring
    inside = saliency(image)[0]
    assert inside[50:, 20:45].mean() > 0.9 and inside[:10].mean() < 0.05


def test_nothing_salient_has_no_place() -> None:
    found = scores("geometry", even(0.3, 0.4, 0.5))
    assert float(found["area"]) < 0.02 and found["x"].isnan().all() and found["y"].isnan().all()


@pytest.mark.slow
def test_where_portraits_are() -> None:
    generator = open_model("portraits", "cpu")
    assert isinstance(generator, AnySize) and isinstance(generator, HasFactors)
    generator = generator.at_size(64)
    assert isinstance(generator, HasFactors)
    with torch.no_grad():
        codes = generator.mapping(generator.sample(range(200)))
        truth, names = generator.factors(codes), generator.factor_names()
        images = generator.synthesis(codes)

    def corr(scorer: str, attribute: str, factor: str) -> float:
        pair = [scores(scorer, images)[attribute], truth[:, names.index(factor)]]
        return float(torch.corrcoef(torch.stack(pair))[0, 1])

    assert corr("geometry", "x", "pos_x") > 0.93
    assert corr("geometry", "area", "scale") > 0.4  # hair and shoulders count, too
    assert corr("brightness", "light_end", "brightness") > 0.85
    assert corr("colour", "warmth", "bg_hue") < -0.75
