"""The kitty graphics protocol: raw RGB, compressed, in base64 chunks of 4096 characters.

https://sw.kovidgoyal.net/kitty/graphics-protocol (direct placement: also WezTerm, Ghostty, Konsole)
"""

import zlib
from base64 import standard_b64encode

import numpy as np
from numpy.typing import NDArray

CHUNK = 4096


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> None:
    """Any: the terminal scales."""


def encode(
    rgb: NDArray[np.uint8],
    columns: int,
    rows: int,
    *,
    truecolor: bool = True,
    number: int = 1,
) -> str:
    """One picture, placed at the cursor, which stays where it is (C=1); no answer wanted (q=2)."""
    height, width = rgb.shape[:2]
    data = standard_b64encode(zlib.compress(rgb.tobytes(), 1)).decode()
    chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
    keys = f"a=T,f=24,o=z,s={width},v={height},c={columns},r={rows},i={number},p=1,C=1,q=2"
    parts = []
    for i, chunk in enumerate(chunks):
        more = int(i < len(chunks) - 1)
        parts.append(f"\x1b_G{keys + ',' if i == 0 else ''}m={more};{chunk}\x1b\\")
    return "".join(parts)
