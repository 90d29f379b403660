"""A spec drafted from what a file shows: names and shapes, and the settings of a whole module.

What lies between the tensors of a state_dict is guessed where there is a custom, and marked: FILL
IN where the file does not say it, "check" where it is what nearly everybody does. Without torch.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from latty.checkpoints.checkpoint import Checkpoint
from latty.checkpoints.values import Record
from latty.errors import BadData
from latty.models.draft.chain import Chain
from latty.models.draft.items import from_module, from_shapes
from latty.models.draft.rows import Row
from latty.models.parts import Part, parts
from latty.models.recognition import recognise
from latty.models.spec import of_json
from latty.text import clean

OTHERS = re.compile(r"[dD]|enc|(?i:net_?d|.*disc.*|.*critic.*|.*encoder.*|.*optim.*)")
GUIDE = "see docs/specs.md"
ODD = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError)
HEAD = """\
# Drafted from {file}. Compare it with the code that trained the network:
# "FILL IN" marks what the file does not say, "check" what is usual and may be otherwise.
"""


def draft(checkpoint: Checkpoint) -> str:
    """A spec in TOML for the generator of a file; of a model that latty stored with its spec, that
    spec. Raises PresetError where that is none, BadData for a file without layers to name."""
    name = clean(checkpoint.path.name)
    if "spec" in checkpoint.meta:
        table = of_json(checkpoint.meta["spec"]).table
        return f"# The spec of {name}.\n" + _toml(table, [Row(layer) for layer in table["layers"]])
    found = [part for part in parts(checkpoint) if part.views and not OTHERS.fullmatch(part.name)]
    if not found:
        raise BadData(f"{name} holds no tensors with names", "a spec describes a state_dict")
    try:
        chain = _chain(found[0])
        chain.run()
        if not chain.rows:
            raise BadData(f"{name} holds no layers of a plain network", GUIDE)
        text = _toml(chain.table(), chain.rows, chain.remarks)
    except ODD:  # sizes and settings that no network has
        raise BadData(f"{name} holds layers that do not follow one another", GUIDE) from None
    known = recognise(checkpoint)
    told = [f"latty opens this file without a spec, as {known.family}"] if known else []
    return HEAD.format(file=name) + "".join(f"# {note}\n" for note in [*told, *chain.notes]) + text


def _chain(part: Part) -> Chain:
    if isinstance(part.module, Record) and part.module.is_module:
        return Chain(from_module(part.module, part.name), False, [])
    lead = _lead(part)
    outer = {name.partition(".")[0] for name in part.views if "." in name}
    others = sorted(one for one in outer if OTHERS.fullmatch(one)) if len(outer) > 1 else []
    shapes = {n: s for n, s in part.shapes.items() if n.partition(".")[0] not in others}
    return Chain(from_shapes(shapes, lead), True, [f"{lead}{one}." for one in others])


def _lead(part: Part) -> str:
    """What stands before the part's names in those of the file, which `latty inspect` lists."""
    own, view = next(iter(part.views.items()))
    every = part.checkpoint.views().items()
    full = next((name for name, one in every if one is view and name.endswith(own)), own)
    return full.removesuffix(own)


# --- TOML ----------------------------------------------------------------------------------------


def _toml(table: Mapping[str, Any], rows: list[Row], remarks: Mapping[str, str] = {}) -> str:
    lines = [f"{key} = {_value(one)}" for key, one in table.items() if _is_plain(key, one)]
    lines.append(f"layers = {_branch(rows)}")
    for name, inner in table.items():
        if isinstance(inner, Mapping):
            lines += ["", f"[{name}]"]
            for key, one in inner.items():
                lines.append(_remarked(f"{key} = {_branch(one)}", remarks.get(f"{name}.{key}", "")))
    return "\n".join(lines) + "\n"


def _is_plain(key: str, value: Any) -> bool:
    return key != "layers" and not isinstance(value, Mapping)


def _row(row: Row, indent: str = "  ") -> str:
    if not row.layer:
        return f"{indent}# {row.remark}"
    told = ", ".join(f"{key} = {_branch(one, indent)}" for key, one in row.layer.items())
    return indent + _remarked(f"{{ {told} }},", row.remark)


def _branch(value: Any, indent: str = "") -> str:
    """A value in TOML; a list of rows has a line for each."""
    if not (isinstance(value, list | tuple) and value and isinstance(value[0], Row | Mapping)):
        return _value(value)
    rows = [one if isinstance(one, Row) else Row(one) for one in value]
    inner = indent + "  "
    return "\n".join(["[", *(_row(row, inner) for row in rows), f"{indent}]"])


def _remarked(text: str, remark: str) -> str:
    return f"{text}  # {remark}".strip() if remark else text


def _value(value: Any) -> str:
    """A value in TOML, whose strings are JSON's. Raises ValueError, TypeError for one that TOML has
    no word for."""
    if value is None:
        raise ValueError("nothing")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")
