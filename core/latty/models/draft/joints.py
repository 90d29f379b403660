"""Where a network is no chain, as far as names and shapes tell: sums, and branches that meet."""

import re
from math import isqrt
from typing import NamedTuple

from latty.models.draft.items import CLASS, Item, inputs_of

WEIGHTED = ("linear", "convolution", "conv", "conv_transpose")
# What people call the layers beside a block, by whose output its own is raised.
SHORTCUT = re.compile(
    r"c_?sc|sc|conv_?sc|(.*_)?(skip|short_?cut|bypass|res_?conv|conv_?res)(_.*|\d*|conv)", re.I
)


def with_sums(items: list[Item]) -> list[Item]:
    """The items, those of a block with a shortcut as one item of the kind "residual"."""
    blocks = {block for item in items if item.kind and (block := _block(item.prefix))}
    found: dict[str, Item] = {}
    rows: list[Item] = []
    for item in items:
        words = item.prefix.split(".")
        around = (".".join(words[:end]) for end in range(1, len(words)))
        block = next((one for one in around if one in blocks), "")
        if not block:
            rows.append(item)
            continue
        if block not in found:
            found[block] = Item(block, kind="residual")
            rows.append(found[block])
        (found[block].shortcut if _block(item.prefix) else found[block].layers).append(item)
    return [one for row in rows for one in (row.shortcut if _is_alone(row) else [row])]


def _block(prefix: str) -> str:
    """What a shortcut's name, as in "block2.c_sc", stands in: "block2"; "" of any other."""
    words = prefix.split(".")
    at = next((i for i, word in enumerate(words) if i and SHORTCUT.fullmatch(word)), 0)
    return ".".join(words[:at])


def _is_alone(item: Item) -> bool:
    return item.kind == "residual" and not any(one.kind in WEIGHTED for one in item.layers)


class Branches(NamedTuple):
    """The items of a latent and of its class, what follows where they meet, and how many pixels
    each channel has there; `table` is an embedding that the class goes through first."""

    latent: list[Item]
    label: list[Item]
    after: list[Item]
    pixels: int
    table: Item | None


def branches(items: list[Item]) -> Branches | None:
    """Two first layers whose outputs the third one reads together; None of a chain. Which of them
    is the class's tells an embedding, a name, or that it reads fewer numbers."""
    at = [i for i, item in enumerate(items) if item.kind in WEIGHTED][:3]
    if len(at) < 3:
        return None
    one, two, after = (items[i] for i in at)
    a, b = _outputs(one), _outputs(two)
    pixels = next((p for n in _read(after) if (p := _pixels(a, b, n))), 0)
    if not pixels or a == inputs_of(two):
        return None
    end = at[1] + 1
    while end < at[2] and items[end].weight in ((), (b // pixels,), (b,)):
        end += 1
    table = next((item for item in items[: at[1]] if item.kind == "embedding"), None)
    first, second = items[: at[1]], items[at[1] : end]
    if table:
        first.remove(table)
        is_class = table.weight[1] == inputs_of(one)
    else:
        is_class = bool(CLASS.search(one.prefix)) or inputs_of(one) < inputs_of(two)
    latent, label = (second, first) if is_class else (first, second)
    return Branches(latent, label, items[end:], pixels, table)


def _outputs(item: Item) -> int:
    return item.weight[0] if item.kind in ("linear", "conv") else (*item.weight, 0, 0)[1]


def _read(item: Item) -> set[int]:
    return {*item.weight[:2]} if item.kind == "convolution" else {inputs_of(item)}


def _pixels(a: int, b: int, channels: int) -> int:
    """Of how many pixels the channels are that a and b numbers make together; 0 where they do
    not."""
    pixels = (a + b) // channels if channels else 0
    fits = pixels and pixels * channels == a + b and a % pixels == b % pixels == 0
    return pixels if fits and isqrt(pixels) ** 2 == pixels else 0
