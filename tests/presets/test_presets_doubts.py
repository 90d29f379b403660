"""`latty check` tells all: what a model cannot draw, what does nothing, what is doubtful."""

import json
import subprocess
import sys
import time
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from cli_process import environment
from PIL import ImageFont
from preset_files import container, direction_set

from latty import home, presets
from latty.errors import PresetError
from latty.models import open_model
from latty.models.facts import model_facts
from latty.models.registries import FAMILIES, without_file
from latty.presets.codecs import codec_of
from latty.presets.formats import formats
from latty.presets.values import Output
from latty.render.options import Options
from latty.render.requests import RenderRequest
from latty.tables.rules import keys_of

HEAD = "schema = 1\nname = 'x'\n"
SCENE = "[scene]\nmodel = 'toy'\n"  # lines 3 and 4
EDIT = "[[scene.edits]]\ndirection = 'moves/smile'\n"  # lines 5 and 6
GIF = "[[outputs]]\npath = 'a.gif'\n"
CLASSES = {"num_layers": "10", "num_classes": "3"}

REFUSED = {  # what stands behind SCENE -> place and words
    "label = 3\n": "x.toml:5:1: scene.label: toy knows no classes, leave the label out",
    "label = 'husky'\n": "x.toml:5:1: scene.label: toy knows no classes",
    "label = [[0, 1.0]]\n": "x.toml:5:1: scene.label: toy knows no classes",
}
REFUSED_CLASSES = {
    "label = 3\n": "x.toml:5:1: scene.label: no class 3, dogs has classes 0 to 2",
    "label = 'huski'\n": "x.toml:5:1: scene.label: no class 'huski', did you mean 'husky'?",
    "label = [[0, 0.5], [7, 0.5]]\n": "x.toml:5:1: scene.label: no class 7",
    "label = [[0, 0.0], [1, 0]]\n": "x.toml:5:1: scene.label: the weights of the mixture sum to 0",
}
DOUBTS = {
    f"{EDIT}layers = '20-30'\n": "7:1: scene.edits.0.layers: goes beyond layer 9, the model's "
    "last: the edit does nothing",
    f"{EDIT}layers = '8-12'\n": "7:1: scene.edits.0.layers: goes beyond layer 9, the model's last",
    f"{EDIT}strength = 40\n": "7:1: scene.edits.0.strength: 40 is beyond where 'moves/smile' is "
    "usable, from -3 to +3",
    f"{EDIT}strength = {{ from = -9, to = 2 }}\n": "7:1: scene.edits.0.strength: -9 is beyond",
    f"{EDIT}strength = {{ keys = [[0, 1], [0.5, 3.5], [1, 0]] }}\n": "strength: 3.5 is beyond",
    "cutoff = 12\ntruncation = 0.7\n": "5:1: scene.cutoff: goes beyond layer 9, the model's last: "
    "truncation acts on all layers",
    "cutoff = 4\n": "5:1: scene.cutoff: means nothing without a truncation",
    "truncation_after_edits = true\n": "5:1: scene.truncation_after_edits: means nothing without",
    f"{GIF}crf = 20\n": "7:1: outputs.0.crf: means nothing for .gif",
    f"{GIF}quality = 20\n": "7:1: outputs.0.quality: means nothing for .gif",
    f"{GIF}captions = false\n": "7:1: outputs.0.captions: means nothing for .gif, which plays",
    "[[outputs]]\npath = 'a.png'\nspan = 2\n": "7:1: outputs.0.span: means nothing where layout is "
    "'frames'",
    "[[outputs]]\npath = 'a.png'\nfps = 25\n": "7:1: outputs.0.fps: means nothing for .png",
}
FILM = "frames = 24\n[scene]\nmodel = 'toy'\nseed = { walk = [1, 2], blend = 'slerp' }\n"
TIMING = {  # outputs of a film that ends elsewhere than it begins
    f"{GIF}fps = 60\nloop = 'once'\n": "9:1: outputs.0.fps: .gif plays 50 a second: frames are "
    "left out",
    f"{GIF}[[outputs]]\npath = 'a.mp4'\nfps = 48\nloop = 'once'\n": "11:1: outputs.1.fps: lasts "
    "0.5 s, outputs.0 0.96 s, write seconds = ... in the place of frames",
    GIF: "7:3: outputs.0.loop: does not close: it jumps from its end to its beginning",
}
FINE = (
    f"{EDIT}strength = {{ from = -3, to = 3 }}\n{GIF}fps = 20\nloop = 'bounce'\n",
    f"{EDIT}mode = 'centred'\nstrength = 9\n{GIF}",
    f"cutoff = 10\ntruncation = {{ from = 0, to = 1 }}\n{GIF}loop = 'once'\n",
    f"{EDIT}[[outputs]]\npath = 'a.png'\nlayout = 'grid'\nrows = 'seeds'\nspan = 2\ncolumns = 3\n",
    "[[outputs]]\npath = 'a.png'\ncaptions = 'short'\n",
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a model of 10 layers, one of 3 named classes, and a direction set."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    toy = {"kind": "generator", "num_layers": "10", "num_classes": "0"}
    names = {"config": json.dumps({"class_names": ["husky", "lynx", "red fox"]})}
    container(home.models_dir() / "toy.safetensors", toy, {})
    container(home.models_dir() / "dogs.safetensors", toy | CLASSES | names, {})
    direction_set(home.directions_dir() / "moves.safetensors", ["smile"], "toy")
    return tmp_path


def write(folder: Path, rest: str, scene: str = SCENE, name: str = "x") -> Path:
    file = folder / f"{name}.toml"
    file.write_text(HEAD + scene + rest)
    return file


def said(file: Path) -> str:
    return "\n".join(presets.check(file)).replace(f"{file.parent}/", "")


@pytest.mark.parametrize(("rest", "words"), DOUBTS.items())
def test_doubts_have_their_place(rest: str, words: str, place: Path) -> None:
    outputs = "" if "[[outputs]]" in rest else f"{GIF}loop = 'once'\n"
    found = said(write(place, rest + outputs))
    assert words in found and "\n" not in found, found


@pytest.mark.parametrize(("rest", "words"), TIMING.items())
def test_films_that_play_otherwise_than_they_look(rest: str, words: str, place: Path) -> None:
    assert words in said(write(place, rest, FILM))


def test_films_that_close_or_say_their_seconds(place: Path) -> None:
    closed = FILM.replace("[1, 2]", "[1, 2, 1]")
    assert said(write(place, GIF, closed)) == ""
    timed = closed.replace("frames = 24", "seconds = 2")
    assert said(write(place, f"{GIF}[[outputs]]\npath = 'a.mp4'\nfps = 48\n", timed)) == ""


@pytest.mark.parametrize("rest", FINE)
def test_what_does_something_is_no_doubt(rest: str, place: Path) -> None:
    assert said(write(place, rest)) in ("", "x.toml:1:1: is 1: nothing will be seen to move")


@pytest.mark.parametrize(
    ("scene", "rest", "words"),
    [(SCENE, *pair) for pair in REFUSED.items()]
    + [(SCENE.replace("toy", "dogs"), *pair) for pair in REFUSED_CLASSES.items()],
)
def test_what_the_model_cannot_draw_is_refused(
    scene: str, rest: str, words: str, place: Path
) -> None:
    with pytest.raises(PresetError) as caught:
        presets.check(write(place, rest + GIF, scene))
    assert words in str(caught.value) and caught.value.exit_code == 65


@pytest.mark.parametrize(
    "label", ["'husky'", "'fox'", "2", "[[0, 0.5], [1, 0.5]]", "'0:0.3,lynx:1'"]
)
def test_classes_that_the_model_has(label: str, place: Path) -> None:
    assert said(write(place, f"label = {label}\n{GIF}", SCENE.replace("toy", "dogs"))) == ""


def test_that_all_that_is_missing_is_code_66(place: Path) -> None:
    with pytest.raises(PresetError) as caught:
        presets.check(
            write(place, "[[scene.edits]]\ndirection = 'no/no'\n", "[scene]\nmodel = 'no'\n")
        )
    assert caught.value.exit_code == 66
    with pytest.raises(PresetError) as caught:
        presets.check(write(place, "seed = -1\n", "[scene]\nmodel = 'no'\n"))
    assert caught.value.exit_code == 65


@pytest.mark.parametrize(
    "family", [name for name in FAMILIES.names() if name not in without_file()]
)
def test_noise_is_told_of_families_that_add_none(family: str, place: Path) -> None:
    meta = {"kind": "generator", "family": family, "num_layers": "1", "num_classes": "0"}
    container(home.models_dir() / "one.safetensors", meta, {})
    found = said(write(place, f"noise = 7\n{GIF}", "[scene]\nmodel = 'one'\n"))
    silent = not FAMILIES.constant(family, "NOISE", True)
    assert ("5:1: scene.noise: means nothing for this model, which adds none" in found) == silent


@pytest.mark.parametrize("name", ["demo", *without_file()])
def test_what_is_told_without_opening_is_what_the_opened_model_says(name: str) -> None:
    facts, info = model_facts(name), open_model(name, "cpu").info
    assert (facts.num_layers, facts.num_classes) == (info.num_layers, info.num_classes)


USUAL = {"layout": "'frames'", "rows": "'seeds'", "captions": "false"}
KEYS = [f.name for f in fields(Output) if isinstance(f.default, bool | int | float | str)]


@pytest.mark.parametrize("suffix", formats())
def test_every_key_of_every_format_either_counts_or_is_told(suffix: str, place: Path) -> None:
    form, path = formats()[suffix], "frames/" if suffix == "/" else f"a{suffix}"
    codec = codec_of(form, None)
    reads = form.reads | (codec.reads if codec is not None else set())
    told = set()
    for key in KEYS:
        value = USUAL.get(key) or json.dumps(keys_of(Output)[key].default)
        found = said(write(place, f"[[outputs]]\npath = '{path}'\n{key} = {value}\n"))
        told |= {key} if f"outputs.0.{key}: means nothing" in found else set()
    facts = {key: keys_of(Output)[key].facts for key in KEYS}
    counts = {key for key in KEYS if key in reads or facts[key].get("everywhere")}
    counts |= {key for key in KEYS if form.film and facts[key].get("film")}
    still = {key for key in counts if form.film and facts[key].get("still")}
    layouts = {key for key in counts if "frames" not in facts[key].get("layouts", ("frames",))}
    assert told == {*KEYS} - counts | still | layouts


# --- the command line -----------------------------------------------------------------------------

TINY = "[scene]\nmodel = 'portraits'\nsize = 16\n"
BAD = f"{HEAD}{TINY}label = 3\n[[outputs]]\npath = 'bad.png'\n"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A preset that renders, and one that a model cannot draw."""
    write(tmp_path, "noise = 3\n[[outputs]]\npath = 'a.png'\n", TINY, "good")
    (tmp_path / "bad.toml").write_text(BAD)
    return tmp_path


@pytest.mark.parametrize(
    "words",
    ["check", "render", "render --dry-run", "render --detach", "render -o b.png"],
)
def test_every_verb_refuses_what_check_refuses(words: str, two: Path) -> None:
    verb, *rest = words.split()
    done = latty(verb, "bad.toml", *rest, home=two)
    assert done.returncode == 65 and done.stdout == ""
    assert "bad.toml:6:1: scene.label: portraits knows no classes" in done.stderr
    assert not (two / "renders").exists() and not (two / "b.png").exists()
    assert latty("jobs", "list", "--json", home=two).stdout == ""


@pytest.mark.parametrize("words", ["check", "render", "render --dry-run"])
def test_every_verb_says_what_check_says(words: str, two: Path) -> None:
    verb, *rest = words.split()
    done = latty(verb, "good.toml", *rest, home=two)
    assert done.returncode == 0
    line = "good.toml:6:1: scene.noise: means nothing for this model, which adds none"
    assert sum(line in one for one in done.stderr.splitlines()) == 1, done.stderr


def test_no_job_is_handed_in_where_one_preset_of_a_list_is_bound_to_fail(two: Path) -> None:
    done = latty("render", "good.toml", "bad.toml", "--detach", home=two)
    assert done.returncode == 65 and "bad.toml:6:1" in done.stderr and done.stdout == ""
    (two / "renders").mkdir()
    (two / "renders/a.png").write_bytes(b"there")
    done = latty("render", "good.toml", "--detach", home=two)
    assert done.returncode == 73 and "a.png" in done.stderr


@pytest.mark.parametrize(
    "verb",
    ["check", "render", pytest.param("render --workers 2", marks=pytest.mark.slow),
     "render --dry-run"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("./A.png", "is also written by good.toml"),
        ("a.png/b.png", "lies inside the output of good.toml"),
    ],
)
def test_two_presets_that_write_one_output(path: str, words: str, verb: str, two: Path) -> None:
    write(two, f"[[outputs]]\npath = '{path}'\n", TINY, "other")
    verb, *rest = verb.split()
    done = latty(verb, "good.toml", "other.toml", *rest, home=two)
    assert done.returncode == 65 and f"other.toml:7:1: outputs.0.path: {words}" in done.stderr


def test_check_takes_overrides_and_pictures(two: Path) -> None:
    done = latty("check", "good.toml", "--set", "scene.label=3", home=two)
    assert done.returncode == 65 and "--set scene.label=3: scene.label: portraits" in done.stderr
    assert latty("check", "bad.toml", "--set", "scene.model=demo", home=two).returncode == 65
    assert latty("render", "good.toml", home=two).returncode == 0
    done = latty("check", "renders/a.png", "good.toml", "--json", "--set", "frames=1", home=two)
    assert done.returncode == 0 and done.stdout.count("\n") == 2, done.stderr
    done = latty("check", "renders/a.png", home=two)
    assert done.returncode == 0 and "scene.noise: means nothing" in done.stderr
    done = latty("check", "renders/a.png", "--set", "scene.label=3", "--json", home=two)
    [line] = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 65 and not line["ok"]
    assert line["problems"][0]["key"] == "scene.label"


def test_a_thousand_presets_take_5_ms_each(two: Path) -> None:
    names = []
    for index in range(1000):
        rest = f"seed = {index}\n[[outputs]]\npath = '{index}.png'\n"
        names.append(write(two, rest, TINY, f"p{index}").name)
    begun = time.process_time()
    done = latty("check", *names, home=two)
    spent = time.process_time() - begun
    assert done.returncode == 0 and done.stdout.count(": ok\n") == 1000
    assert spent < 5.0, spent


# --- keys that do nothing -------------------------------------------------------------------------

TEXT = "[[text]]\nvalue = 'a'\n"
ONCE = f"{GIF}loop = 'once'\n"
FOLLOW = "truncation = {{ sound = 'a.wav', from = 0, to = 1{} }}\n"
IDLE = {  # what stands behind SCENE -> the key and words
    f"{TEXT}fade = 0.2\n{GIF}": "text.0.fade: does nothing: the text is there from the first",
    f"{TEXT}start = 0.6\nend = 0.4\n{GIF}": "text.0.end: is not after start: the text is never",
    f"{TEXT}outline = 0\noutline_color = 'red'\n{GIF}": "text.0.outline_color: does nothing",
    f"{TEXT}start = 0.5\n[[outputs]]\npath = 'a.png'\n": "text.0.start: a picture shows the",
    f"{GIF}gap = 3\n": "outputs.0.gap: does nothing: there is one picture",
    f"{GIF}columns = 3\n": "outputs.0.columns: does nothing: there is one picture",
    f"{GIF}fit = 'crop'\nwidth = 90\n": "outputs.0.fit: does nothing without width and height",
    "[[outputs]]\npath = 'a.mp4'\noffset = 2\n": "outputs.0.offset: does nothing without sound",
    f"[[panels]]\npreset = 'other.toml'\nalone = true\n{GIF}": "panels.0.alone: does nothing",
    f"[[panels]]\nloop = 'once'\n{GIF}": "panels.0.loop: does nothing: the panel does not move",
    f"[[panels]]\ntruncation = {{ from = 0, to = 1 }}\nloop = 'once'\n{ONCE}":
        "panels.0.loop: does nothing: the panel lasts as long as the film",
    FOLLOW.format(", decay = 1") + GIF: "scene.truncation.decay: does nothing without onsets",
    FOLLOW.format("").replace("to = 1", "to = 0") + GIF: "scene.truncation.to: is what from says",
}  # fmt: skip
BUSY = (
    f"{TEXT}fade = 0.2\nend = 0.5\n{GIF}",
    f"seed = [1, 2]\n{GIF}gap = 3\ncolumns = 1\n",
    f"[[panels]]\n[[panels]]\nseed = 3\n{GIF}gap = 3\ncolumns = 1\n",
    f"{GIF}fit = 'crop'\nwidth = 90\nheight = 40\n",
    FOLLOW.format(", decay = 1, onsets = true") + GIF,
)


def with_sound(folder: Path, rest: str) -> Path:
    from sound_files import sine, wav

    wav(folder / "a.wav", sine(440, 3))
    (folder / "other.toml").write_text(f"schema = 1\n{SCENE}")
    return write(folder, rest, f"seconds = 2\n{SCENE}")


@pytest.mark.parametrize(("rest", "told"), IDLE.items())
def test_keys_that_do_nothing_are_told(rest: str, told: str, place: Path) -> None:
    found = said(with_sound(place, rest))
    assert told in found and "\n" not in found, found


@pytest.mark.parametrize("rest", BUSY)
def test_the_same_keys_where_they_do_something(rest: str, place: Path) -> None:
    assert said(with_sound(place, rest)) == ""


def test_beats_that_nothing_counts(place: Path) -> None:
    for key, idle in (("end = 0.5", True), ("end = '1b'", False), ("font = '2b'", True)):
        (place / "2b").write_bytes(ImageFont.load_default(20).font_bytes)  # type: ignore[union-attr]
        file = write(place, f"{TEXT}{key}\n{GIF}", f"seconds = 2\nbpm = 90\n{SCENE}")
        assert ("bpm: does nothing: no time is in beats" in said(file)) == idle


@pytest.mark.parametrize(
    ("wave", "codec"), [("wav", None), ("flac", "flac"), ("mp3", "libmp3lame")]
)
def test_a_sound_that_is_silent_for_the_whole_film(wave: str, codec: str | None,
                                                   place: Path) -> None:  # fmt: skip
    from sound_files import RATE, coded, sine, wav

    tone = np.concatenate([np.zeros(3 * RATE), sine(440, 2)])
    path = place / f"a.{wave}"
    wav(path, tone) if codec is None else coded(path, tone, codec)
    rest = f"truncation = {{ sound = 'a.{wave}', from = 0, to = 1, offset = N }}\n{GIF}"
    for offset, heard in ((0, False), (2, True), (-2, False), (6, False)):
        file = write(place, rest.replace("N", str(offset)), f"seconds = 2\n{SCENE}")
        if heard:
            presets.check(file)
            continue
        with pytest.raises(PresetError) as caught:
            presets.check(file)
        assert f"scene.truncation.sound: a.{wave} is silent between" in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ("band = 'bass'", "from 20 to 250 Hz, "),
        ("band = [10000, 12000]", "from 10000 to 12000 Hz, "),
        ("band = 'bass', onsets = true", "from 20 to 250 Hz, "),
        ("chroma = 'D'", "in that pitch, "),
        ("band = 'mid'", None),
        ("band = 'mid', onsets = true", None),
        ("chroma = 'A'", None),
    ],
)
def test_a_sound_that_is_silent_where_it_is_followed(
    keys: str, where: str | None, place: Path
) -> None:
    """In the scene, in a panel, and in the preset of another file, as in a render."""
    from sound_files import RATE, sine, wav

    tone, fade = sine(1760, 2), np.hanning(RATE // 25)  # one that is cut off is heard everywhere
    tone[: RATE // 50] *= fade[: RATE // 50]
    tone[-RATE // 50 :] *= fade[-RATE // 50 :]
    wav(place / "a.wav", tone)
    track = f"truncation = {{ sound = 'a.wav', {keys}, from = 0, to = 1 }}\n"
    (place / "other.toml").write_text(f"schema = 1\nseconds = 2\n{SCENE}{track}")
    once = GIF + "loop = 'once'\n"
    for rest, key in (
        (track + once, "scene.truncation.sound"),
        (f"[[panels]]\nalone = true\nmodel = 'demo'\n{track}{once}", "panels.0.truncation.sound"),
        (f"[[panels]]\npreset = 'other.toml'\n{once}", "panels.0.preset: scene.truncation.sound"),
    ):
        file = write(place, rest, f"seconds = 2\n{SCENE}")
        if where is None:
            assert said(file) == ""
            continue
        request = RenderRequest(str(file), Options())  # as a dry run and a render ask
        for ask in (partial(presets.check, file), request.checked):
            with pytest.raises(PresetError) as caught:
                ask()
            told = str(caught.value)
            assert f"{key}: a.wav is silent {where}between 0 and 2 s" in told, told


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_check_listens_where_a_sound_is_followed(level: float, place: Path) -> None:
    """What it refuses is what a render refuses; it starts in milliseconds: torch is for renders,
    numpy for sounds."""
    from sound_files import RATE, wav

    wav(place / "a.wav", np.full(3 * RATE, level))
    track = "truncation = { sound = 'a.wav', from = 0, to = 1 }\n"
    for rest, used in ((track, ["numpy"]), ("", [])):
        file = write(place, f"{rest}{GIF}loop = 'once'\n", f"seconds = 2\n{SCENE}")
        code = "import sys; from latty.cli.main import main; code = main(sys.argv[1:]); "
        code += "print(code, sorted({'numpy', 'torch'} & {*sys.modules}))"
        words = [sys.executable, "-c", code, "check", str(file)]
        done = subprocess.run(words, env=environment(place), capture_output=True, text=True,
                              check=True)  # fmt: skip
        wrong = 65 if rest and not level else 0
        assert done.stdout.splitlines()[-1] == f"{wrong} {used}", done
        assert ("a.wav is silent between 0 and 2 s" in done.stderr) == bool(wrong)
        refused = latty("render", str(file), "--dry-run", home=place)
        assert ("a.wav is silent between 0 and 2 s" in refused.stderr) == bool(wrong), refused


def test_times_beside_a_preset_of_another_length(place: Path) -> None:
    (place / "other.toml").write_text(f"schema = 1\nseconds = 4\n{SCENE}")
    track = "truncation = { keys = [[0, 0], ['TIME', 1], [1, 0]] }\n"
    for when, more, told in (
        ("1s", "", True), ("50%", "", False), ("1b", "", True), ("1s", "seconds = 3\n", False),
    ):  # fmt: skip
        panel = f"[[panels]]\npreset = 'other.toml'\n{more}{track.replace('TIME', when)}"
        bpm = "bpm = 90\n" if when == "1b" else ""
        found = said(write(place, panel + GIF, f"seconds = 2\n{bpm}{SCENE}"))
        words = "panels.0.truncation.keys.1.0: counts the film's 2 s, and its preset lasts 4 s"
        assert (words in found) == told, found
        assert ("say seconds beside it: times count these" in found) == told
