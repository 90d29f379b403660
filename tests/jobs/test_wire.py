"""Scenes as tables and back, and messages between processes: exact, and strict about what comes."""

import asyncio
import io
import json
import math
import random
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from places import ROOT

from latty.errors import BadData
from latty.jobs import wire
from latty.scene import BLENDS, MODES, UNITS, Edit, Layers, Scene, Walk

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
    )


def some_scene(draw: random.Random) -> Scene:
    """Any scene, each field often as usual."""
    seeds = tuple(draw.choices((0, 1, 2**32 - 1), k=draw.randrange(4)))
    walk = Walk(seeds, draw.choice(BLENDS), draw.choice(NUMBERS))  # type: ignore[arg-type]
    mixture = tuple((draw.randrange(1000), draw.choice(NUMBERS)) for _ in range(draw.randrange(4)))
    every = {
        "seed": draw.choice((7, walk)),
        "truncation": draw.choice(NUMBERS),
        "cutoff": draw.choice((0, 4)),
        "label": draw.choice((0, 207, "husky", "", mixture)),
        "noise": draw.choice(("none", 0, 5)),
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
        back = wire.scene_of(json.loads(json.dumps(wire.scene_table(scene))))
        assert back == scene
        assert repr(back) == repr(scene)  # 1 is not 1.0 and -0.0 is not 0.0
        assert hash(back) == hash(scene)


def test_no_field_of_a_scene_is_forgotten() -> None:
    table = wire.scene_table(
        Scene("m", Walk((1, 2), "lerp", 0.5), 0.7, 4, ((1, 0.5),), 3,
              (Edit("d", 2, Layers(1, 2), "flip", "own", ("e",)),), 64, True, "l#0", ("k",))
    )  # fmt: skip
    assert set(table) == {field.name for field in fields(Scene)}
    assert set(table["edits"][0]) == {field.name for field in fields(Edit)}
    assert set(table["seed"]) == {field.name for field in fields(Walk)}


def test_a_number_that_is_none_comes_back_too() -> None:
    scene = Scene("demo", edits=(Edit("demo/smile", math.nan),))
    back = wire.scene_of(json.loads(json.dumps(wire.scene_table(scene))))
    assert math.isnan(back.edits[0].strength)
    assert not wire.is_finite(scene)
    assert not wire.is_finite(Scene("m", Walk((1,), t=math.inf)))
    assert not wire.is_finite(Scene("m", label=((1, math.nan),)))
    assert wire.is_finite(replace(scene, edits=(Edit("demo/smile"),)))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (None, "scene must be a table"),
        ({}, "model is missing"),
        ({"model": 3}, "model must be a text"),
        ({"model": "m", "seeds": 3}, "scene has no 'seeds'"),
        ({"model": "m", "seed": True}, "seed must be a whole number"),
        ({"model": "m", "seed": {"seeds": [1], "blend": "x"}}, "blend must be one of lerp"),
        ({"model": "m", "seed": {"seeds": [1.5]}}, "seeds[0] must be a whole number"),
        ({"model": "m", "truncation": "1"}, "truncation must be a number"),
        ({"model": "m", "noise": "loud"}, "noise must be a whole number"),
        ({"model": "m", "label": [[1]]}, "label must be pairs"),
        ({"model": "m", "edits": {}}, "edits must be a list"),
        ({"model": "m", "edits": [{}]}, "direction is missing"),
        ({"model": "m", "edits": [{"direction": "d", "layers": [1]}]}, "layers must be [first"),
        ({"model": "m", "edits": [{"direction": "d", "mode": 3}]}, "mode must be one of"),
        ({"model": "m", "locks": [None]}, "locks[0] must be a text"),
        ({"model": "m", "truncation_after_edits": 1}, "truncation_after_edits must be true"),
    ],
)
def test_what_is_no_scene_is_refused_by_name(table: object, words: str) -> None:
    with pytest.raises(BadData) as caught:
        wire.scene_of(table)
    assert words in caught.value.message
    assert "\n" not in caught.value.message


MESSAGE = wire.pack({"id": 3, "x": "\u00fc"}, b"pixels")


def test_a_message_is_read_as_it_was_packed() -> None:
    assert MESSAGE[:4] == (len(MESSAGE) - 4 - 6).to_bytes(4, "big")
    file = io.BytesIO(MESSAGE + wire.pack({}))
    assert wire.read(file) == ({"id": 3, "x": "\u00fc", "bytes": 6}, b"pixels")
    assert wire.read(file) == ({}, b"")
    assert wire.read(file) is None


async def received(data: bytes) -> list[wire.Message]:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    found = []
    while (message := await wire.receive(stream)) is not None:
        found.append(message)
    return found


@pytest.mark.parametrize("cut", range(len(MESSAGE)))
def test_a_message_cut_short_is_the_end(cut: int) -> None:
    assert wire.read(io.BytesIO(MESSAGE[:cut])) is None
    assert asyncio.run(received(MESSAGE[:cut])) == []
    assert len(asyncio.run(received(MESSAGE + MESSAGE[:cut]))) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"a library says something",
        b"\xff\xff\xff\xff",
        b"\0\0\0\0",
        b"\0\0\0\2[]",
        b"\0\0\0\3no!",
        wire.pack({"bytes": -1}),
        wire.pack({"bytes": 2**40}),
        wire.pack({"bytes": "many"}),
        wire.pack({"bytes": True}),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(BadData):
        wire.read(io.BytesIO(data))
    with pytest.raises(BadData):
        asyncio.run(received(data))


def test_what_is_no_json_is_not_sent() -> None:
    with pytest.raises(BadData, match="cannot be sent"):
        wire.pack({"x": {1, 2}})


def test_the_end_of_the_app_weighs_nothing() -> None:
    """The app imports it before its first paint, and never torch at all."""
    code = "import sys, latty_tui.drawing.engine, latty.jobs.wire; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "numpy", "PIL", "sklearn", "scipy", "av", "pydantic", "tomlkit", "textual"}
    assert not heavy & set(done.stdout.split())
