"""Rewrite presets of an older layout in today's; their comments stay."""

from pathlib import Path

from latty.cli import rewriting
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import BadData

ORDER = 126


def options(parser: Parser) -> None:
    """What it takes."""
    rewriting.options(
        parser,
        "is older",
        "A preset without a schema number gets one. What is of today's layout is not touched.\n\n"
        '--json: {"preset", "schema", "changed"}; "schema" is the layout that it had, 0: none '
        "said;",
    )


def run(run: Run) -> int:
    """Every preset in turn."""
    return rewriting.each(run, _migrate)


def _migrate(ref: str, run: Run) -> int:
    """65 where one is older and only looked at. Raises PresetError, Missing, BadData, OutputError,
    Locked."""
    from latty.presets.archives.opening import refuse_packed
    from latty.presets.migrating import rewrite
    from latty.presets.values import SCHEMA

    refuse_packed(ref, "an older one is read as it is")
    had = rewrite(Path(ref).expanduser(), run.args.check)
    said = f"schema {had}" if had else "no schema"
    words = "is to be rewritten" if run.args.check else "rewritten"
    line = f"{ref}: up to date" if had is None else f"{ref}: {words} ({said} -> {SCHEMA})"
    run.out.result(line, preset=ref, schema=SCHEMA if had is None else had, changed=had is not None)
    return BadData.exit_code if had is not None and run.args.check else 0
