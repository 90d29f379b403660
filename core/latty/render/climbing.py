"""A picture walked up or down an attribute: the climb from the scene of a model."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from latty.attributes import attribute
from latty.directions.climb import ClimbPath, ClimbRules, climb
from latty.directions.climb.objective import ClimbObjective, Of, check_scorers, logit
from latty.directions.whitened import whitened
from latty.edits import codes, labels
from latty.errors import BadData
from latty.models.base import AnySize, Generator
from latty.report import Report
from latty.scene import ALL, Layers, Scene

__all__ = ["ClimbResult", "ClimbRules", "Goal", "climb_from"]

LOOKED = 64  # px at which models that draw any size are looked at: scorers see no more


@dataclass(frozen=True, slots=True)
class Goal:
    """What is climbed from a scene, how far, and what stays.

    attribute  a name such as "smile", or "SCORER/NAME"
    score      where it ends; with of = "logit" a probability, whose logit is climbed
    keep       attributes that stay
    space      "z" or "w"; None = the model's own
    layers     that move
    rules      of the climb
    """

    attribute: str
    score: float
    of: Of = "score"
    keep: tuple[str, ...] = ()
    space: Literal["z", "w"] | None = None
    layers: Layers = ALL
    rules: ClimbRules = field(default_factory=ClimbRules)


@dataclass(frozen=True, slots=True, eq=False)
class ClimbResult:
    """A finished climb from `scene`: scores (T,) as the scorer gives them, from the start on."""

    scene: Scene
    objective: ClimbObjective
    climb: ClimbPath
    scores: Tensor


def climb_from(scene: Scene, generator: Generator, goal: Goal, report: Report) -> ClimbResult:
    """Climb. Raises BadData where the attribute cannot be climbed, Missing where there is none."""
    objective = _objective(scene, generator, goal)
    target = float(logit(torch.tensor(goal.score))) if goal.of == "logit" else goal.score
    walked = climb(objective, objective.origin, target, goal.rules, report)
    scores = walked.scores.sigmoid() if goal.of == "logit" else walked.scores
    return ClimbResult(scene, objective, walked, scores)


def _objective(scene: Scene, generator: Generator, goal: Goal) -> ClimbObjective:
    refs = [attribute(goal.attribute, generator)]
    kept = [attribute(word, generator) for word in goal.keep]
    refs += [ref for ref in dict.fromkeys(kept) if ref not in refs]
    check_scorers(generator, refs, goal.of)
    space = goal.space or generator.info.space
    if not goal.layers.indices(generator.info.num_layers):
        last = generator.info.num_layers - 1
        raise BadData(f"no layers {goal.layers}", f"{scene.model} has layers 0 to {last}")
    label = labels([scene], generator)
    if space == "w":
        index = int(label[0]) if label is not None and label.dim() == 1 else None
        start, basis = codes([scene], generator), whitened(generator, "w", index, goal.layers).basis
    else:
        assert isinstance(scene.seed, int)  # a climb starts at one latent
        start, basis = generator.sample([scene.seed]), None
    return ClimbObjective(
        generator=generator.at_size(LOOKED) if isinstance(generator, AnySize) else generator,
        start=start,
        space=space,
        layers=goal.layers,
        basis=basis,
        refs=refs,
        of=goal.of,
        pictures=goal.rules.identity > 0,
        label=label,
        truncation=scene.truncation,
    )
