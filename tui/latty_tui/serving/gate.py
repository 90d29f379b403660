"""Who may come in: whoever brings the token of an address that was printed, once; from then on the
browser that got the cookie for it.

A page of another site must not get in through the visitor's browser: names that another's DNS may
point here are refused (Host), and so are websockets that another page opens (Origin).
"""

from collections.abc import Iterable, Mapping
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from secrets import token_urlsafe

TOKEN = "token"  # in the query of the address
SIZE = 32  # random bytes of a token and of a cookie


class Gate:
    """`names` are hosts that may stand in an address, beside localhost and bare IP addresses."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = {"localhost", *(name.lower() for name in names)}
        self._cookies: list[str] = []
        self.cookie_name = f"latty_{token_urlsafe(6)}"  # cookies of all ports lie together
        self.token = token_urlsafe(SIZE)

    def exchange(self, token: str) -> str | None:
        """The cookie for a token, which is worth nothing from now on; None for a wrong one."""
        if not _same(token, self.token):
            return None
        self.token = token_urlsafe(SIZE)
        self._cookies.append(token_urlsafe(SIZE))
        return self._cookies[-1]

    def knows(self, cookies: str) -> bool:
        """Whether a Cookie header holds one that was given out."""
        try:
            found = SimpleCookie(cookies).get(self.cookie_name)
        except CookieError:
            return False
        return found is not None and any([_same(found.value, one) for one in self._cookies])

    def is_host(self, host: str) -> bool:
        """Whether a Host header names this machine. An IP address does: no DNS is behind it."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        try:
            ip_address(name.strip("[]"))
        except ValueError:
            return name.lower() in self._names
        return True

    def is_ours(self, headers: Mapping[str, str]) -> bool:
        """Whether a websocket is opened by our own page, and by none of another origin."""
        return headers.get("Origin", "") == f"http://{headers.get('Host', '')}"


def _same(told: str, known: str) -> bool:
    return compare_digest(told.encode("utf-8", "replace"), known.encode())
