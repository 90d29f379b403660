"""What the page is made of: ours, and xterm.js with its image addon (MIT), which the user's own npm
brings into the data folder. Nothing of theirs comes with latty."""

import subprocess
import tarfile
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha512
from io import BytesIO
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from latty import home
from latty.errors import BadData, LattyError, Missing
from latty.files import write

PAGE = Path(__file__).parent / "page"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
PATIENCE = 300  # seconds for npm


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """One of npm: its name and version, the SHA-512 of its archive in base64, and what is taken
    of it: path in the archive -> name beside our page."""

    name: str
    version: str
    sha512: str
    takes: dict[str, str]

    def file(self, name: str) -> Path:
        """Where one of `takes` lies in the data folder."""
        stem, dot, suffix = name.partition(".")
        return home.browser_dir() / f"{stem}-{self.version}{dot}{suffix}"


PACKAGES = (
    NpmPackage(
        "@xterm/xterm",
        "6.0.0",
        "TQwDdQGtwwDt+2cgKDLn0IRaSxYu1tSUjgKarSDkUM0ZNiSRXFpjxEsvc/Zgc5kq5omJ+V0a8/kIM2WD3sMOYg==",
        {"lib/xterm.js": "xterm.js", "css/xterm.css": "xterm.css", "LICENSE": "xterm.licence"},
    ),
    NpmPackage(
        "@xterm/addon-image",
        "0.9.0",
        "oYWA8/QAr5/Emwl1xL7WCoOqeG3IZfpzEz/OVq1j4Oi9934TQmHiyubClikRf0D/jL3JNiNuz/Lsqx0kXQ02BA==",
        {"lib/addon-image.js": "addon-image.js", "LICENSE": "addon-image.licence"},
    ),
)


def load() -> dict[str, tuple[bytes, str]]:
    """Path in the address -> what lies there, and its type. Raises Missing."""
    theirs = {name: one.file(name) for one in PACKAGES for name in one.takes.values()}
    ours = {path.name: path for path in sorted(PAGE.iterdir()) if path.suffix in TYPES}
    try:
        found = {
            f"/{name}": (path.read_bytes(), TYPES[path.suffix])
            for name, path in {**theirs, **ours}.items()
            if path.suffix in TYPES
        }
    except FileNotFoundError:
        what = "xterm.js, which the page draws with, is not here"
        raise Missing(what, "latty serve --setup brings it with npm") from None
    found["/"] = found.pop("/index.html")
    return found


def bring() -> list[Path]:
    """Have npm bring the packages; the files that are there now. Raises Missing where there is no
    npm, LattyError where it fails, BadData for an archive that is another one, OutputError."""
    npm = which("npm")
    if npm is None:
        raise Missing("npm is not here", "it comes with Node.js: nodejs.org, or your packages")
    with TemporaryDirectory(prefix="latty-npm-") as folder:
        wanted = [f"{one.name}@{one.version}" for one in PACKAGES]
        _run([npm, "pack", "--silent", "--ignore-scripts", *wanted], folder)
        parts = [
            (one.file(name), data) for one in PACKAGES for name, data in _taken(one, Path(folder))
        ]
    for path, data in parts:
        write(path, [data])
    return [path for path, _ in parts]


def _run(words: list[str], folder: str) -> None:
    try:
        done = subprocess.run(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LattyError(
            f"npm brings nothing within {PATIENCE} s", "is the network there?"
        ) from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        told = [line for line in lines if "code" not in line] or lines or ["it does not say why"]
        what = f"npm failed: {told[0].removeprefix('npm error ')}"
        raise LattyError(what, "npm doctor looks further")


def _taken(package: NpmPackage, folder: Path) -> list[tuple[str, bytes]]:
    """Name and content of each file. Raises BadData, Missing."""
    path = folder / f"{package.name.strip('@').replace('/', '-')}-{package.version}.tgz"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Missing(f"npm brought no {path.name}", "npm doctor looks further") from None
    if b64encode(sha512(data).digest()).decode() != package.sha512:
        what = f"{package.name} {package.version}: the archive that npm brought is another one"
        raise BadData(what, "its SHA-512 is not the one we know: nothing was kept")
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        members = {
            name: archive.extractfile(f"package/{path}") for path, name in package.takes.items()
        }
        return [(name, member.read()) for name, member in members.items() if member is not None]
