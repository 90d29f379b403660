"""Size: 1 + t times as large, about the centre."""

from latty.directions.warp import Warp

ALSO = ("zoom",)  # of GAN steerability
TRANSFORM = Warp("scale factor", scale=1)
