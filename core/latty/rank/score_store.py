"""Scores of walks kept for each scorer by itself, so that other attributes cost nothing again.

SCORER-DIGEST.safetensors holds, of all attributes of one scorer, "scores" (K, N, T, A), "random"
(R, N, T, A) of the random directions and "samples" (S, A), float32; NaN = cannot be said. Its name
has the digest of the scorer, of exact factors that of their model: another one is another file.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latty import files, locks
from latty.attributes import digest_of
from latty.attributes.names import exact, names_of
from latty.checkpoints.safetensors import pieces, read_arrays, read_header
from latty.errors import LattyError
from latty.models.base import Generator
from latty.rank.plan import Wanted

KIND, ENDING = "walk scores", ".safetensors"
DIGITS = 16  # of a digest in a name
Scores = NDArray[Any]  # float32 as they are kept; float64 in figures
Column = tuple[str, int, str]  # (scorer, index in it, name)


@dataclass(frozen=True, slots=True)
class WalkShape:
    """How many there are: K directions, R random ones, N starts, T strengths, S samples."""

    directions: int
    random: int
    starts: int
    steps: int
    samples: int


@dataclass(frozen=True, slots=True)
class JudgeKey:
    """A scorer with the names of all its attributes, and what its scores depend on."""

    scorer: str
    names: tuple[str, ...]
    digest: str

    @property
    def file(self) -> str:
        """What its scores are called."""
        word = "".join(c if c.isalnum() and c.isascii() else "-" for c in Path(self.scorer).stem)
        return f"{word[:40] or 'scorer'}-{self.digest[:DIGITS]}{ENDING}"

    def columns(self) -> list[Column]:
        """All its attributes."""
        return [(self.scorer, index, name) for index, name in enumerate(self.names)]


@dataclass(frozen=True, slots=True, eq=False)
class WalkScores:
    """Scores (K, N, T, A) of directions, (R, N, T, A) of random ones, (S, A) of samples."""

    scores: Scores
    random: Scores
    samples: Scores

    def of(self, columns: Sequence[int]) -> "WalkScores":
        """Some of the attributes."""
        which = list(columns)
        return WalkScores(self.scores[..., which], self.random[..., which], self.samples[:, which])


def key_of(scorer: str, generator: Generator) -> JudgeKey:
    """That of a scorer for pictures of a model. Raises Missing, BadData."""
    names = names_of(scorer, generator)
    if exact(scorer, generator) is not None:
        said = f"exact {generator.info.digest or generator.info.name}"
    else:
        said = digest_of(scorer)
    return JudgeKey(scorer, names, sha256(said.encode()).hexdigest())


def read(folder: Path, key: JudgeKey, shape: WalkShape) -> WalkScores | None:
    """What is kept of a scorer; None where it is not there, not whole, or of other walks."""
    file = folder / key.file
    if not file.is_file():
        return None
    try:
        meta, arrays = read_header(file).meta, read_arrays(file)
    except (LattyError, OSError):
        return None
    count = len(key.names)
    each = (shape.starts, shape.steps, count)
    wanted = {"scores": (shape.directions, *each), "random": (shape.random, *each),
              "samples": (shape.samples, count)}  # fmt: skip
    there = {name: tuple(array.shape) for name, array in arrays.items()}
    alike = there == wanted and all(one.dtype == np.float32 for one in arrays.values())
    if not alike or meta.get("kind") != KIND or meta.get("names") != json.dumps(key.names):
        return None
    found = WalkScores(**arrays)
    return found if meta.get("sha256") == _digest(found) else None


def write(folder: Path, key: JudgeKey, found: WalkScores) -> None:
    """Keep the scores of all attributes of a scorer. Raises OutputError, Locked while another
    process keeps them, WouldOverwrite, ConfigError."""
    meta = {"kind": KIND, "names": json.dumps(key.names), "sha256": _digest(found)}
    arrays = {name: _plain(getattr(found, name)) for name in WalkScores.__slots__}
    with locks.writing(folder / key.file):
        files.write(folder / key.file, pieces(meta, arrays))


def _digest(found: WalkScores) -> str:
    parts = (found.scores, found.random, found.samples)
    return sha256(b"".join(_plain(part).tobytes() for part in parts)).hexdigest()


def _plain(scores: Scores) -> Scores:
    """As a file has them."""
    return np.ascontiguousarray(scores, "<f4")


def kept(
    folder: Path,
    wanted: Wanted,
    generator: Generator,
    shape: WalkShape,
    measure: Callable[[list[JudgeKey]], list[Scores]],
) -> WalkScores:
    """The scores of some attributes, as they are kept in a folder; scorers whose scores are not
    there are asked for by `measure`, which gives a table (n, A) of all attributes of all of them
    for the samples, each direction and each random one. Raises Missing, BadData, OutputError."""
    keys = [key_of(name, generator) for name in dict.fromkeys(scorer for scorer, _, _ in wanted)]
    known = {key.scorer: read(folder, key, shape) for key in keys}
    if missing := [key for key in keys if known[key.scorer] is None]:
        tables, first = measure(missing), 0
        for key in missing:
            part = slice(first, first + len(key.names))
            known[key.scorer] = made = stacked([table[:, part] for table in tables], shape)
            with suppress(LattyError):  # then it is made again
                write(folder, key, made)
            first = part.stop
    columns = [found.of([index]) for scorer, index, _ in wanted if (found := known[scorer])]
    return WalkScores(*(np.concatenate([getattr(one, name) for one in columns], -1)
                        for name in WalkScores.__slots__))  # fmt: skip


def stacked(tables: Sequence[Scores], shape: WalkShape) -> WalkScores:
    """Tables (n, A) of the samples, each direction and each random one, in one piece."""
    samples, *walks = (_plain(table) for table in tables)
    each = [walk.reshape(shape.starts, shape.steps, -1) for walk in walks]
    nothing = np.zeros((0, shape.starts, shape.steps, samples.shape[1]), np.float32)
    own, random = each[: shape.directions], each[shape.directions :]
    return WalkScores(np.stack(own), np.stack(random) if random else nothing, samples)
