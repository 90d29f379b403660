"""`latty traverse`: every direction from every start, kept; through the command line."""

import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment
from PIL import Image
from processes import wait

from latty import edits
from latty.attributes import open_scorer
from latty.checkpoints.safetensors import read_header, read_tensors
from latty.models import open_model
from latty.rank.traversal import walk_file
from latty.scene import Edit, Layers, Scene

SMALL = ("traverse", "demo", "--directions", "yaw,smile", "--seeds", "3,5", "--steps", "5",
         "--baseline", "2", "--samples", "20", "-q")  # fmt: skip
FEW = ("--baseline", "0", "--samples", "20", "--film", "none", "-q")
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # last bits depend on how many there are


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the traversal "t", with scores of colour."""
    place = tmp_path_factory.mktemp("made")
    done = latty(*SMALL, "--scorers", "colour", "-o", "t", home=place)
    assert (done.returncode, done.stdout) == (0, "t\n"), done.stderr
    return place


def test_codes_are_those_of_the_scenes(made: Path) -> None:
    """(K, N, T, L, D): smile acts in some layers only, so that layers read different codes."""
    arrays, generator = read_tensors(made / "t/latents.safetensors"), open_model("demo", "cpu")
    said = json.loads((made / "t/traverse.json").read_text())
    assert arrays["codes"].shape == (2, 2, 5, generator.info.num_layers, generator.info.width)
    assert arrays["random"].shape == arrays["codes"].shape
    for k, one in enumerate(said["directions"]):
        assert arrays["strengths"][k].tolist() == one["strengths"]
        for n, seed in enumerate(said["starts"]):
            scenes = [
                Scene("demo", seed, edits=(Edit(f"demo/{one['name']}", strength),))
                for strength in one["strengths"]
            ]
            assert (edits.codes(scenes, generator) == arrays["codes"][k, n]).all()
    about = json.loads(read_header(made / "t/latents.safetensors").meta["about"])
    assert about["set_digest"] == said["set_digest"] and about["starts"] == [3, 5]
    assert about["model_digest"] == generator.info.digest


def test_one_code_for_all_layers_is_kept_once(tmp_path: Path) -> None:
    words = ("traverse", "demo", "--directions", "yaw", "--seeds", "0-1", "--steps", "7", "--span",
             "3", "--leap", "3", *FEW, "-o", "t")  # fmt: skip
    done = latty(*words, home=tmp_path)
    assert done.returncode == 0, done.stderr
    arrays, info = read_tensors(tmp_path / "t/latents.safetensors"), open_model("demo").info
    assert arrays["codes"].shape == (1, 2, 3, info.width) and "random" not in arrays
    assert arrays["strengths"].tolist() == [[-3, 0, 3]], "every third, counted from the middle"
    assert sorted(path.name for path in (tmp_path / "t").iterdir()) == [
        "latents.safetensors", "scores", "traverse.json", "walks"]  # fmt: skip


def test_pictures_are_those_of_a_render_and_scores_those_of_the_pictures(made: Path) -> None:
    from latty.render import pictures

    walk = walk_file.read(made / "t/walks/001-0000-0.safetensors", 5)
    said = json.loads((made / "t/traverse.json").read_text())["directions"][1]
    scenes = [Scene("demo", 3, edits=(Edit("demo/smile", x),)) for x in said["strengths"]]
    drawn = pictures(scenes, open_model("demo", "cpu"))
    assert all((walk[i] == drawn[i]).all() for i in range(5))
    [file] = (made / "t/scores").iterdir()
    kept = read_tensors(file)
    assert {name: tuple(one.shape[:-1]) for name, one in kept.items()} == {
        "scores": (2, 2, 5), "random": (2, 2, 5), "samples": (20,)}  # fmt: skip
    from latty.rank.traversal.judging import images_of

    own = open_scorer("colour").score(images_of([*drawn], open_model("demo", "cpu").device))
    assert np.allclose(own, kept["scores"][1, 0], atol=1e-6)


def test_films_render_again_from_their_recipe(made: Path) -> None:
    films = sorted((made / "t/films").iterdir())
    assert [film.name for film in films] == [
        "000-yaw-seed3.gif", "000-yaw-seed5.gif", "001-smile-seed3.gif", "001-smile-seed5.gif",
    ]  # fmt: skip
    with Image.open(films[2]) as film:
        assert film.size == (384, 192) and film.n_frames == 8  # type: ignore[attr-defined]
        film.seek(4)
        shown = np.asarray(film.convert("RGB")).astype(int)
    bar = shown[-2:, :, :].mean(axis=(0, 2))
    assert bar.min() > 200, "at the end the bar is full"
    assert np.abs(shown[40:150, :192] - shown[40:150, 192:]).mean() > 1, "the right one moved"
    done = latty("render", "t/films/001-smile-seed3.gif", "--out-dir", "again", home=made)
    assert done.returncode == 0, done.stderr
    [again] = (made / "again").iterdir()
    assert again.read_bytes() == films[2].read_bytes()


@pytest.mark.slow
def test_a_killed_traversal_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    words = [*COMMAND, *SMALL, "--scorers", "colour", "-o"]
    env = environment(tmp_path, **ONE_THREAD)
    subprocess.run([*words, "whole"], cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
    work = tmp_path / "t.latty-work/pictures"
    for mark in ("walks/000-0001-0.safetensors", "films/000-yaw-seed5.gif"):
        one = subprocess.Popen([*words, "t"], cwd=tmp_path, env=env, stdout=subprocess.DEVNULL)
        wait(lambda one=one, mark=mark: (work / mark).exists() or one.poll() is not None)
        os.kill(one.pid, signal.SIGKILL)
        one.wait()
        assert not (tmp_path / "t").exists(), "nothing half stands under a final name"
    kept = (work / "walks/000-0001-0.safetensors").stat().st_mtime_ns
    subprocess.run([*words, "t"], cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "t/walks/000-0001-0.safetensors").stat().st_mtime_ns == kept
    assert files(tmp_path / "t") == files(tmp_path / "whole") and not work.parent.exists()
    two = [*words, "two", "--workers", "2"]
    subprocess.run(two, cwd=tmp_path, env=env, check=True, stdout=subprocess.DEVNULL)
    assert files(tmp_path / "two") == files(tmp_path / "whole")


def test_again_other_scores_other_walks(tmp_path: Path) -> None:
    """Without a word nothing is replaced; --update draws only what is of something else."""
    small = ("traverse", "demo", "--directions", "yaw", "--seeds", "1", "--steps", "3", *FEW, "-o",
             "t")  # fmt: skip
    assert latty(*small, home=tmp_path).returncode == 0
    walk = tmp_path / "t/walks/000-0000-0.safetensors"
    drawn = walk.stat().st_mtime_ns
    refused = latty(*small, home=tmp_path)
    assert refused.returncode == 73 and "--overwrite" in refused.stderr
    done = latty(*small, "--update", "--scorers", "colour,smile", home=tmp_path)
    assert done.returncode == 0 and walk.stat().st_mtime_ns == drawn, done.stderr
    assert {path.name.split("-")[0] for path in (tmp_path / "t/scores").iterdir()} == {
        "colour", "factors"}  # fmt: skip
    done = latty(*small, "--update", "--span", "2", home=tmp_path)
    assert done.returncode == 0 and walk.stat().st_mtime_ns > drawn, done.stderr
    (tmp_path / "t/films").mkdir()
    (tmp_path / "t/films/mine.gif").write_text("my own")
    done = latty(*small, "--overwrite", home=tmp_path)
    assert done.returncode == 73 and "other files" in done.stderr
    assert (tmp_path / "t/films/mine.gif").read_text() == "my own"


def test_starts_at_stored_latents(tmp_path: Path) -> None:
    sample = ("sample", "demo", "--seeds", "4-6", "--files", "{seed}.png", "--save-latents",
              "z", "--truncation", "0.5", "-o", "pool", "-q")  # fmt: skip
    assert latty(*sample, home=tmp_path).returncode == 0
    words = ("traverse", "demo", "--directions", "yaw", "--steps", "3", "--span", "3", *FEW, "-o",
             "t", "--layers", "0-2")  # fmt: skip
    done = latty(*words, "--latents", "pool#1-2", home=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads((tmp_path / "t/traverse.json").read_text())
    assert said["starts"] == ["pool#1", "pool#2"] and said["truncation"] == 0.5
    generator = open_model("demo", "cpu")
    codes = read_tensors(tmp_path / "t/latents.safetensors")["codes"]
    for n, seed in enumerate((5, 6)):
        edit = Edit("demo/yaw", -3.0, Layers(0, 3))
        scene = Scene("demo", seed, 0.5, edits=(edit,))
        assert (edits.codes([scene], generator)[0] == codes[0, n, 0]).all()
    for ref, told in (("pool#2-5", "it holds 0 to 2"), ("pool#7", "no latent 7")):
        done = latty(*words, "-o", "u", "--latents", ref, home=tmp_path)
        assert done.returncode == 66 and told in done.stderr, done.stderr
    done = latty("traverse", "portraits", "--latents", "pool", "-o", "u", home=tmp_path)
    assert done.returncode == 65 and "was made for demo" in done.stderr, done.stderr


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    for words, code, text in [
        (("portraitz",), 66, "did you mean 'portraits'"),
        (("portraits", "--scorers", "smle"), 66, "did you mean 'smile'"),
        (("portraits", "--directions", "smle"), 66, "did you mean 'smile'"),
        (("portraits", "--directions", ""), 2, "--directions names no direction"),
        (("portraits", "--directions", " , "), 2, "--directions names no direction"),
        (("portraits", "--seeds", ""), 2, "--seeds"),
        (("portraits", "--film", "gfi"), 2, "did you mean 'gif'"),
        (("portraits", "--film", "png"), 2, "is no film"),
        (("portraits", "--leap", "0"), 2, "--leap"),
        (("portraits", "--steps", "9", "--leap", "5"), 65, "smaller --leap"),
        (("portraits", "--seeds", "1", "--latents", "x"), 2, "leave one out"),
        (("portraits", "--latents", "nosuch"), 66, "nosuch"),
        (("portraits", "--layers", "x"), 2, "--layers"),
        (("portraits", "--layers", "90-99"), 65, "no layers 90-99"),
        (("portraits", "--label", "cat"), 65, "--label"),
        (("portraits", "--baseline", "-1"), 2, "--baseline"),
        (("portraits", "--samples", "1"), 2, "--samples"),
        (("portraits", "--model", "demo"), 65, "--foreign"),
        (("portraits", "--seeds", "x"), 2, "--seeds"),
    ]:
        done = latty("traverse", *words, home=tmp_path)
        assert done.returncode == code and text in done.stderr, (words, done.stderr)
        assert done.stderr.count("\n") == 1, done.stderr
    assert not [*tmp_path.glob("renders/*")]


def test_a_disk_that_is_too_small_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from latty.render import work

    monkeypatch.setattr(work.shutil, "disk_usage", lambda path: Disk())
    done = latty(*SMALL, "-o", "t", home=tmp_path)
    assert done.returncode == 74 and "--ignore-space" in done.stderr, done.stderr
    assert not (tmp_path / "t").exists()


class Disk:
    free = 1000


@pytest.mark.parametrize("part", ["codes", "pictures", "ends"])
def test_a_piece_that_is_damaged_is_told_by_name(made: Path, part: str, tmp_path: Path) -> None:
    """Whatever is changed in it, one byte of any array."""
    file = made / "t/walks/001-0001-0.safetensors"
    header, data = read_header(file), bytearray(file.read_bytes())
    sizes = {"codes": 4, "pictures": 1, "ends": 8}
    start = 8 + int.from_bytes(data[:8], "little")
    for name, shape in header.shapes.items():
        if name == part:
            break
        start += sizes[name] * int(np.prod(shape))
    data[start + 3] ^= 1
    other = tmp_path / file.name
    other.write_bytes(data)
    with pytest.raises(Exception, match="is damaged"):
        walk_file.read(other, 5)
    assert not walk_file.is_whole(other, 5) and not walk_file.is_whole(file, 4)
    assert walk_file.is_whole(file, 5)
