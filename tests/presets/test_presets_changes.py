"""Presets changed on their way in: --set on the command line, and older layouts."""

import pytest

from latty import presets
from latty.errors import BadData, PresetError
from latty.presets.migrations import STEPS, migrate
from latty.scene import Walk

HEAD = 'schema = 1\n[scene]\nmodel = "demo"\n'


def write(folder, text):
    file = folder / "x.toml"
    file.write_text(text)
    return file


def test_overrides_change_values(tmp_path):
    file = write(tmp_path, HEAD + "[[scene.edits]]\ndirection = 'a/b'\n")
    preset = presets.read(
        file,
        [
            "scene.seed=3",
            "scene.edits.0.strength=2",
            "outputs.0.path=a.gif",
            "outputs.0.size=128",
            'scene.noise="none"',
            "scene.model = portraits",
            "scene.edits.1 = { direction = 'seed:4' }",
        ],
    )
    assert (preset.scene.seed, preset.scene.edits[0].strength) == (3, 2.0)
    assert (preset.outputs[0].path, preset.outputs[0].size) == ("a.gif", 128)
    assert (preset.scene.noise, preset.scene.model) == ("none", "portraits")
    assert preset.scene.edits[1].direction == "seed:4"
    walk = presets.read(file, ["scene.seed={ walk = [1, 2] }", "scene.seed.blend=lerp"])
    assert walk.scene.seed == Walk((1, 2), "lerp")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "scene.sede=3",
            "x.toml: --set scene.sede=3: scene.sede: unknown key, did you mean 'seed'?",
        ),
        ("scene.seed=1.5", "--set scene.seed=1.5: scene.seed: must be a whole number, not 1.5"),
        ("outputs.0.path=/x.gif", "--set outputs.0.path=/x.gif: outputs.0.path: is absolute"),
        ("scene.seed.walk=[1]", "scene.seed is a single value"),
        ("scene.edits.7.strength=1", "scene.edits has 1 entries, counted from 0"),
        ("scene.0=1", "scene is a table, not a list"),
        ("scene.seed", "is no KEY=VALUE"),
        ("=3", "is no KEY=VALUE"),
        ("scene..seed=3", "is no KEY=VALUE"),
        ("scene.name\x1b=3", "\\x1b"),
        ("scene.noise=1\nname='x'", "\\n"),
    ],
)
def test_faults_of_overrides_name_them(override, words, tmp_path):
    file = write(tmp_path, HEAD + "seed = 1\n[[scene.edits]]\ndirection = 'a/b'\n")
    with pytest.raises(Exception) as caught:
        presets.read(file, [override])
    assert words in str(caught.value) and str(caught.value).isprintable()
    assert caught.value.exit_code in (2, 65)


# versions


def test_a_newer_layout_is_refused_with_both_numbers(tmp_path):
    with pytest.raises(PresetError) as caught:
        presets.read(write(tmp_path, "schema = 99\nfoo = 1"))
    assert str(caught.value).endswith(
        "x.toml:1:1: schema: schema 99 is newer than this latty, which reads up to schema 1, "
        "update latty"
    )


def test_older_layouts_climb_a_chain_of_steps():
    def one_to_two(data):
        return {**data, "model": data.pop("net")}

    def two_to_three(data):
        return {"scene": {"model": data["model"]}}

    old = {"net": "demo", "deep": {"kept": [1]}}
    new = migrate(old, {1: one_to_two, 2: two_to_three}, 3)
    assert new == {"scene": {"model": "demo"}, "schema": 3}
    assert old == {"net": "demo", "deep": {"kept": [1]}}
    two = {"schema": 2, "model": "demo"}
    assert migrate(two, {1: one_to_two, 2: two_to_three}, 3) == new
    assert migrate(new, {}, 3) == new
    with pytest.raises(BadData, match=r"schema 4 is newer .* schema 3"):
        migrate({"schema": 4}, {}, 3)


def test_there_is_a_step_from_every_older_layout():
    assert sorted(STEPS) == list(range(1, presets.SCHEMA))
