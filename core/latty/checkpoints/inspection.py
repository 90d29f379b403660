"""What `latty inspect` says about a checkpoint: plain tables for JSON, no torch, no numpy."""

import math
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from latty.checkpoints import symbols
from latty.checkpoints.checkpoint import Checkpoint, read
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.tally import Tally
from latty.checkpoints.values import (
    PLAIN_LIMIT,
    Oversize,
    Record,
    TensorView,
    TfNetwork,
    dtype_name,
    plain,
)
from latty.text import clean

HASH_LIMIT = 4 * 2**30  # a longer file would keep people waiting for its SHA-256
SHOWN_ITEMS, DEPTH = 64, 4  # of a setting
PLAIN = (str, int, float, type(None))
SETTINGS = ("_init_kwargs", "training_set_kwargs", "args")

Facts = dict[str, Any]


def facts(path: Path) -> Facts:
    """Everything about a file; what refuses it is under "refused". Raises Missing, OutputError."""
    return look(path)[0]


def look(path: Path) -> tuple[Facts, Checkpoint | None]:
    """The same, and the file that was read, None where it is refused: who goes on with it spends
    what this has left of the file's budget. Raises Missing, OutputError."""
    tally = Tally(lenient=True)
    known: Facts = {"kind": None, "refused": None}
    checkpoint = None
    try:
        checkpoint = read(path, tally)
        with checkpoint.looking():
            known |= _contents(checkpoint)
        refusal = _refusal_of(tally)
    except Refusal as error:
        refusal = _refusal_of(tally) or error
    known |= _asked(tally)
    if refusal is not None:
        refusal = refusal if refusal.message != refusal.what else refusal.about(path.name)
        known["refused"] = {
            "code": refusal.code,
            "message": refusal.message,
            "hint": refusal.hint,
        }
    return known, checkpoint if refusal is None else None


def _asked(tally: Tally) -> Facts:
    return {
        "globals": {clean(name): count for name, count in tally.globals.most_common()},
        "forbidden": [clean(name) for name in tally.foreign],
        "opcodes": tally.operations_by_name(),
    }


def _contents(checkpoint: Checkpoint) -> Facts:
    views = checkpoint.views()
    small = checkpoint.size <= HASH_LIMIT
    tensors: Facts = {
        clean(name): {"shape": list(tensor.shape), "dtype": dtype_name(tensor.dtype)}
        for name, tensor in views.items()
    }
    if checkpoint.network is not None:
        tensors = {
            clean(name): {"shape": list(learned.shape or ()), "dtype": learned.dtype}
            for name, learned in checkpoint.network.numbers.items()
        }
    return {
        "kind": checkpoint.kind,
        "bytes": checkpoint.size,
        "sha256": checkpoint.sha256 if small else None,
        "tensors": tensors,
        "numbers": sum(math.prod(tensor["shape"]) for tensor in tensors.values()),
        "modules": _modules(checkpoint),
        "settings": _settings(checkpoint.tree, checkpoint.tally),
        "metadata": {clean(key): clean(text) for key, text in checkpoint.meta.items()},
        "licence": clean(checkpoint.licence),
        "warnings": [clean(text) for text in checkpoint.warnings],
    }


def _modules(checkpoint: Checkpoint) -> dict[str, str]:
    return {clean(name): clean(_class_of(module)) for name, module in checkpoint.modules().items()}


def _class_of(module: Record | TfNetwork) -> str:
    if isinstance(module, Record):
        return module.class_name
    return str(module.state.get("build_func_name", module.state.get("name", "Network")))


def _settings(tree: Any, tally: Tally) -> Facts:
    """The arguments that networks were made with, by network: what families are told apart by."""
    found: Facts = {}
    parts: Iterable[tuple[Any, Any]] = [("", tree)]
    if isinstance(tree, dict):
        parts = tree.items()
    elif isinstance(tree, tuple):
        parts = enumerate(tree)
    for key, value in islice(parts, SHOWN_ITEMS):
        name = _word(key)
        if isinstance(value, Record):
            found[clean(name)] = _setting(value.state.get("_init_kwargs", {}), tally)
        elif isinstance(value, TfNetwork):
            found[clean(name)] = _setting(value.state.get("static_kwargs", {}), tally)
        elif name in SETTINGS or _is_plain(value):
            found[clean(name)] = _setting(value, tally)
    return found


def _setting(value: Any, tally: Tally) -> Any:
    try:
        return _json(plain(value, tally), DEPTH)
    except Oversize:
        return f"(more than {PLAIN_LIMIT} values)"


def _word(key: Any) -> str:
    """A key as text; of a tuple, which may hold more than anybody reads, what it is."""
    return str(key) if isinstance(key, str | int) else f"({type(key).__name__})"


def _is_plain(value: Any) -> bool:
    """Whether it is a setting: text, a number, or a table of such."""
    if isinstance(value, dict):
        few = 0 < len(value) <= PLAIN_LIMIT
        return few and all(isinstance(one, PLAIN) for one in value.values())
    return isinstance(value, PLAIN) and value is not None


def _json(value: Any, depth: int) -> Any:
    """A setting as JSON can hold it: cut where long, cleaned where text, words where odd."""
    if isinstance(value, TensorView):
        return _json(value.tolist(), depth) if value.numel <= SHOWN_ITEMS else repr(value)
    if isinstance(value, bool | int) or value is None:
        return value if value is None or abs(value) < 2**63 else clean(hex(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return clean(value)
    if depth and isinstance(value, dict):
        items = islice(value.items(), SHOWN_ITEMS)
        return {clean(_word(key)): _json(item, depth - 1) for key, item in items}
    if depth and isinstance(value, list | tuple):
        return [_json(item, depth - 1) for item in value[:SHOWN_ITEMS]]
    return f"({type(value).__name__})"


def _refusal_of(tally: Tally) -> Refusal | None:
    """What a strict reading would have said first, after a lenient one."""
    for path in tally.foreign:
        module, _, name = path.rpartition(".")
        return symbols.forbidden(module, name)
    return None
