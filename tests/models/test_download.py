"""A download from servers that drop, truncate and lie: the right file, or none and one clear line.

Everything stays on loopback; each server is a real one, with a thread per request.
"""

import errno
import io
import os
import random
import tarfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from loopback import File, Server, page, serving, status

from latty.errors import BadData, LattyError, Locked, Missing, OutputError
from latty.locks import locked
from latty.models.zoo import archive, pages
from latty.models.zoo import download as zoo_download
from latty.models.zoo.download import Patience, Wanted, download
from latty.report import silent

DATA = b"\x80\x02" + random.Random(0).randbytes(700_000)
SUM = sha256(DATA).hexdigest()
QUICK = Patience(timeout=2.0, tries=3, pause=0.001, total=12)
DRIVE = """<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<p class="uc-warning-caption">Google Drive can't scan this file for viruses.</p>{what}</body>"""
FORM = """<form id="download-form" action="{action}" method="get">
<input type="submit" value="Download anyway"/><input type="hidden" name="id" value="a&amp;b">
<input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="1-2">
</form>"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving() as running:
        yield running


class Fetched:
    """One download into `folder`, and what was said meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.target, self.said = folder / "sub" / "file.pkl", list[str]()
        self.part = self.target.with_name("file.pkl.part")

    def go(self, address: str, sum: str | None = SUM, size: int | None = None) -> None:
        wanted = Wanted(address, sum, size)
        download(wanted, self.target, silent, self.said.append, QUICK)

    def fine(self) -> None:
        assert self.target.read_bytes() == DATA
        assert [*self.target.parent.iterdir()] == [self.target]

    def fails(self, kind: type[LattyError], words: str, address: str, **more: object) -> None:
        with pytest.raises(kind) as caught:
            self.go(address, **more)  # type: ignore[arg-type]
        assert type(caught.value) is kind and words in str(caught.value), caught.value
        assert "\n" not in str(caught.value) and not self.target.exists()


@pytest.fixture
def got(tmp_path: Path) -> Fetched:
    return Fetched(tmp_path)


def test_a_good_server(server: Server, got: Fetched) -> None:
    got.go(server.at("/f", File(DATA)), size=len(DATA))
    got.fine()
    assert server.ranges() == [None] and not got.said
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("silent_length", [False, True])
def test_no_length_and_no_checksum_is_believed(
    server: Server, got: Fetched, silent_length: bool
) -> None:
    got.go(server.at("/f", File(DATA, silent=silent_length)), sum=None)
    got.fine()


def test_a_dropped_connection_goes_on_where_it_broke(server: Server, got: Fetched) -> None:
    got.go(server.at("/f", File(DATA, cut=200_000), File(DATA, cut=1), File(DATA)))
    got.fine()
    assert server.ranges() == [None, "bytes=200000-", "bytes=200001-"]
    assert server.asked[1][1]["If-Range"] == '"one"'
    assert "broke off at 200000 of 700002 bytes; trying again" in got.said[0]


def test_one_that_always_drops_is_given_up_and_resumed(server: Server, got: Fetched) -> None:
    address = server.at("/f", File(DATA, cut=300_000), File(DATA, cut=0))
    got.fails(LattyError, "broke off", address)
    assert got.part.read_bytes() == DATA[:300_000] and len(server.asked) == 4
    server.at("/f", File(DATA))
    got.go(address)
    got.fine()
    assert server.ranges()[-1] == "bytes=300000-"


def test_a_drip_is_given_up(server: Server, got: Fetched) -> None:
    got.fails(LattyError, "broke off 12 times", server.at("/f", File(DATA, cut=1)))
    assert got.part.stat().st_size == 12


def test_a_server_without_ranges_restarts(server: Server, got: Fetched) -> None:
    got.go(server.at("/f", File(DATA, cut=200_000), File(DATA, ignores=True)))
    got.fine()
    assert "from the start" in got.said[1]


def test_another_file_is_never_glued_on(server: Server, got: Fetched) -> None:
    other = b"\x80\x02" + bytes(700_000)
    got.go(server.at("/f", File(other, cut=200_000, tag='"old"'), File(DATA)), sum=None)
    got.fine()


def test_another_length_is_never_glued_on(server: Server, got: Fetched) -> None:
    address = server.at("/f", File(DATA + b"x", cut=200_000, tag="W/1"), File(DATA, tag="W/1"))
    got.go(address, sum=None)
    got.fine()
    assert "another part" in got.said[1]


