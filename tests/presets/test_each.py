"""`[[each]]`: one preset that stands for many."""

import json
import re
import time
from pathlib import Path

import pytest
from cli_in_process import latty
from cli_process import latty as process
from each_files import each, goes_on_after_kills, write
from places import ROOT
from preset_files import direction_set

import latty as library
from latty import home, presets
from latty.errors import PresetError, Unkept
from latty.presets import reading
from latty.render import several

SCENE = "[scene]\nmodel = 'portraits'\nseed = 7\n"
PICTURE = "[[outputs]]\npath = '{path}'\nsize = 32\n"


def values(file: Path, *overrides: str) -> list[object]:
    """What the last key is, one after the other."""
    found = reading.load(file, overrides)
    assert not found.unfilled, found.unfilled
    return [[*found.each.chosen(i).values()][-1] for i in range(found.each.count)]


def refused(file: Path, *overrides: str) -> str:
    with pytest.raises(PresetError) as caught:
        presets.read(file, overrides)
    return str(caught.value).replace(f"{file.parent}/", "")


@pytest.fixture
def parts() -> Path:
    """A set c0 ... c4, c-x in the store."""
    path = home.directions_dir() / "parts.safetensors"
    direction_set(path, ["c0", "c1", "c2", "c3", "c4", "c-x"], "demo")
    return path


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("[1, 3]", [1, 3]),
        ("[0.5, 'a', 2]", [0.5, "a", 2]),
        ("'0-3, 9'", [0, 1, 2, 3, 9]),
        ("'7'", [7]),
        ("'husky, lynx'", ["husky", "lynx"]),
        ("'demo/smile,demo/yaw'", ["demo/smile", "demo/yaw"]),
        ("'parts/*'", [f"parts/{name}" for name in ("c0", "c1", "c2", "c3", "c4", "c-x")]),
        ("'parts/c1-c3'", ["parts/c1", "parts/c2", "parts/c3"]),
        ("'parts/c4-c-x,parts/c0'", ["parts/c4", "parts/c-x", "parts/c0"]),
        ("'parts/c-x'", ["parts/c-x"]),
        ("'z.npy#2-4'", ["z.npy#2", "z.npy#3", "z.npy#4"]),
        ("'nets/my-net.pkl,demo'", ["nets/my-net.pkl", "demo"]),
    ],
)
def test_what_values_may_be(tmp_path: Path, parts: Path, said: str, wanted: list[object]) -> None:
    assert values(write(tmp_path, each("a", said), SCENE)) == wanted


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("[]", "x.toml:4:1: each.0.values: needs at least 1 entries, has 0"),
        ("''", "each.0.values"),
        ("'9-3'", "each.0.values: 9-3 is no rising range"),
        ("'0-99999999'", "each.0.values: are more than 100,000"),
        ("'0-5,3'", "each.0.values: 3 stands there twice"),
        ("'a,,b'", "each.0.values: has nothing between two commas"),
        ("'parts/c0-c9'", "no directions 'c0-c9' in parts"),
        ("'prats/*'", "no direction set 'prats', did you mean 'parts'"),
        ("[[1]]", "each.0.values"),
        ("true", "each.0.values"),
    ],
)
def test_values_that_are_none_have_their_place(
    tmp_path: Path, parts: Path, said: str, told: str
) -> None:
    assert told in refused(write(tmp_path, each("a", said), SCENE))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (each("a", "[1]") * 2, "x.toml:6:1: each.1.key: a is said in another [[each]], too"),
        ("[vars]\na = 1\n" + each("a", "[1]"), "each.0.key: a is said in [vars], too"),
        (each("a b", "[1]"), "each.0.key"),
        ("[[each]]\nkey = 'a'\nvalue = [1]\n", "each.0.value: unknown key, did you mean 'values'"),
        ("each = 3\n", "x.toml:2:1: each"),
        (
            each("a", "[1]") + PICTURE.format(path="{b}.png"),
            "x.toml:6:1: outputs.0.path: {b} stands for nothing",
        ),
    ],
)
def test_faults_of_form(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(write(tmp_path, text, SCENE))


def test_what_vars_say_stands_in_values(tmp_path: Path, parts: Path) -> None:
    said = "[vars]\nset = 'parts'\nlast = 3\nall = [4, 'x']\nword = 'a{b'\n"
    for text, wanted in {
        "'{set}/c0-c2'": ["parts/c0", "parts/c1", "parts/c2"],
        "'1-{last},9'": [1, 2, 3, 9],
        "'{all}'": [4, "x"],
        "['{set}/c0', '{last}']": ["{set}/c0", "{last}"],  # filled in where it stands
    }.items():
        assert values(write(tmp_path, said, each("a", text), SCENE)) == wanted
    file = write(tmp_path, said, each("a", "'{set}/c4,{word}'"), SCENE, "[[text]]\nvalue = '{a}'\n")
    assert [presets.read(file, (), i).texts[0].value for i in (0, 1)] == ["parts/c4", "a{{b"]
    file = write(tmp_path, said, each("a", "'{set}/c0-c1'"), SCENE)
    direction_set(parts.with_name("more.safetensors"), ["c0", "c1"], "demo")
    assert values(file, "vars.set=more") == ["more/c0", "more/c1"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("'{last}'", "x.toml:7:1: each.0.values: {last} stands for 3"),
        ("'{other}/*'", "x.toml:7:1: each.0.values: {other} stands for nothing"),
        ("'{a}'", "x.toml:7:1: each.0.values: {a} stands for nothing"),
        ("'{me}'", "x.toml:7:1: each.0.values: {a} stands for nothing"),
        ("'9-{last}'", "x.toml:7:1: each.0.values: 9-3 is no rising range below 2^32"),
    ],
)
def test_what_is_wrong_with_values_is_told_once(tmp_path: Path, said: str, told: str) -> None:
    """Not again wherever the key stands."""
    seen = "[scene]\nmodel = '{a}'\nseed = '{a}'\n" + PICTURE.format(path="{a}.png")
    seen += "[[text]]\nvalue = '{a}'\n[[scene.edits]]\ndirection = '{a}'\nstrength = '-{a}'\n"
    file = write(tmp_path, "[vars]\nlast = 3\nme = '{a}'\n", each("a", said), seen)
    assert refused(file).startswith(told) and len(refused(file).splitlines()) == 1
    wrong = write(tmp_path, "frames = 'x'\n", each("a", "'9-3'"), seen)  # all else is told, too
    assert len(refused(wrong).splitlines()) == 2 and "frames" in refused(wrong)


