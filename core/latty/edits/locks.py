"""Locks and conditions: the step of an edit leaves out what would move a held attribute.

TL-GAN's locks and InterFaceGAN's conditional edits (Shen et al. 2020, section 3.3) are one thing
here: a step is projected off the normals of the held directions, so that to first order their
attributes stay. The step is not stretched to its old length: strength keeps its meaning. `within`
is the reverse (GANSpace's separation of style and content): a step is projected on a span.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import Tensor

from latty.directions.base import Direction, HasNormal
from latty.directions.orthogonal import along, off
from latty.directions.store import resolve, several
from latty.errors import BadData
from latty.scene import MIXING, Edit

Find = Callable[[str], Direction]


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What is left of the step of an edit: that along a span, less that along what is held.

    span     vectors along which alone it goes, (D,) or (L, D); () = along all
    normals  of what is held still, of the same shapes
    """

    span: tuple[Tensor, ...] = ()
    normals: tuple[Tensor, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.span or self.normals)

    def hold(self, before: Tensor, after: Tensor) -> Tensor:
        """Latents `after` an edit, (N, Z) or (N, L, D), or activations (N, C * H * W), with what is
        left of its step."""
        if not self:
            return after
        step = along(after - before, self.span) if self.span else after - before
        return before + off(step, self.normals)

    def everywhere(self, change: Callable[[Tensor], Tensor]) -> "Held":
        """The same with each vector (D,) or (L, D) changed."""
        return Held(tuple(map(change, self.span)), tuple(map(change, self.normals)))


class Locks:
    """What the edits of one generator may not move; `find` opens directions."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._place = cache(_place)
        self._several = cache(several)

    def held(self, edit: Edit, space: str, locks: tuple[str, ...]) -> Held:
        """What is left of an edit that moves in `space`: it goes within a span, and along no
        condition, and no lock but that on its own direction. Raises BadData, Missing."""
        conditions = [one for ref in edit.conditions for one in self._several(ref)]
        for ref in conditions:
            if self.same(ref, edit.direction):
                raise BadData(
                    f"{edit.direction} is a condition of its own edit",
                    "nothing of it would be left",
                )
        held = [ref for ref in locks if not self.same(ref, edit.direction)]
        span = self._several(edit.within) if edit.within is not None else ()
        return Held(
            tuple(_vector(self._met(ref, edit, space), ref) for ref in span),
            tuple(_normal(self._met(ref, edit, space), ref) for ref in (*held, *conditions)),
        )

    def _met(self, ref: str, edit: Edit, space: str) -> Direction:
        """A direction of the space in which an edit moves."""
        direction = self._find(ref)
        if direction.space != space:
            raise BadData(
                f"{ref} is held in {direction.space}, and {edit.direction} moves in {space}",
                "hold a direction of the same space, or none",
            )
        return direction

    def same(self, ref: str, other: str) -> bool:
        """Whether two references mean one direction, however they are spelt."""
        if ref == other:
            return True
        return not other.startswith(MIXING) and self._place(ref) == self._place(other)


def _normal(direction: Direction, ref: str) -> Tensor:
    """What is projected off, so that the direction is held."""
    return direction.normal if isinstance(direction, HasNormal) else _vector(direction, ref)


def _vector(direction: Direction, ref: str) -> Tensor:
    vector = getattr(direction, "vector", None)
    if not isinstance(vector, Tensor):
        raise BadData(f"{ref} cannot be held: it is no vector", "hold a linear direction")
    return vector


def _place(ref: str) -> tuple[Path, int]:
    """File and index of a direction."""
    path, _, index = resolve(ref)
    return path.resolve(), index
