"""The torch format before 1.6: three small pickles, the object, its storage keys, then raw numbers.

NVIDIA's pickles nest one such stream per tensor; `read_nested` reads those. The numbers come after
the object that speaks of them, so storages are made first and filled last.
"""

from functools import partial
from typing import Any

from latty.checkpoints.inert import Machine
from latty.checkpoints.rebuilds import STORAGES
from latty.checkpoints.refusals import Refusal, bad_tensor, truncated
from latty.checkpoints.tally import Tally
from latty.checkpoints.values import Storage, Symbol, item_size
from latty.text import clean

MAGIC = 0x1950A86A20F9469CFC6C
HEAD = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # the first pickle: the magic number
PROTOCOL = 1001
PACKED = ("QUInt4x2Storage", "QUInt2x4Storage")
KEY_LIMIT = 64  # characters of a storage's key; torch writes a number


def read(code: memoryview, tally: Tally) -> tuple[Any, int]:
    """The object, and the position behind its last number; raises Refusal."""
    pos, opening = 0, []
    for _ in range(3):
        machine = Machine(code, tally, pos)
        opening.append(machine.run())
        pos = machine.pos
    _check_opening(*opening)
    storages: dict[str, Storage] = {}
    machine = Machine(code, tally, pos, persist=partial(_persist, code, storages, tally))
    value = machine.run()
    keys = Machine(code, tally, machine.pos)
    order = keys.run()
    return value, _fill(code, keys.pos, order, storages)


def read_nested(data: bytes | memoryview, tally: Tally) -> Storage:
    """What torch.storage._load_from_bytes gives for honest bytes: one storage, and no code run.
    Raises Refusal."""
    code = memoryview(data)
    value, end = read(code, tally)
    if not isinstance(value, Storage) or end != len(code):
        raise bad_tensor("a nested torch file is no single storage")
    return value


def _check_opening(magic: Any, protocol: Any, system: Any) -> None:
    if magic != MAGIC or protocol != PROTOCOL or not isinstance(system, dict):
        raise Refusal("wrong-format", "it begins like an old torch file and goes on otherwise")
    if system.get("little_endian") is not True:
        raise bad_tensor("its numbers are big-endian, which latty does not read")


def _persist(
    code: memoryview, known: dict[str, Storage], tally: Tally, given: Any
) -> Storage | Symbol:
    if isinstance(given, tuple) and len(given) == 4 and given[0] == "module":
        return _class(given[1])
    dtype, key, numel = described(given)
    size = numel * item_size(dtype)
    if size > len(code):
        raise truncated(f"a tensor of {size} bytes is announced in a file of {len(code)}")
    if isinstance(given, tuple) and len(given) > 5 and given[5] is not None:
        raise bad_tensor("it holds views of storages, as only torch before 0.4 wrote them")
    return shared(known, key, Storage(dtype, numel), tally)


def _class(given: Any) -> Symbol:
    """The class of a whole module, which its source file and text went with; both are dropped."""
    if not isinstance(given, Symbol):
        raise Refusal("bad-op", "it holds a module whose class is no name")
    return given


def described(given: Any) -> tuple[str, str, int]:
    """Number type, key and count of a persistent id ("storage", class, key, device, count, ...).
    Raises Refusal."""
    if not (isinstance(given, tuple) and len(given) >= 5 and given[0] == "storage"):
        hint = "ask its author for the weights: torch.save(model.state_dict(), 'weights.pt')"
        raise Refusal("bad-op", "it refers to something other than numbers in itself", hint)
    cls, key, numel = given[1], given[2], given[4]
    if not isinstance(cls, Symbol) or cls.kind != "storage":
        if isinstance(cls, Symbol) and cls.path.startswith("torch.") and cls.name in PACKED:
            what = f"it holds numbers of the kind {cls.path}, several in a byte"
            raise Refusal("bad-tensor", what, "ask its author to save it with plain numbers")
        raise bad_tensor("a storage is of no class that torch has")
    if (
        not isinstance(key, str)
        or len(key) > KEY_LIMIT
        or type(numel) is not int
        or not 0 <= numel < 2**48
    ):
        raise bad_tensor("a storage's key or size is impossible")
    return STORAGES[cls.name], key, numel


def shared(known: dict[str, Storage], key: str, fresh: Storage, tally: Tally) -> Storage:
    """One storage per key: many tensors may look at the same numbers. Raises Refusal."""
    old = known.get(key)
    if old is None:
        tally.spend("tensors")
        known[key] = fresh
        return fresh
    if (old.dtype, old.numel) != (fresh.dtype, fresh.numel):
        raise bad_tensor(f"storage {clean(key)} is described twice, differently")
    return old


def _fill(code: memoryview, pos: int, order: Any, storages: dict[str, Storage]) -> int:
    keys = order if isinstance(order, list) else []
    if any(not isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        raise bad_tensor("its list of storages is damaged")
    if set(keys) != set(storages):
        raise bad_tensor("its list of storages differs from the ones it uses")
    for key in keys:
        storage = storages[key]
        size = storage.numel * item_size(storage.dtype)
        if pos + 8 + size > len(code):
            raise truncated("the last tensors are missing")
        if int.from_bytes(code[pos : pos + 8], "little") != storage.numel:
            raise bad_tensor(f"storage {clean(key)} has another size than announced")
        storage.data = code[pos + 8 : pos + 8 + size]
        pos += 8 + size
    return pos
