"""A real Chromium without a window, driven by its own protocol (DevTools, over a websocket)."""

import json
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from places import LIMIT
from terminal_pictures import Pixels
from terminal_tools import path_of

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-port=0", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip
CODES = {  # key -> what DevTools calls it, its code, its number
    "Enter": ("Enter", "Enter", 13),
    "Escape": ("Escape", "Escape", 27),
    "Tab": ("Tab", "Tab", 9),
    "Up": ("ArrowUp", "ArrowUp", 38),
    "Down": ("ArrowDown", "ArrowDown", 40),
    "Left": ("ArrowLeft", "ArrowLeft", 37),
    "Right": ("ArrowRight", "ArrowRight", 39),
    "F1": ("F1", "F1", 112),
}
CTRL = 2  # a modifier


class Browser:
    """One browser with one page. Use `opened`."""

    def __init__(self, socket: "ClientConnection", process: subprocess.Popen[bytes]) -> None:
        self.process, self._socket = process, socket
        self._numbers = count(1)
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(one["targetId"] for one in targets if one["type"] == "page")
        told = self._call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = told["sessionId"]

    def _call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        order = {"id": number, "method": method, "params": params}
        self._socket.send(json.dumps(order | ({"sessionId": session} if session else {})))
        while (told := json.loads(self._socket.recv(LIMIT))).get("id") != number:
            pass  # events
        assert "error" not in told, f"{method}: {told['error']}"
        result: dict[str, Any] = told["result"]
        return result

    def page(self, method: str, **params: Any) -> dict[str, Any]:
        """A call of the page's part of the protocol."""
        return self._call(method, self._session, **params)

    def go(self, address: str) -> None:
        self.page("Page.navigate", url=address)

    def run(self, script: str) -> Any:
        """What a line of JavaScript is worth, promises awaited."""
        told = self.page(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def resize(self, width: int, height: int) -> None:
        """The page, in px."""
        self.page(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def press(self, *keys: str) -> None:
        """Keys: n, ?, ctrl+p, Escape."""
        for word in keys:
            *held, key = word.split("+") if len(word) > 1 else [word]
            name, code, number = CODES.get(key, (key, f"Key{key.upper()}", ord(key[0].upper())))
            modifiers = CTRL if held else 0
            text = {} if held or key in CODES else {"text": key}
            same = {"key": name, "code": code, "windowsVirtualKeyCode": number}
            self.page("Input.dispatchKeyEvent", type="keyDown", modifiers=modifiers, **same, **text)
            self.page("Input.dispatchKeyEvent", type="keyUp", modifiers=modifiers, **same)

    def click(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            self.page("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def shot(self) -> Pixels:
        """The page."""
        from PIL import Image

        data = self.page("Page.captureScreenshot", format="png")["data"]
        with Image.open(BytesIO(b64decode(data))) as image:
            return np.asarray(image.convert("RGB"))

    def wait(self, so: Callable[[], object], what: str, timeout: float = LIMIT) -> None:
        end = time.monotonic() + timeout
        while not so():
            assert self.process.poll() is None, f"the browser ended: {what}"
            assert time.monotonic() < end, f"not within {timeout} s: {what}"
            time.sleep(0.1)


@contextmanager
def opened(folder: Path, width: int = 1100, height: int = 800) -> Iterator[Browser]:
    """A browser that nobody has used before, with an empty page."""
    from websockets.sync.client import connect

    profile = folder / "profile"
    process = subprocess.Popen(
        [path_of("chromium"), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        told = profile / "DevToolsActivePort"
        end = time.monotonic() + LIMIT
        while not (told.is_file() and len(told.read_text().split()) == 2):
            assert process.poll() is None and time.monotonic() < end, "the browser did not start"
            time.sleep(0.1)
        port, path = told.read_text().split()
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as socket:
            browser = Browser(socket, process)
            browser.resize(width, height)
            yield browser
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