def test_a_number_alone_in_a_caption_is_text(tmp_path: Path) -> None:
    file = write(
        tmp_path, "[vars]\nwho = 'a {{b}}'\n", each("n", "[-1.5, 2]"), SCENE,
        *(f"[[text]]\nvalue = '{text}'\n" for text in ("{n}", "-{n}", "{who}", "{n:+.1f} {seed}")),
        "[[panels]]\nseed = 1\ntitle = '{n}'\n", PICTURE.format(path="{n}.png"),
    )  # fmt: skip
    read = presets.read(file)
    said = [one.value for one in read.texts]
    assert said == ["-1.5", "1.5", "a {{b}}", "-1.5 {seed}"]
    assert read.panels[0].title == "-1.5" and read.outputs[0].path == "-1.5.png"
    assert latty("check", str(file), home=tmp_path).stdout.endswith(
        "ok, 2 presets, 2 files, 2 pictures\n"
    )


def test_a_panel_shows_one_preset(tmp_path: Path) -> None:
    write(tmp_path, each("n", "[1, 2]"), "[scene]\nmodel = 'demo'\nseed = '{n}'\n", name="many")
    panel = "[[panels]]\npreset = '{}.toml'\n"
    told = refused(write(tmp_path, SCENE, panel.format("many")))
    assert "panels.0.preset: names a preset that stands for 2 ([[each]])" in told
    write(tmp_path, "extends = 'many.toml'\neach = []\n[vars]\nn = 2\n", name="one")
    read = presets.read(write(tmp_path, SCENE, panel.format("one")))
    assert read.panels[0].preset.scene.seed == 2


def test_a_file_and_what_it_extends_have_each_as_one_list(tmp_path: Path) -> None:
    write(tmp_path, each("n", "[1, 2]"), SCENE, PICTURE.format(path="{n}.png"), name="base")
    extends = "extends = 'base.toml'\n"
    assert values(write(tmp_path, extends)) == [1, 2]
    assert values(write(tmp_path, extends, each("n", "[4]"))) == [4]
    told = refused(write(tmp_path, extends, each("m", "[4]")))
    assert "base.toml:9:1: outputs.0.path: {n} stands for nothing, there is: m" in told


