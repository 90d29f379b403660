"""The grid: pictures of seeds to pick from, by keys and by mouse."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from studio import TERMINAL, Keys, asked, run, settled, text, until
from studio_pick import cell_of, cursor_words, shown_cells
from textual.widgets import Static

from latty.scene import SEED_LIMIT
from latty_tui.drawing.pixels import PixelView


def draws() -> list[list[int]]:
    """The seeds of each large picture that was asked for."""
    found = [one for one in asked("draw") if one["channel"] == "picture"]
    return [[scene.get("seed", 0) for scene in one["scenes"]] for one in found]


async def pressed(pilot: Keys, *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
def test_each_cell_of_a_grid_says_its_seed(size: tuple[int, int]) -> None:
    async def keys(pilot: Keys) -> None:
        for count in (4, 9):
            await pressed(pilot, "g")
            assert draws()[-1] == list(range(7, 7 + count))
            cells = shown_cells(pilot)
            assert cells == [f"seed {seed}" for seed in range(7, 7 + count)]
            assert all(f"seed {seed}" in text(pilot) for seed in range(7, 7 + count))
            assert cursor_words(pilot) == "seed 7"
        await pressed(pilot, "g")
        assert not shown_cells(pilot) and draws()[-1] == [7]

    run(keys, size)


def test_arrows_choose_and_enter_takes() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.go("edits")
        await pressed(pilot, "g", "g", "right", "down")
        assert cursor_words(pilot) == "seed 11"
        assert app.state.scene.seed == 7, "looking changes nothing"
        await pressed(pilot, "enter")
        assert app.state.scene.seed == 11 and app.view.grid == 1
        assert draws()[-1] == [11] and not shown_cells(pilot)
        assert app.last_focus == "edits", "where it was"
        assert app.history.steps[-1].what == "seed 11"
        await pressed(pilot, "u")
        assert app.state.scene.seed == 7

    run(keys)


def test_keys_typed_ahead_take_what_they_would_take_one_by_one() -> None:
    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "g", "g", "right", "right", "right", "down", "enter")
        assert pilot.app.state.scene.seed == 13

    run(keys)


@pytest.mark.parametrize(
    "way, first",
    [
        (["up"], 4),
        (["left"], 4),
        (["down", "down", "down"], 10),
        (["pagedown"], 16),
        (["pageup"], -2),
    ],
)
def test_beyond_the_ends_of_a_grid_are_other_seeds(way: list[str], first: int) -> None:
    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "g", "g", *way)
        seeds = [seed % SEED_LIMIT for seed in range(first, first + 9)]
        assert draws()[-1] == seeds
        assert shown_cells(pilot) == [f"seed {seed}" for seed in seeds]
        expected = {"up": 4, "left": 6, "down": 16, "pagedown": 16, "pageup": SEED_LIMIT - 2}
        assert cursor_words(pilot) == f"seed {expected[way[0]]}"
        await pressed(pilot, "enter")
        assert pilot.app.state.scene.seed == expected[way[0]]

    run(keys)


def test_esc_leaves_the_grid_and_nothing_is_taken() -> None:
    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "g", "right", "down", "escape")
        app = pilot.app
        assert (app.view.grid, app.state.scene.seed, len(app.history)) == (1, 7, 1)
        assert app.last_focus == "directions"

    run(keys)


def test_the_mouse_chooses_and_takes() -> None:
    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "g", "g")
        await pilot.click(offset=cell_of(pilot, 5))
        await settled(pilot)
        assert cursor_words(pilot) == "seed 12" and pilot.app.state.scene.seed == 7
        await pilot.click(offset=cell_of(pilot, 5))
        await settled(pilot)
        assert pilot.app.state.scene.seed == 12 and pilot.app.view.grid == 1

    run(keys)


def test_where_there_is_one_picture_arrows_choose_nothing() -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.go("picture")
        await pressed(pilot, "right", "down", "enter", "pagedown")
        app = pilot.app
        assert (app.state.scene.seed, app.view.further, len(app.history)) == (7, 0, 1)
        assert "Take this one" not in text(pilot)
        await pressed(pilot, "g")
        assert "Take this one" in text(pilot)

    run(keys)


def test_edits_are_in_every_cell_and_stay_with_what_is_taken() -> None:
    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "slash", *"smile", "enter", "right", "right", "g", "right")
        edits = pilot.app.state.scene.edits
        assert all(scene["edits"] for scene in asked("draw")[-1]["scenes"])
        await pressed(pilot, "enter")
        assert pilot.app.state.scene.seed == 8 and pilot.app.state.scene.edits == edits

    run(keys)


def test_a_grid_that_is_drawn_slowly_stays_a_grid_and_says_what_enter_takes() -> None:
    """The fake draws seed 600 for ten minutes."""

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        await pressed(pilot, "s", *"591", "enter")
        await pressed(pilot, "g", "g", "right")
        await pilot.press("pagedown")
        await until(pilot, lambda: "drawing ..." in text(pilot), "it takes long")
        await pilot.pause(0.5)
        assert shown_cells(pilot) == [f"seed {seed}" for seed in range(600, 609)]
        assert cursor_words(pilot) == "seed 601" and "seed 608" in text(pilot)
        assert not app.query_one("#pixels", PixelView).display
        await pilot.press("n")
        assert cursor_words(pilot) == "seed 602", "other keys change what is named, too"
        await pilot.press("enter")
        assert app.state.scene.seed == 602

    run(keys)


def test_until_more_seeds_are_there_enter_takes_what_is_marked() -> None:
    """The fake draws seed 600, the last of nine, for ten minutes."""

    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "s", *"592", "enter")
        await pressed(pilot, "g", "right")
        assert cursor_words(pilot) == "seed 593"
        await pilot.press("g")
        await until(pilot, lambda: "drawing ..." in text(pilot), "it takes long")
        assert cursor_words(pilot) == "seed 593"
        await pilot.press("enter")
        assert pilot.app.state.scene.seed == 593

    run(keys)


def test_an_opening_model_leaves_a_grid_a_grid(tmp_path: Path) -> None:
    async def keys(pilot: Keys) -> None:
        (tmp_path / "slow.onnx").write_bytes(b"")
        await pressed(pilot, "g", "right")
        app = pilot.app
        app.background(app.open_model(str(tmp_path / "slow.onnx")), "open")
        await until(pilot, lambda: "opening" in text(pilot), "it opens")
        await pilot.pause(0.5)
        assert shown_cells(pilot) == [f"seed {seed}" for seed in range(7, 11)]
        await pilot.press("escape")
        await settled(pilot)
        assert cursor_words(pilot) == "seed 8"

    run(keys)


def test_where_nothing_can_be_shown_the_file_is_that_of_the_grid() -> None:
    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "g")
        caption = pilot.app.query_one("#picture-caption", Static)

        def colours() -> int:
            """Of the middles of four cells, in the file that is named."""
            if not (path := str(caption.content)).endswith(".png"):
                return 0
            picture = Image.open(path)
            high, wide = picture.height, picture.width
            places = [(wide * x // 4, high * y // 4) for x in (1, 3) for y in (1, 3)]
            return len({picture.getpixel(place) for place in places})

        await until(pilot, lambda: colours() == 4, "its file is named")
        assert "seed 10" in text(pilot)

    run(keys, (200, 60), terminal=replace(TERMINAL, way="saved"))


def test_enter_right_after_an_arrow_leads_back_to_where_it_was() -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.go("edits")
        await pressed(pilot, "g")
        picture = pilot.app.picture
        picture.action_pick(1, 0)
        picture.action_take()
        await settled(pilot)
        assert pilot.app.state.scene.seed == 8 and pilot.app.last_focus == "edits"

    run(keys)


def test_of_a_walk_there_is_no_grid_which_is_said() -> None:
    async def keys(pilot: Keys) -> None:
        await pressed(pilot, "s", *"1,", *"5", "enter")
        await pressed(pilot, "g")
        assert "a walk has several seeds" in text(pilot)
        assert pilot.app.view.grid == 1 and pilot.app.last_focus == "directions"

    run(keys)
