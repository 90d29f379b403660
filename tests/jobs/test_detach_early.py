"""`--detach`: what is certain to stop the job is told at once, and no job is made."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import job_processes
import pytest
from cli_in_process import latty
from cli_process import environment, write_preset
from places import LIMIT

from latty import locks
from latty.cli.main import VERBS
from latty.directions import discovery
from latty.directions.file import read, read_header, write
from latty.directions.store import SETS
from latty.errors import WouldOverwrite
from latty.jobs import run
from latty.render.work import Work

Words = tuple[str, ...]
WORDS: dict[str, Words] = {  # what writes "out", or what begins so
    "render": ("tiny.toml", "-o", "out.gif"),
    "rank": ("portraits-random", "-o", "out"),
    "traverse": ("portraits-random", "-o", "out"),
    "discover": ("sefa", "demo", "-o", "out.safetensors"),
    "edit": ("portraits", "--attribute", "smile", "--to", "1", "-o", "out.gif"),
    "train-scorer": (".", "-o", "out"),
}


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    write_preset(tmp_path)
    yield from job_processes.place(monkeypatch)


def output(verb: str, folder: Path) -> Path:
    """What the words above write, or what their lock is for."""
    ending = {"render": ".gif", "edit": ".gif", "discover": ".safetensors"}.get(verb, "")
    kept = folder / "home/data/scorers/out.toml"
    return kept if verb == "train-scorer" else folder / f"out{ending}"


def refused(verb: str, words: Words, code: int, folder: Path) -> str:
    """What a verb says that ends with this code, and makes no job."""
    done = latty(verb, *words, "--detach", home=folder)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not run.ids()
    return done.stderr


def test_each_verb_that_detaches_is_here() -> None:
    detaches = {name for name in VERBS.names() if VERBS.constant(name, "DETACHES", False)}
    assert detaches - {"fetch"} == set(WORDS), "the browser fetches; nobody types --detach"


@pytest.mark.parametrize("verb", WORDS)
def test_an_output_that_is_there(verb: str, tmp_path: Path) -> None:
    path = output(verb, tmp_path)
    if verb == "rank":
        path /= "README.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    if verb == "train-scorer":
        path.with_name("out.safetensors").write_text("its weights")
    assert "--overwrite" in refused(verb, WORDS[verb], 73, tmp_path)
    assert path.read_text() == "mine"


@contextmanager
def in_its_folder(path: Path) -> Iterator[None]:
    with Work(path):
        yield


HELD: dict[str, Callable[[Path], AbstractContextManager[None]]] = {
    "render": in_its_folder,
    "edit": in_its_folder,
    "traverse": in_its_folder,
}


@pytest.mark.parametrize("verb", WORDS)
def test_an_output_that_another_process_writes(verb: str, tmp_path: Path) -> None:
    path = output(verb, tmp_path)
    with HELD.get(verb, locks.writing)(path):
        said = refused(verb, WORDS[verb], 75, tmp_path)
    assert f"writing {path.name} (process {os.getpid()}" in said


@pytest.mark.parametrize("verb", WORDS)
def test_a_name_that_is_another_s(verb: str, tmp_path: Path) -> None:
    """The work folder, or the lock, is not latty's."""
    path = output(verb, tmp_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if verb in HELD:
        (path.with_name(f"{path.name}.latty-work")).mkdir()
        (path.with_name(f"{path.name}.latty-work") / "mine").write_text("mine")
    else:
        path.with_name(f".{path.name}.lock").symlink_to(tmp_path / "tiny.toml")
    assert "is in the way" in refused(verb, WORDS[verb], 73, tmp_path)
    assert tomllib.loads((tmp_path / "tiny.toml").read_text())


@pytest.mark.parametrize("words", [
    ("render", "tiny.toml", "--set", "scene.model=nosuch"),
    ("rank", "portraits-random", "--model", "nosuch"),
    ("traverse", "portraits-random", "--model", "nosuch"),
    ("discover", "sefa", "nosuch"),
    ("edit", "nosuch", "--attribute", "smile", "--to", "1"),
], ids=lambda words: words[0])  # fmt: skip
def test_a_model_that_is_not_there(words: Words, tmp_path: Path) -> None:
    assert "nosuch" in refused(words[0], words[1:], 66, tmp_path)


def test_of_several_presets_none_is_handed_in_where_one_cannot_be_written(tmp_path: Path) -> None:
    write_preset(tmp_path, name="one")
    (tmp_path / "renders").mkdir()
    (tmp_path / "renders/tiny.gif").write_text("mine")
    done = latty("render", "one.toml", "tiny.toml", "--detach", home=tmp_path)
    assert (done.returncode, done.stdout) == (73, "") and not run.ids()
    assert "tiny.gif is there already" in done.stderr and "no job was handed in" in done.stderr


def test_a_search_that_broke_off_may_go_on_as_a_job(tmp_path: Path) -> None:
    shipped = SETS.find("portraits-random")
    kept = tmp_path / "kept.safetensors"
    for complete in (False, True):
        header, arrays = read_header(shipped), read(shipped)[1]
        write(kept, replace(header, complete=complete), arrays)
        words = str(kept), header.method
        if complete:
            with pytest.raises(WouldOverwrite):
                discovery.refuse_early(*words, overwrite=False)
        else:
            discovery.refuse_early(*words, overwrite=False)
        discovery.refuse_early(*words, overwrite=True)


HANDED_IN = """\
import sys
from latty.jobs import control
control.submit = lambda words, **more: "a job"
from latty.cli.main import main
code = main(sys.argv[1:])
print(code, sorted({"torch", "numpy", "textual", "PIL", "av"} & {*sys.modules}))
"""


@pytest.mark.parametrize("verb", WORDS)
def test_a_job_is_handed_in_before_anything_slow_is_imported(verb: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HANDED_IN, verb, *WORDS[verb], "--detach"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), check=False,
                          capture_output=True, text=True, timeout=LIMIT)  # fmt: skip
    assert done.stdout == "a job\n0 []\n", done.stderr
