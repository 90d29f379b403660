"""A traversal written, or what a killed run left to do of it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from latty.folders import Folder
from latty.models.base import Generator
from latty.rank.traversal import filming
from latty.rank.traversal.describing import describe
from latty.rank.traversal.handing import draw_all
from latty.rank.traversal.keeping import score
from latty.rank.traversal.task import TraverseTask, check_room
from latty.render import work
from latty.render.growing import growing
from latty.render.options import Options
from latty.report import Report
from latty.shard import Shard


def make(
    task: TraverseTask,
    folder: Path,
    generator: Generator,
    options: Options,
    say: Callable[[str], None],
    report: Report,
    share: Callable[[list[Shard]], None] | None = None,
) -> None:
    """Write a traversal, or what a run before left to do; `share` has the pictures drawn by several
    processes. Raises WouldOverwrite and Locked before any work, BadData, OutputError, DeviceError,
    Interrupted, and what the model raises."""
    key = task.key(generator, options)
    with work.publication([folder], key, options.overwrite) as works, work.disk_errors(works):
        for held in works:  # none where only the name was left to give
            with growing(held, key) as inside:
                for name in (work.WALKS, work.FILMS, work.SCORES):
                    if name != work.FILMS or task.film:
                        (inside / name).mkdir(exist_ok=True)
                room = partial(check_room, task, held.target, generator, options, say)
                draw_all(task.plan, inside / work.WALKS, generator, room, report, share)
                found = describe(task.plan, inside, generator, key)
                _film(task, inside, generator, options, report)
                score(task.plan.wanted, folder_of(inside), found, generator, report)


def folder_of(inside: Folder) -> Path:
    """A folder that is held, as a path."""
    return inside / "."


def _film(
    task: TraverseTask, inside: Folder, generator: Generator, options: Options, report: Report
) -> None:
    """The films that are not there."""
    if not task.film:
        return
    maker = filming.WalkFilms(task.plan, inside / work.WALKS, generator, options)
    names = maker.names(task.film)
    with inside.folder(work.FILMS) as films:
        there = films.names()
        for name in there:
            if name.startswith("."):
                films.remove(name)
        report(0, len(names), "films")
        for done, (name, (move, start)) in enumerate(names.items()):
            if name not in there:
                maker.make(name, move, start, films)
            report(done + 1, len(names), "films")
