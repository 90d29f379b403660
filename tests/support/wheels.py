"""Wheels and virtual environments: latty as `pip install` puts it somewhere else."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from places import LIMIT, ROOT

DROPPED = ("CI", "NO_COLOR", "TMUX", "COLORTERM", "PYTHONPATH", "VIRTUAL_ENV")


def latty_wheel(folder: Path) -> Path:
    """latty's own, built in `folder`; without an isolated environment where hatchling is here."""
    isolated = importlib.util.find_spec("hatchling") is None
    flags = [] if isolated else ["--no-build-isolation"]
    words = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        *flags,
        "-w",
        str(folder),
    ]
    subprocess.run([*words, str(ROOT)], check=True, timeout=LIMIT)
    return next(folder.glob("latty-*.whl"))


def make_wheel(
    folder: Path, name: str, files: Mapping[str, str], entry_points: str = "", version: str = "1"
) -> Path:
    """A distribution of `files` (path -> text), such as somebody else would publish."""
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    metadata = {
        "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": entry_points,
    }
    members = {**files, **{f"{info}/{member}": text for member, text in metadata.items()}}
    record = "".join(f"{member},,\n" for member in [*members, f"{info}/RECORD"])
    with ZipFile(path, "w") as wheel:
        for member, text in {**members, f"{info}/RECORD": record}.items():
            wheel.writestr(member, text)
    return path


@dataclass(frozen=True)
class Place:
    """A virtual environment outside the tree. Its dependencies are those that the tests run with,
    found through a .pth file; latty is not among them unless it is installed."""

    folder: Path
    user: str | None = None  # who runs it; None = who runs the tests

    @property
    def python(self) -> str:
        return str(self.folder / "venv/bin/python")

    @property
    def site(self) -> Path:
        """Its site-packages."""
        return next((self.folder / "venv/lib").iterdir()) / "site-packages"

    @property
    def latty(self) -> str:
        """The console script."""
        return str(self.folder / "venv/bin/latty")

    def environment(self, **more: str) -> dict[str, str]:
        """Variables of a process there: a home of its own, nothing of this run's."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("LATTY_", "PYTEST_")) and key not in DROPPED
        }
        ours = {"LATTY_HOME": str(self.folder / "home"), "HOME": str(self.folder), "TERM": "xterm"}
        return {**kept, **ours, "OMP_NUM_THREADS": "1", **more}

    def run(
        self, *words: str, cwd: Path | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """`words` as a command, the first a program of the environment; `more` are variables."""
        return subprocess.run(
            [str(self.folder / "venv/bin" / words[0]), *words[1:]],
            cwd=cwd or self.folder,
            env=self.environment(**more),
            user=self.user,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def pip(self, *words: str) -> None:
        """pip of the tests, on this environment; nothing is downloaded."""
        command = [sys.executable, "-m", "pip", "--python", self.python, "--quiet", *words]
        subprocess.run(command, check=True, timeout=LIMIT)

    def install(self, wheel: Path) -> None:
        """A wheel, without what it depends on."""
        self.pip("install", "--no-deps", "--no-index", str(wheel))


def new_place(folder: Path, python: str = sys.executable, user: str | None = None) -> Place:
    """A new virtual environment in `folder`."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    place = Place(folder, user)
    others = [part for part in sys.path if part.endswith("site-packages")]
    (place.site / "of_the_tests.pth").write_text("".join(f"{part}\n" for part in others))
    return place
