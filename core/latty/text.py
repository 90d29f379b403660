"""Text of files and people made fit for a terminal: one line, and nothing in it commands one."""

import unicodedata

# Unicode categories: control, format (direction marks among them), half characters, separators.
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SHOWN = 120  # characters of a name that a message shows
LINE = 2000  # characters of one line; more is a file that wants to fill the screen


def is_safe(character: str) -> bool:
    """Whether a terminal shows the character and does nothing else with it."""
    return unicodedata.category(character) not in UNSAFE


def clean(text: str, limit: int = SHOWN, instead: str | None = "?") -> str:
    """The text in one line of at most `limit` characters, "..." at its end where it was cut.

    instead    what stands for each unsafe character, odd space and unknown one; None = its escape,
               written out: \\x1b; "" = nothing, and odd spaces and unknown ones stay
    """
    cut = text if len(text) <= limit else f"{text[: limit - 3]}..."
    if cut.isascii() and cut.isprintable():
        return cut
    keeps = is_safe if instead == "" else str.isprintable
    return "".join(c if keeps(c) else _stand_in(c, instead) for c in cut)


def printable(text: str) -> str:
    """A line to print: control, escape and direction-changing characters are left out."""
    return clean(text, LINE, "")


def spoken(name: str) -> str:
    """A name as people read it: `mouth_open` is "mouth open"."""
    return printable(name.replace("_", " ").strip() or name)


def size_words(height: int, width: int) -> str:
    """Of a picture: `64 px` where it is square, else height x width, `64 x 32 px`."""
    return f"{height} px" if height == width else f"{height} x {width} px"


def bytes_words(count: float) -> str:
    """`512 B`, `3.4 MB`, `12 GB`: three digits, in powers of 1000."""
    power = 0
    while count >= 999.5 and power < 4:
        count, power = count / 1000, power + 1
    return f"{count:.3g} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def _stand_in(character: str, instead: str | None) -> str:
    return character.encode("unicode_escape").decode() if instead is None else instead
