"""Colours as a preset says them: "#2e2e36", "#2e2e3680", "navy", "transparent"."""

from latty.errors import did_you_mean
from latty.tables.rules import checked, text
from latty.tables.words import shown

TRANSPARENT = "transparent"

Colour = tuple[int, int, int, int]  # red, green, blue, opacity, each 0..255


def colour(words: str) -> Colour:
    """A name of CSS, or #rgb, #rrggbb or #rrggbbaa. Raises ValueError with what is wrong."""
    from PIL import ImageColor  # few presets say a colour

    if words == TRANSPARENT:
        return 0, 0, 0, 0
    try:
        red, green, blue, *opacity = ImageColor.getrgb(words)
    except ValueError:
        hint = did_you_mean(words, [*ImageColor.colormap, TRANSPARENT])
        near = f" ({hint})" if hint.startswith("did") else ""
        what = f"'{shown(words)}' is no colour: write a name, '#rrggbb' or '#rrggbbaa'{near}"
        raise ValueError(what) from None
    return red, green, blue, opacity[0] if opacity else 255


def _known(words: str) -> str:
    colour(words)
    return words


COLOUR = checked(text(40), _known)
