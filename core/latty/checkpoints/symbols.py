"""The table of names a pickle may ask for, and what each one means here.

A name is looked up as a whole: nothing is imported, no dots are walked, no attribute is fetched.
What is not in the table is an inert record where `names` finds it harmless, and is refused by name
otherwise.
"""

from collections.abc import Callable, Iterable
from typing import Any

from latty.checkpoints import names, rebuilds
from latty.checkpoints.refusals import Refusal, bad_tensor
from latty.checkpoints.tally import OPERATIONS, Reading
from latty.checkpoints.values import (
    Buffer,
    Persistent,
    Record,
    Storage,
    Symbol,
    TensorView,
    TfNetwork,
    checked_shape,
    dtype_code,
    item_size,
    packed,
    view,
)
from latty.text import clean

NUMPY_CORES = ("numpy.core", "numpy._core")

FOREIGN, RECORD, ATTRIBUTE, GETATTR = "foreign", "record", "attribute", "getattr"
METHODS = ("append", "extend", "add")  # of an object, that pickle calls with what it appends
NAME_LIMIT = 400  # characters of module and name; names outside the table are kept for `inspect`
KEY_PARTS = 8  # of a tuple that is a key


def resolve(reading: Reading, module: str, name: str) -> Symbol:
    """The table's symbol, or that of a record; Refusal("forbidden-global") for all others, or a
    stand-in for lookers. Raises Refusal."""
    if len(module) + len(name) > NAME_LIMIT:
        raise forbidden(module[:NAME_LIMIT], name[:NAME_LIMIT])
    path = f"{module}.{name}"
    reading.tally.asked(path)
    symbol = TABLE.get((module, name))
    if symbol is not None:
        return symbol
    if names.is_harmless(module, name):
        if path not in names.VALUES:
            reading.tally.records[path] += 1
        return Symbol(module, name, RECORD)
    return refuse(reading, module, name)


def refuse(reading: Reading, module: str, name: str) -> Symbol:
    """A stand-in for those who only look. Raises the refusal of the name for all others."""
    if not reading.tally.lenient:
        raise forbidden(module, name)
    reading.tally.foreign[f"{module}.{name}"] += 1
    return Symbol(module, name, FOREIGN)


def forbidden(module: str, name: str) -> Refusal:
    """The refusal of a name that a file may not hold."""
    return Refusal(
        "forbidden-global",
        f"it asks Python to run {clean(f'{module}.{name}')}; latty reads plain weights only",
        "do not load this file with other programs unless you trust who made it",
    )


class Dtype:
    """A numpy dtype on its way: BUILD may still set its byte order."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code


def call(reading: Reading, function: Any, args: Any) -> Any:
    """The value of `function(*args)` for a symbol of the table; nothing else can be called.
    Raises Refusal."""
    if not isinstance(function, Symbol):
        raise Refusal("bad-op", "it calls something that is no name")
    if function.kind == FOREIGN:
        return function
    if function.kind in (RECORD, ATTRIBUTE):
        if function.kind == RECORD and names.may_be_called(function.module, function.name):
            return record(reading, _class_made(function, args))
        return refuse(reading, function.module, function.name)
    if not isinstance(args, tuple) or function.kind not in CALLS:
        raise Refusal("bad-op", f"it calls {function.path} in a way no checkpoint does")
    try:
        return CALLS[function.kind](reading, *args)
    except TypeError:  # the wrong number of arguments
        raise Refusal("bad-op", f"it calls {function.path} in a way no checkpoint does") from None


def _class_made(function: Symbol, args: Any) -> Symbol:
    """What `_reconstructor(class, object, None)` of the old protocols makes; else the class."""
    if function.name == "_reconstructor" and isinstance(args, tuple) and args:
        first = args[0]
        if isinstance(first, Symbol) and first.kind == RECORD:
            return first
    return function


def record(reading: Reading, cls: Symbol) -> Record:
    """An object of that class, which BUILD and entries may fill. Raises Refusal."""
    reading.tally.spend("objects")
    return reading.made(Record(cls.path))


def _persistent(reading: Reading, meta: Any) -> Persistent:
    table = meta if isinstance(meta, dict) else {}
    name, source, state = (table.get(key) for key in ("class_name", "module_src", "state"))
    if not (isinstance(name, str) and isinstance(source, str) and isinstance(state, dict)):
        raise Refusal("bad-op", "a module of NVIDIA's layout lacks its class, source or state")
    reading.tally.spend("modules")
    digest, nvidia = reading.tally.source(source)
    return Persistent(name, state, source_sha256=digest, nvidia=nvidia)


def _nested(reading: Reading, data: Any) -> Any:
    if reading.nested is None or not isinstance(data, bytes | memoryview):
        raise Refusal("bad-op", "it nests one torch file in another where no checkpoint does")
    return reading.nested(data, reading.tally)


def _subclass(reading: Reading, function: Any, cls: Any, args: Any, state: Any = None) -> Any:
    """A tensor of a class derived from torch's, or with attributes of its own: the tensor."""
    return call(reading, function, args)


def _attribute(reading: Reading, *args: Any) -> Symbol:
    """`getattr(owner, name)`, as torch.tanh and bound methods are written: the name of it, which
    may be kept and never called. Raises Refusal for every other owner."""
    owner, name = args if len(args) == 2 else (None, None)
    if isinstance(name, str) and len(name) <= NAME_LIMIT:
        if isinstance(owner, Record) and names.is_attribute(name):
            return Symbol(owner.class_name, name, ATTRIBUTE)
        if isinstance(owner, Symbol) and names.is_function_of_tensors(owner.path, name):
            return Symbol("torch", name, ATTRIBUTE)
    return refuse(reading, "builtins", "getattr")


def _device(reading: Reading, *parts: Any) -> str:
    return ":".join(str(part)[:32] for part in parts[:2] if isinstance(part, str | int))


def _dict(reading: Reading, pairs: Any = ()) -> dict[Any, Any]:
    reading.tally.spend("lists and tables")
    entries: dict[Any, Any] = {}
    given = pairs if isinstance(pairs, list | tuple) else ()
    given = list(pairs.items()) if isinstance(pairs, dict) else given
    reading.tally.spend(OPERATIONS, len(given))  # the memo can hand one list over again and again
    for pair in given:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise Refusal("bad-op", "it fills a table with something other than pairs")
        entries[key(pair[0])] = pair[1]
    return entries


def _namespace(reading: Reading) -> dict[Any, Any]:
    return reading.made(_dict(reading))


def _set(reading: Reading, items: Any = ()) -> set[Any]:
    reading.tally.spend("lists and tables")
    given = items if isinstance(items, list | tuple | set) else ()
    reading.tally.spend(OPERATIONS, len(given))
    return {key(item) for item in given}


def _bytes(reading: Reading, data: Any = b"", codec: Any = "latin-1") -> Buffer:
    return _encode(reading, data, codec) if isinstance(data, str) else _buffer(reading, data)


def _encode(reading: Reading, text: Any, codec: Any = "latin1") -> bytes:
    if not isinstance(text, str) or codec not in ("latin1", "latin-1", "iso-8859-1"):
        raise Refusal("bad-op", "it encodes text in a way no checkpoint does")
    reading.tally.spend("bytes of text", len(text))
    return text.encode("latin-1")


def _buffer(reading: Reading, data: Any) -> Buffer:
    if isinstance(data, str):  # Python 2 wrote bytes as text
        reading.tally.spend("bytes of text", len(data))
        return data.encode("latin-1")
    if not isinstance(data, bytes | memoryview):
        raise bad_tensor("an array's numbers are no bytes")
    return data


def _dtype(reading: Reading, name: Any, *_: Any) -> Dtype:
    if not isinstance(name, str):
        raise Refusal("object-array", "it holds an array of a type that is no plain number")
    return reading.made(Dtype(dtype_code(name)))