def test_a_part_that_was_not_asked_for_restarts(server: Server, got: Fetched) -> None:
    address = server.at("/f", File(DATA, cut=9), File(DATA, shift=7), File(DATA))
    got.go(address)
    got.fine()
    assert server.ranges() == [None, "bytes=9-", None]


def test_parts_of_another_address_or_of_nobody_are_not_used(server: Server, got: Fetched) -> None:
    got.fails(LattyError, "broke off", server.at("/a", File(DATA[::-1], cut=99), File(DATA, cut=0)))
    got.go(server.at("/b", File(DATA)))
    got.fine()
    got.target.unlink()
    got.part.write_bytes(b"something of mine")
    got.go(server.at("/b", File(DATA)))
    got.fine()
    assert server.ranges()[-2:] == [None, None]


def test_a_whole_part_needs_only_its_name(server: Server, got: Fetched) -> None:
    got.go(server.at("/f", File(DATA, length=len(DATA) + 5), File(DATA)))  # 416: nothing is left
    got.fine()
    assert server.ranges() == [None, f"bytes={len(DATA)}-"]


def test_a_length_that_lies(server: Server, got: Fetched) -> None:
    short = server.at("/f", File(DATA, length=len(DATA) - 9))
    got.fails(BadData, "checksum of file.pkl is not the published one", short)
    assert not got.part.exists()
    got.fails(BadData, "has 700002 bytes, the zoo says 7", server.at("/f", File(DATA)), size=7)
    endless = server.at("/f", File(DATA, silent=True))
    got.fails(BadData, "sends more than 500000 bytes", endless, size=500_000)
    got.fails(BadData, "claims", server.at("/f", File(DATA, length=2**40)))
    got.fails(BadData, "zoo says 800000", server.at("/f", File(DATA, silent=True)), size=800_000)


def test_a_wrong_checksum_keeps_nothing(server: Server, got: Fetched) -> None:
    got.fails(BadData, "checksum", server.at("/f", File(DATA[::-1])))
    assert not [*got.target.parent.iterdir()]


def test_statuses(server: Server, got: Fetched) -> None:
    got.fails(Missing, "no such file any more (404)", server.at("/f"))
    got.fails(Missing, "(410)", server.at("/f", status(410)))
    got.fails(LattyError, "refuses the file (403)", server.at("/f", status(403)))
    got.fails(LattyError, "answered 204", server.at("/f", status(204)))
    got.fails(LattyError, "answered 503, 3 times", server.at("/f", status(503)))
    before = len(server.asked)
    got.go(server.at("/f", status(500), status(429, Retry_After=0), File(DATA)))
    got.fine()
    assert len(server.asked) == before + 3


