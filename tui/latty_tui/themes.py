"""How the studio looks: a dark theme, a light one, one of high contrast, one without hues.

Textual's own themes can be chosen as well. Nothing is told by colour alone in any of them.
"""

from typing import Any

from textual.theme import Theme

DEFAULT = "latty-dark"

ROLES = (
    "primary", "secondary", "accent", "foreground", "background",
    "surface", "panel", "success", "warning", "error",
)  # fmt: skip


def _theme(name: str, dark: bool, colours: str, scrollbar: str, ground: str, **more: str) -> Theme:
    """A theme of the colours of ROLES, in their order; `more` are variables of Textual's."""
    variables = {"scrollbar": scrollbar, "scrollbar-background": ground, **more}
    named: dict[str, Any] = dict(zip(ROLES, colours.split(), strict=True))
    return Theme(name, dark=dark, variables=variables, **named)


THEMES = (
    _theme(DEFAULT, True,
           "#7aa2c8 #9a8cc2 #e0a458 #d8d6d0 #15171a "
           "#1c1f23 #272b31 #8fb573 #e0a458 #e07a6a",
           "#3a4149", "#1c1f23"),
    _theme("latty-light", False,
           "#2f6690 #6a55a0 #a65a00 #22252a #f7f5f0 "
           "#efece5 #dfdbd2 #3f7a2a #a65a00 #b3372a",
           "#b8b2a6", "#efece5"),
    _theme("latty-contrast", True,
           "#8cd2ff #d0b4ff #ffd400 #ffffff #000000 "
           "#000000 #1c1c1c #7dff7d #ffd400 #ff8a80",
           "#ffffff", "#1c1c1c", **{"text-muted": "#ffffff", "border-blurred": "#ffffff"}),
    _theme("latty-mono", True,
           "#c8c8c8 #a8a8a8 #ffffff #d8d8d8 #141414 "
           "#1c1c1c #2a2a2a #d8d8d8 #e8e8e8 #ffffff",
           "#585858", "#1c1c1c"),
)  # fmt: skip
