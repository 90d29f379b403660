"""A picture walked up or down an attribute: the climb from the scene of a model."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from latty import latents
from latty.attributes import attribute, units_of
from latty.attributes.target import AttributeTarget
from latty.directions.climb import ClimbPath, ClimbRules, climb
from latty.directions.climb.objective import ClimbObjective, Of, check_scorers, logit
from latty.directions.whitened import whitened
from latty.edits import codes, labels
from latty.edits.labels import with_labels
from latty.errors import BadData
from latty.models.base import AnySize, Generator
from latty.report import Report
from latty.scene import ALL, Layers, Scene

__all__ = ["AttributeTarget", "ClimbResult", "ClimbRules", "Goal", "climb_from", "objective_of"]

LOOKED = 64  # px at which models that draw any size are looked at: scorers see no more


@dataclass(frozen=True, slots=True)
class Goal:
    """What is climbed from a scene, how far, and what stays.

    attribute  a name such as "smile", or "SCORER/NAME"
    target     where it ends
    of         with "logit" the logit of a probability is climbed
    keep       attributes that stay
    space      "z" or "w"; None = the model's own
    layers     that move
    rules      of the climb
    """

    attribute: str
    target: AttributeTarget
    of: Of = "score"
    keep: tuple[str, ...] = ()
    space: Literal["z", "w"] | None = None
    layers: Layers = ALL
    rules: ClimbRules = field(default_factory=ClimbRules)


@dataclass(frozen=True, slots=True, eq=False)
class ClimbResult:
    """A finished climb from `scene`: scores (T,) as the scorer gives them, from the start on.

    goal   the score that was asked for
    unit   what scores count
    """

    scene: Scene
    objective: ClimbObjective
    climb: ClimbPath
    scores: Tensor
    goal: float
    unit: str

    @torch.no_grad()
    def scored(self, ways: Tensor) -> list[float]:
        """The score of each place on the way: coordinates (T, R)."""
        found = torch.stack([self.objective(way).score for way in ways])
        return _as_given(found, self.objective.of).tolist()


def climb_from(
    scene: Scene, generator: Generator, goal: Goal, report: Report, foreign: bool = False
) -> ClimbResult:
    """Climb from a seed or a stored latent; `foreign` takes one made for another model. Raises
    BadData where the attribute cannot be climbed, Missing where there is none."""
    scene = with_labels([scene], generator)[0]
    objective = objective_of(scene, generator, goal, foreign)
    (scorer, column), seen = objective.refs[0], objective.generator
    asked = goal.target.score(seen, (scorer, column), scene.label, report)
    if goal.of == "logit" and not 0 < asked < 1:
        raise BadData(f"{asked:g} is no probability between 0 and 1", "or leave --of")
    end = float(logit(torch.tensor(asked))) if goal.of == "logit" else asked
    walked = climb(objective, objective.origin, end, goal.rules, report)
    unit = units_of(scorer, seen)[column]
    return ClimbResult(scene, objective, walked, _as_given(walked.scores, goal.of), asked, unit)


def _as_given(scores: Tensor, of: Of) -> Tensor:
    """Scores (T,) as the scorer gives them, of what was climbed."""
    return scores.sigmoid() if of == "logit" else scores


def objective_of(
    scene: Scene, generator: Generator, goal: Goal, foreign: bool = False
) -> ClimbObjective:
    """What a climb from this scene sees. Raises what `climb_from` does."""
    refs = [attribute(goal.attribute, generator)]
    kept = [attribute(word, generator) for word in goal.keep]
    refs += [ref for ref in dict.fromkeys(kept) if ref not in refs]
    check_scorers(generator, refs, goal.of)
    begun, latent = _begin(scene, generator, foreign)
    space: latents.Space = goal.space or ("w" if begun == "w" else generator.info.space)
    if space == "z" and begun == "w":
        raise BadData(f"{scene.latent} lies in w, behind the mapping", "climb in w: --space w")
    if not goal.layers.indices(generator.info.num_layers):
        last = generator.info.num_layers - 1
        raise BadData(f"no layers {goal.layers}", f"{scene.model} has layers 0 to {last}")
    label = labels([scene], generator)
    if space == "w":
        index = int(label[0]) if label is not None and label.dim() == 1 else None
        start = codes([scene], generator, foreign)
        basis = whitened(generator, "w", index, goal.layers).basis
    else:
        start, basis = latent, None
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


def _begin(scene: Scene, generator: Generator, foreign: bool) -> tuple[latents.Space, Tensor]:
    """The latent z (1, Z), or codes w (1, L, D), of a scene's seed or stored latent."""
    if scene.latent is None:
        assert isinstance(scene.seed, int)  # a climb starts at one latent
        return "z", generator.sample([scene.seed])
    space, begin = latents.start(scene.latent, generator.info, foreign)
    return space, begin.to(generator.device)
