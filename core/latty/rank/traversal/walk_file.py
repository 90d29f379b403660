"""A piece of a walk on disk: its codes, and its pictures exactly as they were drawn.

One safetensors file: "codes" (T, D) float32 where all layers read the same code, else (T, L, D), in
the order of the strengths; "pictures", PNGs one behind the other, and "ends" (T,) int64, where each
of them ends. Its free text says kind = "walk" and the SHA-256 of the three.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latty.checkpoints.safetensors import pieces, read_arrays, read_header
from latty.errors import BadData, LattyError
from latty.presets.formats import Pixels
from latty.render.writers.png import pack

KIND = "walk"
LARGEST = 2**14  # px of a side
AGAIN = "traverse again: --overwrite"


@dataclass(frozen=True, slots=True, eq=False)
class KeptWalk:
    """What a file holds: codes (T, D) or (T, L, D) float32, and T pictures, which are decoded when
    they are asked for. `name` is what messages call it."""

    name: str
    codes: NDArray[Any]
    packed: NDArray[Any]
    ends: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> Pixels:
        """A picture (H, W, 3 or 4) uint8. Raises BadData where it is damaged."""
        from PIL import Image

        first = self.ends[index - 1] if index else 0
        data = self.packed[first : self.ends[index]].tobytes()
        try:
            with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
                if max(picture.size) > LARGEST or picture.mode not in ("RGB", "RGBA"):
                    raise ValueError
                return np.asarray(picture)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            raise BadData(f"{self.name}: picture {index} is damaged", AGAIN) from None


def content(codes: NDArray[Any], pictures: Sequence[Pixels]) -> bytes:
    """The file of codes (T, L, D) and T pictures (H, W, 3 or 4)."""
    same = bool((codes == codes[:, :1]).all())
    codes = np.ascontiguousarray(codes[:, 0] if same else codes, "<f4")
    packed = [pack(one, "") for one in pictures]
    arrays = {
        "codes": codes,
        "pictures": np.frombuffer(b"".join(packed), np.uint8),
        "ends": np.cumsum([len(one) for one in packed], dtype="<i8"),
    }
    return b"".join(pieces({"kind": KIND, "sha256": _digest(arrays)}, arrays))


def read(file: Path, count: int) -> KeptWalk:
    """The `count` pictures of a file. Raises Missing, BadData, OutputError."""
    try:
        meta, arrays = read_header(file).meta, read_arrays(file)
    except BadData:  # whose advice is for files from elsewhere
        raise BadData(f"{file.name} is damaged", AGAIN) from None
    if meta.get("kind") != KIND or [*arrays] != ["codes", "pictures", "ends"]:
        raise BadData(f"{file.name} is no piece of a walk", AGAIN)
    codes, packed, ends = arrays.values()
    whole = codes.ndim in (2, 3) and codes.dtype == np.float32 and len(codes) == count
    whole = whole and packed.ndim == 1 and packed.dtype == np.uint8
    whole = whole and ends.dtype == np.int64 and tuple(ends.shape) == (count,)
    if not whole or meta.get("sha256") != _digest(arrays):
        raise BadData(f"{file.name} is damaged", AGAIN)
    places = [0, *ends.tolist()]
    if places[-1] != len(packed) or any(a >= b for a, b in pairwise(places)):
        raise BadData(f"{file.name} is damaged", AGAIN)
    return KeptWalk(file.name, codes, packed, tuple(places[1:]))


def is_whole(file: Path, count: int) -> bool:
    """Whether `read` finds so many pictures in the file."""
    if not file.is_file():
        return False
    try:
        read(file, count)
    except (LattyError, OSError):
        return False
    return True


def _digest(arrays: dict[str, NDArray[Any]]) -> str:
    found = sha256()
    for name, array in arrays.items():
        found.update(f"{name} {tuple(array.shape)}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
