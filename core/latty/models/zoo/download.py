"""A file from the web, whole or not at all: NAME.part grows, is resumed, checked, then renamed.

Beside the .part lies what the server said of the file, so that it is never continued with another.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import OpenerDirector

from latty import files, reading
from latty.checkpoints.sniff import sniff
from latty.errors import BadData, LattyError, OutputError
from latty.files import sync
from latty.folders import Folder, made
from latty.locks import locked
from latty.models.zoo import web
from latty.models.zoo.pages import LONGEST, behind, is_page
from latty.report import Report

CHUNK = 2**18  # bytes read at a time
CONFIRMATIONS = 3  # pages followed to one file
LIMIT = 2**36  # bytes: no generator has more
RESUMES = "what came is kept; the same command goes on from there"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: seconds without a byte, failures in a row, seconds after the first."""

    timeout: float = 30.0
    tries: int = 5
    pause: float = 1.0
    total: int = 40  # tries in all, however much came in between


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is fetched; size (bytes) and sha256 where they were published."""

    address: str
    sha256: str | None = None
    size: int | None = None


def download(
    wanted: Wanted, target: Path, report: Report, say: Callable[[str], None],
    patience: Patience = Patience(),
) -> None:  # fmt: skip
    """Fetch into `target`, going on with TARGET.part; raises LattyError of the fitting kind."""
    with _disk(target):
        made(target.parent)
    hint = "wait for it; the same command then finds the file"
    with locked(target.parent, f"fetching {target.name}", hint):  # one process into a folder
        transfer = _Transfer(wanted, target, report, say, patience)
        with _disk(target):
            files.sweep(transfer.note)
        transfer.run()


def note_of(target: Path) -> Path:
    """Where it is kept what the server said of the file that comes into `target`."""
    return target.with_name(f"{target.name}.part.json")


@contextmanager
def _disk(path: Path) -> Iterator[None]:
    """What the disk refuses is an OutputError; inside, nothing may talk to the network."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", RESUMES) from None


def refuse_without_room(target: Path, need: int) -> None:
    """Raises OutputError where the disk has not `need` bytes left for `target`."""
    free = shutil.disk_usage(target.parent).free
    if need > free:
        what = f"{target.name} needs {need / 1e6:.0f} MB more, {free / 1e6:.0f} are free"
        raise OutputError(what, f"make room in {target.parent}; {RESUMES}")


