"""What Textual draws anew for a change: the widgets that changed, not all that stand between them.

Private to Textual: its own draws every widget that touches the rectangle around all changes, which
is most of the screen where a key changes a line at the left and one at the right.
"""

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class ChangesOnly(Compositor):
    """A compositor whose partial updates cost what they show."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: list[Region] | None = None  # None = everything

    def render_partial_update(self) -> ChopsUpdate | None:
        screen = self.size.region
        self._wanted = [region.intersection(screen) for region in self._dirty_regions]
        try:
            return super().render_partial_update()
        finally:
            self._wanted = None

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        if self._wanted is None:
            yield from super()._get_renders(crop)
            return
        wanted = list(filter(None, self._wanted))
        for widget, (region, clip) in self.visible_widgets.items():  # nearest first
            seen = region.intersection(clip)
            if rows := [one.intersection(seen) for one in wanted if one.overlaps(seen)]:
                top, bottom = min(one.y for one in rows), max(one.bottom for one in rows)
                part = Region(seen.x, top, seen.width, bottom - top)
                yield region, part, widget.render_lines(part.translate(-region.offset))
                wanted = [one for one in wanted if not seen.contains_region(one)]
            if not wanted:
                return
