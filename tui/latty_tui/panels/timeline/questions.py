"""What is asked of a film: how long, how fast, and how it goes on from a keyframe."""

from collections.abc import Callable
from typing import Any

from latty import easing as easings
from latty.errors import LattyError
from latty_tui.desk import Desk
from latty_tui.dialogs import readers
from latty_tui.dialogs.ask import Ask
from latty_tui.dialogs.choose import Choice, Choose
from latty_tui.films import times
from latty_tui.films.curves import bars
from latty_tui.films.film import preset_of
from latty_tui.films.moves import TrackKey, retimed, valued
from latty_tui.state import Said, State

TYPED = "..."  # the choice of those who type an easing
Then = Callable[..., Any]  # takes fields of FilmSettings that are others now


def seconds(desk: Desk, then: Then) -> None:
    """How long it lasts, whatever its frame rate."""
    now = desk.state.film

    def lasting(found: float) -> None:
        then(seconds=found, frames=max(1, round(found * now.fps)))

    hint = f"at {now.fps:g} pictures a second"
    desk.ask(Ask("how many seconds", f"{now.lasts:g}", readers.seconds, hint), lasting)


def frames(desk: Desk, then: Then) -> None:
    """How many frames it has."""
    now = desk.state.film

    def counted(found: int) -> None:
        then(frames=found, seconds=None if now.seconds is None else found / now.fps)

    hint = f"{now.fps:g} of them are a second"
    desk.ask(Ask("how many frames", str(now.frames), readers.frames, hint), counted)


def pace(desk: Desk, then: Then) -> None:
    """How many frames are a second; a film of seconds stays as long."""
    now = desk.state.film

    def paced(found: float) -> None:
        count = now.frames if now.seconds is None else max(1, round(now.seconds * found))
        then(fps=found, frames=count)

    desk.ask(Ask("frames per second", f"{now.fps:g}", readers.fps, "1 to 120"), paced)


def time(desk: Desk, at: int, mark: TrackKey, then: Callable[[State], object]) -> None:
    """When a key is, in any unit."""

    def read(text: str) -> Said:
        retimed(desk.state, at, said := times.typed(text))  # raises what is wrong with it
        return said

    def typed(said: Said) -> None:
        then(retimed(desk.state, at, said))

    desk.ask(Ask(f"when is keyframe {at + 1}", times.words(mark.said), read, times.HINT), typed)


def value(desk: Desk, at: int, name: str, now: float, then: Callable[[], object]) -> None:
    """What one number is at a key of a preset that is kept whole. Raises LattyError where the
    state makes no film."""
    said = name
    if name.startswith("edits."):
        edits = preset_of(desk.state).scene.edits
        _, index, rest = name.split(".")
        said = edits[int(index)].direction + (" amount" if rest == "amount" else "")

    def read(text: str) -> float:
        """Raises ValueError for what no preset may say."""
        try:
            number = float(text)
            valued(desk.state, at, name, number)
        except LattyError as error:
            raise ValueError(error.message) from None
        return number

    def typed(number: float) -> None:
        desk.change(valued(desk.state, at, name, number), f"{said} {number:g} at {at + 1}")
        then()

    desk.ask(Ask(f"{said} at keyframe {at + 1}", f"{now:g}", read, "a number"), typed)


def easing(desk: Desk, place: str, then: Callable[[str], object]) -> None:
    """One of all easings, or one that is typed; "" = as the film."""
    choices = [
        Choice("", "as the film   ", desk.state.film.easing),
        *(Choice(name, f"{name:<14}", curve(name)) for name in easings.EASINGS),
        Choice(TYPED, "another ...   ", "steps(4), cubic-bezier(0.3, 0, 0.2, 1)"),
    ]

    def chosen(name: str) -> None:
        if name != TYPED:
            then(name)
            return
        hint = "steps(4), cubic-bezier(0.3, 0, 0.2, 1), or a name"
        desk.ask(Ask("how it goes on", "", _easing, hint), then)

    desk.ask(Choose(place, choices), chosen)


def curve(name: str) -> str:
    """An easing as bars, from its beginning to its end; what overshoots is cut."""
    return bars([easings.ease(name, i / 15) for i in range(16)], 0.0, 1.0)


def _easing(text: str) -> str:
    """Raises ValueError for what is no easing."""
    easings.curve_of(text.strip())
    return text.strip()
