"""What the studio remembers between two runs: the history of states and how things looked.

Each change is on disk within a tenth of a second, in a thread: a studio that was killed opens where
it was. Each studio has a history of its own, and none is written over that was not read.
"""

from collections.abc import Callable
from pathlib import Path

from latty.errors import LattyError, OutputError
from latty.scene import Scene
from latty_tui.memory import shelf
from latty_tui.memory.journal import Recorded
from latty_tui.memory.keeper import NOT_KEPT, Keeper, StepChange
from latty_tui.memory.shelf import Taken
from latty_tui.memory.tables import Table
from latty_tui.state import GRIDS, History, State, ViewSettings
from latty_tui.themes import DARK

FIRST = Scene("demo", 7, 0.8)  # what a new user sees
PATIENCE = 2.0  # seconds that a studio which is left waits for the disk


class Memory:
    """The history that this studio has, and the thread that writes it."""

    def __init__(self) -> None:
        self.news = list[str]()  # what is to be told, as long as nobody listens
        trouble, taken = "", None
        try:  # a full or read-only disk costs the memory, not the work
            taken = shelf.take()
        except (OSError, LattyError) as error:
            trouble = NOT_KEPT.format(getattr(error, "strerror", None) or error)
            self.news.append(trouble)
        self._tell: Callable[[str], object] = self.news.append
        self._use(taken)
        self._keeper.trouble = trouble

    def _use(self, taken: Taken | None) -> None:
        found = taken.recorded if taken is not None else Recorded()
        self._taken, self._recorded = taken, found
        self._keeper = Keeper(taken, lambda words: self._tell(words))
        self._kept = list(found.steps)  # as the file has them
        self._back, self._looks = max(0, len(found.steps) - 1 - found.index), found.looks
        self.news += taken.news if taken is not None else []

    def listen(self, tell: Callable[[str], object]) -> None:
        """Have what there is to tell told, from now on, also from another thread; what was read of
        a damaged file or one of an earlier version is written as it should be."""
        self._tell = tell
        news, self.news[:] = list(self.news), []
        for words in news:
            tell(words)
        if (taken := self._taken) is not None:
            elsewhere = bool(self._kept) and not taken.journal.size
            if taken.journal.damaged or elsewhere:
                self._keeper.put(StepChange(0, (), self._back, None))

    @property
    def trouble(self) -> str:
        """Why nothing is kept, in words; "" where all is well."""
        return self._keeper.trouble

    def look(self, name: str) -> str:
        """How things looked in the last run: the panel that had the focus, what was taken; "" where
        that is not known."""
        found = self._recorded.looks.get(name)
        return found if isinstance(found, str) else ""

    def chosen_theme(self) -> str:
        """The theme that somebody has chosen, "" for none. Earlier versions wrote that of the dark
        ground down where nobody had."""
        before = self.look("theme")
        return self.look("chosen theme") or ("" if before == DARK else before)

    def view(self) -> ViewSettings:
        """How the picture was looked at."""
        looks = self._recorded.looks
        grid, strip = looks.get("grid"), looks.get("strip")
        return ViewSettings(
            grid if type(grid) is int and grid in GRIDS else 1,
            strip=strip if isinstance(strip, bool) else None,
        )

    def history(self) -> History:
        """That of the last run; a new one where there is none that can be read."""
        steps = self._recorded.steps
        found = History(*(steps[0].state, steps[0].what) if steps else (State(FIRST),))
        if steps:
            found.steps[:], found.index = steps, self._recorded.index
        return found

    def note(self, history: History, looks: Table) -> None:
        """Have these written, at once but in another thread."""
        steps, kept = history.steps, self._kept
        same = min(len(steps), len(kept))
        while same and steps[same - 1] is not kept[same - 1]:  # only the end of a history changes
            same -= 1
        drop, more, back = len(kept) - same, tuple(steps[same:]), len(steps) - 1 - history.index
        other = looks != self._looks
        if drop or more or back != self._back or other:
            kept[same:] = more
            self._back, self._looks = back, looks
            self._keeper.put(StepChange(drop, more, back, looks if other else None))

    def save(self, history: History, looks: Table, patience: float = PATIENCE) -> None:
        """Have these written, and wait for it."""
        self.left(history, looks)
        self.flush(patience)

    def left(self, history: History, looks: Table) -> None:
        """Have these written as what is left behind: of a second studio in which nothing was done
        that is nothing."""
        if self._kept or len(history) > 1 or not (self._taken and self._taken.second):
            self.note(history, looks)

    def flush(self, patience: float = PATIENCE) -> None:
        """Wait until all that was noted is written, so many seconds at most; also in a handler of a
        signal."""
        self._keeper.flush(patience)

    def which(self) -> str:
        """What tells this studio from others that are open: "studio 2"; "" where it is alone."""
        taken = self._taken
        beside = taken is not None and shelf.beside(taken.journal.path)
        return f"studio {taken.journal.path.stem}" if taken is not None and beside else ""

    def others(self) -> list[tuple[Path, str]]:
        """Other histories that can be opened, and what is in them. Raises OSError."""
        return shelf.others(self._taken.journal.path if self._taken else Path())

    def other(self, path: Path) -> Taken:
        """Another history to go on with, once all that was noted is written: it may take as long
        as the disk does. Raises Locked, BadData, OSError, OutputError where it cannot be."""
        self.flush()
        if self.trouble:
            raise OutputError(self.trouble, "what was done here would be lost")
        return shelf.taken(path)

    def go_on(self, taken: Taken) -> History:
        """Go on with another history instead of this one."""
        self.close()
        self._use(taken)
        self.listen(self._tell)
        return self.history()

    def close(self) -> None:
        """Another studio may go on with this history from now on."""
        self._keeper.close(PATIENCE)
