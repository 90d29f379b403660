"""Files that presets name, and what `latty check` says of a preset."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from latty import presets
from latty.errors import PresetError


def container(path: Path, meta: dict[str, str], tensors: dict[str, list[int]]) -> None:
    """A safetensors file written by hand: check must need the header only."""
    header: dict[str, object] = {"__metadata__": meta}
    offset = 0
    for name, shape in tensors.items():
        size = 4
        for n in shape:
            size *= n
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(offset))


def direction_set(path: Path, names: Sequence[str], model: str) -> None:
    """A set of vectors of 4 numbers, by its header alone."""
    table = {
        "schema": 1,
        "method": "random",
        "space": "w",
        "model": model,
        "family": "stylegan2",
        "model_digest": "",
        "seeds": "0-9",
        "form": "linear",
        "params": {},
        "latty": "0",
        "directions": [
            {"name": n, "sigma": 1.0, "usable": [-3, 3], "layers": "all", "scores": {}}
            for n in names
        ],
    }
    meta = {"kind": "directions", "set": json.dumps(table)}
    container(path, meta, {"directions": [len(names), 4]})


def refused(file: Path) -> list[str]:
    """What `check` says of a preset that it refuses, line by line."""
    with pytest.raises(PresetError) as caught:
        presets.check(file)
    return str(caught.value).replace(f"{file.parent}/", "").split("\n")


def warned(file: Path) -> list[str]:
    """The warnings of `check`."""
    return [line.replace(f"{file.parent}/", "") for line in presets.check(file)]
