"""Render the training set of the embedded models to shards on disk.

    python -m training.prerender --out DATA --images 40960            # for the generator
    python -m training.prerender --out DATA --images 40960 --pose 1 --seed 7   # for the regressor

A shard is one safetensors file: z and z_above (n, Z) float32, cut (n,) int64, factors (n, 23)
float32, images (n, 3, H, W) uint8. A quarter of the pictures are mixed: their codes from layer
`cut` on belong to z_above (elsewhere cut is 99 and z_above unused). Shards are written whole or
not at all, and those already there are kept.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from latty.models.families.portraits.renderer import render
from training.latents import CUTS, POSE_RANGE, Z_DIM, factors_of, mix

SHARD = 4096
BATCH = 32
MIXED = 0.25  # share of the pictures that two latents share
NOT_MIXED = 99  # a cut above every layer


def to_bytes(pictures: Tensor) -> Tensor:
    """Pictures in 0..1 to uint8, rounded."""
    return (pictures.clamp(0, 1) * 255 + 0.5).to(torch.uint8)


def save_atomically(tensors: dict[str, Tensor], path: Path) -> None:
    """Write a safetensors file so that a kill at any moment leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def shard_path(folder: Path, seed: int, index: int, pose: float, size: int) -> Path:
    """Where a shard lies; everything that decides its content is in the name."""
    return folder / f"faces-{size}px-pose{pose:g}-seed{seed}-{index:03d}.safetensors"


def make_shard(
    count: int, size: int, seed: int, pose: float, draw: Callable[..., Tensor] = render
) -> dict[str, Tensor]:
    """Latents, factors and pictures of one shard."""
    random = np.random.RandomState(seed)
    z, above = torch.from_numpy(random.randn(2, count, Z_DIM).astype(np.float32))
    cut = np.where(random.rand(count) < MIXED, random.choice(CUTS, count), NOT_MIXED)
    cuts = torch.from_numpy(cut.astype(np.int64))
    factors = mix(factors_of(z, pose), factors_of(above, pose), cuts)
    images = torch.empty(count, 3, size, size, dtype=torch.uint8)
    with torch.no_grad():
        for i in range(0, count, BATCH):
            part = factors[i : i + BATCH]
            painter = draw if len(part) == BATCH else render  # other shapes would compile again
            images[i : i + BATCH] = to_bytes(painter(part, size))
    return {"z": z, "z_above": above, "cut": cuts, "factors": factors, "images": images}


def load_shards(paths: list[Path]) -> dict[str, Tensor]:
    """Shards joined: the tensors of a shard."""
    parts = [load_file(path) for path in paths]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def ensure_data(
    folder: Path, images: int, size: int, seed: int, pose: float, compiled: bool = False
) -> list[Path]:
    """Paths of enough shards for `images` pictures; the missing ones are rendered."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = torch.compile(render, dynamic=False) if compiled else render
    paths, began = [], time.monotonic()
    for index in range((images + SHARD - 1) // SHARD):
        count = min(SHARD, images - index * SHARD)
        path = shard_path(folder, seed, index, pose, size)
        if count < SHARD:
            path = path.with_name(f"{path.stem}-first{count}.safetensors")
        paths.append(path)
        if not path.exists():
            save_atomically(make_shard(count, size, seed * 1000 + index, pose, draw), path)
            print(f"{path.name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return paths


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Render portraits with known factors to shards.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=40960)
    parser.add_argument("--size", type=int, default=64, help="px")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pose", type=float, default=POSE_RANGE, help="range of the six poses")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="faster; needs a C++ compiler")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    ensure_data(
        options.out, options.images, options.size, options.seed, options.pose, options.compile
    )


if __name__ == "__main__":
    main()
