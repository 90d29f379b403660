"""Every picture of a traversal drawn, in pieces that any process can make.

A piece is a file: at most LONGEST scenes of one walk, of the scenes where walks start, or of the
samples that say what is usual. Memory is that of one piece, however many directions, latents and
strengths there are. Pictures are drawn so many at once whatever was asked for, since their last
bits depend on it: a traversal that was killed, or shared by processes, has the bytes of any other.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from latty import edits
from latty.directions.base import Info
from latty.files import write
from latty.models.base import Generator
from latty.models.memory import at_once, in_batches
from latty.presets.formats import Pixels
from latty.rank.plan import RankPlan
from latty.rank.traversal import walk_file
from latty.rank.traversal.pieces import ORIGINALS, SAMPLES, WalkPiece, pieces_of_plan
from latty.render.pixels import Painter
from latty.report import Report
from latty.scene import Scene

TOGETHER = 8  # pictures drawn at once, at most


def _scenes(plan: RankPlan, moves: Sequence[tuple[str, Info]], piece: WalkPiece) -> list[Scene]:
    part = slice(piece.first, piece.first + piece.count)
    if piece.group == SAMPLES:
        return plan.still()[part]
    if isinstance(piece.group, str):
        return [plan.base(start) for start in plan.starts[part]]
    move, start = piece.group
    return plan.scenes(*moves[move], plan.starts[start])[part]


@torch.no_grad()
def drawn(plan: RankPlan, moves: Sequence[tuple[str, Info]], generator: Generator,
          piece: WalkPiece) -> bytes:  # fmt: skip
    """The file of a piece. Raises BadData, DeviceError, and what the model raises."""
    scenes, painter = _scenes(plan, moves, piece), Painter(generator, plan.foreign)
    # As a film draws: its own picture alone, others as a render does.
    together = 1 if piece.group == ORIGINALS else at_once(generator, TOGETHER)
    codes, pictures = list[torch.Tensor](), list[Pixels]()

    def draw(part: slice) -> tuple[torch.Tensor, Pixels]:
        applied = edits.applied(scenes[part], generator, plan.foreign)
        return applied.codes, painter.pixels(applied)

    for _, (some, shown), _ in in_batches(draw, len(scenes), together):
        codes.append(some.cpu())
        pictures += [*shown]
    return walk_file.content(torch.cat(codes).float().numpy(), pictures)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left."""
    for path in folder.glob(".*"):
        path.unlink(missing_ok=True)


def draw(
    plan: RankPlan,
    generator: Generator,
    folder: Path,
    room: Callable[[float], None],
    report: Report,
    most: int | None = None,
) -> None:
    """The file of each piece that is not there, or of the first `most` of all.

    room    is told the bytes that a picture takes, as the first piece has it; it may refuse
    report  is told how many pictures are there, of how many

    Raises OutputError, and what `drawn` raises.
    """
    every, moves = pieces_of_plan(plan), plan.moves()
    total, done = sum(piece.count for piece in every), 0
    report(0, total, "pictures")
    for number, piece in enumerate(every[:most]):
        file = folder / piece.file
        if not walk_file.is_whole(file, piece.count):
            made = drawn(plan, moves, generator, piece)
            if number == 0:
                room(len(made) / piece.count)
            write(file, [made])
        done += piece.count
        report(done, total, "pictures")
