"""A preset is saved over a file that extends another, has [vars] and comments: all of it stays."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

from latty import presets
from latty.errors import Unkept
from latty.presets import Output, Preset
from latty.scene import Edit

BASE = """\
schema = 1
frames = 12
[vars]
low = -2
[scene]
model = "demo"
truncation = 0.5
cutoff = 4
[[scene.edits]]
direction = "demo/smile"
strength = { from = "{low}", to = 2 }
[[scene.edits]]
direction = "demo/age"
[[outputs]]
path = "base.gif"
fps = 10
"""
LAYOUTS = {
    "only extends": 'extends = "base.toml" # see there\n',
    "a scene": 'schema = 1\nextends = "base.toml" # see there\n[scene]\n# mine\nseed = 7\n',
    "its own lists": 'extends = "base.toml" # see there\n[[scene.edits]]\n'
                     'direction = "demo/smile" # wide\nstrength = 1\n[[outputs]]\npath = "x.png"\n',
    "vars": 'extends = "base.toml" # see there\n[vars]\nface = 7 # a good one\nspan = 1.5\n'
            '[scene]\nseed = "{face}"\n[[scene.edits]]\ndirection = "demo/smile"\n'
            'strength = { from = "-{span}", to = 3 }\n[[outputs]]\npath = "s{face}.gif"\n',
    "vars, no base": 'schema = 1\n# see there\n[vars]\nname = "demo"\nface = 7\npsi = 0.6\n'
                     'sweep = { from = "{psi}", to = 1 }\nframes = 12\n[scene]\nmodel = "{name}"\n'
                     'seed = "{face}"\ntruncation = "{sweep}"\ncutoff = 2\n[[scene.edits]]\n'
                     'direction = "demo/smile"\nstrength = 1\n[[outputs]]\npath = "x.gif"\n',
    "its placeholders below": 'extends = "base.toml" # see there\n[vars]\nlow = -1\n',
}  # fmt: skip


def scene(preset: Preset, **changes: Any) -> Preset:
    return replace(preset, scene=replace(preset.scene, **changes))


def edit(preset: Preset, **changes: Any) -> Preset:
    first, *rest = preset.scene.edits
    return scene(preset, edits=(replace(first, **changes), *rest))


def still(preset: Preset) -> Preset:
    return replace(preset, tracks=(), frames=1)


def turned(preset: Preset) -> Preset:
    """Its tracks backwards, or faster."""
    tracks = tuple(
        (key, replace(one, keys=tuple((t, v + 0.25) for t, v in one.keys)))  # type: ignore[type-var]
        for key, one in preset.tracks
    )
    said = presets.to_dict(replace(preset, tracks=tracks))
    return presets.from_dict(said, preset.name)


CHANGES = {
    "seed": lambda one: scene(one, seed=9),
    "seed as usual": lambda one: scene(one, seed=0),
    "truncation": lambda one: scene(
        replace(one, tracks=tuple(t for t in one.tracks if t[0] != "truncation")), truncation=0.7
    ),
    "truncation as usual": lambda one: scene(
        replace(one, tracks=tuple(t for t in one.tracks if t[0] != "truncation")), truncation=1.0
    ),
    "no cutoff": lambda one: scene(one, cutoff=None),
    "a class": lambda one: scene(one, label=2),
    "model": lambda one: scene(one, model="portraits"),
    "a name with braces": lambda one: scene(one, label="{x}"),
    "strength": lambda one: edit(still(one), strength=2.75),
    "track": turned,
    "another edit": lambda one: scene(one, edits=(*one.scene.edits, Edit("demo/yaw", 1.5))),
    "no edits": lambda one: scene(still(one), edits=()),
    "layers": lambda one: edit(one, direction="demo/gender"),
    "frames": lambda one: replace(one, frames=24),
    "seconds": lambda one: replace(one, frames=1, seconds=2.5),
    "fps": lambda one: replace(one, outputs=tuple(replace(o, fps=30) for o in one.outputs)),
    "outputs": lambda one: replace(one, outputs=(*one.outputs, Output("more.png"))),
    "no outputs": lambda one: replace(one, outputs=()),
    "nothing": lambda one: one,
}
# What TOML cannot take back: there is no value for "none".
REFUSED = {("no cutoff", "extends"), ("seconds", "extends")}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.toml").write_text(BASE)
    return tmp_path / "mine.toml"


def meant(preset: Preset) -> Preset:
    """But for the paths, in which a placeholder may stand for something else now."""
    return replace(preset, outputs=tuple(replace(one, path="x.gif") for one in preset.outputs))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_saved_is_what_is_said_and_all_else_stays(
    layout: str, change: str, file: Path
) -> None:
    before = LAYOUTS[layout]
    file.write_text(before)
    preset = CHANGES[change](presets.read(file))
    refused = any(change == what and mark in before for what, mark in REFUSED)
    try:
        presets.save(preset, file)
    except Unkept as error:
        assert refused and file.read_text() == before, error.message
        presets.save(preset, file, "all")  # who says so gets it
        assert presets.read(file) == preset
        return
    assert not refused
    text = file.read_text()
    assert meant(presets.read(file)) == meant(preset)
    kept = [line.partition("#")[2] for line in before.splitlines() if "#" in line]
    kept = [one for one in kept if change != "no edits" or one != " wide"]  # that of the edit
    assert not [one for one in kept if f"#{one}" not in text]
    assert ("extends" in before, "[vars]" in before) == ("extends" in text, "[vars]" in text)
    if change in ("seed", "model", "strength", "track", "truncation"):  # the placeholder stays
        said = [line for line in before.splitlines() if line.startswith(("seed", "model"))]
        assert not [line for line in said if "{" in line and line not in text.splitlines()]
    assert (file.parent / "base.toml").read_text() == BASE


def test_a_placeholder_of_several_values_is_asked_about(file: Path) -> None:
    text = 'schema = 1\n[vars]\na = 1.0 # both\n[scene]\nmodel = "demo"\ntruncation = "{a}"\n' \
           '[[scene.edits]]\ndirection = "demo/smile"\nstrength = "{a}"\n'  # fmt: skip
    file.write_text(text)
    preset = presets.read(file)
    with pytest.raises(Unkept, match=r"mine\.toml: \{a\} of \[vars\] stands for other") as caught:
        presets.save(scene(preset, truncation=0.5), file)
    assert caught.value.loses == "placeholders" and file.read_text() == text
    presets.save(scene(preset, truncation=0.5), file, caught.value.loses)
    assert file.read_text() == text.replace('truncation = "{a}"', "truncation = 0.5")
    file.write_text(text)
    presets.save(edit(scene(preset, truncation=0.5), strength=0.5), file)
    assert file.read_text() == text.replace("a = 1.0", "a = 0.5")


def test_what_is_saved_elsewhere_names_the_same_sounds_fonts_and_panels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films, work = tmp_path / "films", tmp_path / "work"
    for folder in (films / "sub", work):
        folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "presets" / "film-music.flac", films / "song.flac")
    (films / "letters.ttf").write_bytes(b"letters")
    (films / "other.toml").write_text('schema = 1\n[scene]\nmodel = "demo"\nseed = 5\n')
    (films / "film.toml").write_text("""\
