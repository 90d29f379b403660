"""iTerm2's inline pictures (OSC 1337): a PNG in base64. Also WezTerm, mintty, VS Code."""

from base64 import standard_b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray


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
    """One picture at the cursor."""
    from PIL import Image

    file = BytesIO()
    Image.fromarray(rgb).save(file, "PNG", compress_level=1)
    data = standard_b64encode(file.getvalue()).decode()
    size = f"size={len(file.getvalue())};width={columns};height={rows};preserveAspectRatio=0"
    return f"\x1b]1337;File=inline=1;{size}:{data}\x07"
