"""Under limits of a shell (ulimit -v, ulimit -n): done, or one typed line; nothing is lost."""

import subprocess
from pathlib import Path

import hostile_networks as hostile
import pytest
from cli_process import COMMAND, environment, write_preset
from places import LIMIT

from latty import wire

MEMORY = [150_000, 700_000, 1_200_000]  # KiB
FILES = [16, 8]
VERBS = {
    "render": ["render", "tiny.toml", "--out-dir", ".", "--force"],
    "discover": ["discover", "random", "demo", "--samples", "10", "-o", "found", "--force"],
    "import": ["import", "net.toml", "--force"],
    "rank": ["rank", "demo", "--directions", "smile", "--scorers", "colour", "--seeds", "0",
             "--steps", "3", "--baseline", "0", "-o", "ranked", "--force"],
    "inspect": ["inspect", "net.onnx"],
    "list": ["list", "models"],
    "studio": [],
}  # fmt: skip
KEPT = ["tiny.gif", "home/data/directions/found.safetensors", "home/data/scorers/net.toml"]


def limited(folder: Path, limit: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    """A run under a limit, in a shell as people set it; the studio has no terminal."""
    return subprocess.run(
        ["sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *COMMAND, *words], cwd=folder,
        env=environment(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=LIMIT, check=False)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
def test_a_limit_is_a_line_and_costs_nothing(verb: str, tmp_path: Path) -> None:
    write_preset(tmp_path)
    (tmp_path / "net.onnx").write_bytes(hostile.GOOD)
    (tmp_path / "net.toml").write_text(hostile.CARD.format(name="net"))
    words = VERBS[verb]
    before = limited(tmp_path, "-c 0", words)
    whole = {name: (tmp_path / name).read_bytes() for name in KEPT if (tmp_path / name).exists()}
    refused = 0
    for limit in [*(f"-v {n}" for n in MEMORY), *(f"-n {n}" for n in FILES)]:
        run = limited(tmp_path, limit, words)
        assert run.returncode in (before.returncode, 69, 74), (limit, run.stderr)
        assert "Traceback" not in run.stderr and "our fault" not in run.stderr, (limit, run.stderr)
        if run.returncode != before.returncode:
            refused += 1
            assert run.stderr.splitlines()[-1].startswith("latty: "), (limit, run.stderr)
        for name, data in whole.items():
            assert (tmp_path / name).read_bytes() == data, (limit, name)
    assert refused or verb in ("inspect", "list", "studio")
    assert limited(tmp_path, "-c 0", words).returncode == before.returncode, "it goes on"
    left = [str(one) for one in tmp_path.rglob("*") if "latty-work" in one.name]
    assert not left


def test_room_for_a_file_is_made_as_it_comes(tmp_path: Path) -> None:
    """Not for as much as its reader would take: 2 GiB for a network, with less at hand."""
    read = "len(reading.content(Path('f'), 2**31))"
    code = f"from pathlib import Path; from latty import reading; print({read})"
    (tmp_path / "f").write_bytes(bytes(1000))
    run = subprocess.run(["sh", "-c", 'ulimit -v 500000; exec "$@"', "sh", COMMAND[0], "-c", code],
                         cwd=tmp_path, capture_output=True, text=True, check=False)  # fmt: skip
    assert run.stdout == "1000\n", run.stderr


@pytest.mark.parametrize("limit", [250_000, 600_000])  # KiB
def test_the_engine_says_that_memory_is_short(limit: int, tmp_path: Path) -> None:
    words = [COMMAND[0], "-P", "-m", "latty.jobs.engine", "cpu"]
    with subprocess.Popen(["sh", "-c", f'ulimit -v {limit}; exec "$@"', "sh", *words],
                          env=environment(tmp_path), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as engine:  # fmt: skip
        assert engine.stdout is not None
        hello, ready = wire.read(engine.stdout), wire.read(engine.stdout)
        assert hello is not None and ready is not None
        assert ready.header["op"] == "ready" and not ready.header["ok"]
        assert "out of memory" in str(ready.header)
        engine.communicate()
    assert engine.returncode == 0
