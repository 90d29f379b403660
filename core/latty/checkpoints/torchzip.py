"""The torch format since 1.6: a zip of a pickle, `data.pkl`, and one stored member per storage."""

import re
from functools import partial
from typing import Any

from latty.checkpoints import numpyfile, ziparchive
from latty.checkpoints.inert import Machine
from latty.checkpoints.refusals import Refusal, bad_tensor
from latty.checkpoints.tally import Tally
from latty.checkpoints.torchlegacy import described, shared
from latty.checkpoints.values import Storage, item_size
from latty.checkpoints.ziparchive import ARCHIVE, STORED, Member, bad_zip
from latty.text import clean

MEMBER = re.compile(
    r"(?P<root>[^/\\]+)/"
    r"(?:data\.pkl|data/[0-9]{1,20}|byteorder|version"
    r"|\.format_version|\.storage_alignment|\.data/serialization_id)"
)
SCRIPT = re.compile(r"[^/]+/(code/.*|constants\.pkl)")
STATE_DICT = "ask its author for the weights: torch.save(model.state_dict(), 'weights.pt')"


def contents(code: memoryview, tally: Tally) -> tuple[str, Any, tuple[str, ...], int]:
    """Of any zip archive: "torch-zip" or "npz", what is in it, warnings, and the bytes that follow
    the end of its pickle. Raises Refusal."""
    found = ziparchive.members(code)
    if any(name.endswith("data.pkl") for name in found):
        return "torch-zip", *read(code, found, tally)
    if found and all(name.endswith(".npy") for name in found):
        return "npz", *numpyfile.read_npz(code, found), 0
    if ARCHIVE in found:
        raise Refusal("wrong-format", "it is an archive of presets", "run: latty render FILE")
    raise Refusal("wrong-format", "it is a zip archive around something", "run: unzip FILE")


def read(
    code: memoryview, found: dict[str, Member], tally: Tally
) -> tuple[Any, tuple[str, ...], int]:
    """The object, warnings, and the bytes that follow the end of its pickle; raises Refusal."""
    root = _root(found)
    warnings = ziparchive.verify(code, found)
    order = found.get(f"{root}/byteorder")
    if order is not None and bytes(order.raw(code)) != b"little":
        raise bad_tensor("its numbers are big-endian, which latty does not read")
    storages: dict[str, Storage] = {}
    pickle = found[f"{root}/data.pkl"].raw(code)
    persist = partial(_persist, code, found, root, storages, tally)
    machine = Machine(pickle, tally, persist=persist)
    value = machine.run()
    return value, warnings, len(pickle) - machine.pos


def _root(found: dict[str, Member]) -> str:
    """The one top folder, after a look at every name and packing."""
    if any(SCRIPT.fullmatch(name) for name in found):
        raise bad_zip("it is a TorchScript program, not plain weights", STATE_DICT)
    roots = set()
    for name, member in found.items():
        matched = MEMBER.fullmatch(name)
        if matched is None:
            raise bad_zip(f"it has a member {clean(name)}, as torch writes none")
        if member.method != STORED:
            raise bad_zip(f"{clean(name)} is compressed, as torch writes none")
        roots.add(matched["root"])
    root = roots.pop() if len(roots) == 1 else ""
    if f"{root}/data.pkl" not in found:
        raise bad_zip("it has several tops, or no data.pkl")
    return root


def _persist(
    code: memoryview,
    found: dict[str, Member],
    root: str,
    known: dict[str, Storage],
    tally: Tally,
    given: Any,
) -> Storage:
    dtype, key, numel = described(given)
    member = found.get(f"{root}/data/{key}")
    if member is None:
        raise Refusal("bad-tensor", f"the numbers of tensor {clean(key)} are not in the file")
    if member.size != numel * item_size(dtype):
        words = f"tensor {clean(key)} needs {numel * item_size(dtype)} bytes"
        raise bad_tensor(f"{words}, the file has {member.size}")
    return shared(known, key, Storage(dtype, numel, member.raw(code)), tally)
