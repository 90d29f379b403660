"""The pictures that a traversal keeps: those of each walk, and of the scene where it starts."""

from functools import lru_cache
from pathlib import Path

from latty.presets.formats import Pixels
from latty.rank.traversal import pieces, walk_file
from latty.rank.traversal.composing import KeptReel


class KeptWalks:
    """The pictures in a folder of pieces, of N starts and T strengths."""

    def __init__(self, folder: Path, starts: int, steps: int) -> None:
        self.folder, self.starts, self.steps = folder, starts, steps
        self._read = lru_cache(maxsize=2)(self._piece)

    def reel(self, move: int, start: int) -> KeptReel:
        """The pictures of a walk, read when they are wanted."""
        walk = pieces.pieces_of((move, start), self.steps)
        return KeptReel(lambda number: self._read(walk[number]), pieces.LONGEST, self.steps)

    def original(self, start: int) -> Pixels:
        """The picture where walks start. Raises Missing, BadData."""
        piece = pieces.pieces_of(pieces.ORIGINALS, self.starts)[start // pieces.LONGEST]
        return self._read(piece)[start - piece.first]

    def _piece(self, piece: pieces.WalkPiece) -> walk_file.KeptWalk:
        return walk_file.read(self.folder / piece.file, piece.count)
