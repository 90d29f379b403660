"""What can be read: the contrast of every cell of the screen, in every theme and state.

WCAG 2.2 asks for 4.5:1 where there are letters, 3:1 where there are marks (1.4.3, 1.4.11).
"""

from collections.abc import AsyncIterator, Iterator

import pytest
from rich.style import Style
from studio import Keys, run, settled, until
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from latty.errors import BadData
from latty_tui.app import Studio
from latty_tui.drawing.pixels import PixelView
from latty_tui.panel import in_order, number_of
from latty_tui.themes import MARKS, OF_THE_TERMINAL, TEXT, THEMES, contrast

OURS = [theme.name for theme in THEMES]
DIALOGS = {
    "help": ("f1",),
    "jump": ("ctrl+o",),
    "seed": ("s",),
    "wrong seed": ("s", "x"),
    "render": ("r",),
    "methods": ("d",),
    "open": ("colon", "x"),
}


def faint(app: Studio) -> Iterator[str]:
    """What on the screen cannot be read well, a line for each pair of colours."""
    pictures = [view.region for view in app.main.query(PixelView)]
    seen: dict[tuple[str, str], str] = {}
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            style = segment.style or Style.null()
            inside = any(place.contains(x, y) for place in pictures)
            words = segment.text.strip()
            x += segment.cell_length
            if not words or inside or style.color is None or style.bgcolor is None:
                continue
            pair = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
            least = TEXT if any(map(str.isalnum, words)) else MARKS
            if (found := contrast(*pair)) < least:
                colours = f"{pair[0].hex} on {pair[1].hex}"
                key = colours, str(least)
                seen.setdefault(key, f"{found:.2f}:1 is less than {least}:1, {colours}: {words!r}")
    yield from seen.values()


async def states(pilot: Keys, app: Studio) -> AsyncIterator[str]:
    """The screen in one state after the other: what is in focus, under the mouse, open."""
    for panel in in_order():
        await pilot.press(number_of(panel))
        yield panel.TITLE
    await pilot.press("2", "slash", "z")
    yield "filter"
    await pilot.press("escape", "2")
    await pilot.hover("#edits", offset=(4, 1))
    yield "hover"
    for name, keys in DIALOGS.items():
        await pilot.press(*keys)
        await until(pilot, lambda: app.dialogs, f"{name} is open")
        await pilot.pause()
        yield name
        await pilot.press("escape")
        await until(pilot, lambda: not app.dialogs, f"{name} is closed")
    app.fail(BadData("church.pkl: no checkpoint", "see what it is"), "cannot open church.pkl")
    await until(pilot, lambda: app.dialogs, "the fault is told")
    yield "failed"
    await pilot.press("escape")
    app.say("a toast that warns", "warning")
    await pilot.pause()
    yield "toast"


async def all_read(pilot: Keys, names: list[str]) -> None:
    app = pilot.app
    assert isinstance(app, Studio)
    await pilot.press("2", "right", "down", "right", "6", "m", "K", "n", "K")
    await settled(pilot)
    wrong = []
    async for state in states(pilot, app):
        for name in names:
            app.theme = name
            await pilot.pause()
            wrong += [f"{name}, {state}: {line}" for line in faint(app)]
    assert not wrong, "\n".join(wrong)


def test_every_word_and_mark_is_read() -> None:
    run(lambda pilot: all_read(pilot, OURS[:2]), size=(120, 40))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*OURS[2:], *sorted({*BUILTIN_THEMES} - {*OF_THE_TERMINAL})])
def test_in_every_theme(name: str) -> None:
    run(lambda pilot: all_read(pilot, [name]), size=(80, 24))


@pytest.mark.slow
def test_on_a_large_screen() -> None:
    run(lambda pilot: all_read(pilot, OURS[:2]), size=(200, 60))
