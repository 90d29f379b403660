"""The time line: seconds, frame rates, times as people write them."""

import pickle
from fractions import Fraction

import pytest

from latty.errors import PresetError
from latty.presets import Output, dumps, from_dict, to_dict
from latty.presets.moments import Moment, TimeLine
from latty.presets.rates import exact
from latty.render.shots import played, shots


def make(strength=None, **keys):
    scene = {"model": "demo"}
    if strength is not None:
        scene["edits"] = [{"direction": "demo/smile", "strength": strength}]
    return from_dict({"schema": 1, "scene": scene, **keys}, "x.toml")


def refused(*args, **keys):
    with pytest.raises(PresetError) as caught:
        make(*args, **keys)
    return [f"{one.key}: {one.what}" for one in caught.value.problems]


TWO = [{"path": "a.mp4", "fps": 60}, {"path": "a.gif", "fps": 20}]
SWEEP = {"from": 0, "to": 2}


def test_two_outputs_of_two_rates_last_the_same_and_show_one_time_line():
    preset = make(SWEEP, seconds=2, outputs=TWO)
    fast, slow = preset.outputs
    assert (preset.count(fast), preset.count(slow), preset.duration) == (120, 40, 2)
    for i in range(40):  # a frame of the GIF is the one that the film shows at that moment
        assert preset.at(preset.times(slow)[i]) == preset.at(preset.times(fast)[3 * i])
    assert len(shots(preset, slow, 64)) == 40


def test_with_frames_every_output_has_them():
    preset = make(SWEEP, frames=30, outputs=TWO)
    assert [preset.count(output) for output in preset.outputs] == [30, 30]
    assert preset.times(preset.outputs[1])[-1] == 1


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        (25, 25),
        (12.5, Fraction(25, 2)),
        (23.976, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (59.94, Fraction(60000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("ntsc", Fraction(30000, 1001)),
        ("24000/1001", Fraction(24000, 1001)),
    ],
)
def test_rates_are_exact_and_saved_as_said(said, rate):
    preset = make(outputs=[{"path": "a.mp4", "fps": said}])
    assert preset.outputs[0].rate == exact(said) == rate
    assert to_dict(preset)["outputs"][0].get("fps", 25) == said
    assert from_dict(to_dict(preset), "x.toml") == preset


@pytest.mark.parametrize("said", ["30000/0", "1/2", "500/1", "ntcs", "25", "-1/1", True, [25]])
def test_other_rates_are_refused(said):
    (line,) = refused(outputs=[{"path": "a.mp4", "fps": said}])
    assert line.startswith("outputs.0.fps: ")


@pytest.mark.parametrize(
    ("said", "share"),
    [(0.25, 0.25), ("2.5s", 0.25), ("2500ms", 0.25), ("5b", 0.25), ("25%", 0.25), ("10s", 1.0)],
)
def test_keys_are_where_they_are_said_to_be_and_stay_so(said, share):
    end = [] if share == 1 else [[1, 0]]
    keys = {"keys": [[0, 0], [said, 3], *end]}
    preset = make(keys, seconds=10, bpm=120, outputs=TWO)
    assert preset.at(share).edits[0].strength == 3
    for output in preset.outputs if share < 1 else ():
        frame = round(share * preset.count(output))
        assert preset.at(preset.times(output)[frame]).edits[0].strength == 3
    assert to_dict(preset)["scene"]["edits"][0]["strength"] == keys
    assert from_dict(to_dict(preset), "x.toml") == preset
    assert str(said) in dumps(preset)


def test_seconds_count_in_a_film_of_frames_too_where_its_outputs_last_the_same():
    preset = make({"keys": [[0, 0], ["1s", 3]]}, frames=100, outputs=[TWO[1]])
    assert preset.at(0.2).edits[0].strength == 3
    (line,) = refused({"keys": [[0, 0], ["1s", 3]]}, frames=100, outputs=TWO)
    assert "keys.1.0: counts seconds, and the outputs last differently" in line


def test_what_was_said_goes_where_it_is_no_longer_true():
    preset = make({"keys": [[0, 0], ["1s", 3]]}, seconds=10, outputs=TWO[:1])
    longer = preset.lasting(1200)
    assert longer.seconds == 20 and longer.at(0.1).edits[0].strength == 3
    assert to_dict(longer)["scene"]["edits"][0]["strength"]["keys"] == [[0, 0], [0.1, 3]]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"seconds": 4, "frames": 9}, "frames: is said beside seconds"),
        ({"seconds": 0}, "seconds: must be at least"),
        ({"seconds": 2000, "outputs": TWO}, "seconds: takes at most 100000 frames, or 1666.67 s"),
        ({"frames": 10**7}, "frames: must be at most 100000, not 10000000"),
        ({"seconds": 4, "strength": {"keys": [["4.1s", 1]]}}, "is beyond the end"),
        ({"seconds": 4, "strength": {"keys": [["1b", 1]]}}, "say how many are a minute"),
        ({"seconds": 4, "strength": {"keys": [["soon", 1]]}}, "'soon' is no time"),
        ({"seconds": 4, "strength": {"keys": [["2s", 1], ["1s", 0]]}}, "times of keys must rise"),
    ],
)
def test_times_that_cannot_be_are_refused_in_one_line(keys, words):
    (line,) = refused(**keys)
    assert words in line


def test_a_long_film_costs_no_memory():
    times = make(SWEEP, frames=10**5).times()
    assert len(times) == 10**5 and times[10**5 - 1] == 1 and len(repr(times)) < 50


@pytest.mark.parametrize(("fps", "loop", "count"), [(60, "loop", 100), (120, "bounce", 99)])
def test_a_gif_leaves_frames_out_and_lasts_as_long(fps, loop, count):
    frames = 120
    preset = make(SWEEP, frames=frames, outputs=[{"path": "a.gif", "fps": fps, "loop": loop}])
    order, rate = played(preset, preset.outputs[0])
    assert (len(order), rate) == (count, 50)
    assert order[0] == 0 and max(order) <= frames - 1
    film, _ = played(preset, Output("a.mp4", fps, loop=loop))
    assert len(order) / rate == pytest.approx(len(film) / fps, abs=0.02)


def test_a_moment_travels():
    found = pickle.loads(pickle.dumps(Moment(0.25, "5s")))
    assert (found, found.said) == (0.25, "5s") == (TimeLine(20).share("5s"), "5s")
