"""CSV for spreadsheets: a number is a number, a name of anybody's is text and no formula."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

# What a cell may not begin with (OWASP, "CSV Injection"): spreadsheets compute what follows.
FORMULA = frozenset("=+-@\t\r\n")


def csv_text(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """Lines of CSV. Text is quoted, so that no other separator splits it, and has an apostrophe in
    front where a spreadsheet would compute it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    cells = lru_cache(maxsize=1024)(_cell)  # the names of a table stand in many of its rows
    writer.writerows(
        [cells(value) if isinstance(value, str) else value for value in row] for row in rows
    )
    return out.getvalue()


def _cell(value: str) -> str:
    """Full-width signs are signs, too, where a keyboard has them."""
    if unicodedata.normalize("NFKC", value[:1])[:1] in FORMULA:
        return f"'{value}"
    return value
