"""Small pictures of files that anybody may have put there. Runs in threads, knows no Textual."""

from collections import OrderedDict
from contextlib import closing
from pathlib import Path

from latty.errors import BadData
from latty.files import Stamp, stamp_of
from latty_tui.drawing.picture import RawPicture

SIDE = 256  # px of the longer side
MOST = 20_000_000  # px of a picture that is decoded for it
KEPT = 400  # of them, at 192 KiB at most

_kept: OrderedDict[tuple[Path, Stamp | None], RawPicture] = OrderedDict()


def thumbnail(path: Path) -> RawPicture:
    """A picture or the first frame of a film, small; the next time at once, while the file stays as
    it is. Raises BadData, UnfitFile, OSError."""
    key = path.absolute(), stamp_of(path)
    if (found := _kept.get(key)) is None:
        found = _drawn(path)
        _kept[key] = found
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def _drawn(path: Path) -> RawPicture:
    from latty_tui.drawing.encoding import shrunk
    from latty_tui.play import frames  # numpy, which the first paint is without

    with closing(frames(path, MOST)) as found:  # type: ignore[type-var]
        for pixels, _ in found:
            return shrunk(pixels, SIDE)
    raise BadData(f"{path.name} holds no picture")
