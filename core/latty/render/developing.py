"""What an output plays: frames composed of the pictures of a finished reel, whenever they are asked
for."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from latty.models.base import Generator
from latty.presets import Output, Preset, keeps_alpha
from latty.presets.fonts import Faces
from latty.presets.formats import Pixels, format_of
from latty.render import grids, shots, sizes
from latty.render.captions import Writing, captioned_table
from latty.render.composition import Composition


class DrawnPictures(Protocol):
    """Pictures (H, W, 3 or 4) uint8 that are drawn, by their numbers."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Pixels: ...


class Seen(Protocol):
    """A part of a preset as it is shown: its pictures, those of a reel from the first on,
    and their height in px. A View is one."""

    @property
    def preset(self) -> Preset: ...

    @property
    def reel(self) -> DrawnPictures: ...

    @property
    def first(self) -> int: ...

    @property
    def height(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class LazyFrames:
    """Frames in play order, made again each time they are asked for: memory for one frame.

    frame  the frame (H, W, 3 or 4) of a number
    order  the numbers of the frames as they are played
    """

    frame: Callable[[int], Pixels]
    order: Sequence[int]
    fps: Fraction
    loops: bool

    @property
    def height(self) -> int:
        return int(self.frame(self.order[0]).shape[0])

    @property
    def width(self) -> int:
        return int(self.frame(self.order[0]).shape[1])

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Pixels:
        return self.frame(self.order[index])

    def __iter__(self) -> Iterator[Pixels]:
        return map(self.frame, self.order)


def ground(output: Output, generators: Sequence[Generator]) -> dict[str, str]:
    """What the recipe says of the ground on which an output lays pictures with an opacity."""
    clear = any(generator.info.channels == 4 for generator in generators)
    needed = clear and not keeps_alpha(output)
    return {"ground": output.background or grids.PAPER} if needed else {}


def develop(preset: Preset, output: Output, views: Sequence[Seen], faces: Faces) -> LazyFrames:
    """What an output plays: frames of finished reels, a view for each part of the preset, laid on
    a ground where the format has no opacity, with the texts in these typefaces."""
    times, writing = preset.times(output), Writing(preset, output, faces)
    form, composed = format_of(output.path), Composition.of(output)
    # Of frames the last one is the end of a panel that does not close, and of no other.
    moments = [part.shown(output).times(output) for part in preset.parts]
    cells = _table(preset, output, views, composed) if output.is_table else None

    def frame(number: int) -> Pixels:
        shown = (grids.tile(_pictures(view, composed, number)) for view in views)
        titled = (
            writing.titled(cell, panel.preset, panel.title, own[number], number)
            for cell, panel, own in zip(shown, preset.panels, moments, strict=True)
        )
        if cells is not None:
            whole = composed.fitted(cells.filled(titled))
        elif preset.panels:
            whole = composed.side_by_side([*titled])
        else:
            whole = composed.frame(_pictures(views[0], composed, number))
        barred = composed.barred(whole, number / max(1, len(times) - 1))
        return writing.over(barred, times[number], number)

    def page(_: int) -> Pixels:
        if preset.panels:
            return frame(0)
        [view] = views
        found = [composed.prepared(view.reel[i], view.height) for i in range(len(view.reel))]
        kept = output.size is not None or sizes.is_alone(preset, output)
        whole = composed.fitted(_page(preset, output, composed, found), kept)
        return writing.over(whole, 0.0, 0)

    film = form is not None and form.film
    order, rate = shots.played(preset, output)
    return LazyFrames(frame if film else page, order, rate, loops=output.loop != "once")


def _pictures(view: Seen, composed: Composition, number: int) -> list[Pixels]:
    """The pictures of a part in the frame of a number."""
    together = max(1, len(view.preset.seeds))
    first = view.first + number * together
    return [composed.prepared(view.reel[first + i], view.height) for i in range(together)]


def _table(
    preset: Preset, output: Output, views: Sequence[Seen], composed: Composition
) -> grids.Table:
    """The page of a table with its captions, whose cells are to be filled."""
    sides = dict[object, tuple[int, ...]]()
    for view in views:
        if (key := (id(view.reel), view.height, len(view.preset.seeds))) not in sides:
            sides[key] = grids.tile(_pictures(view, composed, 0)).shape
    height, width, channels = (max(side) for side in zip(*sides.values(), strict=True))
    return captioned_table(preset, output, (height, width, channels), composed)


def _page(
    preset: Preset, output: Output, composed: Composition, pictures: Sequence[Pixels]
) -> Pixels:
    """A contact sheet, grid or strip of pictures (H, W, 3 or 4); a picture alone as it is."""
    paper = composed.background
    look = grids.style(pictures[0].shape[0], composed.gap, composed.margin, paper)
    if output.layout != "frames":
        names, columns = shots.row_names(preset, output), shots.column_names(preset, output)
        rows = len(names)
        if not output.captions:
            names, columns = [], []
        faint = output.layout != "steps"
        return grids.grid(pictures, names, columns, rows, look, faint)
    if sizes.is_alone(preset, output):
        return pictures[0]
    words_below = shots.captions(preset, output) if output.captions else []
    return grids.sheet(pictures, words_below, output.across, look)
