"""How the studio looks: a dark theme, a light one, one of high contrast, one without hues.

Textual's own themes can be chosen as well. Nothing is told by colour alone in any of them, and each
is made `legible`: text has a contrast of 4.5:1 at least, marks 3:1, on every ground there is
(WCAG 2.2, 1.4.3 and 1.4.11).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textual.color import Color
from textual.constants import DIM_FACTOR
from textual.theme import Theme

DARK, LIGHT = "latty-dark", "latty-light"
TEXT, MARKS = 4.5, 3.0  # the least contrast, as WCAG counts it
SAFE = 1.04  # times as much is made: colours are rounded
CURSOR, FAINT = 0.24, 0.15  # of the accent in the ground of the row under the cursor; on grey
MUTED = 0.34  # of the ground in words that say less, before they are made legible
OF_THE_TERMINAL = ("ansi-dark", "ansi-light")  # whose colours nobody knows

ROLES = (
    "primary", "secondary", "accent", "foreground", "background",
    "surface", "panel", "success", "warning", "error",
)  # fmt: skip


def contrast(one: Color, other: Color) -> float:
    """1 (the same) to 21 (black and white). https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio"""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: Color) -> float:
    parts = (n / 12.92 if n <= 0.04045 else ((n + 0.055) / 1.055) ** 2.4 for n in colour.normalized)
    red, green, blue = parts
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ink(colour: Color, grounds: Sequence[Color], least: float = TEXT, kept: float = 1.0) -> Color:
    """The colour, as much nearer to black or white as it needs to be read on all the grounds, also
    where only so much of it is `kept`."""

    def seen(shade: Color) -> float:
        return min(contrast(ground.blend(shade, kept), ground) for ground in grounds)

    end = max((Color(0, 0, 0), Color(255, 255, 255)), key=seen)
    shades = (colour.blend(end, step / 40) for step in range(40))
    return next((one for one in shades if seen(one) >= least * SAFE), end)


def legible(theme: Theme) -> Theme:
    """The theme with inks that can be read on its grounds, and one cursor."""
    if theme.name in OF_THE_TERMINAL:
        return theme
    made = {name: Color.parse(text) for name, text in theme.to_color_system().generate().items()
            if name in ROLES}  # fmt: skip
    page = made["background"]
    plain = [page, made["surface"], made["panel"]]
    cursor = page.blend(made["accent"], CURSOR if contrast(page, made["foreground"]) > 9 else FAINT)
    grounds = [*plain, cursor]
    inks = {name: ink(made[name], grounds) for name in ("accent", "success", "warning", "error")}
    inks["foreground"] = ink(made["foreground"], grounds, kept=DIM_FACTOR)
    muted = ink(inks["foreground"].blend(page, MUTED), grounds).hex
    variables = _variables(inks, muted, cursor.hex)
    variables["scrollbar-background"] = made["surface"].hex
    variables["scrollbar"] = ink(page.blend(inks["foreground"], 0.25), plain, MARKS).hex
    hexes: dict[str, Any] = {name: value.hex for name, value in inks.items()}
    return replace(theme, variables={**theme.variables, **variables}, **hexes)


def _variables(inks: dict[str, Color], muted: str, cursor: str) -> dict[str, str]:
    """What Textual's looks call the inks, and the ground of the cursor."""
    words = inks["foreground"].hex
    cursors = {"background": cursor, "foreground": words, "text-style": "bold"}
    quiet = ("text-muted", "text-disabled", "foreground-muted", "foreground-disabled",
             "scrollbar-hover", "scrollbar-active", "border-blurred")  # fmt: skip
    return {
        "text": words,
        **dict.fromkeys(quiet, muted),
        **{f"block-cursor-{where}{what}": value
           for where in ("", "blurred-") for what, value in cursors.items()},
        **{f"text-{name}": value.hex for name, value in inks.items() if name != "foreground"},
        **dict.fromkeys(("block-hover-background", "input-selection-background",
                         "screen-selection-background"), cursor),
        "footer-key-foreground": inks["accent"].hex,
        "input-selection-foreground": words,
    }  # fmt: skip


def _theme(name: str, dark: bool, colours: str) -> Theme:
    """A theme of the colours of ROLES, in their order."""
    named: dict[str, Any] = dict(zip(ROLES, colours.split(), strict=True))
    return Theme(name, dark=dark, **named)


THEMES = (
    _theme(DARK, True,
           "#7aa2c8 #9a8cc2 #e0a458 #d8d6d0 #15171a #1c1f23 #272b31 #8fb573 #e0a458 #e07a6a"),
    _theme(LIGHT, False,
           "#2f6690 #6a55a0 #8f4a00 #22252a #fbfaf7 #f1eee8 #e6e2da #336620 #8a4b00 #a5281c"),
    _theme("latty-contrast", True,
           "#8cd2ff #d0b4ff #ffd400 #ffffff #000000 #000000 #1c1c1c #7dff7d #ffd400 #ff8a80"),
    _theme("latty-mono", True,
           "#c8c8c8 #a8a8a8 #ffffff #d8d8d8 #141414 #1c1c1c #2a2a2a #d8d8d8 #e8e8e8 #ffffff"),
)  # fmt: skip
