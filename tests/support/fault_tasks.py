"""What the studio writes and no verb does, as a command line: `call NAME WORDS`, errors told as the
command line tells them."""

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path

from latty import files, home, presets
from latty.directions import manage
from latty.directions.store import SETS
from latty.errors import OutputError, explain
from latty.folders import private
from latty.jobs import control
from latty.scene import Scene
from latty_tui.library.marks import Marks
from latty_tui.memory import Memory
from latty_tui.state import State


def studio(*seeds: str) -> None:
    """A studio is opened, these seeds are looked at, and it is left; prints the seeds of its
    history as it is then."""
    memory = Memory()
    memory.listen(lambda words: None)  # shown on screen there
    history = memory.history()
    for seed in seeds:
        history.push(State(Scene("demo", int(seed), 0.8)), f"seed {seed}", "", 0)
        memory.note(history, {})
        memory.flush()
    memory.close()
    print(*(step.state.scene.seed for step in history))


def save_preset(frames: str) -> None:
    """p.toml, changed."""
    presets.save(replace(presets.read("p.toml"), frames=int(frames)), "p.toml")


def rename_set(name: str, to: str) -> None:
    manage.rename_set(str(SETS.find(name)), to)


def delete_set(name: str) -> None:
    manage.delete_set(str(SETS.find(name)))


def rename_direction(name: str, to: str) -> None:
    """The first direction of a set."""
    from latty.directions.file import read_header

    path = SETS.find(name)
    manage.rename(str(path), read_header(path).names[0], to)


def mark(path: str) -> None:
    """A model that was opened."""
    before = Marks.load()
    before.opened(path).save(before)


def submit(word: str) -> None:
    """A job of nothing (fakes/sitecustomize.py); prints its id."""
    print(control.submit(["render", word]))


def careless(how: str) -> None:
    """out.txt written as no program should: `torn`, `littering`, `unsynced`, `lying`, `rude`,
    `babbling`; or a card before what it names (`half`), a file that is `open` to others."""
    target, draft = Path("out.txt"), Path(f".out.{os.urandom(4).hex()}")
    if how == "half":
        files.write(home.scorers_dir() / "s.toml", [b'weights = "s.npy"'])
        files.write(home.scorers_dir() / "s.npy", [b"1"])
        return
    if how == "open":
        os.umask(0o022)
        (private(home.data_dir()) / "mine").write_text("1")
        return
    if how == "torn":
        target.write_bytes(b"new" * 100)
        return
    try:
        with draft.open("wb") as file:
            file.write(b"new" * 100)
            file.flush()
            with suppress(OSError) if how == "unsynced" else nullcontext():
                os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        if how != "littering":
            with suppress(OSError):
                draft.unlink(missing_ok=True)
        if how == "rude":
            raise RuntimeError from error
        if how == "babbling":
            raise OutputError("cannot write out.txt: not today") from None
        if how != "lying":
            raise


TASKS: dict[str, Callable[..., None]] = {
    task.__name__: task
    for task in (
        careless,
        studio,
        save_preset,
        rename_set,
        delete_set,
        rename_direction,
        mark,
        submit,
    )
}


def call(name: str, *words: str) -> int:
    """The exit code that the command line would have."""
    try:
        TASKS[name](*words)
    except Exception as error:
        known = explain(error)
        if known is None:
            raise
        print(f"latty: {known}", file=sys.stderr)
        return known.exit_code
    return 0
