"""A picture that takes long is coarse first and made sharp later; the old one stays until then."""

from pathlib import Path
from typing import Any

from engine_house import PROBE
from small_families import deep_stylegan2, write_made
from studio import Keys, run, settled, text, until

from latty_tui.drawing.engine import Drawn
from latty_tui.drawing.pixels import PixelView

STEP = 0.06  # seconds that each layer takes


async def slowed(pilot: Keys) -> PixelView:
    """The view of a studio whose engine takes STEP for each layer."""
    app: Any = pilot.app
    app.engine.command = PROBE
    await app.engine.restart()
    await app.engine.call("watch", seconds=STEP)
    app.draw_soon()
    await settled(pilot)
    return app.query_one("#pixels", PixelView)


def captions(pilot: Keys) -> list[str]:
    """The lines below the picture from now on: each is replaced by the next."""
    picture, found = pilot.app.picture, list[str]()  # type: ignore[attr-defined]
    caption = picture.caption
    picture.caption = lambda words: (found.append(words), caption(words))
    return found


def test_a_slow_picture_is_coarse_and_then_sharp(tmp_path: Path) -> None:
    deep = write_made(deep_stylegan2(), tmp_path / "deep.safetensors")

    async def keys(pilot: Keys) -> None:
        view, shown, old = await slowed(pilot), list[Any](), list[Any]()
        show = view.show

        def watched(picture: Drawn | None, quick: bool = False, dimmed: bool = False) -> None:
            (old if dimmed else shown).append(picture)
            show(picture, quick, dimmed)

        view.show = watched  # type: ignore[method-assign]
        words = captions(pilot)
        await pilot.press("n")
        await settled(pilot)
        assert shown[0].coarse and shown[0].height < 1024
        assert any("coarse, drawing ..." in one for one in words)
        assert [one.coarse for one in shown] == [True, False]  # and never nothing
        assert shown[-1].height == 1024 and view.picture is shown[-1]
        await until(pilot, lambda: "drawing ..." not in text(pilot), "that it is whole")
        shown.clear()
        for _ in range(12):  # a key is held
            await pilot.press("n")
        await settled(pilot)
        assert any(one.coarse for one in shown) and not shown[-1].coarse
        assert "drawing ..." not in text(pilot)
        before = view.picture
        for kept in (words, shown, old):
            kept.clear()
        view.one_to_one = True  # without a coarse picture the old one is dimmed, with what is left
        await pilot.press("n")
        await settled(pilot)
        assert old == [before] and shown == [view.picture] and not view._dimmed
        assert any(" s of about " in one and "━" in one for one in words)

    run(keys, ref=str(deep), real=True)


def test_what_is_not_wanted_any_more_is_not_shown(tmp_path: Path) -> None:
    """Also where the engine had answered before it was told."""
    deep = write_made(deep_stylegan2(), tmp_path / "deep.safetensors")

    async def keys(pilot: Keys) -> None:
        view, shown = await slowed(pilot), list[Any]()
        app: Any = pilot.app
        view.show = lambda picture, quick=False, dimmed=False: (  # type: ignore[method-assign]
            shown.append(picture) if not dimmed else None
        )
        for draws in (1, 2):  # one is being drawn, another waits
            before = app.preview._draws
            await pilot.press("n")
            await until(pilot, lambda: app.preview._draws > before, f"draw {draws} begins")  # noqa: B023
        app.engine.cancel = lambda channel: None  # it comes too late
        app.drop_drawing()
        await until(pilot, lambda: not app.engine._waiting, "all is answered")
        assert shown == []

    run(keys, ref=str(deep), real=True)
