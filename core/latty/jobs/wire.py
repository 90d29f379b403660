"""What two processes of latty say to each other: a JSON header, then bytes; and scenes as JSON.

A message is 4 bytes (the length of the header, big-endian), the header, and as many bytes of
payload as header["bytes"] says. Both sides are ours: numbers may be NaN, texts may be anything.

`scene_table` and `scene_of` are exact inverses; files that keep scenes use them, too.
"""

import json
import math
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from latty.errors import BadData
from latty.scene import (
    BLENDS,
    MODES,
    UNITS,
    Blend,
    Edit,
    Label,
    Layers,
    Mode,
    Noise,
    Scene,
    Unit,
    Walk,
)

if TYPE_CHECKING:
    from asyncio import StreamReader

T = TypeVar("T")
Table = Mapping[str, Any]

# Signals of a terminal, which the app answers and the process that works for it does not hear.
IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP)
BROKEN = 70  # exit status of the engine where the GPU has to be started anew
HEADER_LIMIT = 64 * 2**20  # bytes
PAYLOAD_LIMIT = 2**30


class Message(NamedTuple):
    """What came: its header and the bytes after it."""

    header: dict[str, Any]
    payload: bytes = b""


def head(header: Table, size: int = 0) -> bytes:
    """The bytes of a message up to its payload of `size` bytes. Raises BadData where it is no
    JSON or too long."""
    table = {**header, "bytes": size} if size else header
    try:
        text = json.dumps(table, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadData(f"this cannot be sent to another process: {error}") from None
    if len(text) > HEADER_LIMIT or size > PAYLOAD_LIMIT:
        raise BadData(f"a message of {len(text) + size} bytes is too long", "ask for less at once")
    return len(text).to_bytes(4, "big") + text


def pack(header: Table, payload: bytes = b"") -> bytes:
    """A message whole."""
    return head(header, len(payload)) + payload


def read(file: IO[bytes]) -> Message | None:
    """The next message; None where the other side has closed. Raises BadData for what is none."""
    start = file.read(4)
    if len(start) < 4:
        return None
    length = _header_length(start)
    text = file.read(length)
    if len(text) < length:
        return None
    header = _header(text)
    payload = file.read(_payload_length(header))
    if len(payload) < _payload_length(header):
        return None
    return Message(header, payload)


async def receive(stream: "StreamReader") -> Message | None:
    """The same from a stream of asyncio."""
    try:
        header = _header(await stream.readexactly(_header_length(await stream.readexactly(4))))
        size = _payload_length(header)
        return Message(header, await stream.readexactly(size) if size else b"")
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


def _payload_length(header: Table) -> int:
    size = header.get("bytes", 0)
    if type(size) is not int or not 0 <= size <= PAYLOAD_LIMIT:
        raise BadData(f"a message of {size!r} bytes")
    return size


def scene_table(scene: Scene) -> dict[str, Any]:
    """A scene as tables, lists, numbers and texts; what is as usual is left out."""
    walk, label = scene.seed, scene.label
    table: dict[str, Any] = {"model": scene.model, "truncation": scene.truncation}
    table["seed"] = (
        {"seeds": list(walk.seeds), "blend": walk.blend, "t": walk.t}
        if isinstance(walk, Walk)
        else walk
    )
    usual = (("cutoff", None), ("size", None), ("latent", None), ("noise", "const"))
    table |= {name: getattr(scene, name) for name, than in usual if getattr(scene, name) != than}
    if label is not None:
        table["label"] = [list(pair) for pair in label] if isinstance(label, tuple) else label
    if scene.truncation_after_edits:
        table["truncation_after_edits"] = True
    if scene.locks:
        table["locks"] = list(scene.locks)
    if scene.edits:
        table["edits"] = [_edit_table(edit) for edit in scene.edits]
    return table


def _edit_table(edit: Edit) -> dict[str, Any]:
    table: dict[str, Any] = {"direction": edit.direction, "strength": edit.strength}
    if edit.layers is not None:
        table["layers"] = [edit.layers.start, edit.layers.stop]
    if edit.mode != "relative":
        table["mode"] = edit.mode
    if edit.unit != "sigma":
        table["unit"] = edit.unit
    if edit.conditions:
        table["conditions"] = list(edit.conditions)
    return table


def scene_of(table: object) -> Scene:
    """The scene of a table. Raises BadData that names the first key which is wrong."""
    row = _table(table, "scene", ("model", "truncation", "seed", "cutoff", "size", "latent",
                 "noise", "label", "truncation_after_edits", "locks", "edits"))  # fmt: skip
    return Scene(
        model=_get(row, "model", _text),
        seed=_get(row, "seed", _seed, cast(int | Walk, 0)),
        truncation=_get(row, "truncation", _number, 1.0),
        cutoff=_get(row, "cutoff", _or_none(_whole), None),
        label=_get(row, "label", _label, None),
        noise=_get(row, "noise", _noise, "const"),
        edits=_get(row, "edits", _tuple_of(_edit), ()),
        size=_get(row, "size", _or_none(_whole), None),
        truncation_after_edits=_get(row, "truncation_after_edits", _switch, False),
        latent=_get(row, "latent", _or_none(_text), None),
        locks=_get(row, "locks", _tuple_of(_text), ()),
    )


def _edit(value: object, key: str) -> Edit:
    row = _table(value, key, ("direction", "strength", "layers", "mode", "unit", "conditions"))
    return Edit(
        direction=_get(row, "direction", _text),
        strength=_get(row, "strength", _number, 1.0),
        layers=_get(row, "layers", _layers, None),
        mode=cast(Mode, _get(row, "mode", _one_of(MODES), "relative")),
        unit=cast(Unit, _get(row, "unit", _one_of(UNITS), "sigma")),
        conditions=_get(row, "conditions", _tuple_of(_text), ()),
    )


def _wrong(key: str, wanted: str, value: object) -> BadData:
    shown = repr(value)
    return BadData(f"{key} must be {wanted}, not {shown[:60]}")


def _table(value: object, key: str, known: Sequence[str]) -> Table:
    if not isinstance(value, dict):
        raise _wrong(key, "a table", value)
    for name in value:
        if name not in known:
            raise BadData(f"{key} has no '{name}'", f"it has {', '.join(known)}")
    return value


def _get(row: Table, key: str, check: Callable[[object, str], T], *default: T) -> T:
    """row[key] once checked, or the default where there is one."""
    if key in row:
        return check(row[key], key)
    if not default:
        raise BadData(f"{key} is missing")
    return default[0]


def _text(value: object, key: str) -> str:
    if not isinstance(value, str):
        raise _wrong(key, "a text", value)
    return value


def _number(value: object, key: str) -> float:
    if type(value) not in (int, float):
        raise _wrong(key, "a number", value)
    return cast(float, value)


def _whole(value: object, key: str) -> int:
    if type(value) is not int:
        raise _wrong(key, "a whole number", value)
    return value


def _switch(value: object, key: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(key, "true or false", value)
    return value


def _list(value: object, key: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(key, "a list", value)
    return value


def _or_none(check: Callable[[object, str], T]) -> Callable[[object, str], T | None]:
    return lambda value, key: None if value is None else check(value, key)


def _one_of(words: Sequence[str]) -> Callable[[object, str], str]:
    def check(value: object, key: str) -> str:
        if value not in words:
            raise _wrong(key, f"one of {', '.join(words)}", value)
        return str(value)

    return check


def _tuple_of(check: Callable[[object, str], T]) -> Callable[[object, str], tuple[T, ...]]:
    def every(value: object, key: str) -> tuple[T, ...]:
        return tuple(check(item, f"{key}[{i}]") for i, item in enumerate(_list(value, key)))

    return every


def _seed(value: object, key: str) -> int | Walk:
    if not isinstance(value, dict):
        return _whole(value, key)
    row = _table(value, key, ("seeds", "blend", "t"))
    blend = cast(Blend, _get(row, "blend", _one_of(BLENDS), "slerp"))
    return Walk(_get(row, "seeds", _tuple_of(_whole)), blend, _get(row, "t", _number, 0.0))


def _layers(value: object, key: str) -> Layers | None:
    if value is None:
        return None
    pair = _list(value, key)
    if len(pair) != 2:
        raise _wrong(key, "[first, end]", value)
    return Layers(_whole(pair[0], key), _or_none(_whole)(pair[1], key))


def _label(value: object, key: str) -> Label:
    if value is None or isinstance(value, str) or type(value) is int:
        return value
    pairs = [_list(pair, key) for pair in _list(value, key)]
    if any(len(pair) != 2 for pair in pairs):
        raise _wrong(key, "pairs of a class and its weight", value)
    return tuple((_whole(index, key), _number(weight, key)) for index, weight in pairs)


def _noise(value: object, key: str) -> Noise:
    if value == "const" or value == "none":
        return cast(Noise, value)
    return _whole(value, key)


def is_finite(scene: Scene) -> bool:
    """Whether every number of a scene is one: files and pictures take no others."""
    numbers = [scene.truncation, *(edit.strength for edit in scene.edits)]
    if isinstance(scene.seed, Walk):
        numbers.append(scene.seed.t)
    if isinstance(scene.label, tuple):
        numbers += [weight for _, weight in scene.label]
    return all(math.isfinite(number) for number in numbers)
