"""`[vars]`, `extends`, and where the paths in a preset begin."""

import json
import os
import shutil
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from cli_in_process import latty
from preset_files import container, direction_set

from latty import home, presets
from latty.budget import slowness
from latty.errors import PresetError, Unkept
from latty.presets import reading

HEAD = "schema = 1\n"
SCENE = "[scene]\nmodel = 'portraits'\n"


def write(folder: Path, text: str, name: str = "x") -> Path:
    file = folder / f"{name}.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def refused(file: Path, *overrides: str) -> str:
    with pytest.raises(PresetError) as caught:
        presets.read(file, overrides)
    return str(caught.value).replace(f"{file.parent}/", "")


def paths(preset: presets.Preset) -> list[str]:
    return [output.path for output in preset.outputs]


# --- [vars] ---------------------------------------------------------------------------------------

WHOLE = """\
schema = 1
name = "{who}-{n}"
frames = "{n}"
[vars]
who = "face"
n = 12
span = 2.5
seeds = [3, 1, 2]
sweep = { from = "-{span}", to = 1 }
size = "{n}0"
[scene]
model = "portraits"
seed = "{seeds}"
truncation = "{span}"
[[scene.edits]]
direction = "portraits/smile"
strength = "{sweep}"
[[outputs]]
path = "{who}_{span}_{n:05d}_{{x}}.png"
columns = "{n}"
captions = false
"""


def test_a_text_that_is_only_a_placeholder_takes_the_type_of_the_value(tmp_path: Path) -> None:
    preset = presets.read(write(tmp_path, WHOLE), ["vars.span=0.5"])
    assert (preset.name, preset.frames, preset.seeds) == ("face-12", 12, (3, 1, 2))
    assert preset.scene.truncation == 0.5
    assert paths(preset) == ["face_0.5_00012_{x}.png"]
    assert preset.outputs[0].columns == 12
    assert dict(preset.tracks)["edits.0.strength"].at(0) == -0.5


def test_set_reaches_into_vars_and_past_them(tmp_path: Path) -> None:
    file = write(tmp_path, WHOLE)
    overrides = ["vars.span=1", "vars.seeds=7", "vars.new=cat", "outputs.0.path={new}-{seed}.png"]
    assert paths(presets.read(file, overrides)) == ["cat-7.png"]
    assert "--set vars.seeds=-1" not in refused(file, "vars.seeds=-1", "vars.span=1")
    assert "x.toml:13:1: scene.seed: must be at least 0" in refused(
        file, "vars.seeds=-1", "vars.span=1"
    )


FAULTS = {
    "[vars]\nwho = 1\n[scene]\nmodel = '{whoo}'\n": "5:1: scene.model: {whoo} stands for nothing, "
    "did you mean 'who'?",
    "[vars]\na = '{b}'\nb = '{a}'\n[scene]\nmodel = '{a}'\n": "6:1: scene.model: goes in a circle: "
    "a -> b -> a",
    "[vars]\na = [1]\n[scene]\nmodel = 'x{a}'\n": "5:1: scene.model: {a} is a list: it can only "
    "stand alone",
    "[vars]\na = 'x'\n[scene]\nmodel = 'x{a:03d}'\n": "5:1: scene.model: {a:03d} is no way to "
    "write text 'x'",
    "[vars]\na = 1\n[scene]\nmodel = 'x{a:>99999999}'\n": "{a:>99999999} is no way to write 1",
    "vars = 3\n[scene]\nmodel = 'demo'\n": "2:1: vars: must be a table, not 3",
    "[vars]\na = 2026-01-01\n[scene]\nmodel = 'demo'\n": "3:1: vars.a: must be a value that a key "
    "may have",
    f"{SCENE}seed = [1, 2]\n[[outputs]]\npath = '{{seed}}.png'\n": "6:1: outputs.0.path: {seed} "
    "has no single value here",
}


@pytest.mark.parametrize(("rest", "words"), FAULTS.items())
def test_faults_of_placeholders_have_their_place(rest: str, words: str, tmp_path: Path) -> None:
    found = refused(write(tmp_path, HEAD + rest))
    assert words in found and found.count("\n") == 0, found


