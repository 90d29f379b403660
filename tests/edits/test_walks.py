"""Walks as files say them: holds, eased legs, constant speed, stored latents, truncation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_generator import Toy

from latty.edits import codes, settled
from latty.edits.walk import Paths
from latty.errors import PresetError
from latty.latents import Latents, write
from latty.presets import from_dict, to_dict
from latty.scene import Walk


def film(seed, **keys):
    return from_dict({"scene": {"model": "toy", "seed": seed}, "seconds": 10, **keys}, "x.toml")


def path(preset, count=200):
    """The latents z (count, Z) or codes (count, L * D) of a whole film."""
    toy = Toy()
    paths, found = Paths(toy), []
    for i in range(count):
        scene = paths.settled(preset.at(i / count))
        found.append(paths.place(scene, scene.seed)[1].flatten())
    return torch.stack(found).double()


def steps(latents):
    return latents.diff(dim=0).norm(dim=1)


def z(*seeds):
    return Toy().sample(seeds).double()


@pytest.mark.parametrize("blend", ["lerp", "slerp", "circular"])
def test_even_walks_have_constant_speed(blend):
    seeds = [3, 9, 1, 22, 7]
    uneven = path(film({"walk": seeds, "blend": blend}), 400)
    even = path(film({"walk": seeds, "blend": blend, "even": True}), 400)
    # chords across the corners of straight lines are shorter than the way
    lengths = steps(even) if blend == "circular" else steps(even).sort().values[8:]
    assert lengths.max() / lengths.min() < 1.02
    assert steps(uneven).max() / steps(uneven).min() > 1.15
    torch.testing.assert_close(even[0], z(3)[0], atol=2e-6, rtol=0)


def test_even_walks_pass_their_seeds_in_order():
    latents = path(film({"walk": [3, 9, 1], "even": True}), 2000)
    near = [int((latents - one).norm(dim=1).argmin()) for one in z(3, 9, 1)]
    assert near[0] == 0 and 0 < near[1] < 1999 and near[2] == 1999
    assert min((latents[near[1]] - z(9)[0]).norm(), 1.0) < 0.01


def test_a_stop_is_held_and_its_legs_are_eased():
    walk = [{"seed": 3, "hold": "2s", "easing": "in-quad"}, 9, {"seed": 1, "hold": 3}]
    latents = path(film({"walk": walk}), 100)  # ten a second; legs of 2.5 s
    torch.testing.assert_close(latents[:21], z(3).expand(21, -1), atol=2e-6, rtol=0)
    torch.testing.assert_close(latents[45], z(9)[0], atol=2e-6, rtol=0)
    torch.testing.assert_close(latents[70:], z(1).expand(30, -1), atol=2e-6, rtol=0)
    assert steps(latents)[21] < steps(latents)[43] / 5


def test_stops_are_where_they_say():
    walk = [3, {"seed": 9, "at": "4s"}, 22, {"seed": 1, "at": "16b"}]
    latents = path(film({"walk": walk}, bpm=120), 100)
    for index, seed in ((0, 3), (40, 9), (60, 22), (80, 1), (99, 1)):
        torch.testing.assert_close(latents[index], z(seed)[0], atol=2e-6, rtol=0)


def test_truncation_of_stops_goes_along_the_legs():
    walk = [{"seed": 3, "truncation": 0.2}, {"seed": 9, "truncation": 1}, 1]
    preset = film({"walk": walk}, scene={"model": "toy", "truncation": 0.5,
                                         "seed": {"walk": walk}})  # fmt: skip
    found = settled([preset.at(t) for t in (0.0, 0.25, 0.5, 1.0)], Toy())
    assert [scene.truncation for scene in found] == pytest.approx([0.2, 0.6, 1.0, 0.5])
    torch.testing.assert_close(
        codes([preset.at(0.0)], Toy()), Toy().mapping(Toy().sample([3]), None, 0.2)
    )


def test_stored_latents_in_w_are_morphed(tmp_path: Path):
    wanted = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(1))
    file = tmp_path / "inverted.safetensors"
    write(file, Latents("w", wanted, "toy", "toy", "toy0"))
    preset = film({"walk": [f"{file}#0", 3, {"latent": f"{file}#1", "hold": "1s"}]})
    found = codes([preset.at(t) for t in (0.0, 0.225, 0.45, 0.95)], Toy())
    torch.testing.assert_close(found[0], wanted[0])
    torch.testing.assert_close(found[2], Toy().mapping(Toy().sample([3]))[0])
    torch.testing.assert_close(found[1], (found[0] + found[2]) / 2)
    torch.testing.assert_close(found[3], wanted[1])


def test_stored_latents_in_z_are_walked_as_seeds_are(tmp_path: Path):
    np.save(tmp_path / "z.npy", Toy().sample([3, 9]).numpy())
    stored = film({"walk": [f"{tmp_path}/z.npy#0", f"{tmp_path}/z.npy:z#1"]})
    seeds = film({"walk": [3, 9]})
    for t in (0.0, 0.3, 1.0):
        torch.testing.assert_close(codes([stored.at(t)], Toy()), codes([seeds.at(t)], Toy()))


def test_what_overshoots_goes_on_along_the_path():
    latents = path(film({"walk": [3, 9], "blend": "lerp", "easing": "out-back"}), 100)
    along = (latents - z(3)) @ (z(9) - z(3))[0] / (z(9) - z(3)).square().sum()
    assert along.max() > 1.05 and steps(latents).max() < 0.2
    closed = path(film({"walk": [3, 9, 4], "blend": "circular", "easing": "out-back"}), 100)
    assert steps(torch.cat([closed, closed[:1]])).max() < 1


@pytest.mark.parametrize("walk", [
    {"walk": [3, {"seed": 9, "hold": "1s", "easing": "out-back"}, "a.npy#2",
              {"latent": "b.npy#0", "truncation": 0.5, "at": "80%"}, 4], "even": True},
    {"walk": [{"seed": 3, "hold": 0.25}, 9], "blend": "circular", "easing": "steps(4)"},
])  # fmt: skip
def test_what_stops_say_is_written_again(walk):
    preset = film(walk)
    assert to_dict(preset)["scene"]["seed"] == walk
    assert from_dict(to_dict(preset), "x.toml") == preset


@pytest.mark.parametrize(
    ("walk", "words"),
    [
        ([3, {"seed": 9, "hold": "11s"}], "walk.1.hold: is beyond the end"),
        ([{"seed": 3, "hold": "5s"}, {"seed": 9, "hold": "5s"}], "no time is left between stop 1"),
        ([3, {"seed": 9, "at": "9s", "hold": "2s"}, 4], "no time is left between stop 2 and 3"),
        ([3, {"hold": "1s"}], "walk.1: needs a seed or a latent"),
        ([3, {"seed": 1, "latent": "a"}], "walk.1: needs a seed or a latent, and not both"),
        ([3, {"seed": 1, "easing": "soft"}], "'soft' is no easing"),
        ([3, {"seed": 1, "held": 1}], "unknown key, did you mean 'hold'"),
    ],
)
def test_stops_that_cannot_be_are_refused_with_their_place(walk, words):
    with pytest.raises(PresetError) as caught:
        film({"walk": walk})
    assert len(caught.value.problems) == 1 and words in str(caught.value)


def test_a_plain_walk_is_what_it_was():
    assert film({"walk": [1, 2]}).scene.seed == Walk((1, 2))
