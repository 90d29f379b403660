"""The recipe inside a finished file: found by content, read without trusting the file.

GIF comment extension, PNG iTXt field, WebP XMP packet, `comment` of MP4 and WebM. Only the bytes
of that field are ever unpacked, and never more than LIMIT of them.
"""

import html
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from latty.errors import BadData, Missing

LIMIT = 1 << 20  # bytes of a recipe
PNG_KEY = "latty"
_NAMESPACE = "urn:latty:recipe:1"
_XMP = (
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    f'rdf:about="" xmlns:latty="{_NAMESPACE}" latty:recipe="%s"/></rdf:RDF></x:xmpmeta>'
    '<?xpacket end="r"?>'
)
_IN_XMP = re.compile(rb'latty:recipe="([^"<>]*)"')


def xmp_packet(comment: str) -> bytes:
    """A recipe as the XMP packet that WebP carries."""
    return (_XMP % html.escape(comment)).encode("ascii")


def extract(path: Path) -> str:
    """The text of the recipe in a file, or in the first picture of a folder of frames.

    Raises BadData where there is none or the file is damaged, Missing where there is no file.
    """
    if path.is_dir():
        path = min(path.glob("*.png"), default=path)
    try:
        with path.open("rb") as file:
            text = _find(file)
    except FileNotFoundError:
        raise Missing(f"no file {path.name}") from None
    except (OSError, ValueError, struct.error, zlib.error):
        raise BadData(f"{path.name} is damaged or is no picture") from None
    if text is None:
        hint = "pictures and films that latty wrote have one, unless another program saved them"
        raise BadData(f"{path.name} holds no recipe", hint)
    if len(text) > LIMIT:
        raise BadData(f"the recipe in {path.name} is larger than {LIMIT >> 20} MiB")
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        raise BadData(f"the recipe in {path.name} is damaged") from None


def _find(file: BinaryIO) -> bytes | None:
    head = file.read(12)
    file.seek(0)
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return next(_gif_comments(file), None)
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return next(_png_texts(file), None)
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return _webp_recipe(file)
    if head[4:8] == b"ftyp" or head[:4] == b"\x1a\x45\xdf\xa3":
        return _video_comment(file, "mp4" if head[4:8] == b"ftyp" else "matroska")
    if head[:1] == b"{":
        return file.read(LIMIT + 1)
    raise ValueError("no format that carries a recipe")


def _gif_comments(file: BinaryIO) -> Iterator[bytes]:
    """Comments that hold a recipe, before the first picture: where latty writes it."""
    head = file.read(13)
    if head[10] & 0x80:
        file.seek(3 << (head[10] & 7) + 1, 1)
    while file.read(1) == b"\x21":
        label, data = file.read(1), bytearray()
        while size := (file.read(1) or b"\0")[0]:
            data += file.read(size)
            if len(data) > LIMIT:
                break
        if label == b"\xfe" and data[:1] == b"{":
            yield bytes(data)


def _png_texts(file: BinaryIO) -> Iterator[bytes]:
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        (length,) = struct.unpack(">I", head[:4])
        if head[4:] == b"iTXt" and length <= LIMIT:
            data = file.read(length)
            (checksum,) = struct.unpack(">I", file.read(4))
            key, _, rest = data.partition(b"\0")
            if key == PNG_KEY.encode() and checksum == zlib.crc32(b"iTXt" + data):
                packed, text = rest[0], rest[2:].split(b"\0", 2)[2]
                yield zlib.decompressobj().decompress(text, LIMIT + 1) if packed else text
        else:
            file.seek(length + 4, 1)


def _webp_recipe(file: BinaryIO) -> bytes | None:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"XMP ":
            # five times: what escaping may add to a recipe at the limit
            found = _IN_XMP.search(file.read(min(length, 6 * LIMIT)))
            return html.unescape(found[1].decode("ascii")).encode() if found else None
        file.seek(length + (length & 1), 1)
    return None


def _video_comment(file: BinaryIO, name: str) -> bytes | None:
    import av

    try:
        with av.open(file, "r", format=name) as container:
            tags = {key.lower(): value for key, value in container.metadata.items()}
    except av.FFmpegError as error:
        raise ValueError from error
    text = tags.get("comment", "")
    return text.encode() if text.startswith("{") else None
