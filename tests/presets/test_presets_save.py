"""Presets back to text: exact round trips, and files that keep what people wrote into them."""

import os
import random
import stat
from dataclasses import replace

import pytest

from latty import presets
from latty.errors import OutputError, PresetError
from latty.presets import Output, Preset, Track
from latty.scene import ALL, Edit, Layers, Scene, Walk


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """Paths in a preset begin in its own folder: what it names is written as it is from there."""
    monkeypatch.chdir(tmp_path)


EASINGS = ("linear", "smooth", "sine", "cubic")
FILE = """\
# my face
schema = 1
frames = 60   # one second and more

# who
[scene]
seed = 7 # a good one
model = "demo"
truncation = 1.0 # said although it is the default

[[scene.edits]]
# the smile
direction = "demo/smile" # found by hand
strength = { from = -3, to = 3, easing = "smooth" } # wide

[[scene.edits]] # the glasses
direction = "demo/glasses"
strength = 2

[[outputs]]
path = "face.gif" # the file
fps = 25
# the end
"""


def random_track(rng, low=-100.0, high=100.0):
    if rng.random() < 0.5:
        times = [0.0, 1.0]
    else:
        times = sorted({round(rng.random(), 3) for _ in range(rng.randrange(1, 5))})
    return Track(tuple((t, rng.uniform(low, high)) for t in times), rng.choice(EASINGS))


def random_preset(rng):
    tracks = {}

    def number(key, low, high):
        if rng.random() < 0.5:
            return rng.choice(
                [rng.uniform(low, high), float(rng.randrange(int(low), int(high) + 1))]
            )
        tracks[key] = random_track(rng, low, high)
        return tracks[key].at(0.0)

    seeds = tuple(rng.sample(range(2**32), rng.randrange(2, 5)))
    kind = rng.choice(["seed", "list", "walk"])
    seed = Walk(seeds, rng.choice(["lerp", "slerp", "circular"])) if kind == "walk" else seeds[0]
    if kind == "walk" and rng.random() < 0.5:
        tracks["seed"] = Track(((0.0, 0.0), (1.0, 1.0)), rng.choice(EASINGS[1:]))
    scene = Scene(
        model=rng.choice(["demo", "a b/\u732b.safetensors", "q\"uote's"]),
        seed=seed,
        truncation=number("truncation", -2, 2),
        cutoff=rng.choice([None, 0, 8]),
        label=rng.choice([None, 0, 151, ((1, 0.25), (3, 0.75))]),
        noise=rng.choice(["const", "none", 5]),
        edits=tuple(
            Edit(
                rng.choice(["demo/smile", "seed:42", "x.safetensors#3"]),
                number(f"edits.{index}.strength", -100, 100),
                rng.choice([None, ALL, Layers(4, 9), Layers(0, 1), Layers(3)]),
                conditions=rng.choice([(), ("demo/yaw",), ("demo/yaw", "x.safetensors#\u732b")]),
            )
            for index in range(rng.randrange(4))
        ),
        size=rng.choice([None, 64]),
        truncation_after_edits=rng.random() < 0.5,
        latent=rng.choice([None, "mine#3", "a b/\u732b.npz:w#-1"]),
        locks=rng.choice([(), ("demo/age",), ("x.safetensors#3", "demo/age")]),
    )
    words = [{}, {"mode": "flip"}, {"mode": "centred"}, {"mode": "absolute"}, {"unit": "own"}]
    edits = [
        edit if edit.direction.startswith("seed:") else replace(edit, **rng.choice(words))
        for edit in scene.edits
    ]
    scene = replace(scene, edits=tuple(edits))
    outputs = tuple(
        Output(
            f"{index}.png",
            fps=rng.choice([25, 23.976]),
            size=rng.choice([None, 128]),
            loop=rng.choice(["once", "loop", "bounce"]),
            layout=rng.choice(["frames", "grid", "strip"]),
            span=rng.choice([3.0, 2.5]),
            captions=rng.random() < 0.5,
        )
        for index in range(rng.randrange(3))
    )
    listed = seeds if kind == "list" else ()
    return Preset(
        1, "n\u00e4me", scene, rng.randrange(1, 99), tuple(tracks.items()), listed, outputs
    )


def test_round_trips_are_exact(tmp_path):
    rng = random.Random(11)
    for _ in range(150):
        preset = random_preset(rng)
        assert presets.from_dict(presets.to_dict(preset), "x.toml") == preset
        (tmp_path / "x.toml").write_text(presets.dumps(preset))
        assert presets.read(tmp_path / "x.toml") == preset


def test_saving_any_preset_over_any_other_is_exact(tmp_path):
    rng, file = random.Random(12), tmp_path / "x.toml"
    for _ in range(60):
        preset = random_preset(rng)
        presets.save(preset, file)
        assert presets.read(file) == preset


