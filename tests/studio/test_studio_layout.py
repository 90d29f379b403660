"""How the screen is shared out: what is where at which size, and what has a frame."""

import re
from typing import Any

import pytest
from studio import Keys, asked, run, settled, text, until
from textual.geometry import Region

from latty_tui.app import Studio
from latty_tui.drawing.pixel_writer import PixelWriter
from latty_tui.panel import in_order, name_of, number_of

SIZES = ((80, 24), (100, 40), (120, 40), (140, 44), (200, 60))


def studio_of(pilot: Keys) -> Studio:
    app = pilot.app
    assert isinstance(app, Studio)
    return app


def framed(pilot: Keys) -> list[str]:
    """The panels around which a line is drawn."""
    found = studio_of(pilot).main.query(".panel")
    return [str(one.id) for one in found if "round" in [edge for edge, _ in one.styles.border]]


def test_columns_grow_with_the_screen() -> None:
    """Left 28 to 44 cells, right 37 to 48; the picture has what is left."""

    async def keys(pilot: Keys) -> None:
        main = studio_of(pilot).main
        seen = {}
        for columns, rows in SIZES:
            await pilot.resize_terminal(columns, rows)
            await settled(pilot)
            boxes = {name: main.query_one(f"#{name}").region for name in ("left", "right")}
            seen[columns] = boxes["left"].width, boxes["right"].width
            place = main.query_one("#pixels").region
            assert place.x == boxes["left"].right + 1 or columns == 80
            assert place.height > 0.5 * rows - 2, f"{columns}x{rows}: {place}"
        assert seen[80] == (26, 0)
        assert seen[120] == (28, 37) and seen[200] == (44, 48)
        widths = [seen[columns] for columns in sorted(seen)]
        assert widths[1:] == sorted(widths[1:])

    run(keys)


def test_a_digit_goes_to_its_panel_which_alone_has_a_frame() -> None:
    """The digit is in the title; where something is typed it is typed."""

    async def keys(pilot: Keys) -> None:
        app = studio_of(pilot)
        for panel in in_order():
            number, name = number_of(panel), name_of(panel)
            await pilot.press(number)
            await settled(pilot)
            assert app.main.current is app.panel(name)
            assert framed(pilot) == [name]
            assert f"{number} {panel.TITLE}" in text(pilot)
        await pilot.press("slash", "3")
        await until(pilot, lambda: app.panel("directions").words == "3", "the filter has the 3")

    run(keys)


@pytest.mark.parametrize("columns", [120, 200])
def test_what_has_little_to_say_gives_way(columns: int) -> None:
    """Edits have as many rows as there are, the queue one; the zoo gets room where it unfolds."""

    async def keys(pilot: Keys) -> None:
        main = studio_of(pilot).main
        edits, queue, models = (main.query_one(f"#{n}") for n in ("edits", "queue", "models"))
        picture = main.query_one("#pixels").size
        await pilot.press("2", "right", "down", "right", "down", "right")
        await settled(pilot)
        assert edits.size.height == 3 and edits.outer_size.height == 5
        assert queue.outer_size.height == 1 and main.query_one("#pixels").size == picture
        before = models.outer_size.height
        await pilot.press("1", "end", "enter")
        await settled(pilot)
        assert models.outer_size.height > 2 * before

    run(keys, size=(columns, 44))


OVER = {  # keys that open a dialog, from which panel
    "seed": ("s",),
    "strength": ("6", "enter"),
    "render": ("6", "r"),
    "methods": ("2", "d"),
    "file": ("colon",),
    "help": ("f1",),
}


@pytest.mark.parametrize("size", [(140, 44), (200, 60)], ids=str)
def test_no_dialog_stands_over_the_picture(size: tuple[int, int]) -> None:
    """Help and the list of methods, which are read, may stand over the lower third."""

    async def keys(pilot: Keys) -> None:
        app = studio_of(pilot)
        await pilot.press("2", "right")
        await settled(pilot)
        picture = app.picture.pixels.painted
        assert picture.area > 400
        for name, opens in OVER.items():
            await pilot.press(*opens)
            await until(pilot, lambda: app.dialogs, f"{name} is open")
            await pilot.pause()

            def box() -> Region:
                return app.screen.query_one("#box").region

            await until(pilot, lambda: box().area, f"{name} is laid out")
            lower = name in ("help", "methods") and box().y >= size[1] * 3 // 5
            assert lower or not box().overlaps(picture), f"{name}: {box()} over {picture}"
            assert app.picture.pixels.painted == picture
            await pilot.press("escape")
            await until(pilot, lambda: not app.dialogs, f"{name} is closed")

    run(keys, size=size)


