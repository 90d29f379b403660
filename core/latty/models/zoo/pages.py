"""Web pages that come in place of a file: what they say, and the file behind a confirmation page.

Google Drive asks "download anyway?" for files that it cannot scan: once as a link, later as a form,
and in the oldest way with a cookie. Each is known by what is on the page, in whatever language.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from latty.models.zoo import is_web

LONGEST = 2**16  # bytes that are looked at: the parser takes the square of it where there is no end
CONFIRM = "confirm"  # the field that says "download anyway"
COOKIE = "download_warning"  # how the names of Drive's oldest tokens begin
SITE = "google.com"  # its pages send people to another host of the same site


def is_page(head: bytes) -> bool:
    """Whether the first bytes are those of a page: no checkpoint begins with <."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


@dataclass(slots=True)
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    """Collects the forms and links of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self.links: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form" and found.get("method", "get").lower() == "get":
            self.forms.append(_Form(found.get("action", "")))
            self._open = True
        elif tag == "form":
            self._open = False
        elif tag == "input" and self._open and found.get("name"):
            self.forms[-1].fields[found["name"]] = found.get("value", "")
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])

    def handle_endtag(self, tag: str) -> None:
        self._open = self._open and tag != "form"


def behind(page: str, address: str, cookies: Iterable[tuple[str, str]]) -> str | None:
    """The address that a confirmation page leads to, on its own site; None for any other page.

    cookies    (name, value) that came with the page
    """
    reader = _Reader()
    with suppress(AssertionError, ValueError):  # of a page that is no HTML: what was read counts
        reader.feed(page)
    places = [(form.action, form.fields) for form in reader.forms if CONFIRM in form.fields]
    places += [(link, {}) for link in reader.links if f"{CONFIRM}=" in link.partition("?")[2]]
    tokens = [value for name, value in cookies if name.startswith(COOKIE)]
    places += [(address, {CONFIRM: token}) for token in tokens]
    for place, fields in places:
        with suppress(ValueError):  # no address at all
            target = urljoin(address, _with(place, fields))
            if _same_site(address, target):
                return target
    return None


def _with(address: str, fields: dict[str, str]) -> str:
    parts = urlsplit(address)
    query = {**dict(parse_qsl(parts.query)), **fields}
    return urlunsplit(parts._replace(query=urlencode(query)))


def _same_site(one: str, other: str) -> bool:
    if not is_web(other) or (one.startswith("https:") and not other.startswith("https:")):
        return False
    hosts = [(urlsplit(address).hostname or "").lower() for address in (one, other)]
    return hosts[0] == hosts[1] or all(f".{host}".endswith(f".{SITE}") for host in hosts)
