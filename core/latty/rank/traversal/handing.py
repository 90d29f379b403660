"""The pieces of a traversal handed out to processes, here or on other machines."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from latty.errors import BadData
from latty.models.base import Generator
from latty.presets.digests import set_digest
from latty.rank.plan import RankPlan, with_baseline
from latty.rank.traversal import drawing, walk_file
from latty.rank.traversal.pieces import WalkPiece, pieces_of_plan
from latty.report import Report
from latty.shard import Shard


def content(
    generator: Generator, plan: RankPlan, baseline: int, piece: WalkPiece, mark: str
) -> bytes:
    """The file of a piece, made in a process of a pool. Raises BadData where the set is another one
    than at home, on a machine of a cluster."""
    if set_digest(plan.ref) != mark:
        what = f"the set {plan.ref} is another one on this machine of the cluster than at home"
        raise BadData(what, "copy it to the same place on every machine")
    plan = with_baseline(plan, generator, baseline)
    return drawing.drawn(plan, plan.moves(), generator, piece)


def shards(plan: RankPlan, folder: Path) -> list[Shard]:
    """The pieces whose files `draw` finds."""
    mark, count = set_digest(plan.ref), len(plan.baseline())
    return [
        Shard(content, (plan, count, piece, mark), folder / piece.file,
              partial(walk_file.is_whole, folder / piece.file, piece.count))
        for piece in pieces_of_plan(plan)
    ]  # fmt: skip


def draw_all(
    plan: RankPlan,
    walks: Path,
    generator: Generator,
    room: Callable[[float], None],
    report: Report,
    share: Callable[[list[Shard]], None] | None,
) -> None:
    """All pictures. One piece is made here before the others are handed out: it says how large they
    are, and whether there is room for all."""
    drawing.sweep(walks)
    if share is not None:
        pieces = shards(plan, walks)
        drawing.draw(plan, generator, walks, room, report, most=1)
        if not all(piece.whole() for piece in pieces):
            share(pieces)
    drawing.draw(plan, generator, walks, room, report)
