"""latents.safetensors of a traversal, written piece by piece: its memory is that of one."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from latty.checkpoints.safetensors import beginning, read_header
from latty.rank.traversal import walk_file
from latty.rank.traversal.header import TraversalHeader, WalkedDirection
from latty.rank.traversal.pieces import WalkPiece, pieces_of

KIND = "traversal"


def codes_shape(walks: Path, pieces: Sequence[WalkPiece], layers: int) -> tuple[int, ...]:
    """The shape of one picture's codes: (D,) where those of all pieces are, else (L, D)."""
    shapes = {read_header(walks / piece.file).shapes["codes"][1:] for piece in pieces}
    if len(shapes) == 1:
        return shapes.pop()
    return layers, shapes.pop()[-1]


def contents(walks: Path, header: TraversalHeader) -> Iterator[bytes]:
    """The file: codes (K, N, T, ...) float32 and strengths (K, T) float64 of the directions, then
    those of the random ones, little-endian. Raises BadData, OutputError."""
    groups = {("codes", "strengths"): (0, header.directions)}
    if header.baseline:
        groups["random", "random_strengths"] = (len(header.directions), header.baseline)
    arrays = dict[str, tuple[str, tuple[int, ...]]]()
    for (codes, strengths), (_, some) in groups.items():
        arrays[codes] = "float32", (len(some), len(header.starts), header.steps, *header.codes)
        arrays[strengths] = "float64", (len(some), header.steps)
    yield from beginning({"kind": KIND, "about": json.dumps(_about(header))}, arrays)
    for first, some in groups.values():
        for move in range(first, first + len(some)):
            yield from _codes(walks, header, move)
        yield np.array([one.strengths for one in some], "<f8").tobytes()


def _about(header: TraversalHeader) -> dict[str, object]:
    """What the header says, but for the strengths, which are arrays."""

    def bare(some: Sequence[WalkedDirection]) -> list[dict[str, str]]:
        return [{"name": one.name, "layers": one.layers, "unit": one.unit} for one in some]

    moved = {"directions": bare(header.directions), "baseline": bare(header.baseline)}
    return header.table() | moved


def _codes(walks: Path, header: TraversalHeader, move: int) -> Iterator[bytes]:
    for start in range(len(header.starts)):
        for piece in pieces_of((move, start), header.steps):
            found = walk_file.read(walks / piece.file, piece.count).codes
            if found.ndim < 1 + len(header.codes):
                found = np.broadcast_to(found[:, None], (len(found), *header.codes))
            yield found.astype("<f4").tobytes()
