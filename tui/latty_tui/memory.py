"""What the studio remembers between two runs: the history of states and how things looked.

It is written soon after each change, so that a studio that was killed opens where it was. One
studio at a time writes it: a second one begins afresh and keeps nothing.
"""

import asyncio
import json
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from latty import home, locks
from latty.errors import BadData
from latty.files import replace_whole
from latty.scene import Scene, from_table, to_table
from latty_tui.films.film import film_of, film_table
from latty_tui.state import GRIDS, History, State, Step, ViewSettings

FILE, LOCK = "studio.json", "studio.lock"
MOST = 500  # steps of history that are kept
SCHEMA = 1

OTHER = "another studio keeps the history, this one does not"
NOT_KEPT = "the history cannot be kept: {}"
WRONG = (KeyError, TypeError, ValueError, AttributeError, IndexError, BadData)  # with a file

Table = dict[str, Any]


def state_table(state: State) -> Table:
    """A state as JSON."""
    return {
        "scene": to_table(state.scene),
        "muted": sorted(state.muted),
        "solo": sorted(state.solo),
        "keys": [to_table(scene) for scene in state.keys],
        "film": film_table(state.film),
        "name": state.name,
    }


def state_of(table: Table) -> State:
    """The state of a table. Raises KeyError, TypeError, ValueError, BadData for anything else."""
    return State(
        from_table(table["scene"]),
        frozenset(table["muted"]),
        frozenset(table["solo"]),
        tuple(from_table(one) for one in table["keys"]),
        film_of(table["film"]),
        str(table["name"]),
    )


def _step(table: Table) -> tuple[State, str]:
    return state_of(table["state"]), str(table["what"])


class Memory:
    """The file, and the lock that says whose it is."""

    SOON = 0.5  # seconds after a change until it is written

    def __init__(self) -> None:
        self.folder = home.state_dir()
        self.lock: int | None = None
        self.trouble = ""  # why nothing is kept, in words
        try:  # a full or read-only disk costs the memory, not the work
            self.folder.mkdir(parents=True, exist_ok=True)
            self.lock = locks.take(self.folder / LOCK, patience=0.1)
            self.trouble = "" if self.keeps else OTHER
        except OSError as error:
            self.trouble = NOT_KEPT.format(error.strerror)
        self.table = self._read() if self.keeps else {}
        self.waiting: Callable[[], Table] | None = None  # makes what is not written yet
        self.whole = False  # whether all of the last run's history is there
        self._writing = threading.Lock()
        self._soon = False  # whether it is to be written in a moment

    @property
    def keeps(self) -> bool:
        """Whether anything is remembered: there is no other studio."""
        return self.lock is not None

    @property
    def looks(self) -> Table:
        """How things looked in the last run."""
        found = self.table.get("looks")
        return found if isinstance(found, dict) else {}

    def _read(self) -> Table:
        with suppress(OSError, ValueError):
            table = json.loads((self.folder / FILE).read_bytes())
            if isinstance(table, dict) and table.get("schema") == SCHEMA:
                return table
        return {}

    def look(self, name: str) -> str:
        """A word of `looks`: the theme, the panel that had the focus; "" where there is none."""
        found = self.looks.get(name)
        return found if isinstance(found, str) else ""

    def view(self) -> ViewSettings:
        """How the picture was looked at."""
        grid, strip = self.looks.get("grid"), self.looks.get("strip")
        return ViewSettings(
            grid if grid in GRIDS else 1, strip=strip if isinstance(strip, bool) else None
        )

    def history(self) -> History:
        """The last state of the last run, which is all that the first paint needs; a new one where
        there is none that can be read."""
        with suppress(*WRONG):
            index = int(self.table["index"])
            if index >= 0:
                return History(*_step(self.table["steps"][index]))
        return History(State(Scene("demo", 7, 0.8)))

    def complete(self, history: History) -> None:
        """The steps before and after the one that `history` began with, once."""
        if self.whole:
            return
        self.whole = True
        with suppress(*WRONG):
            steps = [Step(*_step(one)) for one in self.table["steps"]]
            index = int(self.table["index"])
            if steps[index].state == history.steps[0].state:
                ahead = steps[index + 1 :] if len(history) == 1 else []
                history.steps[:1] = steps[: index + 1]
                history.steps += ahead
                history.index += index

    def note(self, history: History, looks: Table) -> bool:
        """Have these written by `keep`; whether it is to be called, SOON from now."""
        if not self.keeps:
            return False
        self.complete(history)
        self.waiting = snapshot(history, looks)
        soon, self._soon = self._soon, True
        return not soon

    async def keep(self) -> str:
        """Write what was noted, in a thread; why that cannot be done, where it is news."""
        self._soon, before = False, self.trouble
        await asyncio.to_thread(self.write, self.waiting)
        return "" if before else self.trouble

    def save(self, history: History, looks: Table) -> None:
        """Write now."""
        self.complete(history)
        self.write(snapshot(history, looks))

    def write(self, made: Callable[[], Table] | None, patience: float = -1) -> None:
        """Write what `made` makes, from any thread; a full disk costs the memory, not the work."""
        if not self.keeps or made is None or not self._writing.acquire(timeout=patience):
            return
        try:
            text = json.dumps(made(), separators=(",", ":"))
            try:
                replace_whole(self.folder / FILE, [text.encode()])
                self.trouble = ""
            except OSError as error:
                self.trouble = NOT_KEPT.format(error.strerror)
            if made is self.waiting:
                self.waiting = None
        finally:
            self._writing.release()

    def close(self) -> None:
        """Another studio may remember from now on."""
        lock, self.lock = self.lock, None
        if lock is not None:
            os.close(lock)


def snapshot(history: History, looks: Table) -> Callable[[], Table]:
    """What is to be written, taken now, made into a table wherever there is time for it."""
    first = max(0, len(history) - MOST)
    steps, index = tuple(history.steps[first:]), max(0, history.index - first)

    def table() -> Table:
        told = [{"state": state_table(step.state), "what": step.what} for step in steps]
        return {"schema": SCHEMA, "steps": told, "index": index, "looks": looks}

    return table
