"""Names for everything a checkpoint holds, as `state_dict` would spell them."""

from collections.abc import Iterable, Iterator
from typing import Any

from latty.checkpoints.refusals import Refusal, bad_tensor
from latty.checkpoints.tally import LIMITS, Tally, too_big
from latty.checkpoints.values import Record, Storage, TensorView, TfNetwork
from latty.text import clean

# Containers may be shared: a small file can spell a huge tree, and very long names.
DEPTH, LONGEST = 64, 400
OPENING = 10  # entries that a container costs by itself
YIELDED = 4  # and each tensor or container in it, by its name
ALONE = "array"  # the name of a tensor that is the whole file

LEAVES = (TensorView, Storage)
HOLDERS = (dict, list, tuple, Record, TfNetwork, *LEAVES)


def named(tree: Any, tally: Tally) -> dict[str, TensorView]:
    """Name -> tensor, in file order: "G_ema.mapping.fc0.weight", "2.synthesis.4x4/Const/const".
    `tally` is that of the file.

    Attributes of modules that are no parameters or buffers are settings, not tensors.

    Raises Refusal.
    """
    found: dict[str, TensorView] = {}
    for name, value in _walk(tree, tally):
        tensor = value
        if isinstance(value, Storage):
            tensor = TensorView(value, value.dtype, (value.numel,), (1,))
        if isinstance(tensor, TensorView):
            if len(found) >= LIMITS["tensors"]:
                raise too_big(f"{LIMITS['tensors']} tensors")
            if name in found:
                raise bad_tensor(f"two tensors are named '{clean(name)}'")
            found[name] = tensor
    return found


def modules(tree: Any, tally: Tally) -> dict[str, Record | TfNetwork]:
    """Name -> object of somebody's class, each before its children; ALONE for the tree itself.
    Raises Refusal."""
    found: dict[str, Record | TfNetwork] = {}
    for name, value in _walk(tree, tally):
        if isinstance(value, Record | TfNetwork):
            found[name] = value
    return found


def _walk(tree: Any, tally: Tally) -> Iterator[tuple[str, Any]]:
    """Every tensor and container with its name, parents first, in file order."""
    open_ones = [("", _opened(tree, tally))]
    above = [id(tree)]  # objects of training code refer to each other in circles
    yield ALONE, tree
    while open_ones:
        prefix, inner = open_ones[-1]
        step = next(inner, None)
        if step is None:
            open_ones.pop()
            above.pop()
            continue
        name, value = prefix + str(step[0]), step[1]
        tally.spend("entries", YIELDED + (len(name) >> 4))
        if len(open_ones) > DEPTH or len(name) > LONGEST:
            raise _too_deep()
        if isinstance(value, LEAVES):
            yield name, value
        elif id(value) not in above:
            inside = _opened(value, tally)
            yield name, value
            open_ones.append((f"{name}.", inside))
            above.append(id(value))


def _too_deep() -> Refusal:
    hint = "this is no checkpoint of a generator"
    return Refusal("too-big", "its contents are nested too deeply", hint)


def _opened(value: Any, tally: Tally) -> Iterator[tuple[Any, Any]]:
    tally.spend("entries", _cost(value) + OPENING)
    tally.check_time()
    return iter(_inside(value))


def _cost(value: Any) -> int:
    """What opening a container costs, whatever it yields."""
    if isinstance(value, dict | list | tuple):
        return len(value)
    return value.breadth if isinstance(value, Record | TfNetwork) else 0


def _inside(value: Any) -> list[tuple[Any, Any]]:
    """The tensors and containers of a container; what else lies in it is passed over at once."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict | Record):
        items = (value.contents if isinstance(value, Record) else value).items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    elif isinstance(value, TfNetwork):
        items = [*value.variables.items(), *value.components.items()]
    return [(k, v) for k, v in items if isinstance(v, HOLDERS) and isinstance(k, str | int)]
