"""Print the JSON schema of presets, for editors."""

import json

from latty.cli.parser import Parser
from latty.cli.run import Run

ORDER = 130


def options(parser: Parser) -> None:
    """Nothing but what every verb takes."""


def run(run: Run) -> int:
    """The JSON schema of a preset file."""
    from latty import presets

    run.out.result(json.dumps(presets.schema(), indent=2, ensure_ascii=True))
    return 0