def test_redirects_stay_on_the_web(server: Server, got: Fetched) -> None:
    good = server.at("/g", File(DATA, cut=100), File(DATA))
    got.go(server.at("/f", status(302, Location=good)))
    got.fine()
    assert server.ranges() == [None, None, "bytes=100-", "bytes=100-"]
    got.target.unlink()
    for place in ("file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "http://a:b@127.0.0.1/"):
        address = server.at("/f", status(302, Location=place))
        got.fails(LattyError, f"redirects to '{place}'", address)
    got.fails(LattyError, "redirects to", server.at("/f", status(302, Location="/f")))


def test_https_never_becomes_http() -> None:
    from http.client import HTTPMessage
    from io import BytesIO
    from urllib.error import HTTPError
    from urllib.request import Request

    from latty.models.zoo.web import SafeRedirects

    ask, told = Request("https://a.org/x"), HTTPMessage()
    with pytest.raises(HTTPError, match="not followed"):
        SafeRedirects().redirect_request(ask, BytesIO(), 302, "", told, "http://a.org/x")
    assert SafeRedirects().redirect_request(ask, BytesIO(), 302, "", told, "https://b.org/x")


@pytest.mark.parametrize("action", ["/download", "{host}/download"])
def test_drive_forms_are_followed(server: Server, got: Fetched, action: str) -> None:
    host = server.at("/download", File(DATA, cut=5000), File(DATA)).removesuffix("/download")
    form = FORM.format(action=action.format(host=host))
    got.go(server.at("/uc", page(DRIVE.format(what=form))) + "?id=1")
    got.fine()
    assert server.asked[1][0] == "/download?id=a%26b&confirm=t&uuid=1-2"
    assert server.ranges() == [None, None, "bytes=5000-"]


def test_drive_links_and_cookies_are_followed(server: Server, got: Fetched) -> None:
    link = '<a id="uc-download-link" href="/get?export=download&amp;confirm=Xy&amp;id=1">?</a>'
    server.at("/get", File(DATA))
    got.go(server.at("/uc", page(DRIVE.format(what=link))))
    got.fine()
    got.target.unlink()
    cookie = page(DRIVE.format(what=""), Set_Cookie="download_warning_13_1=tok; Path=/")
    got.go(server.at("/old", cookie, File(DATA)) + "?id=1")
    got.fine()
    assert server.asked[-1][0] == "/old?id=1&confirm=tok"
    assert server.asked[-1][1]["Cookie"] == "download_warning_13_1=tok"


def test_pages_that_lead_nowhere(server: Server, got: Fetched) -> None:
    quota = DRIVE.format(what="<p>Too many users have viewed this file: quota exceeded</p>")
    got.fails(BadData, "quota is used up", server.at("/f", page(quota)))
    got.fails(BadData, "Google Drive warning", server.at("/f", page(DRIVE.format(what=""))))
    got.fails(BadData, "a web page ('Sign in')", server.at("/f", page("<title>Sign in</title>")))
    got.fails(BadData, "an XML error page", server.at("/f", page("<Error><Code>Gone</Code>")))
    other = DRIVE.format(what=FORM.format(action="https://example.org/steal"))
    got.fails(BadData, "Google Drive warning", server.at("/f", page(other)))
    local = DRIVE.format(what=FORM.format(action="file:///etc/passwd"))
    got.fails(BadData, "Google Drive warning", server.at("/f", page(local)))
    loop = DRIVE.format(what=FORM.format(action="/f"))
    got.fails(LattyError, "confirmation without end", server.at("/f", page(loop)))
    got.fails(BadData, "a web page", server.at("/f", page("<![odd[ <form x" * 50)))


def test_a_page_never_eats_what_came(server: Server, got: Fetched) -> None:
    address = server.at("/f", File(DATA, cut=300_000), page("<title>Busy</title>"))
    got.fails(BadData, "Busy", address)
    assert got.part.read_bytes() == DATA[:300_000]


def test_drive_hosts_are_one_site() -> None:
    start, form = "https://drive.google.com/uc?id=1", FORM.format(action="{}")
    for action, good in {
        "https://drive.usercontent.google.com/download": True,
        "https://drive.usercontent.google.com.evil.org/download": False,
        "https://evilgoogle.com/download": False,
        "http://drive.google.com/download": False,
        "https://[": False,
    }.items():
        assert bool(pages.behind(form.format(action), start, [])) is good, action


def test_a_server_that_says_nothing(server: Server, got: Fetched) -> None:
    import threading

    hold = threading.Event()
    address = server.at("/f", File(DATA, cut=1000, hold=hold), File(DATA))
    got.go(address)
    hold.set()
    got.fine()
    assert "did not answer in time" in got.said[0]


def test_nobody_listens(got: Fetched) -> None:
    with serving() as gone:
        address = gone.at("/f")
    got.fails(LattyError, "Connection refused, 3 times", address)


def test_what_is_not_http(server: Server, got: Fetched) -> None:
    def noise(to: object) -> None:
        to.wfile.write(b"\x00\xff\r\n\r\n")  # type: ignore[attr-defined]

    got.fails(LattyError, "3 times", server.at("/f", noise))
    packed = File(DATA, headers={"Content-Encoding": "gzip"})
    got.fails(LattyError, "packed", server.at("/f", packed))


def test_a_full_disk_keeps_what_came(
    server: Server, got: Fetched, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.at("/f", File(DATA))
    monkeypatch.setattr(zoo_download.shutil, "disk_usage", lambda path: type("U", (), {"free": 9}))
    got.fails(OutputError, "needs 1 MB more", address)
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    whole = Path.open

    class Full:
        def __init__(self, path: Path, mode: str) -> None:
            self.file, self.room = whole(path, mode), 2

        def write(self, data: bytes) -> int:
            self.room -= 1
            if self.room < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self.file.write(data)

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

    def narrow(path: Path, mode: str = "r", **more: object) -> object:
        return Full(path, mode) if mode == "ab" else whole(path, mode, **more)  # type: ignore

    monkeypatch.setattr(Path, "open", narrow)
    got.fails(OutputError, "No space left on device", address)
    assert 0 < got.part.stat().st_size < len(DATA)
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    got.go(address)
    got.fine()
    assert (server.ranges()[-1] or "").startswith("bytes=")


def test_two_at_once(server: Server, got: Fetched) -> None:
    got.target.parent.mkdir()
    with locked(got.target.parent, "here"):
        got.fails(Locked, "another process is fetching file.pkl", server.at("/f", File(DATA)))
    assert not server.asked


def pack(folder: Path, *names: str) -> Path:
    (folder / "content").write_bytes(DATA)
    with tarfile.open(folder / "all.tar", "w") as tar:
        for name in names:
            tar.add(folder / "content", name)
    return folder / "all.tar"


def test_one_file_of_an_archive(tmp_path: Path) -> None:
    target = tmp_path / "out" / "G.pth"
    target.parent.mkdir()
    archive.take(pack(tmp_path, "deep/G.pth", "../../evil", "D.pth"), "G.pth", target, silent)
    assert target.read_bytes() == DATA and [*target.parent.iterdir()] == [target]
    assert not (tmp_path / "all.tar").exists()
    with pytest.raises(BadData, match="holds 2 files"):
        archive.take(pack(tmp_path, "a/G.pth", "b/G.pth"), "G.pth", target, silent)
    with pytest.raises(BadData, match="holds 0 files"):
        archive.take(pack(tmp_path, "a/G.pt"), "G.pth", target, silent)
    cut = pack(tmp_path, "a/G.pth")
    cut.write_bytes(cut.read_bytes()[:300_000])
    with pytest.raises(BadData, match="no whole tar archive"):
        archive.take(cut, "G.pth", target, silent)
    assert not cut.exists() and [*target.parent.iterdir()] == [target]


def bomb(folder: Path, kind: str) -> Path:
    """A small archive of G.pth that costs a disk, or memory and hours, to unpack."""
    path, member = folder / "all.tar.gz", tarfile.TarInfo("G.pth")
    with tarfile.open(path, "w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
        if kind == "huge":
            member.size = 2**40
            tar.addfile(member)
        elif kind == "header":  # one, of digits
            member.type, member.size = tarfile.XHDTYPE, 2**24
            tar.addfile(member, io.BytesIO(b"1" * 2**24))
        else:
            assert tar.fileobj is not None
            tar.fileobj.write(SPARSE[kind](member))
    return path


def old_map(member: tarfile.TarInfo) -> bytes:
    """GNU's sparse file of before PAX: four pieces in its header, 21 in each block after it."""
    member.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[482:483], header[483:494] = b"\1", b"%011o" % 2**40  # more blocks follow; its size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + ((b"%011o\0" % 1) * 42 + b"\1" + bytes(7)) * 10_000


def pax_map(member: tarfile.TarInfo, numbers: bytes, **words: str) -> bytes:
    member.size = len(numbers)
    member.pax_headers = {f"GNU.sparse.{key}": word for key, word in words.items()}
    return member.tobuf(tarfile.PAX_FORMAT) + numbers + bytes(-len(numbers) % 512)


SPARSE: dict[str, Callable[[tarfile.TarInfo], bytes]] = {
    "sparse": lambda one: pax_map(one, b"1\n%d\n0\n" % 2**40, major="1", minor="0",
                                  name="G.pth", realsize=str(2**40)),
    "map": lambda one: pax_map(one, b"99999999\n" + b"1\n" * 2**22, major="1", minor="0"),
    "map 0.0": lambda one: pax_map(one, b"", size="9", offset="1", numbytes="1"),
    "map 0.1": lambda one: pax_map(one, b"", map="1," * 4000 + "1", size="9"),
    "map of old": old_map,
}  # fmt: skip


@pytest.mark.parametrize("kind", ["huge", "header", *SPARSE])
def test_an_archive_that_spells_more_than_it_holds(kind: str, tmp_path: Path) -> None:
    path, target, begun = bomb(tmp_path, kind), tmp_path / "G.pth", time.process_time()
    reason = "holds a sparse file" if kind in SPARSE else "no generator is|no whole tar"
    with pytest.raises(BadData, match=reason):
        archive.take(path, "G.pth", target, silent)
    assert not target.exists() and time.process_time() - begun < 2


@pytest.mark.parametrize("piece", ["<", "<a ", "<a x='", "<form><input name=a>", "<a href=#>"])
def test_a_page_without_end_costs_no_time(piece: str, server: Server, got: Fetched) -> None:
    page, begun = (piece * 2**20)[: 2**20], time.process_time()
    got.fails(BadData, "web page", server.at("/f", File(f"<html>{page}".encode())))
    assert time.process_time() - begun < 2
