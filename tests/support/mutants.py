"""Damaged copies of a file, seeded: accidents to its bytes, and malice that knows its grammar."""

import copy
import json
import random
import tomllib
from collections.abc import Callable
from typing import Any

NUMBERS = [0, 1, 127, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63]
CHARACTERS = b'{}[]"\\,:=#\n\r\t \x00\x1b\xff\xfe\xed\xa0\x80' + "\u202e\u2028é".encode()


class Raw(str):
    """A text that goes into the file as it is, whether the grammar allows it or not."""


EVERYWHERE = [
    0, 1, -1, 2**31, 2**63, -(2**63), 10**30, 0.0, -0.0, 0.5, 1e308, 5e-324, True, False, "", "x",
    "demo", "demo/smile", "seed:1", "seed:99999999999", "../../etc/passwd", "/dev/zero",
    "~nosuch/x", "http://127.0.0.1:1/", "x" * 300, "é\u202e", "a\nb", "#", "/", "\\", "..", ".",
    "0-9", "9-0", "inf",
    [], {}, [[]], [{}], {"": {}}, [0] * 300, [None], {"x": 1},
    Raw("9" * 5000), Raw("9" * 400), Raw("-" + "9" * 40), Raw("1e999"), Raw("1e-999"), Raw("0e0"),
    Raw('"\\u0000"'), Raw('"\\u001b[2J"'), Raw('"\\ud800"'), Raw("'"), Raw('"'),
    Raw("[" * 60 + "]" * 60),
    Raw("[" * 3000 + "]" * 3000), Raw("[" * 100_000), Raw("{" * 50), Raw(""),
]  # fmt: skip
JSON_ONLY = [
    None,
    Raw("NaN"),
    Raw("-Infinity"),
    Raw('{"a":' * 600 + "1" + "}" * 600),
    Raw('{"a":1,"a":2}'),
]
TOML_ONLY = [
    Raw("nan"), Raw("-inf"), Raw("1979-05-27"), Raw("07:32:00"), Raw("1979-05-27T07:32:00Z"),
    Raw("{a=" * 600 + "1" + "}" * 600), Raw("0x" + "f" * 3000), Raw("0o7"), Raw("1_0"),
    Raw("'''\n'''"),
]  # fmt: skip


def damaged(
    data: bytes, others: list[bytes], dice: random.Random, odd: bytes = CHARACTERS
) -> bytes:
    """One small accident: a bit, a cut, a gap, odd bytes, a number, a piece of another file, a
    piece twice.

    odd  bytes that mean something in files of this kind
    """
    at, kind = dice.randrange(len(data) + 1), dice.randrange(8)
    if kind == 0 and data:
        at = min(at, len(data) - 1)
        return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + data[at + dice.randrange(1, 40) :]
    if kind == 3:
        return data[:at] + bytes(dice.choices(odd, k=dice.randrange(1, 6))) + data[at:]
    if kind == 4:
        width, order = dice.choice([1, 2, 4, 8]), dice.choice(["little", "big"])
        number = (dice.choice(NUMBERS) % 256**width).to_bytes(width, order)
        return data[:at] + number + data[at + width :]
    if kind == 5:
        other = dice.choice(others)
        start = dice.randrange(len(other) + 1)
        return data[:at] + other[start : start + dice.randrange(200)] + data[at:]
    if kind == 6:
        stop = at + dice.randrange(1, 100)
        return data[:stop] + data[at:stop] * dice.choice([1, 2, 3, 500]) + data[stop:]
    return data[:at] + bytes([dice.choice(odd)]) + data[at + 1 :]


def accidents(
    data: bytes, others: list[bytes], dice: random.Random, odd: bytes = CHARACTERS
) -> bytes:
    """One to three of them."""
    for _ in range(dice.choice([1, 1, 2, 3])):
        data = damaged(data, others, dice, odd)
    return data


# --- by grammar -----------------------------------------------------------------------------------


