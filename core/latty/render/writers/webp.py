"""WebP: a small animation or a still for web pages. `quality = 100` is lossless."""

import html
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames, starts
from latty.report import Report

FORMATS = {
    ".webp": {
        "what": "WebP picture",
        "alpha": True,
        "film": True,
        "magic": rb"RIFF....WEBP",
        "reads": {"fps", "loop", "quality"},
        "bytes_per_pixel": 1.5,  # lossless is the worst case
        "encoders": (("libwebp", "webp", "yuv420p"),),
    }
}
LOSSLESS = 100
_NAMESPACE = "urn:latty:recipe:1"
_XMP = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    f'rdf:about="" xmlns:latty="{_NAMESPACE}" latty:recipe="%s"/></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="r"?>'
)
_IN_XMP = re.compile(rb'latty:recipe="([^"<>]*)"')


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3); delays in milliseconds; the encoder keeps compressed frames only."""
    times = starts(len(film), film.fps, 1000)
    options: dict[str, Any] = {
        "quality": output.quality,
        "lossless": output.quality >= LOSSLESS,
        "method": 4,
        "xmp": (_XMP % html.escape(comment)).encode("ascii"),
    }
    if len(film) > 1:
        delays = [stop - start for start, stop in pairwise(times)]
        options |= {"save_all": True, "duration": delays, "loop": 0 if film.loops else 1}
    sequence = _Sequence(film, report)
    if sequence.mode == "RGBA":  # else lossless files lose the colours of what is not seen
        options["exact"] = True
    with path.open("wb") as file:
        sequence.save(file, format="WEBP", **options)


def recall(file: BinaryIO) -> bytes | None:
    """The recipe in the XMP packet. Raises OSError, ValueError."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"XMP ":
            # five times: what escaping may add to a recipe at the limit
            found = _IN_XMP.search(file.read(min(length, 6 * LIMIT)))
            return html.unescape(found[1].decode("ascii")).encode() if found else None
        file.seek(length + (length & 1), 1)
    return None


class _Sequence(Image.Image):
    """A film as one of Pillow's many-framed pictures: a list of them would hold every frame."""

    def __init__(self, film: Frames, report: Report) -> None:
        super().__init__()
        self._report, self._frames, self._next = report, iter(film), 0
        self.n_frames = len(film)
        self._show(0)

    def _show(self, index: int) -> None:
        picture = Image.fromarray(next(self._frames))
        self.im, self._mode, self._size = picture.im, picture.mode, picture.size
        self._next = index + 1
        self._report(self._next, self.n_frames, "webp")

    def tell(self) -> int:
        return 0

    def seek(self, frame: int) -> None:
        """Forward by one only, which is all that saving asks for; back at the end is ignored."""
        if frame == self._next:
            self._show(frame)
