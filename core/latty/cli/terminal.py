"""Bars and tables on a terminal, by rich; nobody imports this where there is none."""

from collections.abc import Sequence
from io import StringIO

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

BAR = 24  # cells of a bar


def drawn(what: RenderableType, width: int) -> str:
    """Lines of text for a terminal of that many columns."""
    paper = StringIO()
    console = Console(file=paper, force_terminal=True, width=width, highlight=False)
    console.print(what)
    return "\n".join(line.rstrip() for line in paper.getvalue().splitlines())


def table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], width: int, least: Sequence[int] = ()
) -> str:
    """A table without a frame: the first column stands out, the last wraps.

    heads    words above the columns, or none
    least    columns that are at least so wide
    """
    shown = Table(box=None, show_header=bool(heads), header_style="dim", pad_edge=False,
                  padding=(0, 2, 0, 0))  # fmt: skip
    count = len(rows[0])
    for place in range(count):
        last = place == count - 1
        shown.add_column(
            heads[place] if heads else "",
            style="cyan" if place == 0 else "",
            no_wrap=not last,
            overflow="fold" if last else "ellipsis",
            min_width=least[place] if place < len(least) else None,
        )
    for row in rows:
        shown.add_row(*(Text(cell) for cell in row))
    return drawn(shown, width)


def bar(words: str, done: int, total: int, facts: str, width: int) -> str:
    """One line: what is done, a bar of how much of it, then rate and time left."""
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(no_wrap=True, overflow="ellipsis")
    room = min(BAR, width - len(words) - len(facts) - 3)
    cells: list[RenderableType] = [Text(words)]
    if total and room > 4:
        line.add_column(width=room)
        cells.append(ProgressBar(total=total, completed=done, width=room, style="bright_black",
                                 complete_style="cyan", finished_style="cyan"))  # fmt: skip
    line.add_column(no_wrap=True)
    line.add_row(*cells, Text(facts, style="dim"))
    return drawn(line, width).split("\n")[0]
