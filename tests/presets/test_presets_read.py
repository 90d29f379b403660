"""Reading presets: every fault at once, each with its place, in words no terminal obeys."""

import io
import os
import sys
from datetime import date

import pytest

from latty import presets
from latty.errors import Missing, OutputError, PresetError, UnfitFile
from latty.tables.reading import MOST

HEAD = 'schema = 1\n[scene]\nmodel = "demo"\n'


def write(folder, text, name="x.toml"):
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refused(file):
    """The lines of the refusal, without the folder."""
    with pytest.raises(PresetError) as caught:
        presets.read(file)
    text = str(caught.value)
    assert all(line.isprintable() for line in text.split("\n"))
    return text.replace(f"{file.parent}/", "").split("\n")


FAULTS = {
    "framse = 60\n" + HEAD: "x.toml:1:1: framse: unknown key, did you mean 'frames'?",
    "frames = -5\n" + HEAD: "x.toml:1:1: frames: must be at least 1, not -5",
    "frames = 100001\n" + HEAD: "x.toml:1:1: frames: must be at most 100000, not 100001",
    "frames = 1.5\n" + HEAD: "x.toml:1:1: frames: must be a whole number, not 1.5",
    "frames = '9'\n" + HEAD: "x.toml:1:1: frames: must be a whole number, not text '9'",
    "frames = true\n" + HEAD: "x.toml:1:1: frames: must be a whole number, not true",
    "frames = 2026-01-01\n" + HEAD: (
        "x.toml:1:1: frames: must be a whole number, not a date or time"
    ),
    "name = ''\n" + HEAD: "x.toml:1:1: name: must not be empty",
    "name = 3\n" + HEAD: "x.toml:1:1: name: must be text in quotes, not 3",
    f"name = '{'x' * 101}'\n" + HEAD: "x.toml:1:1: name: is longer than 100 characters",
    'name = "\\u001b]0;pwned\\u0007"\n' + HEAD: (
        "x.toml:1:1: name: holds the control character \\x1b"
    ),
    'name = "a\\u202eb"\n' + HEAD: "x.toml:1:1: name: holds the control character \\u202e",
    "scene = 3": "x.toml:1:1: scene: must be a table, not 3",
    "schema = 1": "x.toml:1:1: scene: is missing",
    "": "x.toml:1:1: scene: is missing",
    "schema = 0\n[scene]\nmodel = 'demo'": "x.toml:1:1: schema: must be at least 1, not 0",
    "schema = '1'\n[scene]\nmodel = 'demo'": (
        "x.toml:1:1: schema: must be a whole number, not text '1'"
    ),
    "[scene]\nseed = 1": "x.toml:1:2: scene.model: is missing",
    HEAD + "seed = -1": "x.toml:4:1: scene.seed: must be at least 0, not -1",
    HEAD + "seed = 4294967296": (
        "x.toml:4:1: scene.seed: must be at most 4294967295, not 4294967296"
    ),
    HEAD + "seed = 'x'": (
        "x.toml:4:1: scene.seed: must be a whole number, a list of them, { walk = [...] } or "
        "{ noise = ..., amplitude = ... }"
    ),
    HEAD + "seed = []": "x.toml:4:1: scene.seed: needs at least 1 entries, has 0",
    HEAD + "seed = [1, 2.5]": "x.toml:4:12: scene.seed.1: must be a whole number, not 2.5",
    HEAD + "seed = { walk = [1] }": (
        "x.toml:4:10: scene.seed.walk: needs at least 2 entries, has 1"
    ),
    HEAD + "seed = { walk = [1, 2], blend = 'slurp' }": (
        "x.toml:4:25: scene.seed.blend: must be one of 'lerp', 'slerp', 'circular', "
        "not text 'slurp', did you mean 'slerp'?"
    ),
    HEAD + "seed = { wolk = [1, 2], walk = [1, 2] }": (
        "x.toml:4:10: scene.seed.wolk: unknown key, did you mean 'walk'?"
    ),
    HEAD + "truncation = nan": "x.toml:4:1: scene.truncation: must be a finite number, not nan",
    HEAD + "truncation = 2.5": "x.toml:4:1: scene.truncation: must be at most 2, not 2.5",
    HEAD + "truncation = { from = 0, to = 3 }": (
        "x.toml:4:1: scene.truncation: must be from -2 to 2, not 3"
    ),
    HEAD + "cutoff = 2.5": "x.toml:4:1: scene.cutoff: must be a whole number, not 2.5",
    HEAD + "cutoff = { keys = [[0, -1]] }": (
        "x.toml:4:1: scene.cutoff: must be from 0 to 64, not -1"
    ),
    HEAD + "label = true": (
        "x.toml:4:1: scene.label: must be a class index, a class name or [[index, weight], ...]"
    ),
    HEAD + "label = [[1.5, 1]]": (
        "x.toml:4:1: scene.label: holds [class index, weight from 0 to 1] pairs"
    ),
    HEAD + "label = [[1]]": "x.toml:4:10: scene.label.0: needs at least 2 entries, has 1",
    HEAD + "noise = 'cost'": (
        "x.toml:4:1: scene.noise: must be one of 'const', 'none', not text 'cost', "
        "did you mean 'const'?"
    ),
    HEAD + "size = 7": "x.toml:4:1: scene.size: must be at least 8, not 7",
    HEAD + "truncation_after_edits = 1": (
        "x.toml:4:1: scene.truncation_after_edits: must be true or false, not 1"
    ),
    HEAD + "edits = 3": "x.toml:4:1: scene.edits: must be a list in brackets, not 3",
    HEAD + "edits = [3]": "x.toml:4:10: scene.edits.0: must be a table, not 3",
    HEAD + "[[scene.edits]]\nstrength = 1": "x.toml:4:9: scene.edits.0.direction: is missing",
    HEAD + "[[scene.edits]]\ndirection = 'a'\nlayer = 'all'": (
        "x.toml:6:1: scene.edits.0.layer: unknown key, did you mean 'layers'?"
    ),
    HEAD + "[[scene.edits]]\ndirection = 'a'\nlayers = '8-4'": (
        "x.toml:6:1: scene.edits.0.layers: '8-4' ends before it starts"
    ),
    HEAD + "[[scene.edits]]\ndirection = 'a'\nlayers = 4": (
        "x.toml:6:1: scene.edits.0.layers: must be text in quotes, not 4"
    ),
    HEAD + "[[scene.edits]]\ndirection = 'a'\nstrength = 101": (
        "x.toml:6:1: scene.edits.0.strength: must be at most 100, not 101"
    ),
    HEAD + "[[scene.edits]]\ndirection = 'a'\nstrength = '3'": (
        "x.toml:6:1: scene.edits.0.strength: must be a number, { from = ..., to = ... }, "
        "{ keys = [[time, value], ...] }, { noise = ..., amplitude = ..., period = ... } or "
        '{ sound = "a.wav", from = ..., to = ... }'
    ),
    HEAD + "[[scene.edits]]\ndirection = 'a'\nstrength = { from = 1, to = inf }": (
        "x.toml:6:24: scene.edits.0.strength.to: must be a finite number, not inf"
    ),
    HEAD + "[[scene.edits]]\ndirection = 'a'\nstrength = { keys = [[0, 1], [0, 2]] }": (
        "x.toml:6:14: scene.edits.0.strength.keys: times of keys must rise"
    ),
    HEAD + "[[scene.edits]]\ndirection = 'a'\nstrength = { keys = [[2, 1]] }": (
        "x.toml:6:23: scene.edits.0.strength.keys.0.0: must be a time from 0 to 1, not 2, "
        "write '2.5s', '500ms', '12b' or '50%'"
    ),
    HEAD + "[[outputs]]\nfps = 25": "x.toml:4:3: outputs.0.path: is missing",
    HEAD + "[[outputs]]\npath = 'a.gif'\nfps = 0": (
        "x.toml:6:1: outputs.0.fps: must be at least 1, not 0"
    ),
    HEAD + "[[outputs]]\npath = '/etc/passwd'": (
        "x.toml:5:1: outputs.0.path: is absolute; outputs are named relative to the output folder"
    ),
    HEAD + '[[outputs]]\npath = "a\\u0000b.gif"': (
        "x.toml:5:1: outputs.0.path: holds the character \\x00"
    ),
    HEAD + "[[outputs]]\npath = 'x.toml'": (
        "x.toml:5:1: outputs.0.path: would overwrite a preset; its suffix chooses the format"
    ),
    HEAD + "[[outputs]]\npath = 'a.gif'\nloop = 'bonce'": (
        "x.toml:6:1: outputs.0.loop: must be one of 'once', 'loop', 'bounce', 'seamless', "
        "not text 'bonce', did you mean 'bounce'?"
    ),
    HEAD + "[[outputs]]\npath = 'a.gif'\nlayout = 'grid'": (
        "x.toml:6:1: outputs.0.layout: 'grid' is one picture: it needs a .png"
    ),
    HEAD + "[[outputs]]\npath = 'a.gif'\n[[outputs]]\npath = './A.gif'": (
        "x.toml:7:1: outputs.1.path: is also written by outputs.0"
    ),
}


