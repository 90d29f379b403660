"""What is seen of pictures to choose from."""

from studio import Keys

from latty_tui.widgets.sheet import PictureSheet


def sheet(pilot: Keys) -> PictureSheet:
    """The one in the dialog on top, else the grid."""
    return pilot.app.screen.query(PictureSheet).first()


def shown_cells(pilot: Keys) -> list[str]:
    """The words of its cells; [] where it is not seen."""
    found = sheet(pilot)
    return [cell.words for cell in found.cells] if found.display else []


def cursor_words(pilot: Keys) -> str:
    """What is said below the cell of the cursor."""
    found = sheet(pilot)
    return found.cells[found.cursor].words


def cell_of(pilot: Keys, index: int) -> tuple[int, int]:
    """The middle of a cell of the first rows, on the screen."""
    found = sheet(pilot)
    place, across, seen = found.content_region, found.across, found.seen
    high = next(view.size.height for view in found.query("PixelView") if view.display) + 1
    row, column = divmod(index, across)
    assert row < seen
    return place.x + place.width * (2 * column + 1) // (
        2 * across
    ), place.y + row * high + high // 2
