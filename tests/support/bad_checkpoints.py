"""One sample of each class of bad file, written here byte by byte, and the word that refuses it.

Attacks would leave a marker file in the current folder.
"""

import gzip
import io
import json
import struct
import zipfile
from typing import Any

import numpy as np
import torch

from benchmarks._pickles import Call, Global, Persistent, legacy, pickled, storage

MARK = "touch RAN"


def ask(module: str, name: str, *args: Any, protocol: int = 4) -> bytes:
    """A pickle that calls module.name(*args)."""
    return pickled(Call(Global(module, name), args or (MARK,)), protocol)


def zipped(members: dict[str, bytes], packed: bool = False) -> bytes:
    file = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def tensor(numel: int, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Call:
    args = (
        storage("0", numel),
        offset,
        size,
        stride,
        False,
        Call(Global("collections", "OrderedDict")),
    )
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), args)


def zip_storage(numel: int) -> Persistent:
    return Persistent(("storage", Global("torch", "FloatStorage"), "0", "cpu", numel))


def torch_zip(value: Any, data: bytes = bytes(16), **more: bytes) -> bytes:
    whole = {"a/data.pkl": pickled(value, 2), "a/data/0": data, "a/version": b"3\n", **more}
    return zipped(whole)


def saved(value: Any, new: bool = True) -> bytes:
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=new)
    return file.getvalue()


def npy(array: np.ndarray, pickles: bool = False) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=pickles)
    return file.getvalue()


