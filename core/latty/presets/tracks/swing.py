"""There and back: what a seamless loop makes of a track that does not end where it began."""

from dataclasses import dataclass
from math import cos, pi
from typing import Any

from latty.presets.moments import TimeLine
from latty.presets.tracks.motion import Motion


@dataclass(frozen=True, slots=True)
class Swing:
    """Another track, played to its end in half of the film and back in the other half, standing
    still for a moment at both: neither its value nor its speed jumps."""

    of: Motion

    def at(self, t: float) -> float:
        """The other's value at (1 - cos 2 pi t) / 2."""
        return self.of.at((1 - cos(2 * pi * t)) / 2)

    def reach(self) -> tuple[float, float]:
        """That of the other."""
        return self.of.reach()

    def table(self, line: TimeLine) -> dict[str, Any]:
        """That of the other: the output says that it swings."""
        return self.of.table(line)
