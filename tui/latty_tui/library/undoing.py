"""Undo and redo of steps that changed files of directions, one after the other."""

import asyncio
from collections.abc import Callable

from latty.directions import bin
from latty.errors import LattyError
from latty_tui.desk import Desk
from latty_tui.state import Step


async def walk(desk: Desk, lock: asyncio.Lock, aim: Callable[[], int], otherwise: str) -> None:
    """Go to the step that `aim` says, as far as files allow: a set that somebody else changed stays
    as it is, and why is said. Raises OSError."""
    async with lock:
        history, first = desk.history, desk.history.index
        index, moved = aim(), list[tuple[str, str]]()
        if not 0 <= index < len(history):
            desk.say(otherwise)
            return
        for step in history.crossed(index):
            at, back = history.index, index < history.index
            if step.sets:
                try:
                    await asyncio.to_thread(_turn, step, back)
                except LattyError as error:
                    desk.say(f"cannot {'undo' if back else 'redo'} {step.what}: {error}", "warning")
                    break
                if desk.history is not history or history.index != at:  # a key came between
                    await asyncio.to_thread(_turn, step, not back)
                    break
                moved += [(new, old) if back else (old, new) for old, new in step.moved]
            history.go(at - 1 if back else at + 1)
        if history.index != first:
            desk.travelled()
            desk.tell(lambda panel: panel.on_sets(moved))


def _turn(step: Step, back: bool) -> None:
    """Raises as bin.undo."""
    (bin.undo if back else bin.redo)(step.sets)
