"""One request of a file over http or https, and what can go wrong with it, sorted by what helps.

Passing trouble is worth another try; everything else is told at once. Certificates are verified,
redirects lead to the web only, and never from https to http.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from http.cookiejar import CookieJar
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPCookieProcessor,
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from latty.errors import LattyError, Missing
from latty.models.zoo import is_web
from latty.text import clean
from latty.version import __version__

PASSING = (408, 425, 429, 500, 502, 503, 504)  # statuses that another try may not meet
LONGEST_WAIT = 60  # seconds of a Retry-After that is followed


class Passing(Exception):
    """Trouble that may be gone at the next try; `wait` in seconds where the server says so."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Span:
    """Which bytes an answer brings: from `start`, of a file of `total` bytes (None: not said)."""

    start: int
    total: int | None


class SafeRedirects(HTTPRedirectHandler):
    """Follows to the web only, and never from https to http."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """The request for `newurl`. Raises HTTPError where it is not followed."""
        down = req.full_url.startswith("https:") and not newurl.startswith("https:")
        if down or not is_web(newurl):
            raise HTTPError(newurl, code, "not followed", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opener(cookies: CookieJar) -> OpenerDirector:
    """Speaks http and https, through the proxies of the environment, and nothing else."""
    made = OpenerDirector()
    handlers = (
        ProxyHandler(), HTTPHandler(), HTTPSHandler(context=ssl.create_default_context()),
        SafeRedirects(), HTTPCookieProcessor(cookies), HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    )  # fmt: skip
    for handler in handlers:
        made.add_handler(handler)
    return made


def ask(through: OpenerDirector, address: str, extra: Mapping[str, str], timeout: float) -> Any:
    """The open answer; raises Passing, LattyError, and HTTPError for a 416."""
    headers = {"User-Agent": f"latty/{__version__}", "Accept-Encoding": "identity", **extra}
    try:
        return through.open(Request(address, headers=headers), timeout=timeout)
    except HTTPError as error:
        error.close()
        if error.code == 416:
            raise
        raise _refused(error, host(address)) from None
    except (OSError, HTTPException, ValueError) as error:
        raise trouble(error, host(address)) from None


def host(address: str) -> str:
    """The server's name, fit for a terminal."""
    return clean(urlsplit(address).hostname or address, 60)


def trouble(error: Exception, where: str) -> Exception:
    """What a failed connection means: Passing, or a LattyError when no other try can help."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        what = f"the certificate of {where} is not to be trusted: {reason.verify_message}"
        return LattyError(what, "is the clock right? a proxy may stand between")
    if isinstance(error, ValueError):
        return LattyError(f"{where} answered with what is not HTTP: {clean(str(error), 80)}")
    if isinstance(reason, TimeoutError):
        return Passing(f"{where} did not answer in time")
    said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return Passing(f"{where}: {clean(said, 80)}")


def _refused(error: HTTPError, where: str) -> Exception:
    if error.code in PASSING:
        after = error.headers.get("Retry-After") or ""
        wait = min(int(after), LONGEST_WAIT) if re.fullmatch("[0-9]{1,6}", after) else 0
        return Passing(f"{where} answered {error.code}", wait)
    if error.code in (404, 410):
        hint = "it may have moved: see the page of who made it, then latty import FILE"
        return Missing(f"{where} has no such file any more ({error.code})", hint)
    if 300 <= error.code < 400:
        place = clean(error.headers.get("Location") or "", 80)
        what = f"{where} redirects to '{place}', where latty does not follow"
        return LattyError(what, "fetch it in a browser, then latty import FILE")
    hint = "fetch it in a browser, then latty import FILE"
    return LattyError(f"{where} refuses the file ({error.code})", hint)


def span(status: int, headers: Mapping[str, str]) -> Span | None:
    """What a 200 or 206 brings; None for an answer that makes no sense."""
    if status == 206:
        found = re.fullmatch(
            r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15}|\*)",
            (headers.get("Content-Range") or "").strip(),
        )
        if not found:
            return None
        total = None if found[3] == "*" else int(found[3])
        return Span(int(found[1]), total)
    length = (headers.get("Content-Length") or "").strip()
    if status != 200:
        return None
    return Span(0, int(length) if re.fullmatch("[0-9]{1,15}", length) else None)
