"""What a file is, by its first bytes: names lie. Standard library only.

Pictures and films are told by what their writers say, TOML here, all else by the reader of
checkpoints.
"""

from pathlib import Path
from typing import Any

from latty import reading
from latty.errors import BadData, Missing, OutputError, UnfitFile
from latty.presets.archives.manifest import is_archive
from latty.presets.formats import format_of, recognised

WORDS = {
    "toml": "TOML text",
    "safetensors": "safetensors weights",
    "torch-zip": "PyTorch checkpoint (zip)",
    "shards": "weights in several files, by their index",
    "torch-legacy": "PyTorch checkpoint (before 1.6)",
    "pickle": "Python pickle",
    "npy": "numpy array",
    "npz": "numpy arrays (zip)",
    "onnx": "ONNX network",
    "archive": "archive of presets",
}
OTHER, ARCHIVE = "other", "archive"
HEAD = 65536  # bytes looked at


def kind(path: Path) -> str:
    """ "toml", "archive", "other", or the suffix of a format that latty writes: "gif", "mp4".

    Raises Missing, BadData (a folder, a pipe), OutputError."""
    head = _head(path)
    if (media := recognised(head)) is not None:
        return media.suffix[1:]
    if is_archive(path):
        return ARCHIVE
    return "toml" if _is_toml(head) else OTHER


def words(kind: str) -> str:
    """What `kind` says, for people."""
    media = format_of(f"x.{kind}")
    return media.what if media is not None else WORDS.get(kind, kind)


def document(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises BadData, OSError, ValueError, RecursionError."""
    import tomllib

    return tomllib.loads(reading.text(path))


def _head(path: Path) -> bytes:
    try:
        with reading.opened(path) as file:
            return file.read(HEAD)
    except FileNotFoundError:
        raise Missing(f"there is no file {path}", "check the path") from None
    except UnfitFile as error:
        raise BadData(error.message, "name a file") from None
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None


def _is_toml(head: bytes) -> bool:
    import tomllib

    try:
        text = head.decode("utf-8-sig") if len(head) < HEAD else head[:-4].decode("utf-8-sig")
        return "\0" not in text and bool(tomllib.loads(text))
    except (ValueError, RecursionError):  # both decoders' errors are ValueErrors
        return False
