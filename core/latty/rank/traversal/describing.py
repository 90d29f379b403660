"""What a traversal says of itself once all its pictures are there."""

from collections.abc import Sequence
from pathlib import Path

from latty.directions.base import Info
from latty.directions.store import set_info
from latty.folders import Folder
from latty.models.base import Generator, HasFactors
from latty.presets.digests import set_digest
from latty.rank.plan import RankPlan
from latty.rank.traversal import arrays, walk_file
from latty.rank.traversal.header import LATENTS, SCHEMA, TraversalHeader, WalkedDirection, text_of
from latty.rank.traversal.pieces import pieces_of_plan
from latty.render import work
from latty.version import __version__


def describe(plan: RankPlan, inside: Folder, generator: Generator, key: str) -> TraversalHeader:
    """traverse.json and latents.safetensors, once all pictures are there."""
    walks = inside / work.WALKS
    pieces = [piece for piece in pieces_of_plan(plan) if isinstance(piece.group, tuple)]
    codes = arrays.codes_shape(walks, pieces, generator.info.num_layers)
    picture = walk_file.read(walks / pieces[0].file, pieces[0].count)[0].shape
    found = header_of(plan, generator, key, codes, picture)
    inside.write(LATENTS, arrays.contents(walks, found), None)
    inside.write(work.TRAVERSAL, [text_of(found)], None)
    return found


def header_of(
    plan: RankPlan, generator: Generator, key: str, codes: Sequence[int], picture: Sequence[int]
) -> TraversalHeader:
    """That of a plan with this key, whose pictures have these codes and this shape."""
    info, found = generator.info, set_info(plan.ref)
    return TraversalHeader(
        SCHEMA,
        Path(plan.ref).name,
        set_digest(plan.ref),
        Path(plan.model).name,
        info.digest,
        info.family,
        found.space,
        tuple(_walked(plan, one) for one in plan.chosen()),
        tuple(Path(one).name if isinstance(one, str) else one for one in plan.starts),
        tuple(codes),
        tuple(picture),
        plan.samples,
        tuple(_walked(plan, one) for one in plan.baseline()),
        plan.label,
        plan.truncation,
        "" if plan.layers is None else str(plan.layers),
        tuple(generator.factor_names()) if isinstance(generator, HasFactors) else (),
        __version__,
        key,
        plan.precision,
    )


def _walked(plan: RankPlan, info: Info) -> WalkedDirection:
    layers = info.layers if plan.layers is None else plan.layers
    return WalkedDirection(info.name, plan.strengths(info), str(layers), info.unit)
