"""Sums of a fit on disk, so that a killed one goes on: safetensors, replaced whole.

Not written more often than every ten seconds, nor so often that writing takes more than a twentieth
of the time. Arrays named "rows-..." never change: each is written once, to a file of its own. So is
each piece that another process has made.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from latty.checkpoints.safetensors import pieces, read_header, read_tensors
from latty.errors import LattyError, unwritten
from latty.files import replace_whole
from latty.models.base import ModelInfo
from latty.version import __version__

SECONDS = 10.0
SHARE = 20.0  # of the time a write took
FIXED = "rows-"
STATE = "pca"


class FitState:
    """What a fit keeps in its folder; no folder = nothing is kept. `key` names the fit: states of
    another one are not read."""

    def __init__(self, folder: Path | None, key: str) -> None:
        self.folder, self.key = folder, key
        self.written: set[str] = set()
        self.last, self.pause = time.monotonic(), SECONDS

    def due(self) -> bool:
        return self.folder is not None and time.monotonic() - self.last > self.pause

    def read(self) -> dict[str, Tensor]:
        """The arrays, such as (D, D), kept last of this very fit; {} where there is none, or none
        whole."""
        if self.folder is None:
            return {}
        try:
            meta = read_header(_file(self.folder, STATE)).meta
            if meta.get("key") != self.key:
                return {}
            parts = [str(name) for name in json.loads(meta.get("parts", "[]"))]
            state = read_tensors(_file(self.folder, STATE))
            for name in parts:
                state |= read_tensors(_file(self.folder, name))
        except (LattyError, ValueError):
            return {}
        self.written.update(parts)
        return state

    def write(self, arrays: Mapping[str, Tensor]) -> None:
        """Keep arrays, such as (D, D). Raises OutputError where the disk does not take it."""
        if self.folder is None:
            return
        start = time.monotonic()
        parts = [name for name in arrays if name.startswith(FIXED)]
        rest = {name: array for name, array in arrays.items() if name not in parts}
        try:
            for name in parts:
                if name not in self.written:
                    replace_whole(_file(self.folder, name), pieces({}, {name: arrays[name]}))
                    self.written.add(name)
            meta = {"key": self.key, "parts": json.dumps(parts)}
            replace_whole(_file(self.folder, STATE), pieces(meta, rest))
        except OSError as error:
            raise unwritten(f"cannot keep the state in {self.folder}", error) from None
        self.last = time.monotonic()
        self.pause = max(SECONDS, SHARE * (self.last - start))

    def piece_file(self, start: int) -> Path:
        assert self.folder is not None, "a folder"
        return _file(self.folder, f"piece-{start}")

    def has(self, start: int, rows: int) -> bool:
        return self._batch(start, rows) is not None

    def piece(self, start: int, rows: int) -> tuple[dict[str, Tensor], int] | None:
        """What is known of `rows` rows from `start` on, and how many samples fitted in memory at
        once when they were drawn; None where there is no such piece, or it is not whole. Arrays
        such as (D, D)."""
        batch = self._batch(start, rows) if self.folder is not None else None
        if batch is None:
            return None
        try:
            return read_tensors(self.piece_file(start)), batch
        except LattyError:
            return None

    def _batch(self, start: int, rows: int) -> int | None:
        try:
            meta = read_header(self.piece_file(start)).meta
        except LattyError:
            return None
        same = meta.get("key") == self.key and meta.get("rows") == str(rows)
        return int(meta["batch"]) if same and meta.get("batch", "").isdecimal() else None


def fit_key(info: ModelInfo, device: str, params: Mapping[str, object]) -> str:
    """Names a fit: whatever has a part in its numbers."""
    return json.dumps([[info.name, info.digest, info.numbers(device), __version__], params],
                      default=str, sort_keys=True)  # fmt: skip


def piece_content(key: str, rows: int, batch: int, arrays: Mapping[str, Tensor]) -> bytes:
    """The file of a piece: arrays such as (D, D)."""
    meta = {"key": key, "rows": str(rows), "batch": str(batch)}
    return b"".join(pieces(meta, arrays))


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.safetensors"
