"""What a name leads to is no file: every verb says so in one line and waits for nothing."""

import os
import socket
import subprocess
from pathlib import Path

import pytest
from cli_process import COMMAND, environment

SECONDS = 60  # far more than a refusal takes on a busy machine; what waits for a writer waits on
SPARSE = 100 * 2**30
SUFFIXES = (".safetensors", ".pt", ".npy", ".pkl", ".toml", ".json", ".csv")
VERBS = {
    "inspect": ["inspect", "{}"],
    "spec drafted": ["inspect", "{}", "--spec"],
    "import": ["import", "{}"],
    "import of two": ["import", "{}", "{}"],
    "spec": ["import", "net.safetensors", "--spec", "{}"],
    "sample": ["sample", "{}", "--seeds", "0", "-o", "out.png"],
    "discover": ["discover", "random", "{}", "-o", "found"],
    "rank": ["rank", "{}", "--scorers", "brightness"],
    "traverse": ["traverse", "{}"],
    "traverse from latents": ["traverse", "portraits-random", "--latents", "{}"],
    "compare": ["compare", "{}"],
    "export": ["export", "{}", "--as", "npy", "-o", "out"],
    "classes": ["classes", "{}"],
    "scorer": ["train-scorer", "{}", "-o", "mine"],
}


def made(kind: str, place: Path, suffix: str) -> Path:
    """Something of that kind under a name of that suffix."""
    path = place / f"thing{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.write(b"\x80\x02")  # as pickles begin
            file.truncate(SPARSE)
    return path


KINDS = ("pipe", "socket", "device", "dangling", "loop", "folder", "sparse")
READERS = ("inspect", "import", "spec")  # of them every kind; of every verb those that cost most
WORST = ("pipe", "sparse")
PAIRS = [(v, k) for v in VERBS for k in KINDS if v in READERS or k in WORST]


def said(kind: str, verb: str, place: Path, suffix: str) -> str:
    """What a verb says; fails where it waits, dies, succeeds or says more than it should."""
    (place / "net.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}")
    path = made(kind, place, suffix)
    words = [word.format(path) for word in VERBS[verb]]
    done = subprocess.run([*COMMAND, *words], cwd=place, env=environment(place), text=True,
                          capture_output=True, timeout=SECONDS)  # fmt: skip
    assert done.returncode in (65, 66, 73, 74), (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and "our fault" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("verb", READERS)
def test_a_pipe_is_not_waited_for(verb: str, tmp_path: Path) -> None:
    assert len(said("pipe", verb, tmp_path, ".safetensors").splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "kind"), PAIRS)
def test_what_is_no_file_is_one_line(verb: str, kind: str, tmp_path: Path) -> None:
    assert len(said(kind, verb, tmp_path, ".pt").splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kind", WORST)
def test_whatever_its_name_says(kind: str, suffix: str, tmp_path: Path) -> None:
    assert len(said(kind, "inspect", tmp_path, suffix).splitlines()) == 1
