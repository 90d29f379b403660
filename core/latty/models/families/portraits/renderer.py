"""Endless stylised portraits in closed form: 23 factors in, a differentiable picture out.

Own code and no assets: an ellipsoid head with its features painted in head coordinates (so that
they move correctly under yaw, pitch and roll), soft key light, hair, body and background. Because
the factors of every picture are known exactly, it is the ground truth of the embedded models.

    pictures = render(factors, size=64)           # (N, 23) -> (N, 3, 64, 64) in 0..1
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from latty.models.families.portraits.face import paint_face
from latty.models.families.portraits.hair import (
    hair_locks,
    paint_back_hair,
    paint_cap,
    paint_front_locks,
)
from latty.models.families.portraits.shapes import (
    RGB,
    HeadView,
    colour,
    ellipsoid,
    over,
    palette,
    radius,
    rotation,
    shade,
    shows,
    smoothstep,
)

TILE = 216  # px: the longest side of a part that is painted at once

# Each from -1 to 1, but for glasses: 0 or 1. A beard shows above 0.
NAMES = (
    *("yaw", "pitch", "roll", "pos_x", "pos_y", "scale", "brightness", "light", "skin"),
    *("hair_color", "hair_length", "fringe", "smile", "mouth_open", "eye_size", "gaze", "brow"),
    *("age", "face_width", "bg_hue", "shirt_hue", "beard", "glasses"),
)

SKIN: list[RGB] = [
    (1.00, 0.86, 0.76),
    (0.97, 0.77, 0.62),
    (0.85, 0.62, 0.45),
    (0.66, 0.43, 0.30),
    (0.47, 0.30, 0.22),
]
HAIR: list[RGB] = [
    (0.13, 0.11, 0.13),
    (0.31, 0.19, 0.12),
    (0.53, 0.28, 0.14),
    (0.82, 0.42, 0.17),
    (0.96, 0.79, 0.45),
]
BACKGROUND: list[RGB] = [
    (0.95, 0.62, 0.57),
    (0.97, 0.80, 0.55),
    (0.72, 0.85, 0.60),
    (0.49, 0.81, 0.78),
    (0.52, 0.70, 0.93),
    (0.71, 0.62, 0.91),
]
SHIRT: list[RGB] = [
    (0.86, 0.30, 0.32),
    (0.95, 0.64, 0.25),
    (0.32, 0.63, 0.44),
    (0.24, 0.53, 0.71),
    (0.38, 0.35, 0.68),
    (0.90, 0.90, 0.92),
]


def render(factors: Tensor, size: int = 64, ss: int = 2) -> Tensor:
    """Factors (N, 23) to pictures (N, 3, size, size) in 0..1; `ss` x `ss` samples a pixel."""
    axis = torch.arange(size * ss, device=factors.device, dtype=factors.dtype)
    axis = (axis + 0.5) / (size * ss) * 2 - 1
    sides = axis.chunk(math.ceil(size * ss / TILE))
    rows = [torch.cat([_tile(factors, x, -y, size * ss) for x in sides], 3) for y in sides]
    picture = torch.cat(rows, 2)
    return avg_pool2d(picture, ss) if ss > 1 else picture


def _tile(factors: Tensor, x: Tensor, y: Tensor, size: int) -> Tensor:
    """The part (N, 3, H, W) of pictures of `size` px with pixels at x (W,) and y (H,) in -1..1.

    What shows nowhere in a part is not painted there, and its maps fit the processor's cache.
    """
    view = _frame(factors, x.view(1, 1, -1), y.view(1, -1, 1), 2 / size)
    skin, hair = _skin_and_hair(view)
    locks = hair_locks(view)
    picture = _background(view)
    picture = paint_back_hair(picture, view, locks, hair)
    picture = _body(picture, view, skin)
    picture = paint_front_locks(picture, view, locks, hair)
    ears = [_ear(view, skin, side) for side in (-1.0, 1.0)]
    ears = [ear for ear in ears if shows(ear[1])]
    for paint, cover, _ in ears:
        picture = over(picture, paint, cover)
    picture = paint_face(picture, view, skin, hair)
    for paint, cover, depth in ears:  # the ear nearer to the viewer lies over the head
        picture = over(picture, paint, cover * smoothstep(0.10, 0.30, depth))
    picture = _glasses(picture, view)
    picture = paint_cap(picture, view, locks.cap, hair)
    return _expose(picture, view)


def _frame(factors: Tensor, px: Tensor, py: Tensor, pixel: float) -> HeadView:
    """Put the camera: position, scale, roll in the picture plane; yaw and pitch as a rotation."""
    named = {name: factors[:, i].view(-1, 1, 1) for i, name in enumerate(NAMES)}
    scale = 0.59 * (1 + 0.18 * named["scale"])
    cx, cy = 0.22 * named["pos_x"], 0.04 + 0.13 * named["pos_y"]
    roll = 0.28 * named["roll"]
    cr, sr = roll.cos(), roll.sin()
    x, y = (px - cx) / scale, (py - cy) / scale
    plane = (x * cr + y * sr, y * cr - x * sr)
    lx = 0.85 * named["light"]
    norm = (lx * lx + 0.50**2 + 0.72**2).rsqrt()
    lx, ly = lx * norm, 0.50 * norm
    light = (lx * cr + ly * sr, ly * cr - lx * sr, 0.72 * norm)
    turn = rotation(named["yaw"].view(-1) * 0.60, named["pitch"].view(-1) * -0.32)
    return HeadView(named, (px, py), plane, (cx, cy), scale, pixel / scale, turn, sr, light)


def _skin_and_hair(view: HeadView) -> tuple[Tensor, Tensor]:
    """Base colours (N, 3, 1, 1); hair greys with age."""
    age = view.unit("age")
    skin = palette(view.unit("skin"), SKIN) * (1 - 0.04 * age.unsqueeze(1))
    hair = palette(view.unit("hair_color"), HAIR)
    grey = (0.88 * smoothstep(0.35, 0.95, age)).unsqueeze(1)
    return skin, hair + (colour((0.80, 0.80, 0.83), hair) - hair) * grey


def _background(view: HeadView) -> Tensor:
    """A plain wall with a glow on the side of the light."""
    px, py = view.screen
    wall = palette(view.unit("bg_hue"), BACKGROUND)
    centre = 0.35 * view.factors["light"]
    glow = torch.exp(-((px - centre) ** 2) * 0.9 - (py - 0.35) ** 2 * 0.8).unsqueeze(1)
    return wall * (0.72 + 0.36 * glow) + 0.07 * glow


def _body(picture: Tensor, view: HeadView, skin: Tensor) -> Tensor:
    """Shoulders with a round collar, and the neck; they follow the head but do not turn."""
    (px, py), (cx, cy) = view.screen, view.centre
    x, y = (px - cx * 0.85) / view.scale, (py - cy) / view.scale
    side = view.factors["light"] * 0.75
    shirt = palette(view.unit("shirt_hue"), SHIRT)
    on_body = view.cover((y + 1.12 + 0.34 * (x.abs() / 1.25) ** 2.4) * 0.8)
    collar = radius(x / 0.55, (y + 1.10) / 0.26)
    width = 0.33 * view.wide
    edge = (x + 0.10 * view.sin_roll).abs() - width - 0.10 * smoothstep(-0.85, -1.35, y)
    neck = view.cover(torch.maximum(edge, y + 0.55)) * (y > -1.10).to(y.dtype)
    skinned = torch.maximum(neck, view.cover((collar - 1) * 0.3))
    if not (shows(on_body) or shows(skinned)):
        return picture
    cloth = shade(
        shirt, (0.55 + 0.38 * (x / 1.5).clamp(-1, 1) * side + 0.25 * (y + 1.35)).clamp(0, 1)
    )
    picture = over(picture, cloth, on_body)
    picture = over(picture, cloth * 0.74, on_body * view.cover((collar - 1.14) * 0.3))
    tone = shade(skin, (0.42 + 0.40 * (x / width) * side).clamp(0, 1))
    under_chin = 1 - 0.45 * torch.exp(-(((y + 0.90) / 0.24) ** 2))
    return over(picture, tone * under_chin.unsqueeze(1), skinned)


def _ear(view: HeadView, skin: Tensor, side: float) -> tuple[Tensor, Tensor, Tensor]:
    """One ear as (colour, coverage, depth): a disc that stays round while its place turns."""
    x, y = view.plane
    out = 0.80 * side * view.wide
    ex, ey, depth = view.project((out, torch.full_like(out, -0.04), torch.full_like(out, -0.10)))
    ex, ey = (x - ex) / 0.17, (y - ey) / 0.23
    q = radius(ex, ey)
    cover = view.cover((q - 1) * 0.18)
    if not shows(cover):
        return skin, cover, depth
    light = (0.55 + 0.28 * (ex * view.light[0] + ey * view.light[1])).clamp(0, 1)
    shell = torch.exp(-(((q - 0.15) / 0.42) ** 2)).unsqueeze(1)
    tone = skin * (1 - 0.24 * shell * colour((0.7, 1.1, 1.1), skin))
    return shade(tone, light), cover, depth


def _glasses(picture: Tensor, view: HeadView) -> Tensor:
    """Round-square frames on a slightly larger shell, with a faint glint on the lenses."""
    x, y = view.plane
    shell = ellipsoid(view, (x, y), [0.83 * view.wide, 1.03, 0.95], (0.0, 0.0, 0.0))
    gx, gy, gz = shell.point
    front = smoothstep(-0.15, 0.0, gz) * view.cover(shell.edge) * view.factors["glasses"]
    if not shows(front):
        return picture
    u, v = ((gx.abs() - 0.36) / 0.285) ** 2, ((gy - 0.02) / 0.262) ** 2
    lens = ((u * u + v * v + 1.1 * u * v + 1e-6).sqrt().sqrt() - 1) * 0.26
    bridge = torch.maximum((gy - 0.07).abs() - 0.032, gx.abs() - 0.12)
    arms = torch.maximum((gy - 0.06).abs() - 0.034, 0.62 - gx.abs())
    wire = torch.minimum(lens.abs() - 0.036, torch.minimum(bridge, arms))
    glass, frame = view.cover(lens), view.cover(wire, 1.2)
    if not (shows(glass) or shows(frame)):
        return picture
    glint = torch.exp(-((((gx.abs() - 0.36) * 0.75 + gy - 0.12) / 0.05) ** 2))
    picture = over(picture, colour((0.94, 0.97, 1.0), gx), glass * front * (0.06 + 0.20 * glint))
    tint = colour((0.15, 0.12, 0.15), gx) * (0.8 + 0.7 * shell.normal[1].clamp(0, 1).unsqueeze(1))
    return over(picture, tint, frame * front)


def _expose(picture: Tensor, view: HeadView) -> Tensor:
    """Vignette and exposure."""
    px, py = view.screen
    vignette = (1 - 0.08 * (px * px + py * py)).unsqueeze(1)
    return (picture * vignette * (1 + 0.26 * view.factors["brightness"]).unsqueeze(1)).clamp(0, 1)
