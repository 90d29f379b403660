"""Archives of presets, honest ones and hostile ones."""

import io
import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from latty import home
from latty.presets.archives.zipping import piece, zipped

PRESET = b"""schema = 1
[scene]
model = "portraits"
seed = 3
[[scene.edits]]
direction = "mine/r1"
strength = 2
[[outputs]]
path = "x.png"
size = 16
"""
MEMBER, OTHER = "directions/mine.safetensors", "files/a.npy"
PORTRAITS = "c51269e911c480851df37fe8f03e386752dde946e34e4898f94b906bc5a75382"


def a_set() -> bytes:
    return (home.shipped_dir() / "directions/portraits-random.safetensors").read_bytes()


def manifest(members: dict[str, bytes], **more: Any) -> bytes:
    """What latty.json says of members, the first of which is the preset."""
    first = next(iter(members))
    named = {"directions": {"mine": MEMBER}} if MEMBER in members else {}
    said = {
        "schema": 1,
        "latty": "0.1.0",
        "presets": [first],
        "members": {name: sha256(data).hexdigest() for name, data in members.items()},
        "names": {first: named},
        "models": [],
        **more,
    }
    return json.dumps(said).encode()


def members(**more: bytes) -> dict[str, bytes]:
    return {"presets/film.toml": PRESET, MEMBER: a_set(), **more}


def archive(held: dict[str, bytes], said: bytes | None = None) -> bytes:
    """As latty packs it."""
    every = {"latty.json": said if said is not None else manifest(held), **held}
    return b"".join(zipped({name: piece(data) for name, data in every.items()}))


def by_zipfile(
    held: Iterable[tuple[str | zipfile.ZipInfo, bytes]], said: bytes, method: int = 0
) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as made:
        warnings.simplefilter("ignore")  # of a name that is there twice
        made.writestr("latty.json", said)
        for name, data in held:
            made.writestr(name, data)
    return file.getvalue()


def _renamed(name: str) -> bytes:
    """Another member, of this name, which the manifest says too."""
    held = members(**{name: b"x"})
    return by_zipfile(held.items(), manifest(held))


def _link() -> bytes:
    held, one = members(**{OTHER: b"/etc/passwd"}), zipfile.ZipInfo(OTHER)
    one.create_system, one.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    rest = [(name, data) for name, data in held.items() if name != OTHER]
    return by_zipfile([*rest, (one, held[OTHER])], manifest(held))


def _twice() -> bytes:
    held = members()
    return by_zipfile([*held.items(), (MEMBER, b"other")], manifest(held))


def _patched(change: Callable[[bytearray, int], None]) -> bytes:
    """An honest archive, changed at the entry of its set in the directory."""
    data = bytearray(archive(members()))
    place = data.rfind(b"PK\x01\x02", 0, data.rfind(MEMBER.encode()))
    change(data, place)
    return bytes(data)


def _put(data: bytearray, at: int, form: str, *values: int) -> None:
    struct.pack_into(form, data, at, *values)


def _kind(name: str, data: bytes) -> bytes:
    return archive(members(**{name: data}))


def _pickle() -> bytes:
    import pickle

    return pickle.dumps({"w": [1.0]}, protocol=4)


def _torch() -> bytes:
    import torch

    file = io.BytesIO()
    torch.save({"w": torch.ones(3)}, file)
    return file.getvalue()


def _bomb() -> bytes:
    held = members(**{OTHER: bytes(2**26)})
    return by_zipfile(held.items(), manifest(held), zipfile.ZIP_DEFLATED)


