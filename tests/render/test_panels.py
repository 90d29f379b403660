"""Scenes side by side: each as it is alone, on one time line, from one preset."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from PIL import Image

from latty import presets
from latty.errors import Interrupted, PresetError
from latty.models.store import MODELS
from latty.presets import Output
from latty.presets.formats import Pixels
from latty.render import captions, provenance
from latty.render.encoders import Encoders
from latty.render.pixels import Painter
from latty.scene import Scene

OUT = Output("x.gif")
OTHER = 'schema = 1\n[scene]\nmodel = "demo"\nseed = 4\ntruncation = { from = 1, to = 0 }\n'
PRESET = """\
schema = 1
name = "x"
seconds = 1
[scene]
model = "portraits"
seed = 13
size = 48
[[scene.edits]]
direction = "portraits/smile"
strength = { from = -3, to = 3 }
[[panels]]
[[panels]]
seed = 9
edits = []
[[panels]]
preset = "other.toml"
[[outputs]]
"""


def rendered(home: Path, output: str, text: str = PRESET) -> Path:
    (home / "other.toml").write_text(OTHER)
    (home / "x.toml").write_text(f"{text}{output}\n")
    done = latty("render", "x.toml", "--force", home=home)
    assert done.returncode == 0, done.stderr
    return home / done.stdout.strip()


def frames(path: Path) -> list[np.ndarray]:
    return [np.array(Image.open(one)) for one in sorted(path.iterdir())]


def alone(home: Path, scene: str, name: str) -> list[np.ndarray]:
    text = f"schema = 1\nseconds = 1\n[scene]\n{scene}\n[[outputs]]\n"
    text += f'path = "{name}/"\nfps = 3\nsize = 48'
    return frames(rendered(home, "", text))


def test_each_panel_is_as_it_is_alone(tmp_path: Path) -> None:
    found = frames(
        rendered(tmp_path, 'path = "a/"\nfps = 3\ngap = 5\nmargin = 2\nbackground = "red"')
    )
    assert [one.shape for one in found] == [(52, 158, 3)] * 3
    edit = '[[scene.edits]]\ndirection = "portraits/smile"\nstrength = { from = -3, to = 3 }'
    scenes = (
        f'model = "portraits"\nseed = 13\n{edit}',
        'model = "portraits"\nseed = 9',
        'model = "demo"\nseed = 4\ntruncation = { from = 1, to = 0 }',
    )
    for i, scene in enumerate(scenes):
        for whole, one in zip(found, alone(tmp_path, scene, f"s{i}"), strict=True):
            left = 2 + i * 53
            part = whole[2:50, left : left + 48].astype(int)
            assert np.abs(part - one).max() <= 1, i
            whole[2:50, left : left + 48] = (255, 0, 0)
    assert all((whole == (255, 0, 0)).all() for whole in found)


@pytest.mark.parametrize(
    ("keys", "shape"),
    [
        ("size = 40", (40, 120)),
        ("size = 40\ncolumns = 2", (80, 80)),
        ("columns = 1", (144, 48)),
        ("width = 300\nheight = 120", (120, 300)),
        ("width = 90\nheight = 160\nfit = 'blur'", (160, 90)),
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a/"])
def test_rows_columns_and_frames(
    name: str, keys: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    path = rendered(tmp_path, f'path = "{name}"\n{keys}')
    first = min(path.iterdir()) if path.is_dir() else path
    with Image.open(first) as picture:
        assert (picture.height, picture.width) == shape


def test_titles_have_the_numbers_of_their_panel(tmp_path: Path) -> None:
    text = PRESET.replace("[[panels]]\nseed", '[[panels]]\ntitle = "{seed}"\nseed')
    plain = frames(rendered(tmp_path, 'path = "a/"\nfps = 2'))
    titled = frames(rendered(tmp_path, 'path = "b/"\nfps = 2', text))
    changed = (plain[0] != titled[0]).any(2)
    assert changed[:16, 48:70].any() and not changed[:, :48].any() and not changed[:, 96:].any()


def test_titles_of_frames_say_what_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of so many frames is the end of what does not close, in panels, too."""
    fill, said = captions.filled, []
    monkeypatch.setattr(captions, "filled", lambda *a: said.append(fill(*a)) or fill(*a))
    text = PRESET.replace("seconds = 1", "frames = 3")
    text = text.replace("[[panels]]\n[[panels]]", "[[panels]]\ntitle = '{strength}'\n[[panels]]")
    rendered(tmp_path, 'path = "a/"', text)
    assert [float(one) for one in said] == [-3, 0, 3]


