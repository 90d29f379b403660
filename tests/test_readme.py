"""What the pages say is true: the preset reads, the verbs exist, the links lead somewhere."""

import re
import tomllib
from pathlib import Path

import pytest

from core import presets
from core.models._names import model_names
from core.verbs._grammar import VERBS, build

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
PAGES += [*sorted((ROOT / "docs").glob("*.md")), ROOT / "core" / "demo" / "CARD.md"]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced code blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def test_the_preset_of_the_readme_reads_and_says_what_it_should() -> None:
    (text,) = blocks(ROOT / "README.md", "toml")
    preset = presets.from_dict(tomllib.loads(text), "README.md")
    assert preset.frames == 48 and preset.outputs[0].loop == "bounce"
    assert str(preset.scene.edits[0].layers) == "2"


def test_every_command_of_the_readme_parses() -> None:
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    commands = [line.split("#")[0].split()[1:] for line in lines if line.startswith("latty")]
    assert len(commands) > 8
    for words in commands:
        if words and words[0] in VERBS:
            build().parse_args(words)
        else:
            assert not words or words[0] in model_names()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    near = [link for link in links if "://" not in link]
    assert all((page.parent / link).exists() for link in near), near


def test_every_verb_is_in_the_help() -> None:
    assert set(re.findall(r"^    (\w+)  ", build().format_help(), re.MULTILINE)) >= set(VERBS)
