"""The latent and the history in the studio: their keys, their mouse, what they say."""

from pathlib import Path

import pytest
from studio import Keys, asked, run, said, settled, text, until
from textual.geometry import Offset

from latty import home
from latty.scene import Edit, Layers, Scene, Walk
from latty_tui.panels.history import HistoryPanel
from latty_tui.panels.latent import RANDOM, LatentPanel
from latty_tui.state import History, State


def panel(pilot: Keys) -> LatentPanel:
    found: LatentPanel = pilot.app.panel("latent")  # type: ignore[attr-defined]
    return found


def scene(pilot: Keys) -> Scene:
    return pilot.app.state.scene  # type: ignore[attr-defined,no-any-return]


async def at(pilot: Keys, name: str) -> LatentPanel:
    """The panel with the focus and the cursor on a line."""
    found = panel(pilot)
    found.focus()
    await pilot.pause()
    found.go(next(i for i, field in enumerate(found.fields) if field.name == name))
    return found


async def typed(pilot: Keys, words: str) -> None:
    """Enter, and an answer to what is asked."""
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press("ctrl+u", "ctrl+k", *("space" if c == " " else c for c in words), "enter")
    await pilot.pause()


@pytest.mark.slow
def test_seeds_from_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(History, "PAUSE", 60.0)  # seconds: this machine may be slow

    async def keys(pilot: Keys) -> None:
        await pilot.press("n", "n", "N")
        await settled(pilot)
        assert scene(pilot).seed == 8 and asked("draw")[-1]["scenes"][0]["seed"] == 8
        await until(pilot, lambda: "▸ seed 8  ▸ ψ 0.80" in text(pilot), "the header")
        await pilot.press("R")
        assert isinstance(scene(pilot).seed, int) and 0 <= scene(pilot).seed < RANDOM
        await pilot.press("s")
        await pilot.pause()
        await pilot.press(*"99999999999999", "enter")
        assert "a seed is a whole number" in text(pilot)
        await pilot.press("ctrl+u", *"1234", "enter")
        assert scene(pilot).seed == 1234
        await pilot.press("t", "t", "T")
        assert scene(pilot).truncation == 0.75
        await pilot.press("u", "u", "u", "u")
        assert scene(pilot) == Scene("demo", 7, 0.8)

    run(keys)


def test_a_walk_has_lines_of_its_own() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "seed")
        await typed(pilot, "1, 5, 9")
        assert scene(pilot).seed == Walk((1, 5, 9))
        await at(pilot, "along")
        await pilot.press("right", "shift+right")
        await at(pilot, "blend")
        await pilot.press("left")
        await settled(pilot)
        assert scene(pilot).seed == Walk((1, 5, 9), "lerp", 0.25)
        assert "1, 5, 9" in text(pilot) and "0.25" in text(pilot)
        await pilot.press("n")
        assert scene(pilot).seed == Walk((2, 6, 10), "lerp", 0.25)
        await pilot.press("R")
        walk = scene(pilot).seed
        assert isinstance(walk, Walk) and len(walk.seeds) == 3
        await at(pilot, "seed")
        await typed(pilot, "4")
        assert scene(pilot).seed == 4 and "along" not in [one.name for one in panel(pilot).fields]

    run(keys)


@pytest.mark.slow
def test_what_truncation_and_noise_do_is_changed_line_by_line() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "truncation")
        await pilot.press("left", "j", "left", "j", "right", "j", "left")
        await settled(pilot)
        made = Scene("demo", 7, 0.75, 9, None, "none", truncation_after_edits=True)
        assert scene(pilot) == made
        assert "below 9" in text(pilot)
        await typed(pilot, "17")
        assert scene(pilot).noise == 17 and "seed 17" in text(pilot)
        await pilot.press("x", "k", "x", "k", "x")
        assert scene(pilot) == Scene("demo", 7, 0.75)
        await at(pilot, "size")
        await pilot.press("right", "right")
        assert scene(pilot).size == 128
        await typed(pilot, "own")
        assert scene(pilot).size is None

    run(keys)


def test_what_the_model_cannot_do_is_grey_and_says_why() -> None:
    async def keys(pilot: Keys) -> None:
        for name, why in (("class", "no classes"), ("noise", "no noise"), ("cutoff", "one layer")):
            found = await at(pilot, name)
            await pilot.press("right", "enter")
            await pilot.pause()
            assert why in said(pilot) and why in str(found.border_subtitle)
            assert len(pilot.app.screen_stack) == 1
        assert scene(pilot) == Scene("flat", 7, 0.8)
        style = found.get_component_rich_style("lines--off")
        strip = found.render_line(found.cursor)
        assert any(segment.style.color == style.color for segment in strip if segment.style)
        await pilot.press("c")
        assert len(pilot.app.screen_stack) == 1

    run(keys, ref="flat")


