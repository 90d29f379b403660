"""Deformators of GANLatentDiscovery that are no vectors: its "fc", and its "proj" with a bias.

Voynov and Babenko 2020. As its own code computes them in eval mode, for an input x = s e_k:

    fc     x1 = fc1 x; x2 = fc2 elu(bn1 x1); x3 = fc3 elu(bn2(x2 + x1));
           shift = fc4 elu(bn3(x3 + x2 + x1)) + x
    proj   y = W x + b; shift = |x| y / |y|

Outputs are cut or filled up with zeros to the latent's width. The shift at 0 is taken off.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from latty.directions import sign as sign_arrays
from latty.directions.curved import CurvedDirection
from latty.directions.file import DirectionSet
from latty.errors import BadData

if TYPE_CHECKING:
    from torch import Tensor

LINEARS, NORMS = ("fc1", "fc2", "fc3", "fc4"), ("bn1", "bn2", "bn3")
STATE = ("weight", "bias", "running_mean", "running_var")
NAMES = (
    *(f"{layer}.{part}" for layer in LINEARS for part in ("weight", "bias")),
    *(f"{norm}.{part}" for norm in NORMS for part in STATE),
)
PROJ = ("linear.weight", "linear.bias")
WIDTH = "width"  # an array as long as the latent
EPS = 1e-5  # of torch's batch norms

Shapes = Mapping[str, tuple[int, ...]]


def names(given: Iterable[str]) -> list[str]:
    """The tensors that are kept, in a fixed order."""
    known = {*given}
    return [name for name in (*NAMES, *PROJ) if name in known]


def is_theirs(given: Iterable[str]) -> bool:
    return WIDTH in {*given}


def fault(shapes: Shapes) -> str:
    """What is wrong with an "fc" deformator's shapes, "" = nothing."""
    first, last = shapes["fc1.weight"], shapes["fc4.weight"]
    if len(first) != 2 or len(last) != 2:
        return f"'fc1.weight' has the shape {list(first)}, 'fc4.weight' {list(last)}"
    inner = first[0]
    wanted: dict[str, tuple[int, ...]] = {"fc1.weight": (inner, first[1])}
    wanted |= {"fc4.weight": (last[0], inner), "fc4.bias": (last[0],)}
    wanted |= {f"{layer}.weight": (inner, inner) for layer in ("fc2", "fc3")}
    wanted |= {f"{layer}.bias": (inner,) for layer in LINEARS[:3]}
    wanted |= {f"{norm}.{part}": (inner,) for norm in NORMS for part in STATE}
    for name, shape in wanted.items():
        if shapes.get(name) != shape:
            return f"'{name}' has the shape {list(shapes.get(name, ()))}, not {list(shape)}"
    return f"{first[1]} inputs for {last[0]} outputs" if first[1] != last[0] else ""


def shift(tensors: "Mapping[str, Tensor]", index: int, amounts: "Tensor") -> "Tensor":
    """Shifts (N, d) of direction `index` by amounts (N,), d the latent's width; 0 for 0."""
    import torch

    bent = "fc1.weight" in tensors
    first = tensors["fc1.weight" if bent else "linear.weight"]
    x = torch.zeros(len(amounts) + 1, first.shape[1])
    x[:-1, index] = amounts
    found = _fc(tensors, x) if bent else _proj(tensors, x)
    width = len(tensors[WIDTH])
    filled = torch.nn.functional.pad(found, (0, max(0, width - found.shape[1])))[:, :width]
    return filled[:-1] - filled[-1]


def _proj(tensors: "Mapping[str, Tensor]", x: "Tensor") -> "Tensor":
    y: Tensor = x @ tensors["linear.weight"].T + tensors["linear.bias"]
    unit = y / y.norm(dim=1, keepdim=True).clamp_min(1e-12)
    length: Tensor = x.norm(dim=1, keepdim=True)
    moved: Tensor = length * unit
    return moved


def _fc(tensors: "Mapping[str, Tensor]", x: "Tensor") -> "Tensor":
    import torch

    def linear(name: str, given: "Tensor") -> "Tensor":
        moved: Tensor = given @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"]
        return moved

    def bent(name: str, given: "Tensor") -> "Tensor":
        weight, bias, mean, var = (tensors[f"{name}.{part}"] for part in STATE)
        return torch.nn.functional.elu((given - mean) / (var + EPS).sqrt() * weight + bias)

    x1 = linear("fc1", x)
    x2 = linear("fc2", bent("bn1", x1))
    x3 = linear("fc3", bent("bn2", x2 + x1))
    return linear("fc4", bent("bn3", x3 + x2 + x1)) + x


def direction(header: DirectionSet, index: int, tensors: "Mapping[str, Tensor]") -> CurvedDirection:
    """Direction `index` of an imported set of the form "voynov". Raises BadData. Its arrays are
    those of the network, (n, K) and (n,)."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    count = len(header.infos)
    if "fc1.weight" in shapes:
        missing = [name for name in NAMES if name not in shapes]
        wrong = f"'{missing[0]}' is missing" if missing else fault(shapes)
        inputs = 0 if wrong else shapes["fc1.weight"][1]
    else:
        weight, bias = shapes.get("linear.weight", ()), shapes.get("linear.bias", ())
        fits = len(weight) == 2 and bias == weight[:1]
        wrong = "" if fits else f"'linear.weight' {list(weight)} and bias {list(bias)}"
        inputs = weight[1] if fits else 0
    if not wrong and inputs < count:
        wrong = f"{inputs} inputs for {count} directions"
    if not wrong and len(shapes.get(WIDTH, ())) != 1:
        wrong = f"'{WIDTH}' is missing or no vector"
    if wrong:
        raise BadData(f"a deformator that cannot be used: {wrong}")
    info, space = header.infos[index], header.latent_space("deformators")
    moves = partial(shift, tensors, sign_arrays.network_input(tensors, index, inputs))
    sign = sign_arrays.sign(tensors, index)
    return CurvedDirection(
        info.name, space, info.layers, moves, len(tensors[WIDTH]), info.sigma, sign
    )
