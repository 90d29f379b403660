"""Undo and redo: at once, and step by step where files of directions are changed for it."""

import asyncio
from collections.abc import Callable

from latty.directions import bin
from latty.errors import LattyError
from latty_tui.base_app import BaseApp
from latty_tui.state import History, Step


class UndoingApp(BaseApp):
    """The part of the app that goes through the history."""

    history: History

    def __init__(self) -> None:
        super().__init__()
        self._walking = asyncio.Lock()  # whoever goes to a step that changes files

    def action_undo(self) -> None:
        self._travel(lambda: self.history.index - 1, "nothing to undo")

    def action_redo(self) -> None:
        self._travel(lambda: self.history.index + 1, "nothing to redo")

    def go_to_step(self, index: int) -> None:
        """Undo or redo up to a step of the history."""
        self._travel(lambda: index)

    def _changed(self) -> None:
        """The history is at another step."""

    def _travel(self, aim: Callable[[], int], otherwise: str = "") -> None:
        """Go to a step, at once where no file is to be changed for it."""
        if self._walking.locked() or any(step.sets for step in self.history.crossed(aim())):
            self.background(self._walk(aim, otherwise), "walk")
        elif self.history.go(aim()):
            self._changed()
        elif otherwise:
            self.say(otherwise)

    async def _walk(self, aim: Callable[[], int], otherwise: str) -> None:
        """Go to a step, as far as files allow: a set that somebody else changed stays as it is, and
        why is said. Raises OSError."""
        async with self._walking:
            history, first, moved = self.history, self.history.index, list[tuple[str, str]]()
            index = aim()
            back = index < first
            if otherwise and not 0 <= index < len(history):
                self.say(otherwise)
            for step in history.crossed(index):
                if step.sets and not await self._turned(step, back):
                    break
                moved += [(new, old) if back else (old, new) for old, new in step.moved]
                history.go(history.index + (-1 if back else 1))
            if history.index != first:
                self._changed()
                self.tell(lambda panel: panel.on_sets(moved))

    async def _turned(self, step: Step, back: bool) -> bool:
        """Change the files of a step; False where they, or the history meanwhile, forbid it. Raises
        OSError."""
        there, history, index = bin.undo if back else bin.redo, self.history, self.history.index
        try:
            await asyncio.to_thread(there, step.sets)
        except LattyError as error:
            self.say(f"cannot {'undo' if back else 'redo'} {step.what}: {error}", "warning")
            return False
        if self.history is history and history.index == index:
            return True
        await asyncio.to_thread(bin.redo if back else bin.undo, step.sets)  # a key came between
        return False
