"""The names in recipes and pins: files of one name are told apart, and what a picture was made of
is found by its content, whatever it is called now."""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from cli_in_process import latty
from cli_process import environment
from PIL import Image, ImageFont
from sound_files import sine, wav

from latty import presets
from latty.budget import slowness
from latty.checkpoints.safetensors import pieces, read_header, read_tensors
from latty.directions import manage
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, read, write
from latty.models.store import MODELS
from latty.presets import digests, pinning
from latty.presets.digests import DIGESTS, STORES
from latty.render import provenance
from latty.render.named import Name, Placing

HEAD = "schema = 1\nseconds = 1\nname = 'x'\n"
TAIL = "[[outputs]]\npath = 'x.mkv'\nfps = 3\nsize = 32\nloop = 'once'\n"
SCENE = "[scene]\nmodel = 'demo'\nseed = 3\n"


def latents(path: Path, seed: int) -> None:
    np.save(path, np.random.RandomState(seed).randn(1, 64).astype("f4"))


def sound(path: Path, seed: int) -> None:
    wav(path, sine(220 * (seed + 1), 1))


def font(path: Path, seed: int) -> None:
    """One whose letters are as large as the seed says (its table `head`)."""
    data = ImageFont.load_default(20).font_bytes  # type: ignore[union-attr]
    start = 12 + 16 * [data[at : at + 4] for at in range(12, 400, 16)].index(b"head")
    place = int.from_bytes(data[start + 8 : start + 12]) + 18
    units = int.from_bytes(data[place : place + 2]) + 100 * seed
    path.write_bytes(data[:place] + units.to_bytes(2) + data[place + 2 :])


def directions(path: Path, seed: int) -> None:
    one = np.random.RandomState(seed).randn(1, 128).astype("f4")
    header = DirectionSet("random", "w", (Info("up", 1.0, (-3.0, 3.0)),), "demo")
    write(path, header, {ARRAY: torch.from_numpy(one)})


def model(path: Path, seed: int) -> None:
    content = bytearray(MODELS.find("demo").read_bytes())
    content[-2] ^= seed + 1  # none that ships
    path.write_bytes(content)


# kind -> a file's name, what makes it, and a preset that names two
KINDS: dict[str, tuple[str, Callable[[Path, int], None], str]] = {
    "latents": ("z.npy", latents, f"{SCENE}latent = '{{0}}#0'\n[[panels]]\n[[panels]]\n"
                "latent = '{1}#0'\n"),
    "directions": ("set.safetensors", directions, f"{SCENE}" + "".join(
        f"[[scene.edits]]\ndirection = '{{{i}}}#up'\nlayers = 'all'\nstrength = 1\n"
        for i in range(2))),
    "model": ("m.safetensors", model, "[scene]\nmodel = '{0}'\n[[panels]]\n[[panels]]\n"
              "model = '{1}'\n"),
    "sounds": ("a.wav", sound,
               f"{SCENE}truncation = {{{{ sound = '{{0}}', from = 0, to = 1 }}}}\n"),
    "fonts": ("f.ttf", font, f"{SCENE}[[text]]\nvalue = 'a'\nfont = '{{0}}'\n[[text]]\n"
              "value = 'b'\nfont = '{1}'\nplace = 'top'\n"),
}  # fmt: skip


def made(place: Path, kind: str, first: str, second: str) -> Path:
    """A preset in `place` that names two files of that kind."""
    _, make, text = KINDS[kind]
    for seed, file in enumerate((first, second)):
        path = place / file
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path, seed)
    more = f"sound = '{second}'\n" if kind == "sounds" else ""
    preset = place / "x.toml"
    preset.write_text(HEAD + text.format(first, second) + TAIL + more)
    return preset


def rendered(*words: str, home: Path, code: int = 0) -> str:
    done = latty("render", *words, home=home)
    assert done.returncode == code, done.stderr
    return done.stderr


