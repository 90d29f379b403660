"""The state of a training on disk: one safetensors file, replaced whole, and lines of figures.

The state holds the weights, the optimizer's moments, the iteration and the running figures. Its key
names the training; states of earlier versions have none, only a folder named after the training.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latty import files, reading
from latty.checkpoints.safetensors import pieces, read_header, read_tensors
from latty.directions.training.names import STATS
from latty.errors import LattyError, unwritten
from latty.folders import Folder

STATE = "state.safetensors"
LARGEST = 2**28  # bytes of figures: two million lines


def save(
    folder: Path, key: str, facts: dict[str, Any], modules: nn.Module, adam: torch.optim.Optimizer
) -> None:
    """Replace the state in `folder`; `key` says which training it is of. Raises OutputError."""
    arrays = {f"net.{name}": tensor for name, tensor in modules.state_dict().items()}
    for number, entry in adam.state_dict()["state"].items():
        arrays |= {f"adam.{number}.{name}": torch.as_tensor(v) for name, v in entry.items()}
    meta = {"kind": "training", "key": key, "facts": json.dumps(facts)}
    files.write(folder / STATE, pieces(meta, arrays))


def load(
    folder: Path, key: str, most: int, modules: nn.Module, adam: torch.optim.Optimizer
) -> dict[str, Any] | None:
    """Put a saved state into `modules` and `adam`; its facts, or None where there is none of this
    training with at most `most` iterations."""
    path = folder / STATE
    try:
        meta = read_header(path).meta
        if meta.get("kind") != "training" or meta.get("key", key) != key:
            return None
        facts = json.loads(meta["facts"])
        if facts["done"] > most:
            return None
        arrays = read_tensors(path)
    except (LattyError, KeyError, ValueError):  # missing, or damaged by something else than us
        return None
    modules.load_state_dict(_part(arrays, "net."))
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _part(arrays, "adam.").items():
        number, _, field = name.partition(".")
        state.setdefault(int(number), {})[field] = tensor
    adam.load_state_dict({**adam.state_dict(), "state": state})
    return dict(facts)


def _part(arrays: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}


def cut(folder: Path, step: int) -> None:
    """Drop the figures of iterations after `step`: they will be done again. Raises OutputError."""
    lines, kept = lines_of(folder), []
    for line in lines:
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):  # half a line: the writer was killed
            continue
    if kept != lines:
        files.write(folder / STATS, kept)


def lines_of(folder: Path) -> list[bytes]:
    """All lines of figures, with their ends. Raises OSError, UnfitFile."""
    try:
        return reading.content(folder / STATS, LARGEST).splitlines(keepends=True)
    except FileNotFoundError:
        return []


def add(folder: Path, row: dict[str, Any]) -> None:
    """Add a line of figures. Raises OutputError."""
    try:
        with Folder(folder) as held, held.update(STATS) as file:
            file.seek(0, os.SEEK_END)
            file.write(json.dumps(row).encode() + b"\n")
    except OSError as error:
        raise unwritten(f"cannot write {folder / STATS}", error) from None
