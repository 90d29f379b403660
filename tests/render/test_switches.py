"""--overwrite, --foreign, --ignore-space, and --force, which is all three and says so."""

import json
from collections import namedtuple
from pathlib import Path

import pytest
import torch
from cli_in_process import latty

from latty.directions.file import ARRAY, DirectionSet, Info, write

FOREIGN = """schema = 1
[scene]
model = "portraits"
[[scene.edits]]
direction = "other.safetensors#x"
[[scene.edits]]
direction = "other.safetensors#x"
[[outputs]]
path = "p.png"
size = 32
"""
STILL = 'schema = 1\n[scene]\nmodel = "demo"\n[[outputs]]\npath = "x.png"\nsize = 32\n'


def test_a_file_in_the_way_needs_overwrite_alone(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(STILL)
    words = ["render", "x.toml", "--out-dir", "out"]
    assert latty(*words, home=tmp_path).returncode == 0
    refused = latty(*words, home=tmp_path)
    assert refused.returncode == 73 and "--overwrite replaces it" in refused.stderr
    for switch in ("--foreign", "--ignore-space"):
        assert latty(*words, switch, home=tmp_path).returncode == 73
    done = latty(*words, "--overwrite", home=tmp_path)
    assert done.returncode == 0 and "replaced" not in done.stderr
    forced = latty(*words, "--force", home=tmp_path)
    assert forced.returncode == 0
    assert "x.png is replaced (--force; --overwrite does no more than this)" in forced.stderr


@pytest.mark.parametrize("switch", ["--foreign", "--force"])
def test_directions_of_another_model_need_foreign_and_are_told_once(
    switch: str, tmp_path: Path
) -> None:
    header = DirectionSet("tlgan", "w", (Info("x", 1.0),), "other", "portraits", "0" * 64)
    write(tmp_path / "other.safetensors", header, {ARRAY: torch.ones(1, 32)})
    (tmp_path / "p.toml").write_text(FOREIGN)
    words = ["render", "p.toml", "--json"]
    for other in ("--overwrite", "--ignore-space"):
        refused = latty(*words, other, home=tmp_path)
        assert refused.returncode == 65 and "--foreign" in refused.stderr
        assert not list(tmp_path.rglob("*.png"))
    done = latty(*words, switch, home=tmp_path)
    assert done.returncode == 0
    assert done.stderr.count("other.safetensors was made for other (portraits, 000000000000)") == 1
    assert ("(--force; --foreign does no more than this)" in done.stderr) == (switch == "--force")
    assert len(json.loads(done.stdout)["warnings"]) == 1


@pytest.mark.parametrize("switch", ["--ignore-space", "--force"])
def test_a_disk_that_may_be_too_small_needs_ignore_space(
    switch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = namedtuple("full", "total used free")(10**9, 10**9, 1000)
    monkeypatch.setattr("shutil.disk_usage", lambda path: full)
    (tmp_path / "x.toml").write_text(STILL)
    words = ["render", "x.toml", "--out-dir", "out"]
    for others in ((), ("--overwrite", "--foreign")):
        refused = latty(*words, *others, home=tmp_path)
        assert refused.returncode == 74 and "--ignore-space to try all the same" in refused.stderr
    done = latty(*words, switch, home=tmp_path)
    assert done.returncode == 0
    assert "x.png may need 0 MB, 0 MB are free" in done.stderr
