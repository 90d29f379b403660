"""The studio in a terminal: started as people start it, and what its picture should look like."""

import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from cli_process import COMMAND, environment
from places import FAKES
from terminal_fake import PLAIN, SIXEL, FakeTerminal, Kind, running
from terminal_pictures import Pixels, outliers, psnr, scaled
from terminal_screen import Picture

from latty.scene import Scene
from latty_tui.memory.journal import Recorded, parsed

CELL = (8, 17)
FIRST = Scene("demo", 7, 0.8)  # what a new user's studio shows
LIKE = {"sixel": 37.0, "kitty": 37.0, "iterm": 33.0}  # dB; iTerm2's are JPEG


@contextmanager
def studio(
    folder: Path, *words: str, kind: Kind = SIXEL, settle: bool = True, **more: object
) -> Iterator[FakeTerminal]:
    """`latty WORDS` in a terminal, once its first picture is there and it is quiet."""
    environ = environment(folder, TERM="xterm-256color", TEXTUAL_ANIMATIONS="none")
    options: dict[str, object] = {"kind": kind, "cell": CELL, "folder": folder, **more}
    with running([*COMMAND, *words], environ, **options) as terminal:
        if settle:
            settled(terminal)
        yield terminal


@contextmanager
def quick(
    folder: Path, plant: str = "nothing", kind: Kind = PLAIN, early: str = ""
) -> Iterator[FakeTerminal]:
    """The studio with the engine of fakes/engine.py and what fakes/studio.py plants, once its first
    picture is there; `early` is typed before it runs."""
    environ = environment(folder, TERM="xterm-256color", TEXTUAL_ANIMATIONS="none")
    words = [sys.executable, str(FAKES / "studio.py"), plant]
    with running(words, environ, kind=kind, folder=folder) as terminal:
        terminal.type(early)
        if kind is PLAIN:
            terminal.wait_for("▀")
        else:
            terminal.wait(lambda: terminal.pictures, "a picture")
        terminal.quiet(0.3)
        yield terminal


def settled(terminal: FakeTerminal) -> None:
    """The studio has drawn its first picture and is quiet."""

    def over() -> object:
        blocks = terminal.kind.pictures == "nothing" and "▀" in terminal.text()
        return blocks or terminal.pictures or terminal.process.poll() is not None

    terminal.wait(over, "a picture")
    terminal.quiet(1.5)  # the strip comes last, and makes room for the picture
    assert terminal.process.poll() is None, terminal.text()


def kept(folder: Path) -> Recorded:
    """The history that was written last under that folder's home, as far as it is on disk now;
    nothing before any change."""
    found = (folder / "home" / "state" / "history").glob("*.jsonl")
    newest = max(found, key=lambda path: path.stat().st_mtime_ns, default=None)
    return parsed(newest.read_bytes()) if newest is not None else Recorded()


def scene_now(folder: Path) -> Scene:
    """The scene that the studio shows, once it writes nothing more."""
    last, since = kept(folder), time.monotonic()
    while time.monotonic() - since < 0.4:  # it writes within a tenth of a second
        if (now := kept(folder)).size != last.size:
            last, since = now, time.monotonic()
        time.sleep(0.05)
    return last.steps[last.index].state.shown if last.steps else FIRST


def large(pictures: list[Picture]) -> list[Picture]:
    """Those in the place of the largest: the strip's small ones are left out."""
    if not pictures:
        return []
    most = max(pictures, key=lambda one: one.columns * one.rows)
    return [one for one in pictures if one.columns * one.rows * 3 > most.columns * most.rows]


def drawn(scene: Scene, width: int, height: int) -> Pixels:
    """The scene as the headless half draws it, enlarged to so many px."""
    from latty.render import picture
    from latty_tui.terminal import fitted

    return fitted(np.asarray(picture(scene, "cpu")), (width, height))


def right(
    terminal: FakeTerminal, picture: Picture, scene: Scene, what: str, like: float | None = None
) -> None:
    """The screen shows that scene in the place of the picture, whole; `like` in dB."""
    seen, covered = terminal.area(picture)
    wanted = drawn(scene, picture.pixels.shape[1], picture.pixels.shape[0])
    wanted = scaled(wanted, seen.shape[1], seen.shape[0])
    alike, far = psnr(seen, wanted), outliers(seen, wanted)
    assert covered == 1, f"{what}: only {covered:.0%} of the picture is there"
    assert alike >= (like or LIKE[picture.way]), f"{what}: {alike:.1f} dB"
    assert far < 1, f"{what}: {far:.1f} of 10,000 pixels are far off"
    assert picture.late == 0, f"{what}: {picture.late} colours are defined after the data began"


def comes(terminal: FakeTerminal, scene: Scene, what: str, like: float = 30) -> None:
    """The screen shows that scene soon, however late the engine is, and goes on to; `like` in
    dB."""

    def there() -> bool:
        picture = large(terminal.pictures)[-1]
        wanted = drawn(scene, picture.pixels.shape[1], picture.pixels.shape[0])
        return psnr(picture.pixels, wanted) >= like

    terminal.wait(there, what)
    terminal.calm(1.0)
    right(terminal, large(terminal.pictures)[-1], scene, what, like)


def blocks_are(terminal: FakeTerminal, folder: Path, like: float) -> None:
    """The half blocks on the screen are the scene, as soon as they are all there."""
    scene, span = scene_now(folder), (0, 0)

    def there() -> bool:
        nonlocal span
        runs = [re.search("▀{16,}", line) for line in terminal.text().split("\n")] + [None]
        first = next((number for number, run in enumerate(runs) if run), len(runs) - 1)
        count = 0
        while (run := runs[first + count]) and (not count or run.span() == span):
            span, count = run.span(), count + 1
        if count < 4:  # not all of it
            return False
        width = span[1] - span[0]
        seen = terminal.display.blocks(span[0], first, width, count)
        return psnr(seen, drawn(scene, width, 2 * count)) >= like

    terminal.wait(there, f"half blocks that are like the scene by {like} dB", 60)


def processes_of(folder: Path) -> list[str]:
    """Living processes whose home is in that folder: the number and the command line of each."""
    found, home = [], f"LATTY_HOME={folder / 'home'}".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            environ = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if home in environ and not gone(int(process.name)):
            found.append(f"{process.name} {b' '.join(words).decode('utf-8', 'replace')}")
    return found


def engines_of(folder: Path) -> list[int]:
    """Living engine processes whose home is in that folder."""
    return [int(one.split()[0]) for one in processes_of(folder) if "latty.jobs.engine" in one]


def gone(pid: int) -> bool:
    """Whether no such process lives; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"
