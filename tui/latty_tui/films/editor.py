"""The user's editor, in the terminal that the studio leaves to it meanwhile."""

import asyncio
import subprocess
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from latty.errors import Missing, OutputError
from latty_tui.drawing.pixels import PixelView

if TYPE_CHECKING:
    from latty_tui.app import Studio


async def run_editor(studio: "Studio", command: list[str]) -> None:
    """Leave the terminal to an editor until it ends. Raises OutputError."""
    try:
        try:
            with studio.suspend():
                code = subprocess.run(command, check=False).returncode
        except SuspendNotSupported:  # no terminal of ours: the editor has a window of its own
            code = await asyncio.to_thread(_apart, command)
    except OSError as error:
        raise Missing(f"cannot start {command[0]}: {error.strerror}", "set EDITOR") from None
    studio.refresh(layout=True)
    for view in studio.main.query(PixelView):
        view.again()  # the editor has used the screen
    if code:
        raise OutputError(f"{command[0]} ended with exit status {code}")


def _apart(command: list[str]) -> int:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
