"""Pickles written by hand, operation by operation, for benchmarks and tests of the reader.

`Writer` knows plain values, names, calls and persistent ids; `legacy` the torch container before
1.6; `generator` the modules of a StyleGAN2 as NVIDIA's torch_utils.persistence lays them out.
Nobody's code is in them, and nothing here runs a pickle.
"""

import io
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any

MAGIC = 0x1950A86A20F9469CFC6C
SOURCE = "# the source text of a module would stand here\n" * 900  # 42 kB, one text for all modules


@dataclass(frozen=True)
class Global:
    """A name."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """function(*args), then, with a state, __setstate__(state); `new` for cls.__new__."""

    function: Global
    args: tuple[Any, ...] = ()
    state: Any = None
    new: bool = False


@dataclass(frozen=True)
class Persistent:
    """A persistent id."""

    value: Any


class Writer:
    """Pickles by hand, protocols 2 to 5: what a value needs and no more."""

    def __init__(self, file: IO[bytes], protocol: int = 4) -> None:
        self.file, self.protocol = file, protocol
        self.memo: dict[Any, int] = {}
        self.file.write(b"\x80" + bytes([protocol]))

    def done(self, value: Any) -> None:
        self.put(value)
        self.file.write(b".")

    def put(self, value: Any) -> None:
        kind = type(value).__name__
        if kind in ("str", "Global") and value in self.memo:
            self.file.write(b"j" + struct.pack("<I", self.memo[value]))
            return
        getattr(self, f"_{kind}")(value)
        if kind in ("str", "Global"):
            self.memo[value] = len(self.memo)
            self.file.write(b"r" + struct.pack("<I", self.memo[value]))

    def _NoneType(self, value: None) -> None:  # noqa: N802
        self.file.write(b"N")

    def _bool(self, value: bool) -> None:
        self.file.write(b"\x88" if value else b"\x89")

    def _int(self, value: int) -> None:
        if 0 <= value < 256:
            self.file.write(b"K" + bytes([value]))
        elif -(2**31) <= value < 2**31:
            self.file.write(b"J" + struct.pack("<i", value))
        else:
            data = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
            self.file.write(b"\x8a" + bytes([len(data)]) + data)

    def _float(self, value: float) -> None:
        self.file.write(b"G" + struct.pack(">d", value))

    def _str(self, value: str) -> None:
        data = value.encode()
        self.file.write(b"X" + struct.pack("<I", len(data)) + data)

    def _bytes(self, value: bytes) -> None:
        self.file.write(b"B" + struct.pack("<I", len(value)))
        self.file.write(value)

    def _tuple(self, value: tuple[Any, ...]) -> None:
        self._items(value, b"t")

    def _list(self, value: list[Any]) -> None:
        self.file.write(b"]")
        self._items(value, b"e")

    def _dict(self, value: dict[Any, Any]) -> None:
        self.file.write(b"}")
        self._items([part for pair in value.items() for part in pair], b"u")

    def _items(self, values: Iterable[Any], end: bytes) -> None:
        self.file.write(b"(")
        for value in values:
            self.put(value)
        self.file.write(end)

    def _Global(self, value: Global) -> None:  # noqa: N802
        if self.protocol < 4:
            self.file.write(f"c{value.module}\n{value.name}\n".encode())
        else:
            self.put(value.module)
            self.put(value.name)
            self.file.write(b"\x93")

    def _Call(self, value: Call) -> None:  # noqa: N802
        self.put(value.function)
        self.put(value.args)
        self.file.write(b"\x81" if value.new else b"R")
        if value.state is not None:
            self.put(value.state)
            self.file.write(b"b")

    def _Persistent(self, value: Persistent) -> None:  # noqa: N802
        self.put(value.value)
        self.file.write(b"Q")

    def _Numbers(self, value: "Numbers") -> None:  # noqa: N802
        self.put(value.call())

    def _Module(self, value: "Module") -> None:  # noqa: N802
        self.put(value.call())


def pickled(value: Any, protocol: int = 4) -> bytes:
    """The pickle of a value."""
    file = io.BytesIO()
    Writer(file, protocol).done(value)
    return file.getvalue()


def legacy(value: Any, storages: dict[str, bytes], item: int = 4) -> bytes:
    """The torch format before 1.6 around a value; storages by key, as raw bytes."""
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"int": 4}}
    parts = [pickled(part, 2) for part in (MAGIC, 1001, system, value, list(storages))]
    for data in storages.values():
        parts += [struct.pack("<q", len(data) // item), data]
    return b"".join(parts)


def storage(key: str, numel: int, kind: str = "FloatStorage") -> Persistent:
    """What refers to a storage."""
    return Persistent(("storage", Global("torch", kind), key, "cpu", numel, None))


def strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of an array without gaps, in numbers."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))


EMPTY = Call(Global("collections", "OrderedDict"))


@dataclass(frozen=True)
class Numbers:
    """A float32 tensor of a shape, its numbers a run of `block`."""

    shape: tuple[int, ...]
    block: bytes
    parameter: bool = True

    def call(self) -> Call:
        count = math.prod(self.shape)
        data = (self.block * (4 * count // len(self.block) + 1))[: 4 * count]
        inner = legacy(storage("0", count), {"0": data})
        loaded = Call(Global("torch.storage", "_load_from_bytes"), (inner,))
        args = (loaded, 0, self.shape, strides(self.shape), False, EMPTY)
        made = Call(Global("torch._utils", "_rebuild_tensor_v2"), args)
        if not self.parameter:
            return made
        return Call(Global("torch._utils", "_rebuild_parameter"), (made, True, EMPTY))


@dataclass(frozen=True)
class Module:
    """A module of NVIDIA's layout."""

    class_name: str
    tensors: dict[str, Any]
    children: dict[str, "Module"]
    attributes: dict[str, Any]
    buffers: dict[str, Any]
    source: str = SOURCE

    def call(self) -> Call:
        state = {
            "training": False,
            "_parameters": self.tensors,
            "_buffers": self.buffers,
            "_non_persistent_buffers_set": [],
            "_backward_hooks": EMPTY,
            "_is_full_backward_hook": None,
            "_forward_hooks": EMPTY,
            "_modules": self.children,
            "_init_args": (),
            "_init_kwargs": {},
            **self.attributes,
        }
        meta = {
            **{"type": "class", "version": 6, "module_src": self.source},
            **{"class_name": self.class_name, "state": state},
        }
        return Call(Global("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))


def _dense(block: bytes, into: int, out: int) -> Module:
    tensors = {"weight": Numbers((out, into), block), "bias": Numbers((out,), block)}
    gains = {"weight_gain": 0.01, "bias_gain": 0.01, "activation": "lrelu"}
    return Module("FullyConnectedLayer", tensors, {}, gains, {})


def _layer(block: bytes, into: int, out: int, size: int, kernel: int = 3) -> Module:
    tensors = {
        "weight": Numbers((out, into, kernel, kernel), block),
        "bias": Numbers((out,), block),
    }
    buffers = {"resample_filter": Numbers((4, 4), block, False)}
    if kernel == 3:
        tensors["noise_strength"] = Numbers((), block)
        buffers["noise_const"] = Numbers((size, size), block, False)
    attributes = {"up": 1, "use_noise": True, "conv_clamp": 256, "padding": 1, "act_gain": 1.41}
    return Module(
        "SynthesisLayer", tensors, {"affine": _dense(block, 512, into)}, attributes, buffers
    )


def generator(block: bytes, resolution: int = 1024, base: int = 32768, most: int = 512) -> Module:
    """A StyleGAN2 generator's modules with their full widths."""
    blocks: dict[str, Module] = {}
    into, size = 0, 4
    while size <= resolution:
        out = min(base // size, most)
        parts = {"conv1": _layer(block, out, out, size), "torgb": _layer(block, out, 3, size, 1)}
        if into:
            parts = {"conv0": _layer(block, into, out, size), **parts}
        blocks[f"b{size}"] = Module("SynthesisBlock", {}, parts, {"architecture": "skip"}, {})
        into, size = out, size * 2
    synthesis = Module("SynthesisNetwork", {}, blocks, {"img_resolution": resolution}, {})
    layers = {f"fc{i}": _dense(block, 512, 512) for i in range(8)}
    mean = {"w_avg": Numbers((512,), block, False)}
    mapping = Module("MappingNetwork", {}, layers, {"num_layers": 8}, mean)
    children = {"synthesis": synthesis, "mapping": mapping}
    return Module("Generator", {}, children, {"z_dim": 512, "img_resolution": resolution}, {})
