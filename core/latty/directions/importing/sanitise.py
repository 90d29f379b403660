"""Values out of other programs' files, checked and made legal: names, layers, settings, numbers.

Files are untrusted: what cannot be made legal is refused with one line that names the file.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite, prod, sqrt
from typing import TYPE_CHECKING, Any, NoReturn

from latty.checkpoints.values import BFLOAT16, LIST_LIMIT, TensorView
from latty.directions.file import Value
from latty.errors import BadData
from latty.scene import ALL, Layers
from latty.text import clean

if TYPE_CHECKING:
    from torch import Tensor

    from latty.directions.importing.source import ImportSource

NAME_LIMIT, TEXT_LIMIT = 80, 200
COUNT_LIMIT = 5000  # directions of one set
WIDTH_LIMIT = 2**24  # numbers of one direction: an activation of 512 x 128 x 128 has half of it
LENGTHS = (1e-9, 1e9)  # of a vector; beyond, it is nothing or noise
TOTAL_LIMIT = 2**29  # numbers of one import, 2 GiB: five times WarpedGANSpace's largest
PARAMS_LIMIT = 100
LAYER_LIMIT = 100
AGAIN = "ask its author for the file again"


def refuse(source: "ImportSource", what: str, hint: str = AGAIN) -> NoReturn:
    """Raises BadData, naming the file."""
    raise BadData(f"{clean(source.path.name)}: {what}", hint)


# --- names ----------------------------------------------------------------------------------------


def name_of(text: object, otherwise: str) -> str:
    """A legal direction name: printable, no "/" or "#", not only digits, at most 80 characters."""
    words = "".join(c if c.isprintable() else " " for c in str(text)[:1000])
    words = " ".join(words.replace("/", "-").replace("#", "-").split())[:NAME_LIMIT].strip()
    if not words:
        return otherwise
    return f"{otherwise[:1]}{words}"[:NAME_LIMIT] if words.isdecimal() else words


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """The same names, the second "smile" as "smile-2"."""
    tried: dict[str, int] = {}  # what a name began with -> the last number after it
    found: dict[str, None] = {}
    for name in names:
        word, start = name, name[: NAME_LIMIT - 6]
        while word in found:
            tried[start] = tried.get(start, 1) + 1
            word = f"{start}-{tried[start]}"
        found[word] = None
    return tuple(found)


# --- settings -------------------------------------------------------------------------------------


def params(table: Mapping[Any, Any], **more: Value) -> tuple[tuple[str, Value], ...]:
    """Every plain setting by name, tables inside as "decomposition.layer"; arrays are left out."""
    found: dict[str, Value] = dict(more)
    _collect(table, "", found, 3)
    return tuple(list(found.items())[:PARAMS_LIMIT])


def _collect(table: Mapping[Any, Any], prefix: str, found: dict[str, Value], depth: int) -> None:
    for key, value in list(table.items())[:PARAMS_LIMIT]:
        name = prefix + clean(str(key), 60)
        if isinstance(value, Mapping):
            if depth:
                _collect(value, f"{name}.", found, depth - 1)
        elif not (isinstance(value, TensorView) and value.shape and value.numel > 1):
            found[name] = plain_value(value)


def plain_value(value: Any, depth: int = 2) -> Value:
    """A setting as JSON can hold it."""
    if isinstance(value, TensorView) and value.numel == 1:
        value = number_or_text(value)
    if isinstance(value, list | tuple):
        items = value[:PARAMS_LIMIT] if depth else []
        return tuple(plain_value(item, depth - 1) for item in items)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else clean(str(value)[:TEXT_LIMIT], TEXT_LIMIT)
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    return clean(value if isinstance(value, str) else type(value).__name__, TEXT_LIMIT)


def number_or_text(value: Any) -> Any:
    """A Python number or text of either itself or an array of one."""
    if isinstance(value, TensorView):
        if value.numel != 1:
            return None
        value = value.tolist()
        while isinstance(value, list):
            value = value[0]
    return value


def number(value: Any, otherwise: float) -> float:
    """A finite number, or `otherwise`."""
    found = number_or_text(value)
    if isinstance(found, bool) or not isinstance(found, int | float) or not abs(found) < 1e30:
        return otherwise
    return float(found)


def raw(value: Any) -> str:
    """Text as it is, for `name_of`; "" for anything else."""
    found = number_or_text(value)
    return found if isinstance(found, str) else ""


def text(value: Any) -> str:
    """One clean line, "" for anything but text."""
    return clean(raw(value), TEXT_LIMIT)


def layers(start: Any, end: Any) -> Layers:
    """Half-open in, as GANSpace stores it; anything odd means all layers."""
    first, last = int(number(start, 0)), int(number(end, -1))
    if not 0 <= first < LAYER_LIMIT:
        return ALL
    return Layers(first, last) if first < last <= LAYER_LIMIT else Layers(first)


# --- numbers --------------------------------------------------------------------------------------


def is_floats(value: Any) -> bool:
    """An array of floats that is not empty."""
    if not isinstance(value, TensorView) or value.numel == 0:
        return False
    return value.dtype == BFLOAT16 or value.dtype[1] == "f"


def floats(source: "ImportSource", table: Any, key: str) -> TensorView:
    """The array of floats under `key`; raises BadData."""
    found = table.get(key) if isinstance(table, dict) else None
    if not isinstance(found, TensorView) or not is_floats(found):
        refuse(source, f"'{clean(key)}' is missing or holds no floats")
    return found


def reshaped(view: TensorView, shape: tuple[int, ...]) -> TensorView:
    """The same numbers in another shape, where axes of length 1 are all that differs."""
    kept = [(n, step) for n, step in zip(view.shape, view.stride, strict=True) if n > 1]
    steps = iter(step for _, step in kept)
    assert [n for n, _ in kept] == [n for n in shape if n > 1]
    stride = tuple(next(steps) if n > 1 else 1 for n in shape)
    return TensorView(view.storage, view.dtype, shape, stride, view.offset)


def squeezed(view: TensorView) -> TensorView:
    """Without axes of length 1, but for the last one left."""
    shape = tuple(n for n in view.shape if n > 1) or (1,)
    return reshaped(view, shape)


def head(view: TensorView, most: int = 0) -> list[list[float]]:
    """The first `most` rows (of the last axis) of an array, read without numpy; 0: a few."""
    width = view.shape[-1]
    if not 0 < width <= LIST_LIMIT:
        return []
    count = min(prod(view.shape[:-1]), most or LIST_LIMIT // width)
    rows = []
    for i in range(count):
        place, offset = i, view.offset
        for n, step in zip(reversed(view.shape[:-1]), reversed(view.stride[:-1]), strict=True):
            offset += (place % n) * step
            place //= n
        row = TensorView(view.storage, view.dtype, (width,), view.stride[-1:], offset)
        rows.append([float(x) for x in row.tolist()])
    return rows


def length(row: Sequence[float]) -> float:
    """Euclidean; infinite where a number is none."""
    total = sum(x * x for x in row if isfinite(x))
    return sqrt(total) if all(map(isfinite, row)) else float("inf")


def check_directions(source: "ImportSource", shape: tuple[int, ...]) -> None:
    """Raises BadData for shapes that no direction set can have."""
    count, width = shape[0], prod(shape[1:])
    if count > COUNT_LIMIT or prod(shape) > TOTAL_LIMIT or width > WIDTH_LIMIT or width < 2:
        refuse(source, f"{list(shape)} is no shape of directions", "name another file")


def tensor(source: "ImportSource", view: TensorView, what: str) -> "Tensor":
    """The numbers, float32 and finite, in the view's shape (K, ...). Raises BadData."""
    from latty.models.parts import to_torch

    if view.numel > TOTAL_LIMIT:
        refuse(source, f"'{clean(what)}' holds {view.numel} numbers: too many")
    found = to_torch(view.numpy()).float()
    if not found.isfinite().all():
        refuse(source, f"'{clean(what)}' holds NaN, infinite or far too large numbers")
    return found


def check_lengths(source: "ImportSource", vectors: "Tensor", names: Sequence[str]) -> "Tensor":
    """Vectors (K, ...) of lengths that mean something; raises BadData."""
    lengths = vectors.double().flatten(1).norm(dim=1).tolist()
    for name, size in zip(names, lengths, strict=True):
        if not LENGTHS[0] < size < LENGTHS[1]:
            what = "is all zeros" if size == 0 else f"has the length {size:.3g}"
            refuse(source, f"direction '{name}' {what}: it leads nowhere")
    return vectors
