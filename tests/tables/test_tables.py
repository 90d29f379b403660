"""Tables of a made-up kind: every fault at once, each with its place; JSON schema; records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from latty.errors import Missing, PresetError, SettingsError
from latty.tables import reading
from latty.tables.reading import Kind
from latty.tables.rules import (
    Fault,
    Faults,
    Key,
    array,
    checked,
    flag,
    keys_of,
    matching,
    number,
    one_of,
    or_none,
    record,
    says,
    table,
    text,
    whole,
    word,
)

NET = Kind("network", limit=2**10, hint="see the page")


@dataclass(frozen=True)
class Layer:
    kind: str = field(metadata=says(word("conv", "relu"), "What it does."))
    kernel: int = field(default=3, metadata=says(whole(1, 31), "Side in px.", odd=True))
    names: tuple[str, ...] = field(default=(), metadata=says(array(text(5), 0, 2)))
    inner: int = 0  # no file may say it


def even(value: int) -> int:
    if value % 2:
        raise ValueError("must be even")
    return value // 2


RULES = table(
    {
        "size": Key(checked(whole(0, 100), even), "Height.", required=True),
        "range": Key(one_of("a number or a pair", number(-1, 1), array(number(-1, 1), 2, 2))),
        "on": Key(flag(), default=True),
        "dots": Key(matching("many dots", lambda value: value == "...")),
        "layers": Key(array(record(Layer), 1, 3)),
    }
)


def read(folder: Path, source: str | bytes, kind: Kind = NET) -> Any:
    file = folder / "net.toml"
    file.write_bytes(source if isinstance(source, bytes) else source.encode())
    return reading.read(file, kind).checked(RULES)


def test_what_is_right_is_read_with_defaults(tmp_path: Path) -> None:
    source = "size = 8\nrange = [0, 1]\n[[layers]]\nkind = 'conv'\nnames = ['a']\n"
    layers = (Layer("conv", 3, ("a",)),)
    assert read(tmp_path, source) == {"size": 4, "range": (0.0, 1.0), "on": True, "layers": layers}


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    source = """size = 7
rnage = 1
range = [0]
on = 1
dots = "."
layers = [{ kind = "cnov" }, { kernel = 99, kind = "relu", names = ["sixsix"] }, 3]
"""
    with pytest.raises(PresetError) as caught:
        read(tmp_path, source)
    assert str(caught.value).replace(f"{tmp_path}/", "").split("\n") == [
        "net.toml:1:1: size: must be even",
        "net.toml:2:1: rnage: unknown key, did you mean 'range'?",
        "net.toml:3:1: range: needs at least 2 entries, has 1",
        "net.toml:4:1: on: must be true or false, not 1",
        "net.toml:5:1: dots: must be many dots, not text '.'",
        "net.toml:6:13: layers.0.kind: must be one of 'conv', 'relu', not text 'cnov', "
        "did you mean 'conv'?",
        "net.toml:6:32: layers.1.kernel: must be at most 31, not 99",
        "net.toml:6:69: layers.1.names.0: is longer than 5 characters",
        "net.toml:6:82: layers.2: must be a table, not 3",
    ]


def test_faults_of_several_keys_come_in_file_order_too(tmp_path: Path) -> None:
    def across(data: Mapping[str, Any]) -> Iterator[Fault]:
        yield Fault(("size",), "does not go with 'on'", "leave one out")

    document = reading.parse("on = 3\nsize = 4", "x.toml", NET)
    with pytest.raises(PresetError) as caught:
        document.checked(RULES, across)
    lines = str(caught.value).split("\n")
    assert lines[1] == "x.toml:2:1: size: does not go with 'on', leave one out"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("size = ", "net.toml:1:8: invalid value, see the page"),
        ("size = 1\nsize = 2", "net.toml:2:1: size: is set twice, first on line 1"),
        (b"\xff", "net.toml:1:1: byte 1 (0xff) is not UTF-8"),
        ("#" * 1025, "net.toml: is larger than 1 KiB, a network is a few lines of TOML"),
        ("a = " + "[" * 500, "net.toml:1:22: nests deeper than any network"),
        ("size: 3", "looks like YAML or JSON; networks are TOML"),
    ],
)
def test_what_is_no_toml(source: str | bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(PresetError) as caught:
        read(tmp_path, source)
    assert words in str(caught.value)


def test_a_kind_has_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, "x = 1\ny = 2", Kind("settings", SettingsError))
    assert caught.value.exit_code == 78
    assert len(caught.value.problems) == 3
    with pytest.raises(Missing, match="there is no file"):
        reading.read(tmp_path / "none.toml", NET)
    with pytest.raises(PresetError, match="is a folder, no file"):
        reading.read(tmp_path, NET)


def test_without_limits_only_the_kind_of_a_value_counts() -> None:
    faults = Faults(limits=False)
    rule = array(record(Layer))
    value = rule.read([{"kind": "conv", "kernel": 10**30, "names": ["x" * 99]}], (), faults)
    assert (value, faults.found) == ((Layer("conv", 10**30, ("x" * 99,)),), [])
    rule.read([{"kind": "conv", "kernel": 1.5}], ("layers",), faults)
    assert faults.found == [
        Fault(("layers", 0, "kernel"), "must be a whole number, not 1.5"),
    ]
    assert or_none(whole(0, 1)).accepts(None) and not whole(0, 1).accepts(None)


def test_a_record_says_its_keys_once() -> None:
    keys = keys_of(Layer)
    assert list(keys) == ["kind", "kernel", "names"]
    assert keys["kernel"].facts == {"odd": True}
    assert record(Layer).schema == {
        "type": "object",
        "additionalProperties": False,
        "required": ["kind"],
        "properties": {
            "kind": {"description": "What it does.", "type": "string", "enum": ["conv", "relu"]},
            "kernel": {
                "description": "Side in px.",
                "type": "integer",
                "minimum": 1,
                "maximum": 31,
                "default": 3,
            },
            "names": {
                "description": "",
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": 5},
                "minItems": 0,
                "maxItems": 2,
            },
        },
    }


def test_data_without_a_text_has_faults_without_places() -> None:
    document = reading.from_data({"siez": 2}, "a\x1b.gif", NET)
    with pytest.raises(PresetError) as caught:
        document.checked(RULES)
    assert str(caught.value).split("\n") == [
        "a\\x1b.gif: siez: unknown key, did you mean 'size'?",
        "a\\x1b.gif: size: is missing",
    ]