def test_a_few_lines_that_stand_for_a_billion_values_end(tmp_path: Path) -> None:
    doubled = "".join(f"v{i} = ['{{v{i + 1}}}', '{{v{i + 1}}}']\n" for i in range(40))
    text = f"{HEAD}[vars]\n{doubled}v40 = 1\n[scene]\nmodel = 'demo'\nseed = '{{v0}}'\n"
    assert "stands for more than" in refused(write(tmp_path, text))
    doubled = "".join(f"v{i} = '{{v{i + 1}}}{{v{i + 1}}}'\n" for i in range(40))
    text = f"{HEAD}[vars]\n{doubled}v40 = 'x'\n[scene]\nmodel = 'demo{{v0}}'\n"
    assert "scene.model" in refused(write(tmp_path, text))


def test_a_fault_of_a_value_is_said_once_where_it_stands(tmp_path: Path) -> None:
    text = f"[vars]\na = '{{b}}{{b}}{{b}}'\nb = '{'x' * 10_001}'\n[scene]\nmodel = '{{a}}'\n"
    assert refused(write(tmp_path, text)).count("filled with more than 10000 characters") == 1


BOMBS = {
    "many in one text": ("a = '{long}'", "model = '{many}'"),
    "many texts": ("a = '{half}'\nb = '{{a}}{{a}}'", "model = [{each}]"),
    "a long way": ("{chain}", "seed = '{{v0}}'"),
}


def test_names_beyond_all_number_are_not_looked_for(tmp_path: Path) -> None:
    edits = ",".join(f"{{direction='d{i}/x#a',strength=1}}" for i in range(20_000))
    text = f"{HEAD}{SCENE}edits = [{edits}]\n"
    (tmp_path / "below").mkdir()
    begun = time.process_time()
    assert "too many" in refused(write(tmp_path / "below", text))
    assert time.process_time() - begun < 3 * slowness()


@pytest.mark.slow
@pytest.mark.parametrize("what", BOMBS)
def test_no_text_of_a_small_preset_fills_the_memory(what: str, tmp_path: Path) -> None:
    pieces = {
        "long": "x" * 9999,
        "half": "x" * 4999,
        "many": "{a}" * 300_000,
        "each": "'{b}'," * 20_000,
        "chain": "".join(f"v{i} = '{{v{i + 1}}}'\n" for i in range(3000)) + "v3000 = 1",
    }
    known, scene = (text.format(**pieces) for text in BOMBS[what])
    file = write(tmp_path, f"{HEAD}[vars]\n{known}\n[scene]\n{scene}\n")
    tracemalloc.start()
    try:
        assert "scene." in refused(file)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("path", "made"),
    [
        ("{name}-{seed}-{model}.png", "x-7-portraits.png"),
        ("{seed:06d}.png", "000007.png"),
        ("{{seed}}.png", "{seed}.png"),
        ("{other}-{}.png", "{other}-{}.png"),
        ("{{other}}.png", "{{other}}.png"),
        ("a{b.png", "a{b.png"),
    ],
)
def test_paths_of_presets_without_vars(path: str, made: str, tmp_path: Path) -> None:
    text = f"{HEAD}{SCENE}seed = 7\nlabel = '{{who}}'\n[[outputs]]\npath = '{path}'\n"
    preset = presets.read(write(tmp_path, text))
    assert (paths(preset), preset.scene.label) == ([made], "{who}")


def test_a_placeholder_that_stays_is_doubtful(tmp_path: Path) -> None:
    text = f"{HEAD}{SCENE}[[outputs]]\npath = '{{sed}}.png'\n"
    [line] = presets.check(write(tmp_path, text))
    assert "x.toml:5:1: outputs.0.path: {sed} stands for nothing, and stays, did you mean 'seed'?" \
        in line  # fmt: skip


