"""Reading activations of StyleGAN2 (256 px, full width), as a search for directions does.

Thousands of samples go through the first layers, twenty at a time. The grouped form is that of the
StyleGAN2 that GANSpace runs: weights are modulated and written for every sample, and one grouped
convolution reads them. Both stop at the layer. Same weights, same codes, variants interleaved;
ratios are of processor time on one thread. Much of the grouped form's is the operating system's,
for 190 MB of fresh weights per layer; the notes say what is left without it.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from benchmarks._clock import costs, user_ratio
from benchmarks.bench_stylegan2 import (
    FULL,
    SMALL,
    TEXTBOOK,
    Row,
    Textbook,
    _error,
    _network,
    _one_thread,
)
from latty.models.families import stylegan2

BATCH = 20  # GANSpace's most
CPU = torch.device("cpu")
NAMES = ("b4.conv1", "b8.conv1", "b16.conv1")  # what GANSpace calls conv1, convs.1 and convs.3
GOALS = dict(zip(NAMES, (15, 12, 6), strict=True))


class Capture(Textbook):
    """The textbook, stopped after a layer."""

    def up_to(self, codes: Tensor, name: str) -> Tensor:
        """Features (N, C, H, W) after layer `name` of codes (N, L, D), and nothing above.

        GANSpace computes the to-RGB layers on its way too; they are left out in its favour.
        """
        x = self.tensors["b4.const"].expand(codes.shape[0], -1, -1, -1)
        x = self._conv("b4.conv1", x, codes[:, 0], False)
        for index, size in enumerate(self.config.blocks[1:]):
            if name.startswith(f"b{size // 2}."):
                break
            x = self._conv(f"b{size}.conv0", x, codes[:, 2 * index + 1], True)
            x = self._conv(f"b{size}.conv1", x, codes[:, 2 * index + 2], False)
        return x


def _rows(quick: bool, rounds: int) -> Iterator[Row]:
    base = _network(SMALL if quick else FULL)
    tensors, header = base.state_dict(), stylegan2.metadata(base.config)
    precise = stylegan2.build(tensors, header, CPU)
    fast = stylegan2.build(tensors, header, CPU, dtype=torch.bfloat16)
    codes = precise.mapping(precise.sample(range(BATCH))).contiguous()
    textbook = Capture(base)
    for name in NAMES:
        works: dict[str, Callable[[], Tensor]] = {
            TEXTBOOK: partial(textbook.up_to, codes, name),
            "fp32": partial(precise.activation, codes, name),
            "bf16": partial(fast.activation, codes, name),
        }
        measured = costs(works, rounds)
        theirs = measured.pop(TEXTBOOK)
        for kind, ours in measured.items():
            goal = "" if quick else f"goal {GOALS[name]}x, "
            note = f"{goal}{user_ratio(ours, theirs)}, {1000 * ours.total / BATCH:.2f} ms/sample"
            size, width = ours.result.shape[-1], ours.result[0].numel()
            title = f"activation {size} x {size} ({width}) {kind}, batch {BATCH}"
            error = _error(ours.result, theirs.result)
            yield title, TEXTBOOK, theirs.total / ours.total, f"{note}, {error}"


def run(quick: bool = False) -> list[Row]:
    """All rows; `quick` uses a narrow network, to show that the benchmark works."""
    with _one_thread(), torch.no_grad():
        return list(_rows(quick, 5))
