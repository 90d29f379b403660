"""Protobuf messages by a schema: read as every reader of protobuf does, written in one way only.

Protobuf has many spellings of one message: long varints, fields in any order and in pieces, lists
packed or not. What `ProtoMessage.pieces` writes holds what was read and nothing else, so that
another program which is given it sees what was seen here. Fields that a schema does not name are
left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Union

from latty.checkpoints.refusals import Refusal, truncated

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5  # wire types; 3 and 4 are groups, which ONNX never had
WIRES = {"int32": VARINT, "int64": VARINT, "fixed64": EIGHT, "fixed32": FOUR}
SIZES = {EIGHT: 8, FOUR: 4}
LONGEST_LIST = 64  # of a list whose numbers are looked at


class Field(NamedTuple):
    """A field: its name, what it holds, and whether it is a list.

    kind  "int32", "int64", "fixed32", "fixed64", "bytes", "text" in UTF-8, or another schema
    """

    name: str
    kind: Union[str, "Schema"]
    many: bool = False


Schema = dict[int, Field]


@dataclass(slots=True)
class ProtoMessage:
    """The fields of a message by name, those that are no list in the order in which they came last.

    A number is an int, text a str, a message one of these, bytes and packed lists a memoryview.
    """

    schema: Schema
    found: dict[str, list[Any]] = field(default_factory=dict)

    def all(self, name: str) -> list[Any]:
        """The values of a list."""
        return self.found.get(name, [])

    def one(self, name: str, default: Any = None) -> Any:
        """The value of a field that is no list."""
        return self.found[name][-1] if name in self.found else default

    def numbers(self, name: str) -> list[int]:
        """The whole numbers of a list, packed or not. Raises Refusal for a long one."""
        found = list[int]()
        for value in self.all(name):
            found += [value] if isinstance(value, int) else _unpacked(value)
            if len(found) > LONGEST_LIST:
                raise damaged()
        return found

    def pieces(self) -> tuple[list[bytes | memoryview], int]:
        """The message, written: its bytes in pieces, and how many they are."""
        numbers = {one.name: number for number, one in self.schema.items()}
        pieces, size = list[bytes | memoryview](), 0
        for name, values in self.found.items():
            number = numbers[name]
            for value in values:
                more, length = _written(number, self.schema[number], value)
                pieces += more
                size += length
        return pieces, size


class ProtoReader:
    """Reads messages, with one budget for all of them."""

    def __init__(self, most: int) -> None:
        self.left = most  # fields

    def read(
        self, code: memoryview, schema: Schema, into: ProtoMessage | None = None
    ) -> ProtoMessage:
        """A message; `into` takes what follows of one that came in pieces. Raises Refusal."""
        message = into or ProtoMessage(schema)
        found = message.found
        for number, wire, value in self._fields(code):
            if (known := schema.get(number)) is None:
                continue
            name, kind, many = known
            if isinstance(kind, dict):
                if wire != BYTES:
                    raise damaged()
                value = self.read(value, kind, None if many else message.one(name))
            else:
                value = _value(kind, wire, many, value)
            if many:
                found.setdefault(name, []).append(value)
            else:
                found.pop(name, None)
                found[name] = [value]
        return message

    def _fields(self, code: memoryview) -> Iterator[tuple[int, int, Any]]:
        """Number, wire type and value of each field of a message. Raises Refusal."""
        place, end = 0, len(code)
        while place < end:
            self.left -= 1
            if self.left < 0:
                raise Refusal("too-big", "its network has more parts than any generator")
            tag, start = _varint(code, place)
            number, wire = tag >> 3, tag & 7
            if not number:
                raise damaged()
            if wire == VARINT:
                value, place = _varint(code, start)
                yield number, wire, value
                continue
            if wire == BYTES:
                size, start = _varint(code, start)
            elif wire in SIZES:
                size = SIZES[wire]
            else:
                raise damaged()
            place = start + size
            if place > end:
                raise truncated("it is no ONNX network, or not a whole one")
            yield number, wire, code[start:place]


def damaged() -> Refusal:
    """What no writer of such a file writes, in words."""
    return Refusal("truncated", "it is no ONNX network, or a damaged one")


def _value(kind: str, wire: int, many: bool, value: Any) -> Any:
    """What a field of that wire type holds. Raises Refusal."""
    wanted = WIRES.get(kind, BYTES)
    packed = many and wire == BYTES != wanted
    if wire != wanted and not packed:
        raise damaged()
    if kind == "text":
        try:
            return str(value, "utf-8")
        except UnicodeDecodeError:
            raise damaged() from None
    return value if wire != VARINT else _signed(value, 32 if kind == "int32" else 64)


def _signed(value: int, bits: int) -> int:
    """A number of a varint: of one that is too long the lowest bits count."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _varint(code: memoryview, place: int) -> tuple[int, int]:
    """A number of 64 bits, and the place after it."""
    found = 0
    for shift in range(0, 70, 7):
        if place >= len(code):
            raise truncated("it is no ONNX network, or not a whole one")
        byte = code[place]
        place += 1
        found |= (byte & 127) << shift
        if byte < 128:
            return found & (2**64 - 1), place
    raise damaged()


def _unpacked(code: memoryview) -> list[int]:
    place, found = 0, list[int]()
    while place < len(code) and len(found) <= LONGEST_LIST:
        value, place = _varint(code, place)
        found.append(_signed(value, 64))
    return found


def _written(number: int, known: Field, value: Any) -> tuple[list[bytes | memoryview], int]:
    """A field: its bytes in pieces, and how many they are."""
    if isinstance(value, int):
        head = _as_varint(number << 3 | VARINT) + _as_varint(value & (2**64 - 1))
        return [head], len(head)
    wire = BYTES if known.many else WIRES.get(str(known.kind), BYTES)
    if wire != BYTES:
        head = _as_varint(number << 3 | wire)
        return [head, value], len(head) + len(value)
    pieces: list[bytes | memoryview]
    if isinstance(value, ProtoMessage):
        pieces, size = value.pieces()
    else:
        data = value.encode() if isinstance(value, str) else value
        pieces, size = [data], len(data)
    head = _as_varint(number << 3 | BYTES) + _as_varint(size)
    return [head, *pieces], len(head) + size


def _as_varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
