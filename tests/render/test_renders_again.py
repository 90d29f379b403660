"""Every picture and film that any verb writes holds its preset, and renders again to its bytes."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from cli_in_process import latty
from cli_process import environment
from cli_process import latty as in_a_process
from frames_for_writers import content
from PIL import Image
from wheels import make_wheel

from latty.directions.store import SETS
from latty.presets.formats import formats

FOLDER, FILES = formats()["/"], {suffix: one for suffix, one in formats().items() if suffix != "/"}
STILLS = [suffix for suffix, one in FILES.items() if not one.film]
EVERYTHING = """\
schema = 1
name = "everything"
frames = 4
[scene]
model = "portraits"
seed = [3, 9]
truncation = 0.75
[[scene.edits]]
direction = "portraits/smile"
strength = {{ from = -1, to = 2 }}
[[outputs]]
path = "one{suffix}"
size = 32
"""


def renders_again(path: Path, home: Path) -> None:
    """From the file alone, into another folder."""
    done = latty("render", str(path), "--out-dir", "again", home=home)
    assert done.returncode == 0, done.stderr
    again = home / done.stdout.strip()
    assert again.name == path.name and again != path
    assert content(again) == content(path), path.name


@pytest.mark.parametrize("suffix", formats())
def test_render(suffix: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(EVERYTHING.format(suffix=suffix))
    done = latty("render", "x.toml", home=tmp_path)
    assert done.returncode == 0, done.stderr
    renders_again(tmp_path / done.stdout.strip(), tmp_path)


@pytest.mark.parametrize("preset", ["grid", "strip"])
def test_a_sheet_that_was_asked_for_as_a_film(preset: str, tmp_path: Path) -> None:
    """Its recipe says a layout that no preset may say of a film."""
    small = ("--set", "outputs.0.size=32", "-o", "x.gif")
    done = latty("render", preset, *small, home=tmp_path)
    assert done.returncode == 0, done.stderr
    renders_again(tmp_path / "x.gif", tmp_path)


@pytest.mark.parametrize("suffix", STILLS)
def test_sample(suffix: str, tmp_path: Path) -> None:
    words = ("sample", "portraits", "--seeds", "0-3,70000", "--size", "32", "--truncation", "0.6")
    assert latty(*words, "--batch", "2", "-o", f"s{suffix}", home=tmp_path).returncode == 0
    renders_again(tmp_path / f"s{suffix}", tmp_path)


def test_a_sheet_of_one_keeps_its_caption(tmp_path: Path) -> None:
    words = ("sample", "demo", "--seeds", "5", "--size", "32", "-o", "s.png")
    assert latty(*words, home=tmp_path).returncode == 0
    with Image.open(tmp_path / "s.png") as sheet:
        assert sheet.height > sheet.width > 32
    renders_again(tmp_path / "s.png", tmp_path)


@pytest.mark.parametrize("more", [(), ("--layers", "2-5", "--truncation", "0.7"), ("--space", "z")])
def test_edit(more: tuple[str, ...], tmp_path: Path) -> None:
    words = ("edit", "demo", "--attribute", "brightness/luma", "--to", "0.5", "--steps", "3")
    done = latty(*words, "--frames", "4", "--size", "32", "--json", *more, home=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    film, frames, _ = (tmp_path / path for path in json.loads(done.stdout.splitlines()[0])["paths"])
    renders_again(film, tmp_path)
    renders_again(frames, tmp_path)


KILLED = """
import os, signal, sys
from latty.cli.main import main
rename = os.replace

def replace(one, target, **folders):
    rename(one, target, **folders)
    if target == "w.gif":
        os.kill(os.getpid(), signal.SIGKILL)

