"""What a file is, by its first bytes: names lie. Each wrong kind has its own words."""

import json
import re

from latty.checkpoints.onnxfile import is_onnx
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.torchlegacy import HEAD as LEGACY
from latty.text import clean

HEAD = 65536  # bytes looked at
SHARDS = "shards"  # an index of them

PICTURES = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"%PDF": "a PDF document",
    b"\x1a\x45\xdf\xa3": "a WebM or Matroska video",
}
PACKED = {
    b"\x1f\x8b": ("a gzip archive", "gunzip"),
    b"BZh": ("a bzip2 archive", "bunzip2"),
    b"\xfd7zXZ": ("an xz archive", "unxz"),
    b"\x28\xb5\x2f\xfd": ("a zstd archive", "unzstd"),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "7z x"),
    b"Rar!": ("a rar archive", "unrar x"),
}
TEXT_PICKLE = re.compile(rb"\(?[(dlc][a-zA-Z_0-9.]{0,99}\r?\n|\(lp|\(dp")
MANGLED = (b"\xc2\x80", b"\xef\xbf\xbd")  # 0x80 after a trip through a text encoding
DRIVE = ("google drive", "drive.google", "uc-warning", "uc-text")
LFS = b"version https://git-lfs"
PICK = "open the page in a browser, choose the file itself, and compare its size"


def sniff(head: bytes) -> str:
    """safetensors, npy, zip, torch-legacy, pickle, text-pickle, onnx or shards, by the first bytes
    of a file. Raises Refusal for all others."""
    if not head:
        raise Refusal("empty", "it is empty: 0 bytes", "the download failed; fetch it again")
    if kind := _readable(head):
        return kind
    _refuse_known(head)
    _refuse_text(head)
    if not head.strip(b"\0"):
        raise Refusal("unknown-format", "it begins with nothing but zeros: an unfinished download")
    if TEXT_PICKLE.match(head):
        return "text-pickle"
    if head.startswith(MANGLED):
        what = "it is a pickle that was damaged by a text-mode copy"
        raise Refusal("not-a-pickle", what, "fetch it again as a binary file")
    raise Refusal(
        "unknown-format",
        "it is of no kind that latty knows",
        "latty reads .pkl, .pt, .pth, .bin, .npy, .npz, .safetensors, .onnx, whatever their names",
    )


def _readable(head: bytes) -> str:
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return "zip"
    if head.startswith(LEGACY):
        return "torch-legacy"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    if head.lstrip().startswith(b"{") and b'"weight_map"' in head:
        return SHARDS
    # Before pickles: a header of 1664 bytes begins with 80 06, as a pickle of a protocol to come.
    if head[8:9] == b"{" and head[3:8] == bytes(5):
        return "safetensors"
    if head[:1] == b"\x80" and len(head) > 1 and head[1] < 16:  # protocols yet to come, too
        return "pickle"
    # A JSON table behind eight bytes of length; without a high zero byte it would be text.
    if head[8:9] == b"{" and (head[7] == 0 or head[:1] == b"\0"):
        return "safetensors"
    return "onnx" if is_onnx(head) else ""


def _refuse_known(head: bytes) -> None:
    if head.startswith(LFS):
        size = re.search(rb"\nsize ([0-9]{1,15})", head)
        real = f" (the real file has {int(size[1])} bytes)" if size else ""
        raise Refusal("lfs-pointer", f"it is a git-lfs pointer{real}", "run: git lfs pull")
    for sign, (word, command) in PACKED.items():
        if head.startswith(sign):
            raise Refusal("wrong-format", f"it is {word} around something", f"run: {command} FILE")
    if head[257:262] == b"ustar":
        raise Refusal("wrong-format", "it is a tar archive around something", "run: tar -xf FILE")
    if head.startswith(b"\x89HDF"):
        hint = "latty reads PyTorch, NVIDIA, numpy and safetensors files; convert it first"
        raise Refusal("wrong-format", "it is an HDF5 file, as Keras and TensorFlow write", hint)
    for sign, word in PICTURES.items():
        if head.startswith(sign):
            hint = "name the checkpoint itself: a .pkl, .pt, .pth or .safetensors file"
            raise Refusal("unknown-format", f"it is {word}, not a model", hint)


def _refuse_text(head: bytes) -> None:
    text = head.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    start = text[:200].lower()
    if start.startswith("<"):
        raise _web_page(text)
    if start.startswith(("{", "[")) and _is_json(text):
        raise Refusal("json", f"it is JSON text, not a model{_said(text)}", PICK)
    printable = sum((c.isprintable() and c != "\ufffd") or c in "\r\n\t" for c in text[:2000])
    if text and printable == len(text[:2000]) and not TEXT_PICKLE.match(head):
        first = clean(text.splitlines()[0], 60)
        raise Refusal("unknown-format", f"it is text, not a model: '{first}'", PICK)


def _web_page(text: str) -> Refusal:
    low = text.lower()
    if low.startswith(("<?xml", "<error")) and "<html" not in low:
        message = re.search(r"<(?:message|code)>([^<]{1,200})<", text, re.IGNORECASE)
        said = f": '{clean(message[1].strip(), 80)}'" if message else ""
        return Refusal("html", f"it is an XML error page, not a model{said}", PICK)
    if any(word in low for word in DRIVE):
        if "quota" in low or "too many users" in low:
            what = "it is a Google Drive page that says the quota is used up, not a model"
            return Refusal("html", what, "wait a day, or add the file to your own Drive; try again")
        what = "it is a Google Drive warning or error page, not a model: the download failed"
        hint = "open the link in a browser, pass the confirmation page, and compare the file size"
        return Refusal("html", what, hint)
    title = re.search(r"<title[^>]{0,99}>([^<]{1,200})<", text, re.IGNORECASE)
    said = f" ('{clean(title[1].strip(), 80)}')" if title else ""
    return Refusal("html", f"it is a web page{said}, not a model: the download failed", PICK)


def _is_json(text: str) -> bool:
    if len(text) > HEAD // 2:
        return bool(re.match(r"[{\[]\s*[\"{\[\]}0-9]", text))
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _said(text: str) -> str:
    found = re.search(r'"(?:error|message|detail)"\s*:\s*"([^"]{1,200})"', text)
    return f"; it says '{clean(found[1], 80)}'" if found else ""
