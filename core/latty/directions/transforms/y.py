"""Position: t image heights down."""

from latty.directions.warp import Warp

ALSO = ("vertical_position", "shifty")  # Plumerault's word, and that of GAN steerability
TRANSFORM = Warp("image heights", down=1)
