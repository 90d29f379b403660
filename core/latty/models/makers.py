"""What makes each layer of a Spec: its maker reads the tensors, given the size of what comes in.

MAKERS is the table of kinds, as KINDS is in spec.py. Torch itself tells the size of what comes out.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models import ops
from latty.models.layers import (
    BatchNorm,
    Conv,
    ConvTranspose,
    Function,
    GroupNorm,
    LayerNorm,
    Linear,
    Pointwise,
    PReLU,
    Reshape,
    Residual,
    Resize,
    Size,
    Step,
    affine_of,
    is_weighted,
    norm,
)
from latty.models.reparametrised import take_weight
from latty.models.spec import Layer, Misfit, Place, both
from latty.models.state_dict import TensorReader, moved
from latty.text import clean

Maker = Callable[[TensorReader, Layer, Size], Step]
MOST = 2**28  # numbers in the features of one picture: 1 GiB
CHECK = "compare the spec with the code that trained the network"
BAD_NUMBERS = ("nonfinite", "negative-variance")  # refusals that no spec is to blame for
META = torch.device("meta")


def _linear(reader: TensorReader, layer: Layer, size: Size) -> Step:
    c, h, w = size
    weight = take_weight(reader, layer.tensors, -1, c * h * w)
    return Linear(weight, _bias(reader, layer, weight.shape[0]))


def _bias(reader: TensorReader, layer: Layer, width: int) -> Tensor | None:
    return reader.take(f"{layer.tensors}.bias", width) if layer.bias else None


def _sides(layer: Layer) -> tuple[int, int]:
    """What a kernel's sides must be; -1: as the tensor says."""
    return both(layer.kernel or -1)


def _per_group(layer: Layer, channels: int) -> int:
    if channels % layer.groups:
        raise BadData(f"{channels} channels cannot be cut into {layer.groups} groups", CHECK)
    return channels // layer.groups


def _pair(value: object) -> tuple[int, int]:
    assert isinstance(value, int) or (isinstance(value, tuple) and len(value) == 2)  # as read
    return both(value)


def _conv(reader: TensorReader, layer: Layer, size: Size) -> Step:
    inputs = _per_group(layer, size[0])
    weight = take_weight(reader, layer.tensors, -1, inputs, *_sides(layer))
    mode = "constant" if layer.mode in ("", "zeros") else layer.mode
    return Conv(
        weight,
        _bias(reader, layer, weight.shape[0]),
        _pair(layer.stride),
        _pair(layer.padding),
        _pair(layer.dilation),
        layer.groups,
        mode,
    )


def _conv_transpose(reader: TensorReader, layer: Layer, size: Size) -> Step:
    _per_group(layer, size[0])
    most = zip(_pair(layer.stride), _pair(layer.dilation), strict=True)
    if any(n >= max(pair) for n, pair in zip(_pair(layer.output_padding), most, strict=True) if n):
        raise BadData("output_padding must be smaller than stride or dilation", CHECK)
    weight = take_weight(reader, layer.tensors, size[0], -1, *_sides(layer), outputs=1)
    return ConvTranspose(
        weight,
        _bias(reader, layer, weight.shape[1] * layer.groups),
        _pair(layer.stride),
        _pair(layer.padding),
        _pair(layer.output_padding),
        layer.groups,
        _pair(layer.dilation),
    )


def _reshape(_: TensorReader, layer: Layer, size: Size) -> Step:
    shape = (layer.shape[0], layer.shape[1], layer.shape[2])
    if shape[0] * shape[1] * shape[2] != size[0] * size[1] * size[2]:
        raise BadData(f"{spelt(size)} features do not fill {spelt(shape)}", CHECK)
    return Reshape(shape)


def _upsample(_: TensorReader, layer: Layer, size: Size) -> Step:
    mode = layer.mode or "nearest"
    h, w = layer.size or (n * f for n, f in zip(size[1:], both(layer.factor), strict=True))
    if mode == "nearest" and not layer.size and isinstance(layer.factor, int):
        return Resize(partial(ops.enlarge, times=layer.factor), (h, w))
    # Sizes and factors give the same numbers here: the factors are whole.
    resize = partial(F.interpolate, size=(h, w), mode=mode, align_corners=layer.align_corners)
    return Resize(resize, (h, w))


