"""What the pages say is true: the preset reads, the verbs exist, the links lead somewhere."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from places import ROOT
from sound_files import sine, wav

from latty import home, presets
from latty.cli.parser import VERBS, parse, parse_studio, program
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet
from latty.directions.file import write as write_set
from latty.models.store import MODELS

PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "core/latty/shipped/CARD.md"]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_the_preset_of_the_readme_reads_and_says_what_it_should() -> None:
    (text,) = blocks(ROOT / "README.md", "toml")
    preset = presets.from_dict(tomllib.loads(text), "README.md")
    assert preset.frames == 48 and preset.outputs[0].loop == "bounce"
    assert str(preset.scene.edits[0].layers) == "2"


PRESETS = [
    pytest.param(page, text, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "toml"))
    if text.startswith("schema = 1")
]


@pytest.fixture
def example_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the presets of the pages name, as if the commands beside them had been run."""
    monkeypatch.chdir(tmp_path)
    info = Info("x", 1.0, unit="image widths")
    header = DirectionSet("plumerault", "w", (info,), "portraits")
    write_set(home.directions_dir() / "shifts.safetensors", header, {ARRAY: torch.ones(1, 32)})
    wav(tmp_path / "song.wav", sine(110, 4.0))
    np.savez(tmp_path / "projected_w.npz", w=np.zeros((1, 10, 128), np.float32))


@pytest.mark.usefixtures("example_files")
@pytest.mark.parametrize(("page", "text"), PRESETS)
def test_presets_of_the_pages_check_without_a_warning(
    page: Path, text: str, tmp_path: Path
) -> None:
    (tmp_path / "x.toml").write_text(text, encoding="utf-8")
    assert presets.check(tmp_path / "x.toml") == [], page.name


def test_every_command_of_the_readme_parses() -> None:
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    commands = [re.split("[#|]", line)[0].split()[1:] for line in lines if line.startswith("latty")]
    assert len(commands) > 8
    for words in commands:
        if words and words[0] in VERBS:
            parse(words)
        else:
            assert parse_studio(words).ref in (None, "mine", *MODELS.names())


@pytest.mark.parametrize("page", PAGES, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    near = [link for link in links if "://" not in link]
    assert all((page.parent / link).exists() for link in near), near


@pytest.mark.parametrize("page", PAGES, ids=lambda p: f"{p.parent.name}-{p.name}")
def test_files_that_a_page_names_are_there(page: Path) -> None:
    """`models/base.py`, `latty/jobs/engine/`: from the root, a source root or a package on."""
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"`((?:[a-z_]+/)+(?:[a-z_0-9]+\.py)?)`", text)
    ours = [
        name for name in named if "mine" not in name and not name.startswith(("renders/", "runs/"))
    ]
    places = [ROOT, *(ROOT / part for part in ("core", "tui", "core/latty", "tui/latty_tui"))]
    missing = [name for name in ours if not any((place / name).exists() for place in places)]
    assert not missing


def test_every_verb_is_in_the_help() -> None:
    text = program(summaries=True).format_help()
    assert {*re.findall(r"^  ([\w-]+) ", text, re.MULTILINE)} >= {*VERBS.names()}
