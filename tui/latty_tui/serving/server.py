"""The page, and the websocket between it and the studio.

One studio, one page: a page that comes takes the studio over, and the one before is told so. A page
that is gone leaves the studio as it is, for a while; then it is hung up, as by a terminal that is
closed. No more is sent than the page has shown: a slow one makes the studio wait at its terminal,
where it draws less, and nothing piles up here.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from latty_tui.serving.gate import TOKEN, Gate
from latty_tui.serving.hosted import Hosted, Size, TooMuch
from latty_tui.serving.modes import Modes

WINDOW = 1 << 20  # bytes on their way to a page, or there and not yet shown
MESSAGE = 1 << 22  # bytes of what is typed or pasted at once
MOST = 2000  # columns or rows
PING = 20.0  # seconds between two looks whether a page is there, and to answer
ENDED, ELSEWHERE, NONSENSE = 4000, 4001, 4002  # why a connection is closed
SOCKET = "/socket"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}  # xterm.js makes style sheets as it runs, and its decoder of sixels is WebAssembly
Files = dict[str, tuple[bytes, str]]


class Page:
    """One page that is open: what is on its way there."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self._sent = self._seen = 0
        self._left = False
        self._room = asyncio.Event()
        self._room.set()

    async def send(self, data: bytes) -> None:
        """Once there is room for it; nothing to a page that is gone."""
        await self._room.wait()
        with suppress(ConnectionClosed):
            await self.socket.send(data)
        self._sent += len(data)
        self._tell()

    def saw(self, count: int) -> None:
        """It has shown so many bytes, in all."""
        self._seen = max(self._seen, count)
        self._tell()

    def _tell(self) -> None:
        if self._left or self._sent - self._seen < WINDOW:
            self._room.set()
        else:
            self._room.clear()

    async def leave(self, code: int, reason: str = "") -> None:
        """Close it; who waits to send waits no more."""
        self._left = True
        self._tell()
        await self.socket.close(code, reason)


