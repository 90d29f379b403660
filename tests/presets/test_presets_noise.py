"""Noise that comes back, loops that close, and what is said of those that do not."""

import numpy as np
import pytest
import torch
from toy_generator import Toy

from latty.edits.walk import Paths
from latty.errors import PresetError
from latty.models import ops
from latty.presets import from_dict, to_dict
from latty.presets.tracks.noise import Noise, controls, curve, hashed
from latty.scene import Walk

STEP = 1e-4


def make(strength=None, scene=None, **keys):
    table = {"model": "demo", **(scene or {})}
    if strength is not None:
        table["edits"] = [{"direction": "demo/smile", "strength": strength}]
    return from_dict({"schema": 1, "scene": table, "seconds": 8, **keys}, "x.toml")


@pytest.mark.parametrize(("seed", "detail"), [(3, 4), (0, 2), (2**32 - 1, 9)])
def test_noise_is_back_after_its_period_in_value_slope_and_curvature(seed, detail):
    values = controls(seed, detail)

    def derivatives(place):
        around = [curve(values, (place + i * STEP) % 1.0) for i in (-1, 0, 1)]
        return (around[1], (around[2] - around[0]) / 2 / STEP,
                (around[0] - 2 * around[1] + around[2]) / STEP**2)  # fmt: skip

    np.testing.assert_allclose(derivatives(0.0), derivatives(1.0), rtol=1e-8)
    for knot in range(detail):  # C2: the curvature of both sides of a knot is the same
        left, right = (derivatives(knot / detail + side * 2 * STEP) for side in (-1, 1))
        np.testing.assert_allclose(left, right, atol=0.05 * detail**3)


@pytest.mark.parametrize("seed", range(12))
def test_noise_goes_as_far_as_its_amplitude_and_no_farther(seed):
    track = Noise(seed, 2.0, around=0.5, detail=5)
    values = [track.at(i / 5000) - 0.5 for i in range(5000)]
    assert 1.99 < max(map(abs, values)) <= 2.0 + 1e-9
    assert track.reach() == (-1.5, 2.5)


def test_noise_is_the_same_everywhere():
    assert [hashed(3, i) for i in range(2)] == [5155730118500685292, 4990877901364806038]
    assert Noise(3, 1.0).at(0.3) != Noise(4, 1.0).at(0.3)


def test_the_period_counts_seconds_and_closes_the_film_where_it_divides_it():
    preset = make({"noise": 3, "amplitude": 1, "period": 4})
    assert preset.closed
    assert preset.at(0.1).edits[0].strength == pytest.approx(preset.at(0.6).edits[0].strength)
    assert not make({"noise": 3, "amplitude": 1, "period": 3}).closed
    assert not make({"noise": 3, "amplitude": 1, "period": "16s"}).closed
    assert make({"noise": 3, "amplitude": 1, "period": "2b"}, bpm=60).closed


@pytest.mark.parametrize("table", [
    {"noise": 3, "amplitude": 1, "period": 4}, {"noise": 3, "amplitude": 2.5},
    {"noise": 9, "amplitude": 1, "period": "25%", "around": 2, "detail": 6}])  # fmt: skip
def test_noise_is_written_as_it_was_said(table):
    preset = make(table)
    assert to_dict(preset)["scene"]["edits"][0]["strength"] == table
    assert from_dict(to_dict(preset), "x.toml") == preset


def test_noise_beyond_what_a_number_may_be_is_refused():
    with pytest.raises(PresetError) as caught:
        make(scene={"truncation": {"noise": 1, "amplitude": 3}})
    assert "scene.truncation: must be from -2 to 2" in str(caught.value)


def test_a_latent_drifts_around_its_seed_and_keeps_its_variance():
    said = {"noise": 3, "amplitude": 0.3, "period": 4, "around": 7}
    preset = make(scene={"seed": said})
    assert preset.closed and to_dict(preset)["scene"]["seed"] == said
    toy = Toy()
    paths, middle = Paths(toy), toy.sample([7])
    moments = [
        paths.place(scene, scene.seed)[1] for scene in (preset.at(i / 80) for i in range(80))
    ]
    away = torch.stack([(z * (1 + 0.3**2) ** 0.5 - middle).norm() for z in moments])
    assert away.min() > 0.1 and away.max() < 0.3 * 6**0.5 * 2
    steps = torch.cat(moments + moments[:1]).diff(dim=0).norm(dim=1)
    assert steps[-1] < 2 * steps.median()


@pytest.mark.parametrize("noise", [{"noise": 3, "period": 4}, {"walk": [1, 2, 3]},
                                   {"walk": [1, 2, 1], "blend": "slerp"}])  # fmt: skip
def test_noise_pictures_walk_and_stay_as_varied(noise):
    preset = make(scene={"noise": noise})
    assert preset.closed and to_dict(preset)["scene"]["noise"] == noise
    assert from_dict(to_dict(preset), "x.toml") == preset
    frames = [preset.at(i / 40).noise for i in range(40)]
    drawn = torch.stack([ops.seeded_noise(one, 2, (64, 64), torch.device("cpu")) for one in frames])
    assert ((drawn.flatten(1).var(dim=1) - 1).abs() < 0.1).all()
    steps = torch.cat([drawn, drawn[:1]]).diff(dim=0).flatten(1).norm(dim=1)
    assert steps[-1] < 2 * steps.median() and steps.min() > 0


def test_a_seed_of_noise_draws_what_it_drew():
    first = ops.seeded_noise(5, 1, (4, 4), torch.device("cpu"))
    expected = np.random.RandomState([5, 1]).randn(4, 4).astype(np.float32)
    assert np.array_equal(first.numpy(), expected)
    walk = Walk((5, 6), "slerp", 0.0)
    assert torch.equal(ops.seeded_noise(walk, 1, (4, 4), torch.device("cpu")), first)


OPEN = {"path": "a.gif"}


@pytest.mark.parametrize("easing", ["linear", "in-out-sine", "out-back", "hold"])
def test_a_seamless_loop_goes_back_without_a_jump(easing):
    output = {**OPEN, "loop": "seamless", "fps": 25}
    preset = make({"from": -2, "to": 2, "easing": easing}, outputs=[output],
                  scene={"seed": {"walk": [1, 2, 3]}, "truncation": {"noise": 1, "amplitude": 0.2,
                         "around": 0.8}})  # fmt: skip
    shown = preset.shown(preset.outputs[0])
    assert shown.closed and not preset.closed
    values = np.array([shown.at(t).edits[0].strength for t in shown.times(preset.outputs[0])])
    steps = np.abs(np.diff([*values, values[0]]))
    if easing != "hold":
        assert steps[-1] <= np.median(steps) and values.max() >= 2 - 1e-2
        # and in speed: the seam turns no more sharply than the rest
        turns = np.abs(np.diff([*values, *values[:2]], 2))
        assert turns[-2:].max() <= turns[:-2].max() * 1.5
    assert dict(shown.tracks)["truncation"] == dict(preset.tracks)["truncation"]  # it returns


def test_what_returns_by_itself_stays_as_it_is():
    circle = {"walk": [1, 2, 3], "blend": "circular"}
    keys = {"keys": [[0, 1], [0.3, 2], [1, 1]]}
    preset = make(keys, scene={"seed": circle}, outputs=[{**OPEN, "loop": "seamless"}])
    assert preset.shown(preset.outputs[0]) == preset
