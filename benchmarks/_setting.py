"""What a table of figures was measured on: machine, commit, date, and whose code was there."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

HOME = Path(__file__).parent.parent
FAST = ("amx_tile", "amx_bf16", "avx512_bf16", "avx512f", "avx2")  # what sets the rate of networks
PACKAGES = ("torch", "numpy", "scikit-learn", "imageio", "imageio-ffmpeg", "textual-image",
            "pytorch-pretrained-biggan")  # fmt: skip
PROGRAMS = {"gifski": "--version", "ffmpeg": "-version"}


def setting() -> list[str]:
    """Lines that stand above the figures."""
    there, missing = peers()
    lines = [f"Machine: {machine()}", f"Commit: {commit()}; begun {moment()}", *there]
    if missing:
        lines.append(f"Not installed, so without rows: {', '.join(missing)} (make peers)")
    return lines


def moment() -> str:
    """Date, and how busy the machine is beside what is measured."""
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load {os.getloadavg()[0]:.1f}"


def machine() -> str:
    """Processor, what it computes with, memory."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8").splitlines() if told.exists() else []
    said = dict(line.split(":", 1) for line in lines if ":" in line)
    known = {key.strip(): value.strip() for key, value in said.items()}
    flags = known.get("flags", "").split()
    units = ", ".join(flag for flag in FAST if flag in flags) or platform.machine()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    name = known.get("model name", platform.processor())
    return f"{name}, {os.cpu_count()} cores ({units}), {memory:.0f} GiB, {platform.system()}"


def commit() -> str:
    """The commit that is checked out, and whether files differ from it."""
    return _printed("git", "-C", str(HOME), "describe", "--always", "--dirty", "--abbrev=7")


def peers() -> tuple[list[str], list[str]]:
    """The versions that are there, as a line, and the names of those that are not."""
    found, missing = [f"Python {platform.python_version()}"], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    for name, option in PROGRAMS.items():
        if shutil.which(name):
            words = _printed(name, option).split()
            found.append(f"{name} {words[2] if words[1] == 'version' else words[1]}")
        else:
            missing.append(name)
    return [f"With: {', '.join(found)}"], missing


def _printed(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["unknown"])[0]
