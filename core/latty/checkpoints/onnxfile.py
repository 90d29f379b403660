"""ONNX files: what goes in, what comes out, and whether anything could reach beyond the file.

ONNX is a protobuf message (onnx.proto3): a graph of operations from a closed list, with its numbers
inside. It is read here without onnxruntime, and never run. Refused are numbers that lie in other
files, loops, which may never end, and functions that unfold without end.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from latty.checkpoints.refusals import Refusal, truncated
from latty.text import clean

NETWORK = "network.onnx"  # the name under which the bytes of a whole file stand among tensors
LARGEST = 2**31  # bytes: protobuf has no larger messages
MOST_FIELDS, DEEPEST, MOST_NODES = 2_000_000, 16, 1_000_000
LOOPS = ("Loop", "Scan", "SequenceMap")
EXTERNAL = 1  # TensorProto.data_location
TYPES = {1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
         10: "float16", 11: "float64", 16: "bfloat16"}  # fmt: skip
TAGS = b"\x12\x1a\x22\x28\x30\x32\x3a\x42\x72"  # what may follow the version in a ModelProto
CUT = "it is no ONNX network, or not a whole one"
BOUND = "an exporter writes numbers into the file itself and unrolls loops, if it is told to"


class Value(NamedTuple):
    """An input or output of a network: an axis whose size is free is a word, or "" for none."""

    name: str
    dtype: str
    shape: tuple[int | str, ...] | None  # None: not said

    def __str__(self) -> str:
        axes = "x".join(str(axis) or "?" for axis in (self.shape or ("?",)))
        return clean(f"{self.name} {self.dtype} {axes}", 100)


class Node(NamedTuple):
    """One operation: its kind and the names of what goes in and comes out."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass
class Network:
    """What an ONNX file says about itself, by the names of its values."""

    version: int = 0
    version_at: tuple[int, int] = (0, 0)  # where the version stands: first byte, and past the last
    opset: int = 0
    producer: str = ""
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    numbers: dict[str, Value] = field(default_factory=dict)  # what was learned
    nodes: list[Node] = field(default_factory=list)

    @property
    def wanted(self) -> list[Value]:
        """Inputs that a caller gives: old files list the learned numbers among the inputs."""
        return [value for value in self.inputs if value.name not in self.numbers]


def is_onnx(head: bytes) -> bool:
    """Whether a file begins as ONNX does: field 1, a small version, another field of the kind."""
    return len(head) > 3 and head[0] == 8 and 0 < head[1] < 128 and head[2] in TAGS


def read(code: memoryview) -> Network:
    """The network of a whole file. Raises Refusal for what is damaged or reaches beyond it."""
    if len(code) >= LARGEST:
        raise Refusal("too-big", "ONNX has no files of 2 GiB and more")
    return _Reader().model(code)


