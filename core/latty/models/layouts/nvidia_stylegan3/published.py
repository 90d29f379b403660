"""The settings that NVIDIA's StyleGAN3 has when nobody chooses others, from tensors alone.

A bare state_dict holds the filters and not how its layers resample. NVIDIA's training leaves those
settings at the values below for T and R, so they follow from the resolution and the number of
layers; every size, kernel and filter in the file has to agree with them.
Karras et al. 2021, "Alias-Free Generative Adversarial Networks", sections 3.2 and C.1.
"""

import math
import re
from itertools import pairwise

from latty.models.base import Shapes
from latty.models.families.stylegan3.network import StyleGAN3Config, StyleGAN3LayerConfig

LAYER = re.compile(r"L(\d{1,3})_\d{1,5}_\d{1,5}", re.ASCII)  # its number, px, channels
CRITICAL = 2  # layers at the end that are critically sampled
FIRST_CUTOFF, FIRST_STOPBAND = 2.0, 2**2.1  # cycles per picture
LAST_STOPBAND = 2**0.3  # of the last cutoff
MARGIN = 10  # px around the picture
TAPS, LEAKY_UP = 6, 2  # of a filter, for each step up or down; a layer's own oversampling
CLAMP, OUTPUT_SCALE, MAPPING_LR = 256.0, 0.25, 0.01


def config_of(shapes: Shapes) -> StyleGAN3Config | None:
    """The config whose layers have these names and shapes, such as (O, I, k, k); None where they
    are not those of NVIDIA's settings."""
    found = {name.split(".")[1] for name in shapes if name.startswith("synthesis.L")}
    names = sorted(found, key=_number)
    if len(names) < CRITICAL + 2 or [_number(name) for name in names] != [*range(len(names))]:
        return None
    size, channels = (int(part) for part in names[-1].split("_")[1:])
    rates, sizes, cutoff = _bands(size, len(names) - 1)
    layers = []
    for i, name in enumerate(names):
        before = max(i - 1, 0)
        around = (rates[before], rates[i]), (sizes[before], sizes[i])
        layer = _layer(name, shapes, *around, torgb=i == len(names) - 1)
        if layer is None or int(name.split("_")[1]) != layer.out_size:
            return None
        layers.append(layer)
    if any(a.outputs != b.inputs for a, b in pairwise(layers)):
        return None
    width, count = shapes["synthesis.input.affine.weight"][1], _mapping_layers(shapes)
    embedded, classes = shapes.get("mapping.embed.weight", (0, 0))
    first = shapes["mapping.fc0.weight"]
    return StyleGAN3Config(
        z_dim=first[1] - embedded,
        w_dim=width,
        c_dim=classes,
        resolution=size,
        img_channels=channels,
        input_channels=shapes["synthesis.input.weight"][0],
        input_size=sizes[0],
        sampling_rate=rates[0],
        bandwidth=cutoff,
        layers=tuple(layers),
        mapping_layers=count,
        mapping_lr=MAPPING_LR,
        mapping_activation="lrelu",
        embed_dim=embedded,
        hidden_dim=first[0] if count > 1 else 0,
        output_scale=OUTPUT_SCALE,
    )


def _number(name: str) -> int:
    """The number of a layer; -1 for the name of none."""
    match = LAYER.fullmatch(name)
    return int(match[1]) if match else -1


def _mapping_layers(shapes: Shapes) -> int:
    return sum(name.startswith("mapping.fc") and name.endswith(".weight") for name in shapes)


def _bands(size: int, last: int) -> tuple[list[float], list[int], float]:
    """Sampling rate and size of each layer's pictures, of `last` + 1 layers, and the first cutoff:
    cutoffs and stopbands grow geometrically up to the critically sampled layers."""
    top = size / 2
    rates, sizes = [], []
    for i in range(last + 1):
        grown = min(i / (last - CRITICAL), 1.0)
        stopband = FIRST_STOPBAND * (top * LAST_STOPBAND / FIRST_STOPBAND) ** grown
        rates.append(float(2 ** math.ceil(math.log2(min(stopband * 2, size)))))
        sizes.append(int(rates[-1]) + 2 * MARGIN)
    return rates, [*sizes[:-2], size, size], FIRST_CUTOFF


def _layer(
    name: str, shapes: Shapes, rates: tuple[float, float], sizes: tuple[int, int], torgb: bool
) -> StyleGAN3LayerConfig | None:
    """One layer between pictures of these sampling rates and sizes; None where the file's kernel or
    filters are others."""
    weight = shapes.get(f"synthesis.{name}.weight", ())
    if len(weight) != 4:
        return None
    outputs, inputs, kernel, _ = weight
    inner = max(rates) * (1 if torgb else LEAKY_UP)
    up, down = round(inner / rates[0]), round(inner / rates[1])
    taps = [TAPS * n if n > 1 and not torgb else 1 for n in (up, down)]
    for kind, wanted in zip(("up_filter", "down_filter"), taps, strict=True):
        shape = shapes.get(f"synthesis.{name}.{kind}", (1,))
        if any(n != wanted for n in shape):
            return None
    total = (sizes[1] - 1) * down + 1 - (sizes[0] + kernel - 1) * up + sum(taps) - 2
    low = (total + up) // 2
    return StyleGAN3LayerConfig(
        name=name,
        inputs=inputs,
        outputs=outputs,
        in_size=sizes[0],
        out_size=sizes[1],
        kernel=kernel,
        up=up,
        down=down,
        padding=(low, total - low),
        clamp=CLAMP,
        torgb=torgb,
    )
