"""Films that carry a sound: codec, length, place and likeness of what a player hears; recipes."""

import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from cli_in_process import latty
from frames_for_writers import Frames, pan, write
from places import ROOT
from sound_files import RATE, decoded, melody, sine, wav

from latty import presets
from latty.errors import BadData, Missing
from latty.presets.formats import formats
from latty.render import provenance, sources

CODEC = {"mp4": "aac", "mov": "aac", "mkv": "aac", "webm": "opus"}
FPS = Fraction(25)
SOUND = re.compile(r"## Sound\n.*?```toml\n(.*?)```", re.DOTALL)


def test_each_container_of_films_carries_a_sound():
    assert {form.suffix[1:] for form in formats().values() if form.codecs} == set(CODEC)
    assert all("sound" in formats()[f".{name}"].reads for name in CODEC)


@pytest.mark.parametrize("name", CODEC)
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (8000, 1), (22_050, 6), (192_000, 2)])
def test_what_is_heard_is_the_sound_from_its_first_sample(name, rate, channels, tmp_path):
    tone = melody(3, rate)
    path = wav(tmp_path / "a.wav", np.stack([tone] * channels), rate, 3)
    film = write(name, Frames(pan(64, 50), FPS), tmp_path / "x", sound=str(path))
    found, heard_rate, start = decoded(film)
    known = np.interp(np.arange(2 * heard_rate) / heard_rate, np.arange(len(tone)) / rate, tone)
    inner = slice(heard_rate // 10, len(known) - heard_rate // 10)

    def likeness(late: int) -> float:
        return float(np.corrcoef(known[inner], found[inner.start + late : inner.stop + late])[0, 1])

    step = heard_rate // 8000
    best = max(range(-160 * step, 161 * step, step), key=likeness)
    assert likeness(best) > 0.99
    assert abs(best / heard_rate + start) < 0.005
    with av.open(str(film)) as container:
        sound, video = container.streams.audio[0], container.streams.video[0]
        assert (sound.codec.canonical_name, sound.channels) == (CODEC[name], min(channels, 2))
        assert sound.rate == (rate if CODEC[name] == "aac" and rate < 96_000 else 48_000)
        assert sum(1 for _ in container.decode(video)) == 50
    # the last packet of AAC is whole
    assert -1 / 25 < len(found) / heard_rate + start - 2 < 1 / 25 + 1024 / heard_rate


@pytest.mark.parametrize("name", CODEC)
def test_the_same_film_has_the_same_bytes(name, tmp_path):
    path = str(wav(tmp_path / "a.wav", melody(1)))
    film = Frames(pan(64, 20), FPS)
    one, other = (write(name, film, tmp_path / x, sound=path).read_bytes() for x in "xy")
    assert one == other


def test_lossless_films_have_a_lossless_sound(tmp_path):
    tone = melody(2)
    path = wav(tmp_path / "a.wav", tone)
    film = write("mkv", Frames(pan(64, 50), FPS), tmp_path / "x", codec="ffv1", sound=str(path))
    found, rate, _ = decoded(film)
    assert rate == RATE
    np.testing.assert_allclose(found[: len(tone)], tone, atol=2 / 32768)


@pytest.mark.parametrize(("offset", "begins", "ends"), [(0, 0, 1), (0.5, 0, 0.5), (-0.4, 0.4, 1.4)])
def test_a_short_sound_is_padded_and_a_film_may_begin_within_it(offset, begins, ends, tmp_path):
    path = wav(tmp_path / "a.wav", sine(440, 1))
    film = write("mp4", Frames(pan(64, 50), FPS), tmp_path / "x", sound=str(path), offset=offset)
    found, rate, _ = decoded(film)
    level = np.sqrt(
        [np.mean(found[i : i + rate // 50] ** 2) for i in range(0, 2 * rate, rate // 50)]
    )
    loud = np.flatnonzero(level > 0.1) / 50
    assert abs(loud[0] - begins) <= 0.021 and abs(loud[-1] + 0.02 - ends) <= 0.041


def test_a_slow_film_has_all_of_a_fast_sound(tmp_path):
    path = wav(tmp_path / "a.wav", melody(60, 8000).repeat(12)[::1], 96_000)
    film = write("mp4", Frames(pan(16, 60), Fraction(1)), tmp_path / "x", sound=str(path))
    assert decoded(film)[1] == 96_000


TOML = """schema = 1
seconds = "sound"
[scene]
model = "demo"
truncation = {{ sound = "{0}", from = 0, to = 1 }}
[[outputs]]
path = "a.mp4"
sound = "{0}"
fps = 10
"""


def film_of(folder: Path) -> Path:
    wav(folder / "song.wav", melody(0.6))
    (folder / "a.toml").write_text(TOML.format("song.wav"))
    assert latty("render", "a.toml", "--out-dir", ".", home=folder).returncode == 0
    return folder / "a.mp4"


def test_a_recipe_says_which_sound_and_renders_again(tmp_path, monkeypatch):
    film = film_of(tmp_path)
    recipe = provenance.read(film)
    said = recipe["preset"]
    assert said["seconds"] == pytest.approx(0.6) and said["outputs"][0]["sound"] == "song.wav"
    assert list(recipe["sounds"]) == ["song.wav"] and len(recipe["sounds"]["song.wav"]) == 64
    assert str(tmp_path) not in provenance.canonical(recipe)
    monkeypatch.chdir(tmp_path)
    before = film.read_bytes()
    assert latty("render", "a.mp4", "--out-dir", "again", home=tmp_path).returncode == 0
    assert (tmp_path / "again/a.mp4").read_bytes() == before
    assert latty("render", "a.toml", "--update", "--out-dir", ".", home=tmp_path).returncode == 0
    assert film.read_bytes() == before


def test_another_sound_of_that_name_is_refused(tmp_path):
    film = film_of(tmp_path)
    wav(tmp_path / "song.wav", melody(0.5))
    with pytest.raises(BadData, match=r"the sound 'song\.wav' is not the one this was made with"):
        sources.read(str(film))
    assert sources.read(str(film), anyway=True).differs
    (tmp_path / "song.wav").unlink()
    with pytest.raises(Missing, match=r"the sound 'song\.wav', which is not in its folder"):
        sources.read(str(film))


def test_a_sound_is_pinned_by_its_name(tmp_path):
    film_of(tmp_path)
    preset, elsewhere = tmp_path / "a.toml", tmp_path / "elsewhere"
    assert latty("pin", "a.toml", home=tmp_path).returncode == 0
    assert dict(presets.read(preset).pins.sounds).keys() == {"song.wav"}
    elsewhere.mkdir()
    wav(tmp_path / "song.wav", melody(0.5))
    done = latty("render", str(preset), home=elsewhere)
    assert done.returncode == 65 and "song.wav' is not the one that it pins" in done.stderr


def test_formats_without_sound_say_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wav(tmp_path / "song.wav", melody(0.6))
    text = TOML.format("song.wav").replace("a.mp4", "a.gif")
    (tmp_path / "a.toml").write_text(text)
    [told] = [line for line in presets.check("a.toml") if "outputs.0.sound" in line]
    assert told.startswith("a.toml:8:") and "means nothing for .gif" in told


def test_no_sound_plays_backward(tmp_path):
    wav(tmp_path / "song.wav", melody(0.6))
    (tmp_path / "a.toml").write_text(TOML.format("song.wav") + 'loop = "bounce"\n')
    done = latty("check", "a.toml", home=tmp_path)
    assert done.returncode == 65 and "a.toml:10:1: outputs.0.loop: 'bounce'" in done.stderr


def test_silence_is_told_before_a_film_is_there(tmp_path):
    wav(tmp_path / "song.wav", np.zeros(RATE))
    (tmp_path / "a.toml").write_text(TOML.format("song.wav"))
    done = latty("render", "a.toml", "--out-dir", ".", home=tmp_path)
    assert (
        done.returncode == 65
        and "song.wav is silent" in done.stderr
        and done.stderr.count("\n") == 1
    )
    assert not [one for one in tmp_path.iterdir() if one.name.startswith("a.mp4")]


def test_the_example_of_sound_makes_a_film_with_it(tmp_path: Path) -> None:
    text = SOUND.findall((ROOT / "docs" / "films.md").read_text(encoding="utf-8"))[0]
    wav(tmp_path / "song.wav", np.concatenate([melody(0.4), 0.2 * melody(0.4)]))
    (tmp_path / "music.toml").write_text(text)
    assert presets.check(tmp_path / "music.toml") == []
    assert latty("render", "music.toml", "--out-dir", ".", home=tmp_path).returncode == 0
    _, _, start = decoded(tmp_path / "music.mp4")
    with av.open(str(tmp_path / "music.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 20 and start == 0
