"""How the studio looks: a dark theme, a light one, one of high contrast, one without hues.

Textual's own themes can be chosen as well. Nothing is told by colour alone in any of them.
"""

from textual.theme import Theme

DEFAULT = "latty-dark"

THEMES = (
    Theme(
        name=DEFAULT,
        primary="#7aa2c8",
        secondary="#9a8cc2",
        accent="#e0a458",
        foreground="#d8d6d0",
        background="#15171a",
        surface="#1c1f23",
        panel="#272b31",
        success="#8fb573",
        warning="#e0a458",
        error="#e07a6a",
        dark=True,
        variables={"scrollbar": "#3a4149", "scrollbar-background": "#1c1f23"},
    ),
    Theme(
        name="latty-light",
        primary="#2f6690",
        secondary="#6a55a0",
        accent="#a65a00",
        foreground="#22252a",
        background="#f7f5f0",
        surface="#efece5",
        panel="#dfdbd2",
        success="#3f7a2a",
        warning="#a65a00",
        error="#b3372a",
        dark=False,
        variables={"scrollbar": "#b8b2a6", "scrollbar-background": "#efece5"},
    ),
    Theme(
        name="latty-contrast",
        primary="#8cd2ff",
        secondary="#d0b4ff",
        accent="#ffd400",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        success="#7dff7d",
        warning="#ffd400",
        error="#ff8a80",
        dark=True,
        variables={
            "text-muted": "#ffffff",
            "border-blurred": "#ffffff",
            "scrollbar": "#ffffff",
            "scrollbar-background": "#1c1c1c",
        },
    ),
    Theme(
        name="latty-mono",
        primary="#c8c8c8",
        secondary="#a8a8a8",
        accent="#ffffff",
        foreground="#d8d8d8",
        background="#141414",
        surface="#1c1c1c",
        panel="#2a2a2a",
        success="#d8d8d8",
        warning="#e8e8e8",
        error="#ffffff",
        dark=True,
        variables={"scrollbar": "#585858", "scrollbar-background": "#1c1c1c"},
    ),
)
