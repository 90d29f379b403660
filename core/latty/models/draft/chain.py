"""Modules one after another as the layers of a spec: sizes followed from the latent to the picture.

C channels, H W pixels. A size that nothing tells is assumed by custom, with a remark.
"""

from dataclasses import dataclass, field
from math import isqrt, prod
from typing import Any

from latty.models.draft.items import ACTIVATIONS, NOTHING, Item, Keys
from latty.text import clean

NORMS = ("batch_norm", "layer_norm", "instance_norm", "group_norm", "norm", "prelu")
WEIGHTED = ("linear", "conv", "conv_transpose")
ASKED = "FILL IN: relu here and below, or leaky_relu with its slope, an upsample, ...?"
TRANSPOSED = ("deconv", "convt", "trans", "up")  # in names of transposed convolutions
# kernel: stride, padding, output_padding with which a transposed convolution doubles its input.
DOUBLING = {2: (2, 0, 0), 3: (2, 1, 1), 4: (2, 1, 0), 5: (2, 2, 1), 6: (2, 2, 0)}


@dataclass
class Row:
    """A layer of a spec and what is to be said about it; without a layer, a comment alone."""

    layer: Keys = field(default_factory=dict)
    remark: str = ""


class Chain:
    """Rows of a spec, made of items in order.

    guess   whether activations lie between the items that nobody wrote down
    """

    def __init__(self, items: list[Item], guess: bool, ignore: list[str]) -> None:
        self.items = [item for item in items if item.kind or item.remark]
        unread = [item.prefix for item in items if not item.kind and not item.remark]
        self.guess = guess or not any(item.kind in ACTIVATIONS for item in self.items)
        self.rows: list[Row] = []
        self.notes = [f"FILL IN: what is '{clean(name)}' for?" for name in unread]
        self.ignore, self.remarks = [*ignore, *unread], dict[str, str]()
        self.size = (0, 1, 1)  # C H W
        self.latent, self.classes = 0, Keys()
        self.measured = self.said_activation = False

    def run(self) -> None:
        """Every item in order, then the picture."""
        for item, after in zip(self.items, [*self.items[1:], None], strict=True):
            if item.kind == "convolution":
                self._convolution(item, after)
            elif item.kind == "linear" and not self.latent and _is_class(item, after):
                self._class(item, after)
                continue
            else:
                getattr(self, f"_{item.kind}", self._other)(item)
            if self.guess and after is not None:
                self._between(item, after)
        self._picture()

    def table(self) -> Keys:
        """What a spec says beside its layers."""
        c, h, w = self.size
        found: Keys = {"ignore": self.ignore} if self.ignore else {}
        if self.measured:
            found["statistics"] = "measured"
        found["latent"] = {"size": self.latent or 1, "distribution": "normal"}
        if not self.latent:
            self.remarks["latent.size"] = "FILL IN: numbers per picture?"
        self.remarks["latent.distribution"] = "check: normal, or uniform?"
        found["image"] = {"channels": c if c in (1, 3, 4) else 3}
        if c not in (1, 3, 4):
            self.remarks["image.channels"] = f"FILL IN: the layers above end in {c} channels"
        if any(row.remark and row.layer.get("kind") in WEIGHTED for row in self.rows):
            self.remarks["image.size"] = "check: as the layers above make it"
        found["image"] |= {"size": h if h == w else [h, w], "range": [-1, 1]}
        if self.rows[-1].layer.get("kind") == "sigmoid":
            found["image"]["range"] = [0, 1]
        if self.classes:
            found["classes"] = self.classes
        return found

    def _add(self, kind: str, remark: str = "", **keys: Any) -> None:
        self.rows.append(Row({"kind": kind, **keys}, remark))

    # --- layers ----------------------------------------------------------------------------------

    def _nothing(self, item: Item) -> None:
        if item.remark:
            self.rows.append(Row({}, item.remark))

    def _other(self, item: Item) -> None:
        """Activations, and what changes sizes without weights."""
        keys, (c, h, w) = item.keys, self.size
        self._add(item.kind, **keys)
        if item.kind == "upsample":
            up = keys.get("factor", 1)
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

    def _embedding(self, item: Item) -> None:
        count, width = item.weight
        self.classes = {"count": count, "embedding": f"{item.prefix}.weight"}
        first = next(
            (i for i in self.items if i.kind in ("linear", "convolution", *WEIGHTED)), None
        )
        inputs = _inputs(first) if first else 0
        if inputs == width:
            self.classes["join"] = "product"
            self.remarks["classes.join"] = "FILL IN: product or sum?"
            self.latent = width
        elif inputs > width:
            self.latent = inputs - width
            self.remarks["classes.embedding"] = 'check: joined behind the latent; first = "class"?'

    def _class(self, item: Item, after: Item | None) -> None:
        """A Linear of the class, whose numbers are joined to the latent."""
        width, count = item.weight
        self.latent = (_inputs(after) if after else 0) - width
        self.classes = {"count": count, "embedding": f"{item.prefix}.weight", "kind": "linear"}
        self.remarks["classes.embedding"] = 'check: joined behind the latent; first = "class"?'

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

    # --- convolutions ----------------------------------------------------------------------------

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
        return not c or c == channels or ((h, w) == (1, 1) and _side(c, channels) > 0)

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
        side = _side(c, channels)
        if side:
            self._picture_of((channels, side, side), "")
        elif c % channels == 0:
            self._picture_of((channels, 1, c // channels), "FILL IN: height and width?")

    def _picture_of(self, shape: tuple[int, ...], remark: str) -> None:
        self._add("reshape", remark, shape=list(shape))
        self.size = (shape[0], shape[1], shape[2])

    # --- between and behind ----------------------------------------------------------------------

    def _between(self, item: Item, after: Item) -> None:
        """What a list of modules without a number of its own in the file may be."""
        if item.kind in ("embedding", NOTHING, "prelu") or after.kind in NORMS:
            return
        (holder, i), (other, j) = item.place, after.place
        counted = holder == other and i >= 0 and j >= 0
        missing = j - i - 1 if counted else 1
        if counted and item.kind == "linear" and after.kind == "convolution":
            missing -= self.size[0] not in after.weight[:2]  # one of them makes a picture of it
        if missing < 1:
            return
        remark = "" if self.said_activation else ASKED
        self.said_activation = True
        self._add("relu", remark)
        if after.kind == "convolution" and missing > 1 and self.size[1:] != (1, 1):
            self._add("upsample", "FILL IN: is there an up-sampling?")
            self.size = (self.size[0], 2 * self.size[1], 2 * self.size[2])

    def _picture(self) -> None:
        """What comes last, and the shape of the picture."""
        if self.rows and self.rows[-1].layer.get("kind") in WEIGHTED:
            self._add("tanh", "check: tanh, or sigmoid with range = [0, 1]?")
        c, h, w = self.size
        if (h, w) == (1, 1) and c > 4:
            channels = next((k for k in (3, 1, 4) if _side(c, k)), 0)
            side = _side(c, channels) if channels else 0
            shape = (channels, side, side) if side else (1, 1, c)
            self._picture_of(shape, "" if side else "FILL IN: [channels, height, width]")


def _is_class(item: Item, after: Item | None) -> bool:
    """Whether a Linear gives fewer numbers than the next one reads: the rest is the latent."""
    return after is not None and after.kind == "linear" and _inputs(after) > item.weight[0]


def _side(numbers: int, channels: int) -> int:
    """The side of square pictures of so many channels, 0 where there is none."""
    side = isqrt(numbers // channels)
    return side if side > 1 and side * side * channels == numbers else 0


def _inputs(item: Item) -> int:
    return item.weight[1] if item.kind in ("linear", "conv") else (item.weight or (0,))[0]


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
