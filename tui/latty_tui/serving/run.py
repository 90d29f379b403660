"""Runs the server until it is told to stop, and says where it is."""

import asyncio
import errno
import getpass
import signal
import socket
import sys
import webbrowser
from typing import TYPE_CHECKING

from latty.cli.out import Out
from latty.cli.run import Serving
from latty.errors import Interrupted, Locked, Missing, UsageError
from latty_tui.serving import files
from latty_tui.serving.gate import TOKEN, Gate

if TYPE_CHECKING:  # of the extra
    from websockets.asyncio.server import Server

    from latty_tui.serving.server import StudioServer

PORT = 8282  # unless another is asked for: this, or the next of NEAR that is free
NEAR = 10
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(order: Serving, out: Out) -> None:
    """Until a signal ends it. Raises Interrupted then; Missing where something is to be installed,
    Locked where the port is taken, UsageError for a host that is none of this machine's."""
    try:
        import websockets  # noqa: F401
    except ImportError:
        raise Missing("websockets is not installed here", "pip install 'latty[serve]'") from None
    page = files.load()
    number = asyncio.run(_serve(order, page, out))
    raise Interrupted(number)


async def _serve(order: Serving, page: dict[str, tuple[bytes, str]], out: Out) -> int:
    """The signal that ended it."""
    from latty_tui.serving.server import StudioServer

    told: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    _listen_for_signals(told)
    gate = Gate({order.host, socket.gethostname()})
    place = _Place(order, gate, out)
    server = StudioServer(order.words, page, gate, order.keep, place.tell)
    listening = await _bound(server, order)
    place.port = listening.sockets[0].getsockname()[1]
    place.welcome()
    try:
        return await told
    finally:
        await server.end()
        listening.close()
        await listening.wait_closed()


class _Place:
    """Where the page is, in words."""

    def __init__(self, order: Serving, gate: Gate, out: Out) -> None:
        self._order, self._gate, self._out, self.port = order, gate, out, 0

    @property
    def address(self) -> str:
        """Good for one browser."""
        host = self._order.host
        if host in ("0.0.0.0", "::"):
            host = socket.gethostname()
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}/?{TOKEN}={self._gate.token}"

    @property
    def forward(self) -> str:
        """What brings the port to another machine; -C halves what sixels take."""
        me = f"{getpass.getuser()}@{socket.gethostname()}"
        return f"ssh -C -L {self.port}:127.0.0.1:{self.port} {me}"

    def tell(self) -> None:
        """The address, on stdout."""
        self._out.result(self.address, address=self.address, port=self.port, forward=self.forward)
        sys.stdout.flush()  # whoever started us may read it through a pipe

    def welcome(self) -> None:
        """All there is to say at the beginning."""
        self.tell()
        if self._order.host in LOOPBACK:
            self._out.say(f"from another machine, first: {self.forward}")
        else:
            self._out.say("it is not encrypted: whoever sees the network sees all of it")
        self._out.say("an address is good for one browser, and then another one is printed here; "
                      "ctrl+C ends the studio and this")  # fmt: skip
        if self._order.browser:
            webbrowser.open(self.address)


def _listen_for_signals(told: "asyncio.Future[int]") -> None:
    def tell(number: int) -> None:
        if not told.done():
            told.set_result(number)

    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            asyncio.get_running_loop().add_signal_handler(number, tell, number)


async def _bound(server: "StudioServer", order: Serving) -> "Server":
    """Raises Locked, UsageError, OSError."""
    ports = [PORT + i for i in range(NEAR)] if order.port is None else [order.port]
    for port in ports:
        try:
            return await server.listen(order.host, port)
        except socket.gaierror:
            what = f"--host {order.host}: nobody knows a machine of that name"
            raise UsageError(what, "127.0.0.1 is this one") from None
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                what = f"--host {order.host} is no address of this machine"
                raise UsageError(what, "127.0.0.1 is always one") from None
            if error.errno != errno.EADDRINUSE:
                raise
    taken = f"port {ports[0]} is" if len(ports) == 1 else f"ports {ports[0]}-{ports[-1]} are"
    raise Locked(f"{taken} taken", "--port 0 takes one that is free")
