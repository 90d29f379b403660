"""The presets that come with latty, and the schema that editors read."""

import json

import pytest

from latty import home, presets
from latty.directions.store import SETS
from latty.models.store import MODELS

SHIPPED = presets.shipped()
NEEDED = {
    *("hello", "easings", "loops", "two-edits", "walk-lerp", "walk-slerp", "walk-circular"),
    *("style-mixing", "truncation", "layers", "grid", "strip", "video", "frames"),
}


def test_everything_is_shown_by_a_preset():
    assert set(SHIPPED) >= NEEDED


@pytest.mark.parametrize("name", SHIPPED)
def test_reads_and_says_what_it_shows(name):
    lines = SHIPPED[name].read_text(encoding="utf-8").splitlines()
    folder = "." if "/" not in name else ".."
    assert lines[0] == f"#:schema {folder}/latty.schema.json"
    assert lines[1].startswith("# ") and lines[2] == "schema = 1"
    preset = presets.read(SHIPPED[name])
    assert preset.name == name.rpartition("/")[2] and preset.outputs
    assert preset.frames <= 60 and all((o.size or 64) <= 256 for o in preset.outputs)
    assert all(output.path.startswith(name) for output in preset.outputs)
    assert presets.from_dict(presets.to_dict(preset), name) == preset


@pytest.mark.parametrize("name", SHIPPED)
def test_checks_without_a_warning(name):
    scene = presets.read(SHIPPED[name]).scene
    sets = {edit.direction.split("/")[0] for edit in scene.edits
            if "#" not in edit.direction and not edit.direction.startswith("seed:")}  # fmt: skip
    absent = ({scene.model} - {*MODELS.names()}) | (sets - {*SETS.names()})
    if absent:
        pytest.skip(f"not trained yet: {', '.join(sorted(absent))}")
    assert presets.check(SHIPPED[name]) == []


def test_saving_a_shipped_preset_changes_nothing(tmp_path):
    for sound in home.presets_dir().glob("*.flac"):
        (tmp_path / sound.name).write_bytes(sound.read_bytes())
    for name, path in SHIPPED.items():
        copy = tmp_path / f"{name}.toml"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        presets.save(presets.read(copy), copy)
        assert copy.read_bytes() == path.read_bytes()


def test_the_committed_schema_is_ours():
    committed = home.presets_dir() / "latty.schema.json"
    assert json.loads(committed.read_text(encoding="utf-8")) == presets.schema()


def tables(node):
    """Every table of the schema."""
    if isinstance(node, dict):
        yield from [node] if "properties" in node else []
        node = list(node.values())
    for part in node if isinstance(node, list) else []:
        yield from tables(part)


def test_every_key_has_a_help_text_and_strange_keys_are_forbidden():
    found = [table for table in tables(presets.schema()) if "properties" in table]
    assert len(found) >= 6
    for table in found:
        assert table["additionalProperties"] is False
        for key, value in table["properties"].items():
            assert value["description"].endswith("."), key


def test_the_schema_says_the_keys_ranges_and_defaults():
    schema = presets.schema()
    assert schema["$schema"].endswith("2020-12/schema") and "null" not in json.dumps(schema)
    assert set(schema["properties"]) == {
        *("schema", "extends", "vars", "name", "frames", "seconds", "bpm", "pins", "scene", "each"),
        *("outputs", "text", "panels"),
    }
    output = schema["properties"]["outputs"]["items"]["properties"]
    numbers = output["fps"]["oneOf"][0]
    assert (numbers["minimum"], numbers["maximum"]) == (1, 120)
    assert (output["fps"]["default"], output["loop"]["enum"]) == (
        25,
        ["once", "loop", "bounce", "seamless"],
    )
