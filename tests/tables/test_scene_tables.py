"""Scenes as tables and back: exact, and strict about what comes."""

import json
import math
import random
from dataclasses import fields, replace

import pytest

from latty.errors import BadData
from latty.scene import BLENDS, MODES, UNITS, Edit, Layers, Scene, Walk, from_table, to_table
from latty.stops import Stop

TEXTS = (
    "",
    "demo",
    "a/b",
    "p#n",
    "\u00fc \u0000\x1b[31m\n",
    "\udc80 no text",
    "x" * 300,
    "seed:42",
)
NUMBERS = (0, 1, -0.0, 0.1, 1e-320, 1e308, math.inf, -math.inf, 2.5, -3, 10**30, 1 / 3)


def some_edit(draw: random.Random) -> Edit:
    layers = (None, Layers(), Layers(3), Layers(0, 4), Layers(4, 9))
    return Edit(
        direction=draw.choice(TEXTS),
        strength=draw.choice(NUMBERS),
        layers=draw.choice(layers),
        mode=draw.choice(MODES),  # type: ignore[arg-type]
        unit=draw.choice(UNITS),  # type: ignore[arg-type]
        conditions=tuple(draw.choices(TEXTS, k=draw.randrange(3))),
        within=draw.choice((None, *TEXTS)),
        amount=draw.choice((1.0, *NUMBERS)),
    )


def some_scene(draw: random.Random) -> Scene:
    """Any scene, each field often as usual."""
    seeds = tuple(draw.choices((0, 1, 2**32 - 1), k=draw.randrange(4)))
    stops = (Stop(None, 0.1, "in-back", 0.5),) * draw.randrange(3)
    walk = Walk(
        draw.choice((seeds, ("z.npy#1", 4))),
        draw.choice(BLENDS),  # type: ignore[arg-type]
        draw.choice(NUMBERS),
        draw.choice((True, False)),
        stops,
        draw.choice((None, 3, "w.npy#0")),
    )
    mixture = tuple((draw.randrange(1000), draw.choice(NUMBERS)) for _ in range(draw.randrange(4)))
    every = {
        "seed": draw.choice((7, walk)),
        "truncation": draw.choice(NUMBERS),
        "cutoff": draw.choice((0, 4)),
        "label": draw.choice((0, 207, "husky", "", mixture)),
        "noise": draw.choice(("none", 0, 5, walk)),
        "edits": tuple(some_edit(draw) for _ in range(draw.randrange(4))),
        "size": draw.choice((1, 256)),
        "truncation_after_edits": True,
        "latent": draw.choice(("", "file#3")),
        "locks": tuple(draw.choices(TEXTS, k=draw.randrange(3))),
    }
    chosen = {key: value for key, value in every.items() if draw.random() < 0.6}
    return Scene(draw.choice(TEXTS), **chosen)  # type: ignore[arg-type]


def test_every_scene_comes_back_as_it_was() -> None:
    draw = random.Random(6)
    for _ in range(3000):
        scene = some_scene(draw)
        back = from_table(json.loads(json.dumps(to_table(scene))))
        assert back == scene
        assert repr(back) == repr(scene)  # 1 is not 1.0 and -0.0 is not 0.0
        assert hash(back) == hash(scene)


def test_no_field_of_a_scene_is_forgotten() -> None:
    table = to_table(
        Scene("m", Walk((1, 2), "lerp", 0.5, True, (Stop(0.5, 0.1),), 3, 0.2), 0.7, 4,
              ((1, 0.5),), 3,
              (Edit("d", 2, Layers(1, 2), "flip", "own", ("e",), "s/*", 0.5),),
              64, True, "l#0", ("k",), "bf16")
    )  # fmt: skip
    assert set(table) == {field.name for field in fields(Scene)}
    assert set(table["edits"][0]) == {field.name for field in fields(Edit)}
    assert set(table["seed"]) == {field.name for field in fields(Walk)}


def test_a_number_that_is_none_comes_back_too() -> None:
    scene = Scene("demo", edits=(Edit("demo/smile", math.nan),))
    back = from_table(json.loads(json.dumps(to_table(scene))))
    assert math.isnan(back.edits[0].strength)
    assert not scene.is_finite
    assert not Scene("m", Walk((1,), t=math.inf)).is_finite
    assert not Scene("m", label=((1, math.nan),)).is_finite
    assert replace(scene, edits=(Edit("demo/smile"),)).is_finite


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "scene: must be a table, not nothing"),
        ({}, "scene.model: is missing"),
        ({"model": 3}, "scene.model: must be text in quotes, not 3"),
        ({"model": "m", "seeds": 3}, "scene.seeds: unknown key"),
        ({"model": "m", "seed": True}, "scene.seed: must be a whole number or a walk"),
        (
            {"model": "m", "seed": {"seeds": [1], "blend": "x"}},
            "seed.blend: must be one of 'lerp'",
        ),
        (
            {"model": "m", "seed": {"seeds": [1.5]}},
            "seed.seeds.0: must be a whole number",
        ),
        ({"model": "m", "truncation": "1"}, "scene.truncation: must be a number, not text '1'"),
        ({"model": "m", "noise": "loud"}, "scene.noise: must be one of 'const', 'none'"),
        ({"model": "m", "label": [[1]]}, "scene.label.0: needs at least 2 entries"),
        ({"model": "m", "edits": {}}, "scene.edits: must be a list"),
        ({"model": "m", "edits": [{}]}, "scene.edits.0.direction: is missing"),
        (
            {"model": "m", "edits": [{"direction": "d", "layers": [1]}]},
            "layers: needs at least 2 entries",
        ),
        (
            {"model": "m", "edits": [{"direction": "d", "mode": 3}]},
            "edits.0.mode: must be one",
        ),
        ({"model": "m", "locks": [None]}, "scene.locks.0: must be text in quotes, not nothing"),
        (
            {"model": "m", "truncation_after_edits": 1},
            "scene.truncation_after_edits: must be true",
        ),
    ],
)
def test_what_is_no_scene_is_refused_by_name(table: object, words: str) -> None:
    with pytest.raises(BadData) as caught:
        from_table(table)
    assert words in caught.value.message
    assert "\n" not in caught.value.message