def array(reading: Reading, dtype: Any, shape: Any, fortran: bool, data: Any) -> TensorView:
    """A numpy array whose bytes are exactly its shape times its item size. Raises Refusal."""
    if not isinstance(dtype, Dtype):
        raise bad_tensor("an array has no number type")
    sizes, buffer = checked_shape(shape), _buffer(reading, data)
    storage = Storage(dtype.code, len(buffer) // max(1, item_size(dtype.code)), buffer)
    result = view(storage, 0, sizes, packed(sizes, fortran))
    if result.numel * item_size(dtype.code) != len(buffer):
        raise bad_tensor(f"an array of {list(sizes)} numbers has {len(buffer)} bytes")
    return result


def _scalar(reading: Reading, dtype: Any, data: Any = None) -> TensorView:
    reading.tally.spend("tensors")
    return array(reading, dtype, (), False, data)


def _frombuffer(
    reading: Reading, data: Any, dtype: Any, shape: Any, order: Any, *_: Any
) -> TensorView:
    reading.tally.spend("tensors")
    return array(reading, dtype, shape, order == "F", data)


def _reconstruct(reading: Reading, cls: Any, shape: Any, kind: Any) -> TensorView:
    if not isinstance(cls, Symbol) or cls.kind not in ("ndarray", FOREIGN):
        raise Refusal("bad-op", "it builds an array of a class that is none")
    reading.tally.spend("tensors")
    return reading.made(TensorView(Storage("|u1", 0, b""), "|u1", (0,), (1,)))


def _network(reading: Reading) -> TfNetwork:
    reading.tally.spend("modules")
    return reading.made(TfNetwork())


DICTS = [
    *("collections.OrderedDict", "collections.defaultdict", "collections.Counter"),
    *("dnnlib.EasyDict", "dnnlib.util.EasyDict", "easydict.EasyDict", "munch.Munch", "addict.Dict"),
]

# What calling a name of each kind means (None: it is only referred to), and the names.
KINDS: dict[str, tuple[Callable[..., Any] | None, Iterable[str]]] = {
    "persistent": (_persistent, ["torch_utils.persistence._reconstruct_persistent_obj"]),
    "tensor": (
        rebuilds.tensor,
        ["torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2"],
    ),
    "typed": (rebuilds.typed, ["torch._utils._rebuild_tensor_v3"]),
    "quantised": (rebuilds.quantised, ["torch._utils._rebuild_qtensor"]),
    "sparse": (rebuilds.sparse, ["torch._utils._rebuild_sparse_tensor"]),
    "layout": (rebuilds.layout, ["torch.serialization._get_layout"]),
    "meta": (rebuilds.meta, ["torch._utils._rebuild_meta_tensor_no_storage"]),
    "from numpy": (
        rebuilds.from_numpy,
        [
            "torch._utils._rebuild_device_tensor_from_numpy",
            "torch._utils._rebuild_device_tensor_from_cpu_tensor",
            "torch._utils._rebuild_xla_tensor",
        ],
    ),
    "odd tensor": (
        rebuilds.odd,
        [
            "torch._utils._rebuild_nested_tensor",
            "torch._utils._rebuild_wrapper_subclass",
            "torch._utils._rebuild_sparse_csr_tensor",
        ],
    ),
    "subclass": (
        _subclass,
        ["torch._tensor._rebuild_from_type_v2", "torch._tensor._rebuild_from_type"],
    ),
    "parameter": (
        rebuilds.parameter,
        [
            "torch._utils._rebuild_parameter",
            "torch._utils._rebuild_parameter_with_state",
            "torch.nn.parameter.Parameter",
        ],
    ),
    "nested": (_nested, ["torch.storage._load_from_bytes"]),
    "storage": (
        None,
        [*(f"torch.{name}" for name in rebuilds.STORAGES), "torch.storage.UntypedStorage"],
    ),
    "type": (None, [f"torch.{name}" for name in rebuilds.TYPES]),
    "size": (rebuilds.size, ["torch.Size"]),
    GETATTR: (_attribute, ["builtins.getattr", "__builtin__.getattr"]),
    "device": (_device, ["torch.device"]),
    "dict": (_dict, DICTS),
    "namespace": (_namespace, ["argparse.Namespace", "types.SimpleNamespace"]),
    "set": (_set, ["builtins.set", "__builtin__.set"]),
    "bytes": (_bytes, ["builtins.bytearray", "__builtin__.bytearray"]),
    "encode": (_encode, ["_codecs.encode"]),
    "scalar": (_scalar, [f"{core}.multiarray.scalar" for core in NUMPY_CORES]),
    "reconstruct": (_reconstruct, [f"{core}.multiarray._reconstruct" for core in NUMPY_CORES]),
    "frombuffer": (_frombuffer, [f"{core}.numeric._frombuffer" for core in NUMPY_CORES]),
    "dtype": (_dtype, ["numpy.dtype"]),
    "ndarray": (None, ["numpy.ndarray"]),
    "network": (_network, ["dnnlib.tflib.network.Network", "tfutil.Network", "network.Network"]),
}
CALLS = {kind: function for kind, (function, _) in KINDS.items() if function}
TABLE = {
    (module, name): Symbol(module, name, kind)
    for kind, (_, names) in KINDS.items()
    for module, _, name in (path.rpartition(".") for path in names)
}
CREATED = ("dict", "namespace", "set", "network")  # what NEWOBJ may make


def build(reading: Reading, target: Any, state: Any) -> None:
    """What `target.__setstate__(state)` would do, for the kinds that need it; once each.

    Attributes that others hang on tables (OrderedDict._metadata) are dropped. A state that brings
    its own __setstate__ would have the next one call whatever it names.

    Raises Refusal.
    """
    tables = state if isinstance(state, tuple) else (state,)
    if any(isinstance(table, dict) and "__setstate__" in table for table in tables):
        raise _planted("__setstate__")
    if reading.unbuilt.pop(id(target), None) is None:
        if isinstance(target, dict | set) or is_foreign(target):
            return
        raise Refusal("bad-op", "it sets the state of something that has none")
    if isinstance(target, Dtype):
        _build_dtype(target, state)
    elif isinstance(target, TensorView):
        _build_array(reading, target, state)
    elif isinstance(target, Record):
        _build_record(reading, target, state)
    elif isinstance(state, dict):
        reading.tally.spend(OPERATIONS, len(state))
        entries = target.state if isinstance(target, TfNetwork) else target
        entries.update(state)
        if isinstance(target, TfNetwork):
            _drop_source(reading, entries)
    else:
        raise Refusal("bad-op", "an object's state is no table")


def is_foreign(value: Any) -> bool:
    """Whether it is the stand-in of a name that is refused, for those who only look."""
    return isinstance(value, Symbol) and value.kind == FOREIGN


def check_methods(target: Any) -> None:
    """Raises Refusal for an object that has something of the file's choice where pickle calls a
    method of it to append with."""
    if isinstance(target, Record):
        for method in METHODS:
            if method in target.state:
                raise _planted(method)


def _planted(method: str) -> Refusal:
    what = f"it puts something of its own in the place of {method}, which other programs would call"
    return Refusal("bad-op", what, "do not load this file with other programs")


def _build_record(reading: Reading, target: Record, state: Any) -> None:
    """As copyreg's: a table of attributes, or that and a second one of the slots; any other state
    is for code of its class and says nothing to us."""
    tables = state if isinstance(state, tuple) else (state,)
    found = [table for table in tables if isinstance(table, dict)]
    if len(found) == 1:
        target.state = found[0]  # not copied: it may be large, and shared
        return
    for table in found:
        reading.tally.spend(OPERATIONS, len(table))
        target.state = {**target.state, **table}


def _build_dtype(target: Dtype, state: Any) -> None:
    if not isinstance(state, tuple) or len(state) < 5 or state[1] not in ("<", ">", "|", "="):
        raise bad_tensor("a number type has a state that numpy does not write")
    if any(part is not None for part in state[2:5]):
        raise Refusal("object-array", "it holds an array of structures, not of plain numbers")
    target.code = dtype_code(target.code[1:], state[1])


def _build_array(reading: Reading, target: TensorView, state: Any) -> None:
    if not isinstance(state, tuple) or len(state) != 5:
        raise bad_tensor("an array has a state that numpy does not write")
    _, shape, dtype, fortran, data = state
    built = array(reading, dtype, shape, fortran is True, data)
    for name in ("storage", "dtype", "shape", "stride", "offset"):
        object.__setattr__(target, name, getattr(built, name))  # late, once: the memo knows target


def _drop_source(reading: Reading, state: dict[Any, Any]) -> None:
    source = state.pop("build_module_src", None)
    if isinstance(source, str):
        state["source_sha256"], _ = reading.tally.source(source)


def key(value: Any) -> Any:
    """A table's key: text, bytes, or a small number, a few of them, or an object, which is told by
    its identity; other crafted keys could make tables crawl. Raises Refusal."""
    if value is None or isinstance(value, str | bytes | Symbol | Record | TensorView):
        return value
    if isinstance(value, int | float) and abs(value) < 2**62:
        return value
    if isinstance(value, tuple) and len(value) <= KEY_PARTS:
        return tuple(_part_of_key(part) for part in value)
    raise _no_key()


def _part_of_key(value: Any) -> Any:
    """Numbers that are not small become text: tuples of them can be made to collide."""
    if isinstance(value, tuple):  # would nest
        raise _no_key()
    part = key(value)
    small = not isinstance(part, int | float) or (isinstance(part, int) and abs(part) < 2**31)
    return part if small else str(part)


def _no_key() -> Refusal:
    return Refusal("bad-op", "it uses something other than text or a number as a key")
