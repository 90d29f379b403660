"""List models, directions, methods, scorers, presets, formats or jobs."""

from collections.abc import Sequence
from itertools import groupby

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.verbs.list.rows import KINDS
from latty.cli.verbs.list.stored import Row
from latty.errors import UsageError

ORDER = 100
USES = {"read": "model files that open", "write": "written by render"}  # each a table of its own
SHOWN = 5  # attributes of a scorer in a table


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = '--json: {"name", "what", ...} per entry; more keys depend on the kind.'
    parser.add_argument("kind", choices=[*KINDS], metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--zoo", action="store_true", dest="in_zoo",
                        help="the models that latty fetch can get")  # fmt: skip
    parser.add_json()


def run(run: Run) -> int:
    """A table for people (name, then what it is), or a JSON object per entry. Raises UsageError."""
    if run.args.in_zoo and run.args.kind != "models":
        raise UsageError("--zoo goes with models", "latty list models --zoo")
    rows = [*KINDS[run.args.kind](run)]
    if run.out.json:
        for row in rows:
            run.out.result("", **row)
    elif rows:
        for use, group in groupby(rows, lambda row: row.get("use", "")):
            _table(run, USES.get(use, "what it is"), [*group])
    else:
        run.out.say(f"no {run.args.kind} here")
    return 0


def _table(run: Run, what: str, rows: Sequence[Row]) -> None:
    heads = ["name", *(["attributes", "unit"] if "attributes" in rows[0] else []), what]
    run.out.rows([[row["name"], *_more(row), _what(row)] for row in rows], heads)


def _what(row: Row) -> str:
    return f"{row['what']} ({row['package']})" if row.get("package") else str(row["what"])


def _more(row: Row) -> Sequence[str]:
    """What stands between name and words of a scorer: its attributes, the first of them, and what
    they count."""
    if (names := row.get("attributes")) is None:
        return []
    more = f", ... ({len(names)})" if len(names) > SHOWN else ""
    return [f"{', '.join(names[:SHOWN])}{more}", _counted(names, row["units"])]


def _counted(names: Sequence[str], units: Sequence[str]) -> str:
    """The unit of most attributes, then those of the others by name."""
    if not (known := [*filter(None, units)]):
        return ""
    usual = max(dict.fromkeys(known), key=known.count)
    others = [f"{name}: {unit}" for name, unit in zip(names, units, strict=True)
              if unit not in ("", usual)]  # fmt: skip
    if known.count(usual) == 1 and others:
        return "; ".join(f"{name}: {unit}" for name, unit in zip(names, units, strict=True) if unit)
    return "; ".join([usual, *others])
