"""The chart of a training: each direction a row, the pictures of one latent along it."""

from collections.abc import Callable
from math import ceil

import torch
from torch import Tensor, nn

from latty.directions.training.pairs import DrawnLatents, Pairs
from latty.directions.training.parameters import TrainingParameters
from latty.directions.viewing import Sheet

COLUMNS = 7  # shifts from -max_shift to max_shift; the middle one is none
PX = 64  # height of a picture, at most
CHEAP = 100  # charts are to take a hundredth of the pictures that the training draws
MOST = 50  # charts of one training, where nobody says: each is about a megabyte


def interval(params: TrainingParameters) -> int:
    """Iterations between two charts: as said, or so many hundreds that they cost little."""
    if params.chart_every is not None:
        return params.chart_every
    cheap = params.count * (COLUMNS - 1) * CHEAP / (2 * params.batch)
    return 100 * ceil(max(cheap, params.iterations / MOST) / 100)


@torch.no_grad()
def chart(
    pairs: Pairs, shifter: nn.Module, unit: float, rows: list[str], pulse: Callable[[], None]
) -> Sheet:
    """The chart of a shifter, whose shifts count the latents' `unit`; `pulse` is called between
    pictures."""
    params, count = pairs.params, pairs.params.count
    amounts = torch.linspace(-params.max_shift, params.max_shift, COLUMNS).tolist()
    del amounts[COLUMNS // 2]
    one = pairs.draw(range(1))
    plan = [(k, amount) for k in range(count) for amount in amounts]
    found = []
    for start in range(0, len(plan), params.batch):
        part = plan[start : start + params.batch]
        index, magnitude = (
            torch.tensor(column).to(pairs.device) for column in zip(*part, strict=True)
        )
        same = _repeated(one, len(part))
        shift = unit * shifter(same.latents, index, magnitude)
        found.append(pairs.pictures(same, shift).cpu())
        pulse()
    drawn = torch.cat(found)
    moved = drawn.view(count, COLUMNS - 1, *drawn.shape[1:])
    still = pairs.pictures(one).cpu()[None].expand(count, *(-1,) * 4)
    half = COLUMNS // 2
    pictures = torch.cat([moved[:, :half], still, moved[:, half:]], 1)
    words = [f"{amount:+.2g}" for amount in amounts]
    return Sheet(pictures, rows, [*words[:half], "0", *words[half:]])


def _repeated(one: DrawnLatents, count: int) -> DrawnLatents:
    """The same latent `count` times."""

    def times(array: Tensor) -> Tensor:
        return array.expand(count, *array.shape[1:])

    label = None if one.label is None else times(one.label)
    return DrawnLatents(times(one.latents), label, times(one.codes))
