"""Looking at a film frame by frame: keys and the mouse go through time, the picture and the numbers
are those of that moment, and `esc` leaves it as it was."""

from typing import Any

import pytest
from fakes.engine import tile
from film_files import WALK
from studio import Keys, run, settled, text, until
from textual import events

from latty import presets
from latty_tui.films.moves import marks
from latty_tui.panels.timeline.track import places

pytestmark = pytest.mark.slow
COUNT = 40  # frames of the film


@pytest.fixture(autouse=True)
def files(here: Any) -> None:
    (here / "film.toml").write_text(WALK)


async def stands(pilot: Keys, frame: int) -> None:
    """The picture that is seen, the words and the numbers are those of a frame. What was seen
    before is kept, and the engine is not asked for it again."""
    preset = presets.read("film.toml")
    t = preset.times()[frame]
    scene, shown = preset.at(t), pilot.app.picture.pixels
    await until(pilot, lambda: f"● {4 * t:.2f} s frame {frame + 1} of {COUNT}" in text(pilot), "it")
    assert f"smile  {scene.edits[0].strength:.3g}" in text(pilot)
    assert (f"seed  7 → 9 {t:.0%}" if t else "seed  7") in text(pilot)
    await until(pilot, lambda: shown.picture.pixels == b"".join(tile(scene)), "its picture")


async def left(pilot: Keys) -> None:
    """The picture of the present state is back."""
    await pilot.press("escape")
    await settled(pilot)
    assert f"of {COUNT}" not in text(pilot) and "smile  -2 … 2" in text(pilot)
    present = b"".join(tile(pilot.app.state.scene))
    assert pilot.app.picture.pixels.picture.pixels == present and len(pilot.app.history) == 2


def test_keys_go_through_time() -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.panel("timeline").focus()
        await pilot.press("right")
        await stands(pilot, 1)
        await pilot.press("shift+right", "right")
        await stands(pilot, 12)
        await pilot.press("left")
        await stands(pilot, 11)
        await pilot.press("end", "right")
        await stands(pilot, COUNT - 1)
        await pilot.press("home")
        await stands(pilot, 0)
        await pilot.press(*["right"] * 25)
        await stands(pilot, 25)
        await left(pilot)

    run(keys, ref="film.toml")


def test_numbers_are_not_cut_and_what_has_no_row_is_told(here: Any) -> None:
    more = "".join(
        f"[[scene.edits]]\ndirection = 'demo/{name}'\nstrength = {{ from = 0, to = 2 }}\n"
        for name in ("mouth_open", "hair_length", "age")
    )
    (here / "film.toml").write_text(WALK.replace("[[outputs]]", f"{more}[[outputs]]"))

    async def keys(pilot: Keys) -> None:
        await until(pilot, lambda: "also hair_length, age" in text(pilot), "what has no row")
        pilot.app.panel("timeline").focus()
        await pilot.press("shift+right")
        await until(pilot, lambda: "hair_length 0.5  age 0.5" in text(pilot), "their values")
        assert "mouth_open 0.5" in " ".join(text(pilot).split())
        assert "smile  -1" in text(pilot)

    run(keys, ref="film.toml", size=(140, 44))


def test_the_mouse_goes_through_time() -> None:
    async def keys(pilot: Keys) -> None:
        panel = pilot.app.panel("timeline")
        cells = panel._cells

        def cell(frame: int) -> tuple[int, int]:
            return 1 + round(frame / (COUNT - 1) * (cells - 1)), 1

        await pilot.click("#timeline", offset=cell(20))
        await until(pilot, lambda: panel.projector.stands, "a click looks at it")
        await stands(pilot, panel.projector.frame)
        assert abs(panel.projector.frame - 20) <= 1
        await pilot.mouse_down("#timeline", offset=cell(20))
        for frame in range(21, 31):
            drag = [events.MouseMove]  # hover() holds no button
            await pilot._post_mouse_events(drag, "#timeline", cell(frame), button=1)
        await pilot.mouse_up("#timeline", offset=cell(30))
        assert abs(panel.projector.frame - 30) <= 1
        await stands(pilot, panel.projector.frame)
        first = places(marks(pilot.app.state), cells)[0]
        await pilot.click("#timeline", offset=(1 + first, 1))
        await stands(pilot, 0)
        await left(pilot)

    run(keys, ref="film.toml", size=(140, 44))
