"""Every direction of a set walked from some seeds, as a job: films, latents, scores in a folder."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from latty.cli.values import seeds
from latty.directions.store import SETS
from latty.jobs import control
from latty.models.classes import typed
from latty_tui.desk import Desk
from latty_tui.dialogs import device
from latty_tui.dialogs.ask import Ask
from latty_tui.dialogs.readers import free_name
from latty_tui.library.sets import SetEntry

SEEDS = "0-7"


async def ask(desk: Desk, entry: SetEntry) -> None:
    """Ask from which seeds, and hand the job in. Raises LattyError."""
    hint = "each direction from each of them: latty traverse, with the class of the picture"
    question = f"traverse {entry.name} from the seeds"
    if (said := await desk.answer(Ask(question, SEEDS, _seeds, hint), last=True)) is None:
        return
    folder = desk.config.out_dir
    name = await asyncio.to_thread(_free, folder, f"{entry.name}-traverse")
    words = words_of(desk, entry, said, folder / name)
    job = await asyncio.to_thread(control.submit, words)
    await device.tell(desk, job, f"traverses {entry.name}; it will be in {folder / name}")


def _free(folder: Path, name: str) -> str:
    return free_name(name, lambda one: (folder / one).exists())


def _seeds(text: str) -> str:
    """A list of seeds as it was typed. Raises UsageError."""
    seeds(text)
    return text


def words_of(desk: Desk, entry: SetEntry, said: str, folder: Path) -> Sequence[str]:
    """The command line: the set and the model of the studio, the picture's class and truncation."""
    scene = desk.state.scene
    named = entry.name if SETS.find(entry.name) == entry.path else str(entry.path.absolute())
    words = ["traverse", named, f"--model={scene.model}", f"--seeds={said}"]
    if (label := typed(scene.label)) is not None:
        words.append(f"--label={label}")
    if scene.truncation != 1:
        words.append(f"--truncation={scene.truncation:g}")
    return (*words, "-o", str(folder.absolute()))
