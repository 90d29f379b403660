"""Where the scores of a ranking lie: those that a killed one goes on from, those that are kept."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from latty import home
from latty.attributes import open_scorer, score_file
from latty.checkpoints.checkpoint import digest
from latty.directions.store import SETS
from latty.models.base import Generator
from latty.presets.digests import latents_digest
from latty.rank.plan import RankPlan
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
