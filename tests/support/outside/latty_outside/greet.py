"""Say hello to a model."""

from latty.cli.parser import Parser
from latty.cli.run import Run

ORDER = 900


def options(parser: Parser) -> None:
    """What it takes."""
    parser.add_argument("name", metavar="MODEL")


def run(run: Run) -> int:
    """Print it."""
    run.out.result(f"hello {run.args.name}")
    return 0
