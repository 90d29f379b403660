"""From the state to the picture: which scenes are drawn, and when. The newest always wins."""

import time

from textual.timer import Timer
from textual.worker import Worker

from latty_tui.desk import Desk
from latty_tui.drawing import grid
from latty_tui.drawing.engine import Drawn, EngineError
from latty_tui.drawing.last import LastPictures
from latty_tui.state import State, ViewSettings

GATHER = 0.008  # seconds: keys that arrive together make one picture
REPEATING = 0.2  # seconds between two changes below which more of them are expected
GAP = 2  # px between two pictures that are compared


class PreviewLoop:
    """Asks the engine for what the state shows, once keys pause for a moment."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.last = LastPictures(desk)
        self.made = 0  # pictures that the engine drew for us
        self._timer: Timer | None = None
        self._worker: Worker[None] | None = None
        self._last = 0.0
        self._quick = False
        self._draws = 0  # begun,
        self._forgotten = 0  # and how many of them nobody wants any more
        self._shown: tuple[State, ViewSettings, Drawn] | None = None  # the last whole picture

    def later(self) -> None:
        """Draw soon: the state has changed."""
        now = time.monotonic()
        self._quick, self._last = now - self._last < REPEATING, now
        if self._timer is None:
            self._timer = self.desk.set_timer(GATHER, self._start)

    async def as_left(self) -> None:
        """Show what was seen last of the present state, where that is known."""
        state, view = self.desk.state, self.desk.view
        wanted, cells = grid.scenes(state, view), grid.options(state, view)
        found = None if cells else await self.last.find(wanted, len(wanted))
        if found is not None and (state, view) == (self.desk.state, self.desk.view):
            self.desk.picture.as_left(found)

    def forget(self) -> None:
        """What is asked for is not wanted: something else takes the place of the picture."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._worker is not None:
            self._worker.cancel()
        self._forgotten = self._draws  # the answers to older ones may be on their way
        self.desk.engine.cancel("picture")

    def back(self) -> None:
        """Esc: what is being drawn is called off; the picture that was there before and the state
        that it shows are back. Files stay as they are: where some were changed meanwhile, it goes
        back as far as that, and draws."""
        worker, shown = self._worker, self._shown
        at_work = self._timer is not None or (worker is not None and not worker.is_finished)
        desk = self.desk
        if not at_work or shown is None or shown[0].scene.model != desk.opened:
            self.forget()
            return
        at = desk.history.nearest(shown[0])
        if at is not None and (near := desk.history.reach(at)) != at:
            desk.go_to_step(near)
            return
        self.forget()
        state, desk.view, drawn = shown
        if at is None:  # a later move of the same slider took its place
            desk.change(state, "back to the picture")
        elif at != desk.history.index:
            desk.go_to_step(at)
            desk.say("not drawn: back to the picture; ctrl+r goes on")
        self.forget()  # nothing is to be drawn for it
        desk.picture.drawn(drawn, False, [one.words for one in grid.options(state, desk.view)])

    def _start(self) -> None:
        self._timer = None
        self._worker = self.desk.background(self.draw(self._quick), "preview")

    async def draw(self, quick: bool = False) -> None:
        """Draw and show; nothing where something newer was asked for meanwhile."""
        desk, picture = self.desk, self.desk.picture
        if desk.model is None:
            return
        state, view = desk.state, desk.view
        wanted, cells = grid.scenes(state, view), grid.options(state, view)
        columns = grid.columns(view) if cells else len(wanted)
        gap, size = GAP if columns > 1 and not cells else 0, picture.wanted(columns)
        coarse = None if picture.pixels.one_to_one else size  # where pixels count it would jump
        self._draws += 1
        number, asked = self._draws, time.time_ns()

        def early(drawn: Drawn) -> None:
            if number > self._forgotten:
                picture.coarse(drawn)

        picture.busy(True)
        try:
            drawn = await desk.engine.draw(
                wanted,
                columns=columns,
                size=size,
                gap=gap,
                ground=picture.pixels.ground,
                coarse=coarse,
                early=early,
            )
        except EngineError as error:
            if number > self._forgotten:
                picture.failed(error)
            return
        finally:
            if number == self._draws:  # else the engine is at a newer one
                picture.busy(False)
        if drawn is not None and number > self._forgotten:
            self._note(state, view, drawn, asked)
            picture.drawn(drawn, quick, [one.words for one in cells])
            desk.tell(lambda panel: panel.on_drawn(drawn))

    def _note(self, state: State, view: ViewSettings, drawn: Drawn, asked: int) -> None:
        """It is shown, and kept for the next start; not a grid, whose cells have words as well."""
        self.made += 1
        self._shown = state, view, drawn
        if not grid.options(state, view):
            wanted = grid.scenes(state, view)
            self.last.seen(wanted, len(wanted), drawn, asked)
