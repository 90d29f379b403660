"""Hair of the portraits: the mass behind the head, locks over the shoulders and the cap.

Shapes and letters as in `shapes`; `hair` is the base colour (N, 3, 1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latty.models.families.portraits.shapes import (
    HeadView,
    Surface,
    ellipsoid,
    facing,
    lit,
    over,
    radius,
    shade,
    shows,
    smoothstep,
)


@dataclass(frozen=True)
class HairShape:
    """What the parts share: place, lower end and light of the hanging hair; the cap."""

    x: Tensor  # (N, H, W) sideways from the middle of the mass, which lags behind the turn
    width: Tensor  # (N, 1, 1) half of the mass
    bottom: Tensor  # (N, 1, 1) y of the ends
    cap: Surface  # what lies on the head

    def light(self, view: HeadView) -> Tensor:
        """(N, H, W) in 0..1, with strands."""
        x, y = self.x, view.plane[1]
        strands = torch.sin(x * 19.0 + 1.3 * torch.sin(y * 3.0))
        strands = strands + 0.6 * torch.sin(x * 41.0 - y * 2.0)
        side = 0.30 * x * view.light[0] / self.width
        return (0.46 + side + 0.06 * strands + 0.10 * y).clamp(0, 1)


def hair_locks(view: HeadView) -> HairShape:
    """Place and light the hair; longer hair has more volume."""
    x, y = view.plane
    volume = 0.10 + 0.07 * view.unit("hair_length")
    axes = [0.80 * view.wide + volume, 1.0 + volume, 0.86 + volume]
    plane = (x / (1 - 0.06 * smoothstep(0.0, -1.0, y)), y)
    cap = ellipsoid(view, plane, axes, (0.0, 0.04, -0.06))
    x = x + 0.12 * view.entry(0, 2)
    length = view.unit("hair_length")
    return HairShape(x, (0.86 + 0.12 * length) * view.wide, -0.25 - 1.25 * length, cap)


def paint_back_hair(picture: Tensor, view: HeadView, locks: HairShape, hair: Tensor) -> Tensor:
    """The hair mass behind head and body: a rounded box that grows with the length,
    over a picture (N, 3, H, W)."""
    y = view.plane[1]
    length, corner, top = view.unit("hair_length"), 0.42, 0.30
    half = (top - locks.bottom) / 2
    qx = locks.x.abs() + 0.035 * torch.sin(y * 9.0) * length - (locks.width - corner)
    qy = (y - (top + locks.bottom) / 2).abs() - (half - corner).clamp(min=0.02)
    inside = torch.maximum(qx, qy).clamp(max=0)
    distance = radius(qx.clamp(min=0), qy.clamp(min=0)) + inside - corner
    cover = view.cover(distance) * smoothstep(0.12, 0.42, length)
    if not shows(cover):
        return picture
    return over(picture, shade(hair, locks.light(view) * 0.9, ambient=(0.42, 0.40, 0.42)), cover)


def paint_front_locks(picture: Tensor, view: HeadView, locks: HairShape, hair: Tensor) -> Tensor:
    """Long hair in front of the shoulders, then the inner side of the cap behind the head,
    over a picture (N, 3, H, W)."""
    x, y = view.plane
    length = view.unit("hair_length")
    tall = (0.30 - 0.62 * (locks.bottom + 0.40)).clamp(min=0.2)
    fx = (locks.x.abs() - 0.70 * view.wide + 0.03 * torch.sin(y * 7.0)) / 0.27
    fy = (y + 0.35 - 0.62 * (locks.bottom + 0.95)) / tall
    cover = view.cover((radius(fx, fy) - 1) * 0.27) * smoothstep(0.45, 0.7, length)
    low = (-0.16 - y) + 0.9 * (x.abs() - 0.8).clamp(min=0)
    inner = view.cover(locks.cap.edge + 0.02) * view.cover(low)
    if not (shows(cover) or shows(inner)):
        return picture
    light = locks.light(view)
    tone = shade(hair, (light + 0.10).clamp(0, 1), ambient=(0.44, 0.42, 0.44))
    picture = over(picture, tone, cover)
    return over(picture, hair * (0.50 + 0.20 * light.unsqueeze(1)), inner)


def hairline(view: HeadView, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Signed height (N, H, W) of the hair's lower edge over a point of the head: negative is hair.

    The fringe is swept from a parting on one side; at the temples the line drops to the ears.
    """
    fringe, length = view.unit("fringe"), view.unit("hair_length")
    swept = smoothstep(-0.62, 0.50, x)
    line = 0.66 - 0.42 * (x - 0.10) ** 2 - fringe * (0.36 - 0.24 * swept - 0.20 * (x - 0.10) ** 2)
    line = line - fringe * 0.016 * torch.cos(x * 13.0 + 0.6)
    line = line - 1.5 * (0.30 - z).clamp(min=0) ** 1.1
    line = line - 0.10 * length * smoothstep(0.5, 0.8, x.abs())
    floor = -0.26 - 0.28 * (x / 0.8) ** 2 * length
    return torch.maximum(line, floor) - y


def paint_cap(picture: Tensor, view: HeadView, cap: Surface, hair: Tensor) -> Tensor:
    """The hair on the head: strands that leave the parting, a sheen band, a wavy outline,
    over a picture (N, 3, H, W)."""
    x, y = view.plane
    hx, hy, hz = cap.point
    angle = torch.atan2(y, x + 0.02)
    waves = 0.016 * torch.sin(angle * 5.0 + 1.0) + 0.006 * torch.sin(angle * 9.0)
    cover = view.cover(cap.edge + waves * (0.5 + view.unit("hair_length")))
    if not shows(cover):
        return picture
    under = hairline(view, hx, hy - 0.02, hz + 0.10)
    cover = cover * view.cover(under * 0.8, 1.6)
    if not shows(cover):
        return picture
    around = torch.atan2(hx - 0.18, hz.clamp(min=0.05) + 0.4)
    flow = around + 0.5 * view.unit("fringe") * hy
    strands = torch.sin(flow * 11.0 + 0.4) + 0.8 * torch.sin(flow * 27.0 + 1.0)
    parting = torch.exp(-(((hx - 0.20 - 0.05 * hy) / 0.030) ** 2)) * smoothstep(0.45, 0.75, hy)
    light = (lit(cap.normal, view.light, 0.45) * (0.94 + 0.040 * strands)).clamp(0, 1)
    tone = shade(hair, light, ambient=(0.46, 0.44, 0.48), key=(0.68, 0.66, 0.62))
    sheen = facing(cap.normal, view.light) - 0.82 + 0.035 * strands
    tone = tone + (0.20 * torch.exp(-((sheen / 0.10) ** 2))).unsqueeze(1) * (0.30 + hair)
    dark = 0.10 * torch.exp(-((under / 0.10) ** 2)) + 0.22 * parting
    tone = tone * (1 - dark - 0.22 * (1 - cap.normal[2]).clamp(0, 1).pow(3)).unsqueeze(1)
    return over(picture, tone, cover)
