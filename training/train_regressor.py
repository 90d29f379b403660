"""Train the network that reads the factors off a picture.

    python -m training.train_regressor --data DATA --out RUN/regressor.safetensors --images 600000

Each factor's squared error is divided by its variance; the fine ones (smile, mouth_open, gaze,
brow) count more. Pictures are shifted in tone, blurred and made noisy at random, so that pictures
of a trained generator are read as well as clean renders.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.attributes.scorers.factors.network import WIDTHS, Regressor
from latty.models.families.portraits.renderer import NAMES
from training.networks import channels_last, fold, write_regressor
from training.prerender import load_shards

SWITCH = NAMES.index("glasses")
FINE = {"smile": 2.0, "mouth_open": 2.0, "gaze": 2.0, "brow": 2.0, "fringe": 1.5, "eye_size": 1.5}
HELD_OUT = 2048


def worsen(images: Tensor, draw: torch.Generator) -> Tensor:
    """A random blur on a third of the pictures and a little noise on all (N, 3, H, W)."""
    n = len(images)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.rand(n, 1, 1, 1, generator=draw) - 0.5
    images = images + (blurred - images) * share.clamp(min=0) * 1.6
    level = 0.06 * torch.rand(n, 1, 1, 1, generator=draw)
    return images + level * torch.randn(images.shape, generator=draw)


def error(predicted: Tensor, factors: Tensor, variance: Tensor) -> Tensor:
    """Weighted error relative to each factor's variance, and cross entropy for the switch."""
    weight = torch.tensor([FINE.get(name, 1.0) for name in NAMES])
    relative = (predicted - factors).square() / variance * weight
    keep = [i for i in range(len(NAMES)) if i != SWITCH]
    switch = F.binary_cross_entropy_with_logits(predicted[:, SWITCH], factors[:, SWITCH])
    return relative[:, keep].mean() + 0.1 * switch


def scores(network: Regressor, images: Tensor, factors: Tensor) -> dict[str, float]:
    """R2 of each factor on pictures in 0..255, and the share of right switches."""
    parts = [network(part.float() / 127.5 - 1) for part in torch.split(images, 256)]
    predicted = torch.cat(parts).float()
    left = (predicted - factors).square().mean(0) / factors.var(0)
    result = {name: round(1 - float(left[i]), 4) for i, name in enumerate(NAMES)}
    right = (predicted[:, SWITCH] > 0) == (factors[:, SWITCH] > 0.5)
    return {**result, "glasses": round(float(right.float().mean()), 4)}


def train(options: argparse.Namespace) -> dict[str, float]:
    """Train, write and score; the last pictures of the data are held out."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    data = load_shards(sorted(options.data.glob("*.safetensors")))
    images, factors = data["images"], data["factors"]
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    test, seen = order[:HELD_OUT], order[HELD_OUT:]
    variance = factors.var(0)
    network = Regressor(options.widths, options.hidden, norm=True)
    channels_last(network)
    steps = options.images // options.batch
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=2e-2)
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.lr, total_steps=steps, pct_start=0.15
    )
    draw, began = torch.Generator().manual_seed(options.seed), time.monotonic()
    for step in range(steps):
        rows = seen[torch.randint(0, len(seen), (options.batch,), generator=draw)]
        batch = worsen(images[rows].float() / 127.5 - 1, draw)
        batch = batch.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
            predicted = network(batch)
        loss = error(predicted.float(), factors[rows], variance)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        rate.step()
        if step % 200 == 0 or step == steps - 1:
            with torch.no_grad():
                plain = fold(network.eval()).eval()
                table = scores(plain, images[test[:512]], factors[test[:512]])
            network.train()
            line = {"step": step, "steps": steps, "loss": float(loss.detach())}
            line["seconds"] = round(time.monotonic() - began)
            print(json.dumps({**line, **table}), file=sys.stderr, flush=True)
    network.eval()
    notes = {"images": str(options.images), "seed": str(options.seed)}
    write_regressor(network, options.out, notes)
    with torch.no_grad():
        return scores(fold(network).eval(), images[test], factors[test])


def main(arguments: list[str] | None = None) -> None:
    """The command line; prints the held-out scores as JSON."""
    parser = argparse.ArgumentParser(description="Train the factor regressor.")
    parser.add_argument("--data", type=Path, required=True, help="folder of shards")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--images", type=int, default=600_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--hidden", type=int, default=160)
    parser.add_argument("--widths", type=int, nargs="+", default=list(WIDTHS))
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    print(json.dumps(train(parser.parse_args(arguments)), indent=1))


if __name__ == "__main__":
    main()