schema = 1
seconds = 2
[scene]
model = "demo"
truncation = { sound = "song.flac", from = 0.9, to = 0.5 }
[[panels]]
preset = "other.toml"
[[panels]]
truncation = { sound = "song.flac", onsets = true, from = 0, to = 1 }
[[text]]
value = "x"
font = "letters.ttf"
[[outputs]]
path = "film.mp4"
sound = "song.flac"
""")
    for start, name in (
        (films, "film.toml"),
        (work, "../films/film.toml"),
        (tmp_path, "films/film.toml"),
    ):
        monkeypatch.chdir(start)
        preset = presets.read(name)
        for copy in (films / "copy.toml", films / "sub/copy.toml", work / "copy.toml", Path(name)):
            copy.unlink() if copy.name == "copy.toml" and copy.exists() else None
            presets.save(preset, copy)
            for reader in (films, work):
                monkeypatch.chdir(reader)
                again = presets.read(copy if copy.is_absolute() else start / copy)
                sounds = {str(Path(one).resolve()) for one in again.sounds}
                assert sounds == {str(films / "song.flac")}
                assert Path(again.texts[0].font or "").resolve() == films / "letters.ttf"
                assert Path(again.panels[0].source).resolve() == films / "other.toml"
                assert again.panels[0].preset.scene.seed == 5
                monkeypatch.chdir(start)
        text = (films / "copy.toml").read_text()
        assert text.count('"song.flac"') == 3 and 'preset = "other.toml"' in text


SEEDS = """\
schema = 1
[scene]
model = "demo"
seed = [ # all
  1_000, # first
  # the good one
  2, # second
  3 # third
  # end
]
"""
KEYS = """\
frames = 10
[scene]
model = "demo"
[[scene.edits]]
direction = "demo/smile"
strength = { keys = [
  [0, -3], # start
  [0.5, 3.0e0], # "#middle"
  [1, -3] # end
], easing = "smooth" } # after
"""
INLINE = """\
frames = 10
scene = { model = "demo", edits = [
  # the smile
  { direction = "demo/smile", strength = 2 }, # wide
  { direction = "demo/age" } # old
] } # all
"""
ABOVE = """\
schema = 1
[scene]
model = "demo"
seed = 7 # good
# of the scene

