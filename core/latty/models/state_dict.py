"""The tensors of a state_dict, each checked when a network asks for it by name.

Nothing is allocated from a number in a file: a network asks with the sizes it has already seen in
other tensors. What nobody asked for is refused at the end, by name.
"""

import json
import math
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.weights import OTHER, check_numbers, is_variance
from latty.errors import BadData, did_you_mean
from latty.models.base import Meta, Shapes
from latty.text import clean

UNKNOWN = "unknown-architecture"
AGAIN = "import the model again, with its config.json where it has one"
MOST_AGAIN = 2**25  # numbers that layers read once more: a spec of a page names one tensor for all
MAX_TAPS = 64  # of a filter: far beyond any design
SHOWN = 8  # names in a note
USELESS = re.compile(r".*\.num_batches_tracked")  # counts of training steps
DRAWS = {torch.randn: torch.empty, torch.rand: torch.empty}
CHANGES = {Tensor.normal_, Tensor.uniform_, Tensor.div_}


class TensorReader:
    """The tensors of one network, as float32 on the CPU until the network is whole.

    lend    `take` gives those that are float32 already as they are: whoever asks copies them
    """

    def __init__(self, tensors: Mapping[str, Tensor], lend: bool = False) -> None:
        self._tensors, self._lend = tensors, lend
        self._used: set[str] = set()
        self._taken: set[str] = set()
        self._again = 0

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of tensor `name`, as (64, 3); () where there is none."""
        return tuple(self._tensors[name].shape) if name in self._tensors else ()

    def skip(self, *names: str) -> None:
        """Tensors that say nothing more; there may be no such ones."""
        self._used.update(names)

    def take(self, name: str, *shape: int) -> Tensor:
        """Tensor `name` as float32, a copy unless it is lent. Its shape must be `shape`, as in
        (64, 3, -1, -1): -1 fits any size. Raises Refusal for one that is missing, has another shape
        or bad numbers."""
        if name not in self._tensors:
            near = did_you_mean(name, self._tensors) if len(self._tensors) < 2000 else OTHER
            raise Refusal("missing-key", f"tensor '{clean(name)}' is missing", near)
        tensor = self._tensors[name]
        self._used.add(name)
        fits = tensor.dim() == len(shape) and all(
            s > 0 and w in (-1, s) for s, w in zip(tensor.shape, shape, strict=True)
        )
        if not fits:
            wanted = " x ".join("*" if n == -1 else str(n) for n in shape) or "one number"
            what = f"tensor '{clean(name)}' has the shape {list(tensor.shape)}, not {wanted}"
            raise Refusal("wrong-shape", what, OTHER)
        if not tensor.is_floating_point():
            what = f"tensor '{clean(name)}' is {tensor.dtype}, not floating point"
            raise Refusal("wrong-shape", what, OTHER)
        self._count(name, tensor.numel())
        copy = not self._lend or tensor.is_inference()  # those cannot be a network's parameters
        taken = tensor.detach().to("cpu", torch.float32, copy=copy)
        # A sum is not finite where one number is not, and takes a tenth of the time.
        finite = math.isfinite(float(taken.sum())) or bool(torch.isfinite(taken).all())
        check_numbers(name, finite, float(taken.min()) if is_variance(name) else 0.0)
        return taken

    def _count(self, name: str, numbers: int) -> None:
        """Each layer has a copy of its own. Raises Refusal where too many have one of the same."""
        self._again += numbers if name in self._taken else 0
        self._taken.add(name)
        if self._again > MOST_AGAIN:
            what = f"too many layers read the same tensors, as '{clean(name)}'"
            raise Refusal("wrong-shape", what, "a layer of another model has tensors of its own")

    def maybe(self, name: str, *shape: int) -> Tensor | None:
        """As `take`, of a shape such as (64,); None where there is no such tensor."""
        return self.take(name, *shape) if name in self._tensors else None

    def finish(self, unused: str = "", hint: str = OTHER) -> None:
        """Raises Refusal for a tensor that was not taken, unless its name matches the pattern
        `unused` as a whole."""
        for name in self._tensors:
            known = name in self._used or USELESS.fullmatch(name)
            if not known and not (unused and re.fullmatch(unused, name)):
                what = f"tensor '{clean(name)}' is no part of this network"
                raise Refusal(UNKNOWN, what, hint)


def checked(
    tensors: Mapping[str, Tensor],
    wanted: Mapping[str, Sequence[int]],
    unused: str = "",
    lend: bool = False,
) -> dict[str, Tensor]:
    """Float32 copies of the tensors of a state_dict, each of the shape that is wanted, as (O, I);
    `lend`: no copies, `own` makes them. Raises Refusal for a name, shape or number that is wrong;
    `unused` is a pattern of names that are left out."""
    reader = TensorReader(tensors, lend)
    found = {name: reader.take(name, *shape) for name, shape in wanted.items()}
    reader.finish(unused)
    return found


def own(module: nn.Module, lent: Mapping[str, Tensor]) -> None:
    """Copies in the place of a module's tensors, of any shape (...,), that are still those which
    `checked` has lent. What a network lays out anew for speed, most of it, is copied once that way,
    and nothing stays in the memory of a file: last bits are those of torch's own alignment."""
    theirs = {tensor.data_ptr() for tensor in lent.values()}
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.data_ptr() in theirs:
            tensor.data = tensor.data.clone()


