"""A ranking cut into pieces, so that what several walks have in common is drawn once.

No walk draws its picture of strength 0: that is where all walks of a start begin, so one piece has
those of all starts. Directions that leave the first layers alone go side by side from one start:
what these layers give is computed once. All others are a piece each, from every start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from torch import Tensor

from latty.directions.base import Info
from latty.directions.linear import layer_of
from latty.directions.store import set_info, split
from latty.models.base import Generator, HasActivations
from latty.rank.plan import RankPlan
from latty.render.pixels import has_prefixes
from latty.scene import Scene

SAMPLES, STARTS = "samples", "starts"
SIDE_BY_SIDE = 32  # walks of a piece from one start: what a killed ranking draws again at most
Walk = tuple[int, int]  # the numbers of a move and of a start


@dataclass(frozen=True, slots=True)
class RankPiece:
    """Scenes that are measured in one go; `name`: what their file is called.

    runs  walks, together those that are drawn together; () = the scenes without edits, of samples
          or of starts
    """

    name: str
    runs: tuple[tuple[Walk, ...], ...] = ()

    def scenes(self, plan: RankPlan, moves: Sequence[tuple[str, Info]]) -> list[list[Scene]]:
        """Run by run, those of a walk one after the other, without strength 0."""
        if not self.runs:
            return [plan.still() if self.name == SAMPLES else [*map(plan.base, plan.starts)]]
        return [[scene for move, start in run
                 for scene in plan.scenes(*moves[move], plan.starts[start]) if not _is_still(scene)]
                for run in self.runs]  # fmt: skip

    def count(self, plan: RankPlan, moves: Sequence[tuple[str, Info]]) -> int:
        """How many scenes it has."""
        if not self.runs:
            return plan.samples if self.name == SAMPLES else len(plan.starts)
        walks = chain.from_iterable(self.runs)
        return sum(sum(_moved(plan, moves[move][1])) for move, _ in walks)


def pieces_of(
    plan: RankPlan, moves: Sequence[tuple[str, Info]], generator: Generator
) -> list[RankPiece]:
    """Those of a whole ranking."""
    first = [_first_layer(plan, ref, info, generator) for ref, info in moves]
    early = [move for move, layer in enumerate(first) if not layer]
    late = sorted((move for move, layer in enumerate(first) if layer), key=lambda m: -first[m])
    starts = range(len(plan.starts))
    found = [RankPiece(SAMPLES)]
    if not all(all(_moved(plan, info)) for _, info in moves):
        found.append(RankPiece(STARTS))
    found += [RankPiece(f"walk-{move}", (tuple((move, n) for n in starts),)) for move in early]
    for n in starts:
        for block in range(0, len(late), SIDE_BY_SIDE):
            alike = groupby(late[block : block + SIDE_BY_SIDE], first.__getitem__)
            runs = tuple(tuple((move, n) for move in some) for _, some in alike)
            found.append(RankPiece(f"start-{n}-{block // SIDE_BY_SIDE}", runs))
    return found


def tables(
    plan: RankPlan,
    moves: Sequence[tuple[str, Info]],
    pieces: Sequence[RankPiece],
    scores: Sequence[Tensor],
) -> list[Tensor]:
    """Scores (n, A) of the scenes of each piece as those of the samples, and of each of the moves:
    start by start, strength by strength."""
    known = {piece.name: table for piece, table in zip(pieces, scores, strict=True)}
    shape = len(plan.starts), len(plan.kept), scores[0].shape[1]
    made = [scores[0].new_empty(shape) for _ in moves]
    steps = [_moved(plan, info) for _, info in moves]
    for table, moved in zip(made, steps, strict=True):
        if not all(moved):
            table[:, [not one for one in moved]] = known[STARTS][:, None]
    for piece in pieces:
        first = 0
        for move, start in chain.from_iterable(piece.runs):
            stop = first + sum(steps[move])
            made[move][start, steps[move]] = known[piece.name][first:stop]
            first = stop
    return [scores[0], *(table.flatten(0, 1) for table in made)]


def _moved(plan: RankPlan, info: Info) -> list[bool]:
    """At which of its strengths a direction moves anything."""
    return [strength != 0 for strength in plan.strengths(info)]


def _is_still(scene: Scene) -> bool:
    return scene.edits[0].strength == 0


def _first_layer(plan: RankPlan, ref: str, info: Info, generator: Generator) -> int:
    """How many of the first layers a direction leaves alone, of a model that can go on from there;
    of any other 0."""
    if not has_prefixes(generator):
        return 0
    if layer := layer_of(set_info(split(ref)[0]).space):
        assert isinstance(generator, HasActivations)  # found for this model
        return generator.activation_names().index(layer) + 1
    chosen = (plan.layers or info.layers).indices(generator.info.num_layers)
    return chosen.start if len(chosen) else 0
