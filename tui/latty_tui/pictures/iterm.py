"""iTerm2's inline pictures (OSC 1337): a JPEG in base64. Also WezTerm, mintty, VS Code."""

from latty_tui.terminal import Pixels

QUALITY = 85
ADVICE = "iTerm2's inline pictures: exact pixels"
ORDER = 30
SURVIVES = False
EXACT = False
CELLS = False


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> None:
    """Any: the terminal scales."""


def encode(rgb: Pixels, columns: int, rows: int, **_: object) -> str:
    """One picture (H, W, 3) at the cursor; a JPEG has no use for a palette."""
    from base64 import standard_b64encode
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=QUALITY)
    data = standard_b64encode(file.getvalue()).decode()
    size = f"size={len(file.getvalue())};width={columns};height={rows};preserveAspectRatio=0"
    return f"\x1b]1337;File=inline=1;{size}:{data}\x07"


def hide(number: int) -> str:
    """Nothing: the picture goes with its cells."""
    return ""
