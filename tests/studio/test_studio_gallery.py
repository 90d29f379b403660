"""The gallery: what was rendered, as pictures, and one of them opened."""

import os
from pathlib import Path
from typing import Any

import hostile_pictures
import odd_files
import pytest
from PIL import Image
from studio import Keys, dialog, run, settled, text, until
from studio_pick import cell_of, cursor_words, sheet, shown_cells

import latty
from latty_tui.dialogs.gallery import Gallery

PRESET = """\
schema = 1
name = "mine"
frames = 4
[scene]
model = "demo"
seed = {seed}
[[scene.edits]]
direction = "demo/smile"
strength = {strength}
[[outputs]]
path = "{name}"
size = 64
"""


def rendered(folder: Path, count: int, size: tuple[int, int] = (64, 48)) -> None:
    """So many pictures, the last one the newest."""
    folder.mkdir(exist_ok=True)
    for at in range(count):
        path = folder / f"p{at}.png"
        Image.new("RGB", size, (at % 250, 90, 200)).save(path)
        os.utime(path, (1e9 + at, 1e9 + at))


async def opened(pilot: Keys) -> Any:
    """The gallery, once all pictures are there."""
    await pilot.press("b")
    gallery = pilot.app.screen
    assert isinstance(gallery, Gallery)
    await until(pilot, lambda: seen(gallery), "its pictures are there")
    await pilot.pause()
    return gallery


def seen(gallery: Gallery) -> bool:
    """Whether nothing of it is still to come."""
    reads = [one for one in gallery.app.workers if one.group == "gallery"]
    return gallery.ready.is_set() and all(one.is_finished for one in reads)


def test_an_empty_folder_says_what_fills_it(tmp_path: Path) -> None:
    async def keys(pilot: Keys) -> None:
        gallery = await opened(pilot)
        assert "r renders what you see" in dialog(pilot)
        await pilot.press("right", "down", "end", "enter", "pagedown")
        assert pilot.app.screen is gallery, "there is nothing to take"
        await pilot.press("escape")
        assert pilot.app.screen is pilot.app.main

    run(keys, out_dir=str(tmp_path / "none"))


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
@pytest.mark.parametrize("count", [1, 2, 40])
def test_the_newest_is_the_first_and_arrows_go_through_all(
    tmp_path: Path, count: int, size: tuple[int, int]
) -> None:
    rendered(tmp_path / "out", count)

    async def keys(pilot: Keys) -> None:
        await opened(pilot)
        assert shown_cells(pilot) == [f"p{at}.png" for at in reversed(range(count))]
        assert all(cell.picture is not None for cell in sheet(pilot).cells)
        assert cursor_words(pilot) == f"p{count - 1}.png" and "▀▀▀▀" in text(pilot)
        await pilot.press(*["right"] * (count + 3))
        assert cursor_words(pilot) == "p0.png"
        assert "p0.png" in text(pilot) and f"{count} of {count}" in dialog(pilot)
        await pilot.press("home", "down")
        across = sheet(pilot).across
        assert sheet(pilot).cursor == (across if across < count else 0)
        await pilot.press("pagedown", "end", "up", "left", "pageup", "pageup", "home")
        assert cursor_words(pilot) == f"p{count - 1}.png"

    run(keys, size, out_dir=str(tmp_path / "out"))


def test_what_strangers_left_there_is_neither_waited_for_nor_read_whole(tmp_path: Path) -> None:
    rendered(tmp_path / "out", 2)
    for kind in ("fifo", "folder", "device", "sparse"):
        odd_files.make(tmp_path / "out" / f"{kind}.png", kind)
    (tmp_path / "out" / "words.png").write_text("no picture")
    (tmp_path / "out" / "[bold]odd\x1b[31m.gif").write_bytes(b"GIF89a")
    for name in ("png_of_chunks", "png_that_unpacks", "mp4_of_a_huge_frame", "gif_of_comments"):
        hostile_pictures.make(name, tmp_path / "out")
    Image.new("1", (9000, 9000)).save(tmp_path / "out" / "huge.png")

    async def keys(pilot: Keys) -> None:
        gallery = await opened(pilot)
        names = shown_cells(pilot)
        assert {"p0.png", "p1.png"} <= {*names}
        assert not {"fifo.png", "folder.png", "device.png"} & {*names}
        pictures = {cell.words: cell.picture for cell in sheet(pilot).cells}
        assert pictures["p0.png"] is not None and pictures["huge.png"] is None
        sheet(pilot).go(names.index("huge.png"))
        await pilot.pause()
        assert "20 megapixels" in dialog(pilot)
        assert "\x1b[31m" not in text(pilot)
        assert all(word for word in gallery.wrong.values())

    run(keys, out_dir=str(tmp_path / "out"))