@pytest.mark.parametrize(("text", "line"), FAULTS.items())
def test_each_fault_has_its_place_and_words(text, line, tmp_path):
    assert refused(write(tmp_path, text)) == [line]


def test_all_faults_at_once_in_file_order(tmp_path):
    texts = ["framse = 1", HEAD + "seed = -1\nsize = 1", "[[outputs]]\npath = '../x'\nfps = 0"]
    lines = refused(write(tmp_path, "\n".join(texts)))
    assert [line.split(": ")[1] for line in lines] == [
        "framse",
        "scene.seed",
        "scene.size",
        "outputs.0.path",
        "outputs.0.fps",
    ]


def test_of_very_many_faults_the_first_are_told(tmp_path):
    lines = refused(write(tmp_path, "\n".join(f"k{i} = 1" for i in range(5000))))
    assert len(lines) == MOST + 1
    assert lines[-1].endswith("and 4951 more problems")
    assert len(refused(write(tmp_path, "k" * 10_000 + " = 1"))[0]) < 200


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("frames = 1\nframes = 2", "x.toml:2:1: frames: is set twice, first on line 1"),
        ("[a]\nb = 1\n[a.b]\n", "x.toml:3:4: a.b: is set twice, first on line 2"),
        ("[scene]\n[scene]", "x.toml:2:2: scene: is set twice, first on line 1"),
        (
            b"# caf\xc3\xa9\nname = 'caf\xe9'",
            "x.toml:2:12: byte 20 (0xe9) is not UTF-8, save the file as UTF-8",
        ),
        (b"\xff\xfea\0", "x.toml:1:1: byte 1 (0xff) is not UTF-8, save the file as UTF-8"),
        ("a = " + "[" * 5000, "x.toml:1:22: nests deeper than any preset"),
        ("a" + ".a" * 5000 + " = 1", "x.toml:1:33: nests deeper than any preset"),
        ("frames = 1" + "0" * 5000, "x.toml:1:10: holds a number of thousands of digits"),
        ("#" * (2**20 + 1), "x.toml: is larger than 1 MiB, a preset is a few lines of TOML"),
    ],
)
def test_syntax_in_our_words(text, line, tmp_path):
    assert refused(write(tmp_path, text)) == [line]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name = hello", "x.toml:1:8: "),
        ("frames = [1, 2", "x.toml:1:15: "),
        ('name = "\x1b"', "x.toml:1:9: "),
        ("a = 1\nname = 'x\n'", "x.toml:2:10: "),
        ("a = 1 b = 2", "x.toml:1:7: "),
        ("a = 1\r", "x.toml:1:6: "),
    ],
)
def test_syntax_in_the_parsers_words(text, place, tmp_path):
    [line] = refused(write(tmp_path, text))
    assert line.startswith(place) and len(line) > len(place)


