"""The direction-set file: one safetensors file, arrays plus a header that says everything else.

The free text of the container has two keys: kind = "directions", and set = a JSON object with the
fields of DirectionSet. Reading the header needs neither torch nor numpy. Nothing in a file is run.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from latty.checkpoints.safetensors import pieces, read_tensors
from latty.checkpoints.safetensors import read_header as read_container
from latty.directions.base import Info
from latty.errors import BadData, OutputError
from latty.files import cached, replace_whole
from latty.scene import Layers
from latty.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

KIND = "directions"
SCHEMA = 1
ARRAY = "directions"  # (K, D) or (K, L, D) float; the only array the form "linear" needs
NORMALS = "normals"  # optional, like ARRAY: orthogonal moves leave the attribute alone
LINEAR = "linear"
NUMBER_LIMIT = 1e30
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

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(info.name for info in self.infos)


class _Reader:
    """Takes fields out of untrusted JSON, or says which file, where, and what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file

    def refuse(self, where: str, what: str, hint: str = "write the set again") -> NoReturn:
        raise BadData(f"{self.file}: {where}: {what}", hint)

    def take(self, table: Any, key: str, kind: type, where: str) -> Any:
        value = table.get(key) if isinstance(table, dict) else None
        if not isinstance(value, kind) or isinstance(value, bool):
            self.refuse(where, f"'{key}' is missing or is no {kind.__name__}")
        return value

    def number(self, value: Any, what: str, where: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(where, f"{what} is no number")
        if not abs(value) < NUMBER_LIMIT:  # not a number, infinite, or an endless integer
            self.refuse(where, f"{what} is out of range")
        return float(value)

    def name(self, name: str, where: str) -> str:
        fits = name.strip() == name and name.isprintable() and 0 < len(name) <= 80
        if not fits or name.isdecimal() or "/" in name or "#" in name:
            self.refuse(where, f"{name!r} cannot be a name", "no digits alone, no '/' or '#'")
        return name

    def info(self, entry: Any, where: str) -> Info:
        name = self.name(self.take(entry, "name", str, where), where)
        where = f"{where} ({name})"
        sigma = self.number(entry.get("sigma"), "sigma", where)
        if sigma <= 0:
            self.refuse(where, f"sigma is {sigma}; it must be above 0")
        ends = [
            self.number(end, "usable", where) for end in self.take(entry, "usable", list, where)
        ]
        if len(ends) != 2 or ends[0] >= ends[1]:
            self.refuse(where, "usable must be two rising strengths")
        try:
            layers = Layers.parse(self.take(entry, "layers", str, where))
        except ValueError as error:
            self.refuse(where, f"layers: {error}")
        scores = self.take(entry, "scores", dict, where)
        figures = tuple((key, self.number(v, f"score {key}", where)) for key, v in scores.items())
        unit = self.take(entry, "unit", str, where) if "unit" in entry else ""
        if not unit.isprintable() or len(unit) > 40:
            self.refuse(where, f"{unit!r} cannot be a unit")
        return Info(name, sigma, (ends[0], ends[1]), layers, figures, unit)

    def infos(self, entries: list[Any]) -> tuple[Info, ...]:
        if not entries:
            self.refuse("directions", "the set is empty")
        infos = tuple(self.info(entry, f"direction {i}") for i, entry in enumerate(entries))
        seen: set[str] = set()
        for i, info in enumerate(infos):
            if info.name in seen:
                self.refuse(f"direction {i}", f"the name '{info.name}' is there twice")
            seen.add(info.name)
        return infos

    def header(self, table: Any) -> DirectionSet:
        where = "header"
        schema = self.take(table, "schema", int, where)
        if schema > SCHEMA:
            self.refuse(where, f"schema {schema} is newer than this latty", "update latty")
        if schema < 1:
            self.refuse(where, f"schema {schema} never existed")
        text = {
            key: self.take(table, key, str, where)
            for key in ("method", "space", "model", "family", "model_digest", "seeds")
        }
        if not SPACE.fullmatch(text["space"]):
            self.refuse(where, f"space {text['space']!r} is neither z, w nor activation:LAYER")
        form = self.take(table, "form", str, where)
        if not form.isidentifier():
            self.refuse(where, f"form {form!r} is no word")
        params = self.take(table, "params", dict, where)
        infos = self.infos(self.take(table, "directions", list, where))
        frozen = tuple((key, _frozen(value)) for key, value in params.items())
        writer = self.take(table, "latty", str, where)
        return DirectionSet(
            infos=infos,
            params=frozen,
            form=form,
            schema=schema,
            latty=writer,
            complete=table.get("complete") is not False,
            **text,
        )


def _frozen(value: Any) -> Value:
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return value if isinstance(value, int | float) or value is None else str(value)


@cached(256)
def read_header(path: Path) -> DirectionSet:
    """The header alone, checked; no torch, no numpy. Raises Missing, BadData."""
    container = read_container(path)
    reader = _Reader(path.name)
    kind = container.meta.get("kind", "nothing")
    if kind != KIND:
        reader.refuse("header", f"it holds {kind}, not directions", "see: latty inspect FILE")
    try:
        table = json.loads(container.meta.get("set", ""))
    except (ValueError, RecursionError):
        reader.refuse("header", "'set' is no JSON")
    header = reader.header(table)
    _check_shape(reader, header, container.shapes)
    return header


def read(path: Path) -> "tuple[DirectionSet, dict[str, Tensor]]":
    """Header and arrays (float32, on the CPU), all finite. Raises Missing, BadData. The arrays of
    vectors are (K, D) or (K, L, D)."""
    header, tensors = read_header(path), read_tensors(path)
    _check_arrays(_Reader(path.name), header, tensors)
    return header, {name: tensor.float() for name, tensor in tensors.items()}


def write(path: Path, header: DirectionSet, arrays: "Mapping[str, Tensor]") -> None:
    """Write a set; a reader sees the old file or the whole new one. Raises BadData, OutputError.

    The bytes depend on the contents only, and what could not be read back is not written. Arrays of
    vectors are (K, D) or (K, L, D).
    """
    reader, text = _Reader(path.name), json.dumps(_table(header))
    checked = reader.header(json.loads(text))
    _check_shape(reader, checked, {name: tuple(array.shape) for name, array in arrays.items()})
    _check_arrays(reader, checked, arrays)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_whole(path, pieces({"kind": KIND, "set": text}, arrays))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", "is the disk full?") from None


def _check_shape(
    reader: _Reader, header: DirectionSet, shapes: Mapping[str, tuple[int, ...]]
) -> None:
    if header.form != LINEAR:
        return  # the method that reads the set knows its arrays
    shape = shapes.get(ARRAY)
    if shape is None or len(shape) not in (2, 3) or 0 in shape:
        reader.refuse(ARRAY, f"shape {shape} is neither (K, D) nor (K, L, D)")
    if shape[0] != len(header.infos):
        reader.refuse(ARRAY, f"{shape[0]} vectors for {len(header.infos)} names")


def _check_arrays(reader: _Reader, header: DirectionSet, arrays: "Mapping[str, Tensor]") -> None:
    for name, array in arrays.items():
        if not array.is_floating_point():
            reader.refuse(name, f"{array.dtype} is no float")
        if not array.isfinite().all():
            row = int((~array.isfinite()).nonzero()[0, 0]) if array.ndim else 0
            reader.refuse(name, f"row {row} is not finite")
    if header.form == LINEAR:
        lengths = arrays[ARRAY].float().flatten(1).norm(dim=1).tolist()
        for i, length in enumerate(lengths):
            if length == 0:
                reader.refuse(f"direction {i} ({header.names[i]})", "the vector is all zeros")


def _table(header: DirectionSet) -> dict[str, Any]:
    table = asdict(header)
    table["params"] = dict(header.params)
    table["latty"] = header.latty or __version__
    del table["infos"]
    if header.complete:
        del table["complete"]  # as in every file written before there was the word
    table["directions"] = [
        {
            "name": info.name,
            "sigma": info.sigma,
            "usable": list(info.usable),
            "layers": str(info.layers),
            "scores": dict(info.scores),
            **({"unit": info.unit} if info.unit else {}),
        }
        for info in header.infos
    ]
    return table
