"""A ranking in pieces, a file each: what a killed one goes on from, and several processes share."""

from functools import partial
from pathlib import Path

from torch import Tensor

from latty.attributes import score_file
from latty.checkpoints.checkpoint import digest
from latty.directions.store import SETS
from latty.errors import BadData
from latty.files import write
from latty.models.base import Generator
from latty.rank.pieces import RankPiece, pieces_of, tables
from latty.rank.plan import RankPlan, with_baseline
from latty.rank.scoring import measured
from latty.report import Report, silent
from latty.shard import Shard


def piece_file(work: Path, piece: RankPiece) -> Path:
    """The file of what is measured of a piece."""
    return work / f"{piece.name}.safetensors"


def shards(plan: RankPlan, generator: Generator, work: Path) -> list[Shard]:
    """The pieces whose files `curves` finds. Raises Missing, BadData."""
    found, moves, mark = [], plan.moves(), digest(SETS.find(plan.ref))
    baseline = len(plan.baseline())
    for piece in pieces_of(plan, moves, generator):
        file = piece_file(work, piece)
        whole = partial(score_file.is_whole, file, piece.count(plan, moves), len(plan.wanted))
        found.append(Shard(content, (plan, baseline, piece, mark), file, whole))
    return found


def content(
    generator: Generator, plan: RankPlan, baseline: int, piece: RankPiece, mark: str
) -> bytes:
    """The file of a piece. Raises BadData where the set is another one than at home, on a machine
    of a cluster."""
    if digest(SETS.find(plan.ref)) != mark:
        what = f"the set {plan.ref} is another one on this machine of the cluster than at home"
        raise BadData(what, "copy it to the same place on every machine")
    plan = with_baseline(plan, generator, baseline)
    return score_file.content(*measured(plan, piece.scenes(plan, plan.moves()), generator))


def drawn(
    plan: RankPlan, generator: Generator, report: Report = silent, work: Path | None = None
) -> list[Tensor]:
    """Scores (n, A) of the samples and of each of `plan.moves`, but for what lies in `work`, where
    all of it is kept. Raises Missing, BadData, OutputError."""
    moves = plan.moves()
    pieces, found = pieces_of(plan, moves, generator), list[Tensor]()
    counts = [piece.count(plan, moves) for piece in pieces]
    for piece, count in zip(pieces, counts, strict=True):
        file = piece_file(work, piece) if work else None
        kept = score_file.read(file, count, len(plan.wanted))
        if kept is None:
            tell = partial(_tell, report, sum(map(len, found)), sum(counts))
            kept = measured(plan, piece.scenes(plan, moves), generator, tell)
            if file:
                write(file, [score_file.content(*kept)])
        found.append(kept[0])
        report(sum(map(len, found)), sum(counts), "pictures")
    return tables(plan, moves, pieces, found)


def _tell(report: Report, before: int, total: int, done: int, _: int, what: str) -> None:
    report(before + done, total, what)
