"""Sets of cells of the screen: a number per row, whose bit x is the cell in column x."""

from collections.abc import Iterable, Iterator

from textual.geometry import Region

Span = tuple[int, int, int]  # y, from x, to x, in cells


def bits(first: int, last: int) -> int:
    """The cells from x to x of a row; none left of the screen."""
    first = max(0, first)
    return ((1 << (last - first)) - 1) << first if last > first else 0


class CellSet:
    """Cells of the screen; mutable."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.rows = dict[int, int]()
        for y, first, last in spans:
            self.rows[y] = self.rows.get(y, 0) | bits(first, last)

    @classmethod
    def of(cls, *regions: Region) -> "CellSet":
        """All cells of some regions."""
        return cls((y, one.x, one.right) for one in regions for y in one.line_range)

    def __bool__(self) -> bool:
        return any(self.rows.values())

    def __or__(self, other: "CellSet") -> "CellSet":
        return self._with(
            (y, row | other.rows.get(y, 0)) for y, row in (other.rows | self.rows).items()
        )

    def __and__(self, other: "CellSet") -> "CellSet":
        return self._with((y, row & other.rows.get(y, 0)) for y, row in self.rows.items())

    def __sub__(self, other: "CellSet") -> "CellSet":
        return self._with((y, row & ~other.rows.get(y, 0)) for y, row in self.rows.items())

    def spans(self) -> Iterator[Span]:
        """Its runs, row by row."""
        for y, row in sorted(self.rows.items()):
            first = 0
            while row >> first:
                rest = row >> first
                first += (rest & -rest).bit_length() - 1
                rest = ~(row >> first)
                last = first + (rest & -rest).bit_length() - 1
                yield y, first, last
                first = last

    @staticmethod
    def _with(rows: Iterable[tuple[int, int]]) -> "CellSet":
        made = CellSet()
        made.rows = {y: row for y, row in rows if row}
        return made
