"""How much of a card's memory drawing takes, by the shapes of a network: nothing is drawn.

A copy of the generator runs whose tensors have shapes and no numbers (torch's "meta" device), and
what is alive at once is counted, storage by storage. N pictures, L layers of codes, D width, C
channels, H W pixels.
"""

import copy
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map

from latty.models.base import Generator, HasActivations, ModelInfo

META = torch.device("meta")
# Of a card's memory beside the weights, for one batch: a recorded graph holds as much again as it
# draws, and models that stay open may have a quarter (kept.SHARE).
SHARE = 0.25
GUESSED = 4096  # bytes for each pixel of a picture, of the widest networks
ANSWERS = 64  # that are kept

# what a file holds and in which precision, whatever it is called; its tensors; layers, pictures
Asked = tuple[ModelInfo, tuple[tuple[torch.Size, torch.dtype], ...], tuple[str, ...], int]
KNOWN: dict[Asked, int] = {}  # at most ANSWERS


def fitting(generator: Generator, most: int, total: int, changed: Collection[str] = ()) -> int:
    """How many pictures are drawn at once on a card: `most`, or half of it as often as need be.

    total    bytes that the card has, and not those that are free: a film that goes on is drawn as
             it was begun
    changed  layers whose activations edits replace

    Where that many fit even as guessed nothing is counted: shapes alone make torch import half of
    its compiler, two seconds of a processor.
    """
    batch = most
    if batch * _guessed(generator.info) <= total * SHARE:
        return batch
    weights = weighs(generator)
    room = weights + (total - weights) * SHARE
    while batch > 1 and needed(generator, batch, changed) > room:
        batch //= 2
    return batch


def weighs(generator: Generator) -> int:
    """Bytes of what a generator is made of; 0 of one that cannot be copied."""
    try:
        return bytes_of(without_numbers(generator)[1])
    except Exception:  # another's network
        return 0


def needed(generator: Generator, count: int, changed: Collection[str] = ()) -> int:
    """Bytes that `count` pictures take at once: weights, the most that is alive of features, and
    what the library that convolves may take beside them. Of more than two pictures each takes what
    the second does: to count is slow where a network runs picture by picture."""
    if count > 2:
        one, two = (needed(generator, some, changed) for some in (1, 2))
        return one + (count - 1) * (two - one)
    try:
        bare, held = without_numbers(generator)
    except Exception:  # another's network may not be copied
        return _guessed(generator.info) * count
    same = replace(generator.info, name="", class_names=(), notes=())
    shapes = tuple((one.shape, one.dtype) for one in held)
    asked = same, shapes, tuple(sorted(changed)), count
    if asked not in KNOWN:
        if len(KNOWN) >= ANSWERS:
            KNOWN.clear()
        try:
            KNOWN[asked] = bytes_of(held) + _most_alive(bare, generator.info, count, changed)
        except Exception:  # or do what only numbers answer
            KNOWN[asked] = _guessed(generator.info) * count
    return KNOWN[asked]


def _guessed(info: ModelInfo) -> int:
    return GUESSED * info.height * info.width_px


class LiveBytes(TorchDispatchMode):
    """Counts bytes of the tensors that are made while the block runs.

    peak  the most that was alive at once
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}  # which keep a place from others
        self._at_most = 0  # bytes, of some that may be gone

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = self.run(func, args, kwargs or {})
        held = {one.untyped_storage()._cdata for one in _tensors((args, kwargs))}
        for one in _tensors(made):
            storage = one.untyped_storage()
            # what it was given was there before
            if storage._cdata not in held and storage._cdata not in self._alive:
                size = int(storage.nbytes())
                ref = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                self._alive[storage._cdata] = ref, size
                self._at_most += size
        if self._at_most + (beside := self.beside(func, args, made)) > self.peak:
            self._alive = {key: one for key, one in self._alive.items() if _is_there(one[0])}
            self._at_most = sum(size for _, size in self._alive.values())
            self.peak = max(self.peak, self._at_most + beside)
        return made

    def run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """What an operation gives."""
        return func(*args, **kwargs)

    def beside(self, func: Any, args: Any, made: Any) -> int:
        """Bytes that it takes meanwhile."""
        return 0


class Shapes(LiveBytes):  # type: ignore[no-untyped-call]
    """Computes shapes alone. A convolution may lay out the larger of what it reads and gives in
    its own way first, and so counts it twice."""

    def run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Where one of its tensors has no numbers, no other needs any."""
        if not any(one.is_meta for one in _tensors((args, kwargs))):
            return func(*args, **kwargs)
        if kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": META}
        args, kwargs = (tree_map(_bare, one) for one in (args, kwargs))
        return func(*args, **kwargs)

    def beside(self, func: Any, args: Any, made: Any) -> int:
        """Bytes that it takes meanwhile."""
        if func is not torch.ops.aten.convolution.default:
            return 0
        return max(int(one.untyped_storage().nbytes()) for one in (args[0], made))


def without_numbers(generator: Generator) -> tuple[Generator, list[Tensor]]:
    """The generator without its numbers, and the tensors that hold them: matrices (D, D),
    kernels (C, C, H, W) and what else it is made of."""
    memo: dict[int, Any] = {}
    with _Copying():
        bare = copy.deepcopy(generator, memo)
    with suppress(AttributeError):  # one that has the device of its tensors
        bare.device = META  # type: ignore[misc]
    return bare, [one for one in memo.get(id(memo), ()) if isinstance(one, Tensor)]


def bytes_of(tensors: Iterable[Tensor]) -> int:
    """Bytes that tensors take, (C, H, W) or of any shape, each storage once."""
    held = {one.untyped_storage()._cdata: one.untyped_storage().nbytes() for one in tensors}
    return sum(held.values())


class _Copying(TorchFunctionMode):
    """Copies of tensors are tensors without numbers."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.__deepcopy__:
            return args[1].setdefault(id(args[0]), _bare(args[0]))
        if func is Tensor.clone:
            return _bare(args[0])
        kwargs = kwargs or {}
        if kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": META}
        return func(*args, **kwargs)


@torch.no_grad()
def _most_alive(bare: Generator, info: ModelInfo, count: int, changed: Collection[str]) -> int:
    with (shapes := Shapes()):
        codes = torch.empty(count, info.num_layers, info.width, device=META)
        label = None
        if info.num_classes:
            label = torch.empty(count, info.num_classes, device=META)
        if changed:
            assert isinstance(bare, HasActivations)
            bare.synthesis_with(codes, dict.fromkeys(changed, _moved), label)
        else:
            bare.synthesis(codes, label)
    return shapes.peak


def _moved(activation: Tensor) -> Tensor:
    """Another activation (N, C, H, W) in its place."""
    return activation + 1


def _bare(value: Any) -> Any:
    """A tensor without its numbers; anything else as it is."""
    if not isinstance(value, Tensor) or value.is_meta:
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device=META)


def _is_there(storage: StorageWeakRef) -> bool:
    return not storage.expired()  # type: ignore[no-untyped-call]


def _tensors(tree: Any) -> Iterator[Tensor]:
    return (one for one in tree_iter(tree) if isinstance(one, Tensor))