class _Undrawn(TorchFunctionMode):
    """What initialises a tensor leaves it as it is."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in CHANGES or getattr(func, "__module__", None) == nn.init.__name__:
            return args[0] if args else kwargs["tensor"]
        return DRAWS.get(func, func)(*args, **kwargs)


@contextmanager
def shapes_only() -> Iterator[None]:
    """Modules built inside have shapes and no numbers: nothing is allocated or drawn only to be
    replaced.

    On its device "meta" torch imports its compiler (sympy, 800 modules) as soon as a random number
    is asked for, as modules do that initialise themselves: so nothing is.
    """
    with torch.device("meta"), _Undrawn():
        yield


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Name -> shape, as (64, 3), of every tensor."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


T = TypeVar("T")


def moved(
    value: T,
    device: torch.device,
    dtype: torch.dtype | None = None,
    exact: tuple[type, ...] = (),
) -> T:
    """A network made of frozen dataclasses and tuples, with every tensor of it on the device; in
    `dtype`, where one is said, but for those of dataclasses that are `exact`."""
    found: Any = value
    if isinstance(value, Tensor):
        found = value.to(device, dtype)
    elif isinstance(value, tuple):
        found = tuple(moved(part, device, dtype, exact) for part in value)
    elif is_dataclass(value) and not isinstance(value, type):
        dtype = None if isinstance(value, exact) else dtype
        named = {f.name: getattr(value, f.name) for f in fields(value)}
        parts = {name: moved(part, device, dtype, exact) for name, part in named.items()}
        found = replace(value, **parts)
    return cast(T, found)


def shape_of(shapes: Shapes, name: str, dims: int) -> Sequence[int]:
    """The shape of a tensor that a network's sizes are inferred from. Raises Refusal for one that
    is missing, empty, or not of `dims` dimensions."""
    shape = shapes.get(name)
    if shape is None:
        raise Refusal("missing-key", f"tensor '{clean(name)}' is missing", OTHER)
    if len(shape) != dims or 0 in shape:
        what = f"tensor '{clean(name)}' has the shape {list(shape)}, not {dims} dimensions"
        raise Refusal("wrong-shape", what, OTHER)
    return shape


def header_config(meta: Meta) -> dict[str, Any]:
    """The JSON object under "config" of a header that latty wrote, {} where it has none.
    Raises BadData for what is no such object."""
    return _object(meta.get("config", "{}"))


def config_of(meta: Meta) -> dict[str, Any]:
    """The settings that came with a file: JSON objects under "config", and "beside" the file.
    Raises BadData for what is no such object."""
    return {**_object(meta.get("beside", "{}")), **header_config(meta)}


def _object(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise BadData("the config in the header is not JSON", AGAIN) from None
    if not isinstance(said, dict):
        raise BadData("the config in the header is no JSON object", AGAIN)
    return said


def is_number(value: Any) -> bool:
    """Whether a setting is a finite number, and no truth value."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)


def positive(config: Mapping[str, Any], key: str, default: float) -> float:
    """A number of the settings. Raises BadData unless it is positive and finite."""
    value = config.get(key, default)
    if not (is_number(value) and value > 0):
        raise BadData(f"the setting {key} cannot be {clean(repr(value))}", "it is positive")
    return float(value)


def agree(config: Mapping[str, Any], shown: Mapping[str, Any]) -> None:
    """Raises BadData where the settings contradict what the tensors show."""
    for key, value in shown.items():
        if key in config and config[key] is not None and config[key] != value:
            said = clean(repr(config[key]))
            raise BadData(f"the settings say {key} = {said}, the tensors {value}", OTHER)


def only(config: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raises BadData where a setting asks for arithmetic other than that of the value wanted, or of
    one of a tuple of them."""
    for key, value in wanted.items():
        values = value if isinstance(value, tuple) else (value,)
        if key in config and config[key] not in values:
            said = clean(repr(config[key]))
            hint = f"latty draws with {' or '.join(map(repr, values))} only"
            raise BadData(f"the setting {key} is {said:.40}", hint)


def unused(config: Mapping[str, Any], known: Container[str], training: str = "") -> tuple[str, ...]:
    """One note that names the settings that are neither known nor, by the pattern `training`, of
    the training alone; () where there are none."""
    rest = [key for key in config if key not in known and not re.fullmatch(training, key)]
    names = ", ".join(clean(key) for key in rest[:SHOWN]) + (", ..." if len(rest) > SHOWN else "")
    return (f"settings that latty does not know, and does not use: {names}",) if rest else ()


def filter_taps(name: str, kernel: Tensor) -> tuple[float, ...]:
    """Taps (T,) of a filter (T, T), which must be their outer product, or (T,), of sum 1. Raises
    BadData for another kernel."""
    square = kernel.dim() == 2 and kernel.shape[0] == kernel.shape[1]
    if not (square or kernel.dim() == 1) or not 1 <= kernel.shape[0] <= MAX_TAPS:
        raise BadData(f"tensor '{name}' has the shape {list(kernel.shape)}, which is no filter")
    line = kernel.sum(0) if square else kernel
    wanted = torch.outer(line, line) if square else line
    if not bool(torch.isfinite(kernel).all()) or abs(float(line.sum()) - 1) > 1e-3:
        raise BadData(f"tensor '{name}' is no filter of sum 1")
    if not torch.allclose(kernel, wanted, atol=1e-5):
        raise BadData(f"tensor '{name}' is no product of one line of taps with itself")
    return tuple(line.tolist())
