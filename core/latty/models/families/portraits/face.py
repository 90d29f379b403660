"""The head of the portraits with eyes, brows, nose, mouth, beard and the marks of age.

Features are painted in head coordinates (x right, y up, z toward the viewer, one unit = half the
head's height), so they foreshorten and shift correctly as the head turns. Letters as in `shapes`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from latty.models.families.portraits.hair import hairline
from latty.models.families.portraits.shapes import (
    HeadView,
    Surface,
    bump,
    colour,
    ellipsoid,
    facing,
    gloss,
    lit,
    over,
    radius,
    shade,
    shows,
    smoothstep,
)

MOUTH_Y = -0.50
EYE_X = 0.34


def paint_face(picture: Tensor, view: HeadView, skin: Tensor, hair: Tensor) -> Tensor:
    """Head and features over what is behind them, (N, 3, H, W)."""
    x, y = view.plane
    jaw = 1 - (0.20 - 0.07 * view.factors["face_width"]) * smoothstep(-0.05, -1.05, y)
    plane = (x / jaw, y)
    surface = ellipsoid(view, plane, [0.80 * view.wide, 1.0, 0.86], (0.0, 0.0, 0.0))
    full = smoothstep(0.02, 0.30, view.unit("beard"))
    thickness = 0.07 * view.unit("beard") * full * smoothstep(-0.30, -0.80, y)
    cover = view.cover(surface.edge - thickness)
    if not shows(cover):
        return picture
    light = lit(surface.normal, view.light)
    front = smoothstep(0.0, 0.18, surface.point[2])
    head = _skin(view, surface, skin, front)
    if shows(full):
        head = _beard(head, view, surface, skin, hair, full)
    head = shade(head, light)
    head = head + 0.05 * gloss(facing(surface.normal, view.light)).unsqueeze(1)
    head = head * (1 - 0.18 * (1 - surface.normal[2]).clamp(0, 1).pow(3)).unsqueeze(1)
    if shows(front):
        head = _eyes(head, view, surface, skin, light, front)
        head = _brows(head, view, surface, hair, front)
    head = _nose(head, view, plane, skin)
    if shows(front):
        head = _mouth(head, view, surface, skin, light, front)
    return over(picture, head, cover)


def _skin(view: HeadView, surface: Surface, skin: Tensor, front: Tensor) -> Tensor:
    """Albedo of the bare head: blush, eye sockets, lines of age, shadow of the hair."""
    x, y, z = surface.point
    side = x.abs()
    blush = bump(side - 0.47, y + 0.27, 0.20, 0.15) * front
    face = skin * (1 - blush.unsqueeze(1) * colour((0.02, 0.20, 0.17), skin))
    socket = bump(side - EYE_X, y - 0.08, 0.26, 0.20) * front
    face = face * (1 - 0.08 * socket.unsqueeze(1))
    old = smoothstep(0.25, 1.0, view.unit("age"))
    if shows(old):
        face = face * (1 - (0.34 * old * _wrinkles(x, y) * front).unsqueeze(1))
    above = hairline(view, x, y, z).clamp(min=0)
    shadow = 0.26 * torch.exp(-((above / 0.12) ** 2)).unsqueeze(1)
    return face * (1 - shadow * colour((0.85, 1.0, 1.0), skin))


def _wrinkles(x: Tensor, y: Tensor) -> Tensor:
    """Two lines on the forehead, folds beside the nose, bags under the eyes."""
    side = x.abs()
    lines = torch.zeros_like(x)
    for height in (0.43, 0.52):
        wave = (y - height - 0.03 * torch.cos(x * 6)) / 0.022
        lines = torch.maximum(lines, torch.exp(-(wave**2)) * smoothstep(0.40, 0.28, side))
    fold = torch.exp(-(((side - 0.22 + 0.36 * (y + 0.22)) / 0.03) ** 2))
    lines = torch.maximum(lines, fold * smoothstep(-0.18, -0.26, y) * smoothstep(-0.46, -0.36, y))
    bag = (radius((side - EYE_X) / 0.23, y / 0.23) - 1) * 10.0
    return torch.maximum(lines, torch.exp(-(bag**2)) * smoothstep(-0.12, -0.18, y) * 0.7)


def _beard(
    head: Tensor, view: HeadView, surface: Surface, skin: Tensor, hair: Tensor, full: Tensor
) -> Tensor:
    """Beard and moustache with soft edges; `full` (N, 1, 1) says how closed they are."""
    x, y, z = surface.point
    amount = view.unit("beard")
    side = x.abs()
    edge = -0.44 + 0.40 * (side / 0.70) ** 3.0 + 0.05 * amount
    cheeks = smoothstep(0.09, -0.07, y - edge)
    lips = radius(x / 0.30, (y - MOUTH_Y) / 0.125)
    cheeks = cheeks * smoothstep(0.92, 1.25, lips)
    upper = (y + 0.335 + 0.8 * x * x).abs()
    moustache = smoothstep(0.085, 0.035, upper) * smoothstep(0.36, 0.24, side)
    zone = torch.maximum(cheeks, moustache) * smoothstep(-0.30, 0.05, z)
    tone = hair * 0.70 + skin * 0.14
    return over(head, tone, zone * full * (0.62 + 0.33 * amount))


def _eyes(
    head: Tensor, view: HeadView, surface: Surface, skin: Tensor, light: Tensor, front: Tensor
) -> Tensor:
    """Both eyes: lid line, white, iris, pupil and a catch light."""
    x, y, _ = surface.point
    size = 1.10 * (1 + 0.24 * view.factors["eye_size"])
    gaze = 0.095 * view.factors["gaze"]
    opening = 0.94 - 0.14 * view.unit("smile") - 0.10 * view.unit("age")
    white = colour((0.99, 0.99, 0.98), head) * (0.80 + 0.24 * light.unsqueeze(1))
    for side in (-1.0, 1.0):
        ex, ey = (x - side * EYE_X) / size, (y - 0.04) / size
        lid = radius(ex / 0.205, (ey - 0.022) / (0.207 * opening)) - 1
        lid_cover = view.cover(lid * 0.17, 1.3)
        q = radius(ex / 0.183, ey / (0.188 * opening)) - 1
        inside = view.cover(q * 0.17, 1.2)
        if not (shows(lid_cover) or shows(inside)):
            continue
        inside = inside * front
        head = over(head, skin * 0.34, lid_cover * front * smoothstep(-0.08, 0.04, ey))
        head = over(head, white * (1 - 0.20 * smoothstep(0.0, 0.18, ey).unsqueeze(1)), inside)
        ix, iy = ex - gaze, ey + 0.004
        ring = radius(ix, iy)
        iris = colour((0.20, 0.40, 0.47), head)
        iris = iris * (0.75 + 0.55 * smoothstep(0.02, -0.10, iy).unsqueeze(1))
        head = over(head, iris, view.cover(ring - 0.118, 1.2) * inside)
        head = over(head, colour((0.06, 0.05, 0.08), head), view.cover(ring - 0.070, 1.2) * inside)
        catch = radius(ix + 0.045, iy - 0.055)
        head = over(head, colour((1.0, 1.0, 1.0), head), view.cover(catch - 0.038, 1.4) * inside)
    return head


def _brows(head: Tensor, view: HeadView, surface: Surface, hair: Tensor, front: Tensor) -> Tensor:
    """Brows rise and tilt outward-down with the factor (worried), or lower and frown."""
    x, y, _ = surface.point
    lift = view.factors["brow"]
    height = 0.335 + 0.075 * lift + 0.05 * view.factors["eye_size"]
    along = x.abs() - EYE_X
    arc = y - height - 0.035 + 0.9 * along * along + 0.20 * lift * along
    thick = 0.050 - 0.07 * along.clamp(min=0)
    cover = view.cover(torch.maximum(arc.abs() - thick, along.abs() - 0.20), 1.3)
    return over(head, hair * 0.66, cover * front * 0.95) if shows(cover) else head


def _nose(head: Tensor, view: HeadView, plane: tuple[Tensor, Tensor], skin: Tensor) -> Tensor:
    """A small ball in front of the face: its shift against the face shows the turn."""
    x, y = plane
    nx, ny, _ = view.project((0.0, -0.17, 0.93))
    lx, ly, lz = view.light
    shadow = bump(x - nx + 0.05 * lx, y - ny + 0.085, 0.16, 0.085).unsqueeze(1)
    head = head * (1 - 0.24 * shadow * colour((0.8, 1.0, 1.0), head))
    u, v = (x - nx) / 0.125, (y - ny) / 0.105
    q = radius(u, v)
    ball = smoothstep(1.10, 0.80, q)
    if not shows(ball):
        return head
    normal = (u, v, (1 - q * q).clamp(min=1e-4).sqrt())
    toward = facing(normal, (lx, ly, lz))
    amount = ((toward + 0.4) / 1.4).clamp(0, 1)
    tone = shade(skin * colour((1.02, 0.94, 0.93), skin), amount)
    tone = tone + 0.14 * (gloss(toward) * toward.pow(2)).unsqueeze(1)
    return over(head, tone, ball)


def _mouth(
    head: Tensor, view: HeadView, surface: Surface, skin: Tensor, light: Tensor, front: Tensor
) -> Tensor:
    """Lips follow y = c (t^2 - 0.4); opening drops the lower one, teeth show in smiles."""
    x, y, _ = surface.point
    smile, opened = view.factors["smile"], view.unit("mouth_open")
    width = 0.265 + 0.055 * smile - 0.05 * opened
    t = x / width
    upper = MOUTH_Y + 0.012 + 0.03 * opened + 0.135 * smile * (t * t - 0.4)
    arch = (1 - t * t).clamp(min=1e-4).sqrt()
    lower = upper - (0.25 * opened + 0.016) * arch
    ends = (t.abs() - 1) * width
    gap = torch.maximum(torch.maximum(y - upper, lower - y), ends)
    lips = torch.maximum(torch.maximum(y - upper, lower - y) - 0.048 * (0.35 + 0.65 * arch), ends)
    cover = view.cover(lips - 0.012, 1.3)
    if not shows(cover):  # nor does what is between the lips
        return head
    lip_tone = skin * colour((0.82, 0.47, 0.47), skin)
    head = over(head, shade(lip_tone, light * 0.9), cover * front * 0.92)
    inside = view.cover(gap - 0.006, 1.3) * front
    head = over(head, colour((0.30, 0.07, 0.10), head), inside)
    tongue = radius(x / (width * 0.62), (y - lower) / 0.09)
    shown = smoothstep(1.1, 0.8, tongue) * inside * smoothstep(0.35, 0.6, opened)
    head = over(head, colour((0.85, 0.38, 0.40), head), shown)
    teeth = torch.maximum(gap, upper - 0.085 - y)
    shown = view.cover(teeth + 0.006, 1.2) * front * smoothstep(0.15, 0.40, opened)
    tone = colour((0.98, 0.97, 0.94), head) * (0.78 + 0.22 * light.unsqueeze(1))
    return over(head, tone, shown * smoothstep(-0.7, -0.1, smile))