@pytest.mark.parametrize("text", ["a: &a [x]\nb: [*a]", '{ "scene": 1 }', "---\nseed: 0o17"])
def test_what_looks_like_another_format_gets_a_hint(text, tmp_path):
    assert "presets are TOML: key = value" in refused(write(tmp_path, text))[0]


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json"])
def test_other_formats_are_refused_by_name(suffix, tmp_path):
    [line] = refused(write(tmp_path, "country: no", f"x{suffix}"))
    assert "presets are TOML" in line


def test_bom_and_windows_line_ends_are_read(tmp_path):
    text = ("frames = 3\n" + HEAD).replace("\n", "\r\n")
    assert presets.read(write(tmp_path, b"\xef\xbb\xbf" + text.encode())).frames == 3
    broken = b"\xef\xbb\xbf" + (text + "sede = 1").encode()
    assert refused(write(tmp_path, broken))[0].startswith("x.toml:5:1: scene.sede")


def test_a_hostile_file_is_refused_in_little_time_and_without_escapes(tmp_path):
    keys = "\n".join(f'"\\u001b[{i}m" = "\\u202e"' for i in range(20_000))
    assert "\\x1b[0m" in refused(write(tmp_path, keys))[0]


def test_a_hostile_file_name_is_quoted(tmp_path):
    lines = refused(write(tmp_path, "x = 1", "a\x1b[2J\nb.toml"))
    assert lines[0].startswith("a\\x1b[2J\\nb.toml:1:1")


