"""How a row of the directions' list looks, and the words about the one under the cursor."""

from rich.text import Text

from latty.scene import ALL, Edit
from latty.text import printable
from latty_tui.library import sets
from latty_tui.library.direction_facts import strength_words
from latty_tui.library.marks import Marks
from latty_tui.library.sets import DirectionRow
from latty_tui.widgets.browser import RowList

BAR = 4  # cells of a score
WIDE = 25  # cells from which on there is room for the usable range


def line(
    row: DirectionRow,
    width: int,
    rows: RowList,
    marks: Marks,
    edit: Edit | None,
    locked: bool,
) -> Text:
    """One row, `width` cells: a head, or name, strength or range, and score of a direction; "!"
    where no edit moves it."""
    if row.key == sets.SEARCH:
        return Text(f"⏎ {printable(row.title)}", rows.style("value"), no_wrap=True)
    if row.found is None:
        return _head(row, width, rows)
    found = row.found
    dim = rows.style("dim")
    text = Text(" " * row.level, no_wrap=True)
    text.append("★ " if found.ref in marks.stars else "  ")
    text.append(printable(row.title), dim if row.misfit else "")
    if row.misfit:
        return text
    right = Text()
    if locked:
        right.append("! ", rows.style("value"))
    if edit is not None:
        low, high = found.info.usable
        fits = edit.unit != "sigma" or min(low, 0) <= edit.strength <= max(high, 0)
        right.append(strength_words(edit), rows.style("value" if fits else "wrong"))
    elif width >= WIDE:
        right.append(_range(found.info.usable), dim)
    right.append(" ")
    right.append_text(_bar(found.share, rows))
    text.truncate(max(1, width - right.cell_len - 1), overflow="ellipsis", pad=True)
    return text.append(" ").append_text(right)


def _head(row: DirectionRow, width: int, rows: RowList) -> Text:
    style = rows.style("dim" if row.misfit else "head")
    text = Text(" " * row.level + ("▾ " if row.open else "▸ "), no_wrap=True)
    text.append(printable(row.title), style)
    count = str(row.count) if row.count else "!"
    text.truncate(max(1, width - len(count) - 1), overflow="ellipsis", pad=True)
    return text.append(f" {count}", rows.style("dim"))


def _range(usable: tuple[float, float]) -> str:
    low, high = usable
    return f"±{high:g}" if -low == high else f"{low:.3g} to {high:+.3g}"


def _bar(share: float | None, rows: RowList) -> Text:
    if share is None:
        return Text(" " * BAR)
    full = round(share * BAR)
    return Text.assemble(("━" * full, rows.style("value")), ("─" * (BAR - full), rows.style("dim")))


def about(row: DirectionRow, marks: Marks) -> str:
    """Two or three lines: the direction or set under the cursor, or why it cannot be used."""
    if row.found is not None:
        return "\n".join(filter(None, _direction(row, marks)))
    if row.entry is None:
        return printable(row.misfit or sets.words_of(row.title) or "directions with a star")
    header = row.entry.header
    if row.misfit or header is None:
        return printable(row.misfit)
    partly = "" if header.complete else "; the search is not done"
    ships = "ships with latty" if row.entry.shipped else "yours"
    facts = f"{row.entry.name}: {ships}, space {header.space}{partly}"
    return printable(facts) + f"\n{sets.words_of(header.method)}"


def _direction(row: DirectionRow, marks: Marks) -> list[str]:
    assert row.found is not None
    info, ref = row.found.info, row.found.ref
    if row.misfit:
        return [printable(row.misfit)]
    low, high = info.usable
    layers = "all layers" if info.layers == ALL else f"layers {info.layers}"
    unit = f", in {printable(info.unit)} too" if info.unit else ""
    scores = ", ".join(f"{printable(name)} {value:.2g}" for name, value in info.scores[:4])
    tags = " ".join(f"#{tag}" for tag in marks.tags.get(ref, ()))
    return [f"{low:+g} to {high:+g} σ, {layers}{unit}", scores, printable(tags)]
