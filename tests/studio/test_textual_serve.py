"""`textual-serve latty`: another program's page, which has neither a terminal nor pictures."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_process import COMMAND, environment
from places import LIMIT
from processes import wait
from terminal_studio import processes_of
from websockets.sync.client import connect

pytestmark = pytest.mark.slow
SERVER = """
import sys
from textual_serve.server import Server
Server(sys.argv[1], port=int(sys.argv[2])).serve()
"""


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("localhost", port)) == 0


def test_the_studio_runs_behind_textual_serve(tmp_path: Path) -> None:
    pytest.importorskip("textual_serve")
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, "-c", SERVER, " ".join([*COMMAND, "demo"]), str(port)]
    server = subprocess.Popen(
        words,
        env=environment(tmp_path),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(lambda: listens(port))
        with connect(
            f"ws://localhost:{port}/ws?width=100&height=30", max_size=None, proxy=None
        ) as page:
            seen = ""

            def until(pattern: str) -> None:
                nonlocal seen
                end = time.monotonic() + LIMIT
                while not re.search(pattern, seen):
                    assert time.monotonic() < end, pattern
                    told = page.recv(LIMIT)
                    seen += told.decode() if isinstance(told, bytes) else ""

            until("(?s)history.*▀▀")
            seen = ""
            page.send(json.dumps(["stdin", "n"]))
            until("(?s)seed 8.*▀")
            assert ".png" not in seen
        wait(lambda: len(processes_of(tmp_path)) == 1)  # the page is closed
        with connect(f"ws://localhost:{port}/ws?width=100&height=30", max_size=None, proxy=None):
            wait(lambda: len(processes_of(tmp_path)) >= 3)
            os.kill(server.pid, signal.SIGKILL)
            wait(lambda: not processes_of(tmp_path))  # nobody reads it any more: a hang-up
    finally:
        server.kill()
        server.wait(10)
