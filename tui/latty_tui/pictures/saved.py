"""No picture in the terminal: a PNG in the cache folder, and its path."""

import re
from pathlib import Path

from latty import home
from latty.files import stamp_of, write
from latty_tui.terminal import Pixels

ADVICE = "files: their paths are printed"
ORDER = 90
SURVIVES = False
EXACT = False
CELLS = False
KEPT = 500  # files: a long session makes thousands of pictures


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> None:
    """Any."""


def encode(rgb: Pixels, columns: int, rows: int, **_: object) -> str:
    """The path of a file that holds the picture (H, W, 3). Raises OutputError, ConfigError."""
    from hashlib import sha256
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    data = file.getvalue()
    path = home.cache_dir() / "pictures" / f"{sha256(data).hexdigest()[:16]}.png"
    if not path.exists():
        write(path, [data])
        _forget(path.parent)
    return str(path)


def _forget(folder: Path) -> None:
    """Remove the oldest of our pictures, where there are too many; the folder may be a link to one
    that holds others."""
    ours = (path for path in folder.iterdir() if re.fullmatch(r"[0-9a-f]{16}\.png", path.name))
    files = sorted(ours, key=lambda path: stamp_of(path) or (0, 0, 0))
    for path in files[:-KEPT]:
        path.unlink(missing_ok=True)


def hide(number: int) -> str:
    """Nothing: no cell shows it."""
    return ""
