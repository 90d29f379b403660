"""What two processes of latty say to each other: a JSON header, then bytes.

A message is 4 bytes (the length of the header, big-endian), the header, and as many bytes of
payload as header["bytes"] says. Both sides are latty: numbers may be NaN, texts may be anything.
"""

import json
import signal
from asyncio import StreamReader
from collections.abc import Mapping
from typing import IO, Any, NamedTuple

from latty.errors import BadData

Table = Mapping[str, Any]

# Signals of a terminal, which the app answers and the process that works for it does not hear.
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
FIRST = "picture"  # the channel whose draws come before every other
BROKEN = 70  # exit status of the engine where the GPU has to be started anew
HEADER_LIMIT = 64 * 2**20  # bytes
PAYLOAD_LIMIT = 2**30


class Message(NamedTuple):
    """What came: its header and the bytes after it."""

    header: dict[str, Any]
    payload: bytes = b""


def head(header: Table, size: int = 0, most: int = PAYLOAD_LIMIT) -> bytes:
    """The bytes of a message up to its payload of `size` bytes, at most `most`. Raises BadData
    where it is no JSON or too long."""
    table = {**header, "bytes": size} if size else header
    try:
        text = json.dumps(table, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadData(f"this cannot be sent to another process: {error}") from None
    if len(text) > HEADER_LIMIT or size > most:
        raise BadData(f"a message of {len(text) + size} bytes is too long", "ask for less at once")
    return len(text).to_bytes(4, "big") + text


def pack(header: Table, payload: bytes = b"") -> bytes:
    """A message whole."""
    return head(header, len(payload)) + payload


def read(file: IO[bytes], most: int = PAYLOAD_LIMIT) -> Message | None:
    """The next message, of a payload of at most `most` bytes; None where the other side has closed.
    Raises BadData for what is none."""

    def exactly(count: int) -> bytes:
        if len(data := file.read(count)) < count:
            raise EOFError
        return data

    try:
        header = _header(exactly(_header_length(exactly(4))))
        return Message(header, exactly(_payload_length(header, most)))
    except EOFError:
        return None


async def receive(stream: StreamReader) -> Message | None:
    """The same from a stream of asyncio."""
    try:
        header = _header(await stream.readexactly(_header_length(await stream.readexactly(4))))
        return Message(header, await stream.readexactly(_payload_length(header)))
    except EOFError:
        return None


def _header_length(start: bytes) -> int:
    length = int.from_bytes(start, "big")
    if not 2 <= length <= HEADER_LIMIT:
        raise BadData(f"no message of ours begins with {start!r}")
    return length


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        raise BadData("the header of a message is not JSON") from None
    if not isinstance(header, dict):
        raise BadData("the header of a message is no table")
    return header


def _payload_length(header: Table, most: int = PAYLOAD_LIMIT) -> int:
    size = header.get("bytes", 0)
    if type(size) is not int or not 0 <= size <= most:
        raise BadData(f"a message of {size!r} bytes")
    return size
