"""The studio over long and slow lines, in resized windows, and how it ends."""

import signal
import termios
import time
from pathlib import Path

import outside
import pytest
from places import LIMIT
from terminal_fake import KITTY, PLAIN, POOR, SIXEL, Kind
from terminal_studio import (
    FIRST,
    blocks_are,
    engines_of,
    gone,
    large,
    right,
    scene_now,
    studio,
)

pytestmark = pytest.mark.slow

ANSWERS = ("?62", "?63", "1$r", "48:2", ">|", "XTerm", ";17;8t", "$y", "i=31", "2026")


@pytest.mark.parametrize(
    "kind", [SIXEL, pytest.param(KITTY, marks=pytest.mark.slow)], ids=lambda kind: kind.pictures
)
def test_a_long_line_leaks_nothing(kind: Kind, tmp_path: Path) -> None:
    """400 ms between a question and its answer."""
    with studio(tmp_path, kind=kind, rtt=0.4) as terminal:
        [picture] = large(terminal.pictures)
        assert picture.way == kind.pictures
        right(terminal, picture, FIRST, "at 400 ms")
        assert b"^[" not in terminal.plain, "answers were echoed"
        found = [answer for answer in ANSWERS if answer in terminal.text()]
        assert not found, f"on the screen: {found}\n{terminal.text()}"
        assert scene_now(tmp_path) == FIRST, "an answer was taken for keys"


@pytest.mark.parametrize("kind", [Kind(silent=True), SIXEL], ids=["never", "late"])
def test_a_terminal_that_answers_too_late_gets_half_blocks(kind: Kind, tmp_path: Path) -> None:
    """Later than anyone waits: the answers arrive in the running studio, and are no keys."""
    with studio(tmp_path, kind=kind, rtt=3.5, settle=False) as terminal:
        terminal.wait_for("▀")
        terminal.wait(lambda: time.monotonic() > terminal.wrote[0][0] + 6)
        terminal.quiet(0.8)
        assert not terminal.pictures
        found = [answer for answer in ANSWERS if answer in terminal.text()]
        assert not found, f"on the screen: {found}\n{terminal.text()}"
        assert scene_now(tmp_path) == FIRST, "an answer was taken for keys"


def test_keys_that_come_at_once_with_the_filters_are_the_filters(tmp_path: Path) -> None:
    """A slow line brings `/smile` in one piece; s by itself would ask for a seed."""
    with studio(tmp_path) as terminal:
        terminal.type("/smile\r")
        terminal.wait(lambda: "yaw" not in terminal.text(), "the list is filtered")
        assert "seed is" not in terminal.text() and "smile" in terminal.text()
        terminal.press("right")
        terminal.wait(lambda: scene_now(tmp_path).edits)
        assert scene_now(tmp_path).edits[0].direction == "demo/smile"


def test_entries_of_others_that_cannot_be_used_are_told_on_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = outside.site(tmp_path, "latty_bad", outside.bad())
    monkeypatch.setenv("PYTHONPATH", str(site))
    with studio(tmp_path, columns=140, rows=44) as terminal:
        terminal.wait_for("is left out")
        assert "Traceback" not in terminal.text()
        assert scene_now(tmp_path) == FIRST


def test_twenty_keys_at_once_make_a_few_pictures(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        with terminal.watched(1.0) as sent:
            terminal.press(*["n"] * 20)
        pictures = large(sent[0].pictures)
        # what is ready is shown, what nobody has begun is not; the last is the same again, in full
        assert 1 <= len(pictures) <= 6
        assert scene_now(tmp_path).seed == FIRST.seed + 20
        right(terminal, pictures[-1], scene_now(tmp_path), "the last", 30)


def test_a_held_key_on_a_slow_line_ends_at_the_last_picture(tmp_path: Path) -> None:
    """100 KiB/s, about what 20 keys in two thirds of a second would fill for half a minute."""
    with studio(tmp_path, speed=100_000) as terminal:
        began = time.monotonic()
        last = terminal.hold("n", 20, rate=30)
        terminal.quiet(1.2)
        held = [one for one in large(terminal.pictures) if began < one.time <= last + 0.1]
        assert len(held) <= 3, f"{len(held)} pictures while the key was held"
        picture = large(terminal.pictures)[-1]
        assert picture.time - last < 4
        scene = scene_now(tmp_path)
        assert scene.seed == FIRST.seed + 20
        right(terminal, picture, scene, "the last", 30)  # of few details, for such a line


def test_held_pictures_are_small(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        whole = large(terminal.pictures)[-1]
        began = time.monotonic()
        terminal.hold("n", 20, rate=30)
        terminal.quiet(1.0)
        sent = large(terminal.since(began).pictures)
        assert len(sent) >= 3, "nothing moves while the key is held"
        assert all(one.colours <= 64 for one in sent[1:-1])
        assert sent[-1].colours > 64
        assert len(sent[-2].data) < 0.75 * len(whole.data)
        right(terminal, sent[-1], scene_now(tmp_path), "the last", 30)


def test_a_new_window_gets_the_picture_anew(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        for columns, rows, cell in ((80, 24, (8, 17)), (140, 44, (8, 17)), (100, 30, (10, 20))):
            what = f"{columns}x{rows} cells of {cell}"
            with terminal.watched(1.0) as sent:
                before = len(terminal.pictures)
                terminal.resize(columns, rows, cell)
                terminal.wait(lambda: len(terminal.pictures) > before, what)  # noqa: B023
            assert sent[0].pictures, what
            picture = large(sent[0].pictures)[-1]
            assert picture.row + picture.rows < rows, what
            right(terminal, picture, FIRST, what, 30)


@pytest.mark.parametrize(
    "kind",
    [PLAIN, POOR],
    ids=["truecolour", "256 colours"],
)
def test_half_blocks_are_the_picture(kind: Kind, tmp_path: Path) -> None:
    with studio(tmp_path, kind=kind) as terminal:
        assert not terminal.pictures
        blocks_are(terminal, tmp_path, 27.0 if kind is PLAIN else 20.0)


def test_q_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        engines = engines_of(tmp_path)
        assert len(engines) == 1
        terminal.press("q")
        assert terminal.ended() == 0
        left = terminal.display.modes & {25, 1000, 1002, 1003, 1004, 1006, 1015, 1049, 2004, 2026}
        assert left == {25}, "modes are left on, or the cursor off"
        assert termios.tcgetattr(terminal.slave) == terminal.modes_before
        terminal.wait(lambda: all(map(gone, engines)), "the engine to end")


@pytest.mark.parametrize("how", ["window closed", "kill -9", "kill"])
def test_nothing_outlives_the_studio(how: str, tmp_path: Path) -> None:
    with studio(tmp_path) as terminal:
        engines = engines_of(tmp_path)
        assert len(engines) == 1
        if how == "window closed":
            terminal.close()
        else:
            terminal.kill(signal.SIGKILL if how == "kill -9" else signal.SIGTERM)
        terminal.process.wait(LIMIT)
        end = time.monotonic() + 10
        while not all(map(gone, engines)):
            assert time.monotonic() < end, f"the engine outlives the studio: {engines}"
            time.sleep(0.05)
        if how == "kill":
            assert 1049 not in terminal.display.modes and 25 in terminal.display.modes
