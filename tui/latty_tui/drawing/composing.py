"""A frame of a film put together as it is rendered: panels side by side with their titles, texts,
and the frame around all of it. Runs in threads, knows no widget."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from latty.presets import Output, Preset
from latty.presets.formats import Pixels
from latty.render import grids
from latty.render.captions import Writing, captioned_table, faces
from latty.render.composition import Composition
from latty_tui.drawing.encoding import array
from latty_tui.drawing.picture import RawPicture

ABSENT = 96  # of 255: the grey of a panel that could not be drawn


def composed(
    preset: Preset, output: Output, frame: int, pictures: Sequence[RawPicture | None], size: int
) -> RawPicture:
    """Frame number `frame` of an output from a picture for each part of its preset, which are at
    most `size` px high; what the output counts in px is smaller by as much as they are. Raises
    BadData for a text that does not fit, Missing, OutputError for a font."""
    height = min(size, max(one.height for one in pictures if one is not None))
    cells = [grids.fit(_pixels(one, height), height) for one in pictures]
    writing = Writing(preset, output, faces(preset))
    if preset.panels:
        cells = [
            writing.titled(cell, one.preset, one.title, _moment(one.preset, output, frame), frame)
            for cell, one in zip(cells, preset.panels, strict=True)
        ]
    look = _smaller(output, height / (output.size or preset.scene.size or height), size)
    if output.is_table:
        cell = height, max(one.shape[1] for one in cells), 3
        whole = captioned_table(preset, output, cell, look).filled(cells)
    else:
        columns = look.columns or (len(cells) if preset.panels else None)
        ground = look.ground[:3] if look.background else None
        whole = grids.tile(cells, columns, look.gap or 0, look.margin or 0, ground)
    whole = writing.over(look.fitted(whole, kept=False), preset.times(output)[frame], frame)
    whole = np.ascontiguousarray(grids.on_board(whole))
    return RawPicture(whole.tobytes(), whole.shape[1], whole.shape[0])


def _pixels(picture: RawPicture | None, height: int) -> Pixels:
    if picture is None:
        return np.full((height, height, 3), ABSENT, np.uint8)
    found: Pixels = array(picture)
    return found


def _moment(part: Preset, output: Output, frame: int) -> float:
    return part.shown(output).times(output)[frame]


def _smaller(output: Output, by: float, size: int) -> Composition:
    """How an output is put together in so many times its px; a frame of its own is `size` px
    high, or wide where that is more."""
    look = Composition.of(output)
    if said := max(look.width or 0, look.height or 0):
        by = size / said
    px = {"width": look.width, "height": look.height, "gap": look.gap, "margin": look.margin}
    made: dict[str, Any] = {
        key: max(1 if key in ("width", "height") else 0, round(value * by))
        for key, value in px.items()
        if value is not None
    }
    return replace(look, **made)
