"""From the state to the picture: which scenes are drawn, and when. The newest always wins."""

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from latty.scene import SEED_LIMIT, Scene

if TYPE_CHECKING:
    from latty_tui.app import Studio
    from latty_tui.state import State

GATHER = 0.008  # seconds: keys that arrive together make one picture
REPEATING = 0.2  # seconds between two changes below which more of them are expected
GRIDS = (1, 4, 9)
GAP = 2  # px between the pictures of a grid

Compare = Literal["edited", "original", "both"]


@dataclass(frozen=True, slots=True)
class View:
    """How the picture is looked at; no part of the state, and nothing that undo brings back.

    grid     1, 4 or 9 pictures of consecutive seeds
    compare  the edited picture, the one before all edits, or both side by side
    moment   0..1 where a film is played or looked at, None = the present state
    strip    whether the strip is wanted, None = where there is room
    """

    grid: int = 1
    compare: Compare = "edited"
    moment: float | None = None
    strip: bool | None = None


def scenes(state: "State", view: View) -> tuple[list[Scene], int]:
    """What is drawn, and how many pictures are in a row."""
    first = state.original if view.compare == "original" else state.shown
    if view.compare == "both":
        return [state.original, state.shown], 2
    return _grid(first, view.grid), round(view.grid**0.5)


def _grid(scene: Scene, count: int) -> list[Scene]:
    """The scene under consecutive seeds, its own first."""
    if count == 1 or not isinstance(scene.seed, int):
        return [scene]
    others = [(scene.seed + i) % SEED_LIMIT for i in range(count)]
    return [replace(scene, seed=seed, latent=None if i else scene.latent)
            for i, seed in enumerate(others)]  # fmt: skip


class Preview:
    """Asks the engine for what the state shows, once keys pause for a moment."""

    def __init__(self, studio: "Studio") -> None:
        self.studio = studio
        self.view = View()
        self.made = 0  # pictures that the engine drew for us
        self._timer = None
        self._last = 0.0
        self._quick = False

    def look(self, **changes: object) -> None:
        """Look at it in another way."""
        self.view = replace(self.view, **changes)
        self.later()

    def later(self) -> None:
        """Draw soon: the state has changed."""
        now = time.monotonic()
        self._quick, self._last = now - self._last < REPEATING, now
        if self._timer is None:
            self._timer = self.studio.set_timer(GATHER, self._start)

    def forget(self) -> None:
        """What is asked for is not wanted: something else takes the place of the picture."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        self.studio.workers.cancel_group(self.studio, "preview")
        self.studio.engine.cancel("picture")

    def _start(self) -> None:
        self._timer = None
        self.studio.background(self.draw(self._quick), "preview")

    async def draw(self, quick: bool = False) -> None:
        """Draw and show; nothing where something newer was asked for meanwhile."""
        studio = self.studio
        if studio.model is None:
            return
        wanted, columns = scenes(studio.state, self.view)
        await self.draw_scenes(wanted, columns, quick)

    async def draw_scenes(self, wanted: list[Scene], columns: int = 1, quick: bool = False) -> bool:
        """Draw these scenes and show them; False where something newer overtook them."""
        from latty_tui.drawing.engine import EngineError

        studio, picture = self.studio, self.studio.picture
        picture.busy(True)
        try:
            drawn = await studio.engine.draw(
                wanted, columns=columns, size=picture.wanted(columns), gap=GAP if columns > 1 else 0
            )
        except EngineError as error:
            picture.failed(error)
            return False
        finally:
            picture.busy(False)
        if drawn is None:
            return False
        self.made += 1
        picture.drawn(drawn, quick)
        studio.tell("drawn", drawn)
        return True
