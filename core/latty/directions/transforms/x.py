"""Position: t image widths to the right."""

from latty.directions.warp import Warp

ALSO = ("horizontal_position", "shiftx")  # Plumerault's word, and that of GAN steerability
TRANSFORM = Warp("image widths", right=1)
