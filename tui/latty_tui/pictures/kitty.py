"""The kitty graphics protocol: a PNG with a palette, in base64 chunks of 4096 characters.

https://sw.kovidgoyal.net/kitty/graphics-protocol (direct placement: also WezTerm, Ghostty, Konsole)
"""

from latty_tui.terminal import Pixels

CHUNK = 4096
ADVICE = "the kitty graphics protocol: exact pixels"
ORDER = 20
SURVIVES = True
EXACT = True
CELLS = False


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """A pixel per pixel: scaled by the terminal it would fill whole cells, and be a mosaic."""
    return columns * cell[0], rows * cell[1]


def encode(
    rgb: Pixels, columns: int, rows: int, *, number: int = 1, colours: int = 256, **_: object
) -> str:
    """One picture (H, W, 3), placed at the cursor, which stays where it is (C=1); no answer is
    wanted (q=2)."""
    keys = f"a=T,f=100,i={number},p=1,C=1,q=2"
    return "".join(sent(rgb, keys, colours))


def sent(rgb: Pixels, keys: str, colours: int) -> list[str]:
    """A picture (H, W, 3) and what is to be done with it, in commands of a chunk each."""
    from base64 import standard_b64encode
    from io import BytesIO

    from latty_tui.terminal import quantise as terminal_quantise

    file = BytesIO()
    terminal_quantise.quantise(rgb, colours).save(file, "PNG", compress_level=1)
    data = standard_b64encode(file.getvalue()).decode()
    chunks = [data[i : i + CHUNK] for i in range(0, len(data), CHUNK)]
    more = (f"m={int(i < len(chunks) - 1)};{chunk}" for i, chunk in enumerate(chunks))
    return [f"\x1b_G{keys + ',' if i == 0 else ''}{one}\x1b\\" for i, one in enumerate(more)]


def hide(number: int) -> str:
    """Take the picture off the screen and out of the terminal's memory."""
    return f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\"
