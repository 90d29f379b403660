"""A pool written: a picture for each of many seeds, their latents, a manifest (latents/pools.py).

All of it grows in the work folder beside its place, a file at a time, and gets its name whole; a
run that was killed goes on with the first picture that is missing. Memory does not grow with the
seeds. Pictures are drawn so many at once whatever was asked for: the last bits of a picture depend
on those that it is drawn with, and a pool has the same bytes on every machine of a kind.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path

from latty import models
from latty.latents import pools
from latty.presets.digests import model_digest
from latty.render import work
from latty.render.growing import growing
from latty.render.options import Options
from latty.render.output_files import check_space
from latty.render.pool.pictures import draw
from latty.render.pool.rows import PoolRows
from latty.report import Report, silent
from latty.scene import Scene, to_table
from latty.version import __version__


@dataclass(frozen=True, slots=True)
class LatentPool:
    """What is written.

    scene  what all pictures share: its seed is of no account
    seeds  in the order of the rows, none twice
    files  a template such as "{seed:06d}.png"
    forms  "z", "w" or "wp", each once: the latents that are kept
    """

    scene: Scene
    seeds: tuple[range, ...]
    files: str = pools.FILES
    forms: tuple[str, ...] = ("z",)

    def __len__(self) -> int:
        return sum(map(len, self.seeds))

    def blocks(self, size: int) -> Iterator[list[int]]:
        """Its seeds, so many at a time."""
        every = chain.from_iterable(self.seeds)
        while block := list(islice(every, size)):
            yield block

    def scenes(self, seeds: Sequence[int]) -> list[Scene]:
        """One for each of the seeds."""
        return [replace(self.scene, seed=seed) for seed in seeds]

    @property
    def key(self) -> str:
        """A hash of everything that its files depend on. Raises Missing, BadData, OutputError."""
        parts = {
            "scene": to_table(replace(self.scene, seed=0)),
            "seeds": [[one.start, one.stop] for one in self.seeds],
            "files": self.files,
            "forms": self.forms,
            "model": model_digest(self.scene.model),
            "latty": __version__,
        }
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def write(pool: LatentPool, folder: Path, options: Options, report: Report = silent) -> None:
    """Write a pool, or what a run before left to do. Raises WouldOverwrite and Locked before any
    work, BadData, OutputError, DeviceError, Interrupted, and what the model raises."""
    pool = replace(pool, scene=options.settled_scene(pool.scene))
    key = f"{pool.key} {options.device} {options.recipe}"
    with work.publication([folder], key, options.overwrite) as works, work.disk_errors(works):
        for held in works:  # none where only the name was left to give
            _fill(pool, held, options, report, key)


def _fill(
    pool: LatentPool,
    held: work.Work,
    options: Options,
    report: Report,
    key: str,
) -> None:
    """All files, and the folder under the name from which it is published."""
    generator = models.open_model(pool.scene.model, options.device, pool.scene.precision)
    rows = PoolRows(pool.scene, pool.blocks, pool.files, generator, report)
    header = rows.header(pool.forms, len(pool))
    count, room = len(pool), partial(check_space, held.target, options=options)
    with growing(held, key) as inside:
        draw(
            pool.blocks,
            pool.scene,
            pool.files,
            generator,
            inside,
            options,
            lambda size: room(count * (int(0.8 * size) + header.row)),
            lambda done, what: report(done, count, what),
        )
        inside.write(pools.FILE, header.pieces(rows.numbers(header)), None)
        inside.write(pools.MANIFEST, rows.manifest(), None)
