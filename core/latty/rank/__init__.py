"""What each direction of a set does to each attribute: curves over a walk, figures, a ranking.

Every kind of direction is walked by the path that renders it, so vectors, paths, climbs and moves
inside the network are compared on the same footing. `corr` is the mean over seeds of the
correlation of strength and attribute; `amplitude` is WarpedGANSpace's index (Tzelepis et al. 2021):
the covariance over the spread of the strengths, so that how far it goes counts, here in standard
deviations of the attribute; `selectivity` is its share of the amplitudes of all attributes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from latty import edits, home
from latty.attributes import open_scorer, scores_of
from latty.attributes.names import exact
from latty.checkpoints.checkpoint import digest
from latty.directions.base import Info
from latty.directions.store import SETS, reference, set_info
from latty.directions.traverse import Figures, figures
from latty.errors import BadData, Missing
from latty.files import replace_whole
from latty.models.memory import in_batches, told
from latty.rank.measured import as_file, file_of, is_whole, kept
from latty.report import Report, silent
from latty.scene import Edit, Layers, Scene
from latty.shard import Shard
from latty.version import __version__

if TYPE_CHECKING:
    from latty.models.base import Generator

STILL = 50_000  # first of the seeds without edits
MIDDLE = 0.01, 0.99  # quantiles between which the range of an attribute lies
Wanted = Sequence[tuple[str, int, str]]  # (scorer, index in it, name)


@dataclass(frozen=True, slots=True)
class Curves:
    """Scores (K, N, S, A) of K directions from N seeds at S strengths, and the middle of the range
    and the spread (A,) of each attribute among samples."""

    directions: tuple[str, ...]
    attributes: tuple[str, ...]
    seeds: tuple[int, ...]
    strengths: tuple[tuple[float, ...], ...]
    scores: Tensor
    middle: Tensor
    spread: Tensor


@dataclass(frozen=True, slots=True)
class Row:
    """What one direction does to one attribute."""

    direction: str
    attribute: str
    figures: Figures
    amplitude: float
    selectivity: float


def scored(
    scenes: Sequence[Scene], generator: "Generator", wanted: Wanted, force: bool = False
) -> Tensor:
    """Scores (N, A) of scenes of one model; exact factors where the model knows its own."""
    from latty.render.pixels import images

    codes = edits.codes(scenes, generator, force)
    inside = edits.inside(scenes, generator, force)
    label, drawn, columns = edits.labels(scenes, generator), None, {}
    for scorer in {scorer for scorer, _, _ in wanted}:
        if exact(scorer, generator) is not None and not inside:
            columns[scorer] = scores_of(generator, codes, scorer, label)[1]
            continue
        if drawn is None:
            drawn = images(scenes, generator, force)
        columns[scorer] = open_scorer(scorer).score(drawn)
    return torch.stack([columns[scorer][:, index] for scorer, index, _ in wanted], 1).cpu()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is walked, and how.

    ref     a direction set: its name or file; names of it, () = all
    wanted  the attributes: (scorer, index in it, name)
    span    strengths -span..span; None = each direction's usable range
    layers  None = where each direction works best
    samples seeds beside the walks, that show the range and spread of each attribute
    """

    ref: str
    model: str
    wanted: tuple[tuple[str, int, str], ...]
    seeds: tuple[int, ...]
    names: tuple[str, ...] = ()
    span: float | None = None
    steps: int = 7
    truncation: float = 1.0
    layers: Layers | None = None
    batch: int = 50
    samples: int = 200
    force: bool = False

    def chosen(self) -> list[Info]:
        """The directions, in file order. Raises Missing, BadData."""
        infos = set_info(self.ref).infos
        if unknown := sorted(set(self.names) - {info.name for info in infos}):
            raise Missing(
                f"no direction '{unknown[0]}' in {self.ref}", "see: latty list directions"
            )
        return [info for info in infos if not self.names or info.name in self.names]

    def strengths(self, info: Info) -> tuple[float, ...]:
        low, high = info.usable if self.span is None else (-self.span, self.span)
        return tuple(torch.linspace(low, high, self.steps).tolist())

    def still(self) -> list[Scene]:
        """Scenes without edits."""
        base = Scene(self.model, truncation=self.truncation)
        return [replace(base, seed=seed) for seed in range(STILL, STILL + self.samples)]

    def walk(self, info: Info) -> list[Scene]:
        """Seed by seed, the scenes of every strength."""
        base = Scene(self.model, truncation=self.truncation)
        edit = Edit(reference(self.ref, info.name), 0.0, self.layers)
        return [
            replace(base, seed=seed, edits=(replace(edit, strength=strength),))
            for seed in self.seeds
            for strength in self.strengths(info)
        ]

    def walks(self) -> list[tuple[str, list[Scene]]]:
        """The scenes without edits, under "", and those of each direction, under its name."""
        return [("", self.still()), *((info.name, self.walk(info)) for info in self.chosen())]


def work_of(plan: Plan, generator: "Generator") -> Path:
    """Where what is measured is kept, so that a killed ranking goes on: a folder named by
    everything the figures depend on."""
    info, judges = generator.info, sorted({scorer for scorer, _, _ in plan.wanted})
    parts = [
        __version__,
        info.digest or info.name,
        generator.device.type,
        digest(SETS.find(plan.ref)),
    ]
    parts += [open_scorer(judge).digest for judge in judges]
    text = json.dumps([parts, asdict(plan)], default=str)
    return home.state_dir() / "rank" / sha256(text.encode()).hexdigest()[:20]


