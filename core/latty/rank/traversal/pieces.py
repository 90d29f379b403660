"""How a traversal is cut into files: at most LONGEST pictures each."""

from dataclasses import dataclass

from latty.rank.plan import RankPlan

LONGEST = 64  # scenes of a piece
SAMPLES, ORIGINALS = "samples", "originals"


@dataclass(frozen=True, slots=True)
class WalkPiece:
    """Some of the scenes of a group: of "samples", of "originals", or of a walk, which is the
    number of a direction and that of a start."""

    group: str | tuple[int, int]
    first: int
    count: int

    @property
    def file(self) -> str:
        """What it is called."""
        word = self.group
        if not isinstance(word, str):
            word = f"{word[0]:03d}-{word[1]:04d}"
        return f"{word}-{self.first // LONGEST}.safetensors"


def pieces_of(group: str | tuple[int, int], count: int) -> list[WalkPiece]:
    """A group of so many scenes in pieces."""
    return [
        WalkPiece(group, first, min(LONGEST, count - first)) for first in range(0, count, LONGEST)
    ]


def pieces_of_plan(plan: RankPlan) -> list[WalkPiece]:
    """Those of a whole traversal, in the order in which they are drawn."""
    starts = len(plan.starts)
    found = [*pieces_of(SAMPLES, plan.samples), *pieces_of(ORIGINALS, starts)]
    for move in range(len(plan.moves())):
        for start in range(starts):
            found += pieces_of((move, start), len(plan.kept))
    return found
