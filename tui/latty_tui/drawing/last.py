"""The last pictures, kept small in the cache: what is seen, dimmed, until the engine is up.

A file is named by what it shows: the scenes, and the state of the files that they are drawn from,
of locked directions too. So the picture of another scene, or of a model that was another file then,
is never found; a picture is not kept where a file has changed since it was asked for.
"""

import asyncio
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from textual.timer import Timer

from latty import home, reading
from latty.errors import LattyError, Missing
from latty.files import stamp_of, write
from latty.folders import private
from latty.scene import MIXING, Scene, references, to_table
from latty_tui.desk import Desk
from latty_tui.drawing.encoding import array, shrunk
from latty_tui.drawing.picture import RawPicture

REST = 1.0  # seconds that a picture is seen before it is kept
SIDE = 384  # px of the longer side
KEPT = 64  # pictures
NAME = re.compile(r"[0-9a-f]{32}\.picture")


def folder() -> Path:
    """Where they are."""
    return home.cache_dir() / "last"


class LastPictures:
    """Those of one studio: `seen` keeps what is looked at, `find` has it again."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._seen: tuple[Sequence[Scene], int, RawPicture, int] | None = None  # not kept yet
        self._timer: Timer | None = None

    def seen(self, scenes: Sequence[Scene], columns: int, picture: RawPicture, asked: int) -> None:
        """A whole picture is shown that was asked for at a `time.time_ns()`; it is kept once it
        rests."""
        self._seen = scenes, columns, picture, asked
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.desk.set_timer(REST, self._rests)

    def _rests(self) -> None:
        self.desk.background(self.flush(), "last")

    async def flush(self) -> None:
        """Keep what was shown last, now. What cannot be kept is not."""
        seen, self._seen = self._seen, None
        if seen is not None:
            with suppress(LattyError, OSError):
                await asyncio.to_thread(keep, *seen)

    async def find(self, scenes: Sequence[Scene], columns: int) -> RawPicture | None:
        """The picture of these scenes in rows of `columns`, None where none is kept."""
        return await asyncio.to_thread(find, scenes, columns)


def keep(
    scenes: Sequence[Scene], columns: int, picture: RawPicture, asked: int | None = None
) -> None:
    """Write it, at most SIDE px large, and remove the oldest beyond KEPT; `asked` is a
    `time.time_ns()`, None for now. Raises LattyError, OSError."""
    if asked is not None and any(_changed(path) > asked for path in _files(scenes)):
        return
    if max(picture.width, picture.height) > SIDE:
        picture = shrunk(array(picture), SIDE)
    key = _key(scenes, columns)
    head = {"picture": key, "width": picture.width, "height": picture.height}
    path = private(folder()) / f"{key}.picture"
    write(path, [json.dumps(head).encode() + b"\n", zlib.compress(picture.pixels, 3)])
    ours = (one for one in path.parent.iterdir() if NAME.fullmatch(one.name))
    for old in sorted(ours, key=lambda one: stamp_of(one) or (0, 0, 0))[:-KEPT]:
        old.unlink(missing_ok=True)


def find(scenes: Sequence[Scene], columns: int) -> RawPicture | None:
    """What `keep` wrote of the same scenes; None where there is nothing, or anything else."""
    with suppress(LattyError, OSError, ValueError, KeyError, TypeError, zlib.error):
        key = _key(scenes, columns)
        data = reading.content(private(folder()) / f"{key}.picture")
        first, _, packed = data.partition(b"\n")
        head = json.loads(first)
        width, height = head["width"], head["height"]
        sound = type(width) is type(height) is int and 0 < width <= SIDE and 0 < height <= SIDE
        if sound and head["picture"] == key:
            unpacked = zlib.decompressobj()
            pixels = unpacked.decompress(packed, 3 * width * height + 1)
            if unpacked.eof and len(pixels) == 3 * width * height:
                return RawPicture(pixels, width, height)
    return None


def _key(scenes: Sequence[Scene], columns: int) -> str:
    """Raises LattyError, OSError for a file that is not there, and a scene whose picture is not
    kept."""
    tables = [to_table(scene) for scene in scenes]
    files = sorted({str(path): stamp_of(path) for path in _files(scenes)}.items())
    said = json.dumps([1, columns, tables, files], sort_keys=True)
    return sha256(said.encode()).hexdigest()[:32]


def _files(scenes: Sequence[Scene]) -> Iterator[Path]:
    """What they are drawn from. Raises LattyError, OSError for what is not there, and Missing for
    stored latents, whose names may stand for others by now."""
    from latty.directions.store import SETS, split
    from latty.models.store import model_file

    for scene in scenes:
        for _, kind, ref in references(to_table(scene)):
            if kind == "latent":
                raise Missing("the picture of a stored latent is not kept")
            if kind != "model":
                if not ref.startswith(MIXING):
                    yield SETS.find(split(ref)[0])
            elif (file := model_file(ref)) is not None:
                yield file


def _changed(path: Path) -> int:
    """When a file was written or came to be there, ns. Raises OSError."""
    found = path.stat()
    return max(found.st_mtime_ns, found.st_ctime_ns)