def test_it_renders_itself_again_and_says_what_it_is_made_of(tmp_path: Path) -> None:
    path = rendered(tmp_path, 'path = "a.gif"\nfps = 2')
    recipe = provenance.read(path)
    assert len(recipe["panels"]) == 3
    assert {len(one["model"]["digest"]) for one in recipe["panels"]} == {64}
    assert recipe["panels"][0]["directions"] and not recipe["panels"][1]["directions"]
    (tmp_path / "other.toml").unlink()
    again = latty("render", str(path), "--out-dir", "again", home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / again.stdout.strip()).read_bytes() == path.read_bytes()


def test_a_preset_with_panels_is_written_as_it_was_said(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(OTHER)
    (tmp_path / "x.toml").write_text(f'{PRESET}path = "a.gif"\n')
    made = presets.read(tmp_path / "x.toml")
    assert [one.preset.scene.model for one in made.panels] == ["portraits", "portraits", "demo"]
    assert made.panels[1].preset.scene.edits == () and not made.panels[1].preset.tracks
    before = (tmp_path / "x.toml").read_text()
    presets.save(made, tmp_path / "x.toml")
    assert (tmp_path / "x.toml").read_text() == before
    assert presets.to_dict(made)["panels"] == [
        {}, {"seed": 9, "edits": []}, {"preset": str(tmp_path / "other.toml")}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("panel", "words"),
    [
        ('model = "nope"', "panels.3.model"),
        ("seeed = 3", "panels.3.seeed: unknown key"),
        ('preset = "none.toml"', "panels.3.preset"),
        ('preset = "x.toml"', "panels.3.preset: names a preset that has panels of its own"),
        ('title = "{what}"', "panels.3.title: has no value for"),
        (f'preset = "{"a" * 300}.toml"', "panels.3.preset: there is no preset aaa"),
        ('[[panels.edits]]\ndirection = "demo/nope"', "panels.3.edits.0.direction"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(panel: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(OTHER)
    text = PRESET.replace("[[outputs]]", f'[[panels]]\n{panel}\n[[outputs]]\npath = "a.gif"')
    (tmp_path / "x.toml").write_text(text)
    done = latty("check", "x.toml", home=tmp_path)
    assert done.returncode in (65, 66) and words in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("layout", "words"),
    [("grid", "a grid has"), ("strip", "a strip has"), ("steps", "steps have")],
)
def test_a_table_of_panels_is_told_before_it_is_drawn(
    layout: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "other.toml").write_text(OTHER)
    (tmp_path / "x.toml").write_text(f'{PRESET}path = "a.png"\nlayout = "{layout}"\n')
    for verb in ("check", "render"):
        done = latty(verb, "x.toml", home=tmp_path)
        assert done.returncode == 65
        assert f"outputs.0.layout: {words} no panels" in done.stderr


def test_a_plan_has_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(OTHER)
    (tmp_path / "x.toml").write_text(f'{PRESET}path = "a.gif"\nfps = 10\n')
    done = latty("render", "x.toml", "--dry-run", "--json", home=tmp_path)
    row = json.loads(done.stdout)
    assert (row["pictures"], row["frames"], row["frame"]) == (30, 10, "144 x 48 px")


def test_data_without_a_scene_is_no_panel() -> None:
    with pytest.raises(PresetError, match="scene"):
        presets.from_dict({"schema": 1, "panels": [{"model": "demo"}]}, "x.toml")


def test_data_may_name_a_preset_for_a_panel() -> None:
    data = {"schema": 1, "scene": {"model": "demo"}, "outputs": [{"path": "x.png"}]}
    made = presets.from_dict({**data, "panels": [{"preset": "hello"}]}, "x.toml")
    assert len(made.panels) == 1 and "portraits" in repr(made.panels[0])
    with pytest.raises(PresetError, match=r"panels\.0\.preset: there is no preset"):
        presets.from_dict({**data, "panels": [{"preset": "nosuch"}]}, "x.toml")


def test_a_panel_of_other_weights_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a render that was interrupted and the next one, the model of a panel changed."""
    text = PRESET.replace('preset = "other.toml"', 'model = "f"\nseed = 4\nedits = []')
    (tmp_path / "x.toml").write_text(f'{text}path = "a/"\nfps = 2\n')
    words = ("render", "x.toml", "--batch", "1", "--out-dir", ".")
    drawn = list[str]()
    draw = Painter.__call__

    def counted(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        drawn.extend(scene.model for scene in scenes)
        return draw(painter, scenes)

    def stopped(*rest: object) -> object:
        raise Interrupted(15)

    monkeypatch.setattr(Painter, "__call__", counted)
    imported(tmp_path, b"\x00")
    with monkeypatch.context() as one:
        one.setattr(Encoders, "finish", stopped)
        assert latty(*words, home=tmp_path).returncode == 143
    pictures = len(drawn)
    assert drawn.count("f") == 2 and pictures > 2
    imported(tmp_path, b"\x3f")
    for again in (pictures, 0):
        drawn.clear()
        with monkeypatch.context() as one:
            one.setattr(Encoders, "finish", stopped)
            assert latty(*words, home=tmp_path).returncode == 143
        assert len(drawn) == again, "pictures of the old weights are never shown"


def imported(home: Path, last: bytes) -> None:
    """A model called f; another one for each last byte of its weights."""
    done = latty("import", str(MODELS.find("demo")), "--name", "f", "--overwrite", home=home)
    assert done.returncode == 0, done.stderr
    (file,) = home.rglob("models/f.safetensors")
    file.write_bytes(file.read_bytes()[:-1] + last)


@pytest.mark.parametrize("name", ["pictures/", "pictures-1/", "recipe.json.png"])
def test_an_output_may_have_the_name_of_what_is_kept_while_it_is_made(
    name: str, tmp_path: Path
) -> None:
    path = rendered(tmp_path, f"path = '{name}'\nfps = 2\nsize = 16")
    assert (len([*path.iterdir()]) if path.is_dir() else 1) >= 1
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_a_later_panel_has_drawn_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although those of the first are kept from an earlier film, and not beside the output."""
    draw, drawn = Painter.__call__, list[int]()

    def counted(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        drawn.append(len(scenes))
        if len(drawn) == 2:
            raise Interrupted(2)
        return draw(painter, scenes)

    (tmp_path / "other.toml").write_text(OTHER)
    (tmp_path / "x.toml").write_text(f'{PRESET}path = "x.gif"\nfps = 4\n')
    words = ["render", "x.toml", "--batch", "2", "--set"]
    assert latty(*words, "outputs.0.path=first.gif", home=tmp_path).returncode == 0
    monkeypatch.setattr(Painter, "__call__", counted)
    words.append("panels.1.seed=8")
    assert latty(*words, home=tmp_path).returncode == 130
    work = tmp_path / "renders/x.gif.latty-work"
    first = work / "pictures"
    assert (work / "pictures-1").stat().st_size > 0
    assert not first.exists() or not first.stat().st_size
    found = latty("clean", "--dry-run", "--json", "renders", home=tmp_path)
    assert "x.gif.latty-work" in found.stdout
    assert latty(*words, home=tmp_path).returncode == 0
    assert drawn == [2, 2, 2] and not work.exists()


OWN = """schema = 1
seconds = 4
[scene]
model = "demo"
[[panels]]
{said}
[[outputs]]
path = "x.gif"
"""
SAID = [
    "preset = 'other.toml'",
    "preset = 'other.toml'\nseconds = 2\nloop = 'bounce'",
    "preset = 'other.toml'\nseed = 9\ntruncation = 0.5  # less of it",
    "preset = 'other.toml'\ntruncation = { keys = [[0, 0], ['1s', 1], [1, 0]] }",
    "preset = 'other.toml'\nseconds = 2\ntruncation = { keys = [[0, 0], ['1s', 1], [1, 0]] }",
    "preset = 'other.toml'\ntitle = 'x'\nnoise = 3\nedits = []",
    "preset = 'other.toml'\n[[panels.edits]]\ndirection = 'demo/smile'\nstrength = 2",
    "preset = 'hello'\nseed = 4",
]


@pytest.mark.parametrize("said", SAID)
def test_what_a_panel_says_beside_its_file_is_saved(said: str, tmp_path: Path) -> None:
    """Over itself, as another file, and as one in another folder; also after it was changed."""
    other = OTHER.replace("[scene]", "seconds = 2\n[scene]")
    (tmp_path / "other.toml").write_text(f"{other}[[scene.edits]]\ndirection = 'demo/age'\n")
    file, far = tmp_path / "x.toml", tmp_path / "far"
    far.mkdir()
    file.write_text(OWN.format(said=said))
    made = presets.read(file)
    presets.save(made, file)
    assert file.read_text() == OWN.format(said=said)
    assert presets.read(file) == made
    changed = replace(made, scene=replace(made.scene, seed=8))
    for place in (file, tmp_path / "y.toml", far / "x.toml", far / "x.toml"):
        presets.save(changed, place)
        again = presets.read(place)
        assert replace(again, name=made.name) == changed
    assert "../" not in (far / "x.toml").read_text()
    assert said.splitlines()[-1] in file.read_text()


def test_paths_in_panels_and_sounds_begin_in_the_folder_of_the_saved_file(tmp_path: Path) -> None:
    from sound_files import sine, wav

    near, far = tmp_path / "near", tmp_path / "far"
    near.mkdir()
    far.mkdir()
    wav(near / "a.wav", sine(440, 1))
    np.save(near / "z.npy", np.ones((2, 64), np.float32))
    heard = "truncation = { sound = 'a.wav', from = 0, to = 1 }"
    text = OWN.format(said=f"latent = 'z.npy#1'\n{heard}") + "sound = 'a.wav'\n"
    (near / "x.toml").write_text(text.replace("seconds = 4", "seconds = 1"))
    made = presets.read(near / "x.toml")
    presets.save(made, far / "x.toml")
    assert presets.read(far / "x.toml") == made
    presets.save(made, near / "y.toml")
    assert str(near) not in (near / "y.toml").read_text()
    assert replace(presets.read(near / "y.toml"), name="x") == made


SWEEP = """schema = 1
{length}
[scene]
model = "demo"
truncation = {{ from = 0, to = 1 }}
[[outputs]]
path = "a.gif"
{loop}
"""


@pytest.mark.parametrize(
    ("length", "loop", "places", "words"),
    [
        ("seconds = 4", "", [0, 0.25, 0.5, 0.75], ""),
        ("seconds = 2", "", [0, 0.5, 0, 0.5], "lasts 2 s, the film 4 s: then it begins again"),
        ("seconds = 2", "loop = 'once'", [0, 0.5, 1, 1], "then it stays at its end"),
        ("seconds = 2", "loop = 'bounce'", [0, 0.5, 1, 0.5], "then it goes back"),
        ("seconds = 2", "loop = 'seamless'", [0, 1, 0, 1], "then it begins again"),
        ("frames = 50", "loop = 'once'", [0, 0.5, 1, 1], "then it stays at its end"),
        ("seconds = 8", "", [0, 0.125, 0.25, 0.375], "lasts 8 s, the film 4 s: its end is not"),
        ("", "", [0, 0.25, 0.5, 0.75], ""),
    ],
)
def test_a_panel_plays_the_preset_that_it_names_at_its_own_speed(
    length: str, loop: str, places: list[float], words: str, tmp_path: Path
) -> None:
    (tmp_path / "other.toml").write_text(SWEEP.format(length=length, loop=loop))
    whole = 'schema = 1\nseconds = 4\n[scene]\nmodel = "demo"\n[[panels]]\npreset = "other.toml"\n'
    (tmp_path / "x.toml").write_text(whole + '[[outputs]]\npath = "x.gif"\nfps = 5\nloop = "once"')
    made = presets.read(tmp_path / "x.toml")
    panel = made.panels[0].preset
    assert [panel.at(i / 4).truncation for i in range(4)] == pytest.approx(places)
    found = "\n".join(presets.check(tmp_path / "x.toml"))
    assert words in found and bool(words) == ("panels.0.preset" in found), found
    recipe = presets.to_dict(provenance.portable(made, made.outputs[0]))
    again = presets.from_recipe(recipe, "x.gif").panels[0].preset
    assert [again.at(i / 4) for i in range(5)] == [panel.at(i / 4) for i in range(5)]


@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("own", ["", "seconds = {0}\n"])
def test_a_panel_that_jumps_at_the_seam_is_told_and_goes_back_in_a_seamless_film(
    own: str, length: int, tmp_path: Path
) -> None:
    """Also where its rounds fill the film."""
    sweep = SWEEP.format(length=f"seconds = {length}", loop="")
    (tmp_path / "other.toml").write_text(sweep)
    said = "preset = 'other.toml'\n" + own.format(length)
    told = {}
    for loop in ("loop", "seamless"):
        file = tmp_path / f"{loop}.toml"
        file.write_text(OWN.format(said=said) + f"fps = 10\nloop = '{loop}'\n")
        made = presets.read(file)
        told[loop] = "\n".join(presets.check(file))
        shown = made.panels[0].preset.shown(made.outputs[0])
        seen = [shown.at(t).truncation for t in made.times(made.outputs[0])]
        if loop == "seamless":
            assert abs(seen[-1] - seen[0]) < 0.1 and shown.shown(made.outputs[0]) == shown
        else:
            assert abs(seen[-1] - seen[0]) > 0.2
    assert "outputs.0.loop: does not close" in told["loop"]
    assert "loop" not in told["seamless"].replace("seamless.toml", "")
    assert ("lasts" in told["loop"]) == (length != 4 and not own)


def test_a_panel_has_its_own_speed_in_every_output(tmp_path: Path) -> None:
    """A film of frames lasts as long as each output plays them."""
    (tmp_path / "other.toml").write_text(SWEEP.format(length="seconds = 1", loop="loop = 'once'"))
    text = OWN.format(said="preset = 'other.toml'\ntitle = '{truncation:.2f}'")
    text = text.replace("seconds = 4", "frames = 9") + "fps = 4\n[[outputs]]\npath = 'y.png'\n"
    (tmp_path / "x.toml").write_text(text.replace("y.png", "y.mkv") + "fps = 16\n")
    made = presets.read(tmp_path / "x.toml")
    for output, places in zip(made.outputs, ([0, 0.28, 0.56], [0, 0.07, 0.14]), strict=True):
        part = made.panels[0].preset.shown(output)
        seen = [part.at(t).truncation for t in part.times(output)][:3]
        assert seen == pytest.approx(places, abs=0.005)
        again = presets.from_recipe(presets.to_dict(provenance.portable(made, output)), "x")
        part = again.panels[0].preset.shown(again.outputs[0])
        assert [part.at(t).truncation for t in part.times(output)][:3] == seen


def test_a_panel_of_its_own_length_counts_its_times_in_it(tmp_path: Path) -> None:
    text = 'schema = 1\nseconds = 4\n[scene]\nmodel = "demo"\n[[panels]]\nseconds = 2\n'
    text += 'loop = "once"\ntruncation = { keys = [[0, 0], ["1s", 1], [1, 0]] }\n'
    (tmp_path / "x.toml").write_text(text)
    made = presets.read(tmp_path / "x.toml")
    assert [made.panels[0].preset.at(i / 8).truncation for i in range(9)] == pytest.approx(
        [0, 0.5, 1, 0.5, 0, 0, 0, 0, 0]
    )
    assert presets.from_dict(presets.to_dict(made), "x") == made
    assert made.lasting(25).panels[0].preset.at(1).truncation == 1  # a film of one second


def test_the_latents_of_a_panel_know_their_truncation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from latty import home, latents

    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    home.latents_dir().mkdir(parents=True)
    for name, psi in (("low", 0.4), ("high", 0.9), ("none", None)):
        params = () if psi is None else (("truncation", psi),)
        kept = latents.Latents("z", torch.ones(3, 64), "demo", params=params)
        latents.write(home.latents_dir() / f"{name}.safetensors", kept)
    (tmp_path / "other.toml").write_text('schema = 1\n[scene]\nmodel = "demo"\nlatent = "low#0"\n')
    panels = [
        "",
        "latent = 'high#1'",
        "latent = 'none#1'",
        "latent = 'high#1'\ntruncation = 0.2",
        "preset = 'other.toml'",
        "alone = true\nmodel = 'demo'\nlatent = 'high#0-2'",
    ]
    text = "schema = 1\n[scene]\nmodel = 'demo'\nlatent = 'low#0'\n{}"
    text += "".join(f"[[panels]]\n{panel}\n" for panel in panels)
    for said, found in (
        ("", [0.4, 0.9, 1, 0.2, 0.4, 0.9]),
        ("truncation = 0.5\n", [0.5, 0.5, 0.5, 0.2, 0.4, 0.9]),
    ):
        (tmp_path / "x.toml").write_text(text.format(said))
        made = presets.read(tmp_path / "x.toml")
        assert [scene.truncation for scene in made.scenes] == found
        recipe = presets.to_dict(provenance.portable(replace(made, outputs=(OUT,)), OUT))
        assert [s.truncation for s in presets.from_recipe(recipe, "x").scenes] == found


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('[[panels.edits]]\ndirection = "seed:4"\nmode = "centred"',
         "panels.0.edits.0.mode: means nothing for a seed"),
        ('truncation = { sound = "a.wav", from = 0, to = 1 }',
         "panels.0.truncation.sound: goes with a film that says its seconds"),
        ('latent = "z.npy#0"\nseed = 4', "panels.0.seed: is not used: the scene starts at"),
        ("truncation = { from = 0, to = 1 }", "outputs.0.loop: does not close"),
        ("cutoff = 4", "panels.0.cutoff: means nothing without a truncation"),
    ],
)  # fmt: skip
def test_what_is_told_of_a_scene_is_told_of_a_panel(key: str, words: str, tmp_path: Path) -> None:
    from sound_files import sine, wav

    wav(tmp_path / "a.wav", sine(440, 1))
    np.save(tmp_path / "z.npy", np.ones((2, 64), np.float32))
    text = f'schema = 1\nframes = 25\n[scene]\nmodel = "demo"\n[[panels]]\n{key}\n'
    (tmp_path / "x.toml").write_text(text + '[[outputs]]\npath = "a.gif"\n')
    done = latty("check", "x.toml", home=tmp_path)
    assert words in done.stderr, done.stderr