def test_what_is_saved_is_read_again_as_it_was(tmp_path: Path) -> None:
    odd = presets.from_dict({"scene": {"model": "portraits", "seed": 7},
                             "outputs": [{"path": "{seed}-{x}.png"}]}, "odd")  # fmt: skip
    presets.save(odd, tmp_path / "odd.toml")
    assert presets.read(tmp_path / "odd.toml") == odd
    kept = f"{HEAD}# mine\nname = 'x'\n{SCENE}seed = 7 # the seed\n"
    kept += "[[outputs]]\npath = '{seed}.png'\n"
    file = write(tmp_path, kept)
    preset = presets.read(file)
    presets.save(replace(preset, scene=replace(preset.scene, seed=8)), file)
    assert file.read_text() == kept.replace("seed = 7", "seed = 8")
    file = write(tmp_path, WHOLE.replace("span = 2.5", "span = 1.5"))
    preset = presets.read(file)
    preset = replace(preset, scene=replace(preset.scene, truncation=0.5))
    with pytest.raises(Unkept):  # its placeholder stands for a strength, too
        presets.save(preset, file)
    presets.save(preset, file, "placeholders")
    text = file.read_text()
    assert "truncation = 0.5" in text and 'seed = "{seeds}"' in text and "[vars]" in text


# --- extends --------------------------------------------------------------------------------------

BASE = f"""\
{HEAD}
frames = 5
[vars]
n = 3
{SCENE}seed = "{{n}}"
truncation = 0.5
[[scene.edits]]
direction = "portraits/smile"
[[outputs]]
path = "base.png"
[[outputs]]
path = "base.gif"
"""


def test_tables_merge_and_lists_replace(tmp_path: Path) -> None:
    write(tmp_path, BASE, "parts/base")
    middle = "extends = 'base.toml'\n[scene]\ntruncation = 0.7\n[[outputs]]\npath = '{name}.gif'\n"
    write(tmp_path, middle, "parts/middle")
    top = f"{HEAD}extends = 'parts/middle.toml'\n[vars]\nn = 4\n[scene]\nsize = 64\n"
    preset = presets.read(write(tmp_path, top))
    scene = preset.scene
    assert (scene.seed, scene.truncation, scene.size, preset.frames) == (4, 0.7, 64, 5)
    assert (len(scene.edits), paths(preset), preset.name) == (1, ["x.gif"], "x")
    emptied = presets.read(write(tmp_path, f"{top}edits = []\n"))
    assert emptied.scene.edits == ()


def test_a_shipped_preset_is_extended_by_its_name(tmp_path: Path) -> None:
    preset = presets.read(write(tmp_path, f"{HEAD}extends = 'hello'\n[scene]\nseed = 99\n"))
    hello = presets.read("hello")
    assert preset.scene.seed == 99 and preset.tracks == hello.tracks
    assert preset.outputs == hello.outputs


CHAINS = {  # what base.toml holds -> what is told of x.toml, which extends it
    f"{HEAD}[scene]\nmodel = 'demo'\nsede = 1\n": "base.toml:4:1: scene.sede: unknown key, did you "
    "mean 'seed'? (extended by x.toml)",
    f"{HEAD}[scene]\nmodel = 'demo'\nseed = -1\n": "base.toml:4:1: scene.seed: must be at least 0",
    "schema = 99\n": "base.toml:1:1: schema: schema 99 is newer than this latty",
    "x = [\n": "(extended by x.toml)",
    "extends = 'x.toml'\n": "base.toml:1:1: extends: goes in a circle: x.toml extends base.toml "
    "extends x.toml (extended by x.toml)",
    "extends = 'bsae.toml'\n": "base.toml:1:1: extends: there is no preset bsae.toml, did you mean "
    "'base.toml'?",
    "extends = 3\n": "base.toml:1:1: extends: must be the path or name of a preset",
}


@pytest.mark.parametrize(("base", "words"), CHAINS.items())
def test_faults_tell_the_file_they_are_in_and_who_extends_it(
    base: str, words: str, tmp_path: Path
) -> None:
    write(tmp_path, base, "base")
    found = refused(write(tmp_path, f"{HEAD}extends = 'base.toml'\n"))
    assert words in found and "(extended by x.toml)" in found, found


