"""Scores of kept pictures: nothing is drawn, whatever attributes are asked for.

A picture is scored as it is kept, in levels of 1/255, so that an attribute that is asked for later
has the score that it would have had at once. What a model itself knows is read off the codes.
"""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latty.attributes import open_scorer, score_file
from latty.attributes.names import exact
from latty.models.base import Generator
from latty.models.memory import in_batches
from latty.presets.formats import Pixels
from latty.rank.score_store import ENDING, JudgeKey
from latty.rank.traversal import walk_file
from latty.rank.traversal.header import TraversalHeader
from latty.rank.traversal.pieces import SAMPLES, WalkPiece, pieces_of
from latty.rank.traversal.walk_file import KeptWalk
from latty.report import Report

TOGETHER = 32  # pictures scored at once


def images_of(pictures: Sequence[Pixels], device: torch.device) -> Tensor:
    """Images (N, C, H, W) in -1..1 of pictures (H, W, C) uint8."""
    levels = torch.from_numpy(np.stack(pictures)).to(device)
    return levels.permute(0, 3, 1, 2).float() / 127.5 - 1


@torch.no_grad()
def judged(walk: KeptWalk, keys: Sequence[JudgeKey], generator: Generator, inside: bool) -> Tensor:
    """Scores (T, A) of the pictures of a piece, all attributes of all scorers side by side; exact
    where the model knows them and nothing was moved `inside` its synthesis."""
    columns = dict[str, Tensor]()
    for key in keys:
        if (known := exact(key.scorer, generator)) is not None and not inside:
            codes = torch.tensor(walk.codes, device=generator.device)
            codes = codes[:, None] if codes.ndim == 2 else codes
            columns[key.scorer] = known.factors(codes.expand(-1, generator.info.num_layers, -1))
    rest = [key for key in keys if key.scorer not in columns]
    tables: dict[str, list[Tensor]] = {key.scorer: [] for key in rest}

    def score(part: slice) -> dict[str, Tensor]:
        shown = images_of([walk[i] for i in range(part.start, part.stop)], generator.device)
        return {key.scorer: open_scorer(key.scorer).score(shown) for key in rest}

    for _, some, _ in in_batches(score, len(walk) if rest else 0, TOGETHER):
        for scorer, table in some.items():
            tables[scorer].append(table.cpu())
    columns |= {scorer: torch.cat(parts) for scorer, parts in tables.items()}
    return torch.cat([columns[key.scorer].cpu().float() for key in keys], 1)


def tables(
    folder: Path,
    walks: Path,
    header: TraversalHeader,
    keys: Sequence[JudgeKey],
    generator: Generator,
    report: Report,
) -> list[Tensor]:
    """A table (n, A) of the samples and of each direction, the random ones last. What is scored is
    kept in `folder` until all of it is there: a killed run goes on. Raises Missing, BadData,
    OutputError."""
    groups = [pieces_of(SAMPLES, header.samples)] + [
        [piece for start in range(len(header.starts)) for piece in
         pieces_of((move, start), header.steps)]
        for move in range(len(header.moves))
    ]  # fmt: skip
    total = sum(piece.count for group in groups for piece in group)
    width, done, found = sum(len(key.names) for key in keys), 0, list[Tensor]()
    report(0, total, "scores")
    for number, group in enumerate(groups):
        file = _part(folder, keys, number)
        count = sum(piece.count for piece in group)
        there = score_file.read(file, count, width)
        if there is None:
            table = torch.cat([_of(walks, piece, keys, generator, header) for piece in group])
            score_file.keep(file, table, TOGETHER)
        else:
            table = there[0]
        found.append(table)
        done += count
        report(done, total, "scores")
    return found


def forget(folder: Path, keys: Sequence[JudgeKey], count: int) -> None:
    """Remove what `tables` kept of so many directions."""
    for number in range(count + 1):
        _part(folder, keys, number).unlink(missing_ok=True)


def _part(folder: Path, keys: Sequence[JudgeKey], number: int) -> Path:
    digest = sha256(" ".join(key.digest for key in keys).encode()).hexdigest()
    name = keys[0].file if len(keys) == 1 else JudgeKey("several", (), digest).file
    return folder / name.replace(ENDING, f".{number}{ENDING}")


def _of(walks: Path, piece: WalkPiece, keys: Sequence[JudgeKey], generator: Generator,
        header: TraversalHeader) -> Tensor:  # fmt: skip
    own = isinstance(piece.group, tuple) and piece.group[0] < len(header.directions)
    inside = own and header.space not in ("z", "w")
    return judged(walk_file.read(walks / piece.file, piece.count), keys, generator, inside)
