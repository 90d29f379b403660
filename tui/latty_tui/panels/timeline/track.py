"""How the film looks: a line of keyframes, and words about it."""

from itertools import pairwise

from rich.text import Text

from latty.text import printable
from latty_tui.films import film
from latty_tui.state import State

LINE = 12  # cells of the line at least, where words are beside it


def text(
    state: State,
    width: int,
    height: int,
    chosen: int | None,
    frame: int | None,
    moment: float | None,
) -> Text:
    """One or two rows. `chosen` = the keyframe under the cursor, `frame` and `moment` = where the
    film is that is played."""
    said = words(state, frame, chosen)
    first = line(state, room(state, width, height), chosen, moment) or advice(state)
    between = "\n" if height > 1 else "  "
    found = Text(between).join([first, said]) if state.keys or height > 1 or frame else first
    found.no_wrap, found.overflow = True, "ellipsis"
    return found


def room(state: State, width: int, height: int) -> int:
    """Cells of the line."""
    return width if height > 1 else max(LINE, width - words(state, None).cell_len - 2)


def places(count: int, width: int) -> list[int]:
    """Where the keyframes are on a line."""
    return [round(i * (width - 1) / max(1, count - 1)) for i in range(count)]


def line(state: State, width: int, chosen: int | None, moment: float | None) -> Text | None:
    """Diamonds at even intervals, and how far the film is; None where there are none."""
    count = len(state.keys)
    if not count or width < 2:
        return None
    cells = ["─" if count > 1 else " "] * width
    where = places(count, width)
    for easing, (start, stop) in zip(state.eases, pairwise(where), strict=False):
        for at in range(start, stop) if easing else ():
            cells[at] = "═" if easing == "hold" else "┄"
    for at in where:
        cells[at] = "◆"
    if moment is not None:
        cells[round(moment * (width - 1))] = "●"
    found = Text("".join(cells))
    if chosen is not None:
        at = places(count, width)[min(chosen, count - 1)]
        found.stylize("bold reverse", at, at + 1)
    return found


def advice(state: State) -> Text:
    """What to say where there are no keyframes."""
    if moving := film.moving(state):
        return Text(f"as in the file: {', '.join(map(printable, moving))}", "dim")
    return Text("no film yet: K keeps a keyframe", "dim")


def words(state: State, frame: int | None, chosen: int | None = None) -> Text:
    """How long it is and how it moves; of the chosen keyframe, when it is and how it goes on."""
    keys, how = len(state.keys), state.film
    if keys < 2 and not film.moving(state):
        return Text("1 keyframe: K keeps another" if keys else "", "dim")
    long = f"{how.frames} frames, {how.lasts:.1f} s"
    parts = [long, f"{how.fps:g} fps", *([how.easing] if keys else []), how.loop]
    said = Text()
    if chosen is not None and keys > 1 and frame is None:
        said.append(f"{of_key(state, chosen)}  ")
    if film.jumps(state):
        said.append("jumps: L  ", "bold")
    said.append("  ".join(parts), "dim")
    return said if frame is None else Text.assemble((f"▶ {frame + 1}", "bold"), " of ", said)


def of_key(state: State, at: int) -> str:
    """`2 at 1.50 s → hold`; the last one goes nowhere."""
    last = len(state.keys) - 1
    place = f"◆ {at + 1} at {state.film.lasts * at / last:.2f} s"
    easing = state.eases[at] if state.eases else ""
    return place if at == last or not easing else f"{place} → {easing}"
