"""Safetensors files: header, names, shapes and views without any library; tensors through torch.

Layout: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}} with
free text under "__metadata__", then the raw numbers, in one piece, without gaps or overlaps.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.checkpoints.refusals import (
    Refusal,
    bad_tensor,
    code_of,
    naming,
    opening,
    truncated,
)
from latty.checkpoints.values import (
    Storage,
    TensorView,
    checked_shape,
    dtype_name,
    item_size,
    packed,
    view,
)
from latty.errors import LattyError, OutputError
from latty.files import cached
from latty.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

HEADER_LIMIT = 4 * 2**20  # bytes; a thousand tensors need a tenth of one MiB
DTYPES = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bf2", "BOOL": "|b1"},
    **{"I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1"},
    **{"U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1", "C64": "<c8"},
    **{"F8_E4M3": "8f-e4m3fn", "F8_E5M2": "8f-e5m2", "F8_E8M0": "8f-e8m0fnu"},
}
CODES = {dtype_name(dtype): code for code, dtype in DTYPES.items()}  # "float32" -> "F32", ...
WRITTEN = (
    *("float64", "float32", "float16", "bool"),
    *("int64", "int32", "int16", "int8", "uint8"),
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself: free text, the shape and number type of each tensor."""

    meta: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, str] = field(default_factory=dict)  # "float32", ...

    @property
    def arrays(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """As `beginning` takes them."""
        return {name: (self.dtypes[name], shape) for name, shape in self.shapes.items()}


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@cached(1024)
def read_header(path: Path) -> Header:
    """The header alone, in microseconds and without numpy; raises Missing, Refusal, OutputError.

    A process reads it once, while the file stays as it is.
    """
    with naming(path), opening(path) as file:
        size = os.fstat(file.fileno()).st_size
        length = _length(file.read(8), size)
        meta, entries = _parsed(file.read(length), size - 8 - length)
    shapes = {entry.name: entry.shape for entry in entries}
    return Header(meta, shapes, {entry.name: dtype_name(entry.dtype) for entry in entries})


def says_kind(path: Path, kind: str) -> bool:
    """Whether it is a file that latty wrote, with this word under "kind" in its header. Raises
    OutputError where the disk cannot be read, Refusal where another program writes it."""
    try:
        return read_header(path).meta.get("kind") == kind
    except OutputError:
        raise
    except LattyError as error:
        if isinstance(error, Refusal) and error.code == "changed":
            raise
        return False  # another kind of file, or a damaged one: its reader says what is wrong


def read(code: memoryview) -> tuple[dict[str, TensorView], dict[str, str]]:
    """Every tensor as a view, and the free text; raises Refusal."""
    length = _length(bytes(code[:8]), len(code))
    data = code[8 + length :]
    meta, entries = _parsed(bytes(code[8 : 8 + length]), len(data))
    tensors = {}
    for entry in entries:
        storage = Storage(entry.dtype, prod(entry.shape), data[entry.start : entry.stop])
        tensors[entry.name] = view(storage, 0, entry.shape, packed(entry.shape))
    return tensors, meta


def _length(start: bytes, size: int) -> int:
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > size - 8:
        raise truncated("its safetensors header is longer than the file")
    if not 2 <= length <= HEADER_LIMIT:
        raise Refusal("unknown-format", "it is no safetensors file: its header length is wrong")
    return length


def _parsed(text: bytes, size: int) -> tuple[dict[str, str], list[_Entry]]:
    """Free text, and entries in the order of their numbers, of which there are `size` bytes."""
    try:
        header = json.loads(text, object_pairs_hook=_once)
        meta, entries = _meta_and_entries(header)
    except (ValueError, RecursionError):
        raise bad_tensor("its safetensors header cannot be read") from None
    place = 0
    entries.sort(key=lambda e: (e.start, e.stop))
    for entry in entries:
        if entry.start != place:
            raise bad_tensor(f"the numbers of '{clean(entry.name)}' overlap others or leave a gap")
        place = entry.stop
    if place > size:
        raise truncated(f"its tensors need {place} bytes and {size} are there")
    if place < size:
        raise bad_tensor(f"{size - place} bytes of it belong to no tensor")
    return meta, entries


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError  # one name twice: two readers would see two files
    return table


def _meta_and_entries(header: Any) -> tuple[dict[str, str], list[_Entry]]:
    if not isinstance(header, dict):
        raise ValueError
    free = header.pop("__metadata__", {})
    if not isinstance(free, dict):
        raise ValueError
    meta = {str(key): str(value) for key, value in free.items()}
    return meta, [_entry(name, given) for name, given in header.items()]


def _entry(name: str, given: Any) -> _Entry:
    if not isinstance(given, dict):
        raise ValueError
    dtype, offsets = DTYPES.get(str(given.get("dtype"))), given.get("data_offsets")
    if dtype is None:
        raise bad_tensor(
            f"'{clean(name)}' has numbers of the unknown type {clean(str(given.get('dtype')), 20)}"
        )
    shape = checked_shape(given.get("shape"))
    if not isinstance(offsets, list) or len(offsets) != 2:
        raise ValueError
    start, stop = offsets
    if type(start) is not int or type(stop) is not int or not 0 <= start <= stop:
        raise ValueError
    if stop - start != prod(shape) * item_size(dtype):
        raise bad_tensor(f"'{clean(name)}' of shape {list(shape)} has {stop - start} bytes")
    return _Entry(name, dtype, shape, start, stop)


def read_tensors(path: Path) -> "dict[str, Tensor]":
    """All tensors by name, in the order of the header, each of the shape that it says: (K, L, D),
    (N,), or any other.

    Numbers of 16 bits are widened to float32. Raises Missing, OutputError, Refusal.
    """
    read_header(path)  # our own words for all that can be wrong with the container
    import torch

    # in torch's own memory, where they are always aligned alike: so are last bits
    return {name: torch.tensor(array) for name, array in _arrays(path)}


def read_arrays(path: Path) -> "dict[str, NDArray[Any]]":
    """The same as read-only arrays, (K, L, D) or of any other shape; torch is not imported. Raises
    Missing, OutputError, Refusal."""
    return dict(_arrays(path))


def _arrays(path: Path) -> "Iterator[tuple[str, NDArray[Any]]]":
    """One after the other: those that are widened need not lie in memory together."""
    names = read_header(path).shapes
    with naming(path), opening(path) as file:
        views, _ = read(code_of(file, os.fstat(file.fileno()).st_size))
        for name in names:
            yield name, views[name].numpy()


def pieces(
    meta: Mapping[str, str], tensors: "Mapping[str, Tensor | NDArray[Any]]"
) -> list[bytes | memoryview]:
    """What a file of these tensors, (K, L, D) or of any other shape, and this free text is made of;
    no number is copied. Number types that the format has no word for are written as float32."""
    arrays: dict[str, tuple[str, tuple[int, ...]]] = {}
    numbers: list[bytes | memoryview] = []
    for name, given in tensors.items():
        array = _array(given)
        arrays[name] = str(array.dtype), tuple(array.shape)
        numbers.append(array.data.cast("B") if array.size else b"")
    return [*beginning(meta, arrays), *numbers]


def _array(given: "Tensor | NDArray[Any]") -> "NDArray[Any]":
    """The numbers in one piece, in a type that is written."""
    import numpy as np

    known = str(given.dtype).removeprefix("torch.") in WRITTEN
    if isinstance(given, np.ndarray):
        return np.asarray(given, order="C") if known else given.astype("<f4")
    found: NDArray[Any] = (given if known else given.float()).detach().cpu().contiguous().numpy()
    return found


def beginning(
    meta: Mapping[str, str], arrays: Mapping[str, tuple[str, tuple[int, ...]]]
) -> tuple[bytes, bytes]:
    """What stands before the numbers of arrays, ("float32", shape) by name: they follow in this
    order, one behind the other, little-endian.

    The reference writer orders free text by a random hash, so two runs would differ; this one
    keeps the order given.
    """
    table: dict[str, Any] = {"__metadata__": dict(meta)}
    offset = 0
    for name, (dtype, shape) in arrays.items():
        code = CODES[dtype]
        ends = [offset, offset + prod(shape) * item_size(DTYPES[code])]
        table[name] = {"dtype": code, "shape": list(shape), "data_offsets": ends}
        offset = ends[1]
    header = json.dumps(table).encode()
    header += b" " * (-len(header) % 8)  # the numbers start at a multiple of 8
    return len(header).to_bytes(8, "little"), header
