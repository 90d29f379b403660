"""A GPU that is not there: tensors that say "cuda:0" and compute on the CPU.

torch's FakeTensorMode has shapes and devices, but no numbers: it ends where a program reads one.
Here every operation runs, so whole flows do, with the pictures that the CPU draws; as on a GPU,
tensors of two devices do not mix. What makes the host wait is counted:

    syncs    numbers, or their count, that the host reads from the card: item, cpu, nonzero, ...
    uploads  tensors of the host that are copied to the card
    asked    questions to the driver: how much memory is free

Inside, torch takes these tensors for "meta" ones: it has no gradients for a device that it was not
built for. A card is used by one thread.
"""

import ctypes
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from copy import deepcopy
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from latty.models import ops

DEVICE = torch.device("cuda:0")
CPU, META = torch.device("cpu"), torch.device("meta")
aten = torch.ops.aten

# torch's table of device guards, and places in it (c10/core/DeviceType.h).
GUARDS, CUDA_PLACE, META_PLACE = "_ZN3c104impl26device_guard_impl_registryE", 1, 14

# What a kernel gives depends on numbers that the host must read first, or are its answer.
READS = {
    aten._local_scalar_dense.default: "item",
    aten.equal.default: "equal",
    aten.nonzero.default: "nonzero",
    aten.masked_select.default: "masked_select",
    aten._unique2.default: "unique",
    aten.unique_dim.default: "unique",
    aten.unique_consecutive.default: "unique",
    aten.bincount.default: "bincount",
    aten.repeat_interleave.Tensor: "repeat_interleave",
    aten._linalg_eigh.default: "eigh",
    aten._linalg_svd.default: "svd",
    aten._linalg_check_errors.default: "linalg",
}
MASKS = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)
# Besides pointwise ones, what takes a single number of the host beside tensors of the card.
SINGLE = {"where", "fill_", "masked_fill", "masked_fill_", "index_put", "index_put_", "index_fill_"}
MADE = (torch.tensor, torch.as_tensor, torch.asarray)  # of numbers of Python or numpy
COPIES = (aten._to_copy.default, aten.copy_.default)


class CardTensor(Tensor):
    """A tensor on the card: `numbers` computes it."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> "CardTensor":
        made: CardTensor = Tensor._make_wrapper_subclass(
            cls, numbers.size(), strides=numbers.stride(), dtype=numbers.dtype, device=META,
            storage_offset=numbers.storage_offset())  # fmt: skip
        made.numbers = numbers
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return DEVICE

    @property
    def is_cuda(self) -> bool:  # type: ignore[override]
        return True

    @property
    def is_meta(self) -> bool:  # type: ignore[override]
        return False

    @property
    def data(self) -> Tensor:  # type: ignore[override]
        return self.detach()

    @data.setter
    def data(self, other: Tensor) -> None:
        assert isinstance(other, CardTensor), "weights of a card stay there"
        Tensor.data.__set__(self, other)  # type: ignore[attr-defined]
        self.numbers = other.numbers

    def __tensor_flatten__(self) -> tuple[list[str], None]:
        """A module whose weights come here takes them over, and not their shapes alone."""
        return ["numbers"], None

    @staticmethod
    def __tensor_unflatten__(inner: dict[str, Tensor], *_: Any) -> "CardTensor":
        return CardTensor(inner["numbers"])

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy: use .cpu() first")

    __array__ = numpy

    def record_stream(self, stream: Any) -> None:  # type: ignore[override]
        """What is asked of a stream is done at once."""

    def tolist(self) -> Any:
        return self.detach().cpu().tolist()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """One of torch's own fake tensors, where their mode is on."""
        return torch.empty_strided(
            self.shape, self.stride(), dtype=self.dtype, device=DEVICE)  # fmt: skip

    def __repr__(self, **_: Any) -> str:
        return f"{type(self).__name__}({self.numbers!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert Card.present is not None, "the card is gone"
        return Card.present.answer(func, args, kwargs or {})


