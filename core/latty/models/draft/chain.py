"""Modules one after another as the layers of a spec, from the latent to the picture.

What lies between them, and where branches meet, is assumed by custom, with a remark.
"""

from math import isqrt, prod

from latty.models.draft.items import ACTIVATIONS, NOTHING, Item, Keys, inputs_of
from latty.models.draft.joints import Branches, branches, with_sums
from latty.models.draft.rows import Row, Rows, square_side
from latty.text import clean

NORMS = ("batch_norm", "layer_norm", "instance_norm", "group_norm", "norm", "prelu")
WEIGHTED = ("linear", "conv", "conv_transpose", "residual")
GROWS = "FILL IN: is there an up-sampling?"
ASKED = "FILL IN: relu here and below, or leaky_relu with its slope, an upsample, ...?"


class Chain(Rows):
    """Rows of a spec, made of items in order.

    guess   whether activations lie between the items that nobody wrote down
    """

    def __init__(self, items: list[Item], guess: bool, ignore: list[str]) -> None:
        super().__init__()
        self.items = with_sums([item for item in items if item.kind or item.remark])
        unread = [item.prefix for item in items if not item.kind and not item.remark]
        self.guess = guess or not any(item.kind in ACTIVATIONS for item in items)
        self.notes = [f"FILL IN: what is '{clean(name)}' for?" for name in unread]
        self.ignore, self.remarks = [*ignore, *unread], dict[str, str]()
        self.classes, self.said_activation = Keys(), False
        self.latent_rows: list[Row] = []

    def run(self) -> None:
        """Every item in order, then the picture."""
        met = branches(self.items)
        if met is not None:
            self._meet(met)
        self._walk(self.items if met is None else met.after)
        self._picture()

    def _walk(self, items: list[Item], enlarge: bool = False) -> None:
        """Rows of the items; `enlarge`: perhaps a picture grows before their first convolution."""
        for i, item in enumerate(items):
            after = next((one for one in items[i + 1 :] if one.kind != NOTHING), None)
            if enlarge and item.kind in ("convolution", "conv", "conv_transpose"):
                self._grow()
                enlarge = False
            if item.kind == "convolution":
                self._convolution(item, after)
            elif item.kind == "linear" and not self.latent and _is_class(item, after):
                self._class(item, after)
                continue
            else:
                getattr(self, f"_{item.kind}", self._other)(item)
            if self.guess and after is not None:
                self._between(item, after)

    def _meet(self, met: Branches) -> None:
        """What runs before latent and class are joined: one behind the other, as channels."""
        latent, label = (self._branch(items, met.pixels) for items in (met.latent, met.label))
        self.latent, self.latent_rows = latent.latent, latent.rows
        table = met.table
        told = {"embedding": f"{table.prefix}.weight"} if table else {}
        count = table.weight[0] if table else label.latent
        self.classes = {"count": count, **told, "layers": label.rows}
        self.remarks["classes.count"] = 'check: which is the class? joined behind; first = "class"?'
        self.size = (latent.size[0] + label.size[0], *latent.size[1:])

    def _branch(self, items: list[Item], pixels: int) -> "Chain":
        """The items of one of two, up to channels of so many pixels each."""
        inner = Chain(items, self.guess, [])
        inner.guess, inner.said_activation = self.guess, self.said_activation
        inner._walk(inner.items)
        if self.guess:
            inner._activation()
        if pixels > 1:
            side = isqrt(pixels)
            inner._picture_of((prod(inner.size) // pixels, side, side), "")
        self.said_activation |= inner.said_activation
        self.measured |= inner.measured
        return inner

    def _residual(self, item: Item) -> None:
        """A sum; of blocks whose settings are unknown, perhaps one that doubles the picture."""
        self._shape_for(item.layers)
        kept, start, found = self.rows, self.size, list[list[Row]]()
        grows = self.guess and not any(one.kind == "upsample" for one in item.layers)
        for items in (item.shortcut, item.layers):
            self.rows, self.size = [], start
            self._walk(items, grows)
            found.append(self.rows)
        self.rows = kept
        both = {"layers": found[1], "shortcut": found[0]}
        self._add("residual", "check: the order, and what is added", **both)

    def _shape_for(self, items: list[Item]) -> None:
        """A reshape before a sum, where its first layer with a weight reads channels."""
        first = next((item for item in items if item.weight), None)
        channels = first.weight[:2] if first and first.kind == "convolution" else ()
        channels = (inputs_of(first),) if first and not channels else channels
        for n in channels:
            if self.size[1:] == (1, 1) and n and square_side(self.size[0], n):
                self._shape(n)

    def _embedding(self, item: Item) -> None:
        count, width = item.weight
        self.classes = {"count": count, "embedding": f"{item.prefix}.weight"}
        first = next(
            (i for i in self.items if i.kind in ("linear", "convolution", *WEIGHTED)), None
        )
        inputs = inputs_of(first) if first else 0
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
        self.latent = (inputs_of(after) if after else 0) - width
        self.classes = {"count": count, "embedding": f"{item.prefix}.weight", "kind": "linear"}
        self.remarks["classes.embedding"] = 'check: joined behind the latent; first = "class"?'

    def _between(self, item: Item, after: Item) -> None:
        """What a list of modules without a number of its own in the file may be."""
        head = after.layers[0] if after.layers else after
        if item.kind in ("embedding", NOTHING, "prelu") or head.kind in NORMS:
            return
        (holder, i), (other, j) = item.place, after.place
        counted = holder == other and i >= 0 and j >= 0
        missing = j - i - 1 if counted else 1
        if counted and item.kind == "linear" and after.kind == "convolution":
            missing -= self.size[0] not in after.weight[:2]  # one of them makes a picture of it
        if missing < 1:
            return
        spread = after.kind == "convolution" and self.size[1:] != (1, 1)
        if spread and self._shuffle(after):
            missing -= 1
        self._activation()
        if spread and missing > 1:
            self._grow()

    def _shuffle(self, after: Item) -> bool:
        """Whether a pixel shuffle lies before a convolution: it reads a quarter of the channels."""
        channels = self.size[0]
        quarter = channels % 4 == 0 and channels not in after.weight[:2]
        if not (quarter and channels // 4 in after.weight[:2]):
            return False
        remark = "check: the next layer reads a quarter of the channels"
        self._other(Item("", kind="pixel_shuffle", keys={"factor": 2}), remark)
        return True

    def _grow(self) -> None:
        self._other(Item("", kind="upsample"), GROWS)

    def _activation(self) -> None:
        remark = "" if self.said_activation else ASKED
        self.said_activation = True
        self._add("relu", remark)

    def _picture(self) -> None:
        """What comes last, and the shape of the picture."""
        if self.rows and self.rows[-1].layer.get("kind") in WEIGHTED:
            self._add("tanh", "check: tanh, or sigmoid with range = [0, 1]?")
        c, h, w = self.size
        if (h, w) == (1, 1) and c > 4:
            channels = next((k for k in (3, 1, 4) if square_side(c, k)), 0)
            side = square_side(c, channels) if channels else 0
            shape = (channels, side, side) if side else (1, 1, c)
            self._picture_of(shape, "" if side else "FILL IN: [channels, height, width]")

    def table(self) -> Keys:
        """What a spec says beside its layers."""
        c, h, w = self.size
        found: Keys = {"ignore": self.ignore} if self.ignore else {}
        if self.measured:
            found["statistics"] = "measured"
        found["latent"] = {"size": self.latent or 1, "distribution": "normal"}
        if self.latent_rows:
            found["latent"]["layers"] = self.latent_rows
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


def _is_class(item: Item, after: Item | None) -> bool:
    """Whether a Linear gives fewer numbers than the next one reads: the rest is the latent."""
    return after is not None and after.kind == "linear" and inputs_of(after) > item.weight[0]