def shards(plan: Plan, generator: "Generator", work: Path) -> list[Shard]:
    """A piece for each direction, whose files `curves` finds. Raises Missing, BadData."""
    found, mark = [], digest(SETS.find(plan.ref))
    for number, (name, scenes) in enumerate(plan.walks()):
        file = file_of(work, number)
        whole = partial(is_whole, file, len(scenes), len(plan.wanted))
        found.append(Shard(content, (plan, name, mark), file, whole))
    return found


def content(generator: "Generator", plan: Plan, name: str, mark: str) -> bytes:
    """The file of one direction, or of the scenes without edits. Raises BadData where the set is
    another one than at home, on a machine of a cluster."""
    if digest(SETS.find(plan.ref)) != mark:
        what = f"the set {plan.ref} is another one on this machine of the cluster than at home"
        raise BadData(what, "copy it to the same place on every machine")
    return as_file(*_measured(plan, dict(plan.walks())[name], generator))


@torch.no_grad()
def _measured(
    plan: Plan,
    scenes: Sequence[Scene],
    generator: "Generator",
    report: Report = silent,
) -> tuple[Tensor, int]:
    """Scores (N, A) float64, and how many pictures fitted in memory at once."""

    def draw(part: slice) -> Tensor:
        return scored(scenes[part], generator, plan.wanted, plan.force)

    parts, used = [], plan.batch
    report(0, len(scenes), "pictures")
    for part, some, used in in_batches(draw, len(scenes), plan.batch):
        parts.append(some)
        if part.stop < len(scenes):
            report(part.stop, len(scenes), told("pictures", used, plan.batch))
    return torch.cat(parts).double(), used


def _tell(report: Report, before: int, total: int, done: int, _: int, what: str) -> None:
    report(before + done, total, what)


def curves(
    plan: Plan, generator: "Generator", report: Report = silent, work: Path | None = None
) -> Curves:
    """Draw and score every scene of the plan, but for what lies in `work`, where all of it is
    kept. Raises Missing, BadData."""
    infos, walks = plan.chosen(), plan.walks()
    total, found = sum(len(scenes) for _, scenes in walks), list[Tensor]()
    for number, (_, scenes) in enumerate(walks):
        file = file_of(work, number) if work else None
        scores = kept(file, len(scenes), len(plan.wanted))
        if scores is None:
            tell = partial(_tell, report, sum(map(len, found)), total)
            scores, batch = _measured(plan, scenes, generator, tell)
            if file:
                replace_whole(file, [as_file(scores, batch)])
        found.append(scores)
        report(sum(map(len, found)), total, "pictures")
    still = found[0].nan_to_num()
    low, high = still.quantile(torch.tensor(MIDDLE).double(), 0)
    shape = len(plan.seeds), plan.steps, len(plan.wanted)
    return Curves(
        tuple(info.name for info in infos),
        tuple(name for _, _, name in plan.wanted),
        plan.seeds,
        tuple(plan.strengths(info) for info in infos),
        torch.stack([scores.view(shape) for scores in found[1:]]),
        (low + high) / 2,
        still.std(0).clamp_min(1e-9),
    )


def rows(found: Curves) -> list[Row]:
    """The figures of every direction on every attribute, direction by direction."""
    result = []
    for k, direction in enumerate(found.directions):
        scores = found.scores[k].nan_to_num()
        sizes = amplitudes(found.strengths[k], scores, found.spread)
        whole = float(sizes.abs().sum()) or 1.0
        for a, attribute in enumerate(found.attributes):
            measured = both_ways(found.strengths[k], scores, a, found.middle, found.spread)
            size = float(sizes[a])
            result.append(Row(direction, attribute, measured, size, abs(size) / whole))
    return result


def both_ways(
    strengths: Sequence[float], scores: Tensor, target: int, middle: Tensor, spread: Tensor
) -> Figures:
    """The figures of a walk; one that lowers the attribute is measured from its other end, so that
    it is as monotone as its opposite, with corr and effect below 0."""
    measured = figures(strengths, scores, target, middle, spread)
    if measured.corr >= 0:
        return measured
    turned = figures([-s for s in reversed(strengths)], scores.flip(1), target, middle, spread)
    return replace(
        turned,
        corr=-turned.corr,
        effect=-turned.effect,
        moved=-turned.moved,
        low=-turned.high,
        high=-turned.low,
    )


def amplitudes(strengths: Sequence[float], scores: Tensor, spread: Tensor) -> Tensor:
    """(A,): mean over seeds of cov(strength, attribute) / std(strength), in spreads."""
    x = torch.tensor(strengths).double()
    x = (x - x.mean()) / (x - x.mean()).norm() / len(strengths) ** 0.5
    centred = (scores - scores.mean(1, keepdim=True)) / spread
    return torch.einsum("s,nsa->na", x, centred).mean(0)


def best(found: Sequence[Row], attribute: str, key: str = "corr", top: int = 3) -> list[Row]:
    """The `top` directions for an attribute, by |corr|, |amplitude| or selectivity."""
    sizes = {
        "corr": lambda row: abs(row.figures.corr),
        "amplitude": lambda row: abs(row.amplitude),
        "selectivity": lambda row: row.selectivity,
    }
    mine = [row for row in found if row.attribute == attribute]
    return sorted(mine, key=sizes[key], reverse=True)[:top]