def test_what_is_no_file(tmp_path):
    (tmp_path / "smile.toml").write_text(HEAD)
    with pytest.raises(Missing, match=r"did you mean 'smile.toml'\?"):
        presets.read(tmp_path / "smiel.toml")
    with pytest.raises(Missing, match="is a folder"):
        presets.read(tmp_path)
    with pytest.raises(Missing, match="there is no preset"):
        presets.read("a\0b")
    with pytest.raises(Missing, match=r"did you mean 'hello'\?"):
        presets.read("helo")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnfitFile, match="is a named pipe, no file"):
        presets.read(tmp_path / "pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_locked_file_is_an_io_error(tmp_path):
    write(tmp_path, HEAD).chmod(0)
    with pytest.raises(OutputError, match="cannot read"):
        presets.read(tmp_path / "x.toml")


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(HEAD.encode())))
    assert presets.read("-").scene.model == "demo"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x = 1")))
    with pytest.raises(PresetError, match="stdin:1:1: x: unknown key"):
        presets.read("-")


def test_shipped_presets_are_found_by_name():
    assert presets.read("hello") == presets.read(presets.shipped()["hello"])


@pytest.mark.parametrize(
    "data",
    [
        {"scene": {"model": "m"}, 3: 4},
        {"scene": {"model": "m", "seed": date(2026, 1, 1)}},
        {"scene": {"model": "m", "seed": (1, 2)}},
        {"scene": None},
        {"scene": {"model": "m"}, "outputs": [None, {"path": 3}, {"path": "a\x1b.gif"}]},
        {"scene": {"model": "m", "edits": [{"direction": "d", "strength": 10**400}]}},
        {"scene": {"model": "m"}, "schema": True},
        {"scene": {"model": "m"}, "schema": 10**30},
    ],
)
def test_data_from_pictures_is_refused_in_the_same_way(data):
    with pytest.raises(PresetError) as caught:
        presets.from_dict(data, "\x1b.gif")
    assert all(line.isprintable() for line in str(caught.value).split("\n"))
    assert str(caught.value).startswith("\\x1b.gif: ")