def written(value: Any, toml: bool) -> str:
    """A value as JSON, or inside a line of TOML; Raw as it is."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        sign = " = " if toml else ": "
        pairs = (f"{json.dumps(str(k))}{sign}{written(v, toml)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(one, toml) for one in value) + "]"
    if isinstance(value, str | bool | int) or value is None:
        return json.dumps(value, ensure_ascii=not toml)
    return repr(value) if isinstance(value, float) else str(value)


def as_toml(table: dict[str, Any]) -> bytes:
    """A table as TOML, one line for each key."""
    lines = (f"{json.dumps(str(k))} = {written(v, True)}\n" for k, v in table.items())
    return "".join(lines).encode("utf-8", "surrogatepass")


def as_json(value: Any) -> bytes:
    return written(value, False).encode("utf-8", "surrogatepass")


def places(value: Any) -> list[tuple[Any, Any]]:
    """(holder, key) of every value in a tree."""
    found, left = [], [value]
    while left:
        one = left.pop()
        pairs = one.items() if isinstance(one, dict) else enumerate(one)
        for key, inner in pairs:
            found.append((one, key))
            if isinstance(inner, dict | list):
                left.append(inner)
    return found


def malice(tree: Any, odd: list[Any], dice: random.Random) -> Any:
    """A tree with one to three values that nobody expects there."""
    tree = copy.deepcopy(tree)
    for _ in range(dice.choice([1, 1, 2, 3])):
        if not (known := places(tree) if isinstance(tree, dict | list) else []):
            return dice.choice(odd)
        holder, key = dice.choice(known)
        value, kind = holder[key], dice.randrange(9)
        if kind <= 3:
            holder[key] = copy.deepcopy(dice.choice(odd))
        elif kind == 4:
            del holder[key]
        elif kind == 5 and isinstance(holder, dict):
            holder[dice.choice([*ODD_KEYS, f"{key}s"])] = value
        elif kind == 5:
            holder += holder[: dice.choice([1, 3, 50])] * dice.choice([1, 40])
        elif kind == 6:
            holder[key] = dice.choice([[value], {"x": value}, [value] * 50])
        elif kind == 7:
            other, place = dice.choice(known)
            holder[key] = copy.deepcopy(other[place]) if place in range(len(other)) or (isinstance(
                other, dict) and place in other) else 0  # fmt: skip
        elif isinstance(value, int | float) and not isinstance(value, bool):
            holder[key] = dice.choice([-value, value * 10**6, value + 0.5, str(value), 10**18])
        elif isinstance(value, str):
            at = dice.randrange(len(value) + 1)
            holder[key] = value[:at] + dice.choice(ODD_PIECES) + value[at:]
    return tree


ODD_KEYS = ["x", "", "a.b", "\x00", "é\u202e", "schema"]
ODD_PIECES = ["\x00", "\x1b[2J", "/", "#", "..", "é" * 200]
Mutator = Callable[[bytes, list[bytes], random.Random], bytes]


def of_toml(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Half accidents, half malice in the table."""
    if dice.random() < 0.4:
        return accidents(data, others, dice)
    table = malice(tomllib.loads(data.decode()), EVERYWHERE + TOML_ONLY, dice)
    return as_toml(table) if isinstance(table, dict) else accidents(data, others, dice)


def of_json(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """The same in a JSON document."""
    if dice.random() < 0.4:
        return accidents(data, others, dice)
    return as_json(malice(json.loads(data), EVERYWHERE + JSON_ONLY, dice))


def of_json_lines(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """The same in one line of several."""
    lines = data.splitlines(keepends=True)
    at = dice.randrange(len(lines))
    lines[at] = of_json(lines[at], others, dice) + b"\n"
    return b"".join(lines)


def of_safetensors(data: bytes, others: list[bytes], dice: random.Random) -> bytes:
    """Accidents, or malice in the header or in the JSON texts that it holds."""
    if dice.random() < 0.3:
        return accidents(data, others, dice)
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    texts = [k for k, v in header.get("__metadata__", {}).items() if v[:1] in "{["]
    if texts and dice.random() < 0.8:
        key = dice.choice(texts)
        text = of_json(header["__metadata__"][key].encode(), others, dice)
        header["__metadata__"][key] = text.decode("utf-8", "replace")
    else:
        header = malice(header, EVERYWHERE + JSON_ONLY, dice)
    code = as_json(header)
    return len(code).to_bytes(8, "little") + code + data[8 + size :]
