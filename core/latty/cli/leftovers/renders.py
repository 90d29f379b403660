"""Work folders of renders that something ended."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from latty.cli.leftovers.thing import Leftover, Unseen, folders_in, jobs_of, leftover, looking
from latty.cli.parser import parse
from latty.errors import LattyError
from latty.jobs import run as runs
from latty.render.work import SUFFIX, Work

DEPTH = 4  # folders below the one that is looked through


def renders(folders: Iterable[Path], named: Iterable[Path], unseen: Unseen) -> Iterator[Leftover]:
    """Work folders of renders that something ended, in and below some folders.

    named  by a person: what lies below them is looked at whatever they are; of the others those in
           which people work are not searched through
    """
    depths = {Path(os.path.realpath(folder)): DEPTH for folder in named}
    for folder in folders:
        real = Path(os.path.realpath(folder))
        depths[real] = max(depths.get(real, 0), 0 if _is_large(real) else DEPTH)
    places = (found for folder, depth in depths.items() for found in _below(folder, depth, unseen))
    for place in sorted({*places}):
        work = Work(place.with_name(place.name.removesuffix(SUFFIX)))
        with looking(place, unseen), work.look():
            work.refuse_taken()
            yield leftover("renders", place, partial(_clear, work))


def _is_large(folder: Path) -> bool:
    """Whether it may hold all of a person's files."""
    with suppress(OSError, RuntimeError):
        return any(one.is_relative_to(folder) for one in (Path.cwd(), Path.home().resolve()))
    return True


def _below(folder: Path, depth: int, unseen: Unseen) -> Iterator[Path]:
    """Every folder that has the name of a work folder."""
    for path in folders_in(folder, unseen):
        if path.name.endswith(SUFFIX) and path.name != SUFFIX:
            yield path
        elif depth:
            yield from _below(path, depth - 1, unseen)


def _clear(work: Work) -> None:
    with work:
        work.remove()


def of_jobs(unseen: Unseen) -> Iterator[Path]:
    """The folders that jobs write into."""
    for status in jobs_of(unseen):
        there = Path(status.spec.folder)
        with suppress(LattyError, SystemExit):
            args: Any = parse(status.spec.words)
            yield there / (getattr(args, "out_dir", None) or "renders")
            if Path(output := getattr(args, "output", None) or "").suffix:  # else it is a name
                yield (there / output).parent
        if folder := dict(status.spec.environment).get("LATTY_OUT_DIR"):
            yield there / folder
        with looking(runs.folder_of(status.id), unseen):
            yield from (Path(path).parent for path in runs.outputs(status.id))
