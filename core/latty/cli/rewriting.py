"""What verbs that rewrite presets share: one or several of them, or only a look at each."""

from collections.abc import Callable

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import LattyError, explain, worst


def options(parser: Parser, differs: str, epilog: str) -> None:
    """What they take; `differs`: of which presets --check ends with 65."""
    failed = 'for one that failed {"preset", "error", "hint", "code"}.'
    parser.epilog = f"{epilog}\n{failed}"
    parser.add_argument("presets", nargs="+", metavar="PRESET", help="a .toml")
    parser.add_argument("--check", action="store_true",
                        help=f"write nothing; 65 where one {differs}")  # fmt: skip
    parser.add_json()


def each(run: Run, rewrite: Callable[[str, Run], int]) -> int:
    """Every preset in turn; one that fails does not stop the others, and the code is that of the
    worst."""
    return worst([_tried(ref, run, rewrite) for ref in run.args.presets])


def _tried(ref: str, run: Run, rewrite: Callable[[str, Run], int]) -> int:
    """The code of one preset, after its error was said. Raises one that nobody foresaw."""
    try:
        return rewrite(ref, run)
    except (LattyError, OSError) as error:
        if (known := explain(error)) is None:
            raise
        if run.out.json:
            run.out.result("", preset=ref, error=known.message, hint=known.hint,
                           code=known.exit_code)  # fmt: skip
        run.out.error(str(known))
        return known.exit_code
