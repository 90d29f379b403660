"""`latty check`: references exist, keys do something, nothing heavy is imported."""

import subprocess
import sys

import pytest
from places import ROOT
from preset_files import container, direction_set, refused, warned

from latty import home, presets
from latty.errors import Missing


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A home with one model, "toy" with 10 layers, and one set, "moves"."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    container(home.models_dir() / "toy.safetensors", {"kind": "generator", "num_layers": "10"}, {})
    direction_set(home.directions_dir() / "moves.safetensors", ["smile", "yaw"], "toy")
    direction_set(home.directions_dir() / "others.safetensors", ["age"], "cats")
    return tmp_path


def write(folder, model="toy", directions=("moves/smile",), extra="", outputs=True, layers=""):
    edits = "".join(f"[[scene.edits]]\ndirection = '{d}'\n{layers}\n" for d in directions)
    output = "[[outputs]]\npath = 'a.gif'\n" if outputs else ""
    file = folder / "x.toml"
    file.write_text(f"schema = 1\n[scene]\nmodel = '{model}'\n{edits}{output}{extra}")
    return file


def test_a_good_preset_has_no_warnings(store):
    moves = home.directions_dir() / "moves.safetensors"
    directions = ["moves/smile", "moves/1", "seed:42", f"{moves}#yaw", f"{moves}#0"]
    assert warned(write(store, directions=directions)) == []


def test_models_and_directions_are_looked_up_all_at_once(store):
    lines = refused(write(store, "tox", ["moves/smiel", "moes/smile", "seed:x", "seed:4294967296"]))
    assert lines[0] == "x.toml:3:1: scene.model: no model 'tox', did you mean 'toy'?"
    assert lines[1].startswith("x.toml:5:1: scene.edits.0.direction: no direction 'smiel'")
    assert "did you mean 'smile'?" in lines[1]
    assert lines[2].startswith("x.toml:8:1: scene.edits.1.direction: no direction set 'moes'")
    assert "did you mean 'moves'?" in lines[2]
    assert "names no seed" in lines[3] and "names no seed" in lines[4]


@pytest.mark.parametrize(
    "ref",
    ["smile", "moves/7", "moves/", "/smile", "#", "no.safetensors#smile", "moves#", "", "seed:"],
)
def test_malformed_references_are_problems(ref, store):
    [line] = refused(write(store, directions=[ref]))
    assert line.startswith("x.toml:5:1: scene.edits.0.direction: ")


def test_a_model_file_that_is_not_there(store):
    [line] = refused(write(store, "models/none.pkl", []))
    assert line.startswith("x.toml:3:1: scene.model: there is no file")


def test_faults_of_layout_and_references_come_together(store):
    lines = refused(write(store, "tox", ["moves/smile"], extra="fpz = 3\n"))
    assert len(lines) == 2 and "did you mean 'fps'?" in lines[1]


@pytest.mark.parametrize("ref", ["\\u001b[2J", "a/\\u202eb", "seed:\\u001b"])
def test_hostile_references_never_reach_the_terminal(ref, store):
    file = write(store, "toy")
    file.write_text(f'[scene]\nmodel = "{ref}"\n[[scene.edits]]\ndirection = "{ref}"\n')
    lines = refused(file)
    assert len(lines) == 2 and all(line.isprintable() for line in lines)


def test_several_latents_are_told_how_they_are_said(store):
    file = write(store)
    several = "latent = ['a#0', 'a#5']\n[[scene.edits]]"
    file.write_text(file.read_text().replace("[[scene.edits]]", several))
    line, *_ = refused(file)
    assert line.startswith("x.toml:4:1: scene.latent: must be text in quotes, not a list")
    assert '[[each]] with key = "latent"' in line and "FILE#0-59" in line


def test_warnings(store):
    file = write(store, extra="crf = 20\n", layers="layers = '8-12'")
    assert warned(file) == [
        "x.toml:9:1: outputs.0.crf: means nothing for .gif",
        "x.toml:6:1: scene.edits.0.layers: goes beyond layer 9, the model's last",
    ]


def test_nothing_to_render_is_a_warning(store):
    [line] = warned(write(store, outputs=False))
    assert "no [[outputs]]: nothing to render" in line


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "", "x.toml:1:1: no schema number, read as 1, add: schema = 1"),
        ("[scene]", "frames = 1\n[scene]", "nothing will be seen to move"),
        ("moves/smile", "others/age", "was made for model 'cats', this is 'toy'"),
    ],
)
def test_what_is_legal_and_probably_not_meant(old, new, words, store):
    file = write(store)
    text = file.read_text().replace(
        "'moves/smile'", "'moves/smile'\nstrength = { from = 0, to = 1 }"
    )
    file.write_text(text.replace(old, new, 1))
    assert words in "\n".join(warned(file))