@pytest.mark.parametrize("way", ["enter", "mouse"])
def test_what_is_taken_is_opened_as_the_scene_or_film_it_was_made_from(
    tmp_path: Path, way: str
) -> None:
    for name, seed, strength in (("still.png", 22, "1"), ("film.gif", 21, "{ from = -1, to = 2 }")):
        preset = tmp_path / f"{name}.toml"
        preset.write_text(PRESET.format(name=name, seed=seed, strength=strength))
        latty.render_preset(preset, tmp_path / "out", "cpu")

    async def keys(pilot: Keys) -> None:
        await opened(pilot)
        assert {*shown_cells(pilot)} == {"▶ film.gif", "still.png"}
        at = shown_cells(pilot).index("▶ film.gif")
        if way == "enter":
            await pilot.press("home", *["right"] * at, "enter")
        else:
            for _ in range(2):
                await pilot.click(offset=cell_of(pilot, at))
                await pilot.pause()
        await settled(pilot)
        await until(pilot, lambda: pilot.app.state.scene.seed == 21, "the film is open")
        assert pilot.app.state.film.frames == 4 and pilot.app.screen is pilot.app.main

    run(keys, out_dir=str(tmp_path / "out"))


def test_rows_are_as_high_as_what_they_show(tmp_path: Path) -> None:
    rendered(tmp_path / "out", 40, (64, 16))

    async def keys(pilot: Keys) -> None:
        await opened(pilot)
        found = sheet(pilot)
        assert found.seen == -(-40 // found.across), "all that there are have room"
        lines = [line.strip(" │┃|") for line in text(pilot).split("\n")]
        first = next(at for at, line in enumerate(lines) if "p39.png" in line)
        second = next(at for at, line in enumerate(lines) if f"p{39 - found.across}.png" in line)
        assert all("▀" in line for line in lines[first + 1 : second])

    run(keys, (160, 50), out_dir=str(tmp_path / "out"))


def test_the_keys_of_what_is_behind_it_are_not_seen(tmp_path: Path) -> None:
    rendered(tmp_path / "out", 3)

    async def keys(pilot: Keys) -> None:
        await opened(pilot)
        last = text(pilot).split("\n")[-1]
        assert "enter opens" in last and "Palette" not in last

    run(keys, (80, 24), out_dir=str(tmp_path / "out"))


def test_the_size_of_the_terminal_may_change_while_it_is_open(tmp_path: Path) -> None:
    rendered(tmp_path / "out", 40)

    async def keys(pilot: Keys) -> None:
        await opened(pilot)
        await pilot.press("end", "up")
        chosen = cursor_words(pilot)
        for size in ((200, 60), (40, 10), (12, 4), (3, 1), (300, 90), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert cursor_words(pilot) == chosen
            assert chosen in text(pilot) or size < (40, 10)
        assert "▀▀▀▀" in text(pilot)

    run(keys, (80, 24), out_dir=str(tmp_path / "out"))


def test_pictures_are_seen_while_others_are_still_read(tmp_path: Path) -> None:
    rendered(tmp_path / "out", 20)
    for at in range(300):
        Image.new("RGB", (900, 900)).save(path := tmp_path / "out" / f"late{at}.png")
        os.utime(path, (1e8 + at, 1e8 + at))

    async def keys(pilot: Keys) -> None:
        await pilot.press("b")
        gallery: Any = pilot.app.screen
        await until(pilot, lambda: "▀▀▀▀" in text(pilot), "one is seen")
        assert not seen(gallery)
        assert any(cell.picture is None for cell in sheet(pilot).cells)
        await pilot.press("escape")
        assert pilot.app.screen is pilot.app.main

    run(keys, out_dir=str(tmp_path / "out"))
