"""Small files that spell huge work: each kind once, by the name of its file.

A kind stands for a way to make a reader count, copy or remember more than the file holds.
"""

import io
import json
import struct
import zipfile
from collections.abc import Callable

import numpy as np
from bad_checkpoints import PERSISTENT, npy, safetensors

PICKLE = b"\x80\x02"
EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
SCALAR = (  # numpy's scalar and its dtype, remembered as 1 and 2
    b"cnumpy.core.multiarray\nscalar\nq\x01cnumpy\ndtype\n(U\x02f4K\x00K\x01tR(K\x03U\x01<NNN"
    b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbq\x0200"
)


def word(text: str) -> bytes:
    """The operation that puts a text on the stack of a pickle."""
    data = text.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(data)) + data


def table(pairs: dict[str, bytes]) -> bytes:
    """The operations that make a dict of values that are spelt already."""
    return b"}(" + b"".join(word(key) + value for key, value in pairs.items()) + b"u"


def shared_table() -> bytes:
    """One table of 400 000 numbers under 20 000 names."""
    numbers = b"".join(b"J" + struct.pack("<i", i) + b"K\x01" for i in range(400_000))
    return (
        PICKLE
        + table(
            {
                "k": b"}q\x00(" + numbers + b"u",
                **dict.fromkeys(map(str, range(20_000)), b"h\x00"),
            }
        )
        + b"."
    )


def module(state: bytes) -> bytes:
    """A module as NVIDIA's code saves it, of no particular class."""
    said = {"class_name": word("Layer"), "module_src": word("x = 1"), "state": state}
    name = f"c{PERSISTENT.module}\n{PERSISTENT.name}\n".encode()
    return name + b"(" + table({"type": word("class"), "version": b"K\x06", **said}) + b"tR"


def shared_settings() -> bytes:
    """900 modules that share one state of 60 settings, each the same list of 90 000 numbers."""
    rest = {"_parameters": b"}", "_buffers": b"}"}
    numbers = b"](" + b"K\x01" * 90_000 + b"eq\x05"
    settings = {f"s{i}": b"h\x05" for i in range(60)}
    state = table({"s": numbers, **settings, **rest, "_modules": b"}"}) + b"q\x06"
    children = {"m": module(state), **{f"m{i}": module(b"h\x06") for i in range(900)}}
    whole = module(table({**rest, "_modules": table(children)}))
    return PICKLE + table({"G_ema": whole}) + b"."


def shared_twice(depth: int, fan: int) -> bytes:
    """Tables of `fan` names, all of them the table before, `depth` deep."""
    code = PICKLE + b"}q\x00"
    for level in range(1, depth):
        one = b"h" + bytes([level - 1])
        code += b"0" + table(dict.fromkeys(map(str, range(fan)), one)) + b"q" + bytes([level])
    return code + b"."


def listed(one: bytes, times: int) -> bytes:
    """A list of the same operations again and again."""
    return PICKLE + b"](" + one * times + b"e."


def members(count: int, name: str, data: bytes, **first: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for key, value in first.items():
            archive.writestr(f"a/{key.replace('_', '.')}", value)
        for i in range(count):
            archive.writestr(name.format(i), data)
    return file.getvalue()


def index(shards: int) -> bytes:
    table = {f"t{i}": f"s{i % shards}.safetensors" for i in range(100_000)}
    return json.dumps({"weight_map": table}).encode()


KINDS: dict[str, Callable[[], bytes]] = {
    # What is shared is no more than it is.
    "shared-table.pkl": shared_table,
    "shared-settings.pkl": shared_settings,
    "shared-deep.pkl": lambda: shared_twice(60, 2),
    "shared-wide.pkl": lambda: shared_twice(3, 2000),
    # Operations that are cheap to spell.
    "operations.pkl": lambda: listed(b"K\x01", 1_990_000),
    "floats.pkl": lambda: listed(b"G\x3f" + bytes(7), 1_900_000),
    "pairs.pkl": lambda: listed(b"K\x01\x85", 900_000),
    "nested.pkl": lambda: PICKLE + b"N" + b"\x85" * 1_900_000 + b".",
    "tables.pkl": lambda: listed(b"}K\x01K\x01s", 199_000),
    "remembered.pkl": lambda: (
        PICKLE + b"(" + b"".join(b"Nr" + struct.pack("<I", i) for i in range(399_000)) + b"t."
    ),
    "names.pkl": lambda: (
        PICKLE + b"(" + b"".join(b"cm%d\nA\n" % i for i in range(600_000)) + b"t."
    ),
    "long-keys.pkl": lambda: (
        PICKLE + table({f"{i:0150}": b"N" for i in range(100_000)}) + b"."
    ),
    "wide-text.pkl": lambda: PICKLE + word("a" * 15_999_990 + "\U0001f600") + b".",
    "scalars.pkl": lambda: (
        PICKLE
        + SCALAR
        + table({f"a{i}.weight": b"h\x01h\x02U\x04\0\0\0\0\x86R" for i in range(45_000)})
        + b"."
    ),
    # Headers of JSON.
    "tensors.safetensors": lambda: safetensors({f"t{i}": EMPTY for i in range(50_000)}),
    "long-names.safetensors": lambda: safetensors(
        {"blocks." * 50 + str(i): EMPTY for i in range(9_000)}
    ),
    "free-text.safetensors": lambda: safetensors(
        {"__metadata__": {f"k{i}": "v" for i in range(250_000)}, "a": EMPTY}
    ),
    "lists.safetensors": lambda: safetensors(b'{"a":[' + b"[]," * 1_300_000 + b"[]]}"),
    "deep.safetensors": lambda: safetensors(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "digits.safetensors": lambda: safetensors(b'{"a":' + b"9" * 4_000_000 + b"}"),
    "index.json": lambda: index(200),
    "index-of-many.json": lambda: index(100_000),
    # Archives of many members.
    "members.npz": lambda: members(49_000, "a{}.npy", npy(np.zeros(0, "f4"))),
    "members.pt": lambda: members(
        49_000, "a/data/{}", b"1234", data_pkl=PICKLE + b"}.", version=b"3\n"
    ),
    # Text, and what is nothing.
    "line.csv": lambda: b"0.5," * 10_000_000,
    "columns.csv": lambda: b"file," + b"a," * 10_000_000,
    "keys.toml": lambda: b"schema = 1\n" + b"a = 1\n" * 3_000_000,
    "deep.toml": lambda: b"a = " + b"[" * 60_000,
    "zeros.bin": lambda: bytes(40_000_000),
    "page.bin": lambda: b"<html>" + b"<title" * 6_000_000,
}  # fmt: skip
