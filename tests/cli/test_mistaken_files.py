"""A file that is something else than was asked for: what it is is said, and what to do with it."""

import io
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from cli_in_process import latty
from PIL import Image

from latty.directions.store import SETS
from latty.latents import Latents
from latty.latents import write as write_latents
from latty.models.store import MODELS


def picture(suffix: str) -> Callable[[Path], object]:
    return lambda path: Image.new("RGB", (8, 8)).save(path, suffix)


def written(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def copied(file: Path | None) -> Callable[[Path], object]:
    assert file is not None
    return written(file.read_bytes())


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


def latents(path: Path) -> None:
    write_latents(path.with_suffix(".safetensors"), Latents("w", torch.zeros(1, 1, 8)))
    path.with_suffix(".safetensors").rename(path)


def saved() -> bytes:
    file = io.BytesIO()
    torch.save({"w": torch.ones(3)}, file)
    return file.getvalue()


CHECKED = {
    **{f"{one} picture": (picture(one), "recipe") for one in
       ("JPEG", "WEBP", "PNG", "GIF", "TIFF", "BMP", "AVIF")},
    "checkpoint": (written(saved()), "not a preset (see: latty inspect"),
    "array": (written(b"\x93NUMPY\x01\0" + bytes(120)), "not a preset (see: latty inspect"),
    "model": (copied(MODELS.named("demo")), "is a model, not a preset"),
    "set": (copied(SETS.named("portraits-random")), "is a direction set, not a preset"),
    "latents": (latents, "is stored latents, not a preset (a preset starts at one of them: "
                         "scene.latent"),
    "page": (written(b"<html>sign in</html>"), "a web page, not a preset"),
    "archive": (written(b"\x1f\x8b\x08" + bytes(30)), "it is a gzip archive"),
    "zeros": (written(bytes(4096)), "nothing but zeros"),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["check", "render"])
@pytest.mark.parametrize("kind", CHECKED)
def test_what_is_no_preset(kind: str, verb: str, tmp_path: Path) -> None:
    make, said = CHECKED[kind]
    make(tmp_path / "given")
    done = latty(verb, "given", home=tmp_path)
    assert done.returncode == 65 and done.stderr.count("\n") == 1, done.stderr
    assert said in done.stderr and "UTF-8" not in done.stderr


@pytest.mark.parametrize(("data", "said"), [
    (bytes(5000), "nothing but zeros"),
    (bytes(range(128, 256)), "of no kind that latty knows"),
    (b"\xff\xd8\xff\xe0" + bytes(40), "a JPEG picture"),
], ids=["zeros", "bytes", "jpeg"])  # fmt: skip
def test_inspect_takes_nothing_for_text_that_is_none(
    data: bytes, said: str, tmp_path: Path
) -> None:
    (tmp_path / "given").write_bytes(data)
    done = latty("inspect", "given", home=tmp_path)
    assert done.returncode == 65 and said in done.stderr, (done.stdout, done.stderr)
    assert "text" not in done.stdout + done.stderr


def test_what_is_text_is_still_shown_as_text(tmp_path: Path) -> None:
    (tmp_path / "given").write_text(" ".join(["0.5"] * 512) + "\n")
    done = latty("inspect", "given", home=tmp_path)
    assert done.returncode == 0 and "text" in done.stdout, done.stderr


MADE: dict[str, Callable[[Path], object]] = {
    "named pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "socket": bound,
}
READ = {
    "sample": ("sample", "{}"),
    "render": ("render", "{}"),
    "check": ("check", "{}"),
    "model of a preset": ("render", "hello", "--set", "scene.model={}"),
    "discover": ("discover", "sefa", "{}"),
    "rank": ("rank", "{}"),
    "traverse": ("traverse", "{}"),
    "edit": ("edit", "{}", "--attribute", "smile", "--to", "1"),
    "classes": ("classes", "{}"),
    "import": ("import", "{}"),
    "spec": ("import", "net.pt", "--spec", "{}"),
    "inspect": ("inspect", "{}"),
    "spec drafted": ("inspect", "{}", "--spec"),
    "export": ("export", "{}", "--as", "npy", "-o", "out.npy"),
}


@pytest.mark.parametrize("kind", MADE)
@pytest.mark.parametrize("verb", READ)
def test_what_is_no_file(
    verb: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    MADE[kind](Path("thing"))
    (tmp_path / "net.pt").write_bytes(saved())
    done = latty(*(word.format("thing") for word in READ[verb]), home=tmp_path)
    assert done.returncode == 65 and done.stderr.count("\n") == 1, done.stderr
    pipe = kind == "named pipe" and verb in ("render", "check")  # they read pipes with a writer
    assert f"is a {kind}, {'and nobody writes into it' if pipe else 'no file'}" in done.stderr


@pytest.mark.parametrize("name", ["net.onnx", "model.pt", "model.safetensors", "g.pkl", "g.npz"])
def test_a_folder_of_a_damaged_model_says_what_the_model_says(name: str, tmp_path: Path) -> None:
    begin = {"onnx": b"\x08\x08\x12\x07pytorch:\xff\xff\x03\n", "pt": saved()[:600],
             "safetensors": b"\xff\0\0\0\0\0\0\0{}", "pkl": b"\x80\x02}(X",
             "npz": b"PK\x03\x04" + bytes(20)}  # fmt: skip
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).write_bytes(begin[name.partition(".")[2]])
    alone = latty("inspect", f"folder/{name}", home=tmp_path)
    assert alone.returncode == 65, alone.stdout
    reason = alone.stderr.partition(f"{name}: ")[2].partition(" (")[0]
    done = latty("import", "folder", home=tmp_path)
    assert done.returncode == 65 and reason and reason in done.stderr, (reason, done.stderr)


@pytest.mark.parametrize(
    "words",
    ["inspect", "check", "render", "import", "sample", "classes", "jobs show", "fetch",
     "train-scorer -o x", "rank --scorers smile", "edit --attribute smile --to 1"],
)  # fmt: skip
def test_a_name_of_two_lines_is_told_in_one(words: str, tmp_path: Path) -> None:
    verb, *rest = words.split()
    done = latty(verb, *rest, "a\nb", home=tmp_path)
    assert done.returncode in (2, 65, 66)
    assert r"a\nb" in done.stderr and done.stderr.count("\n") == 1