# of the smile
[[scene.edits]]
direction = "demo/smile" # d
# of the age
[[scene.edits]]
direction = "demo/age"

# of the picture
[[outputs]]
path = "x.gif"
# the end
"""
FIRST, SECOND = "# of the smile\n", "# of the age\n"
SMILE = '[[scene.edits]]\ndirection = "demo/smile" # d\n'


def seeds(*said: int) -> Any:
    return lambda one: scene(replace(one, seeds=said), seed=said[0])


def keys(*said: tuple[float, float]) -> Any:
    def change(one: Preset) -> Preset:
        ((key, track),) = one.tracks
        return edit(replace(one, tracks=((key, replace(track, keys=said)),)), strength=said[0][1])  # type: ignore[type-var]

    return change


def edits(*said: int) -> Any:
    return lambda one: scene(one, edits=tuple(one.scene.edits[index] for index in said))


COMMENT = re.compile("#.*")
# A file, what changes, and (old, new) of what is not as it was; None: comments stay.
HARD: dict[str, tuple[str, Any, list[tuple[str, str]] | None]] = {
    "a seed goes": (SEEDS, seeds(1000, 3), [("  # the good one\n  2, # second\n", "")]),
    "the first goes": (SEEDS, seeds(2, 3), [("  1_000, # first\n", "")]),
    "the last goes": (SEEDS, seeds(1000, 2), [("2, # second\n  3 # third", "2 # second")]),
    "a seed between": (SEEDS, seeds(1000, 7, 2, 3), [("# first\n", "# first\n  7,\n")]),
    "a seed behind": (SEEDS, seeds(1000, 2, 3, 4), [("3 # third", "3, # third\n  4")]),
    "another": (SEEDS, seeds(1000, 9, 3), [("  2,", "  9,")]),
    "the middle key goes": (KEYS.replace("1, -3]", "0.75, -3]"), keys((0, -3), (0.75, -3)),
                            [('  [0.5, 3.0e0], # "#middle"\n', "")]),
    "a key more": (KEYS, keys((0, -3), (0.5, 3), (0.75, 1), (1, -3)),
                   [('middle"\n', 'middle"\n  [0.75, 1],\n')]),
    "an inline edit goes": (
        INLINE, edits(1),
        [('  # the smile\n  { direction = "demo/smile", strength = 2 }, # wide\n', "")]),
    "an inline edit more": (
        INLINE, edits(0, 1, 0),
        [(' } # old', ' }, # old\n  {direction = "demo/smile", strength = 2}')]),
    "the first edit goes": (ABOVE, edits(1), [("\n" + FIRST + SMILE, "")]),
    "the last edit goes": (
        ABOVE, edits(0), [(SECOND + '[[scene.edits]]\ndirection = "demo/age"\n', "")]),
    "the output goes": (
        ABOVE, lambda one: replace(one, outputs=()),
        [('\n# of the picture\n[[outputs]]\npath = "x.gif"\n', "")]),
    "the usual seed": (ABOVE, lambda one: scene(one, seed=0), [("seed = 7", "seed = 0")]),
    "no end of line": (
        'schema=1\n[scene]\nmodel="demo"#m\n[[outputs]]\npath="x.gif"#o',
        lambda one: replace(one, outputs=(*one.outputs, Output("y.png"))),
        [("#o", '#o\n[[outputs]]\npath = "y.png"\n')]),
    "an edit of a dotted scene": (
        'scene.model = "demo" # m\n[[outputs]] # o\npath = "x.gif"\n',
        lambda one: scene(one, edits=(Edit("demo/age", 2.0),)), None),
    "nothing": ('[[outputs]] # 1\r\npath = "x.gif"\n[scene]\nmodel = "demo"\n'
                '[["outputs"]]\npath = "y.gif"\n', lambda one: one, []),
}  # fmt: skip


@pytest.mark.parametrize("case", HARD)
def test_every_comment_stays_with_what_it_is_about(case: str, file: Path) -> None:
    before, change, differs = HARD[case]
    file.write_bytes(before.encode())
    preset = change(presets.read(file))
    presets.save(preset, file)
    assert presets.read(file) == preset
    wanted = before
    for old, new in differs or []:
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    text = file.read_bytes().decode()
    assert text == wanted if differs is not None else not {*COMMENT.findall(wanted)} - {
        *COMMENT.findall(text)}  # fmt: skip
