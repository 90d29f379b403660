"""WebP: a small animation or a still for web pages. `quality = 100` is lossless."""

import html
import re
from pathlib import Path
from typing import BinaryIO

from latty.presets import Output
from latty.presets.formats import LIMIT, Frames
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
_NAMESPACE = "urn:latty:recipe:1"
_XMP = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    f'rdf:about="" xmlns:latty="{_NAMESPACE}" latty:recipe="%s"/></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="r"?>'
)
ENTITIES = {  # "&amp;" last: what stands behind it is no entity any more
    b"&quot;": b'"', b"&#34;": b'"', b"&apos;": b"'", b"&#x27;": b"'", b"&#39;": b"'",
    b"&lt;": b"<", b"&gt;": b">", b"&amp;": b"&",
}  # fmt: skip
_IN_XMP = re.compile(rb'latty:recipe="([^"<>]*)"')


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3); delays in milliseconds; the encoder keeps compressed frames only."""
    from latty.render.writers.webp.encode import encode

    packet = _XMP % html.escape(comment)
    encode(film, path, output.quality, packet.encode("ascii"), report)


def recall(file: BinaryIO) -> bytes | None:
    """The recipe in the XMP packet. Raises OSError, ValueError."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"XMP ":
            # six times: what escaping may add to a recipe at the limit
            found = _IN_XMP.search(file.read(min(length, 6 * LIMIT)))
            return _unescaped(found[1]) if found else None
        file.seek(length + (length & 1), 1)
    return None


def _unescaped(text: bytes) -> bytes:
    """Text of XML without its entities, all in one pass each: html.unescape knows thousands."""
    for entity, character in ENTITIES.items():
        text = text.replace(entity, character)
    return text
