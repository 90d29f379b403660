"""Generators: a file per family, and per foreign layout in `origins/`. `open_model` opens all."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from latty.models.registries import FAMILIES
from latty.models.store import model_file

if TYPE_CHECKING:  # torch takes seconds to import: names and headers must not wait for it
    import torch

    from latty.models.base import Generator


def open_model(ref: str, device: str = "auto") -> "Generator":
    """The generator `ref` names: a model that ships, one in the store, or any checkpoint's path.

    Raises Missing where there is none, BadData where the file cannot be used, DeviceError.
    """
    from latty.models.device import pick_device

    file, where = model_file(ref), pick_device(device)
    return _create(ref, where) if file is None else _opened(file, where)[0]


def model_notes(ref: str, device: str = "auto") -> tuple[str, ...]:
    """What latty had to make up for a model because its file does not hold it; opens the model."""
    from latty.models.device import pick_device

    file = model_file(ref)
    return () if file is None else _opened(file, pick_device(device))[1]


def _opened(file: Path, where: "torch.device") -> "tuple[Generator, tuple[str, ...]]":
    from latty.models.open import opened

    return opened(file, file.stem, file.stat().st_mtime_ns, where)


@lru_cache(maxsize=2)
def _create(name: str, device: "torch.device") -> "Generator":
    generator: Generator = FAMILIES.load(name).create(device)
    return generator