def test_every_kind_is_tried() -> None:
    assert {*KINDS} == {*DIGESTS} - {"scorers"}  # which are names only


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_one_name_render_again_from_the_recipe(kind: str, tmp_path: Path) -> None:
    """From the preset's folder and from another one the same bytes, twice."""
    name, place = KINDS[kind][0], tmp_path / "film"
    made(place, kind, f"a/{name}", f"b/{name}")
    rendered("film/x.toml", "-o", "film/one.mkv", home=tmp_path)
    rendered("x.toml", "-o", "two.mkv", home=place)
    first = (place / "one.mkv").read_bytes()
    assert (place / "two.mkv").read_bytes() == first
    rendered("one.mkv", "-o", "three.mkv", home=place)
    rendered("film/one.mkv", "-o", "film/four.mkv", home=tmp_path)
    assert (place / "three.mkv").read_bytes() == (place / "four.mkv").read_bytes() == first
    shutil.copy(place / f"a/{name}", place / f"b/{name}")
    assert f"b/{name}" in rendered("one.mkv", "-o", "no.mkv", home=place, code=65)


@pytest.mark.parametrize("kind", KINDS)
def test_files_from_elsewhere_are_told_apart_by_their_content(kind: str, tmp_path: Path) -> None:
    name, place = KINDS[kind][0], tmp_path / "film"
    place.mkdir()
    made(place, kind, f"../a/{name}", f"../b/{name}")
    rendered("x.toml", "-o", "one.mkv", home=place)
    recipe = provenance.read(place / "one.mkv")
    text = json.dumps(recipe["preset"])
    assert str(tmp_path) not in text and ".." not in text
    digests = [DIGESTS[kind](str(tmp_path / f"{folder}/{name}")) for folder in "ab"]
    for digest in digests:
        assert f"{digest[:12]}/{name}" in text
    refused = rendered("one.mkv", "-o", "two.mkv", home=place, code=66)
    assert f"{digests[0][:12]}/{name}" in refused and "--set " in refused
    for folder, digest in zip("ab", digests, strict=True):  # as the recipe says
        (place / digest[:12]).mkdir()
        shutil.copy(tmp_path / folder / name, place / digest[:12] / name)
    rendered("one.mkv", "-o", "two.mkv", home=place)
    assert (place / "two.mkv").read_bytes() == (place / "one.mkv").read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_the_current_folder_are_found_by_content(kind: str, tmp_path: Path) -> None:
    """A picture in renders/ of what lies where the command is given; nothing else is taken."""
    name = KINDS[kind][0]
    made(tmp_path, kind, name, f"b/{name}")
    rendered("x.toml", "-o", "renders/one.mkv", home=tmp_path)
    rendered("renders/one.mkv", "-o", "renders/two.mkv", home=tmp_path)
    assert (tmp_path / "renders/two.mkv").read_bytes() == (
        (tmp_path / "renders/one.mkv").read_bytes())  # fmt: skip
    shutil.copy(tmp_path / f"b/{name}", tmp_path / name)
    told = rendered("renders/one.mkv", "-o", "renders/no.mkv", home=tmp_path, code=66)
    assert name in told and "--set " in told


def test_a_pool_is_found_as_its_folder(tmp_path: Path) -> None:
    """Below the picture, or in the current folder; not through a link to another place."""
    words = ["--files", "{seed}.png", "-o", "film/pool", "--size", "32", "--seeds", "0-2"]
    assert latty("sample", "demo", *words, home=tmp_path).returncode == 0
    place = tmp_path / "film"
    scene = "[scene]\nmodel = 'demo'\nlatent = 'pool#1'\n"
    (place / "x.toml").write_text(f"{HEAD}{scene}{TAIL}")
    rendered("x.toml", "-o", "one.mkv", home=place)
    rendered("x.toml", "-o", "renders/one.mkv", home=place)
    rendered("film/one.mkv", "-o", "film/two.mkv", home=tmp_path)
    rendered("renders/one.mkv", "-o", "three.mkv", home=place)
    assert (place / "two.mkv").read_bytes() == (place / "one.mkv").read_bytes()
    assert (place / "three.mkv").read_bytes() == (place / "one.mkv").read_bytes()
    (tmp_path / "far").mkdir()
    shutil.copy(place / "one.mkv", tmp_path / "far")
    (tmp_path / "far/pool").symlink_to(place / "pool")
    assert "--set scene.latent" in rendered("far/one.mkv", home=tmp_path, code=66)