class Card(TorchDispatchMode):
    """The card, while the block runs; `memory` bytes of it."""

    present: ClassVar["Card | None"] = None

    def __init__(self, memory: int = 24 << 30) -> None:
        super().__init__()
        self.memory = memory
        self.syncs: Counter[str] = Counter()
        self.uploads: Counter[str] = Counter()
        self.asked = 0
        self.meta = False  # whether the call under way is of torch's own meta device

    # --- what it is asked ---------------------------------------------------------------------

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.answer(func, args, kwargs or {})

    def answer(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """What a call of an operation gives."""
        device = kwargs.get("device")
        target = None if device is None else torch.device(device).type
        here = target == "meta" and not self.meta
        tensors = [one for one in tree_iter((args, kwargs)) if isinstance(one, Tensor)]
        ours = [one for one in tensors if isinstance(one, CardTensor)]
        if not ours and not here:
            return func(*args, **kwargs)
        if func in COPIES:
            beside = bool(kwargs.get("non_blocking", args[2:] and args[2]))
            there = self._copies(func, args, target, beside)
        else:
            there = target is None or here
            self._refuse_mixed(func, tensors)
            self._count(func, args)
        if device is not None:
            kwargs = {**kwargs, "device": CPU}
        kwargs.pop("pin_memory", None)
        if torch.Tag.inplace_view in func.tags:
            with torch._C._DisableTorchDispatch():  # the shape that is seen changes with it
                func(*args, **kwargs)
        held = {id(one.numbers): one for one in ours}
        return self._given(func(*_numbers(args), **_numbers(kwargs)), held, there)

    def _given(self, result: Any, held: dict[int, CardTensor], there: bool) -> Any:
        def wrapped(one: Any) -> Any:
            if not isinstance(one, Tensor):
                return one
            if id(one) in held:
                return held[id(one)]
            return CardTensor(one) if there else one

        return tree_map(wrapped, result)

    def _copies(self, func: Any, args: Any, target: str | None, beside: bool) -> bool:
        """Whether what is copied lies on the card then."""
        source = args[0] if func is aten._to_copy.default else args[1]
        before = isinstance(source, CardTensor)
        if func is aten._to_copy.default:
            after = before if target is None else target == "meta"
        else:
            after = isinstance(args[0], CardTensor)
        if before and not after and not beside:
            self.syncs[f"copy {place()}"] += 1
        elif after and not before:
            self.uploads[place()] += 1
        return after

    def _count(self, func: Any, args: Any) -> None:
        if func in READS:
            self.syncs[f"{READS[func]} {place()}"] += 1
        elif func in MASKS:
            indices = [one for one in args[1] if one is not None]
            if any(one.dtype in (torch.bool, torch.uint8) for one in indices):
                self.syncs[f"mask {place()}"] += 1
            elif any(not isinstance(one, CardTensor) for one in indices):
                self.uploads[place()] += 1

    def _refuse_mixed(self, func: Any, tensors: Sequence[Tensor]) -> None:
        strangers = [one for one in tensors if not isinstance(one, CardTensor)]
        if not strangers or (func in MASKS and isinstance(tensors[0], CardTensor)):
            return
        single = torch.Tag.pointwise in func.tags or func._schema.name.split("::")[1] in SINGLE
        if single and all(one.dim() == 0 and one.device.type == "cpu" for one in strangers):
            return
        if func in (aten.detach.default, aten.lift_fresh.default):
            return
        found = ", ".join(f"{one.device} {tuple(one.shape)}" for one in tensors)
        raise RuntimeError(f"{func}: tensors of several devices, {found}, at {place()}")

    # --- being there --------------------------------------------------------------------------

    def __enter__(self) -> "Card":
        assert Card.present is None, "there is one card"
        forget()
        Card.present = self
        self._patched = ExitStack()
        for name, does in self._driver().items():
            self._patched.enter_context(patch.object(torch.cuda, name, does))
        super().__enter__()
        self._patched.enter_context(Calls(self))
        return self

    def __exit__(self, *error: Any) -> None:
        self._patched.close()
        super().__exit__(*error)
        forget()
        Card.present = None

    def _driver(self) -> dict[str, Callable[..., Any]]:
        def free(*_: Any) -> tuple[int, int]:
            self.asked += 1
            return self.memory, self.memory

        about = SimpleNamespace(total_memory=self.memory, name="a card", major=9, minor=0)
        return {
            "is_available": lambda: False,  # there are no kernels and graphs of its own
            "Stream": Stream,
            "current_stream": Stream,
            "stream": nullcontext,
            "Event": partial(Event, self),
            "device_count": lambda: 1,
            "current_device": lambda: 0,
            "mem_get_info": free,
            "get_device_properties": lambda *_: about,
            "get_device_name": lambda *_: about.name,
            "get_device_capability": lambda *_: (about.major, about.minor),
            "empty_cache": lambda: None,
        }

    @contextmanager
    def counting(self) -> Iterator["Counted"]:
        """What the block adds to the counts."""
        before, found = (self.syncs.copy(), self.uploads.copy(), self.asked), Counted()
        yield found
        found.syncs.update(self.syncs - before[0])
        found.uploads.update(self.uploads - before[1])
        found.asked = self.asked - before[2]


class Calls(TorchFunctionMode):
    """Calls that say "cuda": torch is told "meta", as it would look for a driver."""

    def __init__(self, card: Card) -> None:
        super().__init__()
        self.card = card

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = {key: one for key, one in (kwargs or {}).items() if key != "pin_memory"}
        if func is Tensor.new_tensor and isinstance(args[0], CardTensor):
            kwargs = {"dtype": args[0].dtype, "device": DEVICE, **kwargs}
            func, args = torch.tensor, args[1:]
        if func in (torch.device, torch._C._nn._parse_to):  # words, not tensors
            return func(*args, **kwargs)
        if any(_says_card(one) for one in (*args, *kwargs.values())):
            if func in MADE:
                return func(*args, **{**kwargs, "device": CPU}).to(META)
            args, kwargs = tuple(map(_told, args)), {key: _told(one) for key, one in kwargs.items()}
            return func(*args, **kwargs)
        meta = any(_is_meta(one) for one in (*args, *kwargs.values()))
        before, self.card.meta = self.card.meta, meta
        try:
            return func(*args, **kwargs)
        finally:
            self.card.meta = before


def _says_card(value: Any) -> bool:
    if isinstance(value, torch.device):
        return value.type == "cuda"
    return isinstance(value, str) and value.partition(":")[0] == "cuda"


def _is_meta(value: Any) -> bool:
    return (isinstance(value, str) and value == "meta") or (
        isinstance(value, torch.device) and value.type == "meta"
    )


def _told(value: Any) -> Any:
    return META if _says_card(value) else value


class Stream:
    """A stream: what is asked of it is done at once."""

    def __init__(self, *_: Any) -> None:
        pass

    def wait_stream(self, other: "Stream") -> None:
        """Nothing to wait for."""


class Event:
    """A point of a stream, for which the host waits."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def record(self, stream: Stream) -> None:
        """Here."""

    def synchronize(self) -> None:
        """Wait for it."""
        self.card.syncs[f"event {place()}"] += 1


class Counted:
    """Counts of one block, by what and where."""

    def __init__(self) -> None:
        self.syncs: Counter[str] = Counter()
        self.uploads: Counter[str] = Counter()
        self.asked = 0

    def __repr__(self) -> str:
        return f"syncs {dict(self.syncs)}, uploads {dict(self.uploads)}, asked {self.asked}"


@contextmanager
def faked(generator: Any) -> Iterator[Any]:
    """A generator of a card with torch's own fake tensors for its weights, while their mode is on.
    Without gradients: torch has none for a device that it was not built for."""
    forget()
    with guard(), FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        yield deepcopy(generator)
    forget()


@contextmanager
def guard() -> Iterator[None]:
    """What torch itself puts in the place of its device guard of CUDA where a build for CUDA finds
    no card: one that does nothing. In a build for the CPU alone that place is empty."""
    if torch.version.cuda:
        yield
        return
    c10 = ctypes.CDLL(str(Path(torch.__file__).parent / "lib/libc10.so"))
    guards = (ctypes.c_void_p * (1 + META_PLACE)).in_dll(c10, GUARDS)
    guards[CUDA_PLACE] = guards[META_PLACE]
    try:
        yield
    finally:
        guards[CUDA_PLACE] = None


def forget() -> None:
    """Let go of what is kept for each device: a card, or a mode, that is gone has none."""
    ops.constant.cache_clear()
    ops.drawn_noise.cache_clear()


def place() -> str:
    """The line of latty that runs: "render/pixels.py:36"."""
    frame = sys._getframe(1)
    while frame is not None:
        _, package, inner = frame.f_code.co_filename.rpartition("/core/latty/")
        if package:
            return f"{inner}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return Path(sys._getframe(1).f_code.co_filename).name


def _numbers(tree: Any) -> Any:
    return tree_map(lambda one: one.numbers if isinstance(one, CardTensor) else one, tree)
