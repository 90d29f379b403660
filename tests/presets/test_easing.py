"""The easings: exact where it matters, and never outside what they lead between."""

from typing import get_args

import pytest

from latty.presets.easing import EASINGS, Easing, ease

STEPS = [i / 4096 for i in range(4097)]


@pytest.mark.parametrize("name", EASINGS)
def test_ends_and_middle_are_exact(name):
    assert [ease(name, t) for t in (0.0, 0.5, 1.0)] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("name", EASINGS)
def test_rises_without_overshoot(name):
    values = [ease(name, t) for t in STEPS]
    assert values == sorted(values)
    assert min(values) >= 0.0 and max(values) <= 1.0


@pytest.mark.parametrize("name", EASINGS)
def test_is_the_same_from_both_ends(name):
    assert all(abs(ease(name, t) + ease(name, 1 - t) - 1) < 1e-12 for t in STEPS)


@pytest.mark.parametrize("name", EASINGS)
def test_outside_counts_as_the_end(name):
    assert (ease(name, -3.0), ease(name, 7.0)) == (0.0, 1.0)


def test_smooth_is_the_cubic_of_the_papers():
    assert ease("smooth", 0.25) == pytest.approx(3 * 0.25**2 - 2 * 0.25**3)


def test_the_file_knows_the_same_names():
    assert tuple(EASINGS) == get_args(Easing)
