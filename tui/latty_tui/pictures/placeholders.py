"""kitty's Unicode placeholders: the picture goes through tmux to the terminal around it, and cells
of text, which tmux moves and wipes as any, show where it is.

https://sw.kovidgoyal.net/kitty/graphics-protocol (Unicode placeholders; kitty 0.28, Ghostty).
"""

from latty_tui.terminal import Pixels

ADVICE = "kitty's pictures through tmux: exact pixels"
ORDER = 25
SURVIVES = False
EXACT = True
CELLS = True
PLACEHOLDER = "\U0010eeee"
# The numbers of rows and columns, from 0: combining characters of Unicode 6.0 above their base
# (class 230) that are part of no other character, in order; as ranges.
MARKS = """305 30D-30E 310 312 33D-33F 346 34A-34C 350-352 357 35B 363-36F 483-487 592-595 597-599
59C-5A1 5A8-5A9 5AB-5AC 5AF 5C4 610-617 657-65B 65D-65E 6D6-6DC 6DF-6E2 6E4 6E7-6E8 6EB-6EC 730
732-733 735-736 73A 73D 73F-741 743 745 747 749-74A 7EB-7F1 7F3 816-819 81B-823 825-827 829-82D 951
953-954 F82-F83 F86-F87 135D-135F 17DD 193A 1A17 1A75-1A7C 1B6B 1B6D-1B73 1CD0-1CD2 1CDA-1CDB 1CE0
1DC0-1DC1 1DC3-1DC9 1DCB-1DCC 1DD1-1DE6 1DFE 20D0-20D1 20D4-20D7 20DB-20DC 20E1 20E7 20E9 20F0
2CEF-2CF1 2DE0-2DFF A66F A67C-A67D A6F0-A6F1 A8E0-A8F1 AAB0 AAB2-AAB3 AAB7-AAB8 AABE-AABF AAC1
FE20-FE26 10A0F 10A38 1D185-1D189 1D1AA-1D1AD 1D242-1D244"""


def canvas(columns: int, rows: int, cell: tuple[int, int]) -> tuple[int, int]:
    """A pixel per pixel."""
    return columns * cell[0], rows * cell[1]


def encode(
    rgb: Pixels, columns: int, rows: int, *, number: int = 1, colours: int = 256, **_: object
) -> str:
    """One picture (H, W, 3), and the cells that show it: their colour is its number."""
    from latty_tui.pictures import kitty

    known = marks()
    columns, rows = min(columns, len(known)), min(rows, len(known))
    sent = kitty.sent(rgb, f"a=T,U=1,f=100,c={columns},r={rows},i={number},q=2", colours)
    ink = f"\x1b[38;2;0;{number >> 8};{number & 255}m"
    lines = (
        ink + "".join(f"{PLACEHOLDER}{known[y]}{known[x]}" for x in range(columns)) + "\x1b[39m"
        for y in range(rows)
    )
    return "".join(map(through, sent)) + "\r\n".join(lines)


def through(data: str) -> str:
    """For the terminal around tmux, which takes what it does not know for nothing."""
    return "\x1bPtmux;" + data.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def hide(number: int) -> str:
    """Nothing: the picture goes with its cells."""
    return ""


def marks() -> str:
    """The numbers of rows and columns, from 0."""
    ends = (part.partition("-") for part in MARKS.split())
    spans = (range(int(first, 16), int(last or first, 16) + 1) for first, _, last in ends)
    return "".join(chr(code) for span in spans for code in span)
