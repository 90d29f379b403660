"""Shards in a pool: those whose file is there are done, the others become files as they end.

A shard gives the content of its file back, and the process that handed it out writes it: no disk
needs to be shared, and retry, resume and a machine that went away are one path. A process opens the
model once and keeps it.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.errors import BadData
from latty.files import replace_whole
from latty.jobs.pool import Pool, finished
from latty.report import Report, silent
from latty.shard import Shard
from latty.version import __version__

if TYPE_CHECKING:
    from latty.models.base import Generator


def run(
    shards: Sequence[Shard],
    pool: Pool,
    model: str,
    generator: "Generator",
    report: Report = silent,
    what: str = "pieces",
) -> None:
    """Make the files that are missing; `generator` is what `model` names, here.

    Raises the first error of a shard, and what `report` raises; the files that are there stay."""
    missing = [shard for shard in shards if not shard.whole()]
    place = str(Path(model).absolute()) if Path(model).exists() else model
    # of the kind that it is here: a file's name says what kind of device its numbers come from
    info = generator.info
    where = (place, generator.device.type, info.precision)
    expected = (where, info.digest, __version__)
    calls = [(expected, shard.function, shard.arguments) for shard in missing]
    before = len(shards) - len(missing)

    def told(done: int, total: int, what: str) -> None:
        report(before + done, before + total, what)

    for number, future in finished(pool, at_work, calls, told, what):
        content, file = future.result(), missing[number].file
        replace_whole(file, [content])


def at_work(
    expected: tuple[tuple[str, str, str], str, str],
    function: Callable[..., bytes],
    arguments: tuple[Any, ...],
) -> bytes:
    """In a process of the pool: the content of a shard's file. Raises BadData on a machine where
    the model or latty is another than at home."""
    where, digest, version = expected
    if version != __version__:
        raise BadData(f"latty is {__version__} here and {version} at home", "install the same")
    generator = kept_generator(*where)
    if generator.info.digest != digest:
        what = f"{where[0]} is another file on this machine of the cluster than at home"
        raise BadData(what, "copy it to the same place on every machine")
    return function(generator, *arguments)


@lru_cache(maxsize=1)
def kept_generator(model: str, device: str, precision: str) -> "Generator":
    """The model of this process, open from shard to shard."""
    from latty.models import open_model

    return open_model(model, device, precision)
