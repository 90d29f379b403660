"""Arrays as numpy saves them: .npy, and .npz, which is a zip of them, packed or not.

The header is read by pattern, not as Python text; objects and structures are refused; the bytes
must be exactly as many as the shape says. Packed members are inflated when they are asked for.
"""

import re
from collections.abc import Callable
from math import prod

from latty.checkpoints import ziparchive
from latty.checkpoints.refusals import Refusal, bad_tensor, truncated
from latty.checkpoints.values import (
    Buffer,
    Storage,
    TensorView,
    checked_shape,
    dtype_code,
    item_size,
    packed,
    view,
)
from latty.checkpoints.ziparchive import STORED, Member, bad_zip
from latty.text import clean

MAGIC = b"\x93NUMPY"
HEADER_LIMIT = 10_000  # as numpy's max_header_size
HEAD = HEADER_LIMIT + 12

ITEM = re.compile(
    r"\s*'(?:(descr)':\s*('[^'\\]*'|\[.*\]|\(.*\))"
    r"|(fortran_order)':\s*(True|False)"
    r"|(shape)':\s*\(([0-9,\sL]*)\))\s*(?:,|(?=\}))"
)


def read_npy(code: memoryview) -> TensorView:
    """The array of a .npy file, as a view."""
    dtype, shape, fortran, start = read_header(bytes(code[:HEAD]))
    data = code[start:]
    return _view(dtype, shape, fortran, len(data), data, None)


def read_npz(
    code: memoryview, found: dict[str, Member]
) -> tuple[dict[str, TensorView], tuple[str, ...]]:
    """Every array of a .npz file by name, and warnings; raises Refusal."""
    warnings = ziparchive.verify(code, found)
    ziparchive.check_no_bomb(found.values())
    return {name.removesuffix(".npy"): _member(code, m) for name, m in found.items()}, warnings


def _member(code: memoryview, member: Member) -> TensorView:
    head = ziparchive.inflated_head(code, member, HEAD)
    dtype, shape, fortran, start = read_header(head)
    if member.method == STORED:
        data = member.raw(code)[start:]
        return _view(dtype, shape, fortran, len(data), data, None)

    def load() -> Buffer:
        return memoryview(ziparchive.inflated(code, member))[start:]

    return _view(dtype, shape, fortran, member.full - start, None, load)


def _view(
    dtype: str,
    shape: tuple[int, ...],
    fortran: bool,
    size: int,
    data: Buffer | None,
    load: Callable[[], Buffer] | None,
) -> TensorView:
    wanted = prod(shape) * item_size(dtype)
    if size < wanted:
        raise truncated(f"an array of shape {list(shape)} needs {wanted} bytes and has {size}")
    if size > wanted:
        raise bad_tensor(f"an array of shape {list(shape)} has {size - wanted} bytes too many")
    return view(Storage(dtype, prod(shape), data, load), 0, shape, packed(shape, fortran))


def read_header(head: bytes) -> tuple[str, tuple[int, ...], bool, int]:
    """Number type, shape, Fortran order and where the numbers begin. Raises Refusal."""
    if not head.startswith(MAGIC):
        raise bad_zip("a member named .npy is no numpy array")
    wide = 4 if head[6:7] in (b"\x02", b"\x03") else 2
    size = int.from_bytes(head[8 : 8 + wide], "little")
    start = 8 + wide + size
    if head[6:8] not in (b"\x01\x00", b"\x02\x00", b"\x03\x00") or size > HEADER_LIMIT:
        raise bad_tensor("its header is of no kind that numpy writes")
    if start > len(head):
        raise truncated("the array's header is cut")
    fields = _fields(head[8 + wide : start].decode("latin-1"))
    descr = fields["descr"]
    if not descr.startswith("'"):
        hint = "ask its author for plain arrays"
        raise Refusal("object-array", "it holds an array of structures, not of numbers", hint)
    sizes = [int(n.rstrip("L")) for n in re.split(r"[,\s]+", fields["shape"].strip()) if n]
    return dtype_code(descr[1:-1]), checked_shape(sizes), fields["fortran_order"] == "True", start


def _fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    if not text.startswith("{"):
        raise bad_tensor("its header is damaged")
    pos = 1
    while matched := ITEM.match(text, pos):
        word, value = (group for group in matched.groups() if group is not None)
        if word in fields:
            raise bad_tensor(f"its header says {word} twice")
        fields[word] = value
        pos = matched.end()
    if text[pos:].strip() != "}" or len(fields) != 3:
        raise bad_tensor(f"its header is damaged near '{clean(text[pos : pos + 30])}'")
    return fields
