"""Edits of every space on a card that is not there: one answer a picture, few a batch."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from card import Card
from small_families import made

from latty.directions.discovery import discover
from latty.render.pixels import Painter
from latty.scene import Edit, Layers, Scene, Walk

BATCH = 6
PLAIN = Scene("small", seed=3)
SETS: dict[str, tuple[str, dict[str, Any]]] = {
    "w": ("sefa", {"components": 2, "samples": 200}),
    "z": ("random", {"space": "z", "components": 2, "samples": 200}),
    "activation": (
        "ganspace",
        {"samples": 120, "components": 2, "batch": 20, "layer": "LAYER", "edit": "activation"},
    ),
}


def moves(ref: str) -> dict[str, list[Scene]]:
    """Films of a few frames each: what moves, and how."""
    ways: dict[str, dict[str, Any]] = {
        "strength": {},
        "part": {"amount": 0.5},
        "layers": {"layers": Layers(1, 3)},
        "absolute": {"mode": "absolute"},
        "centred": {"mode": "centred"},
        "flip": {"mode": "flip"},
    }
    if ref == "activation":
        ways = {name: ways[name] for name in ("strength", "part")}
    elif ref == "z":
        ways.pop("layers")
    return {
        name: [replace(PLAIN, edits=(Edit("REF", i / 2, **way),)) for i in range(BATCH)]
        for name, way in ways.items()
    }


def compared(scenes: Sequence[Scene], family: str = "stylegan2 wide") -> Any:
    """Draw a batch on the CPU and on a card, the second time for the counts."""
    wanted = Painter(made(family), foreign=True)(scenes)
    with Card() as card:
        painter = Painter(made(family, "cuda"), foreign=True)
        painter(scenes)
        with card.counting() as counted:
            assert np.array_equal(painter(scenes), wanted)
    return counted


@pytest.mark.parametrize("space", SETS)
def test_edits_give_the_pictures_of_the_cpu(space: str, tmp_path: Path) -> None:
    method, params = SETS[space]
    path = tmp_path / "found.safetensors"
    generator = made("stylegan2 wide")
    if space == "activation":
        params = {**params, "layer": generator.activation_names()[1]}
    discover(method, params, generator, path)
    for name, scenes in moves(space).items():
        there = [
            replace(scene, edits=tuple(replace(one, direction=f"{path}#0") for one in scene.edits))
            for scene in scenes
        ]
        counted = compared(there)
        # the pixels, and the codes, from which the layers that are shared are found
        assert counted.syncs.total() <= 2, (name, counted)
        assert compared(there[:1]).syncs.total() == 1, name


FILMS = {
    "seeds": [replace(PLAIN, seed=i) for i in range(BATCH)],
    "mixing": [replace(PLAIN, edits=(Edit("seed:5", i / 6, Layers(1, 3)),)) for i in range(BATCH)],
    "a walk": [replace(PLAIN, seed=Walk((1, 2, 3), "slerp", i / 6)) for i in range(BATCH)],
    "a loop": [replace(PLAIN, seed=Walk((1, 2, 3), "circular", i / 6)) for i in range(BATCH)],
    "truncation": [replace(PLAIN, truncation=i / 6, cutoff=2) for i in range(BATCH)],
    "noise": [replace(PLAIN, noise=i) for i in range(BATCH)],
}


@pytest.mark.parametrize("film", FILMS)
def test_films_wait_twice_a_batch_at_most(film: str) -> None:
    counted = compared(FILMS[film])
    assert counted.syncs.total() <= 2, counted


@pytest.mark.parametrize("family", ["biggan", "biggan_deep", "plain with classes"])
def test_classes_and_mixtures_are_looked_at_on_the_host(family: str) -> None:
    labels: list[Any] = [0, 1, 2, 0, 1, 2]
    classes = [replace(PLAIN, label=one) for one in labels]
    mixed = [replace(PLAIN, label=((0, 0.5), (1, i / 6))) for i in range(BATCH)]
    for scenes in (classes, mixed):
        assert compared(scenes, family).syncs.total() == 1
