"""CSV that spreadsheets read: names compute nothing, numbers are numbers, one writer."""

import csv
import io
import re

import pytest
from source_tree import files

from latty.tables.spreadsheet import csv_text

NAMES = ['=HYPERLINK("http://x")', "+1", "-smile", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1", "＠x",
         "＋1", "－1"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_no_name_begins_a_formula(name: str) -> None:
    lines = csv.reader(io.StringIO(csv_text(("what", "far"), [(name, -0.5)]), newline=""))
    assert [*lines] == [["what", "far"], [f"'{name}", "-0.5"]]


def test_text_is_quoted_whatever_separates_cells() -> None:
    text = csv_text(("a",), [("x;=1", 1), ('say "hi"', 2.5), ("plain", 3)])
    assert text == '"a"\n"x;=1",1\n"say ""hi""",2.5\n"plain",3\n'


def test_nobody_else_writes_csv() -> None:
    writers = re.compile(r"csv\.\w*[wW]riter")
    found = [name for name, path in files().items() if writers.search(path.read_text())]
    assert found == ["latty.tables.spreadsheet"]
