"""Checkpoints of encoders, as pSp, e4e and ReStyle write them: a generator and its other half."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

WIDTH, SIZE = 8, 8


def rosinality() -> dict[str, Tensor]:
    """The tensors of a small StyleGAN2, random, in rosinality's names."""
    shapes: dict[str, tuple[int, ...]] = {"input.input": (1, WIDTH, 4, 4)}
    for i in (1, 2):
        shapes |= {f"style.{i}.weight": (WIDTH, WIDTH), f"style.{i}.bias": (WIDTH,)}
    convs = ["conv1", "convs.0", "convs.1", "to_rgb1", "to_rgbs.0"]
    for name in convs:
        rgb = name.startswith("to_rgb")
        kernel = (1, 3, WIDTH, 1, 1) if rgb else (1, WIDTH, WIDTH, 3, 3)
        shapes |= {f"{name}.conv.weight": kernel}
        shapes |= {f"{name}.conv.modulation.weight": (WIDTH, WIDTH)}
        shapes |= {f"{name}.conv.modulation.bias": (WIDTH,)}
        more = {"bias": (1, 3, 1, 1)} if rgb else {"noise.weight": (1,), "activate.bias": (WIDTH,)}
        shapes |= {f"{name}.{key}": shape for key, shape in more.items()}
    shapes |= {f"noises.noise_{i}": (1, 1, s, s) for i, s in enumerate((4, 8, 8))}
    draw = torch.Generator().manual_seed(7)
    return {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}


def encoder(channels: int = 3) -> dict[str, Tensor]:
    return {
        "encoder.input_layer.0.weight": torch.randn(4, channels, 3, 3),
        "encoder.body.0.res_layer.0.num_batches_tracked": torch.tensor(3),
    }


OPTS = {"stylegan_size": SIZE, "encoder_type": "Encoder4Editing", "checkpoint_path": "/home/x/y.pt"}
KINDS: dict[str, Any] = {
    "e4e": (encoder(), OPTS),
    "Namespace": (encoder(), Namespace(**OPTS)),
    "ReStyle": (encoder(6), {**OPTS, "input_nc": 6}),
    "DataParallel": (encoder(), OPTS),
    "decoder only": ({}, OPTS),
}


def written(path: Path, kind: str, generator: dict[str, Tensor], mean: Tensor) -> Path:
    other, opts = KINDS[kind]
    state = {**{f"decoder.{n}": t for n, t in generator.items()}, **other}
    if kind == "DataParallel":
        state = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save({"state_dict": state, "latent_avg": mean, "opts": opts}, path)
    return path
