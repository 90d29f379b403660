"""What is asked of a film: how long, how fast, and how it goes on from a keyframe."""

from collections.abc import Callable
from typing import Any

from latty import easing as easings
from latty_tui.desk import Desk
from latty_tui.dialogs import readers
from latty_tui.dialogs.ask import Ask
from latty_tui.dialogs.choose import Choice, Choose

TYPED = "..."  # the choice of those who type an easing
BARS = "▁▂▃▄▅▆▇█"
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
    heights = (easings.ease(name, i / 15) for i in range(16))
    return "".join(BARS[round(7 * min(1.0, max(0.0, high)))] for high in heights)


def _easing(text: str) -> str:
    """Raises ValueError for what is no easing."""
    easings.curve_of(text.strip())
    return text.strip()
