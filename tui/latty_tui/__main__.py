"""The entry point of `latty`: signal handlers before anything slow, then the command line.

Stays light: `latty --help` imports this module.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli import signals
from latty.process import leave_working_folder

if TYPE_CHECKING:
    from latty.cli.out import Out
    from latty.cli.run import Serving
    from latty.config import Config


class TerminalScreen:
    """What latty.cli.main.Screen asks for; everything behind it is imported when it is used."""

    def studio(self, ref: str | None, config: "Config", out: "Out") -> int:
        from latty_tui.show import studio

        os.environ.update(config.pinned)  # for the jobs that it hands in
        return studio(ref, config, out)

    def serve(self, order: "Serving", out: "Out") -> None:
        from latty_tui.serving.run import run
        from latty_tui.show import check

        if order.ref is not None:
            check(order.ref)
        run(order, out)

    def bring_page(self, out: "Out") -> None:
        from latty_tui.serving import files

        for path in files.bring():
            out.result(str(path), path=str(path))
        out.say("xterm.js is here: latty serve opens the studio in a browser")

    def show(self, path: Path, config: "Config", out: "Out") -> None:
        from latty_tui.still import show_file

        show_file(path, config, out)

    def facts(self, config: "Config") -> dict[str, str]:
        from latty_tui.terminal import advice, probe

        return advice.facts(probe.probe(config.image))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    leave_working_folder()
    signals.install()
    from latty.cli import main as cli_main

    return cli_main.main(argv, TerminalScreen())


if __name__ == "__main__":
    sys.exit(main())
