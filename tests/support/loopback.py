"""A server on loopback that behaves as badly as a test asks, once per request."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """One request; the server's script says how it is answered."""

    server: "Server"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))
        script = self.server.scripts.get(self.path.split("?")[0], [])
        answer = script.pop(0) if len(script) > 1 else script[0] if script else status(404)
        try:
            answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *words: object) -> None:
        return

    def head(self, code: int, **headers: object) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


class Server(ThreadingHTTPServer):
    """Keeps what was asked: (path, headers)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scripts: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def at(self, path: str, *answers: Answer) -> str:
        """Answer `path` in this way, the last one for ever; returns the address."""
        self.scripts[path] = [*answers]
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for _, headers in self.asked]


@contextmanager
def serving() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@dataclass
class File:
    """An answer that knows ranges. Each flaw is one way to be wrong.

    cut        bytes after which the connection drops
    ignores    no ranges: always the whole file
    length     what Content-Length says in place of the truth
    shift      how far the part sent lies from the part asked for
    """

    data: bytes
    cut: int | None = None
    ignores: bool = False
    length: int | None = None
    silent: bool = False  # no Content-Length at all
    shift: int = 0
    tag: str = '"one"'
    headers: dict[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None  # waited for after `cut`

    def __call__(self, to: Handler) -> None:
        start = 0
        asked = to.headers.get("Range")
        same = to.headers.get("If-Range") in (None, self.tag)
        if asked and same and not self.ignores:
            start = int(asked.removeprefix("bytes=").rstrip("-")) + self.shift
        if start >= len(self.data) > 0:
            return to.head(416, Content_Range=f"bytes */{len(self.data)}", Content_Length=0)
        body = self.data[start:]
        more: dict[str, object] = {"ETag": self.tag, **self.headers}
        if not self.silent:
            more["Content_Length"] = len(body) if self.length is None else self.length
        if start or (asked and same and not self.ignores):
            more["Content_Range"] = f"bytes {start}-{len(self.data) - 1}/{len(self.data)}"
            to.head(206, **more)
        else:
            to.head(200, **more)
        to.wfile.write(body[: self.cut])
        to.wfile.flush()
        if self.hold is not None and self.cut is not None:
            self.hold.wait(30)
        to.close_connection = True


def status(code: int, **headers: object) -> Answer:
    return lambda to: to.head(code, Content_Length=0, **headers)


def page(text: str, **headers: object) -> Answer:
    def answer(to: Handler) -> None:
        data = text.encode()
        to.head(200, Content_Type="text/html; charset=utf-8", Content_Length=len(data), **headers)
        to.wfile.write(data)

    return answer
