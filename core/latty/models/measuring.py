"""Batch norms and the pictures that a network really makes: their statistics measured, and judged.

Some authors sample in training mode, where a batch norm normalises by the batch at hand; what their
files store was never used, and pictures made with it are wrong. Each norm is measured over N fixed
latents, layer after layer: its own input, after all the norms before it have been measured.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.errors import BadData
from latty.models.latent_generator import DRAWS
from latty.models.layers import BatchNorm, Size, Step, affine_of, folded
from latty.models.makers import CHECK, MAKERS, Maker
from latty.models.sequential import Sequential, network_of
from latty.models.spec import Layer, Misfit, Spec
from latty.models.state_dict import TensorReader
from latty.text import clean

SAMPLES = 1024  # seeds 0 to 1023: what statistics = "measured" means
LOOK = 256  # samples that the stored statistics are compared with
AT_ONCE = 32
FAR_MEAN = 0.25  # mean distance of the channels' means, in stored standard deviations
FAR_SPREAD = 1.5  # typical ratio of standard deviations, either way; of honest files 0.96 to 1
MEASURE = (
    "either its author samples in training mode, and a spec should say "
    'statistics = "measured", or a layer before it is not the author\'s'
)


class _Enough(Exception):
    """A norm without statistics has seen what it needs: nothing above it counts yet."""


class _Meter:
    """A batch norm that adds up what it is given; `step` is what it does to it, None = stop."""

    def __init__(self, name: str, step: Step | None, settle: Callable[[Tensor, Tensor], Step]):
        self.name, self.step, self.settle = name, step, settle
        self.count, self.sums = 0, torch.zeros(2, 0, dtype=torch.float64)

    def __call__(self, x: Tensor) -> Tensor:
        if x.device.type == "meta":  # only the size is asked for
            return x
        wide = x.double()
        sums = torch.stack([wide.sum((0, 2, 3)), wide.square().sum((0, 2, 3))])
        self.sums = self.sums + sums if self.count else sums
        self.count += x.numel() // x.shape[1]
        if self.step is None:
            raise _Enough
        return self.step(x)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and variance, each (C,)."""
        mean, square = self.sums / self.count
        return mean, (square - mean.square()).clamp(min=0)


def measured(tensors: Mapping[str, Tensor], spec: Spec) -> dict[str, Tensor]:
    """The tensors with running_mean and running_var, each (C,), of every batch norm measured over
    the latents of seeds 0 to 1023; those of a network with classes take turns in them. Raises
    Misfit, Refusal."""
    meters: list[_Meter] = []
    network = network_of(TensorReader(tensors), spec, _metered(meters, stored=False))
    found = dict(tensors)
    while any(meter.step is None for meter in meters):
        for z, label in _latents(spec, SAMPLES):
            stopped = _run(network, z, label)
        if not stopped:
            break
        meter = next(m for m in meters if m.step is None and m.count)
        mean, variance = meter.moments()
        meter.step = meter.settle(mean, variance)
        found[f"{meter.name}.running_mean"] = mean.float()
        # As training mode has it: it divides by the batch's own variance, and keeps that of n - 1.
        found[f"{meter.name}.running_var"] = (variance * meter.count / (meter.count - 1)).float()
        for other in meters:
            other.count = 0
    return found


def strays(tensors: Mapping[str, Tensor], spec: Spec) -> tuple[str, ...]:
    """A note where stored statistics, each (C,), are far from those of the network's own samples;
    () where none are. Raises Misfit, Refusal."""
    meters: list[_Meter] = []
    network = network_of(TensorReader(tensors), spec, _metered(meters, stored=True))
    for z, label in _latents(spec, LOOK if meters else 1):  # one at least: that it runs
        _run(network, z, label)
    for meter in meters:
        mean, variance = meter.moments()
        there = tensors[f"{meter.name}.running_mean"].double()
        spread = tensors[f"{meter.name}.running_var"].double().clamp(min=1e-12).sqrt()
        off = float(((mean - there).abs() / spread).mean())
        ratio = float(torch.exp((variance.clamp(min=1e-12).sqrt() / spread).log().mean()))
        if off > FAR_MEAN or not 1 / FAR_SPREAD <= ratio <= FAR_SPREAD:
            return (
                f"the stored statistics of batch norm '{clean(meter.name)}' are far from those of "
                f"{LOOK} samples: their mean is {off:.2g} standard deviations away, their spread "
                f"is {ratio:.2g} times the stored one; {MEASURE}",
            )
    return ()


def _metered(meters: list[_Meter], stored: bool) -> dict[str, Maker]:
    """The makers of layers, batch norms that add up what they see among them."""

    def make(reader: TensorReader, layer: Layer, size: Size) -> Step:
        step = MAKERS["batch_norm"](reader, layer, size) if stored else None
        prefix = layer.tensors
        if not stored:
            reader.skip(f"{prefix}.running_mean", f"{prefix}.running_var")
            if any(meter.name == prefix for meter in meters):
                what = f"two layers read '{clean(prefix)}', whose statistics would be two"
                raise BadData(what, 'leave out statistics = "measured"')
        weights = affine_of(reader, prefix, size[0]) if layer.affine else (None, None)
        meters.append(_Meter(prefix, step, partial(_settled, prefix, weights, layer.eps)))
        return meters[-1]

    return {**MAKERS, "batch_norm": make}


def _settled(
    prefix: str,
    weights: tuple[Tensor | None, Tensor | None],
    eps: float,
    mean: Tensor,
    variance: Tensor,
) -> BatchNorm:
    return folded(prefix, mean, variance, *weights, eps)


def _latents(spec: Spec, count: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Latents (N, Z) of the seeds from 0 on, a few at a time, and their classes (N, classes)."""
    for first in range(0, count, AT_ONCE):
        seeds = range(first, min(first + AT_ONCE, count))
        label = None
        if spec.classes:
            label = F.one_hot(torch.tensor(seeds) % spec.classes, spec.classes).float()
        yield DRAWS[spec.distribution](seeds, spec.latent), label


@torch.no_grad()
def _run(network: Sequential, z: Tensor, label: Tensor | None) -> bool:
    """Latents through all stages; whether a norm without statistics stopped them."""
    try:
        (x,) = network.conditions(z[:, None], label)
        for index in range(len(network.stages)):
            x = network.stage(index, x, (), 1.0)
    except _Enough:
        return True
    except RuntimeError as error:
        what = f"the network does not run: {str(error).splitlines()[0]}"
        raise Misfit("wrong-shape", what, CHECK, ("layers",)) from None
    return False
