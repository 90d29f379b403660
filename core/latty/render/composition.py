"""The picture around the picture: how the pictures of one moment become a frame of an output.

Pictures are drawn once and composed whenever a frame is developed: another background, gap or size
of the frame draws none of them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from PIL import Image, ImageFilter

from latty.presets import Output, keeps_alpha
from latty.presets.colours import Colour, colour
from latty.presets.formats import Pixels
from latty.presets.values import Fit
from latty.render import grids, sizes

BLANK: Colour = (0, 0, 0, 255)  # of films that say no background
BLURRED = 40  # the short side of a frame, in radii of its blurred picture
BAR = 0.02  # of a frame's height
COARSE = 8  # the blurred picture is made at 1/8


@dataclass(frozen=True, slots=True)
class Composition:
    """How the frames of an output are put together.

    width, height  of the frame, as in Output
    background     None where nothing was said
    alpha          whether the format keeps an opacity
    progress       whether a bar tells how much of a film is over
    """

    width: int | None
    height: int | None
    fit: Fit
    nearest: bool
    columns: int | None
    gap: int | None
    margin: int | None
    background: Colour | None
    alpha: bool
    progress: bool = False

    @classmethod
    def of(cls, output: Output) -> "Composition":
        """What an output says."""
        film = output.layout == "frames"
        return cls(
            width=output.width,
            height=output.height,
            fit=output.fit,
            nearest=output.scale == "nearest",
            columns=output.columns if film else None,
            gap=output.gap,
            margin=output.margin,
            background=None if output.background is None else colour(output.background),
            alpha=keeps_alpha(output),
            progress=output.progress,
        )

    @property
    def ground(self) -> Colour:
        """What pictures with an opacity are laid on where the format keeps none."""
        return self.background or grids.GROUND

    def prepared(self, pixels: Pixels, height: int | None) -> Pixels:
        """One picture (H, W, 3 or 4) at its height, on the background; one without an opacity has
        one where the background does."""
        pixels = grids.fit(pixels, height, self.nearest)
        if self.alpha and (self.background is None or self.background[3] < 255):
            clear = self.background is not None and not grids.has_opacity(pixels)
            return grids.with_opacity(pixels) if clear else pixels
        return grids.opaque(pixels, self.ground)

    def frame(self, pictures: Sequence[Pixels]) -> Pixels:
        """The frame (H, W, 3 or 4) of prepared pictures of one moment."""
        ground = self._blank(pictures[0])
        whole = grids.tile(pictures, self.columns, self.gap or 0, self.margin or 0, ground)
        return self.fitted(whole)

    def side_by_side(self, panels: Sequence[Pixels]) -> Pixels:
        """The frame (H, W, 3 or 4) of panels, all in one row where no columns are said."""
        if any(map(grids.has_opacity, panels)):
            panels = [grids.with_opacity(one) for one in panels]
        gap, margin, blank = self.gap or 0, self.margin or 0, self._blank(panels[0])
        return self.fitted(grids.tile(panels, self.columns or len(panels), gap, margin, blank))

    def fitted(self, whole: Pixels, kept: bool = True) -> Pixels:
        """A composed picture (H, W, 3 or 4) in its frame. `kept`: its pictures have the height that
        was asked for, or that fills the frame, and what fits is not resampled again."""
        side = sizes.frame_side((whole.shape[0], whole.shape[1]), self.width, self.height)
        if whole.shape[:2] == side:
            return whole
        if self.fit == "stretch":
            return _resized(whole, side, self.nearest)
        if self.fit == "crop":
            return _cropped(whole, side, self.nearest, kept)
        ground = _blurred(whole, side) if self.fit == "blur" else _plain(self._blank(whole), side)
        return _laid(whole, ground, self.nearest, kept)

    def barred(self, whole: Pixels, share: float) -> Pixels:
        """A frame (H, W, 3 or 4) with a bar at its lower edge that is full at the end of a film;
        `share` of it is over, 0..1."""
        if not self.progress:
            return whole
        found, (height, width) = whole.copy(), whole.shape[:2]
        bar = found[height - max(2, round(BAR * height)) :]
        bar[..., :3] //= 3
        bar[:, : round(share * width), :3] = 255
        if grids.has_opacity(found):
            bar[..., 3] = 255
        return found

    def _blank(self, pixels: Pixels) -> tuple[int, ...]:
        """The colour of what no picture covers, of as many channels as a picture."""
        clear = self.background is None and grids.has_opacity(pixels)
        said = (0, 0, 0, 0) if clear else self.background or BLANK
        return said[: pixels.shape[2]]


def _resized(
    pixels: Pixels,
    side: tuple[int, int],
    nearest: bool,
    box: tuple[float, float, float, float] | None = None,
) -> Pixels:
    """A picture, or the part of it in `box` (left, top, right, bottom), at (height, width)."""
    grows = side[0] > (box[3] - box[1] if box else pixels.shape[0])
    return grids.resized(pixels, side, grids.resampling(grows, nearest), box)


def _cropped(pixels: Pixels, side: tuple[int, int], nearest: bool, kept: bool) -> Pixels:
    """The middle of a picture, as large as covers the frame."""
    height, width = pixels.shape[:2]
    if kept and height >= side[0] and width >= side[1]:
        top, left = (height - side[0]) // 2, (width - side[1]) // 2
        return pixels[top : top + side[0], left : left + side[1]]
    times = max(side[0] / height, side[1] / width)
    down, across = side[0] / times, side[1] / times  # of the part that is seen
    top, left = (height - down) / 2, (width - across) / 2
    return _resized(pixels, side, nearest, (left, top, left + across, top + down))


def _plain(blank: tuple[int, ...], side: tuple[int, int]) -> Pixels:
    return np.full((*side, len(blank)), blank, np.uint8)


def _blurred(pixels: Pixels, side: tuple[int, int]) -> Pixels:
    """The picture enlarged to cover the frame, out of focus; opaque, as a ground is."""
    small = max(1, side[0] // COARSE), max(1, side[1] // COARSE)
    part = Image.fromarray(_cropped(grids.opaque(pixels), small, nearest=False, kept=False))
    soft = part.filter(ImageFilter.GaussianBlur(min(side) / BLURRED / COARSE * 2))
    large = grids.resized(np.asarray(soft), side, Image.Resampling.BICUBIC)
    return grids.with_opacity(large) if grids.has_opacity(pixels) else large


def _laid(pixels: Pixels, ground: Pixels, nearest: bool, kept: bool) -> Pixels:
    """A picture in the middle of a ground of its channels, as large as fits."""
    height, width = pixels.shape[:2]
    times = min(ground.shape[0] / height, ground.shape[1] / width)
    if times < 1 or not kept:
        if nearest and times > 1:
            times = floor(times)
        size = max(1, round(height * times)), max(1, round(width * times))
        pixels = _resized(pixels, size, nearest)
        height, width = size
    top, left = (ground.shape[0] - height) // 2, (ground.shape[1] - width) // 2
    whole = ground.copy()
    part = whole[top : top + height, left : left + width]
    part[:] = grids.over(pixels, part)
    return whole
