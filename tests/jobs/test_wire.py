"""Messages between processes: exact, and strict about what comes."""

import asyncio
import io
import subprocess
import sys

import pytest
from places import ROOT

from latty import wire
from latty.errors import BadData

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
    code = "import sys, latty_tui.drawing.engine, latty.wire; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "numpy", "PIL", "sklearn", "scipy", "av", "tomlkit", "textual"}
    assert not heavy & set(done.stdout.split())