@pytest.mark.parametrize("kind", KINDS)
def test_pins_are_those_of_files_wherever_one_is(kind: str, tmp_path: Path) -> None:
    name, place = KINDS[kind][0], tmp_path / "film"
    file = made(place, kind, f"a/{name}", f"b/{name}")
    assert latty("pin", "film/x.toml", home=tmp_path).returncode == 0
    assert str(tmp_path) not in file.read_text()
    pins = presets.read(file).pins
    assert pins is not None
    for home, preset in ((tmp_path, "film/x.toml"), (place, "x.toml")):
        assert latty("check", preset, home=home).returncode == 0
        assert latty("pin", "--check", preset, home=home).returncode == 0
    KINDS[kind][1](place / f"b/{name}", 2)
    for home, preset in ((tmp_path, "film/x.toml"), (place, "x.toml")):
        refused = latty("check", preset, home=home)
        assert refused.returncode == 65 and f"b/{name}" in refused.stderr, refused.stderr
        assert "is not the one that it pins" in refused.stderr
        rendered(preset, "-o", f"{home.name}.mkv", "--anyway", home=home)
    recipe = provenance.read(place / f"{place.name}.mkv")
    assert [f"b/{name}" in what for what in recipe["anyway"]] == [True]


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_begins_with_the_content_that_was_submitted(kind: str, tmp_path: Path) -> None:

    name = KINDS[kind][0]
    file = made(tmp_path / "film", kind, f"a/{name}", f"b/{name}")
    words = pinning.spelled(presets.read(file))
    pinning.check_spelled(words)
    assert sum(word.startswith(f"{kind}:") for word in words) >= 2
    KINDS[kind][1](tmp_path / f"film/b/{name}", 2)
    pins = [f"--pin={word}" for word in words]
    refused = rendered(*pins, str(file), home=tmp_path, code=65)
    assert f"b/{name}' is not the one that was pinned (" in refused


@pytest.mark.parametrize("kind", ["sounds", "fonts"])
def test_files_of_other_content_are_used_anyway(kind: str, tmp_path: Path) -> None:
    name = KINDS[kind][0]
    made(tmp_path, kind, name, name)
    rendered("x.toml", "-o", "one.mkv", home=tmp_path)
    KINDS[kind][1](tmp_path / name, 2)
    refused = rendered("one.mkv", "-o", "two.mkv", home=tmp_path, code=65)
    assert f"'{name}' is not the one this was made with (" in refused
    told = rendered("one.mkv", "-o", "two.mkv", "--anyway", home=tmp_path)
    assert told.count(f"'{name}'") == 1
    assert provenance.read(tmp_path / "two.mkv")["anyway"]
    rendered("two.mkv", "-o", "three.mkv", home=tmp_path)


@pytest.mark.parametrize("own", ["own.ttf", "elsewhere/own.ttf"])
def test_one_is_named_by_set_from_the_current_folder(own: str, tmp_path: Path) -> None:
    made(tmp_path / "film", "fonts", "f.ttf", "f.ttf")
    (tmp_path / own).parent.mkdir(exist_ok=True)
    font(tmp_path / own, 1)
    words = ["film/x.toml", "--set", f"text.0.font={own}", "-o", "one.mkv"]
    rendered(*words, home=tmp_path)
    assert {*provenance.read(tmp_path / "one.mkv")["fonts"]} == {"own.ttf", "f.ttf"}


# --- names that go --------------------------------------------------------------------------------

STORED = {"latents": "latent = 'f#0'\n", "model": "",
          "directions": "[[scene.edits]]\ndirection = 'f#up'\nlayers = 'all'\n"}  # fmt: skip


