"""docs/moving.md: each command and each preset of the page does what it says, at tiny sizes."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from places import ROOT

PAGE = (ROOT / "docs" / "moving.md").read_text(encoding="utf-8")
PARTS = {part.split("\n", 1)[0].strip(): part for part in PAGE.split("\n## ")[1:]}
BLOCK = re.compile(r"^```(sh|toml)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What makes them quick; the page says what a user asks for.
MADE = {".png", ".gif", ".mp4", ".csv", ".npz"}
TINY = {
    "--samples": "1100",
    "--components": "15",
    "--trajectories": "3",
    "--iterations": "12",
    "--chart-every": "6",
    "--paths": "2",
    "--dipoles": "2",
    "--steps": "5",
}
SEEDS = {"0-1999": "0-199", "0-9": "0-1", "0-3": "0-0"}
OPTIONS = {  # of single commands
    "latty discover plumerault": ("--amounts", "2", "--probes", "4"),
    "latty discover tlgan": ("--probes", "1", "--layers", "all"),
    "latty render": ("--set", "frames=3"),
    "latty rank moves": ("--seeds", "0-1", "--baseline", "2"),
    "latty traverse": ("--baseline", "2"),
}


def test_every_part_has_commands_and_every_preset_a_name() -> None:
    assert len(PARTS) == 8
    for part in PARTS.values():
        blocks = BLOCK.findall(part)
        assert any(kind == "sh" for kind, _ in blocks)
        presets = [text.split("\n", 1)[0] for kind, text in blocks if kind == "toml"]
        assert all(re.fullmatch(r"# [\w-]+\.toml", name) for name in presets)


def quick(line: str) -> list[str]:
    """The words of a command of the page, with less to do."""
    words = shlex.split(line, comments=True)[1:]
    for i, word in enumerate(words[:-1]):
        if word in TINY:
            words[i + 1] = TINY[word]
        elif word == "--seeds":
            words[i + 1] = SEEDS[words[i + 1]]
    more = (extra for start, extra in OPTIONS.items() if line.startswith(start))
    return [*words, *next(more, ())]


def scores(home: Path) -> None:
    """What somebody's own classifier said of a pool."""
    random = np.random.RandomState(0)
    lines = (f"{row},{value:.3f}" for row, value in enumerate(random.rand(200)))
    (home / "scores.csv").write_text("\n".join(["row,smile", *lines]))


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_the_commands_of_the_page_do_what_they_say(part: str, tmp_path: Path) -> None:
    blocks = BLOCK.findall(PARTS[part])
    outputs = set[str]()
    for text in (text for kind, text in blocks if kind == "toml"):
        (tmp_path / text.split("\n", 1)[0].removeprefix("# ")).write_text(text)
    scores(tmp_path)
    for line in "".join(text for kind, text in blocks if kind == "sh").splitlines():
        done = latty(*quick(line), home=tmp_path)
        assert done.returncode == 0 and done.stdout, (line, done.stderr)
        outputs |= {out for out in done.stdout.splitlines() if Path(out).suffix in MADE}
    for out in outputs:
        assert (tmp_path / out).is_file(), out
