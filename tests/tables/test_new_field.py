"""A new field is one line in scene.py: every other place learns of it there."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCENE = """\
    glow: float = field(default=0.0, metadata=says(number(0, 9), "Brightness.", moves=True))
"""
EDIT = """\
    toward: str | None = field(default=None, metadata=says(REF, "Whither.", refers="direction"))
"""
PRESET = """\
schema = 1
[scene]
model = "portraits"
glow = { from = 1, to = 2 }
[[scene.edits]]
direction = "portraits/smile"
toward = "portraits/age"
"""
PROGRAM = """
import json, sys
from pathlib import Path
from latty import presets
from latty.errors import PresetError
from latty.presets import Output
from latty.render import provenance
from latty.scene import from_table, to_table
from latty_tui.memory.tables import state_of, state_table
from latty_tui.state import State

def refused(old, new):
    file = Path("y.toml")
    file.write_text(Path("x.toml").read_text().replace(old, new))
    try:
        presets.check(file)
    except PresetError as error:
        return str(error)

print(presets.check("x.toml"))
print(refused("glow", "golw"))
print(refused("to = 2", "to = 20"))
print(refused('"portraits/age"', '"portraits/aeg"'))
scene = presets.schema()["properties"]["scene"]["properties"]
print(scene["glow"]["description"], scene["edits"]["items"]["properties"]["toward"])
preset = presets.read("x.toml")
moment = preset.at(0.5)
print(moment.glow, moment.edits[0].toward)
assert presets.from_dict(presets.to_dict(preset), "x") == preset
presets.save(preset, "z.toml")
assert presets.read("z.toml").tracks == preset.tracks
assert from_table(json.loads(json.dumps(to_table(moment)))) == moment
state = State(moment)
assert state_of(json.loads(json.dumps(state_table(state)))).scene == moment
private = presets.from_dict(
    {"scene": {"model": "m", "glow": 3,
               "edits": [{"direction": "d/x", "toward": "/home/ada/a.safetensors#1"}]}}, "p")
public = provenance.portable(private, Output("a.gif")).scene
print(public.glow, public.edits[0].toward)
print(*provenance.made_of(preset, Path())["directions"])
"""
TOLD = """\
['x.toml:1:1: no [[outputs]]: nothing to render, add one, or name one with -o']
y.toml:4:1: scene.golw: unknown key, did you mean 'glow'?
y.toml:4:1: scene.glow: must be from 0 to 9, not 20
y.toml:7:1: scene.edits.0.toward: no direction 'aeg' in portraits, did you mean 'age'?
Brightness. {'description': 'Whither.', 'type': 'string', 'minLength': 1, 'maxLength': 1000}
1.5 portraits/age
3.0 a.safetensors#1
portraits/smile portraits/age
"""


def test_a_new_field_of_a_scene_and_of_an_edit_is_one_line_each(tmp_path: Path) -> None:
    for folder, package in (("core", "latty"), ("tui", "latty_tui")):
        shutil.copytree(ROOT / folder / package, tmp_path / package)
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    scene = tmp_path / "latty" / "scene.py"
    source = scene.read_text()
    for name, line in (("Scene", SCENE), ("Edit", EDIT)):
        start = source.index(f"class {name}:")
        at = source.index("\n    def ", start) if name == "Scene" else source.index("\n\n\n", start)
        source = source[: at + 1] + line + source[at + 1 :]
    scene.write_text(source)
    (tmp_path / "x.toml").write_text(PRESET)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (TOLD, "")
