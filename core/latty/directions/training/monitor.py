"""A training to look at: charts of all directions, and its figures, in a folder somebody chose.

What cannot be written there (a full disk) is told once and the training goes on; so do the files as
soon as they can be written again: figures are copied from the training's own.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from latty import files
from latty.directions.training import state
from latty.directions.training.names import CHART, CHARTS, DRAFTS, STATS
from latty.directions.viewing import Sheet, Viewing
from latty.errors import LattyError
from latty.folders import Folder


class Monitor:
    """Keeps the charts and figures of one training, whose own folder is `work`, in a folder."""

    def __init__(self, viewing: Viewing, folder: Path, every: int, work: Path) -> None:
        self.viewing, self.folder, self.every, self.work = viewing, folder, every, work
        self._behind = True  # the figures there lack some of those in `work`
        self._told = False

    def begin(self, done: int) -> None:
        """Go on after `done` iterations: what is there of later ones will be made again."""
        self._try(lambda: self._cut(done))
        self.viewing.tell(f"charts and figures of the training: {self.folder}")

    def log(self, row: dict[str, Any]) -> None:
        """A line of figures, which `work` has already."""
        self._try(lambda: self._add(row))

    def due(self, done: int, last: bool) -> bool:
        """Whether it is time for a chart that is not there yet."""
        now = done > 0 and (last or done % self.every == 0)
        return now and not (self.folder / CHART.format(done)).exists()

    def chart(self, done: int, sheet: Sheet) -> None:
        """Keep the chart of an iteration."""
        data = self.viewing.draw(sheet)
        self._try(lambda: files.write(self.folder / CHART.format(done), [data]))

    def _add(self, row: dict[str, Any]) -> None:
        if self._behind:
            self._copy()
        else:
            self._behind = True  # unless all of it is written
            state.add(self.folder, row)
            self._behind = False

    def _copy(self) -> None:
        files.write(self.folder / STATS, state.lines_of(self.work))
        self._behind = False

    def _cut(self, done: int) -> None:
        with Folder(self.folder) as held:
            for name in held.names():
                later = (match := CHARTS.fullmatch(name)) and int(match[1]) > done
                if later or DRAFTS.fullmatch(name):
                    held.remove(name)
        self._copy()

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except (LattyError, OSError) as error:
            if not self._told:
                self.viewing.tell(f"{error}; the training goes on without")
            self._told = True
        else:
            self._told = False
