"""Modules as the layers of a spec, each with the size of the picture that it gives.

C channels, H W pixels. A size that nothing tells is assumed by custom, with a remark.
"""

from dataclasses import dataclass, field
from math import isqrt, prod
from typing import Any

from latty.models.draft.items import Item, Keys

TRANSPOSED = ("deconv", "convt", "trans", "up")  # in names of transposed convolutions
# kernel: stride, padding, output_padding with which a transposed convolution doubles its input.
DOUBLING = {2: (2, 0, 0), 3: (2, 1, 1), 4: (2, 1, 0), 5: (2, 2, 1), 6: (2, 2, 0)}


@dataclass
class Row:
    """A layer of a spec and what is to be said about it; without a layer, a comment alone."""

    layer: Keys = field(default_factory=dict)
    remark: str = ""


class Rows:
    """Rows of a spec, and what they have shown: the latent's size, the picture's, C H W."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.size = (0, 1, 1)
        self.latent = 0
        self.measured = False  # a batch norm stores no statistics

    def _add(self, kind: str, remark: str = "", **keys: Any) -> None:
        self.rows.append(Row({"kind": kind, **keys}, remark))

    def _nothing(self, item: Item) -> None:
        if item.remark:
            self.rows.append(Row({}, item.remark))

    def _other(self, item: Item, remark: str = "") -> None:
        """Activations, and what changes sizes without weights."""
        keys, (c, h, w) = item.keys, self.size
        self._add(item.kind, remark, **keys)
        if item.kind == "upsample":
            up = keys.get("factor", 2)
            y, x = up if isinstance(up, list) else (up, up)
            h, w = keys.get("size", [h * y, w * x])
        elif item.kind == "pixel_shuffle":
            c, h, w = c // keys["factor"] ** 2, h * keys["factor"], w * keys["factor"]
        elif item.kind == "glu":
            c = c // 2
        elif item.kind == "reshape" and keys:
            c, h, w = keys["shape"]
        elif item.kind == "pad":
            sides = keys["padding"] if isinstance(keys["padding"], list) else [keys["padding"]] * 4
            h, w = h + sides[2] + sides[3], w + sides[0] + sides[1]
        elif item.kind in ("avg_pool", "max_pool"):
            step = {"stride": keys["kernel"], **keys}
            h, w = _conv_size((h, w), _two(keys["kernel"]), step)
        self.size = (c, h, w)

    def _linear(self, item: Item) -> None:
        outputs, inputs = item.weight
        remark = self._begin(inputs)
        self._add("linear", remark, tensors=item.prefix, **_bias(item))
        self.size = (outputs, 1, 1)

    def _begin(self, inputs: int) -> str:
        """The first layer tells the latent's size; a remark where another does not fit."""
        if not self.size[0]:
            self.latent = self.latent or inputs
            return ""
        if inputs != prod(self.size):
            return f"FILL IN: it reads {inputs} numbers, the layers above give {prod(self.size)}"
        return ""

    def _norm(self, item: Item) -> None:
        """A norm that only its width is known of."""
        (width,) = item.weight
        if self.size[1:] == (1, 1) and width == self.size[0]:
            self._add("layer_norm", "check: layer_norm?", tensors=item.prefix)
            return
        self._shape(width)
        remark = "FILL IN: instance_norm, or group_norm with groups = ?"
        self._add("instance_norm", remark, tensors=item.prefix)

    def _batch_norm(self, item: Item) -> None:
        width = (item.weight or item.shapes.get("running_mean") or (0,))[0]
        if width:
            self._shape(width)
        affine: Keys = {} if item.weight else {"affine": False}
        self._add("batch_norm", tensors=item.prefix, **{**affine, **item.keys})
        if "running_mean" not in item.shapes:
            self.measured = True

    def _layer_norm(self, item: Item) -> None:
        if len(item.weight) == 3 and self.size[1:] == (1, 1):
            self._picture_of(item.weight, "")
        self._add("layer_norm", **_read(item), **item.keys)

    def _instance_norm(self, item: Item) -> None:
        affine: Keys = {} if item.weight or not item.shapes else {"affine": False}
        self._add("instance_norm", **_read(item), **affine, **item.keys)

    def _group_norm(self, item: Item) -> None:
        if item.weight:
            self._shape(item.weight[0])
        self._add("group_norm", tensors=item.prefix, **item.keys)

    def _prelu(self, item: Item) -> None:
        self._add("prelu", tensors=item.prefix)

    def _convolution(self, item: Item, after: Item | None) -> None:
        """One whose direction is to be told: (O, I, k, k), or (I, O, k, k) of a transposed one."""
        a, b, h, w = item.weight
        out = (after.weight or (0,))[0] if after and after.kind in ("batch_norm", "norm") else 0
        out = item.shapes.get("bias", (out,))[0]
        fits = self._fits(a) and out in (0, b), self._fits(b) and out in (0, a)
        named = any(word in item.prefix.lower() for word in TRANSPOSED)
        first = not self.size[0]
        backward = fits[0] if fits[0] != fits[1] else (first or named or h % 2 == 0)
        unsure = fits == (False, False) or (fits == (True, True) and a == b and not named and h % 2)
        remark = "FILL IN: conv or conv_transpose?" if unsure else ""
        if not backward:
            if not self._fits(b) and self.size[0] % b == 0:
                item.keys["groups"] = self.size[0] // b
            item.keys |= {"padding": _same((h - 1) // 2, (w - 1) // 2)}
            return self._conv(item, remark or "check: padding keeps the size")
        if self.size[1:] == (1, 1) and self.size[0] in (0, a):
            return self._conv_transpose(item, remark or "check: stride 1, no padding")
        stride, padding, more = DOUBLING.get(h, (1, (h - 1) // 2, 0))
        item.keys |= {"stride": stride, "padding": padding}
        item.keys |= {"output_padding": more} if more else {}
        mark = "check" if h in (2, 4) else "FILL IN"
        words = "doubles the picture" if stride == 2 else "keeps the size"
        self._conv_transpose(item, remark or f"{mark}: so it {words}")

    def _fits(self, channels: int) -> bool:
        c, h, w = self.size
        return not c or c == channels or ((h, w) == (1, 1) and square_side(c, channels) > 0)

    def _conv(self, item: Item, remark: str = "") -> None:
        outputs, inputs, *kernel = item.weight
        self._enter(inputs * item.keys.get("groups", 1))
        h, w = _conv_size(self.size[1:], (kernel[0], kernel[1]), item.keys)
        self._add("conv", remark, tensors=item.prefix, **_kept(item.keys), **_bias(item))
        self.size = (outputs, h, w)

    def _conv_transpose(self, item: Item, remark: str = "") -> None:
        inputs, outputs, *kernel = item.weight
        self._enter(inputs)
        keys = {key: _two(value) for key, value in item.keys.items() if key != "mode"}
        one = (1, 1)
        h, w = (
            (n - 1) * keys.get("stride", one)[i] - 2 * keys.get("padding", (0, 0))[i]
            + keys.get("dilation", one)[i] * (kernel[i] - 1)
            + keys.get("output_padding", (0, 0))[i] + 1
            for i, n in enumerate(self.size[1:])
        )  # fmt: skip
        kept = {**_kept(item.keys), **_bias(item)}
        self._add("conv_transpose", remark, tensors=item.prefix, **kept)
        self.size = (outputs * item.keys.get("groups", 1), h, w)

    def _enter(self, channels: int) -> None:
        if not self.size[0]:
            self.latent = self.latent or channels
            self.size = (channels, 1, 1)
        self._shape(channels)

    def _shape(self, channels: int) -> None:
        """A reshape, where a linear layer gave what is read as so many channels."""
        c, h, w = self.size
        if c == channels or (h, w) != (1, 1) or not c:
            return
        side = square_side(c, channels)
        if side:
            self._picture_of((channels, side, side), "")
        elif c % channels == 0:
            h = max(n for n in range(1, isqrt(c // channels) + 1) if c // channels % n == 0)
            self._picture_of((channels, h, c // channels // h), "FILL IN: height and width?")

    def _picture_of(self, shape: tuple[int, ...], remark: str) -> None:
        self._add("reshape", remark, shape=list(shape))
        self.size = (shape[0], shape[1], shape[2])


def square_side(numbers: int, channels: int) -> int:
    """The side of square pictures of so many channels, 0 where there is none."""
    side = isqrt(numbers // channels)
    return side if side > 1 and side * side * channels == numbers else 0


def _bias(item: Item) -> dict[str, Any]:
    return {} if "bias" in item.shapes else {"bias": False}


def _read(item: Item) -> Keys:
    return {"tensors": item.prefix} if item.shapes else {}


def _kept(keys: Keys) -> Keys:
    """Without what a spec takes for granted."""
    usual = {"stride": 1, "padding": 0}
    return {key: value for key, value in keys.items() if usual.get(key) != value}


def _same(a: int, b: int) -> Any:
    return a if a == b else [a, b]


def _two(value: Any) -> Any:
    return value if isinstance(value, list) else (value, value)


def _conv_size(size: tuple[int, int], kernel: tuple[Any, Any], keys: Keys) -> tuple[int, int]:
    stride, padding = _two(keys.get("stride", 1)), _two(keys.get("padding", 0))
    dilation = _two(keys.get("dilation", 1))
    h, w = (
        (n + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1
        for i, n in enumerate(size)
    )
    return h, w
