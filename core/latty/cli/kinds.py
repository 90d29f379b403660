"""What a file is, by its first bytes: names lie. Standard library only.

Pictures that latty makes and TOML are told apart here, all else by the reader of checkpoints.
"""

from pathlib import Path

from latty.errors import BadData, Missing, OutputError

MEDIA = ("gif", "png", "webp", "mp4", "webm")  # what latty writes, with the recipe inside
WORDS = {
    "gif": "GIF picture",
    "png": "PNG picture",
    "webp": "WebP picture",
    "mp4": "MP4 video",
    "webm": "WebM video",
    "toml": "TOML text",
    "safetensors": "safetensors weights",
    "torch-zip": "PyTorch checkpoint (zip)",
    "torch-legacy": "PyTorch checkpoint (before 1.6)",
    "pickle": "Python pickle, as NVIDIA writes its networks",
    "npy": "numpy array",
    "npz": "numpy arrays (zip)",
}
STARTS = ((b"GIF8", "gif"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\x1a\x45\xdf\xa3", "webm"))
OTHER = "other"
HEAD = 65536  # bytes looked at


def kind(path: Path) -> str:
    """One of MEDIA, "toml" or "other". Raises Missing, BadData (a folder), OutputError."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        raise Missing(f"there is no file {path}", "check the path") from None
    except IsADirectoryError:
        raise BadData(f"{path} is a folder", "name a file") from None
    except OSError as error:
        raise OutputError(f"cannot read {path}: {error.strerror}") from None
    return _by_sign(head) or ("toml" if _is_toml(head) else OTHER)


def _by_sign(head: bytes) -> str:
    for sign, name in STARTS:
        if head.startswith(sign):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return "mp4" if head[4:8] == b"ftyp" else ""


def _is_toml(head: bytes) -> bool:
    import tomllib

    try:
        text = head.decode("utf-8-sig") if len(head) < HEAD else head[:-4].decode("utf-8-sig")
        return "\0" not in text and bool(tomllib.loads(text))
    except (ValueError, RecursionError):  # both decoders' errors are ValueErrors
        return False