os.replace = replace
main(sys.argv[1:])
"""


@pytest.mark.slow
def test_an_edit_killed_between_two_names_ends_with_all_of_them(tmp_path: Path) -> None:
    """The latents are as near as their film: the same command gives what is left its name."""
    words = ("edit", "demo", "--attribute", "brightness/luma", "--to", "0.5", "--steps", "2",
             "--frames", "3", "--size", "32", "--name", "w", "--out-dir", ".")  # fmt: skip
    assert latty(*words[:-1], "whole", home=tmp_path).returncode in (0, 1)
    command = [sys.executable, "-P", "-c", KILLED, *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "w.gif").exists() and not (tmp_path / "w.safetensors").exists()
    other = latty(*words, "--frames", "4", home=tmp_path)
    assert "w.gif is there already" in other.stderr, "another edit does not take these files"
    assert latty(*words, home=tmp_path).returncode in (0, 1)
    for name in ("w.gif", "w", "w.safetensors"):
        assert content(tmp_path / name) == content(tmp_path / "whole" / name)
    assert not list(tmp_path.glob("*.latty-work"))
    renders_again(tmp_path / "w.gif", tmp_path)
    assert "w.gif is there already" in latty(*words, home=tmp_path).stderr


def test_a_film_of_stored_latents_is_a_preset(tmp_path: Path) -> None:
    """One latent after the other, in any format; a latent that is not there is missing."""
    words = ("edit", "demo", "--attribute", "brightness/luma", "--to", "0.5", "--name", "w")
    assert latty(*words, "--frames", "5", "--out-dir", ".", home=tmp_path).returncode in (0, 1)
    text = EVERYTHING.format(suffix=".webm").replace("portraits", "demo")
    text = text.replace("seed = [3, 9]", 'latent = "w.safetensors#0-4"').replace("frames = 4\n", "")
    text = "".join(text.partition("[[scene.edits]]")[::2]).replace(
        'direction = "demo/smile"\nstrength = { from = -1, to = 2 }\n', "")  # fmt: skip
    (tmp_path / "x.toml").write_text(text)
    assert latty("check", "x.toml", home=tmp_path).returncode == 0
    done = latty("render", "x.toml", "--out-dir", ".", home=tmp_path)
    assert done.returncode == 0, done.stderr
    renders_again(tmp_path / "one.webm", tmp_path)
    (tmp_path / "x.toml").write_text(text.replace("#0-4", "#0-5"))
    done = latty("check", "x.toml", home=tmp_path)
    assert done.returncode == 66 and "no latent 5" in done.stderr


@pytest.mark.slow
def test_rank(tmp_path: Path) -> None:
    words = ("rank", "portraits", "--scorers", "smile", "--directions", "smile,yaw", "--seeds",
             "0-1", "--steps", "3", "--top", "2", "--baseline", "0")  # fmt: skip
    assert latty(*words, home=tmp_path).returncode == 0
    gifs = sorted((tmp_path / "renders" / "portraits-rank").glob("*.gif"))
    assert len(gifs) == 4
    for gif in gifs[::3]:
        renders_again(gif, tmp_path)


@pytest.mark.parametrize(
    ("size", "truncation"), [("3", "5"), ("8", "-40"), ("16", "100")], ids=["small", "low", "high"]
)
def test_numbers_far_from_the_usual_ones(size: str, truncation: str, tmp_path: Path) -> None:
    words = ("sample", "demo", "--seeds", "0-1", "--size", size, "--truncation", truncation)
    assert latty(*words, "-o", "s.png", home=tmp_path).returncode == 0
    renders_again(tmp_path / "s.png", tmp_path)
    other = ("render", "s.png", "--set", "scene.seed=5", "-o", "other.png")
    assert latty(*other, home=tmp_path).returncode == 0
    preset = f"[scene]\nmodel = 'demo'\nsize = {size}\ntruncation = {truncation}\n"
    (tmp_path / "typed.toml").write_text(preset)
    done = latty("check", "typed.toml", home=tmp_path)
    assert done.returncode == 65 and "scene.truncation: must be at " in done.stderr
    for words in (
        ("sample", "demo", "--truncation", "101"),
        ("rank", "demo", "--truncation", "101"),
        ("rank", "demo", "--span", "101"),
    ):
        done = latty(*words, home=tmp_path)
        assert done.returncode == 2 and "recipe, which takes no other" in done.stderr


def test_files_beside_the_picture_are_found(tmp_path: Path) -> None:
    """A recipe names no folder: what was a path is looked for beside the picture."""
    kept = tmp_path / "kept"
    kept.mkdir()
    shutil.copy(SETS.find("portraits"), kept / "mine.safetensors")
    (tmp_path / "x.toml").write_text(
        EVERYTHING.format(suffix=".gif").replace(
            "portraits/smile", f"{kept}/mine.safetensors#smile"
        )
    )
    assert latty("render", "x.toml", "--out-dir", "kept", home=tmp_path).returncode == 0
    renders_again(kept / "one.gif", tmp_path)
    (kept / "mine.safetensors").unlink()
    done = latty("render", "kept/one.gif", "--out-dir", "named", home=tmp_path)
    assert done.returncode == 0, "a set of this content is in the store"


ANIMATION = '''\
"""Animated PNG, of another distribution."""

from latty.render.writers.png import recall

__all__ = ["FORMATS", "recall", "write"]
FORMATS = {".anim": {"what": "animated PNG", "film": True, "reads": {"fps", "loop"},
                     "encoders": (("apng", "apng", "rgb24"),)}}


def write(film, path, output, comment, report):
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_itxt("latty", comment, zip=True)
    first, *rest = [Image.fromarray(pixels) for pixels in film]
    first.save(path, format="PNG", save_all=True, append_images=rest, pnginfo=text,
               duration=round(1000 / film.fps), loop=0 if film.loops else 1)
    report(len(film), len(film), "anim")
'''


@pytest.mark.slow
def test_a_writer_of_another_distribution(tmp_path: Path) -> None:
    """One file and an entry point: it is listed, checked, asked, rendered, and renders again."""
    points = "[latty.render.writers]\nanim = other_anim\n"
    wheel = make_wheel(tmp_path, "other", {"other_anim.py": ANIMATION}, points)
    ZipFile(wheel).extractall(tmp_path / "site")
    home, path = tmp_path / "here", str(tmp_path / "site")
    home.mkdir()
    (home / "x.toml").write_text(EVERYTHING.format(suffix=".anim") + "fps = 10\ncrf = 3\n")

    def run(*words: str) -> str:
        done = in_a_process(*words, home=home, PYTHONPATH=path)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    assert "animated PNG" in run("list", "formats").casefold().replace("png", "PNG")
    told = run("check", "x.toml")
    assert "crf: means nothing for .anim" in told and "fps" not in told
    assert "apng" in run("doctor")
    run("render", "x.toml")
    film = home / "renders" / "one.anim"
    with Image.open(film) as picture:
        assert getattr(picture, "n_frames", 1) == 4
    assert "portraits/smile" in run("inspect", str(film), "--json")
    run("render", str(film), "--out-dir", "again")
    assert (home / "again" / "one.anim").read_bytes() == film.read_bytes()


@pytest.mark.parametrize(
    ("formats", "why"),
    [
        ('{".anim": {"what": "animated PNG"}, ".gif": {"what": "mine"}}',
         ".gif is written by latty already"),
        ("dict(a=1)", "FORMATS: must be a literal table of suffixes"),
        ('{".anim": {"what": "animated PNG", "plays": True}}', "unexpected keyword"),
        ('{".anim": {"film": True}}', "missing 1 required positional"),
        ('[".anim"]', "FORMATS: "),
        ("{", "SyntaxError: "),
    ],
)  # fmt: skip
def test_a_writer_that_cannot_be_used_is_named(formats: str, why: str, tmp_path: Path) -> None:
    """In one line, with its distribution; what it claims stays with whom it belongs to."""
    source = f'"""Animated PNG."""\n\nFORMATS = {formats}\nwrite = recall = print\n'
    points = "[latty.render.writers]\nanim = other_anim\n"
    wheel = make_wheel(tmp_path, "other", {"other_anim.py": source}, points)
    ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "here").mkdir()
    done = in_a_process("list", "formats", home=tmp_path / "here", PYTHONPATH=f"{tmp_path}/site")
    assert done.returncode == 0 and ".anim" not in done.stdout and ".gif   GIF:" in done.stdout
    (line,) = done.stderr.splitlines()
    assert "writer 'anim' of other is left out: " in line and why in line


def test_each_format_has_words_of_its_own(tmp_path: Path) -> None:
    lines = latty("list", "formats", "--json", home=tmp_path).stdout.splitlines()
    words = [row["what"] for row in map(json.loads, lines) if row["use"] == "write"]
    assert len({*words}) == len(words) == len(formats())


@pytest.mark.slow
def test_a_batch_too_large_for_any_memory_is_cut_and_that_is_said(tmp_path: Path) -> None:
    """Batches are in the sidecar."""
    text = EVERYTHING.format(suffix=".png").replace("size = 32", "size = 1024")
    (tmp_path / "x.toml").write_text(text)
    words = ("--batch", "512", "-o", "a.png")
    done = latty("render", "x.toml", *words, home=tmp_path, LATTY_SIDECAR="true")
    assert done.returncode == 0, done.stderr
    done = latty("render", "a.png", "--out-dir", "again", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "drawn 256 at once, not 512 as its recipe says" in done.stderr
    with Image.open(tmp_path / "a.png") as first, Image.open(tmp_path / "again/a.png") as second:
        assert first.tobytes() == second.tobytes()
