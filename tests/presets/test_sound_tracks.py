"""Numbers that follow a sound: made tones with known answers, and what is said of sounds that are
none, too short or silent."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sound_files import RATE, clicks, coded, melody, moments, sine, wav

from latty import presets, sound
from latty.errors import BadData, PresetError
from latty.presets import checking, from_dict, to_dict
from latty.sound import curve, features
from latty.sound.heard import BANDS, PITCHES, Heard

PLAIN = {"from": 0, "to": 3}


def preset(strength, seconds=4, **keys):
    edits = [{"direction": "demo/smile", "strength": strength}]
    table = {"schema": 1, "seconds": seconds, "scene": {"model": "demo", "edits": edits}, **keys}
    return from_dict(table, "x.toml")


def strengths(made, fps=25):
    times = [i / fps for i in range(round(made.duration * fps))]
    return np.array([made.at(t / made.duration).edits[0].strength for t in times])


def level(path, band, rate=RATE, seconds=2.0):
    """The envelope before it is normalised, without its ends."""
    samples = features.film_samples(path, rate, seconds, 0.0)
    found = np.concatenate(list(features.envelope(samples, rate, rate // 100, BANDS[band])))
    return found[10 : round(seconds * 100) - 10]


@pytest.mark.parametrize(("rate", "channels", "width"), [
    (8000, 1, 2), (22_050, 2, 1), (44_100, 1, 3), (48_000, 6, 3), (44_100, 11, 2),
    (96_000, 2, 4), (192_000, 2, 3)])  # fmt: skip
def test_the_envelope_of_a_sine_is_its_rms(rate, channels, width, tmp_path):
    path = wav(tmp_path / "a.wav", np.stack([sine(440, 2, 0.5, rate)] * channels), rate, width)
    facts = sound.look(path)
    assert (facts.seconds, facts.rate, facts.channels) == (pytest.approx(2), rate, channels)
    np.testing.assert_allclose(level(path, "mid", rate), 0.5 / 2**0.5, rtol=0.01)


@pytest.mark.parametrize(("hertz", "band"), [(80, "bass"), (1000, "mid"), (9000, "treble")])
def test_bands_hear_their_own_tones_and_no_others(hertz, band, tmp_path):
    path = wav(tmp_path / "a.wav", sine(hertz, 2))
    own = level(path, band).min()
    others = max(level(path, other).max() for other in ("bass", "mid", "treble") if other != band)
    assert 20 * np.log10(own / others) > 40
    assert own == pytest.approx(0.5 / 2**0.5, rel=0.01)


def test_a_tone_half_as_loud_is_half_way(tmp_path):
    tone = sine(100, 4) * np.where(moments(4) < 2, 0.5, 1.0)
    path = wav(tmp_path / "a.wav", tone)
    found = strengths(preset({"sound": str(path), "band": "bass", "smooth": 0, **PLAIN}))
    np.testing.assert_allclose(found[5:45], 1.5, atol=0.01)
    np.testing.assert_allclose(found[55:95], 3.0, atol=0.01)


def test_the_film_may_begin_within_the_sound_or_before_it(tmp_path):
    tone = sine(100, 4) * (moments(4) >= 2)
    path = wav(tmp_path / "a.wav", tone)
    for offset, begins in ((0, 2), (1.5, 0.5), (-1, 3)):
        table = {"sound": str(path), "smooth": 0, "offset": offset, **PLAIN}
        found = strengths(preset(table)) > 1.5
        assert abs(int(np.argmax(found)) - 25 * begins) <= 1
    ended = strengths(preset({"sound": str(path), "smooth": 0, "offset": 2, **PLAIN}))
    assert ended[10:48].min() > 2.9 and ended[55:].max() == 0  # silence behind its end


def test_clicks_are_found_within_a_frame(tmp_path):
    places = [0.5, 1.02, 1.7, 2.33, 3.11]
    path = wav(tmp_path / "a.wav", clicks(places, 4) + sine(200, 4, 0.05))
    found = strengths(preset({"sound": str(path), "onsets": True, "decay": 0.1, **PLAIN}))
    begins = np.flatnonzero(found[1:] > found[:-1] + 1) + 1
    assert len(begins) == len(places)
    assert np.abs(begins / 25 - places).max() <= 1 / 25
    curve_ = curve(path, Heard(onsets=True, decay=0.1), 4)
    fine = np.flatnonzero(np.diff(curve_.values) > 0.3) / curve_.rate
    assert np.abs(fine - places).max() < 0.02
    pulse = [curve_.at(0.52 + late) for late in (0.0, 0.1, 0.2)]
    assert pulse[1] / pulse[0] == pytest.approx(np.exp(-1), abs=0.02)  # 1/e within `decay`


def test_onsets_of_a_band_pass_over_those_of_others(tmp_path):
    kick = sine(60, 4, 0.7) * ((moments(4) % 1) < 0.2)
    tick = sine(9000, 4, 0.3) * (((moments(4) + 0.5) % 1) < 0.05)
    path = wav(tmp_path / "a.wav", kick + tick)
    for band, first in (([30, 150], 0.0), ([8000, 10_000], 0.5)):
        keys = {"sound": str(path), "onsets": True, "band": band, "decay": 0.1, **PLAIN}
        found = strengths(preset(keys))
        begins = np.flatnonzero(found[1:] > found[:-1] + 1) + 1
        whole = (begins / 25 - first) % 1
        assert np.minimum(whole, 1 - whole).max() <= 0.06


def test_a_chord_has_its_pitches_and_no_others(tmp_path):
    chord = sum(sine(hertz, 2, 0.2) for hertz in (220, 277.18, 329.63))  # A major
    path = wav(tmp_path / "a.wav", chord)
    energy = {}
    for index, name in enumerate(PITCHES):
        samples = features.film_samples(path, RATE, 2, 0)
        found = np.concatenate(list(features.chroma(samples, RATE, RATE // 100, index)))
        energy[name] = found[30:170].mean() ** 2
    assert sorted(energy, key=energy.__getitem__)[-3:] == sorted(
        ("A", "C#", "E"), key=energy.__getitem__
    )
    assert sum(energy[name] for name in ("A", "C#", "E")) > 0.99 * sum(energy.values())
    assert strengths(preset({"sound": str(path), "chroma": "Db", **PLAIN}, 2))[5:40].min() > 2.5


@pytest.mark.parametrize(("suffix", "encoder"), [
    ("flac", "flac"), ("mp3", "libmp3lame"), ("ogg", "libopus"), ("m4a", "aac"),
    ("mka", "aac")])  # fmt: skip
def test_other_codecs_say_the_same(suffix, encoder, tmp_path):
    rate = 48_000
    tone = melody(3, rate) * np.where(moments(3, rate) < 1.5, 0.3, 1.0)
    plain = wav(tmp_path / "a.wav", tone, rate)
    path = coded(tmp_path / f"a.{suffix}", tone, encoder, rate)
    assert sound.look(path).seconds == pytest.approx(3, abs=0.08)
    found, known = (
        strengths(preset({"sound": str(p), "smooth": 0.1, **PLAIN}, 3)) for p in (path, plain)
    )
    assert np.abs(found - known)[3:-3].max() < 0.25


def test_the_same_file_gives_the_same_bits(tmp_path):
    path = wav(tmp_path / "a.wav", melody(2))
    say = (
        "import sys; from pathlib import Path; from latty.sound import curve;"
        "from latty.sound.heard import Heard;"
        "print(curve(Path(sys.argv[1]), Heard(), 2).values.tobytes().hex())"
    )
    found = {
        subprocess.run([sys.executable, "-c", say, str(path)], capture_output=True, check=True,
                       env={**os.environ, "OMP_NUM_THREADS": str(n)}).stdout
        for n in (1, 2)}  # fmt: skip
    assert len(found) == 1


def test_a_track_is_written_as_it_was_said(tmp_path):
    wav(tmp_path / "a.wav", sine(100, 1))
    name = str(tmp_path / "a.wav")
    for table in ({"sound": name, "band": "bass", "smooth": 0.2, "from": 0, "to": 3},
                  {"sound": name, "band": [40, 120], "onsets": True, "from": -1.5, "to": 0},
                  {"sound": name, "chroma": "C#", "offset": 30, "from": 1, "to": 0}):  # fmt: skip
        made = preset(table, seconds="sound" if "offset" not in table else 5)
        assert to_dict(made)["scene"]["edits"][0]["strength"] == table
        assert from_dict(to_dict(made), "x.toml") == made
        path = tmp_path / "mine.toml"
        presets.save(made, path)
        assert presets.read(path) == made


def test_a_film_is_as_long_as_its_sound(tmp_path):
    path = wav(tmp_path / "a.wav", sine(100, 3.2))
    made = preset({"sound": str(path), **PLAIN}, "sound",
                  outputs=[{"path": "a.mp4", "fps": 30}, {"path": "a.gif", "fps": 10}])  # fmt: skip
    assert made.duration == pytest.approx(3.2)
    assert [made.count(output) for output in made.outputs] == [96, 32]
    assert to_dict(made)["seconds"] == "sound"


@pytest.mark.parametrize("key", ["truncation", "cutoff"])
def test_other_numbers_follow_too(key, tmp_path):
    path = wav(tmp_path / "a.wav", sine(100, 2) * (moments(2) > 1))
    scene = {"model": "demo", key: {"sound": str(path), "smooth": 0, "from": 0, "to": 1}}
    made = from_dict({"schema": 1, "seconds": 2, "scene": scene}, "x.toml")
    assert (getattr(made.at(0.1), key), getattr(made.at(0.9), key)) == (0, 1)


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(PresetError) as caught:
        checking.check(path)
    return str(caught.value)


TOML = """schema = 1
seconds = 2
[scene]
model = "demo"
[[scene.edits]]
direction = "demo/smile"
strength = {{ sound = "{}", from = 0, to = 3 }}
"""


def odd(kind: str, folder: Path) -> str:
    path = folder / "odd.wav"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no sound\n" * 1000)
    elif kind == "empty":
        path.touch()
    elif kind == "playlist":
        path.write_text("#EXTM3U\n#EXTINF:1,\n/etc/hostname\n")
    elif kind == "concat":
        path.write_text("ffconcat version 1.0\nfile /etc/hostname\n")
    elif kind == "no samples":
        wav(path, np.zeros(0))
    elif kind == "picture":
        with (folder / "x.mp4").open("wb"):
            pass
        from frames_for_writers import Frames, pan, write

        write("mp4", Frames(pan(64, 2)), folder / "x").rename(path)
    return str(path)


@pytest.mark.parametrize(("kind", "said"), [
    ("missing", "there is no sound"), ("FIFO", "is a named pipe"), ("folder", "is a folder"),
    ("text", "is no sound"), ("empty", "is no sound"), ("playlist", "is no sound"),
    ("concat", "is no sound"), ("no samples", "holds no samples"), ("picture", "holds no sound"),
])  # fmt: skip
def test_what_is_no_sound_is_told_in_a_line_with_its_place(kind, said, tmp_path):
    told = refused(tmp_path, TOML.format(odd(kind, tmp_path)))
    assert told.startswith(f"{tmp_path}/a.toml:7:") and said in told and "\n" not in told


def test_a_header_that_lies_says_nothing(tmp_path):
    path = wav(tmp_path / "a.wav", sine(100, 1))
    data = bytearray(path.read_bytes())
    data[4:8] = data[40:44] = (2 * 10**9).to_bytes(4, "little")  # 10^9 samples
    path.write_bytes(data)
    assert sound.look(path).seconds == pytest.approx(1)


def test_a_long_sound_is_read_no_further_than_the_film(tmp_path):
    path = wav(tmp_path / "a.wav", sine(100, 1))
    with path.open("r+b") as file:
        file.seek(4)
        file.write((2 * 10**9 + 36).to_bytes(4, "little"))
        file.seek(40)
        file.write((2 * 10**9).to_bytes(4, "little"))
        file.truncate(2 * 10**9 + 44)  # 10^9 samples, nearly all of them a hole
    made = preset({"sound": str(path), "smooth": 0, **PLAIN}, 2)
    assert strengths(made)[5:20].min() > 2.9


def test_silence_is_refused_where_it_is_followed(tmp_path):
    path = wav(tmp_path / "a.wav", np.zeros(RATE))
    for table in ({}, {"onsets": True}, {"chroma": "A"}):
        with pytest.raises(BadData, match=r"a\.wav is silent"):
            preset({"sound": str(path), **table, **PLAIN}, 1).at(0.5)
    tone = wav(tmp_path / "b.wav", sine(100, 1) * np.hanning(RATE))
    with pytest.raises(BadData, match="from 4000 to 20000 Hz, between 0 and 1 s"):
        preset({"sound": str(tone), "band": "treble", **PLAIN}, 1).at(0.5)


def test_a_sound_that_is_too_short_is_said(tmp_path):
    wav(tmp_path / "a.wav", sine(100, 1.5))
    path = tmp_path / "a.toml"
    path.write_text(TOML.format(tmp_path / "a.wav"))
    [told, *_] = [line for line in checking.check(path) if ".sound:" in line]
    assert "a.toml:7:" in told and "ends after 1.5 s of 2: silence from there on" in told


@pytest.mark.parametrize(("keys", "said"), [
    ({"seconds": None}, "write seconds = ... in the place of frames"),
    ({"band": "base"}, "did you mean 'bass'"),
    ({"band": [120, 40]}, "from its lower to its higher"),
    ({"chroma": "H"}, "must be one of 'C'"),
    ({"chroma": "A", "onsets": True}, "not both"),
    ({"smooth": -1}, "must be at least 0"),
    ({"to": 1000}, "must be at most 100"),
    ({"easing": "linear"}, "unknown key"),
])  # fmt: skip
def test_what_cannot_be_followed_is_refused(keys, said, tmp_path):
    wav(tmp_path / "a.wav", sine(100, 1))
    table = {"sound": str(tmp_path / "a.wav"), **PLAIN, **keys}
    more = {} if table.pop("seconds", 1) else {"frames": 50}
    scene = {"model": "demo", "edits": [{"direction": "demo/smile", "strength": table}]}
    with pytest.raises(PresetError, match=said.replace(".", r"\.")):
        from_dict({"schema": 1, "scene": scene, **(more or {"seconds": 1})}, "x.toml")


@pytest.mark.parametrize(("outputs", "said"), [
    ([{"path": "a.gif"}], "no sound is named"),
    ([{"path": "a.mp4", "sound": "nowhere.wav"}], "there is no sound nowhere.wav"),
])  # fmt: skip
def test_a_film_as_long_as_no_sound_is_refused(outputs, said):
    with pytest.raises(PresetError, match=said):
        from_dict({"schema": 1, "scene": {"model": "demo"}, "seconds": "sound",
                   "outputs": outputs}, "x.toml")  # fmt: skip


def test_reading_imports_no_numpy(tmp_path):
    """A check decodes up to what is heard first, and needs it."""
    wav(tmp_path / "a.wav", sine(100, 2))
    path = tmp_path / "a.toml"
    path.write_text(TOML.format(tmp_path / "a.wav"))
    say = ("import sys; from latty import presets; presets.read(sys.argv[1]);"
           "print('numpy' in sys.modules)")  # fmt: skip
    found = subprocess.run([sys.executable, "-c", say, str(path)], capture_output=True, text=True)
    assert found.stdout == "False\n", found.stderr


def test_the_envelope_of_a_whole_sound_is_drawn_from_few_numbers(tmp_path):
    path = wav(tmp_path / "a.wav", sine(100, 4) * np.where(moments(4) < 2, 0.25, 1.0))
    found = sound.envelope(path, 40)
    assert found.shape == (40,) and found.max() == 1
    np.testing.assert_allclose(found[1:19], 0.25, atol=0.01)
