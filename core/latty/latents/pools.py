"""Pools: latents with the seeds they were drawn of, and a picture of each, in one folder.

    000000.png, 000001.png, ...   pictures, called as a template such as "{seed:06d}.png" says
    latents.safetensors           arrays "z", "w", "wp" as asked for, and "seeds"; a row for each
    manifest.csv                  file,seed,class,row: what is what, for other programs

The file of latents says everything by itself: it is what the store keeps. Codes stand there as the
mapping gives them; a truncation is said beside them, and taken where a scene starts there.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from latty.checkpoints.safetensors import beginning
from latty.latents.file import FORMS, KIND, POOL, SEEDS
from latty.latents.found import POOL_FILE, Params
from latty.version import __version__

FILE, MANIFEST = POOL_FILE, "manifest.csv"
COLUMNS = ("file", "seed", "class", "row")  # of the manifest
FILES = "{seed:06d}.png"
TEMPLATE = re.compile(
    r"(?![. ])[\w .+-]{0,80}\{seed(?::0?\d{1,2}d?)?\}[\w .+-]{0,80}\.png", re.ASCII
)
MOST = 1_000_000  # latents


@dataclass(frozen=True, slots=True)
class PoolHeader:
    """What the file of a pool says, but for its numbers.

    files   the template of its pictures' names
    count   N
    shapes  of one latent in each form: {"z": (Z,), "w": (D,), "wp": (L, D)}
    params  "class" and "truncation" are how to draw them
    """

    model: str
    family: str
    model_digest: str
    files: str
    count: int
    shapes: Mapping[str, tuple[int, ...]]
    params: Params = ()

    @property
    def row(self) -> int:
        """Bytes of one latent in all its forms."""
        return sum(4 * prod(shape) for shape in self.shapes.values())

    def pieces(self, numbers: Iterable[bytes]) -> Iterator[bytes]:
        """The file: `numbers` are little-endian float32 of each form in their order, then the seeds
        as int64."""
        forms = [*self.shapes]
        about = {
            "schema": POOL,
            "space": FORMS[forms[0]],
            **{key: getattr(self, key) for key in ("model", "family", "model_digest", "files")},
            "params": dict(self.params),
            "latty": __version__,
        }
        arrays = {form: ("float32", (self.count, *self.shapes[form])) for form in forms}
        arrays[SEEDS] = ("int64", (self.count,))
        yield from beginning({"kind": KIND, "about": json.dumps(about)}, arrays)
        yield from numbers


def file_of(template: str, seed: int) -> str:
    """What the picture of a seed is called."""
    return template.format(seed=seed)


def is_pool(folder: Path) -> bool:
    """Whether a folder is one that a pool was written into. Raises OSError."""
    return (folder / FILE).is_file() and (folder / MANIFEST).is_file()
