"""Position: t image heights down."""

from latty.directions.warp import Warp

TRANSFORM = Warp("image heights", down=1)
