"""What was rendered, as pictures: one of them is opened."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from latty import presets
from latty.errors import LattyError, explain
from latty.text import bytes_words
from latty_tui.dialogs.base import Dialog, plain
from latty_tui.drawing.picture import RawPicture
from latty_tui.drawing.pixel_writer import PixelWriter
from latty_tui.films import documents
from latty_tui.library.thumbnails import thumbnail
from latty_tui.widgets.sheet import PictureCell, PictureSheet

MOST = 300  # that are shown, the newest
ROWS = 10  # of them at once
SOON = 0.1  # seconds: pictures that are read in that time are shown together
KEYS = "↑ ↓ ← → choose   enter opens   esc: close"


class Gallery(Dialog[str]):
    """The path of a picture or film; None for Esc."""

    HELP = (
        "What lies in the folder of results, the newest first. Enter opens one: the scene or the "
        "film that it was made from, which its file carries."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "go(-1, 0)", show=False),
        Binding("right,l", "go(1, 0)", show=False),
        Binding("up,k", "go(0, -1)", show=False),
        Binding("down,j", "go(0, 1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "end(0)", show=False),
        Binding("end", "end(1)", show=False),
        Binding("enter", "take", show=False),
    ]

    def __init__(self, writer: PixelWriter, folder: Path) -> None:
        super().__init__()
        self.writer, self.folder = writer, folder
        self.files: list[Path] = []
        self.wrong: dict[Path, str] = {}  # why there is no picture of a file
        self._seen: dict[Path, RawPicture] = {}

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="gallery") as box:
            box.border_title = plain(f"rendered: {documents.shown(self.folder.absolute())}")
            box.border_subtitle = KEYS
            yield PictureSheet(self.writer, "gallery", ROWS)
            yield Static("", classes="hint", markup=False)

    @property
    def sheet(self) -> PictureSheet:
        return self.query_one(PictureSheet)

    def on_mount(self) -> None:
        self.run_worker(self._read(), group="gallery", exit_on_error=False)

    def stand(self) -> None:
        """All of the screen but the header: the keys of what is behind do nothing here."""
        for box in self.query("#box"):
            box.styles.offset = (0, 1)
            box.styles.width, box.styles.height = self.size.width, max(1, self.size.height - 1)

    async def _read(self) -> None:
        """Names at once, then a picture after the other, those around the cursor first."""
        self.files = await asyncio.to_thread(documents.results, self.folder, MOST)
        if not self.files:
            self.say(f"nothing lies in {documents.shown(self.folder)} yet: r renders what you see")
            return
        self._show(0)
        left, shown = {*range(len(self.files))}, time.monotonic()
        while left:
            at = min(left, key=lambda one: abs(one - self.sheet.cursor))
            left.remove(at)
            path = self.files[at]
            try:
                self._seen[path] = await asyncio.to_thread(thumbnail, path)
            except (LattyError, OSError, MemoryError) as error:
                self.wrong[path] = str(explain(error) or error)
            if not left or time.monotonic() - shown > SOON:
                self._show()
                shown = time.monotonic()

    def _show(self, cursor: int | None = None) -> None:
        cells = [PictureCell(_words(path), self._seen.get(path)) for path in self.files]
        self.sheet.show(cells, cursor)
        self._tell()

    def _tell(self) -> None:
        """What the file of the cursor is."""
        if self.files:
            path = self.files[self.sheet.cursor]
            facts = "  ".join([f"{self.sheet.cursor + 1} of {len(self.files)}", *_facts(path)])
            self.say(self.wrong.get(path, facts), wrong=path in self.wrong)

    def on_picture_sheet_moved(self) -> None:
        self._tell()

    def on_picture_sheet_taken(self) -> None:
        self.action_take()

    def action_go(self, across: int, down: int) -> None:
        self.sheet.move(across, down)

    def action_page(self, way: int) -> None:
        """As many rows on as are seen, or as there are."""
        for _ in range(self.sheet.seen):
            self.sheet.move(0, way)

    def action_end(self, last: int) -> None:
        if self.files:
            self.sheet.go(len(self.files) - 1 if last else 0)

    def action_take(self) -> None:
        if self.files:
            self.dismiss(str(self.files[self.sheet.cursor]))


def _words(path: Path) -> str:
    """What is below its picture."""
    media = presets.format_of(path)
    return f"▶ {path.name}" if media is not None and media.film else path.name


def _facts(path: Path) -> Sequence[str]:
    """Its name, size and time, as far as they are known."""
    try:
        found = path.stat()
    except OSError:
        return [path.name]
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.st_mtime))
    return [path.name, bytes_words(found.st_size), when]
