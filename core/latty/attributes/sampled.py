"""Scores of random samples, computed once and kept: what every method that looks at pictures needs.

A range of seeds is cut at the multiples of BLOCK. Each piece is drawn, scored and written as one
file, whole or not at all, so that a killed run goes on where it stopped. A piece at an end of the
range that is no whole block is a file of its own, and no picture is drawn that was not asked for:
what a range gives depends on nothing but the range, never on what lay in the cache.

The folder's name is a hash of everything the numbers depend on: the model's content, its size, the
scorer's content, the class, the device, the precision, how many pictures are drawn at once (sums
are rounded differently), and latty's version. Where memory was too short for so many, the file says
how many.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from latty import files
from latty.attributes import names_of, open_scorer, score_file, scores_of
from latty.attributes.names import exact
from latty.errors import BadData, OutputError
from latty.models.base import Generator, Label
from latty.models.labels import class_labels
from latty.models.memory import at_once, in_batches, told
from latty.report import Report, silent
from latty.shard import Shard
from latty.version import __version__

BLOCK = 500  # seeds of one file
MOST = 100  # pictures drawn at once, at most: more do not make it faster


@torch.no_grad()
def sampled_scores(
    generator: Generator,
    seeds: range,
    scorer: str,
    label: Label = None,
    batch: int = MOST,
    report: Report = silent,
) -> tuple[tuple[str, ...], Tensor]:
    """Attribute names and scores (n, A) float32 of one picture per seed; NaN = no valid score.

    label   the class to draw, or a mixture
    batch   pictures drawn at once, at most
    report  is told (done, n, "samples"); what it raises ends the work, whole pieces are kept

    Raises Missing, BadData for a scorer that cannot be used.
    """
    names, found = names_of(scorer, generator), []
    cache, batch = _cache(generator, scorer, label, batch), _together(generator, batch)
    for piece in _pieces(seeds):
        kept = cache.read(piece) if cache else None
        if kept is None:
            done = piece.start - seeds.start
            kept = _drawn(generator, piece, scorer, label, batch, report, done, len(seeds))
            if cache:
                cache.write(piece, *kept)
        scores, used = kept
        found.append(scores)
        report(piece.stop - seeds.start, len(seeds), told("samples", used, batch))
    return names, torch.cat(found) if found else torch.zeros(0, len(names))


def shards(
    generator: Generator, seeds: range, scorer: str, label: Label, batch: int
) -> list[Shard]:
    """The pieces whose files `sampled_scores` of the same arguments looks for; none for scores
    that cost nothing. Raises Missing, BadData."""
    if (cache := _cache(generator, scorer, label, batch)) is None:
        return []
    given = scorer, open_scorer(scorer).digest, label, _together(generator, batch)
    return [
        Shard(
            content,
            (piece.start, piece.stop, *given),
            cache.path(piece),
            partial(score_file.is_whole, cache.path(piece), len(piece), cache.attributes),
        )
        for piece in _pieces(seeds)
    ]


@torch.no_grad()
def content(
    generator: Generator,
    start: int,
    stop: int,
    scorer: str,
    digest: str,
    label: Label,
    batch: int,
) -> bytes:
    """The file of seeds start..stop - 1. Raises BadData where the scorer of that name is another
    one than at home, on a machine of a cluster."""
    if open_scorer(scorer).digest != digest:
        what = f"the scorer '{scorer}' is another one on this machine of the cluster than at home"
        raise BadData(what, "copy its files to the same place on every machine")
    seeds = range(start, stop)
    kept = _drawn(generator, seeds, scorer, label, batch, silent, 0, len(seeds))
    return score_file.content(*kept)


def _together(generator: Generator, batch: int) -> int:
    return at_once(generator, max(1, min(batch, MOST)))


def _pieces(seeds: range) -> Iterator[range]:
    """The range, cut at the multiples of BLOCK."""
    start = seeds.start
    while start < seeds.stop:
        stop = min(seeds.stop, (start // BLOCK + 1) * BLOCK)
        yield range(start, stop)
        start = stop


def _drawn(
    generator: Generator,
    piece: range,
    scorer: str,
    label: Label,
    batch: int,
    report: Report,
    done: int,
    total: int,
) -> tuple[Tensor, int]:
    """Scores (n, A) of one piece, and how many pictures fitted in memory at once; reports after
    each batch but the last."""

    def scores(part: slice) -> Tensor:
        z = generator.sample(piece[part])
        labels = class_labels(label, z, generator)
        found = scores_of(generator, generator.mapping(z, labels), scorer, labels)[1]
        return found.detach().float().cpu()

    found: list[Tensor] = []
    for part, some, used in in_batches(scores, len(piece), batch):
        found.append(some)
        if part.stop < len(piece):
            report(done + part.stop, total, told("samples", used, batch))
    return torch.cat(found), used


# --- the cache ------------------------------------------------------------------------------------


def _cache(generator: Generator, scorer: str, label: Label, batch: int) -> "_Cache | None":
    """Where these scores are kept; None for exact factors, which cost nothing."""
    if exact(scorer, generator) is not None:
        return None
    info = generator.info
    model = info.digest or f"{info.name} {info.family}"
    parts = [__version__, model, info.resolution, open_scorer(scorer).digest, label]
    parts += [generator.info.numbers(generator.device.type), _together(generator, batch)]
    key = sha256(json.dumps(parts).encode()).hexdigest()[:32]
    return _Cache(score_file.cache(key), len(names_of(scorer, generator)))


@dataclass(frozen=True, slots=True)
class _Cache:
    """One folder of pieces; a file that cannot be read or written is as good as none."""

    folder: Path
    attributes: int

    def read(self, piece: range) -> tuple[Tensor, int] | None:
        """The scores (n, A) of a piece, and how many were drawn at once, if it is there."""
        return score_file.read(self.path(piece), len(piece), self.attributes)

    def write(self, piece: range, scores: Tensor, batch: int) -> None:
        """Keep a piece; a full or read-only disk only means that it is computed again."""
        with suppress(OutputError):
            files.write(self.path(piece), [score_file.content(scores, batch)])

    def path(self, piece: range) -> Path:
        whole = piece.start % BLOCK == 0 and len(piece) == BLOCK
        name = f"{piece.start}" if whole else f"{piece.start}-{piece.stop - 1}"
        return self.folder / f"{name}.safetensors"
