"""Plain classifiers: one operation after another, as a card's layers say, with a file's tensors."""

from collections.abc import Callable
from functools import partial

import torch.nn.functional as F
from torch import Tensor, nn

from latty.attributes.card import CardLayer
from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models.state_dict import TensorReader
from latty.text import clean

Size = tuple[int, int, int]  # C, H, W
MOST = 2**27  # numbers in the features of one picture
CHECK = "compare the layers with the code that trained the network"


class Flat(nn.Linear):
    """A linear layer that flattens what it is given: (N, C, H, W) -> (N, O, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, O, 1, 1)."""
        return F.linear(x.flatten(1), self.weight, self.bias)[:, :, None, None]


class Flatten(nn.Module):
    """(N, C, H, W) -> (N, C * H * W, 1, 1)."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C * H * W, 1, 1)."""
        return x.flatten(1)[:, :, None, None]


POINTWISE: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "flatten": Flatten,
    "global_pool": partial(nn.AdaptiveAvgPool2d, 1),
}


def read_layers(reader: TensorReader, layers: tuple[CardLayer, ...], size: Size) -> nn.Sequential:
    """The network for pictures of that size, frozen. Raises BadData, naming layer or tensor."""
    steps = []
    for index, layer in enumerate(layers):
        where = f"layer {index} ({layer.kind})"
        try:
            step, size = _step(reader, layer, size)
        except Refusal as refusal:
            raise Refusal(refusal.code, f"{where}: {refusal.what}", refusal.hint) from None
        except BadData as error:
            raise BadData(f"{where}: {error.message}", error.hint) from None
        if min(size) < 1 or size[0] * size[1] * size[2] > MOST:
            raise BadData(f"{where} would give {' x '.join(map(str, size))} features", CHECK)
        steps.append(step)
    return nn.Sequential(*steps).eval().requires_grad_(False)


def _step(reader: TensorReader, layer: CardLayer, size: Size) -> tuple[nn.Module, Size]:
    """One operation, and the features' size after it."""
    channels, height, width = size
    if layer.kind == "conv":
        return _conv(reader, layer, size)
    if layer.kind == "linear":
        weight = reader.take(f"{layer.tensors}.weight", -1, channels * height * width)
        linear = Flat(weight.shape[1], weight.shape[0], layer.bias)
        _fill(reader, layer, linear)
        return linear, (weight.shape[0], 1, 1)
    if layer.kind == "batch_norm":
        return _norm(reader, layer, channels), size
    if layer.kind in ("max_pool", "average_pool"):
        return _pool(layer, size)
    if layer.kind == "leaky_relu":
        return nn.LeakyReLU(layer.slope), size
    sizes = {"flatten": (channels * height * width, 1, 1), "global_pool": (channels, 1, 1)}
    return POINTWISE[layer.kind](), sizes.get(layer.kind, size)


def _conv(reader: TensorReader, layer: CardLayer, size: Size) -> tuple[nn.Module, Size]:
    channels, kernel, stride = size[0], layer.kernel or -1, layer.stride or 1
    if channels % layer.groups:
        raise BadData(f"{channels} channels do not fall into {layer.groups} groups", CHECK)
    name = f"{layer.tensors}.weight"
    weight = reader.take(name, -1, channels // layer.groups, kernel, kernel)
    outputs, _, side, other = weight.shape
    if side != other or outputs % layer.groups:
        what = f"tensor '{clean(name)}' has the shape {list(weight.shape)}"
        raise Refusal("wrong-shape", f"{what}: no square kernel, or no such groups", CHECK)
    spread = layer.dilation * (side - 1) + 1
    after = [(n + 2 * layer.padding - spread) // stride + 1 for n in size[1:]]
    conv = nn.Conv2d(channels, outputs, side, stride, layer.padding, layer.dilation,
                     layer.groups, layer.bias)  # fmt: skip
    _fill(reader, layer, conv)
    return conv, (outputs, after[0], after[1])


def _fill(reader: TensorReader, layer: CardLayer, module: nn.Conv2d | nn.Linear) -> None:
    """Weight and bias as the file has them, in the shape that the module has."""
    module.weight = nn.Parameter(reader.take(f"{layer.tensors}.weight", *module.weight.shape))
    if module.bias is not None:
        module.bias = nn.Parameter(reader.take(f"{layer.tensors}.bias", *module.bias.shape))


def _norm(reader: TensorReader, layer: CardLayer, channels: int) -> nn.BatchNorm2d:
    norm = nn.BatchNorm2d(channels, layer.eps, affine=layer.affine)
    norm.running_mean = reader.take(f"{layer.tensors}.running_mean", channels)
    norm.running_var = reader.take(f"{layer.tensors}.running_var", channels)
    if not layer.eps and not bool((norm.running_var > 0).all()):
        raise BadData(f"'{clean(layer.tensors)}.running_var' is zero and eps is 0", "give an eps")
    if layer.affine:
        norm.weight = nn.Parameter(reader.take(f"{layer.tensors}.weight", channels))
        norm.bias = nn.Parameter(reader.take(f"{layer.tensors}.bias", channels))
    return norm


def _pool(layer: CardLayer, size: Size) -> tuple[nn.Module, Size]:
    kernel, stride, padding = layer.kernel, layer.stride or layer.kernel, layer.padding
    if padding * 2 > kernel:
        raise BadData("padding is more than half of the kernel", CHECK)
    after = [(n + 2 * padding - kernel) // stride + 1 for n in size[1:]]
    kind = nn.MaxPool2d if layer.kind == "max_pool" else nn.AvgPool2d
    return kind(kernel, stride, padding), (size[0], after[0], after[1])
