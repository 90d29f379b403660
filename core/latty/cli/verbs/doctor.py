"""Show what this machine has: torch, devices, encoders, terminal."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from latty import config, home, plugins
from latty.cli import leftovers
from latty.cli.detach import logout_kills
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError
from latty.render.ffmpeg.probe import tried
from latty.version import __version__, version_of

ORDER = 140

Fact = tuple[str, str]


def options(parser: Parser) -> None:
    """What it takes."""
    parser.add_json()


def run(run: Run) -> int:
    """A table for people, `{"section", "name", "value"}` per fact for programs."""
    failed = 0
    sections: dict[str, Callable[[], Iterator[Fact]]] = {
        "program": _program,
        "torch": _torch,
        "devices": _devices,
        "precision": _precision,
        "encoders": tried,
        "terminal": lambda: _terminal(run),
        "packages": _packages,
        "directories": _directories,
        "settings": lambda: _settings(run),
        "lies about": lambda: _lies_about(run),
    }
    for section, facts in sections.items():
        try:
            found = [*facts()]
        except LattyError as error:  # settings that cannot be used: said here, and in the code
            found, failed = [("problem", str(error))], error.exit_code
        except ImportError as error:
            found, failed = [("problem", f"cannot be imported: {error}")], 1
        _print(section, found, run)
    return failed


def _print(section: str, facts: list[Fact], run: Run) -> None:
    if run.out.json:
        for name, value in facts:
            run.out.result("", section=section, name=name, value=value)
        return
    cells = [[section if i == 0 else "", *fact] for i, fact in enumerate(facts)]
    run.out.rows(cells, least=(11, 20))


def _program() -> Iterator[Fact]:
    yield "latty", __version__
    yield "python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    for package in ("numpy", "pillow", "av", "safetensors"):
        yield package, version_of(package)


def _torch() -> Iterator[Fact]:
    import torch

    yield "version", str(torch.__version__)
    yield "threads", str(torch.get_num_threads())
    yield "cpu", torch.backends.cpu.get_cpu_capability()
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").split())
    except OSError:
        return  # not Linux
    for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16"):
        yield flag, "yes" if flag in flags else "no"


def _devices() -> Iterator[Fact]:
    import torch

    yield "cpu", platform.processor() or platform.machine()
    for i in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(i)
        yield f"cuda:{i}", f"{device.name}, {device.total_memory / 2**30:.0f} GiB"
    if not torch.cuda.device_count():
        yield "cuda", "none that torch sees"
    yield "mps", "yes" if torch.backends.mps.is_available() else "no"


def _precision() -> Iterator[Fact]:
    """How many times as quick as in fp32 a convolution is, of what each device computes in."""
    import torch

    from latty.models.precision import gain, native

    names = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    for name in ("cpu", *names, *(["mps"] if torch.backends.mps.is_available() else [])):
        device = torch.device(name)
        known = native(device)
        yield name, f"{', '.join(known)}{'' if len(known) > 1 else ': no other is native'}"
        for one in known[1:]:
            yield f"{name} {one}", f"{gain(device, one):.1f} x fp32 in a convolution"


def _terminal(run: Run) -> Iterator[Fact]:
    for variable in ("TERM", "COLORTERM", "NO_COLOR"):
        yield variable, os.environ.get(variable, "-")
    yield "tmux", "yes" if os.environ.get("TMUX") else "no"
    yield "ssh", "yes" if os.environ.get("SSH_CONNECTION") else "no"
    names = {"stdin": sys.stdin, "stdout": sys.stdout, "stderr": sys.stderr}
    ttys = [name for name, stream in names.items() if stream is not None and stream.isatty()]
    yield "terminal on", ", ".join(ttys) or "none of the streams"
    size = shutil.get_terminal_size()
    yield "cells", f"{size.columns} x {size.lines}"
    yield "encoding", getattr(sys.stdout, "encoding", "-")
    if run.screen is not None:
        try:
            yield from run.screen.facts(run.config()).items()
        except LattyError:
            return  # the settings section says what is wrong with them


def _packages() -> Iterator[Fact]:
    """What is wrong with entries of other packages, found by loading every one of them."""
    for registry in plugins.every_registry():
        registry.check_outside()
    for number, fault in enumerate(plugins.faults.values(), 1):
        yield f"problem {number}", fault


def _directories() -> Iterator[Fact]:
    places = {
        "config": home.config_dir(),
        "data": home.data_dir(),
        "cache": home.cache_dir(),
        "state": home.state_dir(),
        "jobs": home.runs_dir(),
        "presets": home.presets_dir(),
    }
    for name, path in places.items():
        yield name, f"{path}{'' if path.is_dir() else ' (not there yet)'}"
    yield "jobs at logout", logout_kills() or "they go on"


def _lies_about(run: Run) -> Iterator[Fact]:
    """What `latty clean` would show, in bytes of each kind."""
    unseen: list[str] = []
    try:
        found = leftovers.sums(run.config().out_dir, unseen.append)
    except LattyError:
        return  # the settings section says what is wrong with them
    for kind, size in found.items():
        yield kind, f"{size}; latty clean removes them"
    for line in dict.fromkeys(unseen):
        yield "not seen", line
    if not found:
        yield "nothing", "latty clean looks elsewhere, too"


def _settings(run: Run) -> Iterator[Fact]:
    found = run.config()
    for name, origin in found.origins:
        yield name, f"{getattr(found, name)}  from {origin}"
    for line in found.passed_over:
        yield "not obeyed", line
    yield "config file", str(home.config_dir() / "config.toml")
    yield "keys", ", ".join(config.KEYS)
    yield "image ways", ", ".join(config.ways())