def test_faults_of_both_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, f"{HEAD}{SCENE}seed = -1\n", "base")
    found = refused(write(tmp_path, f"{HEAD}extends = 'base.toml'\nframes = 0\n"))
    lines = found.split("\n")
    assert lines[0].startswith("x.toml:3:1: frames:") and lines[1].startswith("base.toml:4:1:")
    done = latty("check", "x.toml", "--json", home=tmp_path)
    told = json.loads(done.stdout)["problems"]
    assert [one["file"] for one in told] == ["", "base.toml"] and done.returncode == 65


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    for index in range(12):
        write(tmp_path, f"{HEAD}extends = '{index + 1}.toml'\n", f"{index}")
    assert "7.toml:2:1: extends: " in refused(tmp_path / "0.toml")


def test_only_files_are_extended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    assert "named pipe" in refused(write(tmp_path, f"{HEAD}extends = 'pipe.toml'\n"))


# --- paths ----------------------------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a preset, its model and its directions; the current folder is another."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    facts = {"kind": "generator", "num_layers": "10", "num_classes": "0"}
    container(tmp_path / "share/toy.safetensors", facts, {})
    direction_set(tmp_path / "share/sub/moves.safetensors", ["smile"], "toy")
    text = (
        f"{HEAD}[scene]\nmodel = 'toy.safetensors'\n[[scene.edits]]\n"
        "direction = 'sub/moves.safetensors#smile'\n[[outputs]]\npath = 'a.png'\n"
    )
    write(tmp_path, text, "share/x")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def test_paths_begin_in_the_folder_of_the_preset(shared: Path) -> None:
    for ref in ("../share/x.toml", shared / "share/x.toml"):
        assert presets.check(ref) == []
        scene = presets.read(ref).scene
        assert scene.model == f"{shared}/share/toy.safetensors"
        assert scene.edits[0].direction == f"{shared}/share/sub/moves.safetensors#smile"


def test_a_preset_that_is_extended_brings_its_own_folder(shared: Path) -> None:
    write(shared, f"{HEAD}extends = '../share/x.toml'\n[scene]\nseed = 3\n", "work/y")
    assert presets.check("y.toml") == []
    assert presets.read("y.toml").scene.model == f"{shared}/share/toy.safetensors"


def test_a_folder_s_link_leads_up_from_where_it_leads_to(shared: Path) -> None:
    """As the shell has it: films/../toy is beside the folder that the link is of."""
    (shared / "share/films").mkdir()
    (shared / "work/films").symlink_to("../share/films")
    scene = '[scene]\nmodel = "../toy.safetensors"\n'
    write(shared, f"{HEAD}{scene}", "share/films/y")
    write(shared, f"{HEAD}[scene]\nmodel = 'x'\n[[panels]]\npreset = '../films/y.toml'\n",
          "share/films/z")  # fmt: skip
    shutil.copy(shared / "share/x.toml", shared / "work/toy.safetensors")
    toy = f"{shared}/share/toy.safetensors"
    assert presets.read("films/y.toml").scene.model == toy
    assert presets.read("films/z.toml").panels[0].preset.scene.model == toy


def test_what_was_typed_begins_in_the_current_folder(shared: Path) -> None:
    shutil.copy(shared / "share/toy.safetensors", shared / "work/other.safetensors")
    ref = "../share/x.toml"
    assert presets.read(ref, ["scene.model=other.safetensors"]).scene.model == "other.safetensors"
    [line] = presets.check(ref, ["scene.model=other.safetensors"])
    assert "was made for model 'toy'" in line


def test_a_file_of_the_current_folder_is_taken_as_before_and_told(shared: Path) -> None:
    (shared / "share/toy.safetensors").rename(shared / "work/toy.safetensors")
    [line] = presets.check("../share/x.toml")
    assert "share/x.toml:3:1: scene.model: is taken from the current folder: there is no" in line
    assert presets.read("../share/x.toml").scene.model == "toy.safetensors"


def test_two_files_that_differ_are_not_chosen_from(shared: Path) -> None:
    shutil.copy(shared / "share/toy.safetensors", shared / "work")
    assert presets.check("../share/x.toml") == []  # the same content: nothing to choose
    container(shared / "work/toy.safetensors", {"kind": "generator"}, {})
    with pytest.raises(PresetError, match="beside the preset and in the current folder") as caught:
        presets.check("../share/x.toml")
    assert "write './toy.safetensors' for the one beside the preset" in str(caught.value)
    text = (shared / "share/x.toml").read_text()
    write(shared, text.replace("'toy", "'./toy"), "share/x")
    assert presets.read("../share/x.toml").scene.model == f"{shared}/share/toy.safetensors"


