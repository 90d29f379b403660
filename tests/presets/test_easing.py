"""The easings: exact at their ends, and what their names promise; CSS curves beside a solver."""

from itertools import pairwise

import pytest

from latty.easing import EASINGS, curve_of, ease, reach
from latty.errors import PresetError
from latty.presets import Track, from_dict, to_dict

STEPS = [i / 4096 for i in range(4097)]
OLD = ("linear", "smooth", "sine", "cubic")
FAMILIES = ("sine", "quad", "cubic", "quart", "quint", "expo", "circ", "back", "elastic", "bounce")
OVERSHOOT = {"spring", *(f"{way}-{name}" for way in ("in", "out", "in-out")
                         for name in ("back", "elastic"))}  # fmt: skip
JUMPS = {"hold", "step"}
WAVY = {f"{way}-bounce" for way in ("in", "out", "in-out")}


@pytest.mark.parametrize("name", EASINGS)
def test_ends_are_exact_and_what_lies_outside_counts_as_the_end(name):
    assert [ease(name, t) for t in (-3.0, 0.0, 1.0, 7.0)] == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize("name", OLD)
def test_the_first_four_are_symmetrical_and_exact_in_the_middle(name):
    assert ease(name, 0.5) == 0.5
    assert all(abs(ease(name, t) + ease(name, 1 - t) - 1) < 1e-12 for t in STEPS)


@pytest.mark.parametrize("name", sorted(EASINGS.keys() - OVERSHOOT - WAVY))
def test_rises_without_overshoot(name):
    values = [ease(name, t) for t in STEPS]
    assert values == sorted(values)
    assert reach(name) == (0.0, 1.0)


@pytest.mark.parametrize("name", sorted(OVERSHOOT))
def test_overshoots_as_its_name_says(name):
    low, high = reach(name)
    assert low < -0.03 or high > 1.03
    assert low > -0.5 and high < 1.5


@pytest.mark.parametrize("name", sorted(EASINGS.keys() - JUMPS))
def test_is_continuous_up_to_both_ends(name):
    values = [ease(name, t) for t in STEPS]
    assert max(abs(b - a) for a, b in pairwise(values)) < 0.03


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_slow_where_its_name_says(family):
    into, out, both = (f"{way}-{family}" for way in ("in", "out", "in-out"))
    assert abs(ease(into, 0.15)) < 0.09 and abs(1 - ease(out, 0.85)) < 0.09
    assert all(abs(ease(out, t) + ease(into, 1 - t) - 1) < 1e-12 for t in STEPS)
    assert all(abs(ease(both, t) + ease(both, 1 - t) - 1) < 1e-9 for t in STEPS)


def css(x1, y1, x2, y2, x):
    """Newton's method on the parameter from many starts: an independent road to the same curve."""

    def value(s, a, b):
        return (1 + 3 * a - 3 * b) * s**3 + (3 * b - 6 * a) * s**2 + 3 * a * s

    best = min((i / 2000 for i in range(2001)), key=lambda s: abs(value(s, x1, x2) - x))
    low, high = max(0.0, best - 1e-3), min(1.0, best + 1e-3)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if value(middle, x1, x2) < x else (low, middle)
    return value((low + high) / 2, y1, y2)


@pytest.mark.parametrize("points", [
    (0.25, 0.1, 0.25, 1), (0.42, 0, 1, 1), (0, 0, 0.58, 1), (0.68, -0.55, 0.27, 1.55),
    (1, 0, 0, 1), (0, 1, 1, 0)])  # fmt: skip
def test_bezier_curves_are_those_of_css(points):
    name = f"cubic-bezier({', '.join(map(str, points))})"
    for x in (0.01, 0.1, 0.25, 0.4, 0.6, 0.75, 0.9, 0.99):
        assert ease(name, x) == pytest.approx(css(*points, x), abs=1e-6)


def test_the_named_curve_of_css_has_its_published_value():
    assert ease("ease", 0.5) == pytest.approx(0.8024, abs=1e-4)


def test_steps_jump_at_the_end_of_each():
    assert [ease("steps(4)", t) for t in (0.0, 0.24, 0.25, 0.5, 0.99, 1.0)] == [
        0, 0, 0.25, 0.5, 0.75, 1]  # fmt: skip
    assert [ease("hold", t) for t in (0.0, 0.999, 1.0)] == [0, 0, 1]
    assert [ease("step", t) for t in (0.0, 0.499, 0.5)] == [0, 0, 1]


def test_smooth_is_the_cubic_of_the_papers():
    assert ease("smooth", 0.25) == pytest.approx(3 * 0.25**2 - 2 * 0.25**3)


def make(strength, **scene):
    edit = {"direction": "demo/smile", "strength": strength}
    return from_dict({"scene": {"model": "demo", "edits": [edit], **scene}}, "x.toml")


def test_each_key_has_its_own_easing_which_is_written_again():
    keys = [[0, 0, "hold"], [0.5, 2, "in-quad"], [1, 4]]
    preset = make({"keys": keys, "easing": "sine"})
    assert [preset.at(t).edits[0].strength for t in (0.0, 0.49, 0.5, 0.75, 1.0)] == [
        0, 0, 2, 2.5, 4]  # fmt: skip
    assert to_dict(preset)["scene"]["edits"][0]["strength"] == {"keys": keys, "easing": "sine"}
    assert from_dict(to_dict(preset), "x.toml") == preset


@pytest.mark.parametrize("name", ["in-cubik", "steps(0)", "steps(4", "cubic-bezier(2, 0, 1, 1)",
                                  "cubic-bezier(0, 0, 1)", "in", "\x1b[2J", ""])  # fmt: skip
def test_what_is_no_easing_is_told_with_its_place(name):
    for strength in ({"from": 0, "to": 1, "easing": name}, {"keys": [[0, 1, name], [1, 2]]}):
        with pytest.raises(PresetError) as caught:
            make(strength)
        (problem,) = caught.value.problems
        assert problem.key.endswith(("strength.easing", "strength.keys.0.2"))
        assert "\x1b" not in problem.what
    with pytest.raises(ValueError):
        curve_of(name)


def test_overshoot_is_measured_and_refused_where_no_such_value_may_be():
    track = Track(((0.0, 0.0), (1.0, 1.9)), "out-back")
    values = [track.at(t) for t in STEPS]
    assert track.reach()[1] == pytest.approx(max(values), abs=1e-3) and max(values) > 2
    make({"from": 0, "to": 1.9, "easing": "out-back"})
    with pytest.raises(PresetError) as caught:
        make(1, truncation={"from": 0, "to": 1.9, "easing": "out-back"})
    assert "must be from -2 to 2, not 2.09: its easing goes beyond its keys" in str(caught.value)
