"""`latty serve`: who gets in, that the studio outlives its page and not its server, and what is
said where something is missing."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cli_process import environment, latty
from processes import wait
from served import Served, place_xterm, serving
from terminal_studio import processes_of
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from latty_tui.serving.server import ELSEWHERE, ENDED, NONSENSE, WINDOW

SIGNALS = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM]


def refused(served: Served, **headers: str) -> int:
    """The status with which a websocket is refused."""
    origin = headers.pop("origin", f"http://127.0.0.1:{served.port}")
    address = f"ws://127.0.0.1:{served.port}/socket"
    with (
        pytest.raises(InvalidStatus) as told,
        connect(address, origin=origin, additional_headers=headers, proxy=None),  # type: ignore[arg-type]
    ):
        pass
    return told.value.response.status_code


def test_only_a_browser_with_the_address_gets_in(tmp_path: Path) -> None:
    place_xterm(tmp_path)
    with serving(tmp_path) as served:
        assert served.told["forward"].startswith(
            f"ssh -C -L {served.port}:127.0.0.1:{served.port} "
        )
        first = urlsplit(served.address)
        assert first.hostname == "127.0.0.1"
        address = f"{first.path}?{first.query}"
        for path in ("/", "/?token=", f"{address}x", "/studio.js", "/xterm.js"):
            assert served.get(path).status == 403, path
        assert served.get(address, Host="evil.example").status == 403  # and it is not used up

        answer = served.get(address)
        cookie = answer.headers["Set-Cookie"]
        assert answer.status == 200 and b"xterm.js" in answer.body
        assert {"HttpOnly", "SameSite=Strict"} <= {part.strip() for part in cookie.split(";")}
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert served.get(address).status == 403
        assert served.next_address() != first.geturl()

        cookie = cookie.partition(";")[0]
        for path in ("/", address, "/studio.js", "/studio.css", "/xterm.js", "/addon-image.js"):
            assert served.get(path, Cookie=cookie).status == 200, path
        for path in (
            "/index.html",
            "/../gate.py",
            "/xterm.licence",
            "//etc/passwd",
            "/%2e%2e/gate.py",
        ):
            assert served.get(path, Cookie=cookie).status == 404, path
        assert served.get("/", Cookie=cookie, Host=f"evil.example:{served.port}").status == 403

        assert refused(served) == 403
        assert refused(served, Cookie=f"{cookie}x") == 403
        for origin in ("http://evil.example", f"http://localhost:{served.port}", "null"):
            assert refused(served, Cookie=cookie, origin=origin) == 403, origin
        assert len(processes_of(tmp_path)) == 1  # no studio was started for any of it
        assert served.end(signal.SIGTERM) == 143


@pytest.mark.slow
def test_the_studio_outlives_its_page(tmp_path: Path) -> None:
    place_xterm(tmp_path)
    with serving(tmp_path, "--keep", "0.02", "demo") as served:
        cookie = served.cookie()
        with served.page(cookie) as page:
            page.wait_for(rb"(?s)\x1b\[\?1049h.*history")
            page.type("s43\r")
            page.wait_for(b"seed 43")
            page.socket.socket.shutdown(socket.SHUT_RDWR)  # the line is cut

        with served.page(cookie) as again:
            again.wait_for(rb"(?s)\x1b\[\?1049h.*history.*seed 43")
            with served.page(served.cookie(), (120, 40, 960, 640)) as other:
                other.wait_for(b"history")
                assert again.closed()[0] == ELSEWHERE
                other.type("q")
                assert other.closed() == (ENDED, "")
        with served.page(cookie) as page:
            page.wait_for(b"seed 43")  # another studio, which goes on where the first one was
            wait(lambda: len(processes_of(tmp_path)) >= 3)
        wait(lambda: len(processes_of(tmp_path)) == 1)  # its page is closed: it is hung up
        assert served.process.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_all_of_it(tmp_path: Path, number: signal.Signals) -> None:
    place_xterm(tmp_path)
    with serving(tmp_path) as served, served.page(served.cookie()) as page:
        page.wait_for(b"history")
        wait(lambda: len(processes_of(tmp_path)) >= 3)  # the engine, too
        assert served.end(number) == 128 + number
        wait(lambda: not processes_of(tmp_path))


@pytest.mark.slow
def test_a_page_that_shows_nothing_is_sent_no_more(tmp_path: Path) -> None:
    place_xterm(tmp_path)
    with serving(tmp_path) as served, served.page(served.cookie()) as page:
        page.wait_for(b"history")
        start = page.seen
        while len(page.data) - start < WINDOW:
            page.resize(200, 60 + len(page.data) % 2, 1600, 960)
            page.receive()
        for turn in range(20):
            page.resize(200, 60 + turn % 2, 1600, 960)
        with pytest.raises(TimeoutError):
            while True:
                page.receive(1.0)
        assert len(page.data) - start <= WINDOW + 2**16
        page.see()
        page.receive()


def test_nonsense_is_no_command(tmp_path: Path) -> None:
    place_xterm(tmp_path)
    with serving(tmp_path) as served:
        cookie = served.cookie()
        for said in (
            *("{", "[]", "{}", '{"size": 3}', '{"size": [1, 2]}', '{"size": [0, 1, 2, 3]}'),
            *(
                '{"size": [1e9, 1, 1, 1]}',
                '{"size": [Infinity, 1, 1, 1]}',
                '{"size": ["x", 1, 1, 1]}',
                b"typed too early",
            ),
        ):
            with served.page(cookie, ()) as page:
                page.socket.send(said)
                assert page.closed()[0] == NONSENSE, said
        assert len(processes_of(tmp_path)) == 1


# What is missing, or wrong.


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 66, "latty serve --setup brings it with npm"),
        (["nosuch"], 2, "'nosuch' is no verb, model"),
        (["no.toml"], 66, "there is no file no.toml"),
        (["--port", "70000"], 2, "ports are 0 to 65535"),
        (["--keep", "nan"], 2, "so many minutes"),
        (["--setup"], 66, "npm is not here"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = latty("serve", *words, home=tmp_path, PATH="/nowhere")
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert said in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_place_that_is_not_free(tmp_path: Path) -> None:
    place_xterm(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = latty("serve", "--port", str(port), home=tmp_path)
        assert done.returncode == 75 and f"port {port} is taken" in done.stderr
    done = latty("serve", "--host", "192.0.2.1", "--port", "0", home=tmp_path)
    assert done.returncode == 2 and "no address of this machine" in done.stderr


def test_without_the_library(tmp_path: Path) -> None:
    code = (
        "import sys, latty_tui.__main__ as m; sys.modules['websockets'] = None; sys.exit(m.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "serve"],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 66 and "pip install 'latty[serve]'" in done.stderr


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        (
            "echo npm error code E404 >&2; echo npm error 404 Not Found >&2; exit 1",
            1,
            "404 Not Found",
        ),
        (
            "for n in xterm-6.0.0 addon-image-0.9.0; do echo other > xterm-$n.tgz; done",
            65,
            "another one",
        ),
        ("exit 0", 66, "npm brought no xterm-xterm-"),
    ],
)
def test_an_npm_that_brings_something_else(
    tmp_path: Path, script: str, code: int, said: str
) -> None:
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o700)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = latty("serve", "--setup", home=tmp_path, PATH=path)
    assert done.returncode == code and said in done.stderr, done.stderr
    assert not (tmp_path / "home" / "data" / "browser").exists()
