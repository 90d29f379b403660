"""Who gets into a served studio, and what a terminal that joins late is told."""

import pytest

from latty_tui.serving.gate import Gate
from latty_tui.serving.modes import Modes


def test_a_token_opens_once_and_to_one_browser() -> None:
    gate = Gate()
    token = gate.token
    assert gate.exchange("") is None and gate.exchange(token[:-1]) is None
    assert gate.exchange("ÿ") is None
    cookie = gate.exchange(token)
    assert cookie and gate.exchange(token) is None and gate.token != token
    assert gate.knows(f"other=1; {gate.cookie_name}={cookie}")
    for wrong in ("", "x", f"{gate.cookie_name}=", f"{gate.cookie_name}={cookie[:-1]}",
                  f"other={cookie}", f"{gate.cookie_name}={token}"):  # fmt: skip
        assert not gate.knows(wrong), wrong
    other = gate.exchange(gate.token)
    assert other != cookie and gate.knows(f"{gate.cookie_name}={cookie}")
    assert Gate().cookie_name != gate.cookie_name


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("localhost", True),
        ("LOCALHOST:9000", True),
        ("127.0.0.1:8282", True),
        ("[::1]:1", True),
        ("[::1]", True),
        ("box", True),
        ("10.0.0.7:8282", True),
        ("", False),
        ("evil.example", False),
        ("localhost.evil.example:8282", False),
        ("127.0.0.1.evil.example", False),
        ("127.0.0.1:x", False),
    ],
)
def test_names_that_are_not_this_machines_are_refused(host: str, ours: bool) -> None:
    assert Gate({"Box"}).is_host(host) == ours


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://localhost:9000", True),
        ("http://localhost:9001", False),
        ("http://localhost", False),
        ("https://localhost:9000", False),
        ("null", False),
        ("", False),
        ("http://evil.example", False),
    ],
)
def test_another_page_opens_no_connection(origin: str, ours: bool) -> None:
    headers = {"Host": "localhost:9000", **({"Origin": origin} if origin else {})}
    assert Gate().is_ours(headers) == ours


def cuts(data: bytes) -> list[list[bytes]]:
    """The same bytes in two parts, cut at each place."""
    return [[data[:i], data[i:]] for i in range(len(data) + 1)]


def test_modes_are_told_as_they_were_switched_last() -> None:
    data = b"\x1b[?1049h\x1b[?1000;1006hx\x1b[?25l\x1b[?2026h\x1b[?1000l\x1b[31m"
    for parts in cuts(data):
        modes = Modes()
        for part in parts:
            modes.follow(part)
        assert modes.switches == b"\x1b[?1049h\x1b[?1006h\x1b[?25l\x1b[?1000l", parts


def test_what_came_late_of_a_picture_is_left_out() -> None:
    data = b"a\x1bPq#0~~\x1b\\b"
    for parts in cuts(data):
        modes = Modes()
        modes.follow(parts[0])
        shown = modes.rest(parts[1])
        begun = parts[0].startswith(b"a\x1bP") and not parts[0].endswith((b"\\", b"b"))
        assert shown == (b"b" if begun else parts[1]), parts
    modes = Modes()
    modes.follow(b"\x1bPq#0~~")
    assert modes.inside and modes.rest(b"~~~") == b""
