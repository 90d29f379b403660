"""What a terminal answers when it is asked what it is, and the best way to show pictures there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Its name; cell size; synchronised output; kitty pictures; the colour of its ground; true colour (a
# colour set, then read back). A terminal that knows some of it not at all may print it: the line is
# wiped behind it. Last, because everything answers it, its device attributes.
KITTY_QUERY = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
QUERY = (
    "\x1b7"
    "\x1b[>q\x1b[16t\x1b[?2026$p"
    f"{KITTY_QUERY}"
    "\x1b]11;?\x1b\\"
    "\x1b[48;2;1;2;3m\x1bP$qm\x1b\\\x1b[0m"
    "\x1b8\x1b[K"
    "\x1b[c"
)
BRAND = re.compile(rb"\x1bP>\|([^\x1b]*)\x1b\\")
CELL = re.compile(rb"\x1b\[6;(\d+);(\d+)t")
SYNC = re.compile(rb"\x1b\[\?2026;(\d)\$y")
GRAPHICS = re.compile(rb"\x1b_G([^\x1b]*)\x1b\\")
COLOUR = re.compile(rb"\x1bP([01])\$r([^\x1b]*)\x1b\\")
GROUND = re.compile(
    rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})[^\x07\x1b]*(?:\x07|\x1b\\)"
)
LAST = re.compile(rb"\x1b\[\?([\d;]*)c")
OURS = (BRAND, CELL, SYNC, GRAPHICS, COLOUR, GROUND, LAST)

PLACEHOLDERS = (0, 28)  # the first version of kitty that knows them
# Brand -> ways, best first. They say who they are in their answer or, where that stays out, in the
# environment. Two ways are taken only where the terminal itself says that it has them.
BRANDS = {
    "iterm2": ("iterm",),
    "kitty": ("kitty",),
    "ghostty": ("kitty",),
    "wezterm": ("kitty", "iterm"),
    "konsole": ("kitty", "sixel"),
    "foot": ("sixel",),
    "mlterm": ("sixel",),
    "windows terminal": ("sixel",),
    "vscode": ("iterm if sixel",),  # both come with one setting, of which only sixel is told
    "warp": ("kitty", "iterm"),
}
ENVIRONMENT = {  # what a terminal tells its programs, where its name in TERM_PROGRAM does not
    "KITTY_WINDOW_ID": "kitty",
    "GHOSTTY_RESOURCES_DIR": "ghostty",
    "WEZTERM_PANE": "wezterm",
    "KONSOLE_VERSION": "konsole",
    "MLTERM": "mlterm",
    "WT_SESSION": "windows terminal",
}
PROGRAMS = {
    "iterm.app": "iterm2",
    "ghostty": "ghostty",
    "wezterm": "wezterm",
    "vscode": "vscode",
    "warpterminal": "warp",
}
# Terminals inside a terminal, which hand the outer one's environment on.
INSIDE = ("STY", "ZELLIJ", "VIM_TERMINAL", "NVIM", "INSIDE_EMACS", "TMUX")


@dataclass(frozen=True, slots=True)
class Replies:
    """What came back. `cell`, `truecolor`, `light` (its ground) None: it did not say. `typed`: keys
    in between."""

    brand: str = ""
    attributes: frozenset[str] = frozenset()
    kitty: bool = False
    truecolor: bool | None = None
    cell: tuple[int, int] | None = None
    sync: bool = False
    light: bool | None = None
    typed: bytes = b""


@dataclass(frozen=True, slots=True)
class Around:
    """What a tmux here knows about the terminal around it: its features, whether it lets pictures
    through (on, off or all), and its brand, as that terminal itself has answered."""

    features: str = ""
    passthrough: str = ""
    brand: str = ""

    @property
    def shows_placeholders(self) -> bool:
        """Whether kitty's placeholders arrive there and are known: kitty 0.28, Ghostty."""
        brand, version = self.brand.lower(), re.search(r"(\d+)\.(\d+)", self.brand)
        old = version and (int(version[1]), int(version[2])) < PLACEHOLDERS
        knows = brand.startswith("ghostty") or (brand.startswith("kitty") and not old)
        return knows and self.passthrough in ("on", "all")


def question(environ: Mapping[str, str]) -> str:
    """QUERY; in tmux and screen without kitty's part, which they take for the window's title."""
    inside = bool(environ.get("TMUX")) or _screen(environ)
    return QUERY.replace(KITTY_QUERY, "") if inside else QUERY


def parse(data: bytes) -> Replies:
    """The answers to QUERY, in whatever order they came."""
    brand, cell, sync = BRAND.search(data), CELL.search(data), SYNC.search(data)
    colour, last = COLOUR.search(data), LAST.search(data)
    size = (int(cell[2]), int(cell[1])) if cell else None
    typed = data
    for answer in OURS:
        typed = answer.sub(b"", typed)
    return Replies(
        brand=brand[1].decode("ascii", "replace") if brand else "",
        attributes=frozenset((last[1].decode() if last else "").split(";")),
        kitty=any(b"i=31" in found and b";OK" in found for found in GRAPHICS.findall(data)),
        truecolor=_true(colour[2]) if colour and colour[1] == b"1" else None,
        cell=size if size and all(0 < n < 200 for n in size) else None,
        sync=bool(sync and sync[1] in b"123"),
        light=_light(GROUND.search(data)),
        typed=typed,
    )


def _light(ground: re.Match[bytes] | None) -> bool | None:
    """Whether a ground is nearer to white than to black, by its luma (Rec. 709)."""
    if ground is None:
        return None
    red, green, blue = (int(part, 16) / float(16 ** len(part) - 1) for part in ground.groups())
    return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)


def _true(colour: bytes) -> bool | None:
    """Whether the background it tells is the one that was set; None: it tells none at all."""
    told = re.search(rb"48([:;][\d:;]*)", colour)
    return bool(re.match(rb"[:;]2[:;]", told[1])) if told else None


def brand_of(replies: Replies, environ: Mapping[str, str]) -> str:
    """The brand, as BRANDS has it; "" for one that is not there."""
    told = replies.brand.lower()
    if told.startswith("xterm.js"):
        told = "vscode"
    if told or any(environ.get(name) for name in INSIDE):
        return next((brand for brand in BRANDS if told.startswith(brand)), "")
    program = environ.get("TERM_PROGRAM", "").lower()
    if program in PROGRAMS:
        return PROGRAMS[program]
    term = environ.get("TERM", "").lower()
    found = next((brand for name, brand in ENVIRONMENT.items() if environ.get(name)), "")
    return found or next((brand for brand in BRANDS if brand in term.split("-")), "")


def choose(replies: Replies, environ: Mapping[str, str], tmux: Around | None) -> str:
    """The best way for a terminal. `tmux`: what it says, None outside of it."""
    sixel = "4" in replies.attributes and replies.cell is not None  # a wrong cell would scroll
    if tmux is not None:  # it claims sixels in its attributes even where it draws placeholders
        if "sixel" in tmux.features.split(",") and replies.cell:
            return "sixel"
        return "placeholders" if tmux.shows_placeholders else "blocks"
    if replies.brand.lower().startswith("tmux") or _screen(environ):
        return "blocks"  # a multiplexer on the other side of ssh
    has = {"kitty": replies.kitty, "sixel": sixel, "iterm": True, "iterm if sixel": sixel}
    ways = BRANDS.get(brand_of(replies, environ), ("kitty", "sixel"))
    return next((way.split()[0] for way in ways if has[way]), "blocks")


def _screen(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("STY")) or environ.get("TERM", "").startswith(("screen", "tmux"))
