"""Tracks and presets over time: exact keys, closed loops, one scene per moment."""

import pickle

import pytest

from latty.presets import Output, Preset, Track, from_dict, to_dict
from latty.scene import ALL, Edit, Layers, Scene, Walk


def make(scene=None, **keys):
    return from_dict(
        {"schema": 1, "scene": {"model": "portraits", **(scene or {})}, **keys}, "x.toml"
    )


def edit(strength):
    return {"edits": [{"direction": "portraits/smile", "strength": strength}]}


@pytest.mark.parametrize("easing", ["linear", "smooth", "sine", "cubic"])
def test_a_track_is_exact_on_its_keys(easing):
    keys = ((0.0, -3.0), (0.3, 0.1), (0.7, 2.7), (1.0, -0.3))
    track = Track(keys, easing)
    assert [track.at(t) for t, _ in keys] == [value for _, value in keys]


def test_a_track_holds_before_and_after_its_keys():
    track = Track(((0.25, 1.0), (0.75, 2.0)))
    assert (track.at(0.0), track.at(0.5), track.at(1.0)) == (1.0, 1.5, 2.0)
    assert Track(((0.5, 4.0),)).at(0.0) == Track(((0.5, 4.0),)).at(1.0) == 4.0


def test_a_track_stays_between_its_keys():
    track = Track(((0.0, -3.0), (1.0, 0.1)), "cubic")
    values = [track.at(i / 999) for i in range(1000)]
    assert values == sorted(values) and values[0] == -3.0 and values[-1] == 0.1


def test_the_scene_of_a_preset_is_its_first_moment():
    preset = make({**edit({"from": -2, "to": 2}), "truncation": {"from": 0.5, "to": 1}})
    assert preset.at(0.0) == preset.scene
    assert preset.at(0.5).edits[0].strength == 0.0
    assert preset.at(1.0).truncation == 1.0


def test_strengths_are_set_not_added():
    preset = make(edit({"from": 0.1, "to": 0.7}))
    assert preset.at(1.0).edits[0].strength == 0.7


def test_cutoff_moves_in_whole_layers():
    preset = make({"cutoff": {"from": 0, "to": 8}})
    assert [preset.at(t).cutoff for t in (0.0, 0.3, 1.0)] == [0, 2, 8]


@pytest.mark.parametrize(
    ("scene", "closed"),
    [
        ({}, True),
        (edit({"from": 0, "to": 1}), False),
        (edit({"keys": [[0, 1], [0.5, 2], [1, 1]]}), True),
        ({"seed": {"walk": [1, 2, 3]}}, False),
        ({"seed": {"walk": [1, 2, 1], "blend": "lerp"}}, True),
        ({"seed": {"walk": [1, 2, 3], "blend": "circular"}}, True),
        ({"seed": {"walk": [1, 2, 3], "blend": "circular", "easing": "sine"}}, True),
    ],
)
def test_closed(scene, closed):
    preset = make(scene, frames=4)
    assert preset.closed is closed
    assert tuple(preset.times()) == ((0.0, 0.25, 0.5, 0.75) if closed else (0.0, 1 / 3, 2 / 3, 1.0))


def test_one_frame_is_the_first_moment():
    assert make(edit({"from": 0, "to": 1}), frames=1).times()[:] == (0.0,)


def test_a_walk_moves_along_its_easing():
    preset = make({"seed": {"walk": [1, 2], "easing": "smooth"}})
    assert preset.at(0.25).seed == Walk((1, 2), "slerp", 0.15625)
    assert make({"seed": {"walk": [1, 2]}}).at(0.25).seed.t == 0.25


def test_frames_default_to_one_where_nothing_moves():
    assert make().frames == 1
    assert make(edit({"from": 0, "to": 1})).frames == 60
    assert make({"seed": {"walk": [1, 2]}}).frames == 60


def test_a_list_of_seeds_is_a_grid():
    preset = make({"seed": [4, 5, 6]})
    assert (preset.scene.seed, preset.seeds) == (4, (4, 5, 6))


def test_every_key_becomes_a_value():
    preset = make(
        {
            "seed": 3,
            "truncation": 0.7,
            "cutoff": 8,
            "label": [[1, 0.25], [7, 0.75]],
            "noise": 11,
            "size": 128,
            "truncation_after_edits": True,
            "edits": [
                {"direction": "a/b"},
                {"direction": "seed:4", "strength": 2, "layers": "4-8"},
                {"direction": "a/0", "strength": -1.5, "layers": "all"},
            ],
        },
        outputs=[
            {"path": "a/b.png", "layout": "grid", "rows": "edits", "fps": 24, "captions": False}
        ],
        name="all",
    )
    edits = (Edit("a/b"), Edit("seed:4", 2.0, Layers(4, 9)), Edit("a/0", -1.5, ALL))
    label = ((1, 0.25), (7, 0.75))
    scene = Scene("portraits", 3, 0.7, 8, label, 11, edits, 128, truncation_after_edits=True)
    output = Output("a/b.png", 24, layout="grid", rows="edits", captions=False)
    assert preset == Preset(1, "all", scene, 1, (), (), (output,))
    assert from_dict(to_dict(preset), "x.toml") == preset


def test_a_preset_is_hashable_and_travels():
    preset = make(edit({"from": 0, "to": 1}))
    assert {preset: 1}[pickle.loads(pickle.dumps(preset))] == 1
    with pytest.raises(AttributeError):
        preset.name = "other"


@pytest.mark.parametrize(
    ("file", "name"), [("a/b.toml", "b"), ("stdin", "preset"), ("\x1bx.toml", "\\x1bx")]
)
def test_the_name_defaults_to_the_file(file, name):
    assert from_dict({"scene": {"model": "m"}}, file).name == name
