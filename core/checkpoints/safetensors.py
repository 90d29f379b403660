"""Safetensors files: the header without any library, the tensors through the reference reader.

Layout: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}} with
free text under "__metadata__", then the raw numbers.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadData, Missing, OutputError

if TYPE_CHECKING:
    from torch import Tensor

HEADER_LIMIT = 64 * 2**20  # a header of more than this many bytes is damage, not a model


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says about itself: free text, and the shape of each tensor."""

    meta: dict[str, str]
    shapes: dict[str, tuple[int, ...]]


def read_header(path: Path) -> Header:
    """The header alone, in microseconds and without numpy; raises Missing, BadData."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(HEADER_LIMIT, path.stat().st_size - 8):
                raise BadData(f"{path.name} is no safetensors file", "its header length is wrong")
            header = json.loads(file.read(length))
        return _checked(header)
    except FileNotFoundError:
        raise Missing(f"there is no file {path.name}", "check the name") from None
    except OSError as error:
        raise OutputError(f"cannot read {path.name}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadData(
            f"{path.name} is damaged: its header cannot be read", "fetch it again"
        ) from None


def _checked(header: dict[str, Any]) -> Header:
    meta = {str(key): str(value) for key, value in header.pop("__metadata__", {}).items()}
    shapes = {name: tuple(int(n) for n in entry["shape"]) for name, entry in header.items()}
    return Header(meta, shapes)


def read_tensors(path: Path) -> "dict[str, Tensor]":
    """All tensors, float16 and bfloat16 widened to float32; raises Missing, BadData."""
    read_header(path)  # our own words for everything that can be wrong with the container
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, ValueError) as error:
        raise BadData(f"{path.name} is damaged: {error}", "fetch it again") from None
    half = (torch.float16, torch.bfloat16)
    return {name: t.float() if t.dtype in half else t for name, t in tensors.items()}
