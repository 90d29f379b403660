"""What a file is, by its first bytes: names lie. Standard library only."""

from pathlib import Path

from core.errors import BadData, Missing, OutputError

MEDIA = ("gif", "png", "webp", "mp4", "webm")  # what latty writes, with the recipe inside
WORDS = {
    "gif": "GIF picture",
    "png": "PNG picture",
    "webp": "WebP picture",
    "mp4": "MP4 video",
    "webm": "WebM video",
    "jpeg": "JPEG picture",
    "safetensors": "safetensors weights",
    "toml": "TOML text",
    "torch": "PyTorch checkpoint (zip)",
    "torch-legacy": "PyTorch checkpoint (before 1.6)",
    "pickle": "Python pickle",
    "npy": "numpy array",
    "npz": "numpy arrays (zip)",
    "zip": "zip archive",
    "hdf5": "HDF5 file",
    "gzip": "gzip archive",
    "json": "JSON text",
    "html": "web page: the download failed",
    "lfs": "git-lfs pointer: run git lfs pull",
    "text": "text",
    "empty": "empty file",
    "binary": "file of no kind that latty knows",
}
STARTS = (  # longer signs before the shorter ones they begin with
    (b"GIF8", "gif"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\x1a\x45\xdf\xa3", "webm"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19", "torch-legacy"),
    (b"\x93NUMPY", "npy"),
    (b"\x89HDF", "hdf5"),
    (b"\x1f\x8b", "gzip"),
    (b"version https://git-lfs", "lfs"),
)


def kind(path: Path) -> str:
    """A key of WORDS. Raises Missing, BadData (a folder), OutputError."""
    try:
        with path.open("rb") as file:
            head = file.read(65536)
    except FileNotFoundError:
        raise Missing(f"there is no file {path}", "check the path") from None
    except IsADirectoryError:
        raise BadData(f"{path} is a folder", "name a file") from None
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None
    return _by_sign(head) or _by_shape(path, head) or _by_text(head)


def _by_sign(head: bytes) -> str:
    for sign, name in STARTS:
        if head.startswith(sign):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return "mp4" if head[4:8] == b"ftyp" else ""


def _by_shape(path: Path, head: bytes) -> str:
    if not head:
        return "empty"
    if head[:2] == b"PK":
        return _zip(path)
    size = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and 2 <= size <= path.stat().st_size:
        return "safetensors"
    return "pickle" if head[0] == 0x80 and head[1:2] and 2 <= head[1] <= 5 else ""


def _zip(path: Path) -> str:
    import zipfile

    try:
        names = zipfile.ZipFile(path).namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return "zip"
    if any(name.endswith("/data.pkl") for name in names):
        return "torch"
    return "npz" if names and all(name.endswith(".npy") for name in names) else "zip"


def _by_text(head: bytes) -> str:
    import tomllib

    try:
        text = head.decode("utf-8-sig") if len(head) < 65536 else head[:-4].decode("utf-8-sig")
    except UnicodeDecodeError:
        return "binary"
    start = text.lstrip()[:15].lower()
    if start.startswith(("<!doctype html", "<html")):
        return "html"
    if "\0" in text:
        return "binary"
    try:
        return "toml" if tomllib.loads(text) else "text"
    except (tomllib.TOMLDecodeError, RecursionError):
        return "json" if start.startswith(("{", "[")) else "text"
