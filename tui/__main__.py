"""The entry point of `latty`: signal handlers before anything slow, then the command line.

Stays light: `latty --help` imports this module.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from core.verbs import _signals as signals

if TYPE_CHECKING:
    from core.config import Config
    from core.verbs._out import Out


class Terminal:
    """What core.cli.Screen asks for; everything behind it is imported when it is used."""

    def studio(self, ref: str | None, config: "Config", out: "Out") -> int:
        from tui.show import studio

        return studio(ref, config, out)

    def show(self, path: Path, config: "Config", out: "Out") -> None:
        from tui.show import show_file

        show_file(path, config, out)

    def facts(self, config: "Config") -> dict[str, str]:
        from tui.pictures.probe import facts

        return facts(config.image)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; the exit code."""
    signals.install()
    from core import cli

    return cli.main(argv, Terminal())


if __name__ == "__main__":
    sys.exit(main())
