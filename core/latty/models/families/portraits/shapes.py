"""Closed-form geometry for the portrait painter: rays on ellipsoids, coverage, colours, light.

Letters: N batch, H W (sub)pixels. A *map* is (N, H, W) or broadcasts to it, a *colour* is
(N, 3, H, W) or broadcasts to it. Lengths are in head half-heights unless said otherwise.
Everything is differentiable almost everywhere and has no infinite gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latty.models import ops

Vector = tuple[Tensor, Tensor, Tensor]
RGB = tuple[float, float, float]


@dataclass(frozen=True)
class HeadView:
    """Where the head is, which way it looks and where the light comes from."""

    factors: dict[str, Tensor]  # name -> (N, 1, 1)
    screen: tuple[Tensor, Tensor]  # x (1, 1, W), y (1, H, 1) in -1..1, y up
    plane: tuple[Tensor, Tensor]  # (N, H, W) head plane: centred, scaled, roll undone
    centre: tuple[Tensor, Tensor]  # (N, 1, 1) screen position of the head
    scale: Tensor  # (N, 1, 1) head half-height in screen units
    pixel: Tensor  # (N, 1, 1) one subpixel in head units
    rotation: Tensor  # (N, 3, 3) head to view, yaw then pitch
    sin_roll: Tensor  # (N, 1, 1)
    light: Vector  # (N, 1, 1) each: unit vector toward the light, roll undone

    def unit(self, name: str) -> Tensor:
        """A factor moved from -1..1 to 0..1, as (N, 1, 1)."""
        return (self.factors[name] + 1) / 2

    @property
    def wide(self) -> Tensor:
        """How much wider than usual the face is, (N, 1, 1)."""
        return 1 + 0.09 * self.factors["face_width"]

    def cover(self, distance: Tensor, softness: float = 1.0) -> Tensor:
        """Coverage (N, H, W) of signed distances: an edge antialiased over `softness` subpixels."""
        return (0.5 - distance / (self.pixel * softness)).clamp(0, 1)

    def entry(self, i: int, j: int) -> Tensor:
        """Entry (i, j) of the rotation as (N, 1, 1)."""
        return self.rotation[:, i, j].view(-1, 1, 1)

    def project(self, point: RGB | Vector) -> Vector:
        """A point of the head (x, y, z) to the view frame."""
        x, y, z = point
        first, second, third = (
            self.entry(i, 0) * x + self.entry(i, 1) * y + self.entry(i, 2) * z for i in range(3)
        )
        return first, second, third


@dataclass(frozen=True)
class Surface:
    """What the rays of every pixel meet on one ellipsoid."""

    edge: Tensor  # (N, H, W) signed distance to the silhouette, negative inside
    point: Vector  # (N, H, W) each: position in head coordinates
    normal: Vector  # (N, H, W) each: unit normal in the view frame


def smoothstep(start: float | Tensor, stop: float | Tensor, value: Tensor) -> Tensor:
    """0 before `start`, 1 after `stop`, cubic between, of a map (N, H, W); `start` may be above."""
    t = ((value - start) / (stop - start)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def bump(x: Tensor, y: Tensor, width: float, height: float) -> Tensor:
    """A Gaussian spot (N, H, W) at the origin."""
    return torch.exp(-((x / width) ** 2) - (y / height) ** 2)


def radius(x: Tensor, y: Tensor) -> Tensor:
    """Distance (N, H, W) to the origin with a finite gradient there."""
    return (x * x + y * y + 1e-6).sqrt()


def colour(rgb: Sequence[float], like: Tensor) -> Tensor:
    """A constant colour as (1, 3, 1, 1)."""
    return ops.constant(tuple(rgb), like.dtype, like.device).view(1, 3, 1, 1)


def palette(t: Tensor, stops: Sequence[RGB]) -> Tensor:
    """Piecewise-linear colours: t (N, 1, 1) in 0..1 to (N, 3, 1, 1)."""
    table = ops.constant(tuple(stops), t.dtype, t.device)
    at = t.view(-1).clamp(0, 1) * (len(stops) - 1)
    low = at.floor().clamp(max=len(stops) - 2).long()
    share = (at - low).unsqueeze(1)
    return (table[low] * (1 - share) + table[low + 1] * share)[:, :, None, None]


def shows(coverage: Tensor) -> bool:
    """Whether a coverage map (N, H, W) is anywhere above 0: what shows nowhere need not be painted,
    in the picture and in its gradients. Other devices than the CPU are not waited for: True."""
    return coverage.device.type != "cpu" or coverage.amax().item() > 0


def over(picture: Tensor, paint: Tensor, coverage: Tensor) -> Tensor:
    """Lay a colour over a picture (N, 3, H, W); coverage is a map."""
    return picture + (paint - picture) * coverage.unsqueeze(1)


def shade(
    base: Tensor, amount: Tensor, ambient: RGB = (0.54, 0.50, 0.53), key: RGB = (0.58, 0.57, 0.54)
) -> Tensor:
    """A colour (N, 3, H, W) lit: cool ambient plus a warm key light, scaled by the map `amount`."""
    return base * (colour(ambient, base) + colour(key, base) * amount.unsqueeze(1))


def gloss(cosine: Tensor) -> Tensor:
    """The twelfth power of a map (N, H, W), 0 where it is negative. In steps of two and three:
    torch takes five times as long for any other exponent."""
    return cosine.clamp(0, 1).pow(3).pow(2).pow(2)


def facing(normal: Vector, light: Vector) -> Tensor:
    """Cosine (N, H, W) between normals and the light."""
    return normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2]


def lit(normal: Vector, light: Vector, wrap: float = 0.35) -> Tensor:
    """Wrapped diffuse light (N, H, W) in 0..1: softer than Lambert, as of a large window."""
    return ((facing(normal, light) + wrap) / (1 + wrap)).clamp(0, 1)


def rotation(yaw: Tensor, pitch: Tensor) -> Tensor:
    """Yaw then pitch in radians, (N,) each, to (N, 3, 3)."""
    zero, one = torch.zeros_like(yaw), torch.ones_like(yaw)
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    about_y = torch.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], -1).view(-1, 3, 3)
    about_x = torch.stack([one, zero, zero, zero, cp, -sp, zero, sp, cp], -1).view(-1, 3, 3)
    return about_y @ about_x


def ellipsoid(
    view: HeadView, plane: tuple[Tensor, Tensor], axes: Sequence[float | Tensor], centre: RGB
) -> Surface:
    """Meet the ellipsoid |(p - c) / a| = 1 with the ray (X, Y, t) of every pixel.

    Solves A t^2 + 2 B t + (|o|^2 - 1) = 0 in head coordinates scaled to the unit sphere. Rays that
    miss are clamped to their nearest point, so that every map stays finite outside the silhouette.
    """
    x, y = plane
    start = [(view.entry(0, i) * x + view.entry(1, i) * y - centre[i]) / axes[i] for i in range(3)]
    step = [view.entry(2, i) / axes[i] for i in range(3)]
    a = step[0] ** 2 + step[1] ** 2 + step[2] ** 2
    b = start[0] * step[0] + start[1] * step[1] + start[2] * step[2]
    c = start[0] ** 2 + start[1] ** 2 + start[2] ** 2
    t = (-b + (b * b - a * (c - 1)).clamp(min=1e-4).sqrt()) / a
    unit = [start[i] + t * step[i] for i in range(3)]
    raw = [unit[i] / axes[i] for i in range(3)]
    length = (raw[0] ** 2 + raw[1] ** 2 + raw[2] ** 2).clamp(min=1e-6).rsqrt()
    normal = view.project((raw[0] * length, raw[1] * length, raw[2] * length))
    edge = ((c - b * b / a).clamp(min=1e-6).sqrt() - 1) * axes[0]
    px, py, pz = (unit[i] * axes[i] + centre[i] for i in range(3))
    return Surface(edge, (px, py, pz), normal)
