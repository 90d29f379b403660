"""The direction-set file: one safetensors file, arrays plus a header that says everything else.

The free text of the container has two keys: kind = "directions", and set = a JSON object with the
fields of DirectionSet. Reading the header needs neither torch nor numpy. Nothing in a file is run.
"""

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latty import files
from latty.checkpoints.refusals import code_of, opening
from latty.checkpoints.safetensors import beginning, pieces, read_tensors
from latty.checkpoints.safetensors import read_header as read_container
from latty.directions.base import Info
from latty.errors import BadData, PresetError, Problem
from latty.files import cached
from latty.scene import FP32, PRECISIONS, Label, Layers, as_label
from latty.tables.reading import Kind, from_data
from latty.tables.rules import (
    Key,
    array,
    checked,
    mapping,
    matching,
    number,
    table,
    text,
    whole,
    word,
)
from latty.tables.words import shown
from latty.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

KIND = "directions"
SCHEMA = 1
ARRAY = "directions"  # (K, D) or (K, L, D) float; the only array the form "linear" needs
NORMALS = "normals"  # optional, like ARRAY: orthogonal moves leave the attribute alone
LINEAR = "linear"
OFFSET = "offset"  # the method of what is made by hand
LONGEST = 80  # characters of a direction's name
RENAMES = 100  # that a set remembers
SPACE = re.compile(r"z|w|activation:\S+")

Value = str | int | float | bool | None | tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class DirectionSet:
    """The header of a set of directions: everything but the arrays.

    method, params  how the directions were found, every parameter by name
    form            "linear": vectors; otherwise the method file that knows how to move
    space           "z", "w" or "activation:LAYER"
    model, family, model_digest   what it was made for; no digest = any model of the family
    seeds           the seeds that were sampled, as ranges: "0-19999"
    complete        False: the search was interrupted, this is what it had by then
    precision       in which the model drew what was looked at
    renamed         (old, new) name of directions, in the order in which they got them
    latty           version of the program that wrote the file
    """

    method: str
    space: str
    infos: tuple[Info, ...]
    model: str
    family: str = ""
    model_digest: str = ""
    params: tuple[tuple[str, Value], ...] = ()
    seeds: str = ""
    form: str = LINEAR
    schema: int = SCHEMA
    latty: str = ""
    complete: bool = True
    renamed: tuple[tuple[str, str], ...] = ()
    precision: str = FP32

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(info.name for info in self.infos)

    def name_now(self, name: str) -> str:
        """What a direction was renamed to that had this name last; "" where none had."""
        for at in reversed(range(len(self.renamed))):
            if self.renamed[at][0] == name:
                for old, new in self.renamed[at:]:
                    name = new if name == old else name
                return name if name in self.names else ""
        return ""

    @property
    def label(self) -> Label:
        """The class or mixture that they were found for: of a search its parameter "label", of an
        imported file what it knew as "class"; None = none, or any."""
        known = dict(self.params)
        return as_label(known.get("class", known.get("label")))

    def latent_space(self, what: str) -> Literal["z", "w"]:
        """Where moves that need latents run. Raises BadData for activations."""
        if self.space not in ("z", "w"):
            raise BadData(f"{what} run in z or w, not in {self.space}")
        return "z" if self.space == "z" else "w"


# --- what a header may say ------------------------------------------------------------------------


def _known_schema(number: int) -> int:
    if number > SCHEMA:
        raise ValueError(f"schema {number} is newer than this latty, update latty")
    if number < 1:
        raise ValueError(f"schema {number} never existed")
    return number


def new_name(name: str) -> str:
    """What a direction may be called from now on. Raises ValueError."""
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise ValueError(f"a name has 1 to {LONGEST} characters that can be seen")
    return _name(name)


def _name(name: str) -> str:
    if name.strip() != name or name.isdecimal() or "/" in name or "#" in name:
        rules = "no digits alone, no '/' or '#', no space at an end"
        raise ValueError(f"{name!r} cannot be a name: {rules}")
    return name


def _sigma(sigma: float) -> float:
    if sigma <= 0:
        raise ValueError(f"is {sigma:g}; it must be above 0")
    return sigma


def _usable(ends: tuple[float, ...]) -> tuple[float, ...]:
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise ValueError("must be two rising strengths")
    return ends


def _distinct(infos: tuple[Info, ...]) -> tuple[Info, ...]:
    if not infos:
        raise ValueError("the set is empty")
    name, count = Counter(info.name for info in infos).most_common(1)[0]
    if count > 1:
        raise ValueError(f"the name '{name}' is there twice")
    return infos


def _frozen(value: Any) -> Value:
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value if isinstance(value, int | float) or value is None else str(value)


def _params(pairs: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Value], ...]:
    return tuple((key, _frozen(value)) for key, value in pairs)


def _refused(file: str, problems: Sequence[Problem]) -> BadData:
    error = PresetError(file, problems)
    error.hint = "write the set again"
    return error


