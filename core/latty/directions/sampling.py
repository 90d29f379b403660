"""The latents that seeds stand for, in the space a method works in, block by block."""

import time
from collections.abc import Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor

from latty.errors import BadData, Interrupted
from latty.models.base import Generator
from latty.models.labels import class_labels
from latty.report import Report
from latty.scene import Label

BLOCK = 500  # latents at once
SHARED = "its layers read different codes, so there is no one w"


def space_of(generator: Generator, space: str) -> Literal["z", "w"]:
    """ "auto" is where the family's directions act best. Raises BadData for "w" where every layer
    reads a part of z of its own."""
    if space == "auto":
        space = generator.info.space
    if space == "z":
        return "z"
    codes = generator.mapping(generator.sample([0]))
    if not torch.equal(codes, codes[:, :1].expand_as(codes)):
        raise BadData(f"{generator.info.name}: {SHARED}", "take --space z")
    return "w"


def latents(generator: Generator, seeds: range | list[int], space: str, label: Label) -> Tensor:
    """z (N, Z), or the codes that every layer reads (N, D) for "w"; float32 on the CPU."""
    z = generator.sample(seeds)
    if space == "z":
        return z.detach().cpu().float()
    codes = generator.mapping(z, class_labels(label, z, generator))
    return codes[:, 0].detach().cpu().float()


def blocks(seeds: range, step: int = BLOCK) -> Iterator[range]:
    """The range in pieces of `step`."""
    for start in range(seeds.start, seeds.stop, step):
        yield range(start, min(start + step, seeds.stop))


class StoppableReport:
    """A Report that remembers an interruption, and is silent from then on."""

    def __init__(self, report: Report) -> None:
        self.report, self.complete, self.stopped = report, True, 0.0

    def stop(self) -> None:
        """No report from now on."""
        self.complete, self.stopped = False, time.monotonic()

    def overdue(self, seconds: float) -> bool:
        """Whether an interruption is longer ago than this."""
        return not self.complete and time.monotonic() - self.stopped > seconds

    def __call__(self, done: int, total: int, what: str) -> None:
        self.report(done, total, what)

    def update(self, done: int, total: int, what: str) -> bool:
        """Report, and whether there was no interruption yet."""
        if self.complete:
            try:
                self.report(done, total, what)
            except Interrupted:
                self.stop()
        return self.complete


def deviations(
    generator: Generator,
    vectors: Tensor,
    space: str,
    seeds: range,
    label: Label,
    report: Report,
) -> tuple[list[float], bool]:
    """Standard deviation of samples along each of `vectors` (K, D) of unit length; False where an
    interruption left it to the samples seen by then."""
    progress = StoppableReport(report)
    count, total, square = 0, torch.zeros(len(vectors)).double(), torch.zeros(len(vectors)).double()
    for block in blocks(seeds):
        along = latents(generator, block, space, label).double() @ vectors.double().T
        count += len(along)
        total += along.sum(0)
        square += along.square().sum(0)
        if not progress.update(count, len(seeds), "samples"):
            break
    variance = square / count - (total / count).square()
    return variance.clamp_min(1e-12).sqrt().tolist(), progress.complete


def gathered(parts: Iterable[Tensor], least: int, progress: StoppableReport) -> Tensor:
    """Rows (n, A) of all parts, or of those that an interruption left time for. Raises Interrupted
    where they are fewer than `least`."""
    found: list[Tensor] = []
    try:
        for part in parts:
            found.append(part)
    except Interrupted:
        progress.stop()
        if sum(map(len, found)) < least:
            raise
    return torch.cat(found)


def normal_scores(scores: Tensor) -> Tensor:
    """Scores (n, K) as the quantiles of a normal that their ranks are, whatever their scale and
    however it bends; what is no number stays so."""
    levels = torch.full_like(scores, torch.nan)
    for column, level in zip(scores.T, levels.T, strict=True):
        valid = column.isfinite()
        ranks = column[valid].argsort(stable=True).argsort()
        level[valid] = torch.special.ndtri((ranks.double() + 0.5) / len(ranks)).to(level)
    return levels
