"""CSV for spreadsheets: a number is a number, a name of anybody's is text and no formula."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence

# What a cell may not begin with (OWASP, "CSV Injection"): spreadsheets compute what follows.
FORMULA = frozenset("=+-@\t\r\n")


def csv_text(head: Sequence[str], rows: Iterable[Sequence[str | float]]) -> str:
    """Lines of CSV. Text is quoted, so that no other separator splits it, and has an apostrophe in
    front where a spreadsheet would compute it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: str | float) -> str | float:
    """Full-width signs are signs, too, where a keyboard has them."""
    if isinstance(value, str) and unicodedata.normalize("NFKC", value[:1])[:1] in FORMULA:
        return f"'{value}"
    return value
