"""The user's editor, in the terminal that the studio leaves to it meanwhile."""

import asyncio
import subprocess

from textual.app import SuspendNotSupported

from latty import config, home
from latty.errors import Missing, OutputError
from latty.folders import private
from latty_tui.desk import Desk
from latty_tui.films.documents import editor


async def run_editor(desk: Desk, command: list[str]) -> None:
    """Leave the terminal to an editor until it ends. Raises OutputError."""
    try:
        try:
            with desk.suspend():
                code = subprocess.run(command, check=False).returncode
        except SuspendNotSupported:  # no terminal of ours: the editor has a window of its own
            code = await asyncio.to_thread(_apart, command)
    except OSError as error:
        raise Missing(f"cannot start {command[0]}: {error.strerror}", "set EDITOR") from None
    desk.redraw()  # the editor has used the screen
    if code:
        raise OutputError(f"{command[0]} ended with exit status {code}")


async def edit_settings(desk: Desk) -> None:
    """The user's settings in the editor. Raises LattyError where they cannot be used."""
    await run_editor(desk, editor(private(home.config_dir()) / "config.toml"))
    config.load()
    desk.say("the settings hold from the next start on")


def _apart(command: list[str]) -> int:
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode
