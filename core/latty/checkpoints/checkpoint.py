"""The front door's other side: one file opened, sniffed, read, and everything that it said."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from latty.checkpoints import (
    numpyfile,
    onnxfile,
    safetensors,
    shards,
    torchlegacy,
    torchzip,
    walk,
)
from latty.checkpoints.inert import Machine
from latty.checkpoints.refusals import Refusal, Stamps, code_of, naming, opening
from latty.checkpoints.sniff import HEAD, SHARDS, sniff
from latty.checkpoints.tally import Tally
from latty.checkpoints.values import Record, Storage, TensorView, TfNetwork, arrays, item_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

FILE_LIMIT = 32 * 2**30
SHARED, SLACK = 8, 64 * 2**20  # tensors may share numbers, within reason
NVIDIA = "NVIDIA's source text is inside: NVIDIA Source Code License, non-commercial use only"
LIKELY_NVIDIA = (
    "written by NVIDIA's code, whose own models are for non-commercial use: ask its page"
)
TRAILING = "{} bytes follow the end of its pickle and were not read"
READ_ERRORS = (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)


@dataclass(frozen=True)
class Checkpoint:
    """A file that was read, and never run.

    kind      "pickle", "torch-zip", "torch-legacy", "npy", "npz", "safetensors", "onnx" or "shards"
    tree      what it holds: plain dicts, lists, numbers and text, TensorView, Record, TfNetwork
    meta      free text of a safetensors header; what an ONNX network takes and gives
    network   what an ONNX file holds
    warnings  what a reader should know although the file was read
    given     settings that the user states, which the file cannot know
    tally     what looking at it may cost, and has cost so far
    stamps    its files, as they were when they were read
    """

    path: Path
    kind: str
    size: int
    tree: Any
    tally: Tally = field(repr=False)
    meta: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    network: onnxfile.Network | None = field(default=None, repr=False)
    stamps: Stamps = field(default_factory=Stamps, repr=False)
    _views: dict[int, dict[str, TensorView]] = field(default_factory=dict, repr=False)
    _modules: dict[int, dict[str, Record | TfNetwork]] = field(default_factory=dict, repr=False)

    @property
    def globals(self) -> dict[str, int]:
        """Every name its pickles asked for, nested ones too, with counts."""
        return dict(self.tally.globals)

    @property
    def opcodes(self) -> dict[str, int]:
        """How often each pickle operation occurred."""
        return self.tally.operations_by_name()

    @property
    def licence(self) -> str:
        """What the file itself shows about its licence, or ""."""
        if self.tally.nvidia:
            return NVIDIA
        return LIKELY_NVIDIA if self.tally.spent["modules"] else self.meta.get("license", "")

    @cached_property
    def sha256(self) -> str:
        """Of the whole file, as hexadecimal digits; read in pieces, so it costs no memory."""
        return digest(self.path)

    def views(self, of: Any = None) -> dict[str, TensorView]:
        """Name -> tensor of the whole file, or of one part of the tree; numpy is not needed. It is
        found once and shared. Raises Refusal."""
        return self._named(walk.named, self._views, of)

    def tensors(self, of: Any = None) -> "dict[str, NDArray[Any]]":
        """Name -> read-only array over the file, of its own shape (C, H, W), (N,) or any other;
        16-bit floats are widened. Raises Refusal, "no-model" where there is none."""
        views = self.views(of)
        if not views:
            raise self.no_model("it holds no numbers")
        readable = [tensor for tensor in views.values() if tensor.why is None]
        total = sum(tensor.numel * item_size(tensor.dtype) for tensor in readable)
        if self.kind != "npz" and total > SHARED * self.size + SLACK:
            what = f"its tensors add up to {total} bytes, all of them the same numbers"
            raise Refusal("too-big", what, "this is no checkpoint of a generator", self.path.name)
        with naming(self.path):
            return arrays(views)

    def weights(self) -> "dict[str, NDArray[Any]]":
        """As `tensors`, each of its own shape (O, I, H, W) or any other, for files that can be a
        model. Raises Refusal, "no-model" for lists."""
        networks = isinstance(self.tree, tuple) and all(
            isinstance(part, TfNetwork) for part in self.tree
        )
        if not networks and not isinstance(self.tree, dict | Record | TfNetwork):
            raise self.no_model("it holds no table of named tensors")
        return self.tensors()

    def modules(self, of: Any = None) -> dict[str, Record | TfNetwork]:
        """Name -> object of somebody's class, for its settings: "G_ema.synthesis.b4", of the whole
        file or of one part of the tree, itself under walk.ALONE. Raises Refusal."""
        return self._named(walk.modules, self._modules, of)

    def _named(
        self,
        walked: Callable[[Any, Tally], dict[str, T]],
        known: dict[int, dict[str, T]],
        of: Any,
    ) -> dict[str, T]:
        tree = self.tree if of is None else of
        if id(tree) not in known:
            with self.looking():
                known[id(tree)] = walked(tree, self.tally)
        return known[id(tree)]

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What is inside spends the file's time; a Refusal of it names the file."""
        with naming(self.path), self.tally.looking():
            yield

    def no_model(self, what: str) -> Refusal:
        hint = "name the generator's own file; see: latty inspect FILE"
        return Refusal("no-model", what, hint, self.path.name)


def digest(path: Path) -> str:
    """SHA-256 of a file, or of an index and the files that it names; raises Missing, Refusal,
    OutputError."""
    with naming(path), opening(path) as file:
        begin = file.read(HEAD)
        if begin.lstrip().startswith(b"{") and _is_index(begin):
            together = sha256(shards.text_of(path))
            for shard in shards.files_of(path):
                together.update(digest(shard).encode())
            return together.hexdigest()
        file.seek(0)
        return file_digest(file, "sha256").hexdigest()


def _is_index(begin: bytes) -> bool:
    try:
        return sniff(begin) == SHARDS
    except Refusal:
        return False


def read(path: Path, tally: Tally | None = None) -> Checkpoint:
    """One file of any kind, by content; raises Missing, Refusal, OutputError."""
    tally = tally or Tally()
    with naming(path), tally.looking():
        try:
            kind, code, state = _sniffed(path)
            tally.allow(len(code))
            checkpoint = READERS[kind](path, code, tally)
            checkpoint.tally.check_objects()
            return replace(checkpoint, stamps=Stamps(checkpoint.stamps | state))
        except MemoryError:
            raise Refusal("too-big", "it needs more memory than there is") from None
        except READ_ERRORS:  # a damaged file found a case that no check names
            raise Refusal("not-a-pickle", "it is damaged: it cannot be read") from None


def _sniffed(path: Path) -> tuple[str, memoryview, Stamps]:
    """The kind of a file, its bytes, and when these were written."""
    with opening(path) as file:
        state = Stamps.of(path, file)
        kind = sniff(file.read(HEAD))  # before a huge file is read
        size = os.fstat(file.fileno()).st_size
        if size > FILE_LIMIT:
            what = f"it has {size >> 30} GiB; latty reads files up to 32"
            raise Refusal("too-big", what, "ask its author for the generator alone")
        return kind, code_of(file, size), state


def _read_zip(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    kind, tree, warnings, rest = torchzip.contents(code, tally)
    tally.trailing = rest
    warnings += (TRAILING.format(rest),) if rest else ()
    return Checkpoint(path, kind, len(code), tree, tally, warnings=warnings)


def _read_shards(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    wanted = shards.weight_map(code)
    tally.spend("tensors", len(wanted))
    parts = {file: _read_shard(shards.beside(path, file), tally) for file in {*wanted.values()}}
    tree = shards.merged({file: part.tree for file, part in parts.items()}, wanted)
    meta: dict[str, str] = {}
    stamps = Stamps()
    for part in parts.values():
        meta |= part.meta
        stamps |= part.stamps
    size = sum(part.size for part in parts.values())
    warnings = tuple(dict.fromkeys(line for part in parts.values() for line in part.warnings))
    return Checkpoint(path, SHARDS, size, tree, tally, meta, warnings, stamps=stamps)


def _read_shard(path: Path, tally: Tally) -> Checkpoint:
    with naming(path), opening(path) as file:
        if sniff(file.read(HEAD)) == SHARDS:
            raise Refusal("bad-op", "its index names another index", shards.AGAIN)
    return read(path, tally)


def _read_npy(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    return Checkpoint(path, "npy", len(code), numpyfile.read_npy(code), tally)


def _read_safetensors(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    tensors, meta = safetensors.read(code)
    return Checkpoint(path, "safetensors", len(code), tensors, tally, meta)


def _read_onnx(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    """The bytes stay one tensor: onnxruntime reads them, where they are used."""
    network = onnxfile.read(code)
    whole = TensorView(Storage("|u1", len(code), code), "|u1", (len(code),), (1,))
    meta = {
        "inputs": ", ".join(map(str, network.wanted)),
        "outputs": ", ".join(map(str, network.outputs)),
        "opset": str(network.opset),
        "producer": network.producer,
    }
    return Checkpoint(
        path, "onnx", len(code), {onnxfile.NETWORK: whole}, tally, meta, network=network
    )


def _read_legacy(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    tree, end = torchlegacy.read(code, tally)
    notes = _rest(code, end, tally)
    return Checkpoint(path, "torch-legacy", len(code), tree, tally, warnings=notes)


def _read_pickle(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    machine = Machine(code, tally, nested=torchlegacy.read_nested)
    tree = machine.run()
    notes = _rest(code, machine.pos, tally)
    return Checkpoint(path, "pickle", len(code), tree, tally, warnings=notes)


def _read_text_pickle(path: Path, code: memoryview, tally: Tally) -> Checkpoint:
    """Protocols 0 and 1 are refused; what such a file asks for is still named."""
    _look(Machine(code, tally))
    what = "it is an old text pickle, or one damaged by a text-mode copy"
    raise Refusal("not-a-pickle", what, "fetch it again as a binary file, or save with protocol 2")


def _rest(code: memoryview, pos: int, tally: Tally) -> tuple[str, ...]:
    """A warning about bytes behind the end; a second pickle that asks for code is refused."""
    tally.trailing = len(code) - pos
    if not tally.trailing:
        return ()
    if code[pos] == 0x80:
        _look(Machine(code, tally, pos, nested=torchlegacy.read_nested))
    return (TRAILING.format(tally.trailing),)


def _look(machine: Machine) -> None:
    """Read what nobody uses: only where it asks for code it is refused."""
    try:
        machine.run()
    except Refusal as refusal:
        if refusal.code == "forbidden-global":
            raise


READERS: dict[str, Callable[[Path, memoryview, Tally], Checkpoint]] = {
    "zip": _read_zip,
    "npy": _read_npy,
    "safetensors": _read_safetensors,
    "onnx": _read_onnx,
    "torch-legacy": _read_legacy,
    "pickle": _read_pickle,
    "text-pickle": _read_text_pickle,
    SHARDS: _read_shards,
}
