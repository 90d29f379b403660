"""Names for everything a checkpoint holds, as `state_dict` would spell them."""

from collections.abc import Iterator
from typing import Any

from latty.checkpoints.refusals import Refusal, bad_tensor
from latty.checkpoints.values import Record, Storage, TensorView, TfNetwork
from latty.text import clean

# Containers may be shared: a small file can spell a huge tree, and very long names.
DEPTH, NODES, LONGEST, NAMES = 64, 1_000_000, 400, 100_000
ALONE = "array"  # the name of a tensor that is the whole file

HOLDERS = (dict, list, tuple, Record, TfNetwork, TensorView, Storage)


def named(tree: Any) -> dict[str, TensorView]:
    """Name -> tensor, in file order: "G_ema.mapping.fc0.weight", "2.synthesis.4x4/Const/const".

    Attributes of modules that are no parameters or buffers are settings, not tensors.

    Raises Refusal.
    """
    found: dict[str, TensorView] = {}
    for name, value in _walk(tree):
        tensor = value
        if isinstance(value, Storage):
            tensor = TensorView(value, value.dtype, (value.numel,), (1,))
        if isinstance(tensor, TensorView):
            _check_count(len(found))
            if name in found:
                raise bad_tensor(f"two tensors are named '{clean(name)}'")
            found[name] = tensor
    return found


def modules(tree: Any) -> dict[str, Record | TfNetwork]:
    """Name -> object of somebody's class, each before its children."""
    found: dict[str, Record | TfNetwork] = {}
    for name, value in _walk(tree):
        if isinstance(value, Record | TfNetwork):
            found[name] = value
            _check_count(len(found))
    return found


def _check_count(count: int) -> None:
    if count > NAMES:
        raise Refusal("too-big", f"it holds more than {NAMES} tensors", "this is no checkpoint")


def _walk(tree: Any) -> Iterator[tuple[str, Any]]:
    """Every tensor and container with its name, parents first, in file order."""
    left = NODES
    yield ALONE, tree
    open_ones = [("", _inside(tree))]
    above = [id(tree)]  # objects of training code refer to each other in circles
    while open_ones:
        prefix, inner = open_ones[-1]
        step = next(inner, None)
        if step is None:
            open_ones.pop()
            above.pop()
            continue
        left -= 1
        name, value = prefix + str(step[0]), step[1]
        if left < 0 or len(open_ones) > DEPTH or len(name) > LONGEST:
            hint = "this is no checkpoint of a generator"
            raise Refusal("too-big", "its contents are nested too deeply", hint)
        if isinstance(value, HOLDERS) and id(value) not in above:
            left -= _cost(value)
            yield name, value
            open_ones.append((f"{name}.", _inside(value)))
            above.append(id(value))


def _cost(value: Any) -> int:
    """What opening a container costs, whatever it yields."""
    if isinstance(value, dict):
        return len(value)
    return value.breadth if isinstance(value, Record | TfNetwork) else 0


def _inside(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict | Record):
        table = value.contents if isinstance(value, Record) else value
        return iter([(key, item) for key, item in table.items() if isinstance(key, str | int)])
    if isinstance(value, list | tuple):
        return iter(enumerate(value))
    if isinstance(value, TfNetwork):
        return iter([*value.variables.items(), *value.components.items()])
    return iter(())