class StudioServer:
    """`words` are the studio's command line; `keep` s without a page end it; `used` is called
    when a token has been used and there is another."""

    def __init__(
        self,
        words: Sequence[str],
        files: Files,
        gate: Gate,
        keep: float,
        used: Callable[[], object],
    ) -> None:
        self._words, self._files, self._gate = words, files, gate
        self._keep, self._used = keep, used
        self._studio: Hosted | None = None
        self._running: asyncio.Task[None] | None = None
        self._page: Page | None = None
        self._modes = Modes()
        self._fresh = False  # whether the page has come after what is read next began
        self._last: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()

    async def listen(self, host: str, port: int) -> Server:
        """Raises OSError."""
        logger = logging.getLogger("latty.serve")  # requests that are wrong are no news
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
        return await serve(
            self._talk,
            host,
            port,
            process_request=self._answer,
            compression=None,
            ping_interval=PING,
            ping_timeout=PING,
            close_timeout=2,
            max_size=MESSAGE,
            server_header=None,
            logger=logger,
        )

    async def end(self) -> None:
        """End the studio, and what it has started."""
        if self._studio is not None:
            await self._studio.end()
        if self._running is not None:
            await self._running

    # HTTP.

    def _answer(self, socket: ServerConnection, request: Request) -> Response | None:
        """A file, or why there is none; None for a websocket that may be opened."""
        path = urlsplit(request.path)
        if not self._gate.is_host(request.headers.get("Host", "")):
            return _words(HTTPStatus.FORBIDDEN, "This name is none of this machine's.")
        known = self._gate.knows(request.headers.get("Cookie", ""))
        if path.path == SOCKET:
            if known and self._gate.is_ours(request.headers):
                return None
            return _words(HTTPStatus.FORBIDDEN, "Only the page of latty serve opens this.")
        more = dict[str, str]()
        token = parse_qs(path.query).get(TOKEN, [""])[0]
        if path.path == "/" and not known and (cookie := self._gate.exchange(token)) is not None:
            known, name = True, self._gate.cookie_name
            more["Set-Cookie"] = f"{name}={cookie}; HttpOnly; SameSite=Strict; Path=/"
            with suppress(OSError):  # nobody reads it any more
                self._used()
        if not known:
            what = "This address has been used, or is not whole."
            return _words(HTTPStatus.FORBIDDEN, f"{what} latty serve prints another one.")
        if path.path not in self._files:
            return _words(HTTPStatus.NOT_FOUND, "There is nothing here.")
        data, kind = self._files[path.path]
        return _response(HTTPStatus.OK, data, kind, more)

    # The websocket.

    async def _talk(self, socket: ServerConnection) -> None:
        page = Page(socket)
        try:
            async for message in socket:
                if self._page is not page and not await self._come(page, message):
                    break
                self._hear(page, message)
        except (TooMuch, ArithmeticError, ValueError, TypeError, KeyError, AttributeError):
            await page.leave(NONSENSE)
        except ConnectionClosed:
            pass
        finally:
            await self._gone(page)

    async def _come(self, page: Page, message: str | bytes) -> bool:
        """The first message of a page, which tells its size, brings it the studio; False for one
        whose studio another page has taken."""
        if not isinstance(message, str) or page.socket.state.name != "OPEN":
            raise ValueError("no size")
        size = _size(json.loads(message))
        async with self._turn:
            before, self._page = self._page, page
            if before is not None:
                await before.leave(ELSEWHERE)
            self._stay()
            if self._studio is None or self._studio.over.done():
                if self._running is not None:
                    await self._running
                self._page = page
                self._studio, self._modes = await Hosted.start(self._words, size), Modes()
                self._running = asyncio.create_task(self._carry(self._studio))
            else:
                self._fresh = True
                await page.send(self._modes.switches)
                self._studio.resize(size)
        return True

    def _hear(self, page: Page, message: str | bytes) -> None:
        if self._studio is None or self._page is not page:
            return
        if isinstance(message, bytes):
            self._studio.write(message)
            return
        told = json.loads(message)
        if "seen" in told:
            page.saw(int(told["seen"]))
        else:
            self._studio.resize(_size(told))

    async def _carry(self, studio: Hosted) -> None:
        """What the studio writes, to whatever page is there, until it has ended."""
        while data := await studio.read():
            page, shown = self._page, data
            if self._fresh:
                shown = self._modes.rest(data)
                self._fresh = not shown
            self._modes.follow(data)
            if page is not None and shown:
                await page.send(shown)
        code = await studio.over
        studio.close()
        page, self._page = self._page, None
        if page is not None:
            await page.leave(ENDED, "" if code == 0 else f" with exit code {code}")
        self._stay()

    async def _gone(self, page: Page) -> None:
        await page.leave(1000)
        if self._page is page:
            self._page = None
            self._stay()
            if self._studio is not None and not self._studio.over.done():
                loop = asyncio.get_running_loop()
                self._last = loop.call_later(self._keep, self._hang_up, self._studio)

    def _stay(self) -> None:
        """Nobody hangs up."""
        if self._last is not None:
            self._last.cancel()
            self._last = None

    def _hang_up(self, studio: Hosted) -> None:
        self._ending = asyncio.create_task(studio.end())


def _size(told: dict[str, list[int]]) -> Size:
    """Raises ValueError, KeyError, TypeError."""
    columns, rows, width, height = (int(number) for number in told["size"])
    if not (0 < columns <= MOST and 0 < rows <= MOST):
        raise ValueError("no size of a window")
    return columns, rows, max(0, min(width, 65535)), max(0, min(height, 65535))


def _words(status: HTTPStatus, text: str) -> Response:
    return _response(status, f"{text}\n".encode(), "text/plain", {})


def _response(status: HTTPStatus, body: bytes, kind: str, more: dict[str, str]) -> Response:
    headers = {
        "Content-Type": f"{kind}; charset=utf-8",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **HEADERS,
        **more,
    }
    return Response(status.value, status.phrase, Headers(headers), body)
