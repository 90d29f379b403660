"""Generators: one file per family. `open_model` is the only door."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from core import plugins
from core.checkpoints.safetensors import read_header, read_tensors
from core.errors import BadData, Missing, did_you_mean
from core.models._names import model_file, model_names

if TYPE_CHECKING:  # torch takes seconds to import: names and headers must not wait for it
    import torch

    from core.models._base import Generator


def open_model(ref: str, device: str = "auto") -> "Generator":
    """The generator `ref` names: a model that ships, one in the store, or a path to a file.

    Raises Missing where there is none, BadData where the file cannot be used, DeviceError.
    """
    from core.models._device import pick_device

    file, where = model_file(ref), pick_device(device)
    if file is not None:
        return _open_file(file, Path(ref).stem, file.stat().st_mtime_ns, where)
    if ref in model_names():
        return _create(ref, where)
    raise Missing(f"no model '{ref}'", did_you_mean(ref, model_names()))


@lru_cache(maxsize=2)
def _create(name: str, device: "torch.device") -> "Generator":
    generator: Generator = plugins.load(__name__, name, "create")(device)
    return generator


@lru_cache(maxsize=2)
def _open_file(file: Path, name: str, mtime_ns: int, device: "torch.device") -> "Generator":
    """Opened once per content: `mtime_ns` is part of the key only."""
    header = read_header(file)
    for family in plugins.names(__name__):
        entry = plugins.module(__name__, family)
        if hasattr(entry, "recognise") and entry.recognise(header.shapes, header.meta):
            digest = sha256(file.read_bytes()).hexdigest()
            meta = {**header.meta, "name": name, "digest": digest}
            generator: Generator = entry.build(read_tensors(file), meta, device)
            return generator
    families = ", ".join(plugins.names(__name__))
    raise BadData(f"{file.name} holds no generator that latty knows", f"families: {families}")
