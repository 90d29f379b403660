"""How high and wide pictures and frames are, in px; nothing is drawn to know it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil, floor, sqrt
from typing import NamedTuple

from latty.errors import BadData
from latty.presets import Output, Preset, codecs
from latty.presets.across import without_panels
from latty.presets.formats import is_film
from latty.render.shots import played, shots
from latty.scene import Scene

BESIDE = 24  # bytes of a picture in the journal that are none of its pixels


class Heights(NamedTuple):
    """Of each picture in px: as it is `drawn` by models that draw any size, and as it is `shown`.
    None: as the model draws it."""

    drawn: int | None
    shown: int | None


class Needed(NamedTuple):
    """What an output needs of a part of a preset: its scenes, height and width in px as they are
    drawn, and the height at which they are shown (None: as they are drawn)."""

    scenes: Sequence[Scene]
    drawn: tuple[int, int]
    shown: int | None


class Beside(NamedTuple):
    """How many panels a frame has, and the height in px of each where an output says none."""

    panels: int
    tallest: int


def beside_of(preset: Preset, height: Callable[[Scene], int]) -> Beside | None:
    """What the panels of a preset stand among, None where it has none; `height` of a model's own
    pictures."""
    if not preset.panels:
        return None
    # Many panels show few models, each of which is looked for on the disk.
    asked = {(scene.model, scene.size): scene for scene in preset.scenes}
    found = [scene.size or height(scene) for scene in asked.values()]
    return Beside(len(preset.panels), preset.scene.size or max(found))


def seen_of(output: Output, beside: Beside | None) -> Output:
    """An output as each part of a preset fills it: of panels, a still shows the first frame."""
    return replace(output, columns=1) if beside else output


def width_at(height: int, own: tuple[int, int]) -> int:
    """The width in px of a picture at a height that keeps the shape of its own (height, width)."""
    return max(1, round(own[1] * height / own[0]))


def table_of(count: int, cell: tuple[int, int], columns: int | None) -> tuple[int, int]:
    """Rows and columns of a table of so many cells (height, width); near a square where no number
    of columns is said."""
    columns = min(count, columns or ceil(sqrt(count * cell[0] / cell[1])))
    return ceil(count / columns), columns


def frame_side(side: tuple[int, int], width: int | None, height: int | None) -> tuple[int, int]:
    """Height and width of the frame around a composed picture (height, width); what is not said
    follows."""
    if height and width:
        return height, width
    if width:
        return max(1, round(side[0] * width / side[1])), width
    return (height, max(1, round(side[1] * height / side[0]))) if height else side


def heights(
    preset: Preset, output: Output, own: tuple[int, int], beside: Beside | None = None
) -> Heights:
    """The heights of the pictures of an output; `own` (height, width): those of the model's;
    `beside`: of a panel, what it stands among.

    Where the frame has a size and its pictures have none, they are as high as fills it: a model
    that draws any size is not enlarged, and pixels that stay squares are so many times as large.
    """
    nearest, said = output.scale == "nearest", preset.scene.size
    shown = output.size or (beside.tallest if beside else said)
    framed = output.width is not None or output.height is not None
    film = is_film(output.path)
    if output.size or not framed or not (film or beside or is_alone(preset, output)):
        return Heights(said if nearest else shown, shown)
    together = max(1, len(preset.seeds))
    if beside:
        together, output = beside.panels, replace(output, columns=output.columns or beside.panels)
    base = said or own[0]
    height = _filling(output, (base, width_at(base, own)), together)
    covers = output.fit in ("crop", "stretch")
    if nearest:
        return Heights(said, base * max(1, ceil(height / base) if covers else floor(height / base)))
    high = max(1, ceil(height) if covers else floor(height))
    return Heights(said or high, high)


def needed(
    part: Preset, output: Output, own: tuple[int, int], free: bool, beside: Beside | None = None
) -> Needed:
    """What an output needs of a part whose model draws (height, width), or any size where it is
    `free`. Raises BadData for a grid that moves nothing, and for panels in a layout of its own."""
    if beside and output.layout != "frames":
        raise BadData(*without_panels(output.layout))
    found = heights(part, output, own, beside)
    drawn = found.drawn if free else None
    scenes = shots(part, seen_of(output, beside), drawn)
    height = drawn or own[0]
    return Needed(scenes, (height, width_at(height, own)), found.shown)


def frame_shape(preset: Preset, output: Output, picture: tuple[int, int]) -> tuple[int, int] | None:
    """Height and width of the frames of an output whose pictures are (height, width); None: of a
    sheet, which is as large as its words need, where it says no size."""
    page = not (is_film(output.path) or preset.panels or is_alone(preset, output))
    if page or output.is_table:
        return (output.height, output.width) if output.height and output.width else None
    columns = output.columns if output.layout == "frames" else None
    if preset.panels:
        columns = columns or len(preset.panels)
    count = len(preset.panels) or max(1, len(preset.seeds))
    rows, columns = table_of(count, picture, columns)
    gap, margin = output.gap or 0, output.margin or 0
    height, width = (
        cells * length + (cells - 1) * gap + 2 * margin
        for cells, length in zip((rows, columns), picture, strict=True)
    )
    return frame_side((height, width), output.width, output.height)


def is_alone(preset: Preset, output: Output) -> bool:
    """Whether a still output is one bare picture, and no page."""
    one = preset.count(output) == 1 or output.across == 1
    still = one and len(preset.seeds) < 2 and output.layout == "frames"
    return still and output.captions != "short" and not output.margin


def _filling(output: Output, cell: tuple[int, int], together: int) -> float:
    """The height at which so many pictures of a shape fill the frame, or cover it."""
    columns = output.columns if output.layout == "frames" else None
    rows, columns = table_of(together, cell, columns)
    gap, margin = output.gap or 0, output.margin or 0
    found = []
    for side, count, length in ((output.height, rows, cell[0]), (output.width, columns, cell[1])):
        if side is not None:
            room = side - (count - 1) * gap - 2 * margin
            found.append(room / count / length * cell[0])
    return max(1.0, max(found) if output.fit in ("crop", "stretch") else min(found))


def bytes_expected(preset: Preset, output: Output, picture: tuple[int, int], pictures: int) -> int:
    """About how large an output becomes whose pictures are shown at (height, width)."""
    side = frame_shape(preset, output, picture)
    cells = len(preset.panels) if output.is_table else pictures
    area = side[0] * side[1] if side else cells * picture[0] * picture[1]
    order, rate = played(preset, output)
    return codecs.bytes_expected(output, area * len(order), float(len(order) / rate))


def bytes_kept(count: int, picture: tuple[int, int], channels: int = 3) -> int:
    """What finished pictures (height, width) of so many channels take on disk until the output is
    there."""
    return count * (picture[0] * picture[1] * channels + BESIDE)