class _Reader:
    """One pass over a file, with one budget for all of it."""

    def __init__(self) -> None:
        self.fields, self.network = 0, Network()
        self.functions: dict[str, Counter[str]] = {}  # the kinds of nodes in each

    def model(self, code: memoryview) -> Network:
        network, calls = self.network, Counter[str]()
        for number, value, at in self._fields(code):
            if number == 1 and isinstance(value, int):
                network.version, network.version_at = value, at
            elif number == 2:
                network.producer = _text(value)
            elif number == 7:
                calls += self._graph(value, 0, True)
            elif number == 8:
                self._opset(value)
            elif number == 20:
                raise Refusal("wrong-format", "it is made for training", "export it for use")
            elif number == 25:
                self._function(value)
        if not network.nodes or not network.outputs:
            raise Refusal("no-model", "it is no ONNX network: it computes nothing")
        self._unfold(calls)
        return network

    def _fields(self, code: "memoryview | int") -> "Iterator[tuple[int, memoryview | int, Span]]":
        """Each field of a message: number, value, and where the value stands. Raises Refusal."""
        if isinstance(code, int):
            raise _damaged()
        place, end = 0, len(code)
        while place < end:
            self.fields += 1
            if self.fields > MOST_FIELDS:
                raise Refusal("too-big", "its network has more parts than any generator")
            tag, start = _varint(code, place)
            kind = tag & 7
            if kind == 0:
                value, place = _varint(code, start)
                yield tag >> 3, value, (start, place)
                continue
            if kind == 2:
                size, start = _varint(code, start)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise _damaged()
            place = start + size
            if place > end:
                raise truncated(CUT)
            yield tag >> 3, code[start:place], (start, place)

    def _opset(self, code: "memoryview | int") -> None:
        found = {number: value for number, value, _ in self._fields(code)}
        version = found.get(2, 0)
        if not _text(found.get(1, memoryview(b""))) and isinstance(version, int):
            self.network.opset = version

    def _graph(self, code: "memoryview | int", depth: int, top: bool = False) -> Counter[str]:
        """Check a graph and all within it; the kinds of its nodes."""
        if depth > DEEPEST:
            raise Refusal("too-big", "its graphs are nested too deep")
        calls = Counter[str]()
        for number, value, _ in self._fields(code):
            if number == 1:
                calls += self._node(value, depth, top)
            elif number == 5:
                learned = self._tensor(value)
                if top:
                    self.network.numbers[learned.name] = learned
            elif number == 15:
                self._sparse(value)
            elif number in (11, 12) and top:
                into = self.network.inputs if number == 11 else self.network.outputs
                into.append(self._value(value))
        return calls

    def _node(self, code: "memoryview | int", depth: int, top: bool) -> Counter[str]:
        kind, domain, calls = "", "", Counter[str]()
        names = {1: list[str](), 2: list[str]()}
        for number, value, _ in self._fields(code):
            if number in names:
                names[number].append(_text(value))
            elif number == 4:
                kind = _text(value)
            elif number == 7:
                domain = _text(value)
            elif number == 5:
                calls += self._attribute(value, depth)
        if kind in LOOPS:
            what = f"it holds a loop ({kind}), which may never end"
            raise Refusal("wrong-format", what, BOUND)
        if top:
            self.network.nodes.append(Node(kind, tuple(names[1]), tuple(names[2])))
        calls[f"{domain}:{kind}"] += 1
        return calls

    def _attribute(self, code: "memoryview | int", depth: int) -> Counter[str]:
        calls = Counter[str]()
        for number, value, _ in self._fields(code):
            if number in (5, 10):
                self._tensor(value)
            elif number in (6, 11):
                calls += self._graph(value, depth + 1)
            elif number in (22, 23):
                self._sparse(value)
        return calls

    def _sparse(self, code: "memoryview | int") -> None:
        for number, value, _ in self._fields(code):
            if number in (1, 2):
                self._tensor(value)

    def _tensor(self, code: "memoryview | int") -> Value:
        """Name, kind and shape of a tensor whose numbers are in the file."""
        name, dtype, shape = "", "", list[int]()
        for number, value, _ in self._fields(code):
            if number == 13 or (number == 14 and value == EXTERNAL):
                what = "it keeps its numbers in another file"
                raise Refusal("wrong-format", what, "save it as one file")
            if number == 8:
                name = _text(value)
            elif number == 1:
                shape += [value] if isinstance(value, int) else _packed(value)
            elif number == 2 and isinstance(value, int):
                dtype = TYPES.get(value, f"type {value}")
        return Value(name, dtype, tuple(shape))

    def _value(self, code: "memoryview | int") -> Value:
        name, dtype, shape = "", "", None
        for number, value, _ in self._fields(code):
            if number == 1:
                name = _text(value)
            elif number == 2:
                for kind, tensor, _ in self._fields(value):
                    if kind == 1:
                        dtype, shape = self._tensor_type(tensor)
        return Value(name, dtype or "no tensor", shape)

    def _tensor_type(self, code: "memoryview | int") -> tuple[str, tuple[int | str, ...] | None]:
        dtype, shape = "", None
        for number, value, _ in self._fields(code):
            if number == 1 and isinstance(value, int):
                dtype = TYPES.get(value, f"type {value}")
            elif number == 2:
                axes = [axis for field, axis, _ in self._fields(value) if field == 1]
                shape = tuple(self._axis(axis) for axis in axes)
        return dtype, shape

    def _axis(self, code: "memoryview | int") -> int | str:
        size: int | str = ""
        for number, value, _ in self._fields(code):
            if number == 1 and isinstance(value, int):
                size = value if 0 < value < LARGEST else ""
            elif number == 2:
                size = _text(value)
        return size

    def _function(self, code: "memoryview | int") -> None:
        name, domain, calls = "", "", Counter[str]()
        for number, value, _ in self._fields(code):
            if number == 1:
                name = _text(value)
            elif number == 10:
                domain = _text(value)
            elif number == 7:
                calls += self._node(value, 0, False)
            elif number == 11:
                calls += self._attribute(value, 0)
        name = f"{domain}:{name}"
        self.functions[name] = self.functions.get(name, Counter()) + calls

    def _unfold(self, calls: Counter[str]) -> None:
        """Refuse functions that call themselves, or unfold to more nodes than any network has."""
        sizes: dict[str, int] = {}

        def size(name: str, above: tuple[str, ...]) -> int:
            if name in above or len(above) > DEEPEST:
                raise Refusal("too-big", "its functions call themselves")
            if name not in sizes:
                inner = self.functions.get(name)
                sizes[name] = 1 if inner is None else total(inner, (*above, name))
            return sizes[name]

        def total(kinds: Counter[str], above: tuple[str, ...]) -> int:
            return sum(count * size(kind, above) for kind, count in kinds.items())

        if total(calls, ()) > MOST_NODES:
            raise Refusal("too-big", "its network has more parts than any generator")


Span = tuple[int, int]


def _damaged() -> Refusal:
    return Refusal("truncated", "it is no ONNX network, or a damaged one")


def _varint(code: memoryview, place: int) -> tuple[int, int]:
    """A number of 64 bits, and the place after it."""
    found = 0
    for shift in range(0, 70, 7):
        if place >= len(code):
            raise truncated(CUT)
        byte = code[place]
        place += 1
        found |= (byte & 127) << shift
        if byte < 128:
            return found & (2**64 - 1), place
    raise _damaged()


def _packed(code: memoryview) -> list[int]:
    place, found = 0, list[int]()
    while place < len(code):
        value, place = _varint(code, place)
        found.append(value)
        if len(found) > 16:
            raise _damaged()
    return found


def _text(value: "memoryview | int") -> str:
    if isinstance(value, int):
        raise _damaged()
    return bytes(value[:1000]).decode("utf-8", "replace")
