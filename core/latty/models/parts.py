"""A checkpoint cut into the parts that may be a generator, best first."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import reading
from latty.checkpoints import walk
from latty.checkpoints.checkpoint import Checkpoint
from latty.checkpoints.refusals import Stamps
from latty.checkpoints.tally import Tally
from latty.checkpoints.values import Record, TensorView, TfNetwork, arrays
from latty.errors import BadData, UnfitFile
from latty.text import clean

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
A_PART = 200  # entries that a part costs, whatever lies in it


def settings_files(path: Path) -> list[str]:
    """What the settings of a file may be called beside it; the first that holds a table counts."""
    names = (f"{path.stem}.config.json", f"{path.stem}.json", "config.json", "args.json")
    return [name for name in names if name != path.name]


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
        """What lies in it under that beginning of names, which ends in ".", as a part; itself for
        "". It is found once and shared."""
        if not prefix:
            return self
        if prefix not in self._inner:
            self._inner[prefix] = self._under(prefix)
        return self._inner[prefix]

    def _under(self, prefix: str) -> "Part":
        inner = {}
        if prefix.partition(".")[0] in self._tops:
            self.checkpoint.tally.spend("entries", len(self.views))
            cut = len(prefix)
            inner = {n[cut:]: v for n, v in self.views.items() if n.startswith(prefix)}
        name = f"{self.name}.{prefix}".strip(".")
        return replace(self, name=name, views=inner, module=None)

    @cached_property
    def _inner(self) -> "dict[str, Part]":
        return {}

    @cached_property
    def _tops(self) -> set[str]:
        """What stands before the first "." of its tensors' names."""
        return {name.partition(".")[0] for name in self.views}

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape, without touching a number; shared."""
        return {name: view.shape for name, view in self.views.items()}

    @cached_property
    def tensors(self) -> "dict[str, NDArray[Any]]":
        """Name -> read-only array, such as (O, I, k, k), over the file."""
        return arrays(self.views)

    def torch(self) -> "dict[str, Tensor]":
        """Every tensor, such as (O, I, k, k), in torch and in memory of its own."""
        return {name: to_torch(array) for name, array in self.tensors.items()}

    def lent(self) -> "dict[str, Tensor]":
        """Every tensor, such as (O, I, k, k), for who only reads them: a network takes copies."""
        import numpy as np
        import torch

        with warnings.catch_warnings():  # torch cannot say that a tensor is not to be changed
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return {
                name: torch.from_numpy(np.asarray(array, array.dtype.newbyteorder("=")))
                for name, array in self.tensors.items()
            }

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Settings by name, as plain Python.

        NVIDIA's PyTorch modules: "synthesis.b4.conv1.conv_clamp", and "synthesis.class_name".
        NVIDIA's TensorFlow networks: "version", "kwargs", "synthesis.kwargs", ...
        Every file: "config" = config.json or args.json beside it, as a table, where there is one.
        """
        found: dict[str, Any] = {}
        if self.module is not None:
            with self.checkpoint.looking():
                _settings(self.checkpoint.modules(self.module), found, self.checkpoint.tally)
        beside = self.beside
        return {**found, "config": beside} if beside else found

    @property
    def beside(self) -> dict[str, Any]:
        """NAME.config.json, NAME.json, config.json or args.json in the folder of the file, or {};
        what the user states goes before it."""
        return {**self._found_beside[0], **self.checkpoint.given}

    @property
    def left_out(self) -> tuple[str, ...]:
        """A note for each settings file beside it that is not read."""
        return self._found_beside[1]

    @cached_property
    def _found_beside(self) -> tuple[dict[str, Any], tuple[str, ...]]:
        left: list[str] = []
        path = self.checkpoint.path
        for name in settings_files(path):
            try:
                if table := _table(reading.inside(path.parent, name, path)):
                    return table, tuple(left)
            except UnfitFile as error:
                left.append(f"{clean(name)} beside it {error.strerror}: left out")
            except (OSError, ValueError, BadData) as error:
                reading.raise_of_disk(error, path.parent / name)  # another model without them
        return {}, tuple(left)


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
    stamps  the files that it was read from, as they were then
    """

    tensors: "dict[str, Tensor]"
    meta: dict[str, str]
    notes: tuple[str, ...] = ()
    companion: Companion | None = None
    stamps: Stamps = field(default_factory=Stamps)

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
        named = {str(key): one for key, one in tree.items() if isinstance(key, str | int)}
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
    checkpoint.tally.spend("entries", A_PART)
    views = checkpoint.views(value)
    for prefix in WRAPPERS:
        if views and all(key.startswith(prefix) for key in views):
            views = {key.removeprefix(prefix): view for key, view in views.items()}
    module = value if isinstance(value, Record | TfNetwork) else None
    return Part(name, views, checkpoint, spec, module)


def _settings(
    modules: Mapping[str, Record | TfNetwork], found: dict[str, Any], tally: Tally
) -> None:
    for name, module in modules.items():
        prefix = "" if name == walk.ALONE else f"{name}."
        tally.check_time()
        if isinstance(module, Record):
            found[f"{prefix}class_name"] = module.class_name
            for key, value in module.settings(tally).items():
                found[prefix + key] = value
        else:
            found[f"{prefix}version"] = module.state.get("version")
            found[f"{prefix}kwargs"] = module.settings(tally)


def _table(path: Path) -> dict[str, Any]:
    """The table in a JSON file; {} for what is none. Raises OSError, BadData."""
    table = reading.json_file(path)
    ours = isinstance(table, dict) and "latty" in table  # the card of a stored model
    return table if isinstance(table, dict) and not ours else {}


def to_torch(array: "NDArray[Any]") -> "Tensor":
    """An array of any shape (...,) as a tensor of its own memory, in this machine's byte order."""
    import numpy as np
    import torch

    tensor: Tensor = torch.from_numpy(np.array(array, array.dtype.newbyteorder("=")))
    return tensor
