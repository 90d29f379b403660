"""A slider under a key that is held: it stops at zero and at the ends of the usable range, once."""

import time
from collections.abc import Sequence

HELD = 0.15  # seconds between two moves, below which a key repeats


class Slide:
    """Where the moves of one panel's sliders end."""

    def __init__(self) -> None:
        self._last: tuple[str, float] = ("", 0.0)
        self._caught = False  # whether the last move ended at a stop

    def to(
        self, ref: str, before: float, wanted: float, stops: Sequence[float], now: float = 0.0
    ) -> float:
        """The strength after a move that wants one: where a key is held, no further than the next
        stop, and there it stays until the key is pressed again. `now` in seconds, monotonic."""
        now = now or time.monotonic()
        held = self._last[0] == ref and now - self._last[1] < HELD
        self._last = ref, now
        if held and self._caught:
            return before
        low, high = sorted((before, wanted))
        passed = [stop for stop in stops if low <= stop <= high and stop != before]
        after = min(passed, key=lambda stop: abs(stop - before)) if held and passed else wanted
        self._caught = after in stops
        return after
