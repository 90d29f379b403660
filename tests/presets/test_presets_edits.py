"""What presets say about modes, units, locks, conditions and latents: read, checked, rendered."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from preset_files import container, direction_set, refused, warned

from latty import home, latents, presets, render
from latty.cli.main import main
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet
from latty.directions.file import write as write_set
from latty.models import open_model
from latty.presets import Output
from latty.render import captions, provenance, shots
from latty.scene import Edit, Scene

WHOLE = """\
schema = 1
name = "whole"
[scene]
model = "toy"
latent = "mine#-1"
locks = ["moves/yaw", "moves/smile"]
[[scene.edits]]
direction = "moves/smile"
strength = { from = -2, to = 2 }
mode = "centred"
conditions = ["moves/yaw", "moves/age"]
[[scene.edits]]
direction = "units/x"
strength = 0.25
unit = "own"
[[outputs]]
path = "a.gif"
loop = "once"
"""


def write_set_in(space: str, path: Path) -> None:
    """A set of one direction of toy."""
    header = DirectionSet("random", space, (Info("x", 1.0),), "toy", "stylegan2")
    write_set(path, header, {ARRAY: torch.ones(1, 6)})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a model, directions in w and z, one with a unit, and latents."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    container(home.models_dir() / "toy.safetensors", {"kind": "generator", "num_layers": "10"}, {})
    direction_set(home.directions_dir() / "moves.safetensors", ["smile", "yaw", "age"], "toy")
    header = DirectionSet("random", "w", (Info("x", 1.0, unit="widths"),), "toy", "stylegan2")
    write_set(home.directions_dir() / "units.safetensors", header, {ARRAY: torch.ones(1, 4)})
    write_set_in("z", home.directions_dir() / "early.safetensors")
    write_set_in("activation:b8", home.directions_dir() / "inside.safetensors")
    made = latents.Latents("w", torch.ones(3, 4), "toy", names=("a", "b", "c"))
    latents.write(home.latents_dir() / "mine.safetensors", made)
    return tmp_path


def write(folder: Path, *lines: str, edit: str = "") -> Path:
    """A preset with more lines in [scene], and in its one edit."""
    file = folder / "x.toml"
    scene = "\n".join(["[scene]", "model = 'toy'", *lines])
    moves = f"[[scene.edits]]\n{edit}" if edit else ""
    file.write_text(f"schema = 1\n{scene}\n{moves}\n[[outputs]]\npath = 'a.png'\n")
    return file


def test_everything_that_can_be_said(store: Path) -> None:
    file = store / "whole.toml"
    file.write_text(WHOLE)
    assert presets.check(file) == []
    preset = presets.read(file)
    smile, shift = preset.scene.edits
    assert (preset.scene.latent, preset.scene.locks) == ("mine#-1", ("moves/yaw", "moves/smile"))
    assert smile == Edit("moves/smile", -2.0, None, "centred", "sigma", ("moves/yaw", "moves/age"))
    assert shift == Edit("units/x", 0.25, None, "relative", "own")
    assert replace(smile, strength=2.0) == preset.at(1.0).edits[0]
    file.unlink()
    presets.save(preset, file)
    assert presets.read(file) == preset
    assert presets.from_dict(json.loads(json.dumps(presets.to_dict(preset))), "x") == preset


def test_saving_over_a_file_changes_only_the_words_that_changed(store: Path) -> None:
    file = store / "whole.toml"
    file.write_text(WHOLE.replace('mode = "centred"', 'mode = "centred" # about the mean'))
    preset = presets.read(file)
    smile, shift = preset.scene.edits
    edits = (replace(smile, conditions=("moves/age",)), replace(shift, unit="sigma"))
    scene = replace(preset.scene, edits=edits, locks=(), latent="mine#b")
    presets.save(replace(preset, scene=scene), file)
    text = file.read_text()
    assert 'mode = "centred" # about the mean' in text and 'latent = "mine#b"' in text
    assert 'conditions = ["moves/age"]' in text
    assert "locks" not in text and "unit =" not in text


FAULTS = {
    ("latent = 3",): "x.toml:4:1: scene.latent: must be text in quotes, not 3",
    ("locks = 'moves/yaw'",): "x.toml:4:1: scene.locks: must be a list in brackets",
    ("locks = [1]",): "scene.locks.0: must be text in quotes, not 1",
    ("latent = 'mien#0'",): "x.toml:4:1: scene.latent: no latents 'mien', did you mean 'mine'?",
    ("latent = 'mine#3'",): "scene.latent: no latent 3 in mine.safetensors, it holds 3: 0 to 2",
    ("latent = 'mine#d'",): "scene.latent: no latent 'd' in mine.safetensors, there is: a, b, c",
    ("latent = 'none.npz#0'",): "scene.latent: there is no file none.npz",
    ("locks = ['moves/yaw', 'moves/yow']",): "scene.locks.1: no direction 'yow' in moves",
    ("locks = ['seed:3']",): "scene.locks.0: 'seed:3' names no direction",
}


@pytest.mark.parametrize("lines", FAULTS)
def test_faults_of_a_scene(lines: tuple[str, ...], store: Path) -> None:
    [line] = refused(write(store, *lines))
    assert FAULTS[lines] in line


SMILE = "direction = 'moves/smile'\n"
EDIT_FAULTS = {
    SMILE + "mode = 'centered'": (
        "x.toml:6:1: scene.edits.0.mode: must be one of 'relative', 'absolute', 'centred', 'flip', "
        "not text 'centered', did you mean 'centred'?"
    ),
    SMILE + "unit = 'cm'": "scene.edits.0.unit: must be one of 'sigma', 'own', not text 'cm'",
    SMILE + "unit = 'own'": "6:1: scene.edits.0.unit: 'moves/smile' counts in sigma only, leave it",
    SMILE + "conditions = ['moves/agee']": (
        "scene.edits.0.conditions.0: no direction 'agee' in moves, did you mean 'age'?"
    ),
    SMILE + "conditions = ['moves/yaw', 'moves/0']": (
        "scene.edits.0.conditions.1: is the direction of this very edit"
    ),
    SMILE + "conditions = ['early/x']": (
        "scene.edits.0.conditions.0: is held in z, and this edit moves in w"
    ),
    "direction = 'units/x'\nunit = 'own'\nmode = 'flip'": (
        "scene.edits.0.unit: 'own' moves by a way; mode 'flip' counts in sigma"
    ),
    "direction = 'inside/x'\nlayers = '4'": (
        "scene.edits.0.layers: mean nothing in activation:b8, which is one layer"
    ),
    "direction = 'inside/x'\nconditions = ['moves/yaw']": (
        "scene.edits.0.conditions.0: is held in w, and this edit moves in activation:b8"
    ),
    "direction = 'seed:4'\nmode = 'flip'": "scene.edits.0.mode: means nothing for a seed",
    "direction = 'seed:4'\nunit = 'own'": "scene.edits.0.unit: means nothing for a seed",
}


@pytest.mark.parametrize("edit", EDIT_FAULTS)
def test_faults_of_an_edit(edit: str, store: Path) -> None:
    [line] = refused(write(store, edit=edit))
    assert EDIT_FAULTS[edit] in line


def test_what_does_not_go_together(store: Path) -> None:
    [line] = refused(write(store, "locks = ['moves/yaw']", edit="direction = 'early/x'"))
    assert "scene.edits.0.direction: moves in z, where the lock 'moves/yaw' in w cannot" in line
    assert warned(write(store, "locks = ['early/0']", edit="direction = 'early/x'")) == []
    [line] = refused(write(store, "latent = 'mine#0'", edit="direction = 'early/x'"))
    assert "scene.latent: lies behind the mapping, where 'early/x' cannot move z" in line


@pytest.mark.parametrize("value", ["7", "[0, 1]", "{ walk = [1, 2] }"])
def test_a_seed_beside_a_latent_is_a_warning(value: str, store: Path) -> None:
    lines = warned(write(store, f"seed = {value}", "latent = 'mine'"))
    assert "x.toml:4:1: scene.seed: is not used: the scene starts at its latent" in lines
    assert warned(write(store, "seed = 0", "latent = 'mine'")) == []


def test_locks_and_latents_of_another_model_are_warnings(store: Path) -> None:
    direction_set(home.directions_dir() / "others.safetensors", ["age"], "cats")
    latents.write(
        home.latents_dir() / "cat.safetensors", latents.Latents("w", torch.ones(1, 4), "cat")
    )
    edit = SMILE + "conditions = ['others/age']"
    lines = warned(write(store, "latent = 'cat'", "locks = ['others/age']", edit=edit))
    keys = [line.split(": ")[1] for line in lines]
    assert keys == ["scene.locks.0", "scene.edits.0.conditions.0", "scene.latent"]
    assert all("was made for model 'cat" in line for line in lines)


@pytest.mark.parametrize("key", ["latent = '{}'", "locks = ['{}']"])
def test_hostile_references_never_reach_the_terminal(key: str, store: Path) -> None:
    for evil in ("\\u001b[2J", "a\\u202e#0"):
        lines = refused(write(store, key.format(evil).replace("'", '"')))
        assert lines and all(line.isprintable() for line in lines)


def test_set_reaches_them(store: Path) -> None:
    words = ["scene.edits.0.mode=flip", "scene.locks=['moves/age']", "scene.latent=mine#b"]
    preset = presets.read(write(store, edit=SMILE), words)
    assert preset.scene.edits[0].mode == "flip"
    assert (preset.scene.locks, preset.scene.latent) == (("moves/age",), "mine#b")


# --- rendering ------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["/home/ada/", "~/", "../secret/", "C:\\Users\\Ada\\"])
def test_recipes_hold_no_folders_of_anybody(folder: str) -> None:
    edit = Edit("demo/smile", conditions=(f"{folder}c.safetensors#1",))
    scene = Scene("demo", edits=(edit,), latent=f"{folder}l.npz:w#2")
    scene = replace(scene, locks=(f"{folder}k.safetensors#x", "demo/yaw"))
    preset = presets.Preset(1, "x", scene, outputs=(Output("a.gif"),))
    public = provenance.portable(preset, preset.outputs[0]).scene
    assert public.latent == "l.npz:w#2"
    assert public.locks == ("k.safetensors#x", "demo/yaw")
    assert public.edits[0].conditions == ("c.safetensors#1",)
    whole = replace(preset, scene=replace(scene, latent=f"{folder}l.npz"))
    assert provenance.portable(whole, whole.outputs[0]).scene.latent == "l.npz"


def test_recipes_name_the_bytes_of_everything_a_picture_depends_on(tmp_path: Path) -> None:
    file = tmp_path / "l.npy"
    np.save(file, np.ones((2, 32), np.float32))
    edit = Edit("portraits/smile", conditions=("portraits/age",))
    scene = Scene("portraits", edits=(edit,), latent=f"{file}#1", locks=("portraits/yaw",))
    preset = presets.Preset(1, "x", scene, outputs=(Output("a.gif"),))
    model = open_model("portraits", "cpu")

    def recipe() -> dict[str, object]:
        return provenance.shared(preset, model)

    made = recipe()
    assert set(made["directions"]) == {"portraits/smile", "portraits/age", "portraits/yaw"}  # type: ignore[call-overload]
    (before,) = made["latents"].items()  # type: ignore[attr-defined]
    assert before[0] == "l.npy#1" and len(before[1]) == 64
    np.save(file, np.zeros((2, 32), np.float32))
    assert recipe()["latents"] != made["latents"]
    bare = replace(preset, scene=replace(scene, latent=None))
    assert "latents" not in provenance.shared(bare, model)


def test_names_of_rows_and_captions_say_mode_and_unit(store: Path) -> None:
    file = store / "whole.toml"
    file.write_text(WHOLE)
    preset = presets.read(file)
    strip = Output("a.png", layout="strip", columns=3)
    assert shots.row_names(preset, strip) == ["smile, centred", "x, widths"]
    sheet = replace(preset, tracks=(("edits.1.strength", presets.Track(((0, -1.0), (1, 1.0)))),))
    sheet = replace(sheet, frames=3)
    assert shots.captions(sheet, Output("a.png", columns=2)) == [
        "-1 widths",
        "0 widths",
        "+1 widths",
    ]
    sigma = replace(preset, frames=3)
    assert shots.captions(sigma, Output("a.png", columns=2)) == ["-2", "0", "+2"]


def test_a_strip_shows_each_edit_without_the_others(store: Path) -> None:
    """An edit that goes to a place is not off at strength 0."""
    file = store / "whole.toml"
    file.write_text(WHOLE)
    rows = shots.table(presets.read(file), Output("a.png", layout="strip", columns=3))
    seen = [[[(e.direction, e.strength) for e in scene.edits] for scene in row] for row in rows]
    assert seen[0] == [[("moves/smile", s)] for s in (-3, 0, 3)]
    assert seen[1] == [[("units/x", s)] for s in (-3, 0, 3)]
    assert rows[0][0].edits[0].mode == "centred" and rows[0][0].locks


def test_a_preset_with_a_latent_renders_and_its_picture_renders_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "drawn.npz", z=np.random.RandomState(3).randn(4, 32).astype(np.float32))
    (tmp_path / "x.toml").write_text(
        "schema = 1\nframes = 3\n[scene]\nmodel = 'portraits'\nlatent = 'drawn.npz#3'\n"
        "locks = ['portraits/yaw']\n[[scene.edits]]\ndirection = 'portraits/smile'\n"
        "strength = { from = -2, to = 2 }\nmode = 'centred'\nconditions = ['portraits/age']\n"
        "[[outputs]]\npath = 'x.gif'\nsize = 32\nloop = 'once'\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["check", "x.toml"]) == 0
    assert tuple(capsys.readouterr()) == ("x.toml: ok\n", "")
    assert main(["render", "x.toml"]) == 0
    made = (tmp_path / "renders" / "x.gif").read_bytes()
    (tmp_path / "renders" / "x.gif").rename(tmp_path / "y.gif")
    assert main(["render", "y.gif"]) == 0
    assert (tmp_path / "renders" / "y.gif").read_bytes() == made
    capsys.readouterr()
    assert main(["render", "x.toml", "--set", "scene.latent=drawn.npz#9"]) == 66
    assert "no latent 9 in drawn.npz, it holds 4: 0 to 3" in capsys.readouterr().err


def drawn(psi: object, space: str = "z") -> None:
    params = () if psi is None else (("truncation", psi),)
    made = latents.Latents(space, torch.ones(3, 4), "toy", params=params)  # type: ignore[arg-type]
    latents.write(home.latents_dir() / "pool.safetensors", made)


@pytest.mark.parametrize(
    ("known", "said", "becomes"),
    [
        (0.6, "", 0.6),
        (1.0, "", 1.0),
        (0.6, "truncation = 1", 1.0),
        (0.6, "truncation = 0.3", 0.3),
        (None, "", 1.0),
        (float("inf"), "", 1.0),
        (40, "", 1.0),
        ("much", "", 1.0),
    ],
)
@pytest.mark.parametrize("which", ["pool#1", "pool#0-2"])
def test_the_truncation_of_latents_is_the_default(
    known: object, said: str, becomes: float, which: str, store: Path
) -> None:
    """What is made of it says it, whatever the latents say later."""
    drawn(known)
    path = store / "x.toml"
    path.write_text(f"schema = 1\n[scene]\nmodel = 'toy'\nlatent = '{which}'\n{said}\n")
    made = presets.read(path)
    assert made.scene.truncation == becomes
    assert presets.read(path, ["scene.truncation=0.2"]).scene.truncation == 0.2
    text, recipe = presets.dumps(made), presets.to_dict(made)
    presets.save(replace(made, name="y"), path)
    drawn(0.1)
    assert presets.from_recipe(recipe, "x.png") == made
    (store / "z.toml").write_text(text)
    assert presets.read(store / "z.toml") == made
    old = {**recipe, "scene": {"model": "toy", "latent": which}}
    assert presets.from_recipe(old, "x.png").scene.truncation == 1  # recipes of before: as sampled


def test_latents_that_are_not_there_know_nothing(store: Path) -> None:
    (store / "x.toml").write_text("schema = 1\n[scene]\nmodel = 'toy'\nlatent = 'gone#1'\n")
    assert presets.read(store / "x.toml").scene.truncation == 1


def test_directions_within_which_an_edit_goes(store: Path) -> None:
    edit = "direction = 'seed:4'\nwithin = 'moves/smile-age'\nconditions = ['moves/yaw-age']"
    preset = presets.read(file := write(store, edit=edit))
    assert presets.check(file) == []
    assert preset.scene.edits[0].within == "moves/smile-age"
    assert presets.from_dict(presets.to_dict(preset), preset.name) == preset
    [line] = refused(write(store, edit="direction = 'seed:4'\nwithin = 'moves/smile-agee'"))
    assert "within: no directions 'smile-agee' in moves, did you mean 'age'?" in line
    [line] = refused(write(store, edit="direction = 'moves/yaw'\nwithin = 'early/*'"))
    assert "within: lies in z, and this edit moves in w" in line
    [line] = refused(write(store, edit="direction = 'moves/yaw'\nconditions = ['moves/*']"))
    assert "conditions.0: is the direction of this very edit" in line


FADED = """\
schema = 1
name = "faded"
frames = 3
[scene]
model = "portraits"
seed = 5
size = 32
[[scene.edits]]
direction = "portraits/age"
mode = "flip"
strength = 2
amount = { keys = [[0, 0], [0.5, 1]] }
[[scene.edits]]
direction = "portraits/yaw"
mode = "centred"
strength = 1.5
amount = AMOUNT
[[text]]
value = "{edits.0.amount:.0%} of {direction}"
[[outputs]]
path = "faded.png"
"""


def test_edits_are_faded_in_one_after_the_other(tmp_path: Path) -> None:
    file = tmp_path / "faded.toml"
    file.write_text(FADED.replace("AMOUNT", "{ keys = [[0.5, 0], [1, 1]] }"))
    assert presets.check(file) == []
    preset = presets.read(file)
    assert [[e.amount for e in preset.at(t).edits] for t in (0, 0.25, 0.5, 0.75, 1)] == [
        [0, 0], [0.5, 0], [1, 0], [1, 0.5], [1, 1]]  # fmt: skip
    assert presets.from_dict(presets.to_dict(preset), "faded") == preset
    assert main(["render", str(file), "--out-dir", str(tmp_path), "--quiet"]) == 0
    told, _ = provenance.recall(tmp_path / "faded.png")
    assert (told.scene, told.tracks) == (preset.scene, preset.tracks)
    facts = [captions.facts_at(preset, preset.outputs[0], t, 0) for t in (0, 0.5)]
    assert [fact["edits.0.amount"] for fact in facts] == [0, 1] and facts[0]["direction"] == "age"
    bare = replace(preset.scene, edits=())
    plain = [render.picture(bare), render.picture(preset.at(0))]
    assert plain[0].tobytes() == plain[1].tobytes() != render.picture(preset.at(1)).tobytes()


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("50", "scene.edits.1.amount: must be at most 2, not 50"),
        ("'half'", "amount: must be a number, "),
        ("{ from = 0, to = 3 }", "must be from -1 to 2, not 3"),
    ],
)
def test_an_amount_that_is_none(amount: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "faded.toml"
    file.write_text(FADED.replace("AMOUNT", amount))
    assert words in refused(file)[0]
