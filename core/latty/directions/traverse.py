"""Walk along a direction from held-out seeds and measure what changes, for every method alike."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import torch
from torch import Tensor

from latty.attributes import scores_of
from latty.directions.base import Direction, keep_layers
from latty.models.base import Generator
from latty.models.labels import class_labels
from latty.scene import Label, Layers

Score = Callable[[Tensor], Tensor]  # codes (N, L, D) -> scores (N, A)

STILL = 0.1  # an attribute that changes by less than this share of its spread did not move
FLAT = 0.02  # a step down by less than this share of the spread still counts as monotone

MOST = 0.75  # of the seeds


@dataclass(frozen=True, slots=True)
class Figures:
    """What one direction does to its attribute and to the others over a traverse.

    corr      mean over seeds of the correlation of strength and attribute (0 where it is still)
    monotone  share of steps in which the attribute does not fall
    leakage   mean over seeds and other attributes of |correlation| (0 where they are still)
    drift     root mean square change of the other attributes, in their standard deviations
    effect    mean change of the attribute from one end to the other, in its own unit
    moved     the same in its standard deviations
    crossed   share of seeds whose attribute starts below and ends above the middle of its range
    low high  strengths between which the attribute rises for most seeds; beyond them latents are
              rarer than any sample and pictures may break
    """

    corr: float
    monotone: float
    leakage: float
    drift: float
    effect: float
    moved: float
    crossed: float
    low: float
    high: float

    def scores(self) -> dict[str, float]:
        """As a header names them."""
        names = ("corr", "monotone", "leakage", "drift", "effect")
        return {name: getattr(self, name) for name in names} | {"effect_sd": self.moved}

    @property
    def quality(self) -> float:
        """How surely the attribute follows, less how much the rest comes along."""
        return self.corr - self.drift / max(abs(self.moved), 1e-6)


def scored(generator: Generator, scorer: str, label: Label = None) -> Score:
    """The scores that a scorer gives pictures of a class or mixture; exact where they are known."""

    def score(codes: Tensor) -> Tensor:
        return scores_of(generator, codes, scorer, class_labels(label, codes, generator))[1]

    return score


def shifted(
    direction: Direction,
    z: Tensor,
    strength: Tensor,
    generator: Generator,
    truncation: float = 1.0,
    label: Label = None,
    layers: Layers | None = None,
) -> Tensor:
    """Codes (N, L, D) of latents z (N, Z), moved by strength (N,) in the direction's layers."""
    labels = class_labels(label, z, generator)
    codes = generator.mapping(z, labels, truncation)
    if direction.space == "z":
        moved = generator.mapping(direction.move(z, strength, generator), labels, truncation)
    else:
        moved = direction.move(codes, strength, generator)
    return keep_layers(codes, moved, layers or direction.layers)


def traverse(
    direction: Direction,
    z: Tensor,
    strengths: Sequence[float],
    generator: Generator,
    score: Score,
    truncation: float = 1.0,
    label: Label = None,
    layers: Layers | None = None,
) -> Tensor:
    """Scores (N, S, A) of latents z (N, Z) at every strength."""
    many = z.repeat_interleave(len(strengths), 0)
    strength = torch.tensor(strengths, device=z.device).repeat(len(z))
    codes = shifted(direction, many, strength, generator, truncation, label, layers)
    return score(codes).view(len(z), len(strengths), -1)


def figures(
    strengths: Sequence[float], scores: Tensor, target: int, middle: Tensor, spread: Tensor
) -> Figures:
    """Measure scores (N, S, A) of a traverse, given the middle of the range and the standard
    deviation of each attribute (A,) among samples."""
    return figures_of_each(strengths, scores, middle, spread, [target])[0]


def figures_of_each(
    strengths: Sequence[float],
    scores: Tensor,
    middle: Tensor,
    spread: Tensor,
    targets: Sequence[int],
) -> list[Figures]:
    """`figures` of several attributes of the same walks, scores (N, S, A) with middle and spread
    (A,): what they share is computed once."""
    spread = spread.cpu().double().clamp_min(1e-9)
    scores = (scores.cpu().double() - middle.cpu().double()) / spread
    x = torch.tensor(strengths).double()
    x = (x - x.mean()) / (x - x.mean()).norm()
    centred = scores - scores.mean(1, keepdim=True)
    span = scores.amax(1) - scores.amin(1)  # (N, A)
    corr = torch.einsum("s,nsa->na", x, centred) / centred.norm(dim=1).clamp_min(1e-9)
    corr = torch.where(span > STILL, corr, 0.0)
    rises = scores[:, 1:] - scores[:, :-1] > -FLAT  # (N, S - 1, A)
    change = scores[:, -1] - scores[:, 0]
    crossed = ((scores[:, 0] < 0) & (scores[:, -1] > 0)).double()

    def of(target: int) -> Figures:
        low, high = _rising(strengths, rises[:, :, target])
        others = [a for a in range(scores.shape[2]) if a != target]
        moved = float(change[:, target].mean())
        return Figures(
            corr=float(corr[:, target].mean()),
            monotone=float(rises[:, :, target].double().mean()),
            leakage=float(corr[:, others].abs().mean()) if others else 0.0,
            drift=float(change[:, others].square().mean().sqrt()) if others else 0.0,
            effect=moved * float(spread[target]),
            moved=moved,
            crossed=float(crossed[:, target].mean()),
            low=low,
            high=high,
        )

    return [of(target) for target in targets]


def _rising(strengths: Sequence[float], rises: Tensor) -> tuple[float, float]:
    """The widest range around the middle in which no step, which `rises` (N, S - 1) or not, falls
    for a quarter of the seeds; a step each way at least."""
    good = (rises.double().mean(0) > MOST).tolist()
    start = (len(strengths) - 1) // 2
    stop = len(strengths) // 2
    start, stop = max(start - 1, 0), min(stop + 1, len(strengths) - 1)
    while start > 0 and good[start - 1]:
        start -= 1
    while stop < len(strengths) - 1 and good[stop]:
        stop += 1
    return strengths[start], strengths[stop]


def mean_figures(several: Sequence[Figures]) -> Figures:
    """Each figure averaged, for example over two truncations."""
    rows = [astuple(figure) for figure in several]
    return Figures(*(sum(column) / len(rows) for column in zip(*rows, strict=True)))
