"""latty as people install it: a wheel, outside the tree, beside code of other people."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from places import LIMIT, ROOT
from processes import wait
from terminal_fake import PLAIN, running
from wheels import Place, latty_wheel, make_wheel, new_place

pytestmark = pytest.mark.slow
FOREIGN = "raise SystemExit('code of the working folder was run')\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return latty_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """latty in an environment of its own."""
    made = new_place(tmp_path_factory.mktemp("place"))
    made.install(wheel)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with packages and modules named like ours and like Python's."""
    for name in ("core", "tui", "training", "benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(FOREIGN)
    for name in ("latty_x", "json", "torch"):
        (tmp_path / f"{name}.py").write_text(FOREIGN)
    return tmp_path


def test_the_wheel_holds_two_packages_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        names = opened.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"latty", "latty_tui"}
    assert len(tops) == 3
    presets = {f"latty/shipped/presets/{path.relative_to(ROOT / 'presets').as_posix()}"
               for path in (ROOT / "presets").rglob("*.toml")}  # fmt: skip
    assert presets and presets <= {*names}
    assert {"latty/py.typed", "latty_tui/py.typed", "latty_tui/app.tcss"} <= {*names}
    weights = {p.relative_to(ROOT / "core").as_posix() for p in ROOT.rglob("core/**/*.safetensors")}
    assert weights and weights <= {*names}
    assert not [name for name in names if "__pycache__" in name or "training/__main__" in name]


def test_only_two_packages_are_installed(place: Place) -> None:
    tops = {path.name for path in place.site.iterdir() if not path.name.endswith(".dist-info")}
    assert tops - {"__pycache__"} == {"latty", "latty_tui", "of_the_tests.pth"}


def test_the_editable_install_adds_two_source_roots_to_the_path() -> None:
    code = "import latty, latty_tui, sys; print(latty.__file__, latty_tui.__file__)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, cwd="/"
    )
    assert done.stdout.split() == [
        str(ROOT / "core/latty/__init__.py"),
        str(ROOT / "tui/latty_tui/__init__.py"),
    ]
    for root in ("core", "tui"):
        assert len([p for p in (ROOT / root).iterdir() if p.name != "__pycache__"]) == 1


def make_hello(place: Place, folder: Path, *words: str, **variables: str) -> None:
    """hello.gif in a new folder, by `latty render`."""
    out = folder / f"out{len(list(folder.glob('out*')))}"
    done = place.run("latty", "render", "hello", "--out-dir", str(out), "--set", "frames=2", *words,
                     cwd=folder, **variables)  # fmt: skip
    assert done.returncode == 0, done.stderr
    if "--detach" in words:
        job = done.stdout.strip()
        listed = ("latty", "jobs", "show", job)
        wait(lambda: "done" in place.run(*listed, cwd=folder, **variables).stdout)
    assert [path.suffix for path in out.iterdir()] == [".gif"]


PATHS = {
    "no path": {},
    "the folder": {"PYTHONPATH": "."},
    "an empty entry": {"PYTHONPATH": os.pathsep},
    "its full path": {"PYTHONPATH": "{folder}"},
}


@pytest.mark.parametrize("variables", PATHS.values(), ids=PATHS)
def test_it_works_where_others_have_such_names(
    place: Place, project: Path, variables: dict[str, str]
) -> None:
    variables = {key: value.format(folder=project) for key, value in variables.items()}
    for words in (["--version"], ["list", "models"], ["check", "hello"]):
        done = place.run("latty", *words, cwd=project, **variables)
        assert done.returncode == 0, done.stderr
    for words in ([], ["--workers", "2"], ["--detach"]):
        make_hello(place, project, *words, **variables)


def test_the_studio_starts_there(place: Place, project: Path) -> None:
    environ = place.environment(TERM="xterm-256color", PYTHONPATH=".")
    with running([place.latty], environ, kind=PLAIN, folder=project) as terminal:
        terminal.wait_for("▀")


def test_another_distribution_named_core_comes_and_goes(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = new_place(tmp_path_factory.mktemp("shared"))
    place.install(wheel)
    files = {"core/__init__.py": "", "core/models.py": "", "tui/__init__.py": ""}
    other = make_wheel(place.folder, "othertool", files)
    for step in (lambda: place.install(other), lambda: place.pip("uninstall", "-y", "othertool")):
        step()
        assert place.run("latty", "--version").stdout.startswith("latty ")
        assert place.run("latty", "check", "hello").returncode == 0
    assert place.run("python", "-c", "import latty, latty_tui.app").returncode == 0


@pytest.fixture
def stranger(wheel: Path) -> Iterator[Place]:
    """latty in an environment that another user runs."""
    if os.geteuid() != 0:
        pytest.skip("only root can run something as another user")
    folder = Path(tempfile.mkdtemp(prefix="latty-other-user-"))
    try:
        folder.chmod(0o777)
        python = python_for("nobody")
        place = new_place(folder, python, "nobody")
        place.install(wheel)
        if place.run("python", "-c", "import torch").returncode:
            pytest.skip("another user cannot read what is installed here")
        yield place
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def python_for(user: str) -> str:
    """An interpreter of this version that `user` may run."""
    name = f"python3.{sys.version_info.minor}"
    for path in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        try:
            if not subprocess.run([path, "-c", ""], user=user, timeout=LIMIT).returncode:
                return path
        except OSError:
            continue
    pytest.skip(f"{user} can run no {name}")


def test_another_user_runs_it(stranger: Place) -> None:
    folder = stranger.folder / "work"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    for words in ([], ["--workers", "2"], ["--detach"]):
        make_hello(stranger, folder, *words)