def test_a_file_that_is_nowhere_is_told_with_where_it_was_looked_for(shared: Path) -> None:
    (shared / "share/toy.safetensors").unlink()
    with pytest.raises(PresetError, match=f"there is no file {shared}/share/toy.safetensors"):
        presets.check("../share/x.toml")


def test_names_of_the_store_are_no_paths(shared: Path) -> None:
    facts = {"kind": "generator", "num_layers": "10", "num_classes": "0"}
    container(home.models_dir() / "toy.safetensors", facts, {})
    text = (shared / "share/x.toml").read_text()
    file = write(shared, text.replace("'toy.safetensors'", "'toy'"), "share/x")
    assert presets.read(file).scene.model == "toy"


def test_recipes_still_name_no_folder(shared: Path) -> None:
    from latty.render import provenance

    preset = presets.read("../share/x.toml")
    public = provenance.portable(preset, preset.outputs[0]).scene
    assert (public.model, public.edits[0].direction) == (
        "toy.safetensors", "moves.safetensors#smile",
    )  # fmt: skip


def test_a_text_that_takes_the_place_of_a_files_begins_where_it_did(shared: Path) -> None:
    loaded = reading.load("../share/x.toml")
    again = reading.of_text((shared / "share/x.toml").read_text(), loaded)
    assert again.data == loaded.data


def test_what_is_saved_names_the_same_files_from_there(shared: Path) -> None:
    preset = presets.read("../share/x.toml")
    presets.save(preset, shared / "share/y.toml")
    text = (shared / "share/y.toml").read_text()
    assert 'model = "toy.safetensors"' in text and '"sub/moves.safetensors#smile"' in text
    presets.save(preset, shared / "work/z.toml")
    for copy in (shared / "share/y.toml", shared / "work/z.toml"):
        assert presets.read(copy).scene == preset.scene
    before = (shared / "share/x.toml").read_text()
    presets.save(replace(preset, scene=replace(preset.scene, seed=5)), shared / "share/x.toml")
    after = (shared / "share/x.toml").read_text()
    assert after == before.replace("[[scene.edits]]", "seed = 5\n[[scene.edits]]", 1)


def test_texts_keep_what_follows_the_film(tmp_path: Path) -> None:
    text = f"{HEAD}[vars]\nwho = 'a{{b'\nn = 2\n{SCENE}[[text]]\n"
    text += "value = '{who}: {strength:+.1f} {edits.0.strength} {{x}} {n}'\n"
    preset = presets.read(write(tmp_path, text))
    assert preset.texts[0].value == "a{{b: {strength:+.1f} {edits.0.strength} {{x}} 2"
    titled = text.replace("[[text]]\nvalue", "[[panels]]\ntitle")
    preset = presets.read(write(tmp_path, titled))
    assert preset.panels[0].title == "a{{b: {strength:+.1f} {edits.0.strength} {{x}} 2"
    share = text.replace("{who}:", "{n:.0%}").replace("n = 2", "n = 0.25")
    assert presets.read(write(tmp_path, share)).texts[0].value.startswith("25% {strength:+.1f}")
    assert "8:1: text.0.value: {whoo} stands for nothing, did you mean 'who'?" in refused(
        write(tmp_path, text.replace("{who}", "{whoo}"))
    )


def test_fonts_begin_beside_the_preset(shared: Path) -> None:
    with (shared / "share/x.toml").open("a") as file:
        file.write("[[text]]\nvalue = 'x'\nfont = 'sub/a.ttf'\n")
    (shared / "share/sub/a.ttf").write_bytes(b"no font")
    preset = presets.read("../share/x.toml")
    assert preset.texts[0].font == f"{shared}/share/sub/a.ttf"
    with pytest.raises(PresetError, match=r"text\.0\.font"):
        presets.check("../share/x.toml")
    presets.save(preset, shared / "share/y.toml")
    assert 'font = "sub/a.ttf"' in (shared / "share/y.toml").read_text()