def checksum(path: Path, report: Report) -> str:
    """SHA-256 of a file as hexadecimal digits, with progress. Raises OutputError."""
    digest, done = hashlib.sha256(), 0
    with _disk(path), path.open("rb") as file:
        size = path.stat().st_size
        while chunk := file.read(2**22):
            digest.update(chunk)
            done += len(chunk)
            report(done * 100 // max(size, 1), 100, "checked")
    return digest.hexdigest()


@dataclass(slots=True)
class _Transfer:
    wanted: Wanted
    target: Path
    report: Report
    say: Callable[[str], None]
    patience: Patience
    cookies: CookieJar = field(default_factory=CookieJar)
    through: OpenerDirector = field(init=False)

    def __post_init__(self) -> None:
        self.through = web.opener(self.cookies)

    @property
    def part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def note(self) -> Path:
        return note_of(self.target)

    def run(self) -> None:
        address, pages, failures = self.wanted.address, 0, 0
        for _ in range(self.patience.total):
            before = self._have()
            try:
                onward = self._attempt(address)
            except web.Passing as trouble:
                failures = 0 if self._have() > before else failures + 1
                if failures >= self.patience.tries:
                    raise LattyError(f"{trouble}, {failures} times", RESUMES) from None
                self._wait(trouble, failures)
                continue
            if onward is None:
                return self._finish()
            address, pages = onward, pages + 1
            if pages > CONFIRMATIONS:
                raise LattyError(f"{web.host(address)} asks for confirmation without end")
        raise LattyError(f"{web.host(address)} broke off {self.patience.total} times", RESUMES)

    def _wait(self, trouble: web.Passing, failures: int) -> None:
        seconds = max(trouble.wait, self.patience.pause * 2 ** min(failures, 4))
        self.say(f"{trouble}; trying again in {seconds:.0f} s")
        time.sleep(seconds)

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _noted(self) -> dict[str, Any]:
        """What the server said when the .part was begun; {} when it cannot be trusted."""
        try:
            found = reading.json_file(self.note)
        except (OSError, BadData):
            return {}
        ours = isinstance(found, dict) and found.get("address") == self.wanted.address
        return found if ours else {}

    def _forget(self) -> None:
        with _disk(self.part):
            self.part.unlink(missing_ok=True)
            self.note.unlink(missing_ok=True)

    def _attempt(self, address: str) -> str | None:
        """One request. None: everything is here. An address: where a page leads."""
        noted = self._noted()
        if not noted:
            self._forget()
        have, extra = self._have(), {}
        if have:
            extra["Range"] = f"bytes={have}-"
            if noted.get("validator"):
                extra["If-Range"] = str(noted["validator"])
        try:
            answer = web.ask(self.through, address, extra, self.patience.timeout)
        except HTTPError as error:  # 416: there is nothing after what we have
            if (error.headers.get("Content-Range") or "").strip() == f"bytes */{have}":
                return None
            self._forget()
            raise web.Passing("the file has changed; from the start") from None
        with answer:
            return self._take(answer, have, noted)

    def _take(self, answer: Any, have: int, noted: dict[str, Any]) -> str | None:
        where, span = web.host(answer.url), web.span(answer.status, answer.headers)
        if span is None and answer.status != 206:
            raise LattyError(f"{where} answered {answer.status} in place of the file")
        changed = span and span.start and {span.total, noted.get("total")} - {None, span.total}
        if span is None or span.start not in (0, have) or changed:
            self._forget()
            raise web.Passing(f"{where} sent another part than asked for; from the start")
        if answer.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise LattyError(f"{where} sends the file packed", "fetch it in a browser")
        head = self._read(answer, where)
        if span.start == 0 and is_page(head):
            return self._page(head, answer, where)
        self._fits(span)
        if span.start == 0:
            if have:
                self.say(f"{where} does not go on, or has another file now: from the start")
            self._begin(answer.headers, span)
        elif span.total is None:
            span = web.Span(span.start, noted.get("total"))
        self._write(answer, head, span, where)
        return None

    def _page(self, head: bytes, answer: Any, where: str) -> str:
        """Where a confirmation page leads; any other page is refused in the reader's words."""
        page = head
        while len(page) < LONGEST and (more := self._read(answer, where)):
            page += more
        cookies = [(cookie.name, cookie.value or "") for cookie in self.cookies]
        onward = behind(page[:LONGEST].decode("utf-8", "replace"), answer.url, cookies)
        if onward is None:
            try:
                sniff(page)
            except BadData as refusal:
                said = refusal.message.removeprefix("it is ")
                raise BadData(f"{where} sent {said}", refusal.hint) from None
            raise BadData(f"{where} sent a web page, not a model")
        return onward

    def _fits(self, span: web.Span) -> None:
        size, total = self.wanted.size, span.total
        if size is not None and total is not None and size != total:
            what = f"the file has {total} bytes, the zoo says {size}"
            raise BadData(what, "it was changed; if you trust it: fetch it by hand, latty import")
        if (total or 0) > LIMIT:
            raise BadData(f"the file claims {total} bytes", "no generator is that large")
        refuse_without_room(self.target, (total or 0) - span.start)

    def _begin(self, headers: Any, span: web.Span) -> None:
        tag, date = headers.get("ETag", ""), headers.get("Last-Modified", "")
        validator = tag if tag.startswith('"') else date
        told = {"address": self.wanted.address, "validator": validator, "total": span.total}
        self._forget()
        files.write(self.note, [json.dumps(told).encode()])
        with _disk(self.part), Folder(self.part.parent) as folder:
            folder.create(self.part.name).close()

    def _write(self, answer: Any, chunk: bytes, span: web.Span, where: str) -> None:
        done, limit = span.start, self.wanted.size or span.total or LIMIT
        with _disk(self.part):
            file = self.part.open("ab")
        try:
            while chunk:
                with _disk(self.part):
                    file.write(chunk)
                    file.flush()
                done += len(chunk)
                if done > limit:
                    self._forget()
                    raise BadData(f"{where} sends more than {limit} bytes", "nothing was kept")
                self._tell(done, span.total)
                chunk = self._read(answer, where)
        finally:
            with suppress(OSError):  # flushed above: a failed write has said so already
                file.close()
        if span.total is not None and done < span.total:
            raise web.Passing(f"{where} broke off at {done} of {span.total} bytes")

    def _tell(self, done: int, total: int | None) -> None:
        unit, what = (10**6, "MB") if (total or done) >= 10**7 else (1000, "kB")
        self.report(done // unit, (total or 0) // unit, what)

    def _read(self, answer: Any, where: str) -> bytes:
        try:
            return bytes(answer.read1(CHUNK))
        except (OSError, HTTPException, ValueError) as error:
            raise web.trouble(error, where) from None

    def _finish(self) -> None:
        """Check, make sure that it is on the disk, and give it its name."""
        size = self._have()
        if self.wanted.size is not None and size != self.wanted.size:
            self._forget()
            raise BadData(f"{size} bytes came, the zoo says {self.wanted.size}", "try again")
        if (
            self.wanted.sha256 is not None
            and checksum(self.part, self.report) != self.wanted.sha256
        ):
            self._forget()
            what = f"the checksum of {self.target.name} is not the published one"
            raise BadData(what, "nothing was kept; if it happens again, the file was replaced")
        with _disk(self.target):
            with self.part.open("rb+") as file:
                os.fsync(file.fileno())
            self.part.replace(self.target)
            with suppress(OSError):  # what is left of it is in nobody's way
                self.note.unlink(missing_ok=True)
            sync(self.target.parent)