def safetensors(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def entry(shape: list[int], start: int, stop: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]


def laughs() -> bytes:
    """Twelve lists, each holding the one before ten times: a tree of 10^12 leaves."""
    code = b"\x80\x04]K\x01a\x94"
    for i in range(12):
        code += b"0](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"e\x94"
    return code + b"."


def again(spelt: bytes, use: bytes, times: int) -> bytes:
    """A value spelt once, and then a list of `times` uses of it out of the memo."""
    return b"\x80\x04" + spelt + b"\x940](" + use * times + b"e."


def many_views() -> bytes:
    """Half-precision numbers, 1 MiB of them, seen 2 000 times."""
    half = Persistent(("storage", Global("torch", "HalfStorage"), "0", "cpu", 2**19, None))
    args = (half, 0, (2**19,), (1,), False, None)
    one = Call(Global("torch._utils", "_rebuild_tensor_v2"), args)
    return legacy([one] * 2000, {"0": bytes(2**20)}, 2)


def wide_modules() -> bytes:
    """One module of 60 000 entries that are no tensors, in 60 000 places."""
    table = pickled({"_parameters": dict.fromkeys(range(60000))}, 2)[2:-1]
    head = b"\x8c\x17torch_utils.persistence\x8c\x1b_reconstruct_persistent_obj\x93("
    body = b"(\x8c\x0aclass_name\x8c\x01G\x8c\x0amodule_src\x8c\x00\x8c\x05state"
    return again(head + b"}" + body + table + b"utR", b"h\x01", 60000)


def meta(source: str) -> dict[str, Any]:
    return {"type": "class", "class_name": "G", "module_src": source, "state": {}}


PERSISTENT = Global("torch_utils.persistence", "_reconstruct_persistent_obj")


LOAD = Global("torch.storage", "_load_from_bytes")


GOOD = {"w": torch.arange(64.0), "b": torch.zeros(3)}


WEIGHTS = saved(GOOD)


HTML = b"<!DOCTYPE html><html><title>%s</title>%s</html>"


DTYPE = Global("numpy", "dtype")


SAMPLES: dict[str, tuple[str, bytes]] = {
    "code-os-system": ("forbidden-global", ask("os", "system")),
    "code-posix-proto2": ("forbidden-global", ask("posix", "system", protocol=2)),
    "code-eval": ("forbidden-global", ask("builtins", "eval", "1")),
    "code-dotted": ("forbidden-global", ask("collections", "OrderedDict.fromkeys")),
    "code-torch-load": ("forbidden-global", ask("torch", "load", "x")),
    "code-hub": ("forbidden-global", ask("torch.hub", "load", "x", "y")),
    "code-numpy-load": ("forbidden-global", ask("numpy", "load", "x")),
    "code-getattr": ("forbidden-global", ask("builtins", "getattr", 1, "x")),
    "code-pkgutil": ("forbidden-global", ask("pkgutil", "resolve_name", "os:system")),
    "code-text-global": ("forbidden-global", b"cos\nsystem\n(S'touch RAN'\ntR."),
    "code-inst": ("bad-op", b"\x80\x02(X\x09\x00\x00\x00touch RANios\nsystem\n."),
    "code-obj": ("forbidden-global", b"\x80\x02(cos\nsystem\nX\x09\x00\x00\x00touch RANo."),
    "code-obj-allowed": ("bad-op", b"\x80\x02(ccollections\nOrderedDict\no."),
    "code-newobj-ex": ("bad-op", b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93)}\x92."),
    "code-ext": ("bad-op", b"\x80\x02\x82\x01."),
    "code-buffers": ("bad-op", b"\x80\x05\x97."),
    "code-nested": ("forbidden-global", pickled({"a": Call(LOAD, (ask("os", "system"),))})),
    "code-nested-legacy": (
        "forbidden-global",
        pickled({"a": Call(LOAD, (legacy(Call(Global("os", "system"), (MARK,)), {}),))}),
    ),
    "code-nested-twice": (
        "bad-op",
        pickled({"a": Call(LOAD, (legacy(Call(LOAD, (b"",)), {}),))}),
    ),
    "code-second-pickle": ("forbidden-global", pickled({"a": 1}) + ask("os", "system")),
    "code-in-legacy": ("forbidden-global", legacy(Call(Global("os", "system"), (MARK,)), {})),
    "code-in-zip": ("forbidden-global", torch_zip(Call(Global("os", "system"), (MARK,)))),
    "code-source": (
        "no-model",
        pickled({"G_ema": Call(PERSISTENT, (meta("open('RAN', 'w')"),))}),
    ),
    "code-without-numbers": ("forbidden-global", saved(torch.nn.Tanh())),
    "code-function-of-a-stranger": (
        "forbidden-global",
        torch_zip({"w": tensor(4, 0, (4,), (1,)), "x": Call(Global("tools.run", "shell"), ("x",))}),
    ),
    "code-object-npy": ("object-array", npy(np.array([{}], object), True)),
    "code-object-dtype": ("object-array", pickled({"a": Call(DTYPE, ("O8", False, True))})),
    "code-structures": ("object-array", npy(np.zeros(2, [("a", "f4"), ("b", "O")]), True)),
    "code-script": ("bad-zip", zipped({"a/data.pkl": b"\x80\x02N.", "a/code/x.py": b"1"})),
    "code-setstate": ("bad-op", b"\x80\x02X\x01\x00\x00\x00a}b."),
    "code-call-text": ("bad-op", b"\x80\x02X\x01\x00\x00\x00a)R."),
    "code-append-foreign": ("bad-op", b"\x80\x02}K\x01a."),
    "code-list-as-key": ("bad-op", b"\x80\x02}]K\x01s."),
    # Group "bulk": asks for more than it has.
    "bulk-binbytes8": ("truncated", b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x."),
    "bulk-memo-index": ("no-model", b"\x80\x04}r\xff\xff\xff\x7f."),
    "bulk-frame": ("truncated", b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"}."),
    "bulk-nesting": ("too-big", b"\x80\x02}K\x00" + b"]" * 99999 + b"a" * 99998 + b"s."),
    "bulk-marks": ("too-big", b"\x80\x02" + b"(" * 300),
    "bulk-tuples": ("too-big", b"\x80\x02}K\x00)" + b"\x85" * 200000 + b"s."),
    "bulk-laughs": ("too-big", b"\x80\x04}K\x00" + laughs()[2:-1] + b"s."),
    "bulk-sets": ("too-big", b"\x80\x04" + b"\x8f" * 400000 + b"."),
    "bulk-operations": ("too-big", b"\x80\x04" + b"N0" * 1100000 + b"N."),
    "bulk-memo": ("too-big", b"\x80\x04N" + b"\x94" * 2100000 + b"."),
    "bulk-text": ("too-big", b"\x80\x04" + (b"X\xff\xff\x0f\x00" + b"a" * 0xFFFFF) * 17 + b"."),
    "bulk-long": ("too-big", b"\x80\x02\x8b\x00\x01\x00\x00" + bytes(256) + b"."),
    "bulk-zip-bomb": ("bad-zip", zipped({"a/data.pkl": b"\x80\x02N." + bytes(2**24)}, True)),
    "bulk-npz-bomb": ("bad-zip", zipped({"a.npy": npy(np.zeros(2**23, "f4"))}, True)),
    "bulk-legacy-storage": ("truncated", legacy({"a": tensor(2**40, 0, (1,), (1,))}, {"0": b""})),
    "bulk-zip-storage": ("bad-tensor", torch_zip({"a": zip_storage(2**40)})),
    "bulk-expanded": (
        "bad-tensor",
        legacy({"a": tensor(4, 0, (2**20, 2**20), (0, 0))}, {"0": bytes(16)}),
    ),
    "bulk-outside": ("bad-tensor", legacy({"a": tensor(4, 2, (4,), (1,))}, {"0": bytes(16)})),
    "bulk-negative": ("bad-tensor", legacy({"a": tensor(4, -1, (4,), (1,))}, {"0": bytes(16)})),
    "bulk-safetensors-outside": ("truncated", safetensors({"a": entry([9], 0, 36)}, bytes(8))),
    "bulk-safetensors-overlap": (
        "bad-tensor",
        safetensors({"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)),
    ),
    "bulk-safetensors-gap": ("bad-tensor", safetensors({"a": entry([2], 4, 12)}, bytes(12))),
    "bulk-safetensors-lie": ("bad-tensor", safetensors({"a": entry([2**40], 0, 8)}, bytes(8))),
    "bulk-safetensors-length": ("truncated", struct.pack("<Q", 2**60) + b"{}"),
    "bulk-safetensors-twice": (
        "bad-tensor",
        safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":1}', bytes(4)),
    ),
    "bulk-npy-shape": (
        "truncated",
        npy(np.zeros(16)).replace(b"(16,), }             ", b"(9999999999999,), }  "),
    ),
    "bulk-numpy-array": (
        "bad-tensor",
        pickled(
            {
                "a": Call(
                    Global("numpy.core.multiarray", "_reconstruct"),
                    (Global("numpy", "ndarray"), (0,), b"b"),
                    (1, (2**40,), Call(DTYPE, ("f4", False, True)), False, bytes(16)),
                )
            }
        ),
    ),
    "bulk-same-pairs": (
        "too-big",
        again(
            b"](" + b"K\x01K\x02\x86" * 90000 + b"e",
            b"\x8c\x0bcollections\x8c\x0bOrderedDict\x93h\x00\x85R",
            60000,
        ),
    ),
    "bulk-long-name": (
        "forbidden-global",
        again(b"X\x00\x00\x40\x00" + b"a" * 2**22, b"h\x00h\x00\x93", 60000),
    ),
    "bulk-python2-text": (
        "too-big",
        again(b"X\x00\x00\x40\x00" + b"a" * 2**22, b"c_codecs\nencode\nh\x00\x85R", 60000),
    ),
    "bulk-many-views": ("too-big", many_views()),
    "bulk-wide-modules": ("too-big", wide_modules()),
    "bulk-digits": ("unknown-format", b"c" + b"1" * 70000),
    "bulk-titles": ("html", b"<" + b"<title" * 11000),
    # Group "broken": what honest people end up with.
    "broken-empty": ("empty", b""),
    "broken-drive": ("html", HTML % (b"Google Drive - Virus scan warning", b"")),
    "broken-quota": ("html", HTML % (b"Google Drive - Quota exceeded", b"")),
    "broken-404": ("html", b"\n\n" + HTML % (b"404", b"")),
    "broken-xml": ("html", b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
    "broken-json": ("json", b'{"error": "Repository not found"}'),
    "broken-lfs": (
        "lfs-pointer",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 381673535\n",
    ),
    "broken-gzip": ("wrong-format", gzip.compress(WEIGHTS)),
    "broken-zip": ("wrong-format", zipped({"model.pkl": pickled({})})),
    "broken-png": ("unknown-format", b"\x89PNG\r\n\x1a\n" + bytes(20)),
    "broken-hdf5": ("wrong-format", b"\x89HDF\r\n\x1a\n" + bytes(20)),
    "broken-text": ("unknown-format", b"Too many requests\n"),
    "broken-zeros": ("unknown-format", bytes(5000)),
    "broken-noise": ("unknown-format", bytes(range(128, 256)) * 4),
    "broken-text-pickle": ("not-a-pickle", b"(dp0\r\nVa\r\np1\r\nI1\r\ns."),
    "broken-mangled": ("not-a-pickle", b"\xc2\x80\x04\xc2\x95" + bytes(30)),
    "broken-cut-pickle": ("truncated", pickled({"a": b"x" * 5000})[:3000]),
    "broken-cut-zip": ("truncated", WEIGHTS[:900]),
    "broken-cut-legacy": ("truncated", saved(GOOD, False)[:-9]),
    "broken-cut-npy": ("truncated", npy(np.zeros(50))[:-9]),
    "broken-cut-safetensors": ("truncated", safetensors({"a": entry([9], 0, 36)}, bytes(30))),
    "broken-bit": ("checksum", flipped(WEIGHTS, WEIGHTS.index(struct.pack("<2f", 31, 32)))),
    # Group "zip": two readers could see two files.
    "zip-two-pickles": ("bad-zip", zipped({"a/data.pkl": pickled({}), "b/data.pkl": pickled({})})),
    "zip-compressed": ("bad-zip", zipped({"a/data.pkl": pickled({})}, True)),
    "zip-odd-name": ("bad-zip", torch_zip({}, **{"a/../../x": b""})),
    "zip-tail": ("truncated", torch_zip({}) + bytes(70000)),
    "zip-prefix": ("bad-zip", b"PK\x03\x04" + torch_zip({})),
    # Group "useless": well-formed, and no weights for a generator.
    "useless-list": ("no-model", saved([torch.zeros(3)])),
    "useless-empty": ("no-model", saved({})),
    "useless-ints": ("no-model", saved({"a": 1, "b": 2})),
    "useless-nan": ("nonfinite", saved({"a": torch.tensor([1.0, float("nan")])})),
    "useless-inf": ("nonfinite", saved({"a": torch.tensor([1.0, float("-inf")])})),
    "useless-variance": ("negative-variance", saved({"bn.running_var": torch.tensor([-1e-3])})),
    # Controls.
    "good-zip": ("ok", WEIGHTS),
    "good-legacy": ("ok", saved(GOOD, False)),
}
