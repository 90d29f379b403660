"""Position: t image widths to the right."""

from latty.directions.warp import Warp

TRANSFORM = Warp("image widths", right=1)
