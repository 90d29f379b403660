"""What torch's own functions make of a storage: a view that reads as torch would, or says why not.

A tensor that cannot be read is no fault of the file: it is told of when its numbers are asked for,
so what nobody needs, as an optimiser's state, stands in nobody's way.
"""

from typing import Any

from latty.checkpoints.refusals import bad_tensor
from latty.checkpoints.tally import Reading
from latty.checkpoints.values import (
    FLOAT8,
    Change,
    Storage,
    Symbol,
    TensorView,
    checked_shape,
    item_size,
    packed,
    view,
)

STORAGES = {  # torch's class -> numpy code of its numbers
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bf2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "|i1",
    "ByteStorage": "|u1",
    "BoolStorage": "|b1",
    "ComplexFloatStorage": "<c8",
    "ComplexDoubleStorage": "<c16",
    "UntypedStorage": "|u1",
    "QInt8Storage": "|i1",
    "QUInt8Storage": "|u1",
    "QInt32Storage": "<i4",
}
TYPES = {  # torch's dtype -> numpy code, or one of ours
    **{"float16": "<f2", "float32": "<f4", "float64": "<f8", "bfloat16": "bf2"},
    **{"half": "<f2", "float": "<f4", "double": "<f8", "bool": "|b1"},
    **{"int8": "|i1", "int16": "<i2", "int32": "<i4", "int64": "<i8"},
    **{"uint8": "|u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8"},
    **{"complex64": "<c8", "complex128": "<c16", "cfloat": "<c8", "cdouble": "<c16"},
    **{word: code for code, word in FLOAT8.items()},
}
DENSE = "ask its author to save it with plain numbers: tensor.to_dense(), tensor.float()"


def tensor(
    reading: Reading, storage: Any, offset: Any, size: Any, stride: Any, *more: Any
) -> TensorView:
    """`_rebuild_tensor` and `_rebuild_tensor_v2`: (storage, offset, size, stride, requires_grad,
    hooks, metadata), the last a table of the bits that views may have. Raises Refusal."""
    return _viewed(reading, storage, offset, size, stride, more[2] if len(more) > 2 else None)


def typed(
    reading: Reading,
    storage: Any,
    offset: Any,
    size: Any,
    stride: Any,
    grad: Any,
    hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> TensorView:
    """`_rebuild_tensor_v3`: bytes of a number type that has no storage class. Raises Refusal."""
    if not isinstance(storage, Storage) or not isinstance(dtype, Symbol):
        raise bad_tensor("a tensor has no storage")
    if dtype.name not in TYPES:
        return unreadable(reading, size, f"has numbers of the type {dtype.path}")
    code = TYPES[dtype.name]
    count = storage.numel * item_size(storage.dtype) // item_size(code)
    numbers = Storage(code, count, load=storage.raw)  # later: old files hold the bytes at the end
    return _viewed(reading, numbers, offset, size, stride, metadata)


def _viewed(
    reading: Reading, storage: Any, offset: Any, size: Any, stride: Any, metadata: Any
) -> TensorView:
    if not isinstance(storage, Storage):
        raise bad_tensor("a tensor has no storage")
    reading.tally.spend("tensors")
    bits = {key for key, on in metadata.items() if on} if isinstance(metadata, dict) else set()
    if bits - {"neg", "conj"}:
        return unreadable(reading, size, "is a view of a kind that latty does not know")
    change = Change(negative="neg" in bits, conjugate="conj" in bits) if bits else None
    return view(storage, offset, size, stride, change)


def quantised(
    reading: Reading, storage: Any, offset: Any, size: Any, stride: Any, how: Any, *_: Any
) -> TensorView:
    """`_rebuild_qtensor`: (number - zero) * scale, in float32 as torch has it. Raises Refusal."""
    if not isinstance(storage, Storage) or not (isinstance(how, tuple) and how):
        raise bad_tensor("a quantised tensor has no storage")
    scheme = how[0].name if isinstance(how[0], Symbol) else ""
    if scheme != "per_tensor_affine" or len(how) != 3:
        return unreadable(reading, size, "is quantised, and not with one scale for all its numbers")
    _, scale, zero = how
    if not (isinstance(scale, float | int) and isinstance(zero, int) and abs(zero) < 2**31):
        raise bad_tensor("a quantised tensor has no scale")
    reading.tally.spend("tensors")
    return view(storage, offset, size, stride, Change(scale=float(scale), zero=zero))


def sparse(reading: Reading, layout: Any, data: Any) -> TensorView:
    """`_rebuild_sparse_tensor`: (layout, (indices, values, size, ...))."""
    parts = data if isinstance(data, tuple) else ()
    size = next((part for part in reversed(parts) if isinstance(part, tuple)), ())
    return unreadable(reading, size, "is sparse, and latty reads dense numbers only")


def layout(reading: Reading, name: Any) -> str:
    """`_get_layout`: a word."""
    return name if isinstance(name, str) else ""


def meta(reading: Reading, dtype: Any, size: Any, stride: Any, *_: Any) -> TensorView:
    """`_rebuild_meta_tensor_no_storage`: a shape without numbers."""
    return unreadable(reading, size, "lies on torch's 'meta' device, which holds no numbers")


def from_numpy(reading: Reading, data: Any, *_: Any) -> TensorView:
    """`_rebuild_device_tensor_from_numpy`: of devices whose numbers travel as an array.
    Raises Refusal."""
    if not isinstance(data, TensorView):
        raise bad_tensor("a tensor of another device holds no array")
    return data


def odd(reading: Reading, *_: Any) -> TensorView:
    """Every other kind of tensor that torch writes."""
    return unreadable(reading, (), "is a tensor of a kind that latty does not read")


def parameter(reading: Reading, data: Any, *_: Any) -> TensorView:
    """`_rebuild_parameter`: the tensor itself. Raises Refusal."""
    if not isinstance(data, TensorView):
        raise bad_tensor("a parameter holds no tensor")
    return data


def size(reading: Reading, given: Any = ()) -> tuple[int, ...]:
    """`torch.Size`. Raises Refusal."""
    return checked_shape(given)


def unreadable(reading: Reading, given: Any, why: str) -> TensorView:
    """A tensor of that shape, (O, I) or any, that says why when its numbers are asked for.
    Raises Refusal for what is no shape."""
    reading.tally.spend("tensors")
    shape = checked_shape(given)
    return TensorView(Storage("<f4", 0), "<f4", shape, packed(shape), why=(why, DENSE))
