"""The studio in terminals of every kind: the right pixels, in the right place, sent once."""

import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from terminal_fake import ITERM, KITTY, SIXEL, FakeTerminal, Kind, Sent
from terminal_screen import Picture
from terminal_studio import FIRST, comes, engines_of, large, quick, right, scene_now, studio


def placed(terminal: FakeTerminal, picture: Picture) -> None:
    """No text is below it, and it is not in the last row, where a sixel would scroll the screen."""
    assert picture.row + picture.rows < terminal.rows
    lines = terminal.text().split("\n")
    for row in range(picture.row, picture.row + picture.rows):
        inside = lines[row].ljust(terminal.columns)[picture.column :][: picture.columns]
        assert not inside.strip(), f"text under the picture: {inside!r}"


def once(sent: Sent, what: str) -> list[Picture]:
    """The pictures that an event made the studio send: each place at most one."""
    places = Counter((picture.column, picture.row) for picture in sent.pictures)
    assert not places or max(places.values()) == 1, f"{what}: sent again: {places}"
    return large(sent.pictures)


def events(terminal: FakeTerminal, folder: Path) -> None:
    """The next picture, then everything that may cover or wipe it."""
    with terminal.watched(0.8) as sent:
        terminal.press("n")
    [picture] = once(sent[0], "next picture")
    scene = scene_now(folder)
    assert scene.seed == FIRST.seed + 1
    placed(terminal, picture)
    right(terminal, picture, scene, "next picture")

    for name, opens, closes in (("palette", "ctrl+p", "escape"), ("help", "?", "escape")):
        with terminal.watched(0.6) as sent:
            terminal.press(opens)
            clear = f"{name} to open, and no pixels over it"
            terminal.wait(lambda: terminal.area(picture)[1] < 1, clear)
        assert not sent[0].pictures, f"{name}: pixels are painted over it"
        with terminal.watched(0.8) as sent:
            terminal.press(closes)
            terminal.wait(lambda: terminal.area(picture)[1] == 1, f"{name}: the picture is back")
        assert len(once(sent[0], name)) == 1, f"{name}: the picture does not come back"
        right(terminal, picture, scene, name)

    with terminal.watched(0.6) as sent:
        terminal.press("ctrl+r")
        terminal.wait_for("nothing to redo")
    assert len(once(sent[0], "toast")) <= 1
    terminal.wait(lambda: "nothing to redo" not in terminal.text(), "the toast to go")
    terminal.quiet(0.6)
    right(terminal, picture, scene, "toast")


def test_what_is_typed_before_the_studio_runs_is_not_lost(tmp_path: Path) -> None:
    """The shell's terminal takes it, and hands Enter on as a line feed."""
    with quick(tmp_path, early="/smile\r") as terminal:
        terminal.press("right", "s", "4", "2", "enter")
        terminal.wait_for("seed 42")
    [edit] = scene_now(tmp_path).edits
    assert edit.direction == "demo/smile"


def test_a_dialog_takes_only_its_own_cells_of_a_picture(tmp_path: Path) -> None:
    """What is beside it stays as it is: not sent again, never empty; what it took comes back."""
    with quick(tmp_path, kind=SIXEL) as terminal:
        [picture] = large(terminal.pictures)
        before = terminal.area(picture)[0]
        left = list[float]()
        for opens in ("s", "r", "ctrl+p", "ctrl+o"):
            asked = terminal.text()
            with terminal.watched(0.3) as sent:
                terminal.press(opens)
                terminal.wait(lambda was=asked: terminal.text() != was, f"{opens} opens")
            assert not sent[0].pictures, f"{opens}: painted over"
            pixels, share = terminal.area(picture)
            left.append(share)
            there = (pixels == before).all(axis=2).mean()
            assert there > share - 0.02, f"{opens}: what is left is another picture"
            asked = terminal.text()
            with terminal.watched(0.3) as sent:
                terminal.press("escape")
                terminal.wait(lambda was=asked: terminal.text() != was, f"{opens} closes")
                terminal.wait(lambda: terminal.area(picture)[1] == 1, f"{opens}: it is whole")
            once(sent[0], opens)
            assert (terminal.area(picture)[0] == before).all()
        assert max(left) > 0.3, f"pictures are gone, or in blocks: {left}"


