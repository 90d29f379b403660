"""Asks for a file, and completes its path while it is typed."""

import asyncio
import os
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, OptionList

from latty.text import printable
from latty_tui.dialogs.choose import Listed
from latty_tui.films.documents import is_file, leads

MOST = 200  # names that are offered
HINT = "tab completes, enter opens"


def completions(text: str) -> list[str]:
    """Paths that begin with what was typed, folders first and with a slash at the end."""
    folder, _, start = text.rpartition("/")
    try:
        where = Path(f"{folder}/" if "/" in text else ".").expanduser()
        with os.scandir(where) as entries:
            named = (one for one in entries if one.name.startswith(start)
                     and (start or not one.name.startswith(".")))  # fmt: skip
            found = sorted(pair for one in named if (pair := _place(one)) is not None)
    except (OSError, RuntimeError, ValueError):
        return []
    before = f"{folder}/" if "/" in text else ""
    return [f"{before}{name}{'' if is_file else '/'}" for is_file, name in found[:MOST]]


def _place(entry: "os.DirEntry[str]") -> tuple[bool, str] | None:
    """Folders before files, by name; None for a pipe, a device, and a link to nowhere."""
    with suppress(OSError):
        if entry.is_dir():
            return False, entry.name
    return (True, entry.name) if is_file(entry) else None


def common(found: list[str], text: str) -> str:
    """As much of the path as all completions share."""
    same = takewhile(lambda column: len({*column}) == 1, zip(*found, strict=False))
    shared = "".join(column[0] for column in same)
    return shared if len(shared) > len(text) else text


class OpenPath(Listed[str]):
    """A path to a file that is there; None for Esc."""

    HELP = (
        "A checkpoint of any kind, a preset, an archive of presets (FILE.latty, or one of them as "
        "FILE.latty#NAME), directions, or a picture that latty made."
    )
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", "Complete", priority=True)]

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.text, self.found = text, list[str]()

    def compose(self) -> ComposeResult:
        return self.box(
            "open a file", "a checkpoint, a preset, a picture of latty's", self.text, HINT
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        self.say(HINT)
        self.run_worker(self._look(event.value), exclusive=True, exit_on_error=False)

    async def _look(self, text: str) -> None:
        self.found = await asyncio.to_thread(completions, text)
        self.offer(map(_line, self.found), None)

    def action_complete(self) -> None:
        box, at = self.query_one(Input), self.query_one(OptionList).highlighted
        if at is not None and at < len(self.found):
            self._put(self.found[at])
        elif self.found:
            self._put(common(self.found, box.value))

    def _put(self, text: str) -> None:
        box = self.query_one(Input)
        box.value = text
        box.cursor_position = len(text)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        at = self.query_one(OptionList).highlighted
        chosen = self.found[at] if at is not None and at < len(self.found) else event.value.strip()
        self._take(chosen)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._take(self.found[event.option_index])

    def _take(self, text: str) -> None:
        """Open it, or go into it where it is a folder."""
        path = Path(text)
        with suppress(OSError, RuntimeError, ValueError):
            path = path.expanduser()
            if text and path.is_dir():
                self._put(f"{text.rstrip('/')}/")
                return
            if leads(path):
                self.dismiss(str(path.absolute()))
                return
        self.say(f"there is no file {text}" if text else "type a path", wrong=True)


def _line(path: str) -> Text:
    """The last part of a path, from which it differs from its neighbours."""
    last = path.rstrip("/").rpartition("/")[2]
    return Text(printable(last + ("/" if path.endswith("/") else "")), no_wrap=True)