@pytest.mark.parametrize(("layout", "words"), [("strip", "is a strip"), ("steps", "are steps")])
def test_an_empty_strip_is_a_warning(layout, words, store):
    extra = f"[[outputs]]\npath='a.png'\nlayout='{layout}'"
    file = write(store, directions=[], outputs=False, extra=extra)
    assert f"{words} of edits: there is none" in warned(file)[0]


def test_a_missing_preset(store):
    with pytest.raises(Missing):
        presets.check(store / "none.toml")


def test_nothing_heavy_is_imported(store):
    program = """
import sys
from pathlib import Path
from latty import presets
assert "tomlkit" not in sys.modules, "at import"
presets.check(sys.argv[1])
presets.safe_output("a.gif", Path("."))
assert "tomlkit" not in sys.modules
presets.dumps(presets.read("hello"))
presets.schema()
print([name for name in ("torch", "numpy", "textual", "PIL", "av") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program, write(store)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


PANELS = """schema = 1
[scene]
model = 'toy'
[[panels]]
%s
[[panels]]
seed = 3
[[outputs]]
path = 'a.png'
"""
EDIT = "[[%s]]\ndirection = '%s'\n%s"


@pytest.mark.parametrize(
    ("direction", "more", "said"),
    [
        ("moves/smile", "layers = '90-99'", "goes beyond layer 9, the model's last"),
        ("others/age", "", "was made for model 'cats', this is 'toy'"),
    ],
)
def test_panels_are_checked_as_scenes_are(direction, more, said, store):
    file, other = store / "x.toml", store / "sub/y.toml"
    file.write_text(PANELS % (EDIT % ("panels.edits", direction, more)))
    [line] = warned(file)
    assert line.startswith("x.toml:") and "panels.0.edits.0" in line and said in line

    other.parent.mkdir()
    edit = EDIT % ("scene.edits", direction, more)
    other.write_text(f"schema = 1\n[scene]\nmodel = 'toy'\n{edit}")
    file.write_text(PANELS % "preset = 'sub/y.toml'")
    [line] = warned(file)
    assert line.startswith("x.toml:5:1: panels.0.preset: scene.edits.0") and said in line


def test_what_panels_have_from_the_scene_is_said_once_where_it_stands(store):
    file = store / "x.toml"
    edit = EDIT % ("scene.edits", "others/age", "")
    file.write_text(f"{PANELS % 'seed = 2'}{edit}")
    [line] = warned(file)
    assert "scene.edits.0.direction: was made for model 'cats'" in line


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ("model = 'tox'", "scene.model: no model 'tox', did you mean 'toy'?"),
        ("model = 'toy'\nlatent = 'none.npy#0'", "scene.latent: there is no file"),
        (
            "model = 'toy'\n[[scene.edits]]\ndirection = 'moves/smiel'",
            "scene.edits.0.direction: no direction 'smiel'",
        ),
        (
            "model = 'toy'\ntruncation = { sound = 'none.wav', from = 0, to = 1 }",
            "scene.truncation: there is no sound none.wav",
        ),
    ],
)
def test_what_the_preset_of_a_panel_names_is_looked_up(scene, said, store):
    (store / "y.toml").write_text(f"schema = 1\nseconds = 1\n[scene]\n{scene}\n")
    (store / "x.toml").write_text("seconds = 1\n" + PANELS % "preset = 'y.toml'")
    lines = refused(store / "x.toml")
    assert lines[0].startswith("x.toml:6:1: panels.0.preset: ") and said in lines[0]


def test_the_preset_of_a_panel_lies_beside_the_base_that_names_it(store, monkeypatch):
    monkeypatch.chdir("/")
    (store / "sub").mkdir()
    (store / "y.toml").write_text("schema = 1\n[scene]\nmodel = 'toy'\n")
    (store / "x.toml").write_text(PANELS % "preset = 'y.toml'")
    film = store / "sub/film.toml"
    film.write_text("schema = 1\nextends = '../x.toml'\n")
    assert warned(film) == []


def test_a_panel_reads_no_pipe(store):
    (store / "x.toml").write_text(PANELS % "preset = '-'")
    [line] = refused(store / "x.toml")
    assert line.startswith("x.toml:5:1: panels.0.preset: is a pipe")


def test_paths_in_panels_begin_beside_the_preset(store, monkeypatch):
    monkeypatch.chdir("/")
    container(store / "mine.safetensors", {"kind": "generator", "num_layers": "10"}, {})
    (store / "x.toml").write_text(PANELS % "model = 'mine.safetensors'")
    assert warned(store / "x.toml") == []
    [panel, _] = presets.read(store / "x.toml").panels
    assert panel.preset.scene.model == str(store / "mine.safetensors")