# What is wrong with it -> its bytes, and what the one line says of it.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "absolute name": (lambda: _renamed("/tmp/latty-absolute"), "is no name of a member"),
    "a way out": (lambda: _renamed("files/../../../x"), "is no name of a member"),
    "two dots": (lambda: _renamed("files/.."), "is no name of a member"),
    "hidden": (lambda: _renamed("files/.latty"), "is no name of a member"),
    "backslash": (lambda: _renamed("files/..\\x"), "is no name of a member"),
    "deeper": (lambda: _renamed("files/a/b"), "is no name of a member"),
    "folder": (lambda: _renamed("files/"), "is no name of a member"),
    "an escape": (lambda: _renamed("files/\x1b[2J"), "is no name of a member"),
    "another folder": (lambda: _renamed("data/x"), "is no name of a member"),
    "long name": (lambda: _renamed(f"files/{'x' * 300}"), "is no name of a member"),
    "composed otherwise": (lambda: _renamed("files/e\u0301.npy"), "is no name of a member"),
    "case": (lambda: _renamed("DIRECTIONS/mine.safetensors"), "is no name of a member"),
    "case of a file": (
        lambda: _renamed("directions/MINE.safetensors"), "where case does not count"),
    "link": (_link, "is a link"),
    "twice": (_twice, "two members are named"),
    "encrypted": (lambda: _patched(lambda d, at: _put(d, at + 8, "<H", 1)), "encrypted"),
    "compressed": (
        lambda: by_zipfile(members().items(), manifest(members()), zipfile.ZIP_DEFLATED),
        "is compressed"),
    "bomb": (_bomb, "is compressed"),
    "two sizes": (lambda: _patched(lambda d, at: _put(d, at + 24, "<I", 9)), "has two sizes"),
    "64 bits that lie": (
        lambda: _patched(lambda d, at: _put(d, at + 24, "<I", 2**32 - 1)), "64-bit size"),
    "overlap": (
        lambda: _patched(lambda d, at: _put(d, at + 20, "<2I", 99999, 99999)),
        "reaches into another member"),
    "elsewhere": (lambda: _patched(lambda d, at: _put(d, at + 42, "<I", 3)), "not where"),
    "cut": (lambda: archive(members())[:-30], "cut"),
    "followed": (lambda: archive(members()) + b"x" * 9, "follows its end"),
    "other content": (
        lambda: archive({**members(), MEMBER: a_set()[:-1] + b"\x01"}, manifest(members())),
        "is not what latty.json says ("),
    "more than it says": (
        lambda: archive(members(**{OTHER: b"x"}), manifest(members())), "is not in latty.json"),
    "less than it says": (
        lambda: archive(members(), manifest(members(**{OTHER: b"x"}))), "is not in it"),
    "no manifest": (
        lambda: by_zipfile(members().items(), b"{}").replace(b"latty.json", b"lattx.json"),
        "none that latty packed"),
    "manifest of nothing": (lambda: archive(members(), b"{}"), "is missing"),
    "no JSON": (lambda: archive(members(), b"{"), "no JSON"),
    "deep JSON": (lambda: archive(members(), b"[" * 5000 + b"]" * 5000), "levels"),
    "long manifest": (lambda: archive(members(), b" " * 2**20 + b"{}"), "larger than 1 MiB"),
    "newer": (lambda: archive(members(), manifest(members(), schema=2)), "update latty"),
    "names no member": (
        lambda: archive(members(), manifest(members(), names={"presets/film.toml": {
            "latents": {"z": "../../etc/passwd"}}})), "is no member of latents or files"),
    "a preset for a font": (
        lambda: archive(members(), manifest(members(), names={"presets/film.toml": {
            "fonts": {"z": "presets/film.toml"}}})), "is no member of files"),
    "model of no member": (
        lambda: archive(members(), manifest(members(), models=[{
            "digest": "0" * 64, "name": "x", "file": "/etc/passwd"}])), "is no member of models"),
    "model of another folder": (
        lambda: archive(members(**{OTHER: b"x"}), manifest(members(**{OTHER: b"x"}), models=[{
            "digest": "0" * 64, "name": "x", "file": OTHER}])), "is no member of models"),
    "pickle": (lambda: _kind("files/z.pkl", _pickle()), "of a kind that no archive holds"),
    "torch": (lambda: _kind("files/z.pt", _torch()), "of a kind that no archive holds"),
    "pickle for a set": (
        lambda: archive({**members(), MEMBER: _pickle()}), "is not safetensors"),
    "pickle for a model": (
        lambda: _kind("models/m.safetensors", _torch()), "is not safetensors"),
    "pickle for weights": (
        lambda: _kind("scorers/s.pt", _torch()), "is not safetensors"),
    "weights for a preset": (
        lambda: archive({"presets/film.toml": a_set(), MEMBER: a_set()}), "is no text"),
    "many": (
        lambda: archive(members(**{f"files/{i}": b"x" for i in range(1200)})), "1 to 1000"),
}  # fmt: skip
