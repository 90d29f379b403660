"""A checkpoint cut into the parts that may be a generator, best first."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.checkpoints import walk
from latty.checkpoints.checkpoint import Checkpoint
from latty.checkpoints.values import Record, TensorView, TfNetwork, arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

# Generators as their authors name them; averages over training come first.
BEST = (
    *(
        "G_ema",
        "Gs",
        "g_ema",
        "avgG",
        "generator_smooth",
        "generator_ema",
        "netG_ema",
        "ema",
        "params_ema",
    ),
    *("G", "generator", "netG", "g", "gen", "state_dict", "model_state_dict", "model", "params"),
)
NEVER = ("D", "d", "discriminator", "netD", "critic", "g_optim", "d_optim", "optimizer")
WRAPPERS = ("module.", "_orig_mod.")  # what DataParallel and torch.compile put before every name
BESIDE_LIMIT = 2**20  # bytes of a settings file
SETTINGS_LIMIT = 1_000_000  # values in all attributes of a part's modules


def settings_files(path: Path) -> list[Path]:
    """Where the settings of a file may lie beside it; the first that holds a table counts."""
    names = (f"{path.stem}.config.json", f"{path.stem}.json", "config.json", "args.json")
    return [path.with_name(name) for name in names if name != path.name]


@dataclass(frozen=True)
class Part:
    """One network of a checkpoint, from which a layout or a family makes a generator.

    name        its key in the file: "G_ema", "generator_smooth", ...; "" = the whole file
    views       its tensors by name, not yet read, without the prefix of DataParallel
    checkpoint  the file; its other contents lie in `checkpoint.tree`
    spec        the architecture file that the user named, as JSON, or ""
    """

    name: str
    views: Mapping[str, TensorView]
    checkpoint: Checkpoint
    spec: str = ""
    module: Record | TfNetwork | None = field(default=None, repr=False)

    def own(self, name: str) -> str:
        """The beginning of tensor names as this part spells it, of one as the whole file does:
        without the part's key and the prefix of DataParallel."""
        for lead in (f"{self.name}.", *WRAPPERS):
            if not self.begins(name):
                name = name.removeprefix(lead)
        return name

    def begins(self, name: str) -> bool:
        """Whether a tensor of this part has a name that begins like that."""
        return any(one.startswith(name) for one in self.views)

    def under(self, prefix: str) -> "Part":
        """What lies in it under that beginning of names, as a part; itself for ""."""
        if not prefix:
            return self
        inner = {n.removeprefix(prefix): v for n, v in self.views.items() if n.startswith(prefix)}
        name = f"{self.name}.{prefix}".strip(".")
        return replace(self, name=name, views=inner, module=None)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape, without touching a number."""
        return {name: view.shape for name, view in self.views.items()}

    @cached_property
    def tensors(self) -> "dict[str, NDArray[Any]]":
        """Name -> read-only array, such as (O, I, k, k), over the file."""
        return arrays(self.views)

    def torch(self) -> "dict[str, Tensor]":
        """Every tensor, such as (O, I, k, k), in torch and in memory of its own."""
        return {name: to_torch(array) for name, array in self.tensors.items()}

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Settings by name, as plain Python.

        NVIDIA's PyTorch modules: "synthesis.b4.conv1.conv_clamp", and "synthesis.class_name".
        NVIDIA's TensorFlow networks: "version", "kwargs", "synthesis.kwargs", ...
        Every file: "config" = config.json or args.json beside it, as a table, where there is one.
        """
        found: dict[str, Any] = {}
        if isinstance(self.module, Record):
            _settings(self.checkpoint.modules(self.module), found)
        elif isinstance(self.module, TfNetwork):
            _tf_settings(self.module, "", found)
        beside = self.beside
        return {**found, "config": beside} if beside else found

    @cached_property
    def beside(self) -> dict[str, Any]:
        """NAME.config.json, NAME.json, config.json or args.json in the folder of the file, or {};
        what the user states goes before it."""
        places = settings_files(self.checkpoint.path)
        found = next((table for place in places if (table := _table(place))), {})
        return {**found, **self.checkpoint.given}