@pytest.mark.slow
def test_classes_are_stepped_typed_mixed_and_found_by_name() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "class")
        await pilot.press("left", "left")
        assert scene(pilot).label == 998
        await typed(pilot, "husky")
        assert scene(pilot).label == 250 and "250 Siberian husky" in text(pilot)
        await pilot.press("right")
        assert scene(pilot).label == 251
        await typed(pilot, "3=0.7, husky=0.3")
        assert scene(pilot).label == ((3, 0.7), (250, 0.3))
        await settled(pilot)
        assert asked("draw")[-1]["scenes"][0]["label"] is not None
        await pilot.press("c")
        await pilot.pause()
        await pilot.press(*"siber", "enter")
        assert scene(pilot).label == 250
        await typed(pilot, "none")
        assert scene(pilot).label is None

    run(keys, ref="zoo")


@pytest.mark.slow
def test_seeds_are_mixed_in_by_layers() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "mix")
        await typed(pilot, "42 70% @ 0-3")
        assert scene(pilot).edits == (Edit("seed:42", 0.7, Layers(0, 4)),)
        assert "70% of 0-3" in text(pilot) and "seed 42" in text(pilot)  # a slider, too
        await at(pilot, "mix 42")
        await pilot.press("right", "}", "]", "shift+left")
        assert scene(pilot).edits == (Edit("seed:42", 0.5, Layers(1, 5)),)
        await typed(pilot, "43 10%")
        assert scene(pilot).edits == (Edit("seed:43", 0.1),)
        await at(pilot, "mix 43")
        await pilot.press("x")
        assert not scene(pilot).edits
        await pilot.press("u")
        assert scene(pilot).edits

    run(keys)


def stored(name: str, width: int) -> Path:
    """Two latents in w in the store."""
    import torch

    from latty import latents

    path = home.latents_dir() / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    array = torch.arange(2.0 * width).reshape(2, width) / width
    latents.write(path, latents.Latents("w", array, names=("first", "second")))
    return path


def test_stored_latents_are_chosen_and_those_that_do_not_fit_are_refused() -> None:
    async def keys(pilot: Keys) -> None:
        stored("mine", 128)
        stored("other", 77)
        await at(pilot, "start")
        await pilot.press("enter")
        await settled(pilot)
        assert "mine#second" in text(pilot) and "it was made for" not in text(pilot)
        await pilot.press(*"mine#sec", "enter")
        await settled(pilot)
        assert scene(pilot).latent == "mine#1"
        assert "stored latents are shown" in panel(pilot).fields[0].why(panel(pilot).look)
        await pilot.press("left")
        assert scene(pilot).latent == "mine#0"
        await pilot.press("enter")
        await settled(pilot)
        await pilot.press(*"other#fir", "enter")
        await settled(pilot)
        assert "other.safetensors holds latents" in text(pilot) and scene(pilot).latent == "mine#0"
        await pilot.press("escape", "n")
        assert scene(pilot).latent is None and scene(pilot).seed == 8

    run(keys)


def test_the_mouse_steps_a_value_at_its_arrows() -> None:
    async def keys(pilot: Keys) -> None:
        found = await at(pilot, "truncation")
        await pilot.pause()
        line = text(pilot).splitlines()[found.content_region.y + 1]
        place = Offset(line.index("‹"), found.content_region.y + 1)
        await pilot.click(offset=place)
        assert scene(pilot).truncation == 0.75
        await pilot.click(offset=Offset(line.index("›", place.x), place.y))
        assert scene(pilot).truncation == 0.8
        await pilot.click(offset=place + Offset(-4, 3))
        assert found.cursor == 4 and scene(pilot) == Scene("demo", 7, 0.8)

    run(keys)


def test_the_history_is_a_list_to_go_along() -> None:
    async def keys(pilot: Keys) -> None:
        await pilot.press("n", "T", "R")
        history: HistoryPanel = pilot.app.panel("history")  # type: ignore[attr-defined]
        history.focus()
        await settled(pilot)
        assert "history 4/4" in text(pilot) and "truncation 0.85" in text(pilot)
        await pilot.press("k", "k", "k", "enter")
        await settled(pilot)
        assert scene(pilot) == Scene("demo", 7, 0.8) and "history 1/4" in text(pilot)
        assert "● start" in text(pilot)
        await pilot.press("end", "enter")
        assert "history 4/4" in text(pilot) or scene(pilot).truncation == 0.85
        await pilot.press("home", "enter", "n")
        await pilot.pause()
        assert "history 2/2" in text(pilot) and history.cursor == 1

    run(keys)


def test_ten_thousand_steps_cost_what_is_seen_of_them() -> None:
    async def keys(pilot: Keys) -> None:
        studio = pilot.app
        for i in range(10_000):
            state = State(Scene("demo", i, 0.5))
            studio.history.push(state, f"seed {i}", "", i)  # type: ignore[attr-defined]
        await pilot.press("n")
        await settled(pilot)
        await until(pilot, lambda: "● seed 10000" in text(pilot), "the last step is seen")
        shown = text(pilot)
        assert "history 10002/10002" in shown
        assert sum(line.count("seed 99") for line in shown.splitlines()) < 30

    run(keys)


def test_both_columns_are_usable_at_eighty_by_twentyfour() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "truncation")
        await pilot.pause()
        shown = text(pilot)
        assert "‹ψ 0.80›" in shown and "all layers" in shown and "edits" in shown
        await pilot.press("ctrl+o", "h")
        await pilot.pause()
        assert "● start" in text(pilot) and "▸ seed 7  ▸ ψ 0.80" in text(pilot)

    run(keys, size=(80, 24))
