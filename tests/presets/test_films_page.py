"""docs/films.md on time and motion: its presets are checked and last as long as they say."""

import re
import tomllib
from pathlib import Path

from places import ROOT

from latty import presets

PAGE = ROOT / "docs" / "films.md"
MOTION = PAGE.read_text(encoding="utf-8").partition("\n## The picture around the picture")[0]
EXAMPLES = re.findall(r"```toml\n(.*?)```", MOTION, re.DOTALL)


def test_every_example_is_read_without_a_doubt(tmp_path: Path) -> None:
    assert len(EXAMPLES) >= 3
    for text in EXAMPLES:
        file = tmp_path / "page.toml"
        file.write_text(text)
        assert presets.check(file) == []
        preset = presets.from_dict(tomllib.loads(text), "page.toml")
        assert presets.from_dict(presets.to_dict(preset), "page.toml") == preset
        for output in preset.outputs:
            assert preset.count(output) == round((preset.seconds or 0) * output.rate)
