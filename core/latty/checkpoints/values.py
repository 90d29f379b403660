"""What a checkpoint holds once it is read: plain values, and views of numbers not yet touched.

Nothing here imports torch; numpy is imported when an array is asked for, and not before.
"""

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from latty.budget import Budget
from latty.checkpoints.refusals import Mapped, Refusal, bad_tensor, reread
from latty.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")
Buffer = bytes | memoryview

MAX_DIMS = 16
MAX_NUMBERS = 2**48  # no honest shape comes near; keeps every product far from overflow
MAX_EMPTY = 2**20  # of the other sizes where one is 0: no bytes stand for them
LIST_LIMIT = 4096  # elements that `tolist` gives; longer arrays are weights
PLAIN_DEPTH, PLAIN_LIMIT = 32, 10_000  # nesting and number of values of one setting
MODULE_TABLES = ("_parameters", "_buffers", "_modules")  # of a torch module's __dict__
BFLOAT16 = "bf2"  # a number type without a numpy code, as those of one byte are:
FLOAT8 = {
    f"8f-{kind}": f"float8_{kind}" for kind in ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz", "e8m0fnu")
}

# Sizes in bytes that each kind of numpy code may have.
SIZES = {"f": (2, 4, 8), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "b": (1,), "c": (8, 16)}
TEXT_KINDS = {"S": 1, "U": 4}  # bytes per character
WORDS = {"f": "float", "i": "int", "u": "uint", "c": "complex"}
PACKED = {
    **{"f2": "e", "f4": "f", "f8": "d", "b1": "?", "bf2": "H"},
    **{"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "u8": "Q"},
    **{"c8": "ff", "c16": "dd"},
}


def item_size(dtype: str) -> int:
    """Bytes of one number of a numpy code ("<f4", "|S3") or "bf2"."""
    if dtype == BFLOAT16 or dtype in FLOAT8:
        return 2 if dtype == BFLOAT16 else 1
    return int(dtype[2:]) * TEXT_KINDS.get(dtype[1], 1)


def dtype_name(dtype: str) -> str:
    """The word for people: float32, bfloat16, int64, bool, text of 8."""
    if dtype == BFLOAT16 or dtype in FLOAT8:
        return FLOAT8.get(dtype, "bfloat16")
    if dtype[1] in TEXT_KINDS:
        return f"text of {dtype[2:]}"
    return "bool" if dtype[1] == "b" else f"{WORDS[dtype[1]]}{item_size(dtype) * 8}"


def dtype_code(text: str, order: str = "") -> str:
    """A checked numpy code with its byte order; raises Refusal for objects and structures."""
    if len(text) > 16:
        raise bad_tensor("it has numbers of an unknown type")
    given = text[:1] if text[:1] in ("<", ">", "|", "=") else ""
    kind, size = text[len(given) : len(given) + 1], text[len(given) + 1 :]
    if kind in ("O", "V", "["):
        raise Refusal(
            "object-array",
            "it holds an array of Python objects, which only running code could read",
            "ask its author for an array of plain numbers",
        )
    if not (size.isascii() and size.isdecimal() and len(size) <= 5):
        raise bad_tensor(f"it has numbers of the unknown type '{clean(text, 20)}'")
    known = int(size) in SIZES.get(kind, ()) or kind in TEXT_KINDS
    if not known:
        raise bad_tensor(f"it has numbers of the unknown type '{clean(text, 20)}'")
    single = kind == "S" or (kind != "U" and int(size) == 1)
    mark = "|" if single else (order or given).replace("=", "<").replace("|", "<") or "<"
    return f"{mark}{kind}{int(size)}"


def float8(dtype: str, byte: int) -> float:
    """The value of a byte of one of the FLOAT8 types: sign, exponent, fraction, each type with its
    own bias and its own infinities (Open Compute Project, OFP8; "uz": one zero, and no infinity).
    """
    kind = dtype.removeprefix("8f-")
    if kind == "e8m0fnu":
        return math.nan if byte == 0xFF else math.ldexp(1.0, byte - 127)
    bits = int(kind[3])  # of the fraction
    sign, exponent, part = -1.0 if byte >> 7 else 1.0, (byte & 0x7F) >> bits, byte & (1 << bits) - 1
    bias = 2 ** (6 - bits) - (0 if kind.endswith("uz") else 1)
    if kind.endswith("uz"):
        if byte == 0x80:
            return math.nan
    elif kind == "e5m2" and exponent == 31:
        return math.nan if part else sign * math.inf
    elif byte & 0x7F == 0x7F:
        return math.nan
    lead = 1.0 if exponent else 0.0
    return math.ldexp(sign * (lead + part / (1 << bits)), max(exponent, 1) - bias)


@dataclass(slots=True, eq=False)
class Storage:
    """A run of `numel` numbers in the file; `data` arrives late in the old torch format."""

    dtype: str
    numel: int
    data: Buffer | None = None
    load: Callable[[], Buffer] | None = field(default=None, repr=False)  # compressed: on demand

    def raw(self) -> Buffer:
        """Its bytes, `numel * item_size` of them. Raises Refusal."""
        if self.data is None and self.load is not None:
            self.data = self.load()
        if self.data is None:
            raise bad_tensor("a tensor has no numbers in the file")
        return self.data


@dataclass(frozen=True, slots=True)
class Change:
    """What a view does to the numbers that it shows: torch's negative and conjugate bits, and
    (number - zero) * scale of quantised tensors, where scale is not 0."""

    negative: bool = False
    conjugate: bool = False
    scale: float = 0.0
    zero: int = 0

    def of_array(self, array: "NDArray[Any]") -> "NDArray[Any]":
        """Of numbers of any shape (...,)."""
        import numpy as np

        if self.scale:
            return (array.astype(np.float32) - np.float32(self.zero)) * np.float32(self.scale)
        turned = np.conj(array) if self.conjugate else array
        return np.negative(turned) if self.negative else turned

    def of_number(self, value: Any) -> Any:
        if self.scale:
            return (value - self.zero) * self.scale
        turned = value.conjugate() if self.conjugate else value
        return -turned if self.negative else turned


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TensorView:
    """A tensor or array: shape, stride and offset counted in numbers of `storage`, all checked.

    change    what its numbers are turned into while they are read
    why       why it cannot be read, and what to do; None for all that can
    """

    storage: Storage
    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int = 0
    change: Change | None = None
    why: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"TensorView({dtype_name(self.dtype)}, {list(self.shape)})"

    def check(self, name: str = "") -> None:
        """Raises Refusal where it cannot be read."""
        if self.why is not None:
            said = f"tensor '{clean(name)}'" if name else "a tensor of it"
            raise Refusal("bad-tensor", f"{said} {self.why[0]}", self.why[1])

    @property
    def numel(self) -> int:
        return prod(self.shape)

    def numpy(self) -> "NDArray[Any]":
        """A read-only array of its shape, (O, I, H, W) for a convolution, over the bytes that were
        read; of a mapped file a copy; 16-bit floats are widened to float32. Raises Refusal,
        OutputError."""
        self.check()
        found = self._as_stored()
        return found if self.change is None else self.change.of_array(found)

    def _as_stored(self) -> "NDArray[Any]":
        import numpy as np

        small = self.dtype in FLOAT8 or self.dtype == "|b1"
        code = "|u1" if small else {BFLOAT16: "<u2"}.get(self.dtype, self.dtype)
        if self.numel == 0:
            code = "<f4" if self.dtype[1:] == "f2" or self.dtype in FLOAT8 else self.dtype
            empty: NDArray[Any] = np.zeros(self.shape, code)
            return empty
        size = item_size(self.dtype)
        steps = tuple(
            step * size if n > 1 else size for n, step in zip(self.shape, self.stride, strict=True)
        )
        raw: NDArray[Any] = np.ndarray(self.shape, code, self._bytes(size), 0, steps)
        if self.dtype == BFLOAT16:
            wide: NDArray[Any] = (raw.astype(np.uint32) << np.uint32(16)).view(np.float32)
            return wide
        if self.dtype in FLOAT8:
            values = [float8(self.dtype, byte) for byte in range(256)]
            eighth: NDArray[Any] = np.array(values, np.float32)[raw]
            return eighth
        if self.dtype == "|b1":  # any byte but 0 is true; numpy takes such bytes as they are
            truth: NDArray[Any] = np.not_equal(raw, 0)
            return truth
        return raw.astype(np.float32) if self.dtype[1:] == "f2" else raw

    def _bytes(self, size: int) -> Buffer:
        """Of its numbers, `size` each, the first to the last."""
        import numpy as np

        reach = sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        data = memoryview(self.storage.raw())[self.offset * size : (self.offset + reach + 1) * size]
        whole = data.obj
        if not isinstance(whole, Mapped):
            return data
        start = np.frombuffer(data, "u1").ctypes.data - np.frombuffer(whole, "u1").ctypes.data
        copy, place = bytearray(data.nbytes), 0
        for piece in reread(data, start):
            copy[place : place + len(piece)] = piece
            place += len(piece)
        return memoryview(copy).toreadonly()

    def _numbers(self) -> Iterator[Any]:
        """Every element in C order, without numpy."""
        self.check()
        if not self.numel:
            return
        data, size = self.storage.raw(), item_size(self.dtype)
        places = [self.offset]
        for n, step in zip(self.shape, self.stride, strict=True):
            places = [place + i * step for place in places for i in range(n)]
        for place in places:
            value = _unpacked(self.dtype, bytes(data[place * size : (place + 1) * size]))
            yield value if self.change is None else self.change.of_number(value)

    def tolist(self) -> Any:
        """Python numbers: one for shape (), else nested lists; for at most LIST_LIMIT numbers.
        Raises Refusal."""
        if self.numel > LIST_LIMIT:
            raise bad_tensor(f"an attribute holds {self.numel} numbers: too many for a setting")
        flat: list[Any] = list(self._numbers())
        for n in reversed(self.shape[1:]):
            flat = [flat[i : i + n] for i in range(0, len(flat), n)] if n else []
        return flat if self.shape else flat[0]


def _unpacked(dtype: str, data: bytes) -> Any:
    if dtype in FLOAT8:
        return float8(dtype, data[0])
    if dtype != BFLOAT16 and dtype[1] in TEXT_KINDS:
        codec = "latin-1" if dtype[1] == "S" else "utf-32-le" if dtype[0] == "<" else "utf-32-be"
        return data.decode(codec, "replace").rstrip("\0")
    order = ">" if dtype[0] == ">" else "<"
    code = dtype if dtype == BFLOAT16 else dtype[1:]
    values = struct.unpack(order + PACKED[code], data)
    if dtype == BFLOAT16:
        return struct.unpack("<f", struct.pack("<I", values[0] << 16))[0]
    return values[0] if len(values) == 1 else complex(*values)


def arrays(views: Mapping[str, TensorView]) -> "dict[str, NDArray[Any]]":
    """Name -> read-only array of its own shape (C, H, W) or any. Raises Refusal, which names the
    tensor, for one that cannot be read."""
    for name, one in views.items():
        one.check(name)
    return {name: one.numpy() for name, one in views.items()}


def checked_shape(shape: Any) -> tuple[int, ...]:
    """A shape from a file as a tuple of plain sizes. Raises Refusal."""
    sizes = _checked(shape, "shape", "size")
    most = MAX_EMPTY if 0 in sizes else MAX_NUMBERS
    if prod(n for n in sizes if n) > most:
        raise bad_tensor("a tensor's shape is impossibly large")
    return sizes


def _checked(given: Any, what: str, entry: str) -> tuple[int, ...]:
    if not isinstance(given, tuple | list) or len(given) > MAX_DIMS:
        raise bad_tensor(f"a tensor's {what} is no list of at most {MAX_DIMS} {entry}s")
    if any(type(n) is not int or not 0 <= n <= MAX_NUMBERS for n in given):
        raise bad_tensor(f"a tensor's {what} has an impossible {entry}")
    return tuple(given)


def packed(shape: tuple[int, ...], fortran: bool = False) -> tuple[int, ...]:
    """Strides, in numbers, of an array without gaps."""
    strides, step = [], 1
    for n in shape if fortran else reversed(shape):
        strides.append(step)
        step *= n
    return tuple(strides if fortran else reversed(strides))


def view(
    storage: Storage, offset: Any, size: Any, stride: Any, change: Change | None = None
) -> TensorView:
    """A view whose every element lies inside its storage, and which repeats none in bulk.
    Raises Refusal."""
    shape, steps = checked_shape(size), _checked(stride, "stride", "step")
    if type(offset) is not int or offset < 0 or len(steps) != len(shape):
        raise bad_tensor("a tensor's offset or stride is impossible")
    numel = prod(shape)
    last = offset + sum((n - 1) * step for n, step in zip(shape, steps, strict=True)) + 1
    if numel > storage.numel or (numel and last > storage.numel) or offset > storage.numel:
        words = f"a tensor of {list(shape)} needs {max(numel, last)} numbers"
        raise bad_tensor(f"{words}, its storage has {storage.numel}")
    return TensorView(storage, storage.dtype, shape, steps, offset, change)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A name that a pickle asked for: its words alone, never the thing itself."""

    module: str
    name: str
    kind: str  # what the reader makes of it; "record" and "foreign" for names outside the table

    @property
    def path(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(slots=True, eq=False, repr=False)
class Record:
    """An object of somebody's class, read as data: its class by name, its complete __dict__.

    A torch module is one of these, and what it holds goes by the names of its state_dict.

    state      its attributes, as pickle's BUILD sets them
    entries    what a class derived from dict holds
    items      what a class derived from list holds
    """

    class_name: str
    state: dict[Any, Any] = field(default_factory=dict)
    entries: dict[Any, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({clean(self.class_name)!r})"

    @property
    def is_module(self) -> bool:
        """Whether it is a torch module, whose other attributes are settings."""
        return any(isinstance(self.state.get(table), dict) for table in MODULE_TABLES)

    @property
    def breadth(self) -> int:
        """Entries that looking into it passes over, at most."""
        inner = sum(len(t) for t in self.state.values() if isinstance(t, dict))
        return len(self.state) + inner + len(self.entries) + len(self.items)

    @property
    def tensors(self) -> dict[str, TensorView]:
        """Its own parameters and buffers by name, without those of its children, and without the
        buffers that its state_dict leaves out."""
        hidden = self.state.get("_non_persistent_buffers_set")
        left_out = hidden if isinstance(hidden, set) else ()
        buffers = _named(self.state.get("_buffers"), TensorView)
        kept = {name: one for name, one in buffers.items() if name not in left_out}
        return {**_named(self.state.get("_parameters"), TensorView), **kept}

    @property
    def children(self) -> "dict[str, Record]":
        return _named(self.state.get("_modules"), Record)

    @property
    def contents(self) -> dict[Any, Any]:
        """What lies in it by name: a module's tensors and children, else all that it holds."""
        if self.is_module:
            return {**self.tensors, **self.children}
        return {**self.state, **self.entries, **dict(enumerate(self.items))}

    @property
    def attributes(self) -> dict[str, Any]:
        """Every other attribute as plain Python: conv_clamp, up_factor (numpy ints too), ..."""
        return self.settings()

    def settings(self, budget: Budget | None = None) -> dict[str, Any]:
        """The same; what they cost is counted as "values of settings". One that is larger than
        PLAIN_LIMIT, as a record of all losses, is no setting and is left out."""
        found: dict[str, Any] = {}
        for key, value in self.state.items():
            if isinstance(key, str) and key not in MODULE_TABLES:
                try:
                    found[key] = plain(value, budget)
                except Oversize:
                    continue
        return found

    def child(self, path: str) -> "Record":
        """The module at "synthesis.b4"; raises Refusal("missing-key")."""
        module = self
        for name in path.split("."):
            if name not in module.children:
                raise Refusal("missing-key", f"module '{clean(path)}' is missing")
            module = module.children[name]
        return module


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class Persistent(Record):
    """A module of NVIDIA's PyTorch files, which travels with its source text.

    That text is hashed and dropped. The hash is a hint, never a ticket.
    """

    source_sha256: str
    nvidia: bool  # the source text says NVIDIA


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TfNetwork:
    """A network of NVIDIA's TensorFlow files: version, name, static_kwargs, components, variables.

    `state` is filled once, when the reader meets it; the source text is hashed and dropped.
    """

    state: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"TfNetwork({clean(str(self.state.get('name', '')))!r})"

    @property
    def breadth(self) -> int:
        """Entries that looking into it passes over, at most."""
        inner = (t for t in self.state.values() if isinstance(t, dict | list))
        return len(self.state) + sum(map(len, inner))

    @property
    def components(self) -> dict[str, "TfNetwork"]:
        return _named(self.state.get("components"), TfNetwork)

    @property
    def kwargs(self) -> dict[str, Any]:
        """`static_kwargs` as plain Python. Raises Refusal."""
        return self.settings()

    def settings(self, budget: Budget | None = None) -> dict[str, Any]:
        """The same, counted as of a Record. Raises Refusal."""
        value = plain(self.state.get("static_kwargs", {}), budget)
        return value if isinstance(value, dict) else {}

    @property
    def variables(self) -> dict[str, TensorView]:
        """Its own variables by name, without those of its components."""
        value = self.state.get("variables")
        pairs = value if isinstance(value, list) else []
        named = [pair for pair in pairs if isinstance(pair, tuple | list) and len(pair) == 2]
        return {n: v for n, v in named if isinstance(n, str) and isinstance(v, TensorView)}


def _named(table: Any, kind: type[T]) -> dict[str, T]:
    """The entries of that kind in a table, which may be anything."""
    entries = table.items() if isinstance(table, dict) else ()
    return {n: v for n, v in entries if isinstance(n, str) and isinstance(v, kind)}


class Oversize(Refusal):
    """A setting of too many values, or nested too deeply."""

    def __init__(self) -> None:
        hint = "this is no checkpoint of a generator"
        super().__init__("too-big", "its settings are nested too deeply", hint)

    def about(self, file: str) -> Refusal:
        """The same, naming the file."""
        return Refusal(self.code, self.what, self.hint, file)


def plain(value: Any, budget: Budget | None = None) -> Any:
    """Numpy numbers and short arrays as Python numbers and lists, inside containers too; counted as
    "values of settings". Raises Oversize for more than PLAIN_LIMIT values, Refusal."""
    left = [PLAIN_LIMIT]
    try:
        return _plain(value, PLAIN_DEPTH, left)
    finally:
        if budget is not None:
            budget.spend("values of settings", PLAIN_LIMIT - left[0])


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    size = min(value.numel, LIST_LIMIT) if isinstance(value, TensorView) else 0
    size = len(value) if isinstance(value, dict | list | tuple) else size
    # Containers may be shared: a small file can spell a huge tree.
    if depth < 0 or left[0] <= size:
        raise Oversize
    left[0] -= 1
    if isinstance(value, TensorView):
        left[0] -= size
        return value.tolist() if value.numel <= LIST_LIMIT else value
    if isinstance(value, dict):
        return {key: _plain(item, depth - 1, left) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_plain(item, depth - 1, left) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return value