@pytest.mark.parametrize("said", ["[5]", "'5-5'", '"5"'])
def test_values_are_set_on_the_command_line(tmp_path: Path, said: str) -> None:
    file = write(tmp_path, each("n", "[1, 2]"), SCENE, PICTURE.format(path="{n}.png"))
    assert values(file, f"each.0.values={said}") == [5]
    told = refused(file, "each.0.values=[]")
    assert told == "x.toml: --set each.0.values=[]: each.0.values: needs at least 1 entries, has 0"


def test_a_recipe_stands_for_itself(tmp_path: Path) -> None:
    """Whatever a stranger writes into one."""
    file = write(tmp_path, SCENE, PICTURE.format(path="a.png"))
    recipe = presets.to_dict(presets.read(file))
    recipe |= {"each": [{"key": "name", "values": "0-9"}], "vars": {"x": 1}, "name": "{name}"}
    assert presets.from_recipe(recipe, "a.png").name == "{name}"
    recipe["scene"]["seed"] = "{name}"
    with pytest.raises(PresetError, match="must be a whole number"):
        presets.from_recipe(recipe, "a.png")


def test_every_combination_the_last_key_quickest(tmp_path: Path) -> None:
    scene = (
        "frames = 2\n[scene]\nmodel = '{model}'\nseed = '{seed}'\n[[scene.edits]]\n"
        "direction = '{model}/{what}'\nstrength = { from = '-{span}', to = '{span}' }\n"
    )
    file = write(
        tmp_path, each("model", "'demo,portraits'"), each("what", "['smile', 'yaw']"),
        each("span", "[1, 3]"), each("seed", "'4-5'"), scene.replace("frames = 2\n", ""),
        PICTURE.format(path="{model}/{what} s{span} {seed:03d}.gif"),
    )  # fmt: skip
    read = [presets.read(file, ["frames=2"], i) for i in range(16)]
    paths = [one.outputs[0].path for one in read]
    assert paths[:3] == ["demo/smile s1 004.gif", "demo/smile s1 005.gif", "demo/smile s3 004.gif"]
    assert paths[-1] == "portraits/yaw s3 005.gif" and len({*paths}) == 16
    last = read[-1]
    assert (last.scene.model, last.scene.seed) == ("portraits", 5)
    assert last.scene.edits[0].direction == "portraits/yaw"
    assert [last.at(t).edits[0].strength for t in (0, 1)] == [-3, 3]


def test_in_a_path_a_text_is_its_last_part_and_vars_are_whole(tmp_path: Path) -> None:
    file = write(
        tmp_path, "[vars]\nfolder = 'a/b'\n", each("d", "['demo/smile', 'sets/x.safetensors#c0']"),
        each("z", "['pool/z.npy#3']"), "[scene]\nmodel = 'demo'\n",
        PICTURE.format(path="{folder}/{d} {z}.png"),
        "[[text]]\nvalue = '{d}'\n",
    )  # fmt: skip
    read = [presets.read(file, (), i) for i in range(2)]
    assert [one.outputs[0].path for one in read] == [
        "a/b/smile z.npy-3.png", "a/b/c0 z.npy-3.png",
    ]  # fmt: skip
    assert read[0].texts[0].value == "demo/smile"


def test_a_set_beside_the_preset_is_found_from_anywhere(tmp_path: Path) -> None:
    direction_set(tmp_path / "far/sets/own.safetensors", ["a", "b"], "demo")
    edit = "[[scene.edits]]\ndirection = '{d}'\n"
    file = write(tmp_path / "far", each("d", "'sets/own.safetensors#*'"), SCENE, edit)
    found = [reading.load(file, (), i).data["scene"]["edits"][0]["direction"] for i in range(2)]
    assert found == [f"{tmp_path}/far/sets/own.safetensors#{name}" for name in "ab"]


