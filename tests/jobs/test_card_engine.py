"""The studio's engine on a card that is not there: how often one preview waits for it."""

from dataclasses import replace
from pathlib import Path

import pytest
from card import Card, Counted
from small_families import write_example

from latty.jobs.engine import cache as engine_cache
from latty.jobs.engine.cache import ModelCache
from latty.jobs.engine.drawing import Drawing
from latty.models import forget_all
from latty.scene import Edit, Scene, to_table


def preview(cache: ModelCache, scene: Scene, coarse: int | None = None) -> Drawing:
    """One picture, with its header."""
    drawing = Drawing(cache, {"scenes": [to_table(scene)], "coarse": coarse})
    while not drawing.done:
        for _ in drawing.turn():
            pass
    drawing.header()
    return drawing


def counts(scene: Scene, coarse: int | None) -> Counted:
    """Of one move of a slider, of several, the pictures being those of the CPU."""
    moved = [replace(scene, edits=(Edit("seed:5", i / 10),)) for i in range(5)]
    forget_all()
    plain = ModelCache("cpu")
    wanted = [bytes(preview(plain, one).bytes()) for one in moved]
    forget_all()
    with Card() as card:
        cache = ModelCache("cuda")
        for one in moved[:3]:
            preview(cache, one, coarse)
        with card.counting() as counted:
            found = [bytes(preview(cache, one, coarse).bytes()) for one in moved[3:]]
    forget_all()
    assert found == wanted[3:]
    return counted


@pytest.mark.parametrize(
    "model", ["stylegan2", "stylegan3", "biggan", pytest.param("portraits", marks=pytest.mark.slow)]
)
def test_a_preview_waits_for_its_pixels_and_for_what_it_shares(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_cache, "LOOK", 3600.0)  # however long the pictures take here
    ref = model
    if model != "portraits":
        ref = str(write_example(model, tmp_path / "small.safetensors"))
    label = None if model == "portraits" else 0
    counted = counts(Scene(ref, seed=3, label=label), None)
    assert counted.syncs.total() <= 2 * 2, counted
    assert not counted.asked, "the driver was asked for its memory again"


@pytest.mark.slow
def test_a_coarse_picture_is_one_more(tmp_path: Path) -> None:
    counted = counts(Scene("portraits", seed=3), 64)
    assert counted.syncs.total() <= 2 * 3, counted
