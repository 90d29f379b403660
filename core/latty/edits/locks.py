"""Locks and conditions: the step of an edit leaves out what would move a held attribute.

TL-GAN's locks and InterFaceGAN's conditional edits (Shen et al. 2020, section 3.3) are one thing
here: a step is projected off the normals of the held directions, so that to first order their
attributes stay. The step is not stretched to its old length: strength keeps its meaning.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from torch import Tensor

from latty.directions.base import Direction, HasNormal
from latty.directions.orthogonal import off
from latty.directions.store import resolve
from latty.errors import BadData
from latty.scene import MIXING, Edit

Find = Callable[[str], Direction]


class Locks:
    """What the edits of one generator may not move; `find` opens directions."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._place = cache(_place)

    def hold(
        self, before: Tensor, after: Tensor, edit: Edit, space: str, locks: tuple[str, ...]
    ) -> Tensor:
        """Latents `after` an edit, less what would move what is held; of any shape that
        `orthogonal.off` takes. (N, Z), (N, L, D) or (N, C, H, W)."""
        normals = self.normals(edit, space, locks)
        return before + off(after - before, normals) if normals else after

    def normals(self, edit: Edit, space: str, locks: tuple[str, ...]) -> list[Tensor]:
        """What an edit that moves in `space` is projected off: the normal of every condition, and
        of every lock but that on the edit's own direction. Raises BadData, Missing. Each (D,) or
        (L, D)."""
        for ref in edit.conditions:
            if self.same(ref, edit.direction):
                raise BadData(
                    f"{edit.direction} is a condition of its own edit",
                    "nothing of it would be left",
                )
        held = [ref for ref in locks if not self.same(ref, edit.direction)]
        return [self._normal(ref, edit, space) for ref in (*held, *edit.conditions)]

    def _normal(self, ref: str, edit: Edit, space: str) -> Tensor:
        direction = self._find(ref)
        if direction.space != space:
            raise BadData(
                f"{ref} is held in {direction.space}, and {edit.direction} moves in {space}",
                "hold a direction of the same space, or none",
            )
        if isinstance(direction, HasNormal):
            return direction.normal
        vector = getattr(direction, "vector", None)
        if not isinstance(vector, Tensor):
            raise BadData(f"{ref} cannot be held: it is no vector", "hold a linear direction")
        return vector

    def same(self, ref: str, other: str) -> bool:
        """Whether two references mean one direction, however they are spelt."""
        if ref == other:
            return True
        return not other.startswith(MIXING) and self._place(ref) == self._place(other)


def _place(ref: str) -> tuple[Path, int]:
    """File and index of a direction."""
    path, _, index = resolve(ref)
    return path.resolve(), index