def test_defaults_are_left_out():
    preset = presets.from_dict({"scene": {"model": "m"}, "outputs": [{"path": "a.gif"}]}, "x.toml")
    assert presets.to_dict(preset) == {
        "schema": 1,
        "name": "x",
        "frames": 1,
        "scene": {"model": "m"},
        "outputs": [{"path": "a.gif"}],
    }


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "face.toml"
    path.write_text(FILE)
    return path


def changed_lines(file):
    """(old, new) of each line that is not as it was."""
    pairs = zip(FILE.splitlines(), file.read_text().splitlines(), strict=True)
    return [(old, new) for old, new in pairs if old != new]


def test_saving_what_is_there_changes_no_byte(file):
    presets.save(presets.read(file), file)
    assert file.read_text() == FILE


def with_strength(preset, index, strength):
    edits = list(preset.scene.edits)
    edits[index] = replace(edits[index], strength=strength)
    return replace(preset, scene=replace(preset.scene, edits=tuple(edits)))


def test_one_number_changes_one_line(file):
    presets.save(with_strength(presets.read(file), 1, 2.5), file)
    assert changed_lines(file) == [("strength = 2", "strength = 2.5")]


def test_a_changed_value_keeps_its_comment(file):
    preset = presets.read(file)
    presets.save(replace(preset, frames=24, scene=replace(preset.scene, seed=8)), file)
    assert changed_lines(file) == [
        ("frames = 60   # one second and more", "frames = 24   # one second and more"),
        ("seed = 7 # a good one", "seed = 8 # a good one"),
    ]


def test_a_track_changes_its_line_only(file):
    preset = presets.read(file)
    track = Track(((0.0, -1.0), (1.0, 3.0)), "smooth")
    preset = with_strength(preset, 0, -1.0)
    presets.save(replace(preset, tracks=(("edits.0.strength", track),)), file)
    [(_, new)] = changed_lines(file)
    assert "from = -1" in new.replace("{from", "{ from") and new.endswith("# wide")


def test_a_new_edit_and_a_removed_one_leave_the_others_alone(file):
    preset = presets.read(file)
    first, second = preset.scene.edits
    added = (first, second, Edit("demo/yaw", 1.0))
    presets.save(replace(preset, scene=replace(preset.scene, edits=added)), file)
    text = file.read_text()
    assert all(line in text.splitlines() for line in FILE.splitlines())
    assert presets.read(file).scene.edits == added
    presets.save(replace(preset, scene=replace(preset.scene, edits=(second,)), tracks=()), file)
    text = file.read_text()
    assert "# the smile" not in text and "# the glasses" in text and "# the file" in text


def test_windows_line_ends_and_bom_stay(file):
    file.write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    presets.save(replace(presets.read(file), frames=24), file)
    raw = file.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf# my face\r\n") and raw.count(b"\n") == raw.count(b"\r\n")
    assert presets.read(file).frames == 24


@pytest.mark.parametrize(
    "text",
    [
        'scene = { model = "m", edits = [{ direction = "a/b" }] }',
        'scene.model = "m"\nscene.seed = 3',
        'scene.model = "m"\nscene.edits = [{ direction = "a/b", strength = { to = 1, from = 0 } }]',
        '[[scene.edits]]\ndirection = "a/b"\n[outputs2]\n'.replace("[outputs2]\n", "")
        + '[scene]\nmodel = "m"',
        '[[scene.edits]]\ndirection = "a/b"\n[scene.edits.strength]\nfrom = 0\nto = 1\n'
        '[[outputs]]\npath = "a.gif"\n[scene]\nmodel = "m"\n',
    ],
)
def test_every_legal_layout_can_be_saved_over(text, tmp_path):
    file, rng = tmp_path / "x.toml", random.Random(5)
    for _ in range(20):
        file.write_text(text)
        preset = random_preset(rng)
        presets.save(preset, file)
        assert presets.read(file) == preset
    file.write_text(text)
    presets.save(presets.read(file), file)
    assert file.read_text() == text


def test_a_file_that_is_no_preset_is_not_touched(file):
    file.write_text("shopping = ['milk']")
    with pytest.raises(PresetError):
        presets.save(presets.read("hello"), file)
    assert file.read_text() == "shopping = ['milk']"


def test_saving_is_all_or_nothing(file, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        presets.save(replace(presets.read(file), frames=3), file)
    assert file.read_text() == FILE and [*file.parent.iterdir()] == [file]


def test_rights_and_links_stay(file, tmp_path):
    file.chmod(0o640)
    (tmp_path / "link.toml").symlink_to(file)
    presets.save(replace(presets.read(file), frames=3), tmp_path / "link.toml")
    assert (tmp_path / "link.toml").is_symlink() and presets.read(file).frames == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_new_file_has_usual_rights(tmp_path):
    mask = os.umask(0o027)
    try:
        presets.save(presets.read("hello"), tmp_path / "new.toml")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((tmp_path / "new.toml").stat().st_mode) == 0o640


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        presets.save(presets.read("hello"), tmp_path / "no" / "x.toml")
