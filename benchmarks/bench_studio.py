"""The studio in a terminal on a pty: what a key costs, what is sent, how soon it is there.

The terminal is that of the tests (tests/support/terminal_fake.py); processor time is that of the
app's own process, read from /proc: the engine is another one.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = tuple[str, str, float, str]
SUPPORT = str(Path(__file__).parent.parent / "tests" / "support")
STUDIO = (sys.executable, "-c", "import sys; from latty_tui.__main__ import main; sys.exit(main())")
FAKED = (sys.executable, f"{SUPPORT}/fakes/studio.py", "nothing")
BARE = (
    sys.executable,
    "-c",
    """
from textual.app import App
from textual.widgets import Footer, Header, Static
class Bare(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Header()
        yield Static("bare")
        yield Footer()
Bare().run()
""",
)
UNWANTED = ("CI", "NO_COLOR", "COLORTERM", "PYTHONDONTWRITEBYTECODE")
TICK = os.sysconf("SC_CLK_TCK")
_CACHE = tempfile.TemporaryDirectory()  # of compiled modules: not in the tree
GOAL_MS, BUDGET_MS = 15.0, 100.0  # per key; more than a bare app until the first paint


@contextmanager
def _running(words: tuple[str, ...], **more: Any) -> Iterator[Any]:
    """A program in a terminal of 120 x 40 cells, in a home of its own."""
    sys.path.insert(0, SUPPORT)
    try:
        from terminal_fake import running
    finally:
        sys.path.remove(SUPPORT)
    with tempfile.TemporaryDirectory() as folder:
        kept = {k: v for k, v in os.environ.items() if k not in UNWANTED}
        environ = {**kept, "LATTY_HOME": folder, "TERM": "xterm-256color",
                   "OMP_NUM_THREADS": "1", "PYTHONPYCACHEPREFIX": _CACHE.name}  # fmt: skip
        with running(words, environ, **more) as terminal:
            yield terminal


def _cpu(pid: int) -> float:
    """Seconds of the processor that a process has used, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _sent(terminal: Any, act: Callable[[], object], seconds: float) -> Any:
    """What was written in `seconds` from an act on."""
    begun = time.monotonic()
    act()
    time.sleep(seconds)
    return terminal.since(begun)


def _first_paint(quick: bool) -> Row:
    def until(words: tuple[str, ...], sign: str) -> float:
        with _running(words) as terminal:
            terminal.wait_for(sign)
            return _cpu(terminal.process.pid)

    times = 2 if quick else 4  # the first one compiles
    bare = min(until(BARE, "(?i)palette") for _ in range(times))
    ours = min(until(STUDIO, "(?i)palette") for _ in range(times))
    more = 1000 * (ours - bare)
    note = f"CPU until the footer is there: {1000 * ours:.0f} against {1000 * bare:.0f} ms, "
    return ("first paint", "a bare Textual app", bare / ours,
            f"{note}{more:.0f} ms more (goal <= {BUDGET_MS:.0f})")  # fmt: skip


def _events() -> Iterator[Row]:
    """What each event sends, in KiB and pictures. The ratio is against the picture itself."""
    with _running(STUDIO) as terminal:
        terminal.wait(lambda: terminal.pictures, "a picture")
        terminal.quiet(1.0)
        whole = len(terminal.wrote and b"".join(data for _, data in terminal.wrote))
        one = _sent(terminal, lambda: terminal.press("n"), 3.0)
        yield _event("start", whole, len(terminal.pictures) - len(one.pictures), one.bytes)
        yield _event("next seed", one.bytes, len(one.pictures), one.bytes)
        for what, key in (("cursor down", "down"), ("help opens", "?"), ("help closes", "escape")):
            sent = _sent(terminal, lambda key=key: terminal.press(key), 2.0)
            yield _event(what, sent.bytes, len(sent.pictures), one.bytes)
        idle = _sent(terminal, lambda: None, 3.0)
        yield _event("idle for 3 s", idle.bytes, len(idle.pictures), one.bytes)


def _event(what: str, size: int, pictures: int, whole: int) -> Row:
    return (f"bytes: {what}", "one new picture", whole / max(1, size),
            f"{size / 1024:.1f} KiB, {pictures} pictures")  # fmt: skip


def _key_held(quick: bool) -> Row:
    """20 keys in a row: how many pictures are sent while they are held, and after."""
    with _running(STUDIO) as terminal:
        terminal.wait(lambda: terminal.pictures, "a picture")
        terminal.quiet(1.0)
        before = len(terminal.pictures)
        sent = _sent(terminal, lambda: terminal.type("n" * 20), 3.0)
        count = len(terminal.pictures) - before
        note = f"{count} pictures sent, the last one whole; {sent.bytes / 1024:.0f} KiB"
        return "20 keys at once", "a picture per key", 20 / max(1, count), note


def _per_key(quick: bool) -> Row:
    """Processor time of the app from a key to its painted sixel, the generator left out."""
    keys = 5 if quick else 20
    with _running(FAKED, columns=110, rows=34) as terminal:
        terminal.wait(lambda: terminal.pictures, "a picture")
        terminal.quiet(1.0)
        for _ in range(3):  # what is imported once is no cost of a key
            _sent(terminal, lambda: terminal.press("n"), 0.6)
        before, count = _cpu(terminal.process.pid), len(terminal.pictures)
        for _ in range(keys):
            _sent(terminal, lambda: terminal.press("n"), 0.5)
        spent = 1000 * (_cpu(terminal.process.pid) - before) / keys
        drawn = len(terminal.pictures) - count
        shape = terminal.pictures[-1].pixels.shape
        return ("key to painted, without the generator", f"{GOAL_MS:.0f} ms", GOAL_MS / spent,
                f"{spent:.1f} ms CPU per key, {drawn} pictures of {shape[1]} x {shape[0]} px "
                f"for {keys} keys")  # fmt: skip


def run(quick: bool) -> Iterator[Row]:
    """Yields (what, against, ratio, note)."""
    yield _first_paint(quick)
    yield _per_key(quick)
    yield _key_held(quick)
    yield from _events()
