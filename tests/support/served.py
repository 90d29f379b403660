"""`latty serve` as people start it, and a page that is no browser: one end of its websocket."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import Message
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from cli_process import COMMAND, environment
from places import LIMIT

from latty_tui.serving import files

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection


def place_xterm(folder: Path) -> None:
    """Something in the place of xterm.js, under that folder's home, where no browser reads it."""
    for package in files.PACKAGES:
        for name in package.takes.values():
            path = folder / "home" / "data" / "browser" / package.file(name).name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"// {name}")


class Answer(NamedTuple):
    """What the server says to a GET."""

    status: int
    headers: Message
    body: bytes


class Served:
    """Use `serving`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.next_address()

    def next_address(self) -> str:
        """The one that is printed next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"no address, exit code {self.process.wait(LIMIT)}"
        self.told: dict[str, Any] = json.loads(line)
        self.address: str = self.told["address"]
        self.port: int = self.told["port"]
        return self.address

    def get(self, path: str = "/", **headers: str) -> "Answer":
        """An answer."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def cookie(self) -> str:
        """That of a browser which opens the address."""
        found = urlsplit(self.address)
        answer = self.get(f"{found.path}?{found.query}")
        assert answer.status == 200, answer.body
        self.next_address()
        return str(answer.headers["Set-Cookie"]).partition(";")[0]

    @contextmanager
    def page(
        self, cookie: str, size: tuple[int, ...] = (100, 30, 800, 480)
    ) -> Iterator["FakePage"]:
        """A page that is open."""
        from websockets.sync.client import connect

        with connect(
            f"ws://127.0.0.1:{self.port}/socket",
            origin=f"http://127.0.0.1:{self.port}",  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie},
            max_size=None,
            compression=None,
            proxy=None,
        ) as socket:
            yield FakePage(socket, size)

    def end(self, number: int) -> int:
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(LIMIT)


class FakePage:
    """What the browser's page does, without a terminal: it answers no question."""

    def __init__(self, socket: "ClientConnection", size: tuple[int, ...]) -> None:
        self.socket = socket
        self.data, self.seen, self._waited = b"", 0, 0
        if size:
            self.resize(*size)

    def resize(self, *size: int) -> None:
        self.socket.send(json.dumps({"size": size}))

    def type(self, text: str) -> None:
        self.socket.send(text.encode())

    def receive(self, timeout: float = LIMIT) -> int:
        """More bytes; how many. Raises TimeoutError, ConnectionClosed."""
        data = self.socket.recv(timeout)
        assert isinstance(data, bytes)
        self.data += data
        return len(data)

    def see(self) -> None:
        """Everything that came is shown."""
        self.seen = len(self.data)
        self.socket.send(json.dumps({"seen": self.seen}))

    def wait_for(self, pattern: bytes) -> None:
        """Until it has come, in what is new since the last wait."""
        while (found := re.search(pattern, self.data[self._waited :])) is None:
            self.receive()
            self.see()
        self._waited += found.end()

    def closed(self) -> tuple[int, str]:
        """The code and the reason for which the other side closes."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                self.receive()
                self.see()
        except ConnectionClosed:
            code, reason = self.socket.close_code, self.socket.close_reason
        assert code is not None
        return code, reason or ""


@contextmanager
def serving(folder: Path, *words: str, **more: str) -> Iterator[Served]:
    """`latty serve WORDS` at a free port, once it has said its address."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--json", "--port", "0", "--device", "cpu", *words],
        env=environment(folder, TEXTUAL_ANIMATIONS="none", **more),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Served(process)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        assert process.stdout is not None
        process.stdout.close()
