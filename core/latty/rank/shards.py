"""A ranking in pieces, a file each: what a killed one goes on from, and several processes share."""

import json
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

from latty import home
from latty.attributes import open_scorer, score_file
from latty.checkpoints.checkpoint import digest
from latty.directions.store import SETS
from latty.errors import BadData
from latty.models.base import Generator
from latty.presets.digests import latents_digest
from latty.rank.pieces import RankPiece, pieces_of
from latty.rank.plan import RankPlan, with_baseline
from latty.rank.scoring import measured
from latty.shard import Shard
from latty.version import __version__


def work_of(plan: RankPlan, generator: Generator) -> Path:
    """Where what is measured is kept, so that a killed ranking goes on: a folder named by
    everything the figures depend on."""
    judges = sorted({scorer for scorer, _, _ in plan.wanted})
    digests = [open_scorer(judge).digest for judge in judges]
    return home.state_dir() / "rank" / _key(plan, generator, digests)


def kept_of(plan: RankPlan, generator: Generator) -> Path:
    """Where scores of the walks of a plan are kept, whatever attributes are wanted. Raises
    ConfigError."""
    return score_file.cache(f"rank-{_key(replace(plan, wanted=()), generator, [])}")


def _key(plan: RankPlan, generator: Generator, judges: list[str]) -> str:
    info, sources = generator.info, {one.rpartition("#")[0] for one in plan.latents}
    parts = [__version__, info.digest or info.name, generator.info.numbers(generator.device.type),
             digest(SETS.find(plan.ref)), *judges]  # fmt: skip
    parts += [latents_digest(one.split(":")[0]) for one in sorted(sources)]
    said = [parts, plan.said, len(plan.baseline())]
    return sha256(json.dumps(said, default=str).encode()).hexdigest()[:20]


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
