"""`latty pack`: what a preset names is in the archive, and renders the same in an empty home."""

import json
import os
import re
import shutil
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from archive_files import archive
from cli_in_process import latty
from climbing_sets import climbing
from fault_verbs import model
from PIL import ImageFont

from latty import home, locks, presets, reading
from latty.presets import pinning
from latty.presets.archives.opening import manifest_of
from latty.render import provenance, sources
from latty_tui.films import documents

SHIPPED = {name: file for name, file in presets.shipped().items() if "/" not in name}
BASE = """schema = 1
seconds = 0.4
[vars]
set = "mine"
[scene]
model = "m"
seed = { walk = [1, "../z.npy#1", "kept#0"] }
[[scene.edits]]
direction = "{set}/r1"
strength = { sound = "my tune #1.flac", from = 0, to = 3 }
[[outputs]]
path = "x.gif"
fps = 10
size = 32
loop = "once"
"""
FILM = """# a comment
schema = 1
extends = "../bases/base.toml"
[[panels]]
[[panels]]
preset = "../other.toml"
[[text]]
value = "Hi"
font = "own.ttf"
"""
OTHER = """schema = 1
[scene]
model = "m"
seed = 4
[[scene.edits]]
direction = "one.safetensors#r0"
strength = 2
"""


def run(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """One that goes well."""
    done = latty(*words, home=home)
    assert done.returncode == 0, done
    return done


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder and a home with a preset that names a thing of every kind, and its archive."""
    here = tmp_path_factory.mktemp("made") / "author"
    for folder in ("films", "bases"):
        (here / folder).mkdir(parents=True)
    (here / "m.pt").write_bytes(model()["here/m.pt"])
    run("import", "m.pt", "--name", "m", home=here)
    run("discover", "random", "m", "-o", "mine", home=here)
    run("discover", "random", "m", "-o", "one.safetensors", "--seed", "5", home=here)
    np.save(here / "z.npy", np.random.RandomState(0).randn(3, 8).astype("f4"))
    run("import", "z.npy", "--name", "kept", "--for", "m", home=here)
    shutil.copy(home.presets_dir() / "film-music.flac", here / "bases/my tune #1.flac")
    font = ImageFont.load_default(20).font_bytes  # type: ignore[union-attr]
    (here / "films/own.ttf").write_bytes(font)
    (here / "films/film.toml").write_text(FILM)
    (here / "bases/base.toml").write_text(BASE)
    (here / "other.toml").write_text(OTHER)
    run("pack", "films/film.toml", "-o", "film.latty", home=here)
    return here


@pytest.fixture
def author(tmp_path: Path, made: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(made, tmp_path / "author"))


@pytest.fixture
def reader(tmp_path: Path, made: Path) -> Path:
    """Another folder and home, with the archive and nothing else."""
    there = tmp_path / "reader"
    there.mkdir()
    shutil.copy(made / "film.latty", there)
    return there


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_are_the_same_from_their_archives(name: str, tmp_path: Path) -> None:
    run("pack", name, "-o", "x.latty", home=tmp_path)
    own, packed = (sources.read(ref).preset for ref in (name, str(tmp_path / "x.latty")))
    assert len(own.outputs) == len(packed.outputs) > 0
    for one, other in zip(own.outputs, packed.outputs, strict=True):
        said, again = (
            provenance.canonical(provenance.expected(preset, output, home.presets_dir()))
            for preset, output in ((own, one), (packed, other))
        )
        assert said == again


def small(name: str) -> list[str]:
    """What makes a shipped preset render in a second: few frames, of few pixels."""
    data = presets.reading.load(name).data
    told = [] if "seconds" in data or presets.read(name).count() == 1 else ["frames=3"]
    for index, output in enumerate(data["outputs"]):
        key = f"outputs.{index}"
        told += [f"{key}.{side}={output[side] // 8}" for side in ("width", "height")
                 if side in output]  # fmt: skip
        told += [f"{key}.size=32"] if "size" in output else []
        told += [f"{key}.fps=2"] if "seconds" in data else []
    return [word for one in told for word in ("--set", one)]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_presets_render_the_same_bytes(name: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    run("pack", name, "-o", "there/x.latty", home=tmp_path)
    words = ("--no-recipe", "-q", "--out-dir", "out", *small(name))
    run("render", name, *words, home=tmp_path)
    run("render", "x.latty", *words, home=tmp_path / "there")
    made = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert made
    for path in made:
        other = tmp_path / "there/out" / path.relative_to(tmp_path / "out")
        assert other.read_bytes() == path.read_bytes(), path


def test_everything_a_preset_names_is_in_it(author: Path, reader: Path) -> None:
    found = manifest_of(reader / "film.latty")
    assert [name for name, _ in found.members] == [
        "directions/mine.safetensors",
        "files/my tune -1.flac",
        "files/one.safetensors",
        "files/own.ttf",
        "files/z.npy",
        "latents/kept.safetensors",
        "presets/base.toml",
        "presets/film.toml",
        "presets/other.toml",
    ]
    (origin,) = found.models
    assert (origin.name, origin.family, origin.source) == ("m", "stylegan2", "m.pt")
    assert origin.source_sha256 == sha256((author / "m.pt").read_bytes()).hexdigest()


def test_it_renders_in_a_home_with_nothing_but_the_model(author: Path, reader: Path) -> None:
    missing = latty("render", "film.latty", home=reader)
    assert missing.returncode == 66 and missing.stderr.count("\n") == 1
    assert "its model 'm' (stylegan2, SHA-256 " in missing.stderr
    assert "latty import FILE --name m" in missing.stderr
    shutil.copy(author / "m.pt", reader)
    run("import", "m.pt", "--name", "another", home=reader)
    stored = sorted((reader / "home/data").rglob("*"))
    checked = run("check", "film.latty", home=reader)
    assert "made for" not in checked.stderr, "the model is the same, whatever it is called"
    bare = ("--no-recipe", "-q", "-o")
    run("render", "films/film.toml", *bare, "bare.gif", home=author)
    run("render", "film.latty", *bare, "bare.gif", home=reader)
    assert (author / "bare.gif").read_bytes() == (reader / "bare.gif").read_bytes()
    assert sorted((reader / "home/data").rglob("*")) == stored

    run("render", "film.latty", home=reader)
    recipe = provenance.read(reader / "renders/x.gif")
    digest = sha256((reader / "film.latty").read_bytes()).hexdigest()
    assert recipe["archive"] == digest
    assert "mine/r1" in recipe["directions"] and "home" not in json.dumps(recipe)
    up_to_date = run("render", "film.latty", "--update", home=reader)
    assert "is up to date" in up_to_date.stderr
    again = latty("render", "renders/x.gif", "-o", "again.gif", home=reader)
    assert again.returncode == 66 and again.stderr.count("\n") == 1
    assert f"it is from the archive of SHA-256 {digest[:12]}" in again.stderr


def test_what_is_set_is_the_user_s_own(author: Path, reader: Path) -> None:
    shutil.copytree(author / "home/data/models", reader / "home/data/models")
    done = latty("check", "film.latty", "--set", "vars.set=nope", home=reader)
    assert done.returncode == 65 and "'nope' is not in the archive" in done.stderr
    np.save(reader / "mine.npy", np.ones((1, 8), "f4"))
    run("check", "film.latty", "--set", "scene.latent=mine.npy#0", home=reader)


def test_another_model_of_its_name_is_told(author: Path, reader: Path) -> None:
    (reader / "m.pt").write_bytes(model(1)["here/m.pt"])
    run("import", "m.pt", "--name", "m", home=reader)
    done = latty("render", "film.latty", home=reader)
    assert done.returncode == 65 and done.stderr.count("\n") == 1, done.stderr
    assert "the model 'm' is not the one this was made with (" in done.stderr
    words = ("render", "film.latty", "--anyway", "--foreign", "-o", "x.gif")
    run(*words, home=reader)
    assert provenance.read(reader / "x.gif")["anyway"]


def test_the_model_goes_with_it_where_that_is_asked_for(author: Path, tmp_path: Path) -> None:
    done = run("pack", "films/film.toml", "-o", "all.latty", "--with-model", home=author)
    assert "with m.safetensors: " in done.stderr
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy(author / "all.latty", there)
    assert run("check", "all.latty", home=there)
    run("render", "all.latty", "--no-recipe", "-q", "-o", "x.gif", home=there)
    run("render", "films/film.toml", "--no-recipe", "-q", "-o", "x.gif", home=author)
    assert (there / "x.gif").read_bytes() == (author / "x.gif").read_bytes()
    assert not list((there / "home").rglob("data/models/*"))


def test_no_program_is_packed(author: Path) -> None:
    (author / "raw.toml").write_text(OTHER.replace('"m"', '"m.pt"').split("[[")[0])
    done = latty("pack", "raw.toml", "-o", "raw.latty", "--with-model", home=author)
    assert done.returncode == 65 and "latty import FILE" in done.stderr
    raw = author / "raw.toml"
    raw.write_text(raw.read_text() + '[[outputs]]\npath = "x.png"\n')
    run("pack", "raw.toml", "-o", "raw.latty", home=author)
    torch.save(torch.ones(2, 8), author / "w.pt")
    raw.write_text(raw.read_text().replace("seed = 4", 'latent = "w.pt#0"'))
    done = latty("pack", "raw.toml", "-o", "two.latty", home=author)
    assert done.returncode == 65 and "w.pt is of a kind that no archive holds" in done.stderr


@pytest.mark.slow
def test_scorers_that_sets_climb_go_with_them(tmp_path: Path) -> None:
    climbing(tmp_path)
    run("pack", "up.toml", "-o", "up.latty", home=tmp_path)
    there = tmp_path / "there"
    there.mkdir()
    shutil.copy(tmp_path / "up.latty", there)
    run("render", "up.latty", "-o", "x.png", home=there)
    run("render", "up.toml", "-o", "x.png", home=tmp_path)
    own, packed = (provenance.read(place / "x.png") for place in (tmp_path, there))
    assert packed.pop("archive") and own == packed
    assert list(own["scorers"]) == ["judge"]


def test_the_same_content_packs_to_the_same_bytes(author: Path) -> None:
    run("pack", "films/film.toml", "hello", "-o", "one.latty", home=author)
    for path in author.rglob("*.toml"):
        path.touch()
    run("pack", "films/film.toml", "hello", "-o", "two.latty", home=author)
    assert (author / "one.latty").read_bytes() == (author / "two.latty").read_bytes()


def test_several_presets_of_one_archive(author: Path) -> None:
    run("pack", "films/film.toml", "hello", "-o", "two.latty", home=author)
    done = run("check", "two.latty", home=author)
    assert done.stdout.splitlines() == ["two.latty#film: ok", "two.latty#hello: ok"]
    plan = run("render", "two.latty", "--dry-run", "--json", home=author)
    paths = [json.loads(line)["path"] for line in plan.stdout.splitlines()]
    assert paths == ["renders/x.gif", "renders/hello.gif"]
    missing = latty("check", "two.latty#film2", home=author)
    assert missing.returncode == 66 and "did you mean 'film'?" in missing.stderr
    one = latty("render", "two.latty", "-o", "x.gif", home=author)
    assert one.returncode == 2 and one.stderr.count("\n") == 1


REFUSED = {
    "pin": ("pin", "film.latty"),
    "migrate": ("migrate", "film.latty"),
    "pack": ("pack", "film.latty", "-o", "two.latty"),
    "a stream": ("pack", "-", "-o", "two.latty"),
    "another suffix": ("pack", "hello", "-o", "two.zip"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_in_one_line(what: str, reader: Path) -> None:
    done = latty(*REFUSED[what], home=reader, stdin='schema = 1\n[scene]\nmodel = "demo"\n')
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert [path.name for path in reader.iterdir() if path.name != "home"] == ["film.latty"]


def test_a_picture_is_no_preset_to_pack(author: Path, tmp_path: Path) -> None:
    """It is not asked for what it names."""
    run("render", "other.toml", "-o", "x.png", home=author)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(author / "x.png", elsewhere)
    done = latty("pack", "x.png", "-o", "two.latty", home=elsewhere)
    assert done.returncode == 2 and "x.png is no file of a preset" in done.stderr
    assert "--set" not in done.stderr and done.stderr.count("\n") == 1


def test_an_archive_is_no_model(reader: Path) -> None:
    done = latty("import", "film.latty", home=reader)
    assert done.returncode == 65 and "it is an archive of presets" in done.stderr


def test_one_writer_and_nothing_is_overwritten(author: Path) -> None:
    with locks.writing(author / "x.latty"):
        done = latty("pack", "hello", "-o", "x.latty", home=author)
    assert done.returncode == 75 and done.stderr.count("\n") == 1
    run("pack", "hello", "-o", "x.latty", home=author)
    assert latty("pack", "hello", "-o", "x.latty", home=author).returncode == 73
    run("pack", "hello", "-o", "x.latty", "--overwrite", home=author)
    assert not [path for path in author.iterdir() if path.name.startswith(".")]


def test_pinned_presets_are_packed_as_they_were_pinned(author: Path) -> None:
    run("pin", "other.toml", home=author)
    (author / "other.toml").write_text(
        (author / "other.toml").read_text().replace("[pins]", '[[outputs]]\npath = "o.png"\n[pins]')
    )
    run("pack", "other.toml", "-o", "o.latty", home=author)
    assert run("check", "o.latty", home=author)
    run("discover", "random", "m", "-o", "one.safetensors", "--overwrite", home=author)
    done = latty("pack", "other.toml", "-o", "p.latty", home=author)
    assert done.returncode == 65 and "is not the one that it pins" in done.stderr
    assert run("check", "o.latty", home=author), "the archive has what was pinned"


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {one: file.read(one) for one in file.namelist()}


def with_preset(path: Path, name: str, content: bytes) -> bytes:
    """The archive with another content of one of its presets, as if it had been packed so."""
    held = members_of(path)
    said = json.loads(held.pop("latty.json"))
    said["members"][name] = sha256(content).hexdigest()
    return archive({**held, name: content}, json.dumps(said).encode())


def test_pins_are_compared_whatever_their_files_are_called_in_it(author: Path) -> None:
    """Of every kind: files of other folders, of names that no member has, what a base or the preset
    of a panel names."""
    (author / "films/film.toml").write_text(FILM + '[[panels]]\nmodel = "n"\n')
    (author / "n.pt").write_bytes(model(1)["here/m.pt"])
    run("import", "n.pt", "--name", "n", home=author)
    run("pin", "films/film.toml", home=author)
    run("pack", "films/film.toml", "-o", "x.latty", home=author)
    (file,) = author.rglob("data/models/n.safetensors")
    file.rename(file.with_stem("another"))
    assert run("check", "x.latty", home=author)
    plain = members_of(author / "x.latty")["presets/film.toml"]
    pins = re.findall(rb'"([0-9a-f]{64})"', plain)
    assert len(pins) == 8, plain
    for digits in pins:
        other = sha256(digits).hexdigest().encode()
        made = with_preset(author / "x.latty", "presets/film.toml", plain.replace(digits, other))
        (author / "y.latty").write_bytes(made)
        done = latty("check", "y.latty", home=author)
        assert done.returncode == 65 and done.stderr.count("\n") == 1, (digits, done)
        assert f"that it pins ({other[:12].decode()} / {digits[:12].decode()})" in done.stderr
        assert run("render", "y.latty", "--anyway", "--dry-run", home=author)


def test_inspect_says_what_is_in_it(reader: Path) -> None:
    told = json.loads(run("inspect", "film.latty", "--json", home=reader).stdout)
    assert told["kind"] == "archive" and told["presets"] == ["film"]
    assert told["models"]["m"]["here"] == "no" and "files/z.npy" in told["members"]
    assert not list((reader / "home").rglob("archives/*"))


def test_clean_removes_what_was_unpacked(author: Path) -> None:
    run("pack", "hello", "-o", "x.latty", home=author)
    run("check", "x.latty", home=author)
    (folder,) = (author / "home/cache/archives").iterdir()
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (1, 1))
    run("clean", "--yes", home=author)
    assert not folder.exists()
    assert run("check", "x.latty", home=author)


def test_the_studio_reads_one_and_does_not_write_to_it(
    author: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("pack", "films/film.toml", "-o", "x.latty", home=author)
    monkeypatch.setenv("LATTY_HOME", str(author / "home"))
    found = documents.read(str(author / "x.latty"))
    assert found.preset.name == "film" and found.file is None
    monkeypatch.chdir(author)
    assert str(author / "x.latty") in {offer.ref for offer in documents.offers(author)}


def test_a_preset_saved_from_one_says_that_its_files_may_go(reader: Path, author: Path) -> None:
    run("import", str(author / "m.pt"), "--name", "m", home=reader)
    run("check", "film.latty", home=reader)
    (file,) = (reader / "home/cache/archives").glob("*/directions/mine.safetensors")
    text = OTHER.replace("one.safetensors", str(file)) + '[[outputs]]\npath = "x.png"\n'
    (reader / "saved.toml").write_text(text)
    told = run("check", "saved.toml", home=reader).stderr
    assert "saved.toml:6:1: scene.edits.0.direction: lies in latty's cache" in told
    run("pack", "saved.toml", "-o", "saved.latty", home=reader)
    assert "files/mine.safetensors" in dict(manifest_of(reader / "saved.latty").members)


def test_a_job_begins_with_this_very_archive(author: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_HOME", str(author / "home"))
    run("pack", "films/film.toml", "hello", "-o", "x.latty", home=author)
    packed = author / "x.latty"
    pins = pinning.spelled(sources.read(f"{packed}#film").preset, packed)
    assert pins[0] == f"archive:{packed}={sha256(packed.read_bytes()).hexdigest()[:12]}"
    assert [pin.partition("=")[0] for pin in pins[1:]] == ["model:m"]
    words = ("render", "x.latty", "--dry-run", *(f"--pin={pin}" for pin in pins))
    run(*words, home=author)
    run("pack", "hello", "-o", "x.latty", "--overwrite", home=author)
    done = latty(*words, home=author)
    assert done.returncode == 65 and "x.latty' is not the one that was pinned (" in done.stderr


def test_one_preset_of_it_is_shown_where_no_studio_can_be(author: Path) -> None:
    run("pack", "films/film.toml", "hello", "-o", "two.latty", home=author)
    done = latty("two.latty#film", home=author)
    assert done.returncode == 0, done.stderr


def test_files_of_any_name_are_packed(author: Path) -> None:
    names = ["none", "dot.", ".hidden", "-.npy", "a b .npy", "Z.npy", "con;x.npy", "n" * 255]
    names += ["n" * 250 + ".npy", "\u00e9" * 120 + ".npy", "z." + "\u30d5" * 20, "\U0001f600.npy"]
    for number, name in enumerate(names):
        np.save(author / "in.npy", np.full((1, 8), number + 1, "f4"))
        (author / "in.npy").rename(author / name)
    walk = ", ".join(f'"{name}#0"' for name in names)
    text = OTHER.split("[[")[0].replace("seed = 4", f"seed = {{ walk = [{walk}] }}")
    (author / "odd.toml").write_text(text + '[[outputs]]\npath = "x.gif"\n')
    run("pack", "odd.toml", "-o", "odd.latty", home=author)
    held = [name for name, _ in manifest_of(author / "odd.latty").members]
    assert len(held) == len(names) + 1
    run("check", "odd.latty", home=author)


def test_a_recipe_is_that_of_the_preset_as_it_was_before_it_was_packed(
    author: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of files in folders, of one name, of names that no member has, of a base."""
    for folder in ("p", "q", "outside"):
        (author / folder).mkdir()
        np.save(author / folder / "z.npy", np.full((1, 8), len(folder), "f4"))
    (author / "q/z.npy").rename(author / "q/my z #1.npy")
    walk = '["p/z.npy#0", "q/my z #1.npy#0", "../outside/z.npy#0", "../z.npy#1", "kept#0"]'
    text = OTHER.replace("seed = 4", f"seed = {{ walk = {walk} }}").replace("one.saf", "../one.saf")
    for folder in ("p", "q"):
        shutil.move(author / folder, author / "films" / folder)
    (author / "films/base.toml").write_text(text)
    end = 'extends = "base.toml"\n[[outputs]]\npath = "x.png"\nsize = 32\n'
    (author / "films/x.toml").write_text(end)
    run("pack", "films/x.toml", "-o", "x.latty", home=author)
    monkeypatch.setenv("LATTY_HOME", str(author / "home"))
    own, packed = (sources.read(str(author / name)) for name in ("films/x.toml", "x.latty"))
    plain, again = (
        provenance.expected(one.preset, one.preset.outputs[0], author / folder, one.spelled)
        for one, folder in ((own, "films"), (packed, ""))
    )
    assert plain == again
    names = [*plain["latents"]]
    assert names[:2] == ["p/z.npy#0", "q/my z #1.npy#0"] and names[-1] == "kept#0"
    assert len({name for name in names if "/z.npy#" in name}) == 3


def test_two_links_to_one_preset_are_two_presets(author: Path) -> None:
    for number, folder in enumerate(("p", "q")):
        (author / folder).mkdir()
        np.save(author / folder / "l.npy", np.full((1, 8), number, "f4"))
    text = OTHER.split("[[")[0].replace("seed = 4", 'latent = "l.npy#0"')
    (author / "p/x.toml").write_text(text + '[[outputs]]\npath = "{name}.png"\n')
    (author / "q/x.toml").symlink_to("../p/x.toml")
    (author / "p/y.toml").symlink_to("x.toml")
    run("pack", "p/x.toml", "q/x.toml", "p/y.toml", "-o", "x.latty", home=author)
    found = manifest_of(author / "x.latty")
    assert [*found.stems] == ["x", "x-2", "y"]
    assert [dict(said["latents"])["l.npy"] for _, said in found.names] == [
        "files/l-2.npy", "files/l.npy", "files/l.npy",
    ]  # fmt: skip


def test_more_than_an_archive_holds_is_told_before_it_is_written(
    author: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SMALL", 500)
    done = latty("pack", "hello", "-o", "x.latty", home=author)
    assert done.returncode == 65 and done.stderr.count("\n") == 1 and "pack fewer" in done.stderr
    assert not [path for path in author.iterdir() if path.name.endswith("x.latty")]


def test_what_it_shows_of_the_author_is_told(author: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Presets are packed as they were written, and films are sent to others."""
    silent = run("pack", "films/film.toml", "hello", "-o", "two.latty", home=author)
    assert "path of this machine" not in silent.stderr and "home folder" not in silent.stderr
    monkeypatch.setenv("HOME", str(author))
    text = OTHER.replace("seed = 4", 'latent = "{there}/z.npy#0"')
    text = text.replace("one.safetensors", str(author / "one.safetensors"))
    text = text.replace("[scene]", f"# see {author}/notes\n[vars]\nthere = '{author}'\n[scene]")
    text += '[[outputs]]\npath = "x.png"\n[[text]]\nvalue = "/s"\n[pins.latents]\n'
    digits = sha256((author / "z.npy").read_bytes()).hexdigest()
    (author / "mine.toml").write_text(f"{text}'{author / 'z.npy'}' = '{digits}'\n")
    (author / "top.toml").write_text('extends = "~/mine.toml"\n')
    done = run("pack", "top.toml", "mine.toml", "-o", "x.latty", home=author)
    assert re.findall(r"(\S+toml:\d+:\d+: [a-z0-9.]+)", done.stderr) == [
        "top.toml:1:1: extends",
        "~/mine.toml:2:1: names",
        "~/mine.toml:4:1: vars.there",
        "~/mine.toml:9:1: scene.edits.0.direction",
        "~/mine.toml:16:1: pins.latents.",
    ], "each once"


def test_clean_leaves_what_is_no_archive_s(author: Path) -> None:
    other = author / "home/cache/archives/my films"
    other.mkdir(parents=True)
    os.utime(other, (1, 1))
    run("clean", "--yes", home=author)
    assert other.exists()


def test_what_another_user_may_change_is_not_used(author: Path) -> None:
    run("pack", "hello", "-o", "x.latty", home=author)
    run("check", "x.latty", home=author)
    place = author / "home/cache/archives"
    (folder,) = place.iterdir()
    try:
        os.chown(folder, 12345, -1)
    except PermissionError:
        pytest.skip("only root gives files away")
    done = latty("check", "x.latty", home=author)
    assert done.returncode == 78 and "belongs to another user" in done.stderr, done
    assert done.stderr.count("\n") == 1


def test_a_cache_that_cannot_be_written_is_told(author: Path) -> None:
    run("pack", "films/film.toml", "-o", "x.latty", home=author)
    shutil.rmtree(author / "home/cache", ignore_errors=True)
    (author / "home/cache").write_text("")
    done = latty("render", "x.latty", home=author)
    assert done.returncode == 74 and done.stderr.count("\n") == 1, done
    assert not (author / "renders").exists()


def test_a_pipe_is_no_archive(reader: Path) -> None:
    done = latty("check", "-", home=reader, stdin="PK\x03\x04")
    assert done.returncode == 65 and done.stderr.count("\n") == 1
    assert "is a zip archive, and no preset (name the file" in done.stderr
