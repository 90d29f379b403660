"""Starts the studio: asks the terminal while Textual is imported, then runs the app."""

import os

from latty.config import Config
from latty.process import put_off_cycles
from latty_tui import threads
from latty_tui.terminal import probe, way


def run(ref: str | None, config: Config) -> int:
    """The studio, until it is left; the exit code. Raises Missing for a way to show pictures that
    cannot be used."""
    put_off_cycles()  # until the first paint
    asked = probe.start()
    try:
        from textual import constants  # takes as long as a slow terminal's answer

        from latty_tui.app import Studio
    finally:
        terminal = probe.finish(asked, config.image)
    if not terminal.rtt:
        from latty_tui.terminal import late_replies

        late_replies.ignore()
    if terminal.truecolor and not os.environ.get("NO_COLOR"):
        # ssh does not hand COLORTERM on; the terminal said it
        constants.COLOR_SYSTEM = "truecolor"  # type: ignore[misc]
    way(terminal.way)  # of another package it may be one that cannot be used
    app = Studio(ref, config, terminal)
    code = threads.run(app.run_async()) or app.return_code or 0
    if threads.left_behind():
        threads.leave(code)
    return code