def test_check_says_how_many_and_tells_a_doubt_once(tmp_path: Path) -> None:
    edit = "[[scene.edits]]\ndirection = 'portraits/smile'\nstrength = '{s}'\n"
    file = write(tmp_path, each("s", "[50, 60]"), each("n", "'0-2'"), SCENE, edit,
                 PICTURE.format(path="{s} {n}.png"), "gap = 3\n")  # fmt: skip
    ended = latty("check", str(file), "--json", home=tmp_path)
    (said,) = map(json.loads, ended.stdout.splitlines())
    assert ended.returncode == 0 and (said["presets"], said["files"]) == (6, 6), said
    assert len(said["warnings"]) == len({*said["warnings"]}) == 3  # two strengths, one gap
    assert (
        latty("check", str(file), home=tmp_path).stdout
        == f"{file}: ok, 6 presets, 6 files, 6 pictures\n"
    )
    assert latty("render", str(file), home=tmp_path).returncode == 0
    assert (
        latty("check", str(file), home=tmp_path).stdout
        == f"{file}: ok, 6 presets, 6 files, 6 pictures\n"
    )
    told = json.loads(latty("inspect", str(file), "--json", home=tmp_path).stdout)
    assert told["each"] == ["s", "n"]


def test_two_outputs_of_one_name_are_an_error_with_their_place(tmp_path: Path) -> None:
    file = write(tmp_path, each("n", "'0-2'"), SCENE, PICTURE.format(path="same.png"))
    ended = latty("check", str(file), home=tmp_path)
    assert (
        ended.returncode == 65 and "x.toml:9:1: outputs.0.path: is also written by" in ended.stderr
    )
    assert len(ended.stderr.splitlines()) == 1 and "say in it what differs: {n}" in ended.stderr
    ended = latty("render", str(file), home=tmp_path)
    assert ended.returncode == 65 and "2 of 3 presets failed" in ended.stderr
    assert ended.stdout == "renders/same.png\n"


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ((each("n", "'0-9999'"), each("m", "[1, 2]")), "{n} {m}.png"),
        ((each("n", "'0-19999'"),), "{n}.png"),  # one range alone
    ],
)
def test_too_many_are_asked_for_with_force(
    tmp_path: Path, keys: tuple[str, ...], path: str
) -> None:
    file = write(tmp_path, *keys, SCENE, PICTURE.format(path=path))
    assert several.how_many(str(file), force=True) == 20_000
    for verb in ("check", "render"):
        ended = latty(verb, str(file), home=tmp_path)
        assert ended.returncode == 65 and "makes 20,000 files, more than 10,000" in ended.stderr
        assert "--force" in ended.stderr and len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("more", [(), ("--force",)])
def test_what_nobody_can_render_is_a_line_at_once(tmp_path: Path, more: tuple[str, ...]) -> None:
    many = (each(f"k{i}", "'0-9999'") for i in range(16))
    file = write(tmp_path, *many, SCENE, PICTURE.format(path="{k0}.png"))
    for verb in (("check",), ("render", "--dry-run", *more)):
        ended = process(*verb, str(file), home=tmp_path)
        assert ended.returncode == 65 and not ended.stdout
        (line,) = ended.stderr.splitlines()
        assert line.endswith("x.toml makes more than 1,000,000 files (say fewer values)")


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("a/{}-", "makes more than 1,000,000 files"),
        ("x{}/y-", "name more than 256 sets or folders"),
        ("portraits/*", "stands there twice"),
    ],
)
def test_sets_are_looked_for_once(tmp_path: Path, part: str, told: str) -> None:
    """A file of a stranger costs no minutes."""
    texts = [",".join(part.format(i) for i in range(800)) for _ in range(16)]
    many = (each(f"k{i}", f"'{text}'") for i, text in enumerate(texts))
    file = write(tmp_path, *many, SCENE, PICTURE.format(path="{k0}.png"))
    begun = time.process_time()
    ended = latty("check", str(file), home=tmp_path)
    assert ended.returncode == 65 and told in ended.stderr
    assert time.process_time() - begun < 2


def test_what_is_wrong_with_all_of_them_is_told_once(tmp_path: Path) -> None:
    file = write(tmp_path, each("n", "'0-9'"), SCENE, PICTURE.format(path="{n}.png"), "sise = 3\n")
    for more in ((), ("--workers", "2"), ("--detach",), ("--dry-run",)):
        ended = latty("render", str(file), *more, home=tmp_path)
        assert ended.returncode == 65 and ended.stderr.count("unknown key") == 1, ended.stderr
        assert "10 of 10 presets failed" in ended.stderr and "x.toml (1 of 10)" in ended.stderr
    told = latty("render", str(file), "--json", home=tmp_path).stdout.splitlines()
    assert [json.loads(line)["preset"] for line in told] == [f"{file} ({i} of 10)"
                                                             for i in range(1, 11)]  # fmt: skip


def test_check_tells_faults_of_many_in_one_object(tmp_path: Path) -> None:
    edit = "[[scene.edits]]\ndirection = 'portraits/q{n}'\n"
    file = write(tmp_path, each("n", "'0-40'"), SCENE, edit, PICTURE.format(path="{n}.png"))
    ended = latty("check", str(file), "--json", home=tmp_path)
    (said,) = map(json.loads, ended.stdout.splitlines())
    assert ended.returncode == 66 and not said["ok"] and len(said["problems"]) == 41
    told = ended.stderr.splitlines()
    assert len(told) == 21 and told[-1].endswith("x.toml: and 21 more")


@pytest.mark.slow
def test_each_is_the_picture_that_its_values_make(tmp_path: Path) -> None:
    edit = "[[scene.edits]]\ndirection = 'portraits/{d}'\nstrength = '{s}'\n"
    out = PICTURE.format(path="{d}_{s}.png")
    file = write(tmp_path, each("d", "'smile,yaw'"), each("s", "[-1, 2]"), SCENE, edit, out)
    ended = process("render", str(file), home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    made = {path.name: path.read_bytes() for path in (tmp_path / "renders").iterdir()}
    assert len(made) == 4
    for d in ("smile", "yaw"):
        for s in (-1, 2):
            alone = "".join((SCENE, edit, out)).replace("'{s}'", str(s))
            alone = alone.replace("{s}", str(s)).replace("{d}", d)
            write(tmp_path / "a", alone)
            process("render", "a/x.toml", "--out-dir", "a", home=tmp_path)
            assert (tmp_path / "a" / f"{d}_{s}.png").read_bytes() == made[f"{d}_{s}.png"]


@pytest.mark.slow
def test_what_is_made_stays_and_the_rest_is_made(tmp_path: Path) -> None:
    file = write(tmp_path, each("n", "'0-3'"), "[scene]\nmodel = 'portraits'\nseed = '{n}'\n",
                 PICTURE.format(path="{n}.png"))  # fmt: skip
    assert process("render", str(file), home=tmp_path).returncode == 0
    made = {path: path.read_bytes() for path in (tmp_path / "renders").iterdir()}
    times = {path: path.stat().st_mtime_ns for path in made}
    gone = tmp_path / "renders/2.png"
    gone.unlink()
    again = process("render", str(file), home=tmp_path)
    assert again.returncode == 0 and again.stdout.split() == ["renders/2.png"]
    assert gone.read_bytes() == made[gone]
    assert all(path.stat().st_mtime_ns == times[path] for path in made if path != gone)
    other = process("render", str(file), "--set", "scene.truncation=0.5", home=tmp_path)
    assert other.returncode == 73 and "is there already" in other.stderr
    assert {path: path.read_bytes() for path in made} == made


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_killed_at_any_moment_it_goes_on(tmp_path: Path, more: tuple[str, ...]) -> None:
    scene = "[scene]\nmodel = 'portraits'\nseed = { walk = [1, 2, '{n}'] }\n"
    file = write(tmp_path, "frames = 8\n", each("n", "'10-21'"), scene,
                 "[[outputs]]\npath = '{n}.gif'\nsize = 64\n")  # fmt: skip
    words = ("render", str(file), *more)
    assert goes_on_after_kills(words, tmp_path, after=(1, 4, 9)) == 12


def test_the_library_renders_them_all(tmp_path: Path) -> None:
    file = write(tmp_path, each("n", "'0-2'"), "[scene]\nmodel = 'portraits'\nseed = '{n}'\n",
                 PICTURE.format(path="{n}.png"))  # fmt: skip
    made = library.render_preset(file, tmp_path / "out")
    assert [path.name for path in made] == ["0.png", "1.png", "2.png"]
    assert all(path.is_file() for path in made)


@pytest.mark.slow
def test_each_line_of_several_processes_says_which_it_is_of(tmp_path: Path) -> None:
    file = write(tmp_path, each("n", "'0-2'"), SCENE.replace("7", "'{n}'"),
                 PICTURE.format(path="{n}.png"))  # fmt: skip
    ended = process("render", str(file), "--workers", "2", "--progress", "plain", home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    for number in (1, 2, 3):
        assert f"x ({number} of 3)" in ended.stderr


@pytest.mark.slow
def test_one_job_makes_them_all(tmp_path: Path) -> None:
    file = write(tmp_path, each("n", "'0-2'"), "[scene]\nmodel = 'portraits'\nseed = '{n}'\n",
                 PICTURE.format(path="{n}.png"))  # fmt: skip
    (job,) = process("render", str(file), "--detach", home=tmp_path).stdout.split()
    assert process("jobs", "watch", job, home=tmp_path).returncode == 0
    assert sorted(path.name for path in (tmp_path / "renders").iterdir()) == [
        "0.png", "1.png", "2.png",
    ]  # fmt: skip


def test_pins_are_those_of_all(tmp_path: Path) -> None:
    file = write(
        tmp_path, "# mine\n", each("model", "'demo,portraits'"), each("d", "'smile,yaw'"),
        "[scene]\nmodel = '{model}'\n[[scene.edits]]\ndirection = '{model}/{d}'\n",
    )  # fmt: skip
    ended = latty("pin", str(file), home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    pins = reading.load(file).data["pins"]
    assert {*pins["models"]} == {"demo", "portraits"} and {*pins["directions"]} == {*pins["models"]}
    text = file.read_text()
    assert "# mine" in text and text.count("[[each]]") == 2 and "{model}/{d}" in text
    assert latty("pin", "--check", str(file), home=tmp_path).returncode == 0
    file.write_text(text.replace(pins["directions"]["portraits"], "0" * 64))
    assert latty("pin", "--check", str(file), home=tmp_path).returncode == 65
    assert latty("render", str(file), "-o", str(tmp_path / "x.png"), home=tmp_path).returncode != 0


def test_all_of_them_are_packed(tmp_path: Path) -> None:
    edit = "[[scene.edits]]\ndirection = '{d}'\n"
    file = write(tmp_path, each("d", "'portraits-sefa/l0-s0,portraits-random/*'"), SCENE, edit,
                 PICTURE.format(path="{d}.png"))  # fmt: skip
    count = reading.load(file).each.count
    packed = tmp_path / "x.latty"
    assert count > 2 and latty("pack", str(file), "-o", str(packed), home=tmp_path).returncode == 0
    assert reading.load(packed).each.count == count
    last = reading.load(packed, (), count - 1)
    assert "archives" in last.data["scene"]["edits"][0]["direction"]
    assert latty("check", str(packed), home=tmp_path).stdout.endswith(
        f"ok, {count} presets, {count} files, {count} pictures\n"
    )


def test_a_preset_is_not_saved_over_one_that_stands_for_many(tmp_path: Path) -> None:
    file = write(tmp_path, each("s", "[1, 2]"), SCENE)
    before, preset = file.read_bytes(), presets.read(file)
    other = presets.from_dict({**presets.to_dict(preset), "frames": 9}, "x")
    with pytest.raises(Unkept, match="stands for 2 presets"):
        presets.save(other, file)
    assert file.read_bytes() == before
    presets.save(other, file, "all")
    assert presets.read(file).frames == 9 and b"each" not in file.read_bytes()


def test_the_page_is_true(tmp_path: Path) -> None:
    page = (ROOT / "docs/many.md").read_text(encoding="utf-8")
    text, more = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "many.toml").write_text(text)
    ended = latty("check", "many.toml", home=tmp_path)
    assert not ended.stderr and ended.stdout.strip() in page
    (tmp_path / "many.toml").write_text(text + more)
    ended = latty("render", "many.toml", home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.split()) == 7
    for path in ended.stdout.split():
        assert Path(path).name in page
        assert latty("render", path, "--out-dir", "again", home=tmp_path).returncode == 0
        assert (tmp_path / "again" / Path(path).name).read_bytes() == (tmp_path / path).read_bytes()


@pytest.mark.parametrize("verb", ["check", "render"])
def test_a_stream_is_read_once(verb: str, tmp_path: Path) -> None:
    file = write(tmp_path, each("n", "'0-2'"), SCENE, PICTURE.format(path="{n}.png"))
    ended = latty(verb, "-", home=tmp_path, stdin=file.read_text())
    assert ended.returncode == 2 and not (tmp_path / "renders").exists()
    said = "- stands for 3 presets, and can be read once (write it to a file)"
    assert ended.stderr.splitlines() == [f"latty: {said}"]