def in_store(kind: str, name: str, seed: int) -> Path:
    """Something of a store under that name."""
    path = STORES[kind].place(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if kind == "latents":
        z = torch.from_numpy(np.random.RandomState(seed).randn(1, 64).astype("f4"))
        path.write_bytes(b"".join(map(bytes, pieces({}, {"z": z}))))
    else:
        KINDS[kind][1](path, seed)
    return path


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("kind", STORED)
@pytest.mark.parametrize("panels", ["", "[[panels]]\n[[panels]]\nseed = 4\n"])
def test_what_has_another_name_now_is_found(
    kind: str, panels: str, taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    stored = in_store(kind, "f", 1)
    name = "f" if kind == "model" else "demo"
    text = f"[scene]\nmodel = '{name}'\n{STORED[kind]}{panels}"
    (tmp_path / "x.toml").write_text(HEAD + text + TAIL)
    rendered("x.toml", "-o", "one.mkv", home=tmp_path)
    stored.rename(stored.with_stem("new"))
    if taken:
        in_store(kind, "f", 2)
    told = rendered("one.mkv", "-o", "two.mkv", home=tmp_path)
    lines = [line for line in told.splitlines() if "'new' has its content, and is used" in line]
    assert len(lines) == 1, told
    assert ("is another one here" if taken else "is not here under that name") in lines[0]
    assert "'new' has its content" in latty("check", "one.mkv", home=tmp_path).stderr
    rendered("two.mkv", "-o", "three.mkv", home=tmp_path)
    stored.with_stem("new").unlink()
    refused = latty("render", "one.mkv", "-o", "four.mkv", home=tmp_path)
    assert refused.returncode == (65 if taken else 66), refused.stderr


def test_models_of_other_families_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the largest files of a store."""
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    path = in_store("model", "f", 1)
    said, family = DIGESTS["model"]("f"), read_header(path).meta["family"]
    monkeypatch.setattr(digests, "digest_of", read := Mock(return_value=said))
    assert digests.named_here("model", said, "another") == "" and not read.called
    for known in (family, None):
        assert digests.named_here("model", said, known) == "f"


def two_directions(name: str) -> Path:
    """A set in the store, "up" and "other"."""
    path = STORES["directions"].place(name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    rows = np.random.RandomState(1).randn(2, 128).astype("f4")
    infos = tuple(Info(one, 1.0, (-3.0, 3.0)) for one in ("up", "other"))
    write(path, DirectionSet("random", "w", infos, "demo"), {ARRAY: torch.from_numpy(rows)})
    return path


def same_frames(one: Path, other: Path) -> None:
    frames = sorted(one.glob("*.png"))
    assert frames
    for frame in frames:
        same = Image.open(frame), Image.open(other / frame.name)
        assert np.array_equal(*map(np.asarray, same))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ([("up", "smile")], "smile"),
        ([("other", "age")], "up"),
        ([("up", "a"), ("other", "up"), ("a", "b")], "b"),  # another one is called so now
        ([("up", "a"), ("a", "up")], ""),  # the same file again
    ],
)
@pytest.mark.parametrize("moved", [False, True])
def test_a_direction_that_was_renamed_is_found_by_its_content(
    changes: list[tuple[str, str]], name: str, moved: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The set says what was renamed, and the SHA-256 that the recipe has proves it."""
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    path = two_directions("f")
    (tmp_path / "x.toml").write_text(HEAD + SCENE + STORED["directions"] + TAIL)
    rendered("x.toml", "-o", "one/", home=tmp_path)
    for old, new in changes:
        manage.rename(str(path), old, new)
    if moved:
        path = path.rename(path.with_stem("g"))
    checked = latty("check", "one", home=tmp_path)
    assert checked.returncode == 0, checked.stderr
    rendered("one", "-o", "two/", home=tmp_path)
    same_frames(tmp_path / "one", tmp_path / "two")
    said = provenance.read(tmp_path / "two")
    assert name in ("", "up") or f"'f#up' is '{path.stem}#{name}' here" in checked.stderr
    spelled = f"f{'/' if moved else '#'}{name or 'up'}"
    assert said["preset"]["scene"]["edits"][0]["direction"] == spelled
    assert said["directions"] == {spelled: DIGESTS["directions"](path.stem)}


@pytest.mark.parametrize("change", ["flip", "lie", "delete"])
def test_a_set_that_was_changed_otherwise_is_another_one(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and how to go on; what a header says of the names is not believed."""
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    path = two_directions("f")
    (tmp_path / "x.toml").write_text(HEAD + SCENE + STORED["directions"] + TAIL)
    rendered("x.toml", "-o", "one/", home=tmp_path)
    if change == "flip":
        manage.flip(str(path), "other")
    elif change == "delete":
        manage.delete(str(path), ["other"])
    else:
        header, arrays = read(path)
        infos = (header.infos[1], replace(header.infos[0], name="smile"))
        write(path, replace(header, infos=infos, renamed=(("up", "smile"),)), arrays)
    for verb in ("check", "render"):
        refused = latty(verb, "one", home=tmp_path)
        assert refused.returncode == 65
        assert "the direction set 'f' is not the one this was made with" in refused.stderr
        assert "a set of which a direction was turned, added or taken out is another" in (
            refused.stderr
        )


def test_pins_and_presets_say_what_was_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    path = two_directions("f")
    (tmp_path / "x.toml").write_text(HEAD + SCENE + STORED["directions"] + TAIL)
    assert latty("pin", "x.toml", home=tmp_path).returncode == 0
    manage.rename(str(path), "other", "age")
    refused = rendered("x.toml", "-o", "one/", home=tmp_path, code=65)
    assert "only names changed in it: 'other' is 'age' now; latty pin again" in refused
    manage.rename(str(path), "up", "smile")
    refused = rendered("x.toml", "-o", "one/", "--anyway", home=tmp_path, code=66)
    assert "no direction 'up' in f, it is called 'smile' now" in refused


def test_a_few_digits_prove_no_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another set anything may be said: only a whole SHA-256 finds one that was renamed."""
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    path = two_directions("f")
    said = DIGESTS["directions"]("f")
    manage.rename(str(path), "up", "smile")
    for digits in (64, 1, 63):
        placing = Placing(tmp_path / "x.png", lambda key: False)
        name = Name((), "directions", "gone#up", "gone")
        recipe = {"directions": {"gone#up": said[:digits]}}
        assert placing.found(name, recipe) == ("f" if digits == 64 else None)
        assert placing.missing == ([] if digits == 64 else [name])


@pytest.mark.slow
def test_a_set_of_many_names_and_renames_costs_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many edits ask for what it was."""
    for key, value in environment(tmp_path).items():
        monkeypatch.setenv(key, value)
    path = two_directions("f")
    edit = STORED["directions"]
    (tmp_path / "x.toml").write_text(HEAD + SCENE + edit + edit.replace("up", "other") + TAIL)
    rendered("x.toml", "-o", "one/", home=tmp_path)
    names = ["up", "other", *(f"{number:070}" + "n" for number in range(4_000))]
    infos = tuple(Info(name, 1.0) for name in names)
    renamed = tuple((f"o{k}", f"o{k + 1}" if k < 99 else names[-1]) for k in range(100))
    header = DirectionSet("random", "w", infos, "demo", renamed=renamed)
    write(path, header, {ARRAY: torch.ones(len(names), 1)})
    os.utime(path, (1e9, 1e9))
    start = time.process_time()
    refused = latty("check", "one", home=tmp_path)
    assert refused.returncode == 65 and "is not the one this was made with" in refused.stderr
    assert time.process_time() - start < 2 * slowness()


def test_what_a_file_says_of_its_source_is_not_believed(tmp_path: Path) -> None:
    """A pin means the content: a header may say any SHA-256, and whoever writes one may lie."""
    file = tmp_path / "m.safetensors"
    (tmp_path / "x.toml").write_text(f"{HEAD}[scene]\nmodel = 'm.safetensors'\n{TAIL}")
    model(file, 0)
    assert latty("pin", "x.toml", home=tmp_path).returncode == 0
    rendered("x.toml", "-o", "one.mkv", home=tmp_path)
    lie = {**read_header(file).meta, "source_sha256": DIGESTS["model"](str(file))}
    tensors = {name: one * 0.5 for name, one in read_tensors(file).items()}
    file.write_bytes(b"".join(bytes(one) for one in pieces(lie, tensors)))
    for ref in ("x.toml", "one.mkv"):
        refused = rendered(ref, "-o", "two.mkv", home=tmp_path, code=65)
        assert "the model 'm.safetensors' is not the one" in refused