SET = Kind("set of directions", _refused)
_NUMBER = number(-1e30, 1e30)
_TEXT = matching("text in quotes", lambda value: isinstance(value, str))
_SPACE = matching(
    "z, w or activation:LAYER", lambda it: isinstance(it, str) and bool(SPACE.fullmatch(it))
)
_FORM = matching("a word", lambda value: isinstance(value, str) and value.isidentifier())
_INFO = {
    "name": Key(checked(text(LONGEST), _name), required=True),
    "sigma": Key(checked(_NUMBER, _sigma), required=True),
    "usable": Key(checked(array(_NUMBER), _usable), required=True),
    "layers": Key(checked(_TEXT, Layers.parse), required=True),
    "scores": Key(mapping(_NUMBER), required=True),
    "unit": Key(text(40, 0), default=""),
}
_HEADER = {
    **{
        name: Key(_TEXT, required=True)
        for name in ("method", "model", "family", "model_digest", "seeds", "latty")
    },
    "schema": Key(checked(whole(-(10**9), 10**9), _known_schema), required=True),
    "space": Key(_SPACE, required=True),
    "form": Key(_FORM, required=True),
    "params": Key(checked(mapping(matching("", lambda value: True)), _params), required=True),
    "directions": Key(checked(array(table(_INFO, Info, others=True)), _distinct), required=True),
    "complete": Key(matching("", lambda value: True), default=True),
    "precision": Key(word(*PRECISIONS), default=FP32),
    "renamed": Key(array(array(text(LONGEST), 2, 2), high=RENAMES), default=()),
}


def _header(file: str, text: str) -> DirectionSet:
    """The header in a JSON text. Raises BadData with every fault."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad(file, "header", "'set' is no JSON") from None
    if not isinstance(data, dict):
        raise _bad(file, "header", "'set' is no table")
    said = dict(from_data(data, file, SET).checked(table(_HEADER, others=True)))
    complete = said.pop("complete") is not False
    return DirectionSet(infos=said.pop("directions"), complete=complete, **said)


def _bad(file: str, where: str, what: str, hint: str = "write the set again") -> BadData:
    return BadData(f"{file}: {where}: {what}", hint)


# --- files ----------------------------------------------------------------------------------------


@cached(256)
def read_header(path: Path) -> DirectionSet:
    """The header alone, checked; no torch, no numpy. Raises Missing, BadData."""
    container = read_container(path)
    kind = container.meta.get("kind", "nothing")
    if kind != KIND:
        what = f"it holds {shown(kind)}, not directions"
        raise _bad(path.name, "header", what, "see: latty inspect FILE")
    header = _header(path.name, container.meta.get("set", ""))
    _check_shape(path.name, header, container.shapes)
    return header


def read(path: Path) -> "tuple[DirectionSet, dict[str, Tensor]]":
    """Header and arrays (float32, on the CPU), all finite. Raises Missing, BadData. The arrays of
    vectors are (K, D) or (K, L, D)."""
    header, tensors = read_header(path), read_tensors(path)
    _check_arrays(path.name, header, tensors)
    return header, {name: tensor.float() for name, tensor in tensors.items()}


def write(path: Path, header: DirectionSet, arrays: "Mapping[str, Tensor]") -> None:
    """Write a set; a reader sees the old file or the whole new one. Raises BadData, OutputError.

    The bytes depend on the contents only, and what could not be read back is not written. Arrays of
    vectors are (K, D) or (K, L, D).
    """
    said = free_text(header)
    read_back = _header(path.name, said["set"])
    _check_shape(path.name, read_back, {name: tuple(it.shape) for name, it in arrays.items()})
    _check_arrays(path.name, read_back, arrays)
    files.write(path, pieces(said, arrays))


def write_header(path: Path, header: DirectionSet) -> None:
    """Give a set another header; its arrays stay as they are, bit for bit. Raises Missing, BadData,
    OutputError."""
    container, said = read_container(path), free_text(header)
    _check_shape(path.name, _header(path.name, said["set"]), container.shapes)
    with opening(path) as file:
        code = code_of(file, os.fstat(file.fileno()).st_size)
        numbers = code[8 + int.from_bytes(code[:8], "little") :]
        files.write(path, [*beginning(said, container.arrays), numbers])


def free_text(header: DirectionSet) -> dict[str, str]:
    """What the container of a set says beside its arrays."""
    return {"kind": KIND, "set": json.dumps(_table(header))}


def _check_shape(file: str, header: DirectionSet, shapes: Mapping[str, tuple[int, ...]]) -> None:
    if header.form != LINEAR:
        return  # the method that reads the set knows its arrays
    shape = shapes.get(ARRAY)
    if shape is None or len(shape) not in (2, 3) or 0 in shape:
        raise _bad(file, ARRAY, f"shape {shape} is neither (K, D) nor (K, L, D)")
    if shape[0] != len(header.infos):
        raise _bad(file, ARRAY, f"{shape[0]} vectors for {len(header.infos)} names")


def _check_arrays(file: str, header: DirectionSet, arrays: "Mapping[str, Tensor]") -> None:
    for name, tensor in arrays.items():
        if not tensor.is_floating_point():
            raise _bad(file, name, f"{tensor.dtype} is no float")
        if not tensor.isfinite().all():
            row = int((~tensor.isfinite()).nonzero()[0, 0]) if tensor.ndim else 0
            raise _bad(file, name, f"row {row} is not finite")
    if header.form == LINEAR:
        lengths = arrays[ARRAY].float().flatten(1).norm(dim=1).tolist()
        for i, length in enumerate(lengths):
            if length == 0:
                raise _bad(file, f"direction {i} ({header.names[i]})", "the vector is all zeros")


def _table(header: DirectionSet) -> dict[str, Any]:
    table: dict[str, Any] = {one.name: getattr(header, one.name) for one in fields(header)}
    table["params"] = dict(header.params)
    table["latty"] = header.latty or __version__
    del table["infos"]
    if header.complete:
        del table["complete"]  # as in every file written before there was the word
    if not header.renamed:
        del table["renamed"]  # likewise
    if header.precision == FP32:
        del table["precision"]  # likewise
    return {**table, "directions": [info.table() for info in header.infos]}
