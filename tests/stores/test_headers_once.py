"""A process reads the header of a file once, and no header of a file that nobody asked for."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from cli_process import environment

from latty import home

# Runs a command line and tells, as its last line, how often each file of tensors was opened.
SCRIPT = """
import json, sys
from collections import Counter
opened = Counter()
def hear(event, words):
    if event == "open" and str(words[0]).endswith(".safetensors"):
        opened[str(words[0])] += 1
sys.addaudithook(hear)
from latty.cli.main import main
code = main(sys.argv[1:])
print(json.dumps(opened))
sys.exit(code)
"""
PRESET = """\
schema = 1
name = "x"
[scene]
model = "demo"
locks = ["demo/{names[3]}"]
[[scene.edits]]
direction = "demo/{names[0]}"
strength = 1
[[scene.edits]]
direction = "demo/{names[1]}"
strength = 2
conditions = ["demo/{names[2]}"]
[[outputs]]
path = "x.png"
size = 16
"""


def opened(folder: Path, *words: object) -> Counter[str]:
    """Name of a file, with its folder, -> how often Python opened it."""
    script = [sys.executable, "-c", SCRIPT, *map(str, words)]
    done = subprocess.run(script, env=environment(folder), cwd=folder, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return Counter({"/".join(Path(name).parts[-2:]): count for name, count in found.items()})


def test_the_first_render_reads_one_header_once(tmp_path: Path) -> None:
    """The other times the file is opened for its digest, which the recipe holds, and its arrays."""
    seen = opened(tmp_path, "render", "hello", "--set", "frames=2")
    assert seen == {"directions/portraits.safetensors": 3}


@pytest.mark.slow
def test_neighbours_and_repeated_names_cost_no_header(tmp_path: Path) -> None:
    from latty.directions.store import direction_names

    names = [name for name in direction_names("demo") if "/" not in name][:4]
    preset = tmp_path / "x.toml"
    preset.write_text(PRESET.format(names=names))
    data = Path(environment(tmp_path)["LATTY_HOME"]) / "data"
    for kind in ("models", "directions"):
        (data / kind).mkdir(parents=True)
        shutil.copy(
            home.shipped_dir() / kind / "demo.safetensors", data / kind / "other.safetensors"
        )
    assert opened(tmp_path, "render", preset) == {
        "models/demo.safetensors": 3,  # the header, all of it, and its digest
        "directions/demo.safetensors": 3,
    }
    assert opened(tmp_path, "check", preset) == {
        "models/demo.safetensors": 1,
        "directions/demo.safetensors": 1,
    }


def test_a_file_written_a_moment_ago_is_read_again(tmp_path: Path) -> None:
    """Two changes within one tick of the file system's clock leave no trace in time and size."""
    from latty.checkpoints.safetensors import read_header

    path = tmp_path / "x.safetensors"
    for word in "abc":
        header = json.dumps({"__metadata__": {"kind": word}}).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header)
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_ctime_ns // 10**9 * 10**9))
        assert read_header(path).meta["kind"] == word