def test_a_picture_below_a_dialog_is_never_empty(tmp_path: Path) -> None:
    """Where it cannot be painted beside the dialog, as after another size of the window, it is
    there in cells; pixels come back when the dialog goes."""
    with quick(tmp_path, kind=SIXEL) as terminal:
        for columns, rows in ((110, 40), (120, 40)):
            terminal.press("ctrl+p")
            terminal.wait_for("find anything")
            terminal.calm(0.3)
            terminal.resize(columns, rows)
            terminal.wait(lambda: "▀" in terminal.text(), "the picture in cells, below the palette")
            with terminal.watched(0.3) as sent:
                terminal.press("escape")
                terminal.wait(lambda: "▀" not in terminal.text(), "pixels")
            [picture] = once(sent[0], "the palette closes")
            terminal.wait(lambda: terminal.area(picture)[1] == 1, "it is whole")  # noqa: B023


@pytest.mark.slow
def test_events_send_a_sixel_once_and_leave_it_whole(tmp_path: Path) -> None:
    with studio(tmp_path, kind=SIXEL) as terminal:
        [picture] = large(terminal.pictures)
        assert picture.way == "sixel"
        placed(terminal, picture)
        right(terminal, picture, FIRST, "start")
        events(terminal, tmp_path)
        with terminal.watched(1.5) as sent:
            pass
        assert sent[0].bytes == 0, f"it writes where nothing happens: {sent[0].data[:200]!r}"
        with terminal.watched(0.6) as sent:
            terminal.press("down")
        assert sent[0].bytes - sum(len(one.data) for one in sent[0].pictures) < 5_000


@pytest.mark.slow
@pytest.mark.parametrize("kind", [KITTY, ITERM], ids=lambda kind: kind.pictures)
def test_other_ways_to_show_a_picture_keep_it_whole_too(kind: Kind, tmp_path: Path) -> None:
    with studio(tmp_path, kind=kind) as terminal:
        [picture] = large(terminal.pictures)
        assert picture.way == kind.pictures
        placed(terminal, picture)
        right(terminal, picture, FIRST, "start")
        events(terminal, tmp_path)


@pytest.mark.slow
def test_a_picture_that_the_engine_lost_comes_back(tmp_path: Path) -> None:
    """The process that draws is killed: one toast, and the next key draws again."""
    with studio(tmp_path) as terminal:
        [engine] = engines_of(tmp_path)
        os.kill(engine, signal.SIGKILL)
        terminal.wait(lambda: engines_of(tmp_path) not in ([], [engine]), "another engine")
        terminal.wait_for("signal 9|killed")
        terminal.press("n")
        scene = replace(FIRST, seed=FIRST.seed + 1)
        comes(terminal, scene, "after the engine's death")
        assert scene_now(tmp_path) == scene


@pytest.mark.slow
def test_whole_screen_grid_and_comparison_end_where_they_began(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        first = large(terminal.pictures)[-1]
        for keys in (["f", "f"], ["g", "g", "g"], ["o", "o"], ["v", "v"], ["n", "u"]):
            for key in keys:
                with terminal.watched(0.8) as sent:
                    terminal.press(key)
                if key not in "fv":  # those make other places, and pictures move to them
                    once(sent[0], " ".join(keys))
                assert large(sent[0].pictures), " ".join(keys)
            last = [one for one in terminal.pictures if one.pixels.shape == first.pixels.shape][-1]
            assert (last.column, last.row) == (first.column, first.row), keys
            right(terminal, last, FIRST, " ".join(keys), 30)
