"""GANSpace's figures: each preset in presets/figures renders, small, to what its page says."""

import re
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from PIL import Image
from places import ROOT

from latty import presets
from latty.directions.store import resolve
from latty.errors import PresetError
from latty.render import provenance

FIGURES = [name for name in presets.shipped() if name.startswith("figures/")]
SMALL = {name: ("outputs.0.size=16",) for name in FIGURES} | {
    "figures/teaser": ("outputs.0.size=16", "outputs.1.size=16", "frames=6"),
    "figures/components-samples": ("outputs.0.size=16", "each.0.values=c0,c1"),
    "figures/component-videos": ("outputs.0.size=32", "each.0.values=c0,c1", "frames=4"),
}
FILES = {
    "figures/teaser": ["teaser.png", "teaser.gif"],
    "figures/components-samples": ["components-samples/c0.png", "components-samples/c1.png"],
    "figures/component-videos": [f"component-videos/{c}_s{s}.mp4" for c in ("c0", "c1")
                                 for s in (1, 3)],
}  # fmt: skip
PORTRAITS = ("vars.model=portraits",)
PARTS = (*PORTRAITS, "vars.parts=portraits-ganspace")
OTHERS = {
    "figures/teaser": PORTRAITS,
    "figures/style-mixing": PORTRAITS,
    "figures/style-resampling": (*PORTRAITS, 'each.0.values=["1-", "2-", "3-"]'),
    "figures/pca-cleanup": (*PORTRAITS, "vars.component=portraits-ganspace/c6"),
    "figures/transferability": (*PORTRAITS, "vars.component=portraits-ganspace/c4"),
    "figures/edit-zoo": (*PORTRAITS, "vars.zoo=portraits/*"),
    "figures/content-kept": PARTS,
    "figures/style-kept": PARTS,
    "figures/components": PARTS,
    "figures/components-samples": PARTS,
    "figures/component-videos": PARTS,
}


def rendered(name: str, folder: Path, *changes: str) -> list[Path]:
    """The files of a figure with these values of its keys."""
    sets = [word for change in changes for word in ("--set", change)]
    done = latty("render", name, *sets, home=folder)
    assert done.returncode == 0, done.stderr
    return [folder / line for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_one_command(name: str, tmp_path: Path) -> None:
    made = rendered(name, tmp_path, *SMALL[name])
    files = FILES.get(name, [f"{name.rpartition('/')[2]}.png"])
    assert [path.relative_to(tmp_path / "renders/figures").as_posix() for path in made] == files
    for path in made:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert min(picture.size) > 64 and np.asarray(picture.convert("RGB")).std() > 10


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in OTHERS if name in FIGURES])
def test_each_figure_is_drawn_of_another_model(name: str, tmp_path: Path) -> None:
    for path in rendered(name, tmp_path, *SMALL[name], *OTHERS[name]):
        assert path.stat().st_size > 100


def test_random_directions_go_as_far_as_the_components_beside_them() -> None:
    """Once as far as they usually are, once as long as the component: strengths count own sigma."""
    preset = presets.read("figures/random-baseline")
    found = [resolve(edit.direction) for edit in preset.scene.edits]
    infos, (output,) = [header.infos[index] for _, header, index in found], preset.outputs
    assert isinstance(output.span, tuple) and len(infos) == len(output.span) == 6
    for i in (0, 3):
        component, usual, long = infos[i : i + 3]
        assert component.name[0] == "c" and usual.name[0] == "r" and usual == long
        assert output.span[i] == output.span[i + 1] == 2
        as_long = output.span[i] * component.sigma / usual.sigma
        assert output.span[i + 2] == pytest.approx(as_long, rel=0.002)


@pytest.mark.parametrize(("span", "words"), [
    ("[1, 2]", "span: has 2 numbers for 3 edits"),
    ("[1, 2, 300]", "span.2: must be at most 100"),
    ("[]", "span: "),
])  # fmt: skip
def test_a_span_for_each_edit(span: str, words: str, tmp_path: Path) -> None:
    edits = "".join(f"[[scene.edits]]\ndirection = 'demo/{one}'\nstrength = 0\n"
                    for one in ("yaw", "smile", "age"))  # fmt: skip
    head = "schema = 1\n[scene]\nmodel = 'demo'\n"
    tail = f"[[outputs]]\npath = 'a.png'\nlayout = 'strip'\nspan = {span}\n"
    (tmp_path / "x.toml").write_text(head + edits + tail)
    with pytest.raises(PresetError, match=words.replace("[", r"\[")):
        presets.check(tmp_path / "x.toml")


def test_the_page_has_every_figure_its_command_and_its_picture() -> None:
    page = (ROOT / "docs/figures.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    latty render (figures/\S+)", page, re.MULTILINE)
    assert {*commands} == {*FIGURES}
    pictures = re.findall(r"\]\(\.\./(renders/gallery/figure-([\w-]+)\.jpg)\)", page)
    assert {f"figures/{name}" for _, name in pictures} == {*FIGURES} - {"figures/component-videos"}
    for file, name in pictures:
        recipe, _ = provenance.recall(ROOT / file)
        assert recipe.name == name, "it was made by another preset"