def _pool(function: Callable[..., Tensor], _: TensorReader, layer: Layer, size: Size) -> Step:
    kernel = _pair(layer.kernel)
    stride = _pair(layer.stride or layer.kernel)
    return Function(
        partial(function, kernel_size=kernel, stride=stride, padding=_pair(layer.padding))
    )


def _pad(_: TensorReader, layer: Layer, size: Size) -> Step:
    sides = layer.padding if isinstance(layer.padding, tuple) else (layer.padding,) * 4
    mode = "constant" if layer.mode in ("", "zeros") else layer.mode
    return Function(partial(F.pad, pad=sides, mode=mode))


def _batch_norm(reader: TensorReader, layer: Layer, size: Size) -> Step:
    if f"{layer.tensors}.running_mean" not in reader and f"{layer.tensors}.weight" in reader:
        what = f"tensor '{clean(layer.tensors)}.running_mean' is missing"
        raise BadData(what, 'where none are stored, a spec says statistics = "measured"')
    return norm(reader, layer.tensors, size[0], layer.eps, layer.affine)


def _layer_norm(reader: TensorReader, layer: Layer, size: Size) -> Step:
    if not layer.affine or not layer.tensors:
        return LayerNorm(size, None, None, layer.eps)
    name = f"{layer.tensors}.weight"
    dims = len(reader.shape(name)) or 1
    shape = size[-dims:] if size[1:] != (1, 1) or dims > 1 else size[:1]
    weight = reader.take(name, *shape)
    bias = reader.take(f"{layer.tensors}.bias", *shape) if layer.bias else None
    return LayerNorm(shape, weight, bias, layer.eps)


def _instance_norm(reader: TensorReader, layer: Layer, size: Size) -> Step:
    affine = bool(layer.tensors) and layer.affine
    if layer.running:
        return norm(reader, layer.tensors, size[0], layer.eps, affine)
    if size[1:] == (1, 1):
        raise BadData("an instance norm of single pixels leaves nothing", CHECK)
    weight, bias = affine_of(reader, layer.tensors, size[0]) if affine else (None, None)
    return GroupNorm(size[0], weight, bias, layer.eps)


def _group_norm(reader: TensorReader, layer: Layer, size: Size) -> Step:
    _per_group(layer, size[0])
    weight, bias = affine_of(reader, layer.tensors, size[0]) if layer.affine else (None, None)
    return GroupNorm(layer.groups, weight, bias, layer.eps)


def _prelu(reader: TensorReader, layer: Layer, size: Size) -> Step:
    name = f"{layer.tensors}.weight"
    width = 1 if reader.shape(name) == (1,) else size[0]
    return PReLU(reader.take(name, width))


def _pointwise(make: Callable[[Layer], Step]) -> Maker:
    return lambda reader, layer, size: Pointwise(make(layer))


def _function(make: Callable[[Layer], Step]) -> Maker:
    return lambda reader, layer, size: Function(make(layer))


MAKERS: dict[str, Maker] = {
    "linear": _linear,
    "reshape": _reshape,
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "upsample": _upsample,
    "pixel_shuffle": _function(
        lambda layer: partial(F.pixel_shuffle, upscale_factor=both(layer.factor)[0])
    ),
    "avg_pool": partial(_pool, F.avg_pool2d),
    "max_pool": partial(_pool, F.max_pool2d),
    "pad": _pad,
    "batch_norm": _batch_norm,
    "layer_norm": _layer_norm,
    "instance_norm": _instance_norm,
    "group_norm": _group_norm,
    "prelu": _prelu,
    "leaky_relu": _pointwise(lambda layer: partial(F.leaky_relu, negative_slope=layer.slope)),
    "elu": _pointwise(lambda layer: partial(F.elu, alpha=layer.alpha)),
    "gelu": _pointwise(lambda layer: partial(F.gelu, approximate=layer.approximate)),
    "glu": _function(lambda layer: partial(F.glu, dim=1)),
    "relu": _pointwise(lambda layer: torch.relu),
    "selu": _pointwise(lambda layer: F.selu),
    "silu": _pointwise(lambda layer: F.silu),
    "softplus": _pointwise(lambda layer: F.softplus),
    "tanh": _pointwise(lambda layer: torch.tanh),
    "sigmoid": _pointwise(lambda layer: torch.sigmoid),
}


