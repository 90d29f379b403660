"""Tables of pictures that a search shows of its work, as PNG."""

from io import BytesIO
from math import ceil, log

import numpy as np
from PIL import Image

from latty.directions.viewing import Sheet
from latty.presets.formats import Pixels
from latty.render import grids
from latty.render.pixels import to_uint8

SHAPE = 1.1  # width by height of a page, about: that of the studio's picture
AREA = 2e6  # pixels of all pictures of a page


def png(sheet: Sheet) -> bytes:
    """The file of a table. Numbers of pictures that are not finite are black."""
    file = BytesIO()
    Image.fromarray(_page(sheet)).save(file, format="PNG", compress_level=4)
    return file.getvalue()


def _page(sheet: Sheet) -> Pixels:
    """Pixels (H, W, 3): the rows in as many columns of tables as suit a screen."""
    count, across = sheet.pictures.shape[:2]
    pixels = to_uint8(sheet.pictures.flatten(0, 1).nan_to_num(-1, -1, -1))
    height, width = pixels.shape[1:3]
    if (area := count * across * height * width) > AREA:
        shorter = max(8, int(height * (AREA / area) ** 0.5))
        pixels = np.stack([grids.fit(picture, shorter) for picture in pixels])
        height, width = pixels.shape[1:3]
    tables = min(range(1, count + 1), key=lambda n: _unlike(n, count, across * width, height))
    rows = ceil(count / tables)
    parts = [_table(sheet, pixels, range(at, at + rows)) for at in range(0, count, rows)]
    return grids.tile(parts, len(parts), ground=(255, 255, 255))


def _unlike(tables: int, count: int, width: int, height: int) -> float:
    """How far so many tables side by side are from the shape of a page."""
    return abs(log(tables * width / (ceil(count / tables) * height) / SHAPE))


def _table(sheet: Sheet, pixels: Pixels, rows: range) -> Pixels:
    """Some rows; those beyond the last one are empty."""
    across, count = len(sheet.columns), len(sheet.rows)
    found = pixels[rows.start * across : rows.stop * across]
    empty = np.full(((rows.stop - min(rows.stop, count)) * across, *found.shape[1:]), 255, np.uint8)
    names = [*sheet.rows[rows.start : rows.stop], *[""] * (rows.stop - min(rows.stop, count))]
    return grids.grid([*found, *empty], names, sheet.columns, len(rows))