@pytest.mark.parametrize("size", [(80, 24), (140, 44)], ids=str)
def test_a_form_says_all_of_its_words(size: tuple[int, int]) -> None:
    """However narrow the column is that it stands in: what is chosen, what there is to mark, the
    names of its fields."""

    async def keys(pilot: Keys) -> None:
        await pilot.press("2", "right", "r")
        await until(pilot, lambda: "render" in text(pilot), "the form")
        await pilot.pause()
        said = [re.findall(r"[^│]*│([^│]*)│", line) for line in text(pilot).split("\n")]
        words = " ".join(" ".join(part[0] for part in said if part).split())
        form = pilot.app.screen
        for wanted in ("pictures a", "second", "edits", "here ›"):
            assert wanted in words, f"{wanted}: {words}"
        for word in form.control("formats").words:
            assert f"[x] {word}" in words or f"[ ] {word}" in words, f"{word}: {words}"

    run(keys, size=size)


def test_the_strip_has_its_numbers_below_its_pictures() -> None:
    """At every size; between the pictures is the page."""

    async def keys(pilot: Keys) -> None:
        app = studio_of(pilot)
        strip = app.panel("strip")
        for columns, rows in SIZES[1:]:
            await pilot.resize_terminal(columns, rows)
            await settled(pilot)
            await until(pilot, lambda: strip.shown and strip.shown[1] == strip._count(), "drawn")
            await settled(pilot)
            place, count = strip.view.painted, strip.shown[1]
            words = str(strip.query_one("#strip-words").content)
            found = [(one.start() + one.end()) / 2 for one in re.finditer(r"\S+", words)]
            left = place.x - strip.query_one("#strip-words").region.x
            wanted = [left + place.width * (i + 0.5) / count for i in range(count)]
            off = [abs(one - other) for one, other in zip(found, wanted, strict=True)]
            assert max(off) <= 1, f"{columns}x{rows}: {found} below {wanted}"
        assert asked("draw")[-1]["ground"] == strip.view.ground == 0x15171A

    run(keys)


def test_names_are_read_as_words_and_typed_either_way() -> None:
    async def keys(pilot: Keys) -> None:
        app = studio_of(pilot)
        for typed in ("mouth open", "mouth_open"):
            await pilot.press("slash", *["underscore" if c == "_" else "space" if c == " " else c
                                         for c in typed], "enter")  # fmt: skip
            await until(pilot, lambda: app.panel("directions").words, "the filter")
            assert app.panel("directions").found.ref == "demo/mouth_open"
            await pilot.press("escape")
        await pilot.press("2", "right")
        await settled(pilot)
        shown = text(pilot)
        assert shown.count("mouth open") >= 3 and "mouth_open" not in shown

    run(keys)


def test_facts_are_whole_or_left_out() -> None:
    async def keys(pilot: Keys) -> None:
        for columns, rows in SIZES:
            await pilot.resize_terminal(columns, rows)
            await settled(pilot)
            what = studio_of(pilot).main.query_one("#directions-what")
            said = " ".join(what.render_line(y).text.strip() for y in range(what.size.height))
            assert re.fullmatch(r".*( layers|layers \S+|\d)", said.strip()), said

    run(keys)


def test_the_header_is_the_scene_and_the_machine() -> None:
    async def keys(pilot: Keys) -> None:
        first = text(pilot).split("\n")[0]
        assert re.search(r"demo  ▸ seed 7  ▸ ψ 0\.80 +cpu(  \d+ ms)?$", first), first

    run(keys)


@pytest.mark.parametrize("steps", [2, 30], ids=["few steps", "more than its panel has rows"])
def test_a_key_writes_once_and_only_what_changes(
    steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the latent the seed, of the header the scene, of the history what has moved: in one go;
    later the header tells the rate."""
    written: list[Any] = []
    monkeypatch.setattr(PixelWriter, "written", lambda self, spans: written.append(spans))

    async def keys(pilot: Keys) -> None:
        for _ in range(steps):
            await pilot.press("n", "t")  # two of one kind are one step
        await settled(pilot)
        app = pilot.app
        seeds = app.panel("latent").region, app.panel("header").region, app.panel("history").region
        written.clear()
        await pilot.press("n")
        await settled(pilot)
        picture = app.panel("picture").region
        ours = [[one for one in spans or [(0, 0, 0)] if not _within(one, picture)]
                for spans in written]  # fmt: skip
        assert len([one for one in ours if any(y for y, *_ in one)]) == 1, ours
        cells = [one for spans in ours for one in spans]
        assert all(any(_within(one, place) for place in seeds) for one in cells), cells
        assert len(cells) < 20
        assert sum(_within(one, seeds[0]) for one in cells) == 1, cells

    run(keys, size=(120, 36))


def _within(span: tuple[int, int, int], place: Region) -> bool:
    y, first, last = span
    return y in place.line_range and place.x <= first and last <= place.right