# --- from layers to steps ------------------------------------------------------------------------


def made(
    reader: TensorReader,
    layers: Sequence[Layer],
    size: Size,
    makers: Mapping[str, Maker] = MAKERS,
    at_once: int = 1,
    place: Place = ("layers",),
) -> tuple[tuple[Step, ...], Size]:
    """The operations of layers that are given features of `size`, and the size of what they give.

    makers      what makes a layer of each kind
    at_once     pictures that run through everything before the first weights
    place       where in the spec the layers stand

    Raises Misfit, Refusal, naming the layer that is wrong.
    """
    steps: list[Step] = []
    for i, layer in enumerate(layers):
        where = ".".join(map(str, (*place[place[0] == "layers" :], i)))
        try:
            if layer.kind == "residual":
                step: Step = _residual(reader, layer, size, makers, at_once, (*place, i))
            else:
                step = makers[layer.kind](reader, layer, size)
            size = _size_after(step, size)
            at_once = 1 if is_weighted(step) else at_once
            if min(size) < 1 or size[0] * size[1] * size[2] * at_once > MOST:
                raise BadData(f"it would give {spelt(size)} features", CHECK)
        except Misfit:
            raise
        except BadData as error:
            raise _misfit(error, f"layer {where} ({layer.kind})", (*place, i)) from None
        steps.append(step)
    return tuple(steps), size


def _misfit(error: BadData, where: str, place: Place) -> Refusal:
    code = error.code if isinstance(error, Refusal) else "wrong-shape"
    if code in BAD_NUMBERS:
        return Refusal(code, f"{where}: {error.message}", error.hint)
    return Misfit(code, f"{where}: {error.message}", error.hint, place)


def _residual(
    reader: TensorReader,
    layer: Layer,
    size: Size,
    makers: Mapping[str, Maker],
    at_once: int,
    place: Place,
) -> Residual:
    inner, one = made(reader, layer.layers, size, makers, at_once, (*place, "layers"))
    short, other = made(reader, layer.shortcut, size, makers, at_once, (*place, "shortcut"))
    if one != other:
        what = f"its layers give {spelt(one)} features, its shortcut {spelt(other)}"
        raise BadData(what, CHECK)
    return Residual(inner, short)


def _size_after(step: Step, size: Size) -> Size:
    """The size of what a step gives. Raises BadData."""
    # Torch is asked, without numbers, where it is not plain: for some operations it would import
    # its compiler first, which takes a second.
    if isinstance(step, Pointwise | BatchNorm):
        return size
    if isinstance(step, Linear):
        return step.weight.shape[0], 1, 1
    if isinstance(step, Resize):
        return size[0], *step.sides
    if isinstance(step, Residual):
        for inner in step.layers:
            size = _size_after(inner, size)
        return size
    if isinstance(step, Conv | ConvTranspose) and min(found := _convolved(step, size)) > 0:
        return found
    try:
        shape = moved(step, META)(torch.empty((1, *size), device=META)).shape
    except (RuntimeError, ValueError) as error:
        words = str(error).splitlines()[0]
        raise BadData(f"{spelt(size)} features do not fit it: {words}", CHECK) from None
    return shape[1], shape[2], shape[3]


def _convolved(step: Conv | ConvTranspose, size: Size) -> Size:
    """What a convolution gives of features of `size`; not above zero where its kernel does not fit
    into them."""
    kernel, padding = step.weight.shape[2:], step.padding
    reach = [
        d * (k - 1) + 1 - 2 * p for d, k, p in zip(step.dilation, kernel, padding, strict=True)
    ]
    sides = zip(size[1:], step.stride, reach, strict=True)
    if isinstance(step, Conv):
        if step.mode != "constant":  # torch pads no more than there is
            return 0, 0, 0
        h, w = ((n - r) // stride + 1 for n, stride, r in sides)
        return step.weight.shape[0], h, w
    h, w = ((n - 1) * stride + r for n, stride, r in sides)
    more = step.output_padding
    return step.weight.shape[1] * step.groups, h + more[0], w + more[1]


def spelt(size: Size) -> str:
    """As messages write a size."""
    return f"{size[0]} x {size[1]} x {size[2]}"