@dataclass(frozen=True, slots=True)
class Companion:
    """A network of the same file that is kept beside the generator, for a use of its own.

    kind      what it is, and the end of its file's name: "encoder"
    meta      what goes into its header
    tensors   reads them, such as (O, I, k, k): they may be larger than the generator
    """

    kind: str
    meta: dict[str, str]
    tensors: "Callable[[], dict[str, Tensor]]"


@dataclass(frozen=True, slots=True)
class Converted:
    """A generator in the layout of one of our families, ready for its `build`.

    meta    what goes into the header of a safetensors file: "kind", "family", "config", ...
    notes   what was made up because the file does not hold it
    companion   the other half of its file, where that is of use
    """

    tensors: "dict[str, Tensor]"
    meta: dict[str, str]
    notes: tuple[str, ...] = ()
    companion: Companion | None = None

    @property
    def family(self) -> str:
        """The family that builds it."""
        return self.meta["family"]


def parts(checkpoint: Checkpoint, spec: str = "") -> Iterator[Part]:
    """Everything in the file that may be a generator, best first."""
    tree = checkpoint.tree
    if isinstance(tree, tuple) and all(isinstance(one, TfNetwork) for one in tree):
        named: dict[str, Any] = dict(zip(("G", "D", "Gs"), tree, strict=False))
    elif isinstance(tree, dict):
        named = {str(key): value for key, value in tree.items()}
    else:
        named = {}
    holders = {key: one for key, one in named.items() if _is_holder(one)}
    rest = [key for key in holders if key not in BEST and key not in NEVER]
    for key in [*(key for key in BEST if key in holders), *rest]:
        yield from _with_inner(_part(checkpoint, key, holders[key], spec))
    whole = not isinstance(tree, tuple | list) and not any(key in holders for key in NEVER)
    if whole and not (holders and all(key in holders for key in named)):
        yield from _with_inner(_part(checkpoint, "", tree, spec))


def _with_inner(part: Part) -> Iterator[Part]:
    """A part, then what lies in it under one prefix: whole training modules are saved flat."""
    yield part
    for key in BEST:
        inner = part.under(f"{key}.")
        if inner.views and len(inner.views) < len(part.views):
            yield inner


def _is_holder(value: Any) -> bool:
    return isinstance(value, Record | TfNetwork) or (isinstance(value, dict) and bool(value))


def _part(checkpoint: Checkpoint, name: str, value: Any, spec: str) -> Part:
    views = checkpoint.views(value)
    for prefix in WRAPPERS:
        if views and all(key.startswith(prefix) for key in views):
            views = {key.removeprefix(prefix): view for key, view in views.items()}
    module = value if isinstance(value, Record | TfNetwork) else None
    return Part(name, views, checkpoint, spec, module)


def _settings(modules: Mapping[str, Record | TfNetwork], found: dict[str, Any]) -> None:
    left = [SETTINGS_LIMIT]
    for name, module in modules.items():
        prefix = "" if name == walk.ALONE else f"{name}."
        if isinstance(module, Record):
            found[f"{prefix}class_name"] = module.class_name
            for key, value in module.settings(left).items():
                found[prefix + key] = value


def _tf_settings(network: TfNetwork, prefix: str, found: dict[str, Any]) -> None:
    found[f"{prefix}version"] = network.state.get("version")
    found[f"{prefix}kwargs"] = network.kwargs
    for name, part in network.components.items():
        _tf_settings(part, f"{prefix}{name}.", found)


def _table(path: Path) -> dict[str, Any]:
    """The table in a JSON file; {} for what is none: a pipe or device is not opened."""
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as file:
            text = file.read(BESIDE_LIMIT + 1)
        table = json.loads(text) if len(text) <= BESIDE_LIMIT else {}
    except (OSError, ValueError, RecursionError):
        return {}
    ours = isinstance(table, dict) and "latty" in table  # the card of a stored model
    return table if isinstance(table, dict) and not ours else {}


def to_torch(array: "NDArray[Any]") -> "Tensor":
    """An array of any shape (...,) as a tensor of its own memory, in this machine's byte order."""
    import numpy as np
    import torch

    tensor: Tensor = torch.from_numpy(np.array(array, array.dtype.newbyteorder("=")))
    return tensor
