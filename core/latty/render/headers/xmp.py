"""A packet of XMP that holds a recipe: what pictures have for texts of any length."""

import html
import re

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
_RECIPE = re.compile(rb'latty:recipe="([^"<>]*)"')
GROWTH = 6  # times: what escaping may add to a recipe


def packet(comment: str) -> bytes:
    """The packet of a recipe (ASCII); none for none."""
    return b"" if not comment else (_XMP % html.escape(comment)).encode("ascii")


def recipe(packet: bytes) -> bytes | None:
    """The recipe in a packet, None where there is none."""
    found = _RECIPE.search(packet)
    return _unescaped(found[1]) if found else None


def _unescaped(text: bytes) -> bytes:
    """Text of XML without its entities, all in one pass each: html.unescape knows thousands."""
    for entity, character in ENTITIES.items():
        text = text.replace(entity, character)
    return text
